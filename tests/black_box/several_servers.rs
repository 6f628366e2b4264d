//! Two servers on one PostgreSQL database.

use std::time::Duration;

use serde_json::{Value, json};
use support::{Client, Response, Server, Setup, expect_failure, on_postgres};

on_postgres!(
    answers_repeated_requests_once_on_either_server,
    records_each_external_id_once_on_either_server,
    shows_writes_of_the_other_server_at_once,
    rejects_a_revoked_token_on_both_servers_within_a_second,
    counts_the_requests_of_a_token_on_each_server,
);

/// Starts two servers on one store. Returns a client of each, with one token.
fn serve_two(setup: &Setup) -> ([Server; 2], [Client; 2]) {
    let first = setup.serve();
    let second = setup.serve();
    assert_eq!(second.token(), None, "the first start created the account");
    let clients = [first.client(), Client::new(&second.base, first.token())];
    ([first, second], clients)
}

/// Sends the request twice to each server at the same time, and returns the ids of the calls in the responses.
fn send_to_both(clients: &[Client; 2], send: impl Fn(&Client) -> Response + Sync) -> Vec<Value> {
    let id = |response: Response| {
        assert!(matches!(response.status, 200 | 201), "{}", response.body);
        response.json()["data"]["id"].clone()
    };
    std::thread::scope(|scope| {
        let send = &send;
        let threads: Vec<_> =
            clients.iter().chain(clients).map(|client| scope.spawn(move || id(send(client)))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn total(client: &Client) -> Value {
    client.get("/api/calls?limit=1").expect(200)["meta"]["total"].clone()
}

fn answers_repeated_requests_once_on_either_server(setup: Setup) {
    let (_servers, clients) = serve_two(&setup);
    let contact = clients[0].create_contact("Leslie");
    let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "Once."}).to_string();
    for n in 0..20 {
        let key = format!("key-{n}");
        let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
        let ids = send_to_both(&clients, |client| client.send("POST", "/api/calls", &headers, body.as_bytes()));
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
    assert_eq!(clients.each_ref().map(total), [20, 20]);
}

fn records_each_external_id_once_on_either_server(setup: Setup) {
    let (_servers, clients) = serve_two(&setup);
    let contact = clients[0].create_contact("Leslie");
    for n in 0..20 {
        let body = json!({
            "contact_id": contact, "called_at": "2018-02-02", "content": "Once.", "external_id": format!("pbx-{n}"),
        });
        let ids = send_to_both(&clients, |client| client.post("/api/calls", &body));
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
    assert_eq!(clients.each_ref().map(total), [20, 20]);
}

fn shows_writes_of_the_other_server_at_once(setup: Setup) {
    let (_servers, [one, other]) = serve_two(&setup);
    let contact = one.create_contact("Leslie");
    for (writer, reader) in [(&one, &other), (&other, &one)] {
        let call = writer.create_call(contact, "2018-02-02");
        let path = format!("/api/calls/{}", call["id"]);
        assert_eq!(reader.get(&path).expect(200)["data"]["id"], call["id"]);
        assert_eq!(total(reader), 1);
        writer.patch(&path, &json!({"content": "Changed."})).expect(200);
        assert_eq!(reader.get(&path).expect(200)["data"]["content"], "Changed.");
        writer.delete(&path).expect(200);
        reader.get(&path).expect_not_found();
    }
}

fn rejects_a_revoked_token_on_both_servers_within_a_second(setup: Setup) {
    let (_servers, clients) = serve_two(&setup);
    let token = setup.output(&["token", "create", "--name", "n8n"]);
    let clients = clients.map(|client| client.with_token(Some(&token)));
    let statuses = || clients.each_ref().map(|client| client.get("/api/me").status);
    assert_eq!(statuses(), [200, 200]);
    let list = setup.output(&["token", "list"]);
    let id = list.lines().last().unwrap().split_whitespace().next().unwrap();
    // The servers have looked the token up a moment before it is revoked.
    assert_eq!(statuses(), [200, 200]);
    setup.output(&["token", "revoke", id]);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(statuses(), [401, 401]);
}

fn counts_the_requests_of_a_token_on_each_server(setup: Setup) {
    let setup = setup.set("CALLBOOK_RATE_LIMIT_PER_MINUTE", "3");
    let (_servers, [one, other]) = serve_two(&setup);
    let statuses = [0; 4].map(|_| one.get("/api/me").status);
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(other.get("/api/me").status, 200);
}

#[test]
fn refuses_a_pooler_that_is_not_configured_or_not_possible() {
    let setup = Setup::pooled_postgres().set("CALLBOOK_POSTGRES_POOLER", "none");
    let error = expect_failure(setup.run(&["serve"]), 1);
    assert!(error.contains("CALLBOOK_POSTGRES_POOLER must be transaction"), "{error}");
    let error = Setup::sqlite().set("CALLBOOK_POSTGRES_POOLER", "transaction").expect_failure(&["serve"], 2);
    assert_eq!(error, "callbook: CALLBOOK_POSTGRES_POOLER takes none with a store on SQLite\n");
}
