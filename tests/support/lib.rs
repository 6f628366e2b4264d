//! What the black-box tests stand on: the real binary on a store of its own, and a client that speaks HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)]

mod client;
mod concurrency;
mod server;

pub use client::{Answer, Client};
pub use concurrency::beside;
pub use server::{Server, Setup, Store, binary, wait_until};

/// Makes two tests of each function: one on SQLite, one on PostgreSQL. The function takes a [`Setup`].
#[macro_export]
macro_rules! on_both_stores {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name($crate::Setup::sqlite()); })*
        }
        mod postgres {
            $(#[test] fn $name() { super::$name($crate::Setup::postgres()); })*
        }
    };
}

/// Asserts that every member of the expected value is in the actual one, with its value; lists are of one length.
/// The stamps that the server's clock gives are checked for their form only.
#[track_caller]
pub fn assert_contains(actual: &serde_json::Value, expected: &serde_json::Value) {
    contains(actual, expected, "$");
}

#[track_caller]
fn contains(actual: &serde_json::Value, expected: &serde_json::Value, at: &str) {
    use serde_json::Value::{Array, Object};
    match (actual, expected) {
        (Object(actual), Object(expected)) => {
            for (name, value) in expected {
                let at = format!("{at}.{name}");
                let found = actual.get(name).unwrap_or_else(|| panic!("{at} is missing"));
                if name == "created_at" || name == "updated_at" {
                    assert_stamp(found, &at);
                } else {
                    contains(found, value, &at);
                }
            }
        }
        (Array(actual), Array(expected)) => {
            assert_eq!(actual.len(), expected.len(), "the length of {at}");
            for (n, (actual, expected)) in actual.iter().zip(expected).enumerate() {
                contains(actual, expected, &format!("{at}[{n}]"));
            }
        }
        _ => assert_eq!(actual, expected, "{at}"),
    }
}

#[track_caller]
fn assert_stamp(value: &serde_json::Value, at: &str) {
    let text = value.as_str().unwrap_or_else(|| panic!("{at} is no text"));
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    assert_eq!(form, "9999-99-99T99:99:99Z", "{at}");
}
