//! A store in a database of its own.

use std::ops::Deref;

use ports::outbound::Store;
use throwaway_postgres::Database;

/// A new store. Dropping it drops its database.
pub struct Fresh {
    pub store: Store,
    #[allow(dead_code, reason = "the tests on Citus need only that it lives as long as the store")]
    pub database: Database,
}

impl Deref for Fresh {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
