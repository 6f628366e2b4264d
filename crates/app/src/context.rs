//! An open store with its use cases, as most commands need it.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use domain::{AccountId, CallQuery, ContactQuery, PageRequest};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::error::Error;
use crate::services::{Services, build_services};
use crate::store;

/// How long [`AppContext::close`] waits for the HTTP adapter.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// An open store with its use cases.
pub struct AppContext {
    /// The use cases.
    pub services: Services,
}

impl AppContext {
    /// Runs pending migrations and opens the configured store, which must exist.
    pub fn open(config: &Config) -> Result<Self, Error> {
        store::check_exists(config)?;
        Self::open_or_create(config)
    }

    /// Runs pending migrations and opens the configured store. A missing store is created.
    pub fn open_or_create(config: &Config) -> Result<Self, Error> {
        Ok(Self {
            services: build_services(store::open_or_create(config)?, Arc::new(SystemClock), config.phone_region),
        })
    }

    /// Closes the store, and waits for that for at most five seconds.
    pub fn close(self) {
        self.services.close(CLOSE_TIMEOUT);
    }

    /// Returns the given account, which must exist. Without one, returns the first account, which is created if there
    /// is none.
    pub async fn account(&self, account: Option<AccountId>) -> Result<AccountId, Error> {
        let admin = &self.services.admin;
        let found = match account {
            None => admin.first_account().await?,
            Some(id) => admin.account(id).await.map_err(not_found("account", id))?,
        };
        Ok(found.id)
    }

    /// Returns the account of an import, as [`AppContext::account`] does. A dry run creates no account.
    pub async fn account_to_import(&self, account: Option<AccountId>, dry_run: bool) -> Result<AccountId, Error> {
        if dry_run && account.is_none() && self.services.admin.accounts().await?.is_empty() {
            return Err(Error::Failed("the store has no account, and a dry run creates none".to_owned()));
        }
        self.account(account).await
    }

    /// Returns the number of contacts and calls of the account.
    pub async fn count_records(&self, account: AccountId) -> Result<u64, Error> {
        let http_adapter::Services { contacts, calls, .. } = &self.services.http;
        let contacts = contacts.list(account, ContactQuery::oldest_first(PageRequest::SMALLEST)).await?.total;
        let calls = calls.list(account, CallQuery::newest_first(PageRequest::SMALLEST)).await?.page.total;
        Ok(contacts + calls)
    }
}

/// Names the item that was not found.
pub fn not_found(kind: &'static str, id: impl Display) -> impl FnOnce(ports::Error) -> Error {
    move |error| match error {
        ports::Error::NotFound => Error::Failed(format!("there is no {kind} {id}")),
        error => error.into(),
    }
}
