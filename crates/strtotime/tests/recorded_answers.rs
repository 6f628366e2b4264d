//! Compares every recorded answer of PHP.
#![allow(clippy::unwrap_used, reason = "an unreadable record is an error in the data")]

use std::collections::BTreeMap;

use serde_json::Value;
use strtotime::strtotime;

struct Record {
    id: String,
    now: i64,
    /// `None` for a value that PHP does not cast to text.
    text: Option<String>,
    timestamp: Option<i64>,
}

fn records() -> Vec<Record> {
    let lines = include_str!("data/cases.jsonl").lines();
    lines.map(|line| record(&serde_json::from_str(line).unwrap())).collect()
}

fn record(fields: &Value) -> Record {
    let text = match (&fields["s"], &fields["parts"]) {
        (Value::String(text), _) => Some(text.clone()),
        (_, Value::Array(parts)) => Some(parts.iter().map(repeat).collect()),
        _ => cast(&fields["v"]),
    };
    Record {
        id: fields["id"].as_str().unwrap().to_owned(),
        now: fields["now"].as_i64().unwrap(),
        text,
        timestamp: fields["ts"].as_i64(),
    }
}

fn repeat(part: &Value) -> String {
    let times = usize::try_from(part[1].as_u64().unwrap()).unwrap();
    part[0].as_str().unwrap().repeat(times)
}

/// Casts a number to text as PHP does: an integer has no point, a large number has an exponent.
fn cast(value: &Value) -> Option<String> {
    let number = value.as_number()?;
    if number.is_i64() {
        return Some(number.to_string());
    }
    let float = number.as_f64()?;
    Some(if float.abs() < 1e15 { float.to_string() } else { format!("{float:.1E}").replace('E', "E+") })
}

#[test]
fn returns_the_recorded_answer_of_php_for_every_text() {
    let mut differences = Vec::new();
    for Record { id, now, text, timestamp } in records() {
        let Some(text) = text else { continue };
        let found = strtotime(&text, now);
        if found != timestamp {
            let start: String = text.chars().take(80).collect();
            differences.push(format!("{id} {start:?}: PHP {timestamp:?}, found {found:?}"));
        }
    }
    assert!(differences.is_empty(), "{} differences: {differences:#?}", differences.len());
}

#[test]
fn reads_every_record_and_skips_only_values_without_text() {
    let records = records();
    let without_text = records.iter().filter(|record| record.text.is_none()).count();
    assert_eq!((records.len(), without_text), (11_172, 2));
}

#[test]
fn reads_every_abbreviation_as_the_offset_of_php() {
    let rows: BTreeMap<String, Value> = serde_json::from_str(include_str!("data/abbreviations.json")).unwrap();
    assert_eq!(rows.len(), 144);
    for (name, row) in rows {
        let east = row["seconds_east"].as_i64().unwrap();
        for spelling in [name.clone(), name.to_uppercase()] {
            assert_eq!(strtotime(&format!("1970-01-01 {spelling}"), 0), Some(-east), "{spelling}");
        }
    }
}
