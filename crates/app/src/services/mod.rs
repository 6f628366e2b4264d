//! The services: the inbound ports, implemented over the outbound ports.

mod access;
mod call_log;
mod contact_book;
mod readiness;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

pub use access::{TokenAuthenticator, hash};
pub use call_log::CallUseCases;
pub use contact_book::ContactUseCases;
use http_adapter::Services;
use ports::outbound::{Clock, Store};
pub use readiness::StoreHealthCheck;

/// Builds the services over an opened store. Each holds a clone of the lease until it is dropped.
pub fn build_services(store: &Store, clock: Arc<dyn Clock>, lease: &Lease) -> Services {
    let lease = || lease.clone();
    Services {
        calls: Arc::new(CallUseCases::new(store.calls.clone(), clock.clone(), lease())),
        contacts: Arc::new(ContactUseCases::new(store.contacts.clone(), clock.clone(), lease())),
        access: Arc::new(TokenAuthenticator::new(store.tokens.clone(), store.accounts.clone(), clock.clone(), lease())),
        readiness: Arc::new(StoreHealthCheck::new(store.health.clone(), lease())),
        clock,
    }
}

/// Keeps [`Released`] from being reported. A service declares it last, so that it drops its repository first.
#[derive(Clone)]
pub struct Lease {
    _alive: Sender<Released>,
}

/// Is never sent: the receiver disconnects when the last [`Lease`] is dropped.
pub type Released = Infallible;

impl Lease {
    /// Returns a lease and the receiver that disconnects when the last clone of it is dropped.
    pub fn new() -> (Self, Receiver<Released>) {
        let (alive, released) = channel();
        (Self { _alive: alive }, released)
    }
}
