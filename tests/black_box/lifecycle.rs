//! Start and shutdown of the server.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;
use support::{Client, Setup, on_both_stores};

on_both_stores!(
    keeps_an_acknowledged_call_when_killed,
    finishes_requests_in_flight_on_shutdown,
    adds_a_configured_token_to_the_first_account
);

fn keeps_an_acknowledged_call_when_killed(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let token = server.token().unwrap().to_owned();
    assert!(!setup.output(&["token", "list"]).contains(&token), "only the hash is stored");
    let call = client.create_call(client.create_contact("Leslie"), "2018-02-02");
    drop(server);
    let server = setup.serve();
    assert_eq!(server.token(), None, "the token is printed once");
    let client = Client::new(&server.base, Some(&token));
    let mut kept = client.get(&format!("/api/calls/{}", call["id"])).expect(200)["data"].clone();
    // The URLs contain the port, which has changed.
    for pointer in ["/url", "/contact/url", "/contact/information/avatar/url"] {
        *kept.pointer_mut(pointer).unwrap() = call.pointer(pointer).unwrap().clone();
    }
    assert_eq!(kept, call);
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains(&token), "the token is never logged");
}

fn finishes_requests_in_flight_on_shutdown(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "In flight."}).to_string();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST /api/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        server.token().unwrap(),
        body.len()
    );
    // The server is stopped when half of the body has arrived.
    let (first, second) = body.split_at(body.len() / 2);
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n", "the request is in flight");
    stream.write_all(first.as_bytes()).unwrap();
    server.signal("TERM");
    support::wait_until("the end of new connections", || client.try_send("GET", "/healthz", &[], b"").is_err());
    stream.write_all(second.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 201"), "{response}");
    let (code, log) = server.stop();
    assert_eq!(code, Some(0), "{log}");
    let server = setup.serve();
    let token = setup.new_token();
    assert_eq!(Client::new(&server.base, Some(&token)).get("/api/calls").expect(200)["meta"]["total"], 1);
}

fn adds_a_configured_token_to_the_first_account(setup: Setup) {
    let token = "a-token-of-at-least-32-characters";
    let setup = setup.set("CALLBOOK_TOKEN", token);
    for _ in 0..2 {
        let server = setup.serve();
        assert!(!server.printed.contains(token) && server.token().is_none());
        let client = Client::new(&server.base, Some(token));
        client.get("/api/me").expect(200);
    }
    assert_eq!(setup.output(&["token", "list"]).lines().count(), 2, "the token is stored once");
}

#[test]
fn creates_the_data_folder_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let setup = Setup::sqlite();
    let server = setup.serve();
    let data = setup.folder().join("data");
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(data.join("callbook.db").is_file());
    assert!(server.printed.contains(&format!("{}/docs/", server.base)));
}

#[test]
fn reports_an_address_in_use() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let address = server.address();
    let second = Setup::sqlite().set("CALLBOOK_BIND", address);
    let error = second.expect_failure(&["serve"], 1);
    let start = format!("callbook: cannot listen on {address}: in use; try CALLBOOK_BIND=127.0.0.1:");
    assert!(error.starts_with(&start), "{error}");
    assert!(!second.folder().join("data").exists(), "no store is created");
}

#[test]
fn leaves_one_file_after_shutdown() {
    let with_metrics = Setup::sqlite().set("CALLBOOK_METRICS_BIND", "127.0.0.1:0");
    for (setup, has_metrics) in [(Setup::sqlite(), false), (with_metrics, true)] {
        for _ in 0..5 {
            let server = setup.serve();
            let metrics = server.metrics();
            assert_eq!(metrics.as_ref().map(|client| client.get("/metrics").status), has_metrics.then_some(200));
            // The connection of the metrics client is still open.
            assert_eq!(server.stop().0, Some(0));
            let files = std::fs::read_dir(setup.folder().join("data")).unwrap();
            let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
            assert_eq!(names, ["callbook.db"], "with metrics: {has_metrics}");
        }
    }
}
