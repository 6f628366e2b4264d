//! Black-box tests of the binary, most of them on both stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value)]

mod accounts;
mod batches;
mod calendar;
mod calls;
#[cfg(feature = "citus")]
mod citus;
mod commands;
mod compatibility;
mod conditional_requests;
mod contact_fields;
mod contacts;
mod csv;
mod cursors;
mod documented_examples;
mod errors;
mod external_systems;
mod find_calls;
mod follow;
mod import_calls;
mod import_contacts;
mod import_monica;
mod import_monica_json;
mod lifecycle;
mod missing_store;
mod openapi;
mod operations;
mod pagination;
mod passwords;
mod phone_numbers;
mod readme;
mod several_servers;
mod stay_in_touch;
mod transfer;

/// The messages for a call without any field.
const REQUIRED_CALL_FIELDS: [&str; 3] =
    ["The contact id field is required.", "The called at field is required.", "The content field is required."];
