//! Parses each type of member of a request body, as Laravel does.

use std::cell::OnceCell;

use domain::{CallDuration, ContactId, Emotion, Gender, StayInTouchFrequency, Text, TextError, Timestamp};
use serde::de::{MapAccess, SeqAccess};
use serde_json::Number;
use validator::ValidationError;

use super::deserializer::Skipped;
use super::field::{Field, FieldValue, Violation};

/// An integer in JSON or in a text: what PHP's `FILTER_VALIDATE_INT` accepts.
impl FieldValue for i64 {
    const WRONG_TYPE: Violation = Violation::INTEGER;

    fn from_text(text: &str) -> Result<Self, Violation> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let plain = digits == "0" || !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| plain).ok_or(Violation::INTEGER)
    }

    fn from_number(number: &Number) -> Result<Self, Violation> {
        number.as_i64().or_else(|| whole(number.as_f64()?)).ok_or(Violation::INTEGER)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked: a whole number below 2^53")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

/// The id of a contact, which need not exist. `None` if no contact can have the id.
impl FieldValue for Option<ContactId> {
    const WRONG_TYPE: Violation = Violation::INTEGER;

    fn from_text(text: &str) -> Result<Self, Violation> {
        i64::from_text(text).map(ContactId::new)
    }

    fn from_number(number: &Number) -> Result<Self, Violation> {
        i64::from_number(number).map(ContactId::new)
    }
}

/// A number of seconds.
impl FieldValue for CallDuration {
    const WRONG_TYPE: Violation = Violation::INTEGER;

    fn from_text(text: &str) -> Result<Self, Violation> {
        duration(i64::from_text(text)?)
    }

    fn from_number(number: &Number) -> Result<Self, Violation> {
        duration(i64::from_number(number)?)
    }
}

fn duration(seconds: i64) -> Result<CallDuration, Violation> {
    CallDuration::from_seconds(seconds).ok_or_else(|| Violation::not_between(0, CallDuration::MAX_SECONDS))
}

/// A number of days.
impl FieldValue for StayInTouchFrequency {
    const WRONG_TYPE: Violation = Violation::INTEGER;

    fn from_text(text: &str) -> Result<Self, Violation> {
        frequency(i64::from_text(text)?)
    }

    fn from_number(number: &Number) -> Result<Self, Violation> {
        frequency(i64::from_number(number)?)
    }
}

fn frequency(days: i64) -> Result<StayInTouchFrequency, Violation> {
    let not_between = || Violation::not_between(1, StayInTouchFrequency::MAX_DAYS.into());
    StayInTouchFrequency::from_days(days).ok_or_else(not_between)
}

/// One of the default genders, by id.
impl FieldValue for Gender {
    const WRONG_TYPE: Violation = Violation::INTEGER;

    fn from_text(text: &str) -> Result<Self, Violation> {
        Self::by_id(i64::from_text(text)?).ok_or(Violation::SELECTED)
    }

    fn from_number(number: &Number) -> Result<Self, Violation> {
        Self::by_id(i64::from_number(number)?).ok_or(Violation::SELECTED)
    }
}

impl<const MAX: usize> FieldValue for Text<MAX> {
    const WRONG_TYPE: Violation = Violation::STRING;

    fn from_text(text: &str) -> Result<Self, Violation> {
        Self::parse(text).map_err(|error| match error {
            TextError::Blank => Violation::REQUIRED,
            TextError::TooLong(max) => Violation::longer_than(max),
            TextError::Nul => Violation::NUL,
        })
    }
}

/// A boolean, also as the number or the text 0 or 1.
impl FieldValue for bool {
    const WRONG_TYPE: Violation = Violation::BOOLEAN;

    fn from_text(text: &str) -> Result<Self, Violation> {
        match text {
            "1" => Ok(true),
            "0" => Ok(false),
            _ => Err(Violation::BOOLEAN),
        }
    }

    fn from_number(number: &Number) -> Result<Self, Violation> {
        match number.as_i64() {
            Some(1) => Ok(true),
            Some(0) => Ok(false),
            _ => Err(Violation::BOOLEAN),
        }
    }

    fn from_bool(truth: bool) -> Result<Self, Violation> {
        Ok(truth)
    }
}

/// A date as PHP's `strtotime` accepts it. It is parsed at the first use, because it can be relative to the current time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Date {
    text: String,
    timestamp: OnceCell<Option<Timestamp>>,
}

