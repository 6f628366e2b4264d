//! Contact fields: the body of a request that writes one, and the items of the list in the body of a contact.

use domain::{ContactFieldId, ContactFieldKind, ContactId, Name, NamedField, NewContact, NewContactField};
use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess};
use serde_json::Number;
use utoipa::ToSchema;
use validator::Validate;

use super::body::RequestBody;
use super::deserializer::Skipped;
use super::field::{Field, FieldValue, Violation};
use super::validate;
use super::values::ShownId;
use crate::responses::error::{ApiError, ApiResult};

/// A contact field to add, or the new content of a contact field. Members that are not listed are ignored.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[validate(nest_all_fields)]
#[schema(as = ContactFieldInput, example = json!({"contact_id": 1, "contact_field_type_id": 2, "data": "+1 555 0100"}))]
pub struct ContactFieldRequest {
    /// The contact that has the field. On PUT, another contact than before moves the field.
    #[validate(custom(function = "Field::require"))]
    #[schema(value_type = i64, minimum = 1, example = 1)]
    contact_id: Field<Option<ContactId>>,
    /// The kind, by an id of `GET /contactfieldtypes`.
    #[validate(custom(function = "Field::require"))]
    #[schema(value_type = i64, minimum = 1, example = 2)]
    contact_field_type_id: Field<ContactFieldKind>,
    /// The address or number, 1 to 255 characters.
    #[validate(custom(function = "Field::require"))]
    #[schema(value_type = String, max_length = 255, min_length = 1, example = "+1 555 0100")]
    data: Field<Name>,
    /// The contact as GET shows it. Its `id` is used if `contact_id` is absent.
    #[validate(skip)]
    #[schema(value_type = Option<Object>)]
    contact: Field<ShownId>,
    /// The kind as GET shows it. Its `id` is used if `contact_field_type_id` is absent.
    #[validate(skip)]
    #[schema(value_type = Option<Object>)]
    contact_field_type: Field<ShownId>,
    /// The address or number as GET shows it, which is used if `data` is absent.
    #[validate(skip)]
    #[schema(value_type = Option<String>)]
    content: Field<Name>,
}

impl RequestBody for ContactFieldRequest {}

impl ContactFieldRequest {
    /// Validates the request and returns the field with its contact. `NotFound` if no contact can have the id.
    pub fn into_field(mut self) -> ApiResult<(ContactId, NewContactField)> {
        if let (Field::Absent, Field::Value(ShownId(id))) = (&self.contact_id, &self.contact) {
            self.contact_id = Field::Value(ContactId::new(*id));
        }
        if let (Field::Absent, Field::Value(ShownId(id))) = (&self.contact_field_type_id, &self.contact_field_type) {
            self.contact_field_type_id = kind(*id).into();
        }
        if self.data.is_absent() {
            self.data = self.content.clone();
        }
        validate(&self, ())?;
        let required = |name| move || Violation::REQUIRED.of(name);
        let contact = self.contact_id.value().ok_or_else(required("contact_id"))?.ok_or(ApiError::NotFound)?;
        let kind = self.contact_field_type_id.value().ok_or_else(required("contact_field_type_id"))?;
        let data = self.data.value().ok_or_else(required("data"))?;
        Ok((contact, NewContactField { kind, data }))
    }
}

/// A kind of contact field, by id.
impl FieldValue for ContactFieldKind {
    const WRONG_TYPE: Violation = Violation::INTEGER;

    fn from_text(text: &str) -> Result<Self, Violation> {
        kind(i64::from_text(text)?)
    }

    fn from_number(number: &Number) -> Result<Self, Violation> {
        kind(i64::from_number(number)?)
    }
}

fn kind(id: i64) -> Result<ContactFieldKind, Violation> {
    ContactFieldKind::new(id).ok_or(Violation::SELECTED)
}

/// A contact field in the body of a contact: a way to reach the contact.
#[derive(Debug, ToSchema)]
#[schema(as = ListedContactFieldInput)]
pub struct ListedField {
    /// The contact field to change. Absent for one to add.
    #[schema(value_type = Option<i64>, minimum = 1)]
    id: Field<i64>,
    /// The kind, by an id of `GET /contactfieldtypes`.
    #[schema(value_type = i64, example = 2)]
    contact_field_type_id: Field<ShownId>,
    /// The address or number, 1 to 255 characters. In the form of `with=contactfields`, it is `content`, and the kind is
    /// the `id` in `contact_field_type`.
    #[schema(value_type = String, max_length = 255, min_length = 1, example = "+1 555 0100")]
    data: Field<Name>,
}

