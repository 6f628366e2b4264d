//! Runs the contract tests of the ports on SQLite, each on a file of its own.
#![allow(clippy::unwrap_used)]

use std::ops::Deref;

use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use domain::{Name, Timestamp};
use ports::outbound::Store;
use tempfile::TempDir;

/// A new store. Dropping it deletes its folder.
struct Fresh {
    store: Store,
    _folder: TempDir,
}

impl Deref for Fresh {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// A folder, deleted when dropped, and the path of a file to create in it.
fn nowhere() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("callbook.db").to_str().unwrap().to_owned();
    (folder, path)
}

fn fresh() -> Fresh {
    let (folder, path) = nowhere();
    sqlite_adapter::migrate(&path, &mut |_, _| ()).unwrap();
    Fresh { store: sqlite_adapter::open(&path, 4).unwrap(), _folder: folder }
}

ports::contract_tests!(fresh());

#[test]
fn migrations_go_up_down_and_up_again() {
    let (_folder, path) = nowhere();
    let up = sqlite_adapter::migrate(&path, &mut |_, _| ()).unwrap();
    assert!(!up.is_empty());
    assert_eq!(sqlite_adapter::migrate(&path, &mut |_, _| ()).unwrap(), Vec::<String>::new(), "nothing is pending");
    let mut down = sqlite_adapter::revert_all_migrations(&path).unwrap();
    down.reverse();
    assert_eq!(down, up);
    assert_eq!(sqlite_adapter::migrate(&path, &mut |_, _| ()).unwrap(), up);
    sqlite_adapter::open(&path, 1).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_checkpoints_and_removes_the_wal() {
    let (_folder, path) = nowhere();
    sqlite_adapter::migrate(&path, &mut |_, _| ()).unwrap();
    for n in 0..20 {
        let store = sqlite_adapter::open(&path, 4).unwrap();
        let name = Name::parse("closing").unwrap();
        for _ in 0..n {
            store.accounts.create(name.clone(), Timestamp::from_unix(0).unwrap()).await.unwrap();
        }
        drop(store);
        assert!(!std::fs::exists(format!("{path}-wal")).unwrap());
    }
    let store = sqlite_adapter::open(&path, 4).unwrap();
    assert_eq!(store.accounts.list().await.unwrap().len(), 190);
}

#[test]
fn servers_that_start_together_migrate_once() {
    for _ in 0..30 {
        let (_folder, path) = nowhere();
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || sqlite_adapter::migrate(&path, &mut |_, _| ()).unwrap().len())
            })
            .collect();
        let ran: usize = starts.into_iter().map(|start| start.join().unwrap()).sum();
        assert_eq!(ran, sqlite_adapter::revert_all_migrations(&path).unwrap().len());
    }
}

#[test]
fn rejects_a_store_of_a_newer_version() {
    let (_folder, path) = nowhere();
    sqlite_adapter::migrate(&path, &mut |_, _| ()).unwrap();
    let mut connection = SqliteConnection::establish(&path).unwrap();
    sql_query("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')")
        .execute(&mut connection)
        .unwrap();
    let refused = sqlite_adapter::migrate(&path, &mut |_, _| ()).unwrap_err().to_string();
    assert!(refused.contains("newer version") && refused.contains("29991231000000"), "{refused}");
}
