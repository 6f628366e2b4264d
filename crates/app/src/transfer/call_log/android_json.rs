//! Rows of Android's call log as JSON, under the names that several programs use for their members.

use std::io::Read;

use domain::{LoggedCall, TimeZone, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::android::AndroidCall;
use super::objects::Objects;
use super::{Row, Skip, from_millis};
use crate::error::Error;

/// A row. Programs write numbers as JSON numbers or strings.
#[derive(Deserialize)]
struct CallObject {
    #[serde(alias = "phoneNumber", alias = "phone_number", default)]
    number: Value,
    #[serde(alias = "timestamp", default)]
    date: Value,
    #[serde(alias = "callType", alias = "call_type", default)]
    r#type: Value,
    #[serde(default)]
    duration: Value,
    #[serde(alias = "contact_name", alias = "cachedName", alias = "cached_name", default)]
    name: Value,
}

/// Returns the rows of a file, which is an array of objects or has an object on each line. Dates without a zone are in
/// `zone`.
pub fn rows<'a>(
    input: impl Read + 'a,
    name: &'a str,
    zone: &'a TimeZone,
) -> impl Iterator<Item = Result<Row, Error>> + 'a {
    let mut objects = Objects::new(input);
    let next = move || match objects.next_object() {
        Ok(None) => None,
        Ok(Some((line, object))) => Some(Ok(Row { line, call: object.and_then(|object| call(&object, zone)) })),
        Err(error) => Some(Err(Error::io(name)(error))),
    };
    std::iter::from_fn(next)
}

fn call(object: &[u8], zone: &TimeZone) -> Result<LoggedCall, Skip> {
    let parsed = serde_json::from_slice(object);
    // The message of serde_json is not shown: it can quote the call.
    let CallObject { number, date, r#type, duration, name } =
        parsed.map_err(|error| Skip::unreadable(format!("it is not JSON of a call, at column {}", error.column())))?;
    let number = match &number {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        // Android has none for a withheld number.
        Value::Null => String::new(),
        _ => return Err(Skip::unreadable("`number` is not a number")),
    };
    AndroidCall {
        number: &number,
        kind: kind(&r#type).ok_or(Skip::unreadable("`type` is unknown or missing"))?,
        date: instant(&date, zone).ok_or(Skip::unreadable("`date` is not a time"))?,
        seconds: seconds(&duration)?,
        name: name.as_str(),
    }
    .into_logged_call()
}

fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Parses a type: Android's number, or the name of its constant.
fn kind(value: &Value) -> Option<i64> {
    const NAMES: [&str; 7] =
        ["INCOMING", "OUTGOING", "MISSED", "VOICEMAIL", "REJECTED", "BLOCKED", "ANSWERED_EXTERNALLY"];
    integer(value).or_else(|| {
        let name = value.as_str()?.trim();
        let place = NAMES.iter().position(|known| name.eq_ignore_ascii_case(known))?;
        i64::try_from(place + 1).ok()
    })
}

/// Parses a date: Unix milliseconds, or a time as text. Returns the time, and the milliseconds.
fn instant(value: &Value, zone: &TimeZone) -> Option<(Timestamp, i64)> {
    if let Some(millis) = integer(value) {
        return Some((from_millis(millis)?, millis));
    }
    let time = zone.parse(value.as_str()?)?;
    Some((time, time.unix() * 1_000))
}

/// Parses a duration: seconds, or `mm:ss` or `h:mm:ss` as text. `None` if it is missing.
fn seconds(value: &Value) -> Result<Option<i64>, Skip> {
    if value.is_null() {
        return Ok(None);
    }
    let of_text = || {
        let parts = value.as_str()?.trim().split(':').map(domain::parse_digits);
        let parts: Vec<i64> = parts.collect::<Option<_>>()?;
        (2..=3)
            .contains(&parts.len())
            .then(|| parts.iter().try_fold(0_i64, |sum, part| sum.checked_mul(60)?.checked_add(*part)))?
    };
    integer(value).or_else(of_text).map(Some).ok_or(Skip::unreadable("`duration` is not a number of seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<Row> {
        rows(json.as_bytes(), "calls.json", &TimeZone::named("Europe/Berlin").unwrap()).map(Result::unwrap).collect()
    }

    fn read_one(json: &str) -> Result<LoggedCall, Skip> {
        let mut rows = read(json);
        assert_eq!(rows.len(), 1);
        rows.remove(0).call
    }

    #[test]
    fn reads_the_forms_of_several_programs() {
        for json in [
            r#"[{"_id": 7, "number": "+41310000000", "date": 1517566500000, "duration": 61, "type": 1, "name": "Zoë"}]"#,
            r#"{"number":"+41310000000","date":"1517566500000","duration":"61","type":"1","name":"Zoë"}"#,
            r#"{"phoneNumber":"+41310000000","timestamp":"1517566500000","duration":61,"type":"INCOMING","name":"Zoë"}"#,
            r#"{"phone_number":"+41310000000","date":"2018-02-02 11:15:00","duration":"01:01","type":"INCOMING","name":"Zoë"}"#,
        ] {
            let call = read_one(json).unwrap();
            assert_eq!(call.external_id.as_str(), "phone:+41310000000:1517566500000:in", "{json}");
            assert_eq!(call.details.called_at.to_string(), "2018-02-02T10:15:00Z", "{json}");
            assert_eq!(call.details.duration.unwrap().seconds(), 61, "{json}");
            assert_eq!(call.name.unwrap().as_str(), "Zoë");
        }
        let hour = read_one(r#"{"number":"1234567","date":1,"duration":"1:00:00","type":2}"#).unwrap();
        assert_eq!((hour.details.duration.unwrap().seconds(), hour.name), (3_600, None));
    }

    #[test]
    fn skips_only_the_rows_that_it_cannot_read() {
        let rows = read(
            "{\"number\":\"1234567\",\"date\":1,\"type\":1}\n\
             {\"number\":\"1234567\",\"date\":\"soonish\",\"type\":1}\n\
             {\"number\":\"1234567\",\"date\":1,\"type\":9}\n\
             {\"number\":\"1234567\",\"date\":1}\n\
             {\"number\":[1],\"date\":1,\"type\":1}\n\
             {\"number\":\"1234567\",\"date\":1,\"type\":1,\"duration\":\"1:2:3:4\"}\n\
             {\"number\":\"1234567\",\"date\":1,\"type\":1,\"date\":2}\n\
             {\"number\":\"1234567\",\"date\":,\"type\":1}\n\
             {\"number\":null,\"date\":1,\"type\":1}\n\
             {\"number\":\"-2\",\"date\":1,\"type\":1}\n\
             {\"number\":\"\\ud800\",\"date\":1,\"type\":1}\n\
             {\"number\":\"1234567\",\"date\":2,\"type\":1}",
        );
        let readable: Vec<u64> = rows.iter().filter(|row| row.call.is_ok()).map(|row| row.line).collect();
        assert_eq!(readable, [1, 12]);
        let hidden = |row: &&Row| row.call == Err(Skip::HiddenNumber);
        assert_eq!(rows.iter().filter(hidden).map(|row| row.line).collect::<Vec<_>>(), [9, 10]);
        assert_eq!(rows.len(), 12);
    }
}
