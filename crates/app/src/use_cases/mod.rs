//! The use cases: the inbound ports, told in terms of the outbound ones.

mod access;
mod call_log;
mod contact_book;
mod readiness;

use std::sync::Arc;

pub use access::{TokenAuthenticator, hash};
pub use call_log::CallUseCases;
pub use contact_book::ContactUseCases;
use http_adapter::Services;
use ports::outbound::{Clock, Store};
pub use readiness::StoreHealthCheck;

/// The use cases over an opened store.
pub fn over(store: &Store, clock: Arc<dyn Clock>) -> Services {
    Services {
        calls: Arc::new(CallUseCases::new(store.calls.clone(), clock.clone())),
        contacts: Arc::new(ContactUseCases::new(store.contacts.clone(), clock.clone())),
        access: Arc::new(TokenAuthenticator::new(store.tokens.clone(), store.accounts.clone(), clock.clone())),
        readiness: Arc::new(StoreHealthCheck::new(store.health.clone())),
        clock,
    }
}
