//! Values of a request body as they were typed, and how each becomes a value of the domain.

use domain::{ContactId, Content, Emotion, Name, Text, TextError, Timestamp, trim};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use validator::ValidationError;

/// The members of a body.
pub type Members = Map<String, Value>;

/// One member of a body: absent, null, or a value. Texts are trimmed; a blank one is null.
#[derive(Clone, Debug, Default)]
pub struct Field(Option<Value>);

impl Serialize for Field {
    /// `validator` copies a refused value into its error, where nobody reads it: it gets none.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl Field {
    /// Takes the member out of the body.
    pub fn take(members: &mut Members, name: &str) -> Self {
        Self(members.remove(name).map(|value| match value {
            Value::String(text) => match trim(&text) {
                "" => Value::Null,
                trimmed => Value::String(trimmed.to_owned()),
            },
            value => value,
        }))
    }

    /// Not in the body at all.
    pub fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    /// The value, unless it is absent or null.
    pub fn value(&self) -> Option<&Value> {
        self.0.as_ref().filter(|value| !value.is_null())
    }

    /// What the parser makes of the value; none when there is none.
    pub fn read<T>(&self, parse: impl FnOnce(&Value) -> Result<T, Violation>) -> Result<Option<T>, Violation> {
        self.value().map(parse).transpose()
    }

    /// As [`Field::read`], but a null that was sent is told from a member that was not.
    pub fn read_change<T>(
        &self,
        parse: impl FnOnce(&Value) -> Result<T, Violation>,
    ) -> Result<Option<Option<T>>, Violation> {
        Ok(self.read(parse)?.map_or_else(|| (!self.is_absent()).then_some(None), |value| Some(Some(value))))
    }
}

/// What is wrong with a value: Laravel's sentence, with `{}` for the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation(&'static str);

impl Violation {
    /// The field must be there.
    pub const REQUIRED: Self = Self("The {} field is required.");
    /// The value is not one of those to select from.
    pub const SELECTED: Self = Self("The selected {} is invalid.");

    const INTEGER: Self = Self("The {} must be an integer.");
    /// The value is no date.
    pub const DATE: Self = Self("The {} is not a valid date.");
    const STRING: Self = Self("The {} must be a string.");
    const BOOLEAN: Self = Self("The {} field must be true or false.");
    /// The value is no list.
    pub const ARRAY: Self = Self("The {} must be an array.");
    /// The list is too long.
    pub const OVER_100_ITEMS: Self = Self("The {} may not have more than 100 items.");
    const NUL: Self = Self("The {} may not contain the character U+0000.");
    const OVER_255: Self = Self("The {} may not be greater than 255 characters.");
    const OVER_100000: Self = Self("The {} may not be greater than 100000 characters.");

    /// The whole sentence about the field of this name.
    pub fn about(self, field: &str) -> String {
        Self::sentence(self.0, field)
    }

    /// The whole sentence of a template about the field of this name.
    pub fn sentence(template: &str, field: &str) -> String {
        template.replace("{}", &field.replace('_', " "))
    }
}

impl From<Violation> for ValidationError {
    /// As `validator` carries it: the field's name comes in when all violations are known.
    fn from(violation: Violation) -> Self {
        Self::new("violation").with_message(violation.0.into())
    }
}

/// An integer in JSON or in a text: what PHP's `FILTER_VALIDATE_INT` takes.
pub fn integer(value: &Value) -> Result<i64, Violation> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)).ok_or(Violation::INTEGER),
        Value::String(text) => {
            let text = trim(text);
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let plain = digits == "0" || !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|_| plain).ok_or(Violation::INTEGER)
        }
        _ => Err(Violation::INTEGER),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked: whole, and within what a double counts exactly")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

/// The number of a contact, which need not exist.
pub fn contact_id(value: &Value) -> Result<Option<ContactId>, Violation> {
    integer(value).map(ContactId::new)
}

/// A date text, or a number taken as its decimal text.
pub fn timestamp(value: &Value, now: Timestamp) -> Result<Timestamp, Violation> {
    let timestamp = match value {
        Value::String(text) => Timestamp::parse(text, now),
        Value::Number(number) => Timestamp::parse(&decimal(number), now),
        _ => None,
    };
    timestamp.ok_or(Violation::DATE)
}

