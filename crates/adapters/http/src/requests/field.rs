//! A member of a request body, parsed while the body is deserialised.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use domain::trim;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Number;
use validator::{Validate, ValidationError, ValidationErrors};

use super::deserializer::Skipped;
use crate::responses::error::ApiError;

/// A member of a request body. A text is trimmed first; a blank one is null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field<T> {
    /// The body lacks the member.
    Absent,
    /// The member is null or a blank text.
    Null,
    /// The member has a value that `T` does not accept.
    Invalid(Violation),
    /// The member has this value.
    Value(T),
}

impl<T> Field<T> {
    /// Whether the body lacks the member.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Returns the value. `None` if there is no valid one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null | Self::Invalid(_) => None,
        }
    }

    /// Returns a reference to the value. `None` if there is no valid one.
    pub fn as_value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null | Self::Invalid(_) => None,
        }
    }

    /// Returns the change of a stored value: `None` if the member is absent, `Some(None)` if it is null.
    pub fn change(self) -> Option<Option<T>> {
        (!self.is_absent()).then(|| self.value())
    }

    /// Checks that the member is neither absent nor null.
    pub fn require(&self) -> Result<(), ValidationError> {
        match self {
            Self::Absent | Self::Null => Err(Violation::REQUIRED.into()),
            Self::Invalid(_) | Self::Value(_) => Ok(()),
        }
    }
}

impl<T> Validate for Field<T> {
    /// Reports the violation of an invalid value, with an empty field name: `super::validate` fills in the name.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let Self::Invalid(violation) = self else { return Ok(()) };
        let mut errors = ValidationErrors::new();
        errors.add("", violation.clone().into());
        Err(errors)
    }
}

impl<T> Serialize for Field<T> {
    /// Serialises nothing. `validator` copies an invalid value into its error, where it is not used.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de, T: FieldValue> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

/// The type of a member. Each method parses one JSON type; the default is that the type is invalid.
pub trait FieldValue: Sized {
    /// The violation of a value of another JSON type.
    const WRONG_TYPE: Violation;

    /// Parses a text that is trimmed and not blank.
    fn from_text(_: &str) -> Result<Self, Violation> {
        Err(Self::WRONG_TYPE)
    }

    /// Parses a number.
    fn from_number(_: &Number) -> Result<Self, Violation> {
        Err(Self::WRONG_TYPE)
    }

    /// Parses a boolean.
    fn from_bool(_: bool) -> Result<Self, Violation> {
        Err(Self::WRONG_TYPE)
    }

    /// Parses a list. Must read it to its end.
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Result<Self, Violation>, A::Error> {
        while list.next_element::<Skipped>()?.is_some() {}
        Ok(Err(Self::WRONG_TYPE))
    }

