//! An opened store with its services, as most commands need it.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use domain::{Account, AccountId, Name};
use http_adapter::Services;
use ports::outbound::{Clock, Store};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::error::Error;
use crate::services::{Lease, Released, build_services};
use crate::store;

/// How long [`AppContext::close`] waits for the last service to be dropped.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// An opened store with its services.
pub struct AppContext {
    /// The store.
    pub store: Store,
    /// The services over the store.
    pub services: Services,
    released: Receiver<Released>,
}

impl AppContext {
    /// Runs pending migrations and opens the configured store.
    pub fn open(config: &Config) -> Result<Self, Error> {
        let store = store::open(config)?;
        let (lease, released) = Lease::new();
        let services = build_services(&store, Arc::new(SystemClock), &lease);
        Ok(Self { store, services, released })
    }

    /// Closes the store after the last clone of a service is dropped, and blocks until then.
    ///
    /// The threads of a stopped HTTP server drop theirs a moment after the server has ended. The last one closes the
    /// store, which the end of the process must not interrupt: SQLite checkpoints its WAL.
    pub fn close(self) {
        let Self { store, services, released } = self;
        drop((store, services));
        // An error means that every lease is dropped, or the timeout.
        let _ = released.recv_timeout(CLOSE_TIMEOUT);
    }

    /// Returns the first account, which is created if there is none.
    pub async fn first_account(&self) -> Result<Account, Error> {
        Ok(self.store.accounts.first(Name::from_store("My account".to_owned()), SystemClock.now()).await?)
    }

    /// Returns the given account, which must exist, or else the first one.
    pub async fn account(&self, given: Option<AccountId>) -> Result<AccountId, Error> {
        match given {
            None => Ok(self.first_account().await?.id),
            Some(account) => {
                let found = self.store.accounts.find(account).await;
                found.map(|account| account.id).map_err(not_found("account", account))
            }
        }
    }
}

/// Names the thing that was not found.
pub fn not_found(what: &'static str, id: impl std::fmt::Display) -> impl FnOnce(ports::Error) -> Error {
    move |error| match error {
        ports::Error::NotFound => Error::Refused(format!("there is no {what} {id}")),
        error => error.into(),
    }
}
