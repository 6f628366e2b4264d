//! Every recorded answer of PHP.
#![allow(clippy::unwrap_used, reason = "a record that cannot be read is a fault of the data")]

use std::collections::BTreeMap;

use serde_json::Value;
use strtotime::strtotime;

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
fn all_records_get_the_answer_of_php() {
    let mut different = Vec::new();
    for Record { id, now, text, instant } in records() {
        let Some(text) = text else { continue };
        let found = strtotime(&text, now);
        if found != instant {
            let start: String = text.chars().take(80).collect();
            different.push(format!("{id} {start:?}: PHP {instant:?}, found {found:?}"));
        }
    }
    assert!(different.is_empty(), "{} differences: {different:#?}", different.len());
}

#[test]
fn no_record_is_lost_and_only_values_without_text_are_passed_over() {
    let records = records();
    let without_text = records.iter().filter(|record| record.text.is_none()).count();
    assert_eq!((records.len(), without_text), (11_172, 2));
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
