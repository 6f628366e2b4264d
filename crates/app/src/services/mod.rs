//! The use cases: the inbound ports, implemented with the outbound ports.

mod admin;
mod auth;
mod calls;
mod contacts;
mod operations;
mod transfer;

use std::sync::Arc;

use ports::inbound::{AdminService, TransferService};
use ports::outbound::{Clock, Store};

/// The use cases of an open store.
pub struct Services {
    /// The use cases of the HTTP adapter.
    pub http: http_adapter::Services,
    /// Accounts and tokens.
    pub admin: Arc<dyn AdminService>,
    /// Imports, exports and backups.
    pub transfer: Arc<dyn TransferService>,
}

/// Builds the use cases of the store.
pub fn build_services(store: Store, clock: Arc<dyn Clock>) -> Services {
    let Store { calls, contacts, accounts, tokens, bulk, operations } = store;
    Services {
        http: http_adapter::Services {
            calls: Arc::new(calls::Calls::new(calls, clock.clone())),
            contacts: Arc::new(contacts::Contacts::new(contacts, clock.clone())),
            auth: Arc::new(auth::Auth::new(tokens.clone(), accounts.clone(), clock.clone())),
            operations: Arc::new(operations::Operations::new(operations)),
            clock: clock.clone(),
        },
        admin: Arc::new(admin::Admin::new(accounts, tokens, clock)),
        transfer: Arc::new(transfer::Transfer::new(bulk)),
    }
}
