//! Support for black-box tests: the binary on a temporary store, and an HTTP client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)]

mod client;
mod concurrency;
mod server;

pub use client::{Client, Response};
pub use concurrency::run_with_workers;
pub use server::{Server, Setup, Store, binary, expect_failure, wait_for_next_second, wait_until};

/// Defines two tests for each function, one on SQLite and one on PostgreSQL, and with the feature `citus` one on Citus. The
/// function takes a [`Setup`]. Functions after `; not_on_citus:` need a place without a store, or change the schema.
#[macro_export]
macro_rules! on_both_stores {
    ($($name:ident),* $(,)? $(; not_on_citus: $($other:ident),* $(,)?)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name($crate::Setup::sqlite()); })*
            $($(#[test] fn $other() { super::$other($crate::Setup::sqlite()); })*)?
        }
        mod postgres {
            $(#[test] fn $name() { super::$name($crate::Setup::postgres()); })*
            $($(#[test] fn $other() { super::$other($crate::Setup::postgres()); })*)?
        }
        #[cfg(feature = "citus")]
        mod citus {
            $(#[test] fn $name() { super::$name($crate::Setup::citus()); })*
        }
    };
}

/// Defines two tests for each function, one on PostgreSQL and one on PostgreSQL behind a pooler in transaction mode. The
/// function takes a [`Setup`].
#[macro_export]
macro_rules! on_postgres {
    ($($name:ident),* $(,)?) => {
        mod direct {
            $(#[test] fn $name() { super::$name($crate::Setup::postgres()); })*
        }
        mod pooled {
            $(#[test] fn $name() { super::$name($crate::Setup::pooled_postgres()); })*
        }
    };
}

/// Returns the ids of the items of a page.
pub fn ids(page: &serde_json::Value) -> Vec<i64> {
    page["data"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

/// Returns the ids of what a list finds, and asserts that the total is their number.
#[track_caller]
pub fn find(client: &Client, path_and_query: &str) -> Vec<i64> {
    let page = client.get(path_and_query).expect(200);
    let found = ids(&page);
    assert_eq!(page["meta"]["total"], found.len(), "{path_and_query}");
    found
}

/// Encodes a text for a query string: every byte but letters and digits as `%XX`.
pub fn encode(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// Asserts that the actual value has every member of the expected value. Arrays must have the same length.
///
/// Of `created_at` and `updated_at`, only the format is compared.
#[track_caller]
pub fn assert_contains(actual: &serde_json::Value, expected: &serde_json::Value) {
    assert_contains_at(actual, expected, "$");
}

#[track_caller]
fn assert_contains_at(actual: &serde_json::Value, expected: &serde_json::Value, path: &str) {
    use serde_json::Value::{Array, Object};
    match (actual, expected) {
        (Object(actual), Object(expected)) => {
            for (name, value) in expected {
                let path = format!("{path}.{name}");
                let found = actual.get(name).unwrap_or_else(|| panic!("{path} is missing"));
                if name == "created_at" || name == "updated_at" {
                    assert_timestamp(found, &path);
                } else {
                    assert_contains_at(found, value, &path);
                }
            }
        }
        (Array(actual), Array(expected)) => {
            assert_eq!(actual.len(), expected.len(), "the length of {path}");
            for (n, (actual, expected)) in actual.iter().zip(expected).enumerate() {
                assert_contains_at(actual, expected, &format!("{path}[{n}]"));
            }
        }
        _ => assert_eq!(actual, expected, "{path}"),
    }
}

#[track_caller]
fn assert_timestamp(value: &serde_json::Value, path: &str) {
    let text = value.as_str().unwrap_or_else(|| panic!("{path} is not a string"));
    let format: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    assert_eq!(format, "9999-99-99T99:99:99Z", "{path}");
}