/// As PHP writes it.
fn decimal(number: &serde_json::Number) -> String {
    number.as_i64().map_or_else(|| double(number.as_f64().unwrap_or_default()), |whole| whole.to_string())
}

/// A double with 14 significant digits, without trailing zeros, with an exponent where PHP has one: `1.5`,
/// `20180202`, `1.0E+25`.
fn double(number: f64) -> String {
    const DIGITS: i32 = 14;
    let scientific = format!("{number:.13e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let cut = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    if (-4..DIGITS).contains(&exponent) {
        let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or_default();
        let fixed = format!("{number:.decimals$}");
        return if fixed.contains('.') { cut(&fixed) } else { fixed };
    }
    let mantissa = cut(mantissa);
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}{point}E{sign}{}", exponent.abs())
}

/// What a call was about.
pub fn content(value: &Value) -> Result<Content, Violation> {
    text(value, Violation::OVER_100000)
}

/// A text of one line.
pub fn name(value: &Value) -> Result<Name, Violation> {
    text(value, Violation::OVER_255)
}

fn text<const MAX: usize>(value: &Value, too_long: Violation) -> Result<Text<MAX>, Violation> {
    let Value::String(text) = value else { return Err(Violation::STRING) };
    Text::parse(text).map_err(|error| match error {
        TextError::Blank => Violation::REQUIRED,
        TextError::TooLong(_) => too_long,
        TextError::Nul => Violation::NUL,
    })
}

/// A truth value, as Laravel takes it.
pub fn boolean(value: &Value) -> Result<bool, Violation> {
    match value {
        Value::Bool(truth) => Ok(*truth),
        Value::Number(number) if number.as_i64() == Some(1) => Ok(true),
        Value::Number(number) if number.as_i64() == Some(0) => Ok(false),
        Value::String(text) if text == "1" => Ok(true),
        Value::String(text) if text == "0" => Ok(false),
        _ => Err(Violation::BOOLEAN),
    }
}