    /// Parses an object. Must read it to its end.
    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Result<Self, Violation>, A::Error> {
        while object.next_entry::<Skipped, Skipped>()?.is_some() {}
        Ok(Err(Self::WRONG_TYPE))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: FieldValue> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_none<E: Error>(self) -> Result<Field<T>, E> {
        Ok(Field::Absent)
    }

    fn visit_unit<E: Error>(self) -> Result<Field<T>, E> {
        Ok(Field::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Field<T>, E> {
        Ok(T::from_bool(truth).into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Field<T>, E> {
        Ok(T::from_number(&number.into()).into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Field<T>, E> {
        Ok(T::from_number(&number.into()).into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Field<T>, E> {
        Ok(Number::from_f64(number).map_or(Err(T::WRONG_TYPE), |number| T::from_number(&number)).into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Field<T>, E> {
        Ok(match trim(text) {
            "" => Field::Null,
            text => T::from_text(text).into(),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Field<T>, A::Error> {
        T::from_list(list).map(Field::from)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Field<T>, A::Error> {
        T::from_object(object).map(Field::from)
    }
}

impl<T> From<Result<T, Violation>> for Field<T> {
    fn from(parsed: Result<T, Violation>) -> Self {
        parsed.map_or_else(Self::Invalid, Self::Value)
    }
}

/// Why a value is not valid: Laravel's sentence, with `{}` in place of the field's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(Cow<'static, str>);

impl Violation {
    /// The field is required.
    pub const REQUIRED: Self = Self(Cow::Borrowed("The {} field is required."));
    /// The value is not one of the allowed ones.
    pub const SELECTED: Self = Self(Cow::Borrowed("The selected {} is invalid."));
    /// The value is not an integer.
    pub const INTEGER: Self = Self(Cow::Borrowed("The {} must be an integer."));
    /// The value is not a date.
    pub const DATE: Self = Self(Cow::Borrowed("The {} is not a valid date."));
    /// The value is not a text.
    pub const STRING: Self = Self(Cow::Borrowed("The {} must be a string."));
    /// The value is not a boolean.
    pub const BOOLEAN: Self = Self(Cow::Borrowed("The {} field must be true or false."));
    /// The value is not a list.
    pub const ARRAY: Self = Self(Cow::Borrowed("The {} must be an array."));
    /// The list has more than 100 items.
    pub const OVER_100_ITEMS: Self = Self(Cow::Borrowed("The {} may not have more than 100 items."));
    /// The text contains U+0000.
    pub const NUL: Self = Self(Cow::Borrowed("The {} may not contain the character U+0000."));

    /// The text has more characters than this.
    pub fn longer_than(characters: usize) -> Self {
        Self(format!("The {{}} may not be greater than {characters} characters.").into())
    }

    /// The list has more items than this.
    pub fn more_items_than(items: usize) -> Self {
        Self(format!("The {{}} may not have more than {items} items.").into())
    }

    /// The number is outside of this range.
    pub fn not_between(min: i32, max: i32) -> Self {
        Self(format!("The {{}} must be between {min} and {max}.").into())
    }

    /// Returns the sentence about the field of this name.
    pub fn about(&self, field: &str) -> String {
        self.0.replace("{}", &field.replace('_', " "))
    }

    /// Returns the error response that reports this violation alone.
    pub fn of(&self, field: &str) -> ApiError {
        ApiError::Invalid(vec![self.about(field)])
    }
}

impl From<Violation> for ValidationError {
    fn from(violation: Violation) -> Self {
        Self::new("violation").with_message(violation.0)
    }
}

impl From<&ValidationError> for Violation {
    /// Restores the violation of a validation error.
    fn from(error: &ValidationError) -> Self {
        Self(error.message.clone().unwrap_or_else(|| error.code.clone()))
    }
}

#[cfg(test)]
mod tests {
    use domain::Name;

    use super::*;

    fn name(json: &str) -> Field<Name> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn distinguishes_an_absent_member_from_null_and_blank() {
        for json in ["null", r#""""#, r#"" \u200b""#] {
            assert_eq!(name(json), Field::Null, "{json}");
            assert_eq!(name(json).change(), Some(None), "{json}");
        }
        assert_eq!(Field::<Name>::Absent.change(), None);
        assert_eq!(name(r#""x""#).change(), Some(Name::parse("x").ok()));
    }

    #[test]
    fn an_invalid_value_is_a_violation_instead_of_an_error() {
        for json in ["5", "-5", "1.5", "true", "[[1], {}]", r#"{"a": [1]}"#] {
            assert_eq!(name(json), Field::Invalid(Violation::STRING), "{json}");
        }
        assert!(serde_json::from_str::<Field<Name>>(r#"["\ud800"]"#).is_err());
    }

    #[test]
    fn a_violation_names_its_field_in_words() {
        let error = ValidationError::from(Violation::REQUIRED);
        assert_eq!(Violation::from(&error).about("contact_id"), "The contact id field is required.");
        assert_eq!(Violation::longer_than(255).about("name"), "The name may not be greater than 255 characters.");
    }
}
