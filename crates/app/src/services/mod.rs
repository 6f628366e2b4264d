//! The use cases: the inbound ports, implemented with the outbound ports.

mod admin;
mod auth;
mod call_log;
mod calls;
mod contact_fields;
mod contacts;
mod deletions;
mod operations;
mod transfer;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use domain::PhoneRegion;
use ports::inbound::{AdminService, CallLogService, TransferService};
use ports::outbound::{Clock, Store};

/// The use cases of an open store.
pub struct Services {
    /// The use cases of the HTTP adapter.
    pub http: http_adapter::Services,
    /// Accounts and tokens.
    pub admin: Arc<dyn AdminService>,
    /// Imports of call logs.
    pub call_log: Arc<dyn CallLogService>,
    /// Imports, exports and backups.
    pub transfer: Arc<dyn TransferService>,
    closed: Receiver<Infallible>,
}

/// Builds the use cases of the store. Phone numbers are read by the rules of the region.
pub fn build_services(store: Store, clock: Arc<dyn Clock>, region: Option<PhoneRegion>) -> Services {
    let Store { calls, contacts, contact_fields, deletions, accounts, tokens, bulk, operations } = store;
    let (lease, closed) = Lease::new();
    let http = http_adapter::Services {
        calls: Arc::new(calls::Calls::new(calls, clock.clone(), region, lease.clone())),
        contacts: Arc::new(contacts::Contacts::new(contacts, clock.clone(), region, lease.clone())),
        contact_fields: Arc::new(contact_fields::ContactFields::new(contact_fields, clock.clone(), lease.clone())),
        deletions: Arc::new(deletions::Deletions::new(deletions, clock.clone(), lease.clone())),
        auth: Arc::new(auth::Auth::new(tokens.clone(), accounts.clone(), clock.clone(), lease.clone())),
        operations: Arc::new(operations::Operations::new(operations, lease)),
        clock: clock.clone(),
    };
    Services {
        admin: Arc::new(admin::Admin::new(accounts, tokens, clock)),
        call_log: Arc::new(call_log::CallLog::new(http.calls.clone(), http.contacts.clone())),
        transfer: Arc::new(transfer::Transfer::new(bulk)),
        http,
        closed,
    }
}

impl Services {
    /// Drops the services, and blocks until the HTTP adapter has dropped its clones too, or until the timeout.
    pub fn close(self, timeout: Duration) {
        let Self { http, admin, call_log, transfer, closed } = self;
        drop((http, admin, call_log, transfer));
        // Always an error: the channel disconnects, or the time is over.
        let _ = closed.recv_timeout(timeout);
    }
}

/// Tells [`Services::close`] when the services are dropped: the channel disconnects with the last clone. Each service of
/// the HTTP adapter declares it as its last field, so that its repository is dropped first.
#[derive(Clone)]
struct Lease {
    _sender: Sender<Infallible>,
}

impl Lease {
    fn new() -> (Self, Receiver<Infallible>) {
        let (sender, receiver) = channel();
        (Self { _sender: sender }, receiver)
    }
}
