//! The contact fields in the body of a request that creates or changes a contact.

use domain::{ContactFieldKind, Name, NewContact, NewContactField};
use serde::de::{MapAccess, SeqAccess};
use utoipa::ToSchema;

use super::deserializer::Skipped;
use super::field::{Field, FieldValue, Violation};
use super::values::ShownId;

/// A contact field: a way to reach the contact.
#[derive(Debug, ToSchema)]
#[schema(as = ContactFieldInput)]
pub struct ContactFieldRequest {
    /// The kind, by an id of `GET /contactfieldtypes`.
    #[schema(value_type = i64, example = 2)]
    contact_field_type_id: Field<ShownId>,
    /// The address or number, 1 to 255 characters. In the form of `with=contactfields`, it is `content`, and the kind is
    /// the `id` in `contact_field_type`.
    #[schema(value_type = String, max_length = 255, min_length = 1, example = "+1 555 0100")]
    data: Field<Name>,
}

impl ContactFieldRequest {
    fn into_new_field(self) -> Result<NewContactField, Violation> {
        let id = self.contact_field_type_id.value();
        let kind = id.and_then(|ShownId(id)| ContactFieldKind::new(id)).ok_or(Violation::SELECTED)?;
        match self.data {
            Field::Value(data) => Ok(NewContactField { kind, data }),
            Field::Invalid(violation) => Err(violation),
            Field::Null | Field::Absent => Err(Violation::REQUIRED),
        }
    }
}

// A derived `Deserialize` rejects a member that occurs twice and a value that is not an object.
impl FieldValue for ContactFieldRequest {
    const WRONG_TYPE: Violation = Violation::SELECTED;

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Result<Self, Violation>, A::Error> {
        let mut field = Self { contact_field_type_id: Field::Absent, data: Field::Absent };
        let (mut shown_type, mut shown_data) = (Field::Absent, Field::Absent);
        while let Some(name) = object.next_key::<String>()? {
            match name.as_str() {
                "contact_field_type_id" => field.contact_field_type_id = object.next_value()?,
                "data" => field.data = object.next_value()?,
                "contact_field_type" => shown_type = object.next_value()?,
                "content" => shown_data = object.next_value()?,
                _ => {
                    let Skipped = object.next_value()?;
                }
            }
        }
        if field.contact_field_type_id.is_absent() {
            field.contact_field_type_id = shown_type;
        }
        if field.data.is_absent() {
            field.data = shown_data;
        }
        Ok(Ok(field))
    }
}

/// A list of contact fields. The violation is that of the length or of the first invalid item.
impl FieldValue for Vec<NewContactField> {
    const WRONG_TYPE: Violation = Violation::ARRAY;

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Result<Self, Violation>, A::Error> {
        let mut fields = Ok(Vec::new());
        let mut length = 0;
        while let Some(item) = list.next_element::<Field<ContactFieldRequest>>()? {
            length += 1;
            let field = item.value().ok_or(Violation::SELECTED).and_then(ContactFieldRequest::into_new_field);
            match (&mut fields, field) {
                (Ok(fields), Ok(field)) if length <= NewContact::MAX_FIELDS => fields.push(field),
                (Ok(_), Err(violation)) => fields = Err(violation),
                _ => {}
            }
        }
        Ok(if length > NewContact::MAX_FIELDS { Err(Violation::OVER_100_ITEMS) } else { fields })
    }
}
