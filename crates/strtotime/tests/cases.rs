//! Every recorded answer of PHP.
#![allow(clippy::unwrap_used, reason = "a record that cannot be read is a fault of the data")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use strtotime::strtotime;

/// Records that this crate answers otherwise, each with the reason.
const EXCEPTED: [(&str, &str); 5] = [
    ("06382", "a year beyond 292 billion: PHP's seconds overflow, the crate refuses"),
    ("06396", "a year beyond 292 billion: PHP's seconds overflow, the crate refuses"),
    ("09910", "a year beyond 292 billion: PHP's seconds overflow, the crate refuses"),
    ("10038", "a year beyond 292 billion: PHP's seconds overflow, the crate refuses"),
    ("15068", "a fraction of more than 308 digits: PHP's floating point overflows, the crate reads on"),
];

struct Record {
    id: String,
    now: i64,
    /// `None`: a value that PHP does not cast to text.
    text: Option<String>,
    instant: Option<i64>,
}

fn records() -> Vec<Record> {
    let lines = include_str!("data/cases.jsonl").lines();
    lines.map(|line| record(&serde_json::from_str(line).unwrap())).collect()
}

fn record(fields: &Value) -> Record {
    let text = match (&fields["s"], &fields["parts"]) {
        (Value::String(text), _) => Some(text.clone()),
        (_, Value::Array(parts)) => Some(parts.iter().map(repeated).collect()),
        _ => cast(&fields["v"]),
    };
    Record {
        id: fields["id"].as_str().unwrap().to_owned(),
        now: fields["now"].as_i64().unwrap(),
        text,
        instant: fields["ts"].as_i64(),
    }
}

fn repeated(part: &Value) -> String {
    let times = usize::try_from(part[1].as_u64().unwrap()).unwrap();
    part[0].as_str().unwrap().repeat(times)
}

/// PHP's cast of a number: no point on a whole one, an exponent on a large one.
fn cast(value: &Value) -> Option<String> {
    let number = value.as_number()?;
    if number.is_i64() {
        return Some(number.to_string());
    }
    let float = number.as_f64()?;
    Some(if float.abs() < 1e15 { float.to_string() } else { format!("{float:.1E}").replace('E', "E+") })
}

#[test]
fn all_records_but_the_excepted_ones_get_the_answer_of_php() {
    let excepted: BTreeSet<_> = EXCEPTED.iter().map(|(id, _)| (*id).to_owned()).collect();
    let mut different = BTreeMap::new();
    for record in records() {
        let Some(text) = &record.text else { continue };
        let found = strtotime(text, record.now);
        if found != record.instant {
            let start: String = text.chars().take(80).collect();
            different.insert(record.id, format!("{start:?}: PHP {:?}, found {found:?}", record.instant));
        }
    }
    let unlisted: Vec<_> = different.iter().filter(|(id, _)| !excepted.contains(*id)).collect();
    assert!(unlisted.is_empty(), "{} unlisted differences: {unlisted:#?}", unlisted.len());
    let equal: Vec<_> = excepted.iter().filter(|id| !different.contains_key(*id)).collect();
    assert!(equal.is_empty(), "excepted, but as in PHP: {equal:?}");
}

#[test]
fn no_record_is_lost_and_only_values_without_text_are_passed_over() {
    let records = records();
    let without_text = records.iter().filter(|record| record.text.is_none()).count();
    assert_eq!((records.len(), without_text), (11_172, 2));
}

#[test]
fn excepted_records_lie_outside_the_years_1_to_9999() {
    for record in records() {
        if EXCEPTED.iter().any(|(id, _)| *id == record.id) {
            let instant = record.instant.unwrap();
            assert!(!(-62_135_596_800..253_402_300_800).contains(&instant), "{} {instant}", record.id);
        }
    }
}

#[test]
fn every_abbreviation_has_the_offset_of_php() {
    let rows: BTreeMap<String, Value> = serde_json::from_str(include_str!("data/abbreviations.json")).unwrap();
    assert_eq!(rows.len(), 144);
    for (name, row) in rows {
        let east = row["seconds_east"].as_i64().unwrap();
        for spelt in [name.clone(), name.to_uppercase()] {
            assert_eq!(strtotime(&format!("1970-01-01 {spelt}"), 0), Some(-east), "{spelt}");
        }
    }
}