impl Date {
    /// Returns the time. `None` if the text is not a date. Later calls ignore `now`.
    pub fn resolve(&self, now: Timestamp) -> Option<Timestamp> {
        *self.timestamp.get_or_init(|| Timestamp::parse(&self.text, now))
    }
}

impl Field<Date> {
    /// Returns the time. `None` if there is no valid one.
    pub fn date(&self, now: Timestamp) -> Option<Timestamp> {
        self.as_value().and_then(|date| date.resolve(now))
    }

    /// Checks that a value is a date.
    pub fn check_date(&self, now: Timestamp) -> Result<(), ValidationError> {
        match self {
            Self::Value(date) if date.resolve(now).is_none() => Err(Violation::DATE.into()),
            _ => Ok(()),
        }
    }
}

impl From<String> for Date {
    fn from(text: String) -> Self {
        Self { text, timestamp: OnceCell::new() }
    }
}

/// A number is parsed as its decimal text.
impl FieldValue for Date {
    const WRONG_TYPE: Violation = Violation::DATE;

    fn from_text(text: &str) -> Result<Self, Violation> {
        Ok(text.to_owned().into())
    }

    fn from_number(number: &Number) -> Result<Self, Violation> {
        Ok(decimal(number).into())
    }
}

/// Formats the number as PHP does.
fn decimal(number: &Number) -> String {
    number.as_i64().map_or_else(|| double(number.as_f64().unwrap_or_default()), |whole| whole.to_string())
}

/// Formats a double as PHP does, with 14 significant digits: `1.5`,
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

/// An id, or an object with the member `id`, as GET shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownId(pub i64);

impl FieldValue for ShownId {
    const WRONG_TYPE: Violation = Violation::INTEGER;

    fn from_text(text: &str) -> Result<Self, Violation> {
        i64::from_text(text).map(Self)
    }

    fn from_number(number: &Number) -> Result<Self, Violation> {
        i64::from_number(number).map(Self)
    }

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Result<Self, Violation>, A::Error> {
        let mut id: Field<i64> = Field::Absent;
        while let Some(name) = object.next_key::<String>()? {
            if name == "id" {
                id = object.next_value()?;
            } else {
                let Skipped = object.next_value()?;
            }
        }
        Ok(id.value().map(Self).ok_or(Violation::INTEGER))
    }
}

/// Emotions without duplicates. The error is the first unknown id, or `None` if it is not an id.
pub type EmotionList = Result<Vec<Emotion>, Option<i64>>;

/// A list of emotions by id, or an object with the ids as values.
impl FieldValue for EmotionList {
    const WRONG_TYPE: Violation = Violation::ARRAY;

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Result<Self, Violation>, A::Error> {
        let mut emotions = Ok(Vec::new());
        while let Some(id) = list.next_element()? {
            add_emotion(&mut emotions, id);
        }
        Ok(Ok(emotions))
    }

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Result<Self, Violation>, A::Error> {
        let mut emotions = Ok(Vec::new());
        while let Some((_, id)) = object.next_entry::<Skipped, _>()? {
            add_emotion(&mut emotions, id);
        }
        Ok(Ok(emotions))
    }
}

fn add_emotion(emotions: &mut EmotionList, id: Field<ShownId>) {
    let Ok(known) = emotions else { return };
    let id = id.value().map(|ShownId(id)| id);
    match id.and_then(Emotion::new) {
        Some(emotion) if known.contains(&emotion) => {}
        Some(emotion) => known.push(emotion),
        None => *emotions = Err(id),
    }
}

#[cfg(test)]
mod tests {
    use domain::{Content, Name};
    use serde_json::{Value, json};

    use super::*;

