//! A store in a database of its own.

use std::ops::Deref;

use ports::outbound::Store;
use throwaway_postgres::Database;

/// A new store. Dropping it drops its database.
pub struct Fresh {
    pub store: Store,
    pub database: Database,
}

impl Deref for Fresh {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
