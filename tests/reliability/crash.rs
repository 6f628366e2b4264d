//! The server or the database is killed or suspended under load.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;
use support::{Client, Server, Setup, Store, on_both_stores, on_postgres};
use throwaway_postgres::{PgBouncer, Throwaway};

use crate::random::Random;
use crate::write_history::{BackgroundWriters, OnFailure, WriteHistory, assert_nothing_lost};
use crate::{assert_stops_without_internal_error, create_contacts, quick_or_long};

on_both_stores!(keeps_every_acknowledged_write_when_the_server_is_killed);

#[test]
fn keeps_every_acknowledged_write_when_the_server_is_killed_before_a_pooler() {
    keeps_every_acknowledged_write_when_the_server_is_killed(Setup::pooled_postgres());
}

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

on_postgres!(
    keeps_every_acknowledged_write_when_one_of_two_servers_is_killed,
    a_killed_migration_does_not_block_the_next_start,
);

fn keeps_every_acknowledged_write_when_one_of_two_servers_is_killed(setup: Setup) {
    let survivor = setup.serve();
    let client = survivor.client();
    let contacts = create_contacts(&client);
    let mut histories = WriteHistory::of_writers(6);
    let mut random = Random(5);
    let kills = quick_or_long(3, 50);
    for _ in 0..kills {
        let other = setup.serve();
        let to_other = BackgroundWriters::start(
            histories.split_off(3),
            &Client::new(&other.base, client.token()),
            &contacts,
            OnFailure::Stop,
        );
        let to_survivor = BackgroundWriters::start(histories, &client, &contacts, OnFailure::Continue);
        sleep_100_to_500_ms(&mut random);
        other.kill();
        sleep_100_to_500_ms(&mut random);
        histories = to_survivor.stop();
        assert!(histories.iter().all(|history| history.failed == 0), "the other server rejects nothing");
        histories.extend(to_other.stop());
        assert_nothing_lost(&client, &mut histories);
    }
    print_summary(&format!("kills of one of two servers: {kills}"), &histories);
    assert_stops_without_internal_error(survivor);
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
    let (postgres, server, contacts) = serve_on_own_postgres();
    recovers_when_the_database_is_killed(postgres, server, contacts);
}

#[test]
fn recovers_without_loss_when_the_database_is_killed_behind_a_pooler() {
    let postgres = Throwaway::start();
    let pooler = PgBouncer::start(&postgres.address());
    let setup = Setup::on(Store::Url(pooler.url("postgres"))).set("CALLBOOK_POSTGRES_POOLER", "transaction");
    let server = setup.serve();
    let contacts = create_contacts(&server.client());
    recovers_when_the_database_is_killed(postgres, server, contacts);
}

fn recovers_when_the_database_is_killed(mut postgres: Throwaway, server: Server, contacts: [i64; 3]) {
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

#[test]
fn loses_no_acknowledged_write_when_a_standby_takes_over() {
    for _ in 0..quick_or_long(1, 10) {
        let mut primary = Throwaway::start();
        let standby = primary.start_standby();
        let server = Setup::on(Store::Url(primary.url_of_primary(&standby))).serve();
        let client = server.client();
        let contacts = create_contacts(&client);
        let histories = WriteHistory::of_writers(6);
        let writers = BackgroundWriters::start(histories, &client, &contacts, OnFailure::Continue);
        std::thread::sleep(Duration::from_millis(500));
        primary.stop();
        support::wait_until("the store being unavailable", || client.get("/readyz").status == 503);
        standby.promote();
        let promoted = Instant::now();
        let call = json!({"contact_id": contacts[0], "called_at": "2018-02-02", "content": "probe"});
        let write = || client.post("/api/calls", &call);
        let mut response = write();
        while response.status != 201 {
            response.expect_unavailable();
            assert!(promoted.elapsed() < Duration::from_secs(10), "writes work again within 10 seconds");
            std::thread::sleep(Duration::from_millis(20));
            response = write();
        }
        let millis = promoted.elapsed().as_millis();
        client.delete(&format!("/api/calls/{}", response.json()["data"]["id"])).expect(200);
        let mut histories = writers.stop();
        assert_nothing_lost(&client, &mut histories);
        print_summary(&format!("failover, writes after {millis} ms"), &histories);
        assert_stops_without_internal_error(server);
    }
}

fn a_killed_migration_does_not_block_the_next_start(setup: Setup) {
    setup.migrate();
    let Store::Postgres(database) = setup.store() else { unreachable!("the setup is on PostgreSQL") };
    // A migration waits for this table after it has taken the lock of migrations.
    let lock = database.lock("__diesel_schema_migrations");
    let mut migration = setup.command(&["migrate"]).spawn().unwrap();
    let waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '__diesel_schema_migrations'::regclass";
    let mut observer = PgConnection::establish(&database.url()).unwrap();
    support::wait_until("the migration waiting", || diesel::sql_query(waiting).execute(&mut observer).unwrap() > 0);
    migration.kill().unwrap();
    migration.wait().unwrap();
    drop(lock);
    assert_stops_without_internal_error(setup.serve());
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
