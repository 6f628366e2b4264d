//! What a client gets.

pub mod error;
