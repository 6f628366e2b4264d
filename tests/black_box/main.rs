//! The real binary on both stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value)]

mod bulk;
mod calls;
mod careful;
mod commands;
mod contacts;
mod differences;
mod document;
mod errors;
mod lifecycle;
mod monica;
mod openapi;
mod operations;
mod pages;
