//! The endpoints, one file for each resource. A handler reads its request, calls one use case and returns the result.

pub mod account;
pub mod batch;
pub mod calendar;
pub mod calls;
pub mod contact_fields;
pub mod contacts;
pub mod csv;
pub mod deletions;
mod export;
pub mod fallback;
pub mod lookups;
