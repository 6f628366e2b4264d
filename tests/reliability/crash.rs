//! The server or the database is killed or suspended under load.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use support::{Client, Server, Setup, Store, on_both_stores};
use throwaway_postgres::Throwaway;

use crate::random::Random;
use crate::write_history::{BackgroundWriters, OnFailure, WriteHistory, assert_nothing_lost};
use crate::{assert_stops_without_internal_error, create_contacts, quick_or_long};

on_both_stores!(keeps_every_acknowledged_write_when_the_server_is_killed);

fn keeps_every_acknowledged_write_when_the_server_is_killed(setup: Setup) {
    let mut server = setup.serve();
    let token = server.token().unwrap().to_owned();
    let contacts = create_contacts(&server.client());
    let mut histories = WriteHistory::of_writers(6);
    let mut random = Random(7);
    let kills = quick_or_long(4, 100);
    for _ in 0..kills {
        let client = Client::new(&server.base, Some(&token));
        let writers = BackgroundWriters::start(histories, &client, &contacts, OnFailure::Stop);
        sleep_100_to_500_ms(&mut random);
        server.kill();
        histories = writers.stop();
        server = setup.serve();
        assert_nothing_lost(&Client::new(&server.base, Some(&token)), &mut histories);
        if matches!(setup.store(), Store::Sqlite) {
            assert_sqlite_intact(setup.sqlite_file().to_str().unwrap());
        }
    }
    print_summary(&format!("kills: {kills}"), &histories);
    drop(server);
}

fn sleep_100_to_500_ms(random: &mut Random) {
    std::thread::sleep(Duration::from_millis(100 + random.below(400) as u64));
}

#[derive(QueryableByName)]
struct IntegrityCheck {
    #[diesel(sql_type = diesel::sql_types::Text)]
    integrity_check: String,
}

#[derive(QueryableByName)]
struct ForeignKeyViolation {
    #[diesel(sql_type = diesel::sql_types::Text)]
    table: String,
}

/// Asserts that SQLite's own checks find no error in a file.
pub fn assert_sqlite_intact(path: &str) {
    let mut connection = SqliteConnection::establish(path).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    let results: Vec<IntegrityCheck> = diesel::sql_query("PRAGMA integrity_check").load(&mut connection).unwrap();
    let results: Vec<_> = results.into_iter().map(|row| row.integrity_check).collect();
    assert_eq!(results, ["ok"]);
    let violations: Vec<ForeignKeyViolation> =
        diesel::sql_query("PRAGMA foreign_key_check").load(&mut connection).unwrap();
    assert!(violations.is_empty(), "foreign key violation in {}", violations[0].table);
}

fn print_summary(fault: &str, histories: &[WriteHistory]) {
    let succeeded: usize = histories.iter().map(|history| history.succeeded).sum();
    let failed: usize = histories.iter().map(|history| history.failed).sum();
    assert!(succeeded > 0, "there was load");
    println!("{fault}, acknowledged writes: {succeeded}, cut off or rejected: {failed}, lost: 0, duplicated: 0");
}

/// A server with three contacts on a PostgreSQL server of its own.
fn serve_on_own_postgres() -> (Throwaway, Server, [i64; 3]) {
    let postgres = Throwaway::start();
    let server = Setup::on(Store::Url(postgres.url("postgres"))).set("CALLBOOK_METRICS_BIND", "127.0.0.1:0").serve();
    let contacts = create_contacts(&server.client());
    (postgres, server, contacts)
}

#[test]
fn recovers_without_loss_when_the_database_is_killed() {
    let (mut postgres, server, contacts) = serve_on_own_postgres();
    let client = server.client();
    let mut histories = WriteHistory::of_writers(6);
    let mut random = Random(11);
    let kills = quick_or_long(3, 40);
    for _ in 0..kills {
        let writers = BackgroundWriters::start(histories, &client, &contacts, OnFailure::Continue);
        sleep_100_to_500_ms(&mut random);
        postgres.stop();
        support::wait_until("the store being unavailable", || client.get("/readyz").status == 503);
        for _ in 0..3 {
            client.get("/api/calls").expect_unavailable();
        }
        assert_eq!(client.get("/healthz").status, 200);
        postgres.restart();
        server.wait_until_ready();
        histories = writers.stop();
        assert_nothing_lost(&client, &mut histories);
    }
    print_summary(&format!("kills of PostgreSQL: {kills}"), &histories);
    assert_stops_without_internal_error(server);
}

#[cfg(target_os = "linux")]
pub fn answers_every_request_while_the_database_is_suspended() {
    let (postgres, server, contacts) = serve_on_own_postgres();
    let client = server.client();
    let mut histories = WriteHistory::of_writers(2);
    let writers = BackgroundWriters::start(histories, &client, &contacts, OnFailure::Continue);
    std::thread::sleep(Duration::from_millis(200));
    postgres.suspend();
    // Each reader gets its response within the client's timeout of a minute.
    let readers: Vec<_> = (0..40)
        .map(|_| {
            let client = client.clone();
            std::thread::spawn(move || client.get("/api/calls").expect_unavailable())
        })
        .collect();
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(client.get("/healthz").status, 200);
    postgres.resume();
    server.wait_until_ready();
    histories = writers.stop();
    // A write whose client received a 503 may still be in progress in the database.
    let metrics = server.metrics().unwrap();
    let is_idle = || metrics.get("/metrics").body.contains(r#"callbook_store_connections{state="busy"} 0"#);
    support::wait_until("all connections to the store being idle", is_idle);
    assert_nothing_lost(&client, &mut histories);
}
