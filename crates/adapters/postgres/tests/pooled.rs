//! Runs the contract tests of the ports through PgBouncer in transaction mode, each on a database of its own.
#![allow(clippy::unwrap_used)]

mod fresh;

use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use fresh::Fresh;
use postgres_adapter::Pooler;
use throwaway_postgres::Database;

fn fresh_in(database: Database) -> Fresh {
    let url = database.pooled_url();
    postgres_adapter::migrate(&url, &mut |_, _| ()).unwrap();
    Fresh { store: postgres_adapter::open(&url, Pooler::Transaction, 8).unwrap(), database }
}

fn fresh() -> Fresh {
    fresh_in(Database::create())
}

ports::contract_tests!(fresh());

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::Text)]
    value: String,
}

/// Returns the value of a query, without the pooler.
fn value(database: &Database, sql: &str) -> String {
    let mut connection = PgConnection::establish(&database.url()).unwrap();
    sql_query(format!("SELECT ({sql})::text AS value")).get_result::<Found>(&mut connection).unwrap().value
}

#[test]
fn migrations_go_up_and_down_and_leave_no_lock() {
    let database = Database::create();
    let url = database.pooled_url();
    let up = postgres_adapter::migrate(&url, &mut |_, _| ()).unwrap();
    assert!(!up.is_empty());
    let locks = "SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database \
                 WHERE locktype = 'advisory' AND datname = current_database()";
    assert_eq!(value(&database, locks), "0");
    assert_eq!(postgres_adapter::revert_all_migrations(&url).unwrap().len(), up.len());
}

#[test]
fn servers_that_start_together_migrate_once() {
    let database = Database::create();
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = database.pooled_url();
            std::thread::spawn(move || postgres_adapter::migrate(&url, &mut |_, _| ()).unwrap().len())
        })
        .collect();
    let ran: usize = starts.into_iter().map(|start| start.join().unwrap()).sum();
    assert_eq!(ran, postgres_adapter::revert_all_migrations(&database.pooled_url()).unwrap().len());
}

#[test]
fn refuses_a_pooler_that_the_setting_does_not_name() {
    let database = Database::create();
    let url = database.pooled_url();
    postgres_adapter::migrate(&url, &mut |_, _| ()).unwrap();
    // Each start also disturbs the order in which the pooler assigns sessions to the others.
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            std::thread::spawn(move || {
                for _ in 0..20 {
                    let refused = postgres_adapter::open(&url, Pooler::None, 4).err().unwrap().to_string();
                    assert!(refused.contains("CALLBOOK_POSTGRES_POOLER must be transaction"), "{refused}");
                }
            })
        })
        .collect();
    for start in starts {
        start.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn works_without_a_pooler_and_one_connection() {
    let database = Database::create();
    postgres_adapter::migrate(&database.url(), &mut |_, _| ()).unwrap();
    let store = postgres_adapter::open(&database.url(), Pooler::Transaction, 1).unwrap();
    ports::contract::concurrency::keeps_counters_exact_under_16_writers(&store).await;
}

/// Each of these settings would break a request.
#[tokio::test(flavor = "multi_thread")]
async fn replaces_the_settings_of_the_database_in_each_transaction() {
    let database = Database::create();
    for setting in [
        "lock_timeout = 1",
        "idle_in_transaction_session_timeout = 1",
        "default_transaction_isolation = 'serializable'",
        "timezone = 'Asia/Tokyo'",
    ] {
        let name = value(&database, "current_database()");
        database.execute(&format!("ALTER DATABASE {name} SET {setting}"));
    }
    let store = fresh_in(database);
    ports::contract::concurrency::keeps_counters_exact_under_16_writers(&store).await;
    let store = fresh_in(store.database);
    ports::contract::bulk::reads_records_as_they_were_imported(&store).await;
}
