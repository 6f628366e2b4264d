//! The real binary on both stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value)]

mod calls;
mod commands;
mod compatibility;
mod conditional_requests;
mod contacts;
mod documented_examples;
mod errors;
mod import_monica;
mod lifecycle;
mod openapi;
mod operations;
mod pagination;
mod transfer;
