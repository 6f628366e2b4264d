//! The boundary of the hexagon: the use cases of Callbook ([`inbound`]) and what they need ([`outbound`]).
//!
//! The doc comments state the contract. The feature `contract` has a test for each statement about a store, which both
//! storage adapters run. The feature `mock` has mocks of the traits whose
//! methods take no iterators.

#[cfg(feature = "contract")]
pub mod contract;
mod error;
pub mod inbound;
mod operations;
pub mod outbound;
mod transfer;

pub use error::{Error, Result};
