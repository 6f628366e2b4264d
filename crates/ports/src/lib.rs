//! The hexagon's edge: what is asked of Callbook ([`inbound`]) and what Callbook asks of the world ([`outbound`]).
//!
//! The doc comments state laws. What a law says of a store, the feature `contract` tests on every store.

mod bulk;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
pub mod inbound;
pub mod outbound;

pub use error::{Error, Result};