/// A list of emotions by id, or an object whose values are taken; none in the answer when one does not exist.
pub fn emotions(value: &Value) -> Result<Option<Vec<Emotion>>, Violation> {
    let emotion = |id: &Value| integer(id).ok().and_then(Emotion::new);
    let emotions: Option<Vec<_>> = match value {
        Value::Array(ids) => ids.iter().map(emotion).collect(),
        Value::Object(ids) => ids.values().map(emotion).collect(),
        _ => return Err(Violation::ARRAY),
    };
    // The same emotion twice is felt once.
    Ok(emotions.map(|emotions| {
        let mut once = Vec::with_capacity(emotions.len());
        for emotion in emotions {
            if !once.contains(&emotion) {
                once.push(emotion);
            }
        }
        once
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_unix(1_709_202_030).unwrap()
    }

    #[test]
    fn an_id_is_a_number_or_a_numeric_text() {
        for value in [json!(7), json!("7"), json!(7.0), json!("+7"), json!(" 7\u{200b}")] {
            assert_eq!(contact_id(&value), Ok(ContactId::new(7)), "{value}");
        }
        for value in [json!(0), json!(-1), json!("-1"), json!(9_007_199_254_740_992_i64), json!(i64::MAX)] {
            assert_eq!(contact_id(&value), Ok(None), "{value} names no contact");
        }
        for value in [
            json!(1.5),
            json!("1.0"),
            json!("07"),
            json!("7a"),
            json!(""),
            json!(true),
            json!([7]),
            json!({}),
            json!(1e300),
        ] {
            assert_eq!(contact_id(&value), Err(Violation::INTEGER), "{value}");
        }
    }

    #[test]
    fn a_date_may_be_a_number_taken_as_its_text() {
        let day = Timestamp::from_unix(1_517_529_600);
        for value in [json!("2018-02-02"), json!("2018-02-02T00:00:00Z"), json!(20_180_202), json!(2018.033)] {
            assert_eq!(timestamp(&value, now()).ok(), day, "{value}");
        }
        for value in [json!("not a date"), json!(true), json!([]), json!({}), json!(86_400), json!("2018-13-45")] {
            assert_eq!(timestamp(&value, now()), Err(Violation::DATE), "{value}");
        }
    }

    #[test]
    fn a_number_is_written_as_php_writes_it() {
        for (number, text) in [
            (json!(20_180_202), "20180202"),
            (json!(20_180_202.0), "20180202"),
            (json!(-1), "-1"),
            (json!(1.5), "1.5"),
            (json!(2018.033), "2018.033"),
            (json!(0.1 + 0.2), "0.3"),
            (json!(0.0), "0"),
            (json!(10_000_000_000.0), "10000000000"),
            (json!(1e14), "1.0E+14"),
            (json!(1e300), "1.0E+300"),
            (json!(1.25e25), "1.25E+25"),
            (json!(0.000_001), "1.0E-6"),
        ] {
            assert_eq!(decimal(number.as_number().unwrap()), text, "{number}");
        }
    }

    #[test]
    fn texts_are_trimmed_counted_and_bounded() {
        let mut body = Members::from_iter([("content".to_owned(), json!("  hi \u{feff}"))]);
        assert_eq!(Field::take(&mut body, "content").read(content), Ok(Content::parse("hi").ok()));
        assert!(body.is_empty());
        assert_eq!(content(&json!("é".repeat(100_001))), Err(Violation::OVER_100000));
        assert_eq!(name(&json!("x".repeat(256))), Err(Violation::OVER_255));
        assert_eq!(content(&json!("a\0b")), Err(Violation::NUL));
        for value in [json!(5), json!(true), json!(["a"]), json!({"a": 1})] {
            assert_eq!(content(&value), Err(Violation::STRING), "{value}");
        }
    }

    #[test]
    fn null_blank_and_absent_are_told_apart_only_where_it_matters() {
        let take = |value: Value| Field::take(&mut Members::from_iter([("f".to_owned(), value)]), "f");
        for value in [Value::Null, json!(""), json!(" \u{200b}")] {
            assert!(take(value.clone()).value().is_none(), "{value}");
            assert_eq!(take(value).read_change(name), Ok(Some(None)));
        }
        let absent = Field::take(&mut Members::new(), "f");
        assert!(absent.is_absent());
        assert_eq!(absent.read_change(name), Ok(None));
        assert_eq!(take(json!("x")).read_change(name), Ok(Some(Name::parse("x").ok())));
    }

    #[test]
    fn truth_is_written_in_six_ways() {
        for value in [json!(true), json!(1), json!("1")] {
            assert_eq!(boolean(&value), Ok(true), "{value}");
        }
        for value in [json!(false), json!(0), json!("0")] {
            assert_eq!(boolean(&value), Ok(false), "{value}");
        }
        for value in [json!("true"), json!("yes"), json!(2), json!([true]), json!(1.5)] {
            assert_eq!(boolean(&value), Err(Violation::BOOLEAN), "{value}");
        }
    }

    #[test]
    fn emotions_are_a_list_of_ids_that_exist() {
        let ids = |value| emotions(&value).map(|list| list.map(|list| list.iter().map(|e| e.id()).collect::<Vec<_>>()));
        assert_eq!(ids(json!([2, "1", 2])), Ok(Some(vec![2, 1])));
        assert_eq!(ids(json!({"a": 1, "b": " 2 "})), Ok(Some(vec![1, 2])));
        assert_eq!(ids(json!([])), Ok(Some(vec![])));
        for value in [json!([999_999]), json!(["abc"]), json!([1, [2]]), json!([{"id": 1}]), json!([null]), json!([0])]
        {
            assert_eq!(ids(value.clone()), Ok(None), "{value}");
        }
        for value in [json!(1), json!("1"), json!(true)] {
            assert_eq!(ids(value.clone()), Err(Violation::ARRAY), "{value}");
        }
    }

    #[test]
    fn a_violation_names_its_field_in_words() {
        let error = ValidationError::from(Violation::REQUIRED);
        let sentence = Violation::sentence(&error.message.unwrap(), "contact_id");
        assert_eq!(sentence, "The contact id field is required.");
    }
}
