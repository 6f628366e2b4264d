//! Runs the contract tests of the ports on PostgreSQL, each on a database of its own.
#![allow(clippy::unwrap_used)]

mod fresh;

use std::collections::HashSet;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
use domain::{CallDetails, CallPatch, Name, NewCall, NewContact, Timestamp, Uuid};
use fresh::Fresh;
use postgres_adapter::Pooler;
use throwaway_postgres::Database;

fn fresh() -> Fresh {
    let database = Database::create();
    postgres_adapter::migrate(&database.url(), &mut |_, _| ()).unwrap();
    Fresh { store: postgres_adapter::open(&database.url(), Pooler::None, 8).unwrap(), database }
}

ports::contract_tests!(fresh());

#[test]
fn migrations_go_up_down_and_up_again() {
    let database = Database::create();
    let url = database.url();
    let up = postgres_adapter::migrate(&url, &mut |_, _| ()).unwrap();
    assert!(!up.is_empty());
    assert_eq!(postgres_adapter::migrate(&url, &mut |_, _| ()).unwrap(), Vec::<String>::new(), "nothing is pending");
    let mut down = postgres_adapter::revert_all_migrations(&url).unwrap();
    down.reverse();
    assert_eq!(down, up);
    assert_eq!(postgres_adapter::migrate(&url, &mut |_, _| ()).unwrap(), up);
    postgres_adapter::open(&url, Pooler::None, 1).unwrap();
}

/// Citus cannot execute several statements of one file on distributed tables. The older migrations ran before there was
/// `--distribute`.
#[test]
fn a_migration_has_one_statement() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../migrations/postgres");
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_name().to_str().unwrap() > "2026-11-27-000500_add_feed_tokens" {
            for file in ["up.sql", "down.sql"] {
                let statements = std::fs::read_to_string(entry.path().join(file)).unwrap().matches(";\n").count();
                assert_eq!(statements, 1, "{}: {file}", entry.path().display());
            }
        }
    }
}

#[test]
fn servers_that_start_together_migrate_once() {
    let database = Database::create();
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = database.url();
            std::thread::spawn(move || postgres_adapter::migrate(&url, &mut |_, _| ()).unwrap().len())
        })
        .collect();
    let ran: usize = starts.into_iter().map(|start| start.join().unwrap()).sum();
    assert_eq!(ran, postgres_adapter::revert_all_migrations(&database.url()).unwrap().len());
}

#[test]
fn rejects_a_store_of_a_newer_version() {
    let database = Database::create();
    postgres_adapter::migrate(&database.url(), &mut |_, _| ()).unwrap();
    database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')");
    let refused = postgres_adapter::migrate(&database.url(), &mut |_, _| ()).unwrap_err().to_string();
    assert!(refused.contains("newer version") && refused.contains("29991231000000"), "{refused}");
}

