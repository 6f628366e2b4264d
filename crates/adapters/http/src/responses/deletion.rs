//! The JSON of a deletion.

use domain::{DeletedObject, Deletion, Name, Uuid};
use serde::Serialize;
use utoipa::ToSchema;

use super::Iso8601;
use crate::openapi::texts;

texts!(
    /// What was deleted.
    DeletedKind: "call" A, "contact" B
);

/// A deleted call or contact.
#[derive(Serialize, ToSchema)]
#[schema(as = Deletion)]
pub struct DeletionResource<'a> {
    #[schema(inline, value_type = DeletedKind)]
    object: &'static str,
    /// The id that it had.
    #[schema(example = 5)]
    id: i64,
    /// The globally unique id that it had.
    uuid: Uuid,
    /// The external id of a call that had one.
    external_id: Option<&'a str>,
    #[schema(value_type = String, format = DateTime, example = "2018-02-03T10:00:00Z")]
    deleted_at: Iso8601,
}

impl<'a> From<&'a Deletion> for DeletionResource<'a> {
    fn from(deletion: &'a Deletion) -> Self {
        let object = match deletion.object {
            DeletedObject::Call => "call",
            DeletedObject::Contact => "contact",
        };
        Self {
            object,
            id: deletion.id,
            uuid: deletion.uuid,
            external_id: deletion.external_id.as_ref().map(Name::as_str),
            deleted_at: Iso8601(deletion.deleted_at),
        }
    }
}
