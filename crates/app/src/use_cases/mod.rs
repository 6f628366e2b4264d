//! The use cases: the inbound ports, told in terms of the outbound ones.

mod access;
mod call_log;
mod contact_book;
mod readiness;

use std::sync::Arc;

pub use access::{Doorkeeper, hash};
pub use call_log::CallLogbook;
pub use contact_book::Contacts;
use http_adapter::Services;
use ports::outbound::{Clock, Store};
pub use readiness::StoreReadiness;

/// The use cases over an opened store.
pub fn over(store: &Store, clock: Arc<dyn Clock>) -> Services {
    Services {
        calls: Arc::new(CallLogbook::new(store.calls.clone(), clock.clone())),
        contacts: Arc::new(Contacts::new(store.contacts.clone(), clock.clone())),
        access: Arc::new(Doorkeeper::new(store.tokens.clone(), store.accounts.clone(), clock.clone())),
        readiness: Arc::new(StoreReadiness::new(store.health.clone())),
        clock,
    }
}