impl ListedField {
    fn into_named_field(self) -> Result<NamedField, Violation> {
        let kind = self.contact_field_type_id.value().ok_or(Violation::SELECTED).and_then(|ShownId(id)| kind(id))?;
        let data = match self.data {
            Field::Value(data) => data,
            Field::Invalid(violation) => return Err(violation),
            Field::Null | Field::Absent => return Err(Violation::REQUIRED),
        };
        let id = self.id.value().and_then(ContactFieldId::new);
        Ok(NamedField { id, content: NewContactField { kind, data } })
    }
}

// A derived `Deserialize` rejects a member that occurs twice and a value that is not an object.
impl FieldValue for ListedField {
    const WRONG_TYPE: Violation = Violation::SELECTED;

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Result<Self, Violation>, A::Error> {
        let mut field = Self { id: Field::Absent, contact_field_type_id: Field::Absent, data: Field::Absent };
        let (mut shown_type, mut shown_data) = (Field::Absent, Field::Absent);
        while let Some(name) = object.next_key::<String>()? {
            match name.as_str() {
                "id" => field.id = object.next_value()?,
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
impl FieldValue for Vec<NamedField> {
    const WRONG_TYPE: Violation = Violation::ARRAY;

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Result<Self, Violation>, A::Error> {
        let mut fields = Ok(Vec::new());
        let mut length = 0;
        while let Some(item) = list.next_element::<Field<ListedField>>()? {
            length += 1;
            let field = item.value().ok_or(Violation::SELECTED).and_then(ListedField::into_named_field);
            match (&mut fields, field) {
                (Ok(fields), Ok(field)) if length <= NewContact::MAX_FIELDS => fields.push(field),
                (Ok(_), Err(violation)) => fields = Err(violation),
                _ => {}
            }
        }
        Ok(if length > NewContact::MAX_FIELDS { Err(Violation::OVER_100_ITEMS) } else { fields })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::deserializer::RequestDeserializer;
    use super::*;

    fn field(body: &Value) -> ApiResult<(i64, i64, String)> {
        let request = ContactFieldRequest::deserialize(RequestDeserializer::json("", &body.to_string())).unwrap();
        request.into_field().map(|(contact, field)| (contact.get(), field.kind.id(), field.data.to_string()))
    }

    fn violations(body: &Value) -> Vec<String> {
        match field(body) {
            Err(ApiError::Invalid(sentences)) => sentences,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn accepts_a_field_as_monica_does_and_as_get_shows_it() {
        let expected = (7, 2, "+1 555 0100".to_owned());
        let body = json!({"contact_id": "7", "contact_field_type_id": 2, "data": " +1 555 0100 ", "labels": ["work"]});
        assert_eq!(field(&body).unwrap(), expected);
        let shown = json!({"id": 1, "content": "+1 555 0100", "contact_field_type": {"id": 2, "name": "Phone"}, "labels": [], "contact": {"id": 7}});
        assert_eq!(field(&shown).unwrap(), expected);
        let both = json!({"contact_id": 7, "contact": {"id": 8}, "contact_field_type_id": 2, "contact_field_type": {"id": 1}, "data": "+1 555 0100", "content": "x"});
        assert_eq!(field(&both).unwrap(), expected);
        assert!(matches!(
            field(&json!({"contact_id": 0, "contact_field_type_id": 2, "data": "x"})),
            Err(ApiError::NotFound)
        ));
    }

    #[test]
    fn reports_all_violations_in_monicas_order() {
        let required = [
            "The contact id field is required.",
            "The contact field type id field is required.",
            "The data field is required.",
        ];
        assert_eq!(violations(&json!({})), required);
        assert_eq!(violations(&json!({"contact_id": null, "contact_field_type_id": "", "data": " "})), required);
        let wrong = [
            "The contact id must be an integer.",
            "The selected contact field type id is invalid.",
            "The data must be a string.",
        ];
        assert_eq!(violations(&json!({"data": 5, "contact_field_type_id": 8, "contact_id": "x"})), wrong);
        let long = json!({"contact_id": 1, "contact_field_type_id": [2], "data": "x".repeat(256)});
        let wrong =
            ["The contact field type id must be an integer.", "The data may not be greater than 255 characters."];
        assert_eq!(violations(&long), wrong);
    }
}
