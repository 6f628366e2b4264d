//! An opened store, as every command but a few needs it.

use std::sync::Arc;

use domain::{Account, AccountId, Name};
use http_adapter::Services;
use ports::outbound::{Clock, Store};

use crate::clock::SystemClock;
use crate::error::Error;
use crate::settings::Settings;
use crate::{store, use_cases};

/// An opened store with the use cases over it.
pub struct AppContext {
    /// The store.
    pub store: Store,
    /// The use cases.
    pub services: Services,
}

impl AppContext {
    /// Opens the store that the settings name.
    pub fn by(settings: &Settings) -> Result<Self, Error> {
        let store = store::open(settings)?;
        let services = use_cases::over(&store, Arc::new(SystemClock));
        Ok(Self { store, services })
    }

    /// The first account, made when there is none.
    pub async fn first_account(&self) -> Result<Account, Error> {
        Ok(self.store.accounts.first(Name::from_store("My account".to_owned()), SystemClock.now()).await?)
    }

    /// The account that is named, which must exist, or else the first one.
    pub async fn account(&self, named: Option<AccountId>) -> Result<AccountId, Error> {
        match named {
            None => Ok(self.first_account().await?.id),
            Some(account) => {
                let found = self.store.accounts.find(account).await;
                found.map(|account| account.id).map_err(no_such("account", account))
            }
        }
    }
}

/// Says what was not found.
pub fn no_such(what: &'static str, id: impl std::fmt::Display) -> impl FnOnce(ports::Error) -> Error {
    move |error| match error {
        ports::Error::NotFound => Error::Refused(format!("there is no {what} {id}")),
        error => error.into(),
    }
}