#[test]
fn rejects_a_database_that_is_not_utf_8() {
    let database = Database::create_with("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let refused = postgres_adapter::migrate(&database.url(), &mut |_, _| ()).unwrap_err().to_string();
    assert!(refused.contains("LATIN1"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_threads_share_one_connection_without_starving() {
    let database = Database::create();
    postgres_adapter::migrate(&database.url(), &mut |_, _| ()).unwrap();
    let store = postgres_adapter::open(&database.url(), Pooler::None, 1).unwrap();
    let now = Timestamp::from_unix(0).unwrap();
    let name = |text| Name::parse(text).unwrap();
    let mut requests = Vec::new();
    for n in 0..4 {
        let account = store.accounts.create(name("shared"), now).await.unwrap().id;
        let leslie = NewContact::new(name("Leslie"));
        let contact = store.contacts.create(account, leslie, Uuid::from_u128(n), vec![], now).await.unwrap().summary.id;
        for n in 0..50 {
            let calls = store.calls.clone();
            let call = NewCall { contact, details: CallDetails::at(now) };
            requests.push(tokio::spawn(async move {
                let call = calls.create(account, call, Uuid::from_u128(n), now, None).await.unwrap();
                let change = CallPatch { contact_called: Some(true), ..CallPatch::default() };
                let changed = calls.update(account, call.id, change, now, None).await.unwrap();
                assert_eq!(calls.find(account, call.id).await.unwrap(), changed);
            }));
        }
    }
    for request in requests {
        request.await.unwrap();
    }
}

/// While the update waits, the newest call is deleted, and `last_called` goes back.
#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_waits_for_its_contact_sees_the_contact_s_new_state() {
    let store = fresh();
    let at = |second| Timestamp::from_unix(second).unwrap();
    let name = |text| Name::parse(text).unwrap();
    let account = store.accounts.create(name("waiting"), at(0)).await.unwrap().id;
    let leslie = NewContact::new(name("Leslie"));
    let contact = store.contacts.create(account, leslie, Uuid::from_u128(1), vec![], at(0)).await.unwrap().summary.id;
    let mut ids = Vec::new();
    for second in [3, 5, 20] {
        let call = NewCall { contact, details: CallDetails::at(at(second)) };
        ids.push(store.calls.create(account, call, Uuid::from_u128(2), at(0), None).await.unwrap().id);
    }

    let mut other = PgConnection::establish(&store.database.url()).unwrap();
    let deletion = format!(
        "BEGIN; DELETE FROM calls WHERE id = {}; \
         UPDATE call_counts SET calls = calls - 1; \
         UPDATE contacts SET calls = 2, last_called = to_timestamp(5) WHERE id = {contact}",
        ids[2]
    );
    other.batch_execute(&deletion).unwrap();
    let calls = store.calls.clone();
    let later = CallPatch { called_at: Some(at(10)), ..CallPatch::default() };
    let change = tokio::spawn(async move { calls.update(account, ids[0], later, at(0), None).await });
    let mut observer = PgConnection::establish(&store.database.url()).unwrap();
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sql_query(waiting).execute(&mut observer).unwrap() == 0 {
        assert!(!change.is_finished(), "it does not wait");
    }
    other.batch_execute("COMMIT").unwrap();

    change.await.unwrap().unwrap();
    assert_eq!(store.contacts.find(account, contact).await.unwrap().last_called, Some(at(10)));
    let counters = store.operations.audit_counters().unwrap();
    assert_eq!((counters.contacts.wrong, counters.months.wrong), (0, 0));
}

/// Reverts the last migrations, down to the one of this name.
fn revert_to(database: &Database, first_reverted: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../migrations/postgres");
    let mut folders: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for path in folders.iter().rev() {
        let name = path.file_name().unwrap().to_str().unwrap();
        database.execute(&std::fs::read_to_string(path.join("down.sql")).unwrap());
        let version = name.split('_').next().unwrap().replace('-', "");
        database.execute(&format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'"));
        if name == first_reverted {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_contact_fields_get_distinct_uuids() {
    let store = fresh();
    let now = Timestamp::from_unix(0).unwrap();
    let name = |text| Name::parse(text).unwrap();
    let account = store.accounts.create(name("uuids"), now).await.unwrap().id;
    let leslie = NewContact::new(name("Leslie"));
    let contact = store.contacts.create(account, leslie, Uuid::from_u128(1), vec![], now).await.unwrap().summary.id;
    revert_to(&store.database, "2026-11-27-000350_identify_contact_fields");
    store.database.execute(&format!(
        "INSERT INTO contact_fields (account_id, contact_id, kind, data, search_data, created_at)
         SELECT {account}, {contact}, 2, n, n, to_timestamp(n) FROM generate_series(1, 90) AS n"
    ));
    postgres_adapter::migrate(&store.database.url(), &mut |_, _| ()).unwrap();
    let migrated = postgres_adapter::open(&store.database.url(), Pooler::None, 1).unwrap();
    let fields = migrated.contacts.find(account, contact).await.unwrap().fields;
    assert!(fields.iter().all(|field| field.uuid.get_version_num() == 4 && field.updated_at == field.created_at));
    assert_eq!(fields.iter().map(|field| field.uuid).collect::<HashSet<_>>().len(), 90);
    assert_eq!(fields.last().unwrap().created_at.unix(), 90);
}
