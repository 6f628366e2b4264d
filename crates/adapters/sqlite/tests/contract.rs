//! Runs the contract tests of the ports on SQLite, each on a file of its own.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::ops::Deref;

use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use domain::{AccountId, ContactId, Name, Timestamp, Uuid};
use ports::outbound::Store;
use storage::{Pool, SessionSetup};
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

/// A second connection would have to wait for the lock of a busy file again, and the pool waits less long.
#[test]
fn a_pool_takes_the_connection_that_was_opened_first() {
    let (_folder, path) = nowhere();
    let count_opened = "CREATE TABLE IF NOT EXISTS opened (n INTEGER); INSERT INTO opened VALUES (1)";
    let pool = Pool::<SqliteConnection>::open(path, 1, SessionSetup::of_connection(count_opened)).unwrap();
    let opened = diesel::dsl::sql::<diesel::sql_types::BigInt>("SELECT count(*) FROM opened");
    assert_eq!(pool.run(|connection| Ok(opened.get_result::<i64>(connection)?)).unwrap(), 1);
}

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

/// Reverts the last migrations, down to the one of this name.
fn revert_to(connection: &mut SqliteConnection, first_reverted: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../migrations/sqlite");
    let mut folders: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for path in folders.iter().rev() {
        let name = path.file_name().unwrap().to_str().unwrap();
        connection.batch_execute(&std::fs::read_to_string(path.join("down.sql")).unwrap()).unwrap();
        let version = name.split('_').next().unwrap().replace('-', "");
        let delete = format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'");
        connection.batch_execute(&delete).unwrap();
        if name == first_reverted {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_contact_fields_get_distinct_uuids() {
    let (_folder, path) = nowhere();
    sqlite_adapter::migrate(&path, &mut |_, _| ()).unwrap();
    let mut connection = SqliteConnection::establish(&path).unwrap();
    revert_to(&mut connection, "2026-11-27-000350_identify_contact_fields");
    connection
        .batch_execute(
            "INSERT INTO accounts (name, created_at) VALUES ('a', 0);
             INSERT INTO contacts (account_id, uuid, first_name, is_starred, is_partial, is_active, is_dead,
               birthdate_is_age_based, birthdate_is_year_unknown, deceased_date_is_age_based,
               deceased_date_is_year_unknown, search_text, created_at, updated_at)
             VALUES (1, x'00000000000000000000000000000001', 'A', 0, 0, 1, 0, 0, 0, 0, 0, '', 0, 0);
             WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 90)
             INSERT INTO contact_fields (account_id, contact_id, kind, data, search_data, created_at)
             SELECT 1, 1, 2, n, n, n FROM number;",
        )
        .unwrap();
    sqlite_adapter::migrate(&path, &mut |_, _| ()).unwrap();
    let store = sqlite_adapter::open(&path, 1).unwrap();
    let (account, contact) = (AccountId::new(1).unwrap(), ContactId::new(1).unwrap());
    let fields = store.contacts.find(account, contact).await.unwrap().fields;
    let random = |uuid: &Uuid| uuid.get_version_num() == 4 && (uuid.as_bytes()[8] & 0b1100_0000) == 0b1000_0000;
    assert!(fields.iter().all(|field| random(&field.uuid) && field.updated_at == field.created_at));
    assert_eq!(fields.iter().map(|field| field.uuid).collect::<HashSet<_>>().len(), 90);
    let last = fields.last().unwrap();
    assert_eq!((last.content.data.as_str(), last.created_at.unix()), ("90", 90));
}