    fn parse<T: FieldValue>(value: &Value) -> Field<T> {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn parses_an_id_from_a_number_or_a_numeric_text() {
        for value in [json!(7), json!("7"), json!(7.0), json!("+7"), json!(" 7\u{200b}")] {
            assert_eq!(parse(&value), Field::Value(ContactId::new(7)), "{value}");
        }
        for value in [json!(0), json!(-1), json!("-1"), json!(9_007_199_254_740_992_i64), json!(i64::MAX)] {
            assert_eq!(parse::<Option<ContactId>>(&value), Field::Value(None), "{value} names no contact");
        }
        for value in
            [json!(1.5), json!("1.0"), json!("07"), json!("7a"), json!(true), json!([7]), json!({}), json!(1e300)]
        {
            assert_eq!(parse::<Option<ContactId>>(&value), Field::Invalid(Violation::INTEGER), "{value}");
        }
    }

    #[test]
    fn parses_a_date_from_a_text_or_a_number() {
        let now = Timestamp::from_unix(1_709_202_030).unwrap();
        let timestamp = |value: &Value| parse::<Date>(value).date(now);
        let day = Timestamp::from_unix(1_517_529_600);
        for value in [json!("2018-02-02"), json!("2018-02-02T00:00:00Z"), json!(20_180_202), json!(2018.033)] {
            assert_eq!(timestamp(&value), day, "{value}");
        }
        for value in [json!("not a date"), json!(86_400), json!("2018-13-45")] {
            assert_eq!(timestamp(&value), None, "{value}");
        }
        for value in [json!(true), json!([]), json!({})] {
            assert_eq!(parse::<Date>(&value), Field::Invalid(Violation::DATE), "{value}");
        }
    }

    #[test]
    fn formats_a_number_as_php_does() {
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
    fn trims_and_limits_texts() {
        assert_eq!(parse(&json!("  hi \u{feff}")), Field::Value(Content::parse("hi").unwrap()));
        let too_long = |characters| Violation::longer_than(characters);
        assert_eq!(parse::<Content>(&json!("é".repeat(100_001))), Field::Invalid(too_long(100_000)));
        assert_eq!(parse::<Name>(&json!("x".repeat(256))), Field::Invalid(too_long(255)));
        assert_eq!(parse::<Content>(&json!("a\0b")), Field::Invalid(Violation::NUL));
        for value in [json!(5), json!(true), json!(["a"]), json!({"a": 1})] {
            assert_eq!(parse::<Content>(&value), Field::Invalid(Violation::STRING), "{value}");
        }
    }

    #[test]
    fn parses_a_boolean_from_a_boolean_a_number_or_a_text() {
        for value in [json!(true), json!(1), json!("1")] {
            assert_eq!(parse(&value), Field::Value(true), "{value}");
        }
        for value in [json!(false), json!(0), json!("0")] {
            assert_eq!(parse(&value), Field::Value(false), "{value}");
        }
        for value in [json!("true"), json!("yes"), json!(2), json!([true]), json!(1.5)] {
            assert_eq!(parse::<bool>(&value), Field::Invalid(Violation::BOOLEAN), "{value}");
        }
    }

    #[test]
    fn parses_emotions_from_a_list_of_known_ids() {
        let ids = |value: &Value| match parse::<EmotionList>(value) {
            Field::Value(list) => Ok(list.ok().map(|list| list.iter().map(|emotion| emotion.id()).collect::<Vec<_>>())),
            other => Err(other),
        };
        assert_eq!(ids(&json!([2, "1", 2])), Ok(Some(vec![2, 1])));
        assert_eq!(ids(&json!({"a": 1, "b": " 2 "})), Ok(Some(vec![1, 2])));
        assert_eq!(ids(&json!([])), Ok(Some(vec![])));
        let shown = json!([{"id": 2, "object": "emotion", "name": "affection"}, {"id": "1"}]);
        assert_eq!(ids(&shown), Ok(Some(vec![2, 1])), "as GET shows them");
        for value in [
            json!([999_999]),
            json!(["abc"]),
            json!([1, [2]]),
            json!([{"id": 136}]),
            json!([{"name": "love"}]),
            json!([null]),
            json!([0]),
        ] {
            assert_eq!(ids(&value), Ok(None), "{value}");
        }
        for value in [json!(1), json!("1"), json!(true)] {
            assert_eq!(ids(&value), Err(Field::Invalid(Violation::ARRAY)), "{value}");
        }
    }
}
