//! PostgreSQL keeps every law of the ports, each on a database of its own.
#![allow(clippy::unwrap_used)]

use std::ops::Deref;

use ports::outbound::Store;
use throwaway_postgres::Database;

/// A new store; its database goes with it.
struct Fresh {
    store: Store,
    _database: Database,
}

impl Deref for Fresh {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

fn fresh() -> Fresh {
    let database = Database::create();
    postgres_adapter::migrate(&database.url()).unwrap();
    Fresh { store: postgres_adapter::open(&database.url(), 8).unwrap(), _database: database }
}

ports::contract_tests!(fresh());

#[test]
fn migrations_go_up_down_and_up_again() {
    let database = Database::create();
    let url = database.url();
    let up = postgres_adapter::migrate(&url).unwrap();
    assert!(!up.is_empty());
    assert_eq!(postgres_adapter::migrate(&url).unwrap(), Vec::<String>::new(), "nothing is pending");
    let mut down = postgres_adapter::revert_all_migrations(&url).unwrap();
    down.reverse();
    assert_eq!(down, up);
    assert_eq!(postgres_adapter::migrate(&url).unwrap(), up);
    postgres_adapter::open(&url, 1).unwrap();
}

#[test]
fn servers_that_start_together_migrate_once() {
    let database = Database::create();
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = database.url();
            std::thread::spawn(move || postgres_adapter::migrate(&url).unwrap().len())
        })
        .collect();
    let ran: usize = starts.into_iter().map(|start| start.join().unwrap()).sum();
    assert_eq!(ran, postgres_adapter::revert_all_migrations(&database.url()).unwrap().len());
}
