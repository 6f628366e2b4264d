//! The contact fields in the body of a request that creates or changes a contact.

use domain::{ContactFieldKind, Name, NewContact, NewContactField};
use serde::de::{MapAccess, SeqAccess};
use utoipa::ToSchema;

use super::deserializer::Skipped;
use super::field::{Field, FieldValue, Violation};

/// A way to reach a contact.
#[derive(Debug, ToSchema)]
#[schema(as = ContactFieldInput)]
pub struct ContactFieldRequest {
    /// One of `GET /contactfieldtypes`.
    #[schema(value_type = i64, example = 2)]
    contact_field_type_id: Field<i64>,
    /// The address or number, 1 to 255 characters.
    #[schema(value_type = String, max_length = 255, min_length = 1, example = "+1 555 0100")]
    data: Field<Name>,
}

impl ContactFieldRequest {
    fn into_new_field(self) -> Result<NewContactField, Violation> {
        let kind = self.contact_field_type_id.value().and_then(ContactFieldKind::new).ok_or(Violation::SELECTED)?;
        match self.data {
            Field::Value(data) => Ok(NewContactField { kind, data }),
            Field::Invalid(violation) => Err(violation),
            Field::Null => Err(Violation::REQUIRED),
            Field::Absent => Err(Violation::STRING),
        }
    }
}

// A derived `Deserialize` rejects a member that occurs twice and a value that is not an object.
impl FieldValue for ContactFieldRequest {
    const WRONG_TYPE: Violation = Violation::SELECTED;

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Result<Self, Violation>, A::Error> {
        let mut field = Self { contact_field_type_id: Field::Absent, data: Field::Absent };
        while let Some(name) = object.next_key::<String>()? {
            match name.as_str() {
                "contact_field_type_id" => field.contact_field_type_id = object.next_value()?,
                "data" => field.data = object.next_value()?,
                _ => {
                    let Skipped = object.next_value()?;
                }
            }
        }
        Ok(Ok(field))
    }
}

/// A list of contact fields. Its violation is that of its length or of its first invalid item.
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
