//! The JSON of a contact field.

use domain::{ContactField, ContactSummary, Uuid};
use serde::Serialize;
use utoipa::ToSchema;

use super::short_contact::ShortContactResource;
use super::{AccountRef, ContactFieldTypeResource, Iso8601, ResponseContext};

/// A contact field: a way to reach the contact.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactField)]
pub struct ContactFieldResource<'a> {
    #[schema(example = 1)]
    id: i64,
    uuid: Uuid,
    #[schema(example = "contactfield")]
    object: &'static str,
    /// The address or number.
    #[schema(example = "+1 555 0100")]
    content: &'a str,
    contact_field_type: ContactFieldTypeResource,
    /// Always empty. Callbook stores no labels.
    #[schema(value_type = Vec<String>)]
    labels: [(); 0],
    account: AccountRef,
    contact: ShortContactResource<'a>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Iso8601,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Iso8601,
}

impl<'a> ContactFieldResource<'a> {
    /// Converts a field of the contact.
    pub fn new(field: &'a ContactField, contact: &'a ContactSummary, context: &ResponseContext) -> Self {
        Self {
            id: field.id.get(),
            uuid: field.uuid,
            object: "contactfield",
            content: field.content.data.as_str(),
            contact_field_type: ContactFieldTypeResource::new(field.content.kind, contact.account),
            labels: [],
            account: contact.account.into(),
            contact: ShortContactResource::new(contact, context),
            created_at: Iso8601(field.created_at),
            updated_at: Iso8601(field.updated_at),
        }
    }
}

/// One contact field.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactFieldBody)]
pub struct ContactFieldResponse<'a> {
    /// The contact field.
    pub data: ContactFieldResource<'a>,
}
