//! Citus: distributing a store with data, and workers that are away.

use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
use serde_json::json;
use support::{Client, Setup, Store, wait_until};
use throwaway_postgres::{Database, Node};

#[test]
fn distributes_a_store_with_data_once() {
    let setup = Setup::on(Store::Postgres(Database::create_on_citus()));
    setup.migrate();
    setup.output(&["account", "create", "one"]);
    setup.output(&["account", "create", "two"]);
    setup.output(&["demo", "--account", "2"]);
    let token = setup.output(&["token", "create", "--account", "2"]);
    let before = setup.output(&["export", "--account", "2"]);

    let distributed = setup.output(&["migrate", "--distribute"]);
    assert!(distributed.contains("table calls: distributed"), "{distributed}");
    assert_eq!(setup.output(&["export", "--account", "2"]), before);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&token));
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 4);
    client.create_call(client.create_contact("Ann"), "2024-01-01");
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 5);

    assert_eq!(setup.output(&["migrate", "--distribute"]), "The tables are distributed already.");
    assert!(setup.output(&["migrate", "--verify-counters"]).contains("all true"));
}

#[test]
fn a_killed_distribution_changes_nothing() {
    let setup = Setup::on(Store::Postgres(Database::create_on_citus()));
    setup.output(&["demo"]);
    let before = setup.output(&["export"]);
    let Store::Postgres(database) = setup.store() else { unreachable!("the setup is on Citus") };
    // The last table that is distributed.
    let lock = database.lock("search_index_progress");
    let mut distribution = setup.command(&["migrate", "--distribute"]).spawn().unwrap();
    let waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'search_index_progress'::regclass";
    let mut observer = PgConnection::establish(&database.url()).unwrap();
    wait_until("the distribution waiting", || sql_query(waiting).execute(&mut observer).unwrap() > 0);
    distribution.kill().unwrap();
    distribution.wait().unwrap();
    drop(lock);
    assert_eq!(setup.output(&["export"]), before);
    let distributed = setup.output(&["migrate", "--distribute"]);
    assert!(distributed.starts_with("table accounts: distributed"), "all tables were local: {distributed}");
    assert_eq!(setup.output(&["export"]), before);
}

#[test]
fn refuses_a_worker_as_the_store() {
    let setup = Setup::citus();
    let Store::Postgres(database) = setup.store() else { unreachable!("the setup is on Citus") };
    let on_worker = Setup::on(Store::Url(database.worker_url(&database.worker_of(1))));
    for command in [&["serve"][..], &["migrate"], &["migrate", "--distribute"], &["token", "list"]] {
        let error = on_worker.expect_failure(command, 1);
        assert!(error.contains("must name its coordinator"), "{command:?}: {error}");
    }
}

/// Sends each kind of request and returns the distinct statuses.
fn statuses(client: &Client, call: i64, contact: i64) -> Vec<u16> {
    let body = json!({"contact_id": contact, "called_at": "2024-01-02", "content": "hello"});
    let responses = [
        client.get(&format!("/api/calls/{call}")),
        client.get("/api/calls"),
        client.get("/api/calls?query=hello"),
        client.get(&format!("/api/contacts/{contact}/calls")),
        client.get(&format!("/api/contacts/{contact}")),
        client.get("/api/contacts?query=Leslie"),
        client.post("/api/calls", &body),
        client.put(&format!("/api/calls/{call}"), &body),
        client.post("/api/contacts", &json!({"first_name": "Leslie"})),
    ];
    let mut statuses: Vec<u16> = responses.iter().map(|response| response.status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

#[test]
fn a_worker_that_is_away_fails_the_requests_of_its_accounts_only() {
    let setup = Setup::citus();
    let Store::Postgres(database) = setup.store() else { unreachable!("the setup is on Citus") };
    let mut accounts: Vec<(Node, String)> = Vec::new();
    for name in 1.. {
        let account = setup.output(&["account", "create", &name.to_string()]);
        let worker = database.worker_of(account.parse().unwrap());
        if accounts.iter().all(|(other, _)| *other != worker) {
            accounts.push((worker, setup.output(&["token", "create", "--account", &account])));
        }
        if accounts.len() == 2 {
            break;
        }
    }
    let server = setup.serve();
    let clients: Vec<(Client, i64, i64)> = accounts
        .iter()
        .map(|(_, token)| {
            let client = Client::new(&server.base, Some(token));
            let contact = client.create_contact("Leslie");
            let call = client.create_call(contact, "2024-01-01")["id"].as_i64().unwrap();
            (client, call, contact)
        })
        .collect();
    let statuses_of = |n: usize| statuses(&clients[n].0, clients[n].1, clients[n].2);
    assert_eq!([statuses_of(0), statuses_of(1)], [[200, 201], [200, 201]]);

    let (away, _) = &accounts[1];
    database.stop_worker(away);
    for _ in 0..3 {
        assert_eq!(statuses_of(0), [200, 201]);
        assert_eq!(statuses_of(1), [503]);
        server.wait_until_ready();
    }

    database.start_worker(away);
    wait_until("the account being available", || statuses_of(1) == [200, 201]);
    assert_eq!(statuses_of(0), [200, 201]);
    drop(server);
    assert!(setup.output(&["migrate", "--verify-counters"]).contains("all true"));
}
