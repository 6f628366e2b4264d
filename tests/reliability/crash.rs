//! The server and the database, killed under load.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use support::{Client, Server, Setup, Store, on_both_stores};
use throwaway_postgres::Throwaway;

use crate::quick_or_long;
use crate::write_history::{Dice, Journal, Writers, assert_away, assert_nothing_lost};

on_both_stores!(nothing_answered_is_lost_when_the_server_is_killed);

fn nothing_answered_is_lost_when_the_server_is_killed(setup: Setup) {
    let mut server = setup.serve();
    let token = server.token().unwrap().to_owned();
    let contacts = ["Leslie", "Henri", "Ann"].map(|name| server.client().meet(name));
    let mut journals: Vec<_> = (0..6).map(Journal::new).collect();
    let mut dice = Dice(7);
    let kills = quick_or_long(4, 100);
    for _ in 0..kills {
        let writers = Writers::start(journals, &Client::new(&server.base, Some(&token)), &contacts, false);
        std::thread::sleep(Duration::from_millis(100 + dice.below(400) as u64));
        server.kill();
        journals = writers.stop();
        server = setup.serve();
        assert_nothing_lost(&Client::new(&server.base, Some(&token)), &mut journals);
        assert_sound(&setup);
    }
    tell(&format!("kills: {kills}"), &journals);
    drop(server);
}

/// SQLite's own checks of the file find nothing.
fn assert_sound(setup: &Setup) {
    if matches!(setup.store(), Store::Sqlite) {
        sound(setup.folder().join("data/callbook.db").to_str().unwrap());
    }
}

#[derive(QueryableByName)]
struct Finding {
    #[diesel(sql_type = diesel::sql_types::Text)]
    integrity_check: String,
}

#[derive(QueryableByName)]
struct Orphan {
    #[diesel(sql_type = diesel::sql_types::Text)]
    table: String,
}

pub fn sound(path: &str) {
    let mut connection = SqliteConnection::establish(path).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    let found: Vec<Finding> = diesel::sql_query("PRAGMA integrity_check").load(&mut connection).unwrap();
    let found: Vec<_> = found.into_iter().map(|finding| finding.integrity_check).collect();
    assert_eq!(found, ["ok"]);
    let orphans: Vec<Orphan> = diesel::sql_query("PRAGMA foreign_key_check").load(&mut connection).unwrap();
    assert!(orphans.is_empty(), "orphans in {}", orphans[0].table);
}

fn tell(what: &str, journals: &[Journal]) {
    let answered: usize = journals.iter().map(|journal| journal.answered).sum();
    let unanswered: usize = journals.iter().map(|journal| journal.unanswered).sum();
    assert!(answered > 0, "there was load");
    println!("{what}, writes answered: {answered}, cut off or refused: {unanswered}, lost: 0, done twice: 0");
}

/// A server on a PostgreSQL server of its own, with three contacts.
fn on_own_postgres() -> (Throwaway, Server, [i64; 3]) {
    let postgres = Throwaway::start();
    let server = Setup::on(Store::Url(postgres.url("postgres"))).set("CALLBOOK_METRICS_BIND", "127.0.0.1:0").serve();
    let client = server.client();
    (postgres, server, ["Leslie", "Henri", "Ann"].map(|name| client.meet(name)))
}

#[test]
fn a_database_killed_under_load_loses_nothing_and_the_server_recovers() {
    let (mut postgres, server, contacts) = on_own_postgres();
    let client = server.client();
    let mut journals: Vec<_> = (0..6).map(Journal::new).collect();
    let mut dice = Dice(11);
    let kills = quick_or_long(3, 40);
    for _ in 0..kills {
        let writers = Writers::start(journals, &client, &contacts, true);
        std::thread::sleep(Duration::from_millis(100 + dice.below(400) as u64));
        postgres.stop();
        support::wait_until("the store to be away", || client.get("/readyz").status == 503);
        for _ in 0..3 {
            assert_away(&client.get("/api/calls"));
        }
        assert_eq!(client.get("/healthz").status, 200);
        postgres.restart();
        support::wait_until("the server's recovery", || client.get("/readyz").status == 200);
        journals = writers.stop();
        assert_nothing_lost(&client, &mut journals);
    }
    tell(&format!("kills of PostgreSQL: {kills}"), &journals);
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains("fault"), "a store that is away is no fault of ours: {log}");
}

#[cfg(target_os = "linux")]
pub fn a_database_that_falls_silent_hangs_no_request() {
    let (postgres, server, contacts) = on_own_postgres();
    let client = server.client();
    let mut journals: Vec<_> = (0..2).map(Journal::new).collect();
    let writers = Writers::start(journals, &client, &contacts, true);
    std::thread::sleep(Duration::from_millis(200));
    postgres.freeze();
    // The clients' own limit is a minute: each is answered before.
    let readers: Vec<_> = (0..40)
        .map(|_| {
            let client = client.clone();
            std::thread::spawn(move || assert_away(&client.get("/api/calls")))
        })
        .collect();
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(client.get("/healthz").status, 200);
    postgres.thaw();
    support::wait_until("the server's recovery", || client.get("/readyz").status == 200);
    journals = writers.stop();
    // A write whose client was told that the store is away may still be done there.
    let metrics = server.metrics().unwrap();
    let is_idle = || metrics.get("/metrics").body.contains(r#"callbook_store_connections{state="busy"} 0"#);
    support::wait_until("the end of what was given up", is_idle);
    assert_nothing_lost(&client, &mut journals);
}
