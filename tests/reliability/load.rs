//! Many clients, slow clients and clients that read no response.

#[cfg(target_os = "linux")]
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use support::{Client, Server, Setup, Store, on_both_stores};

use crate::protocol::assert_is_error;
use crate::quick_or_long;
use crate::raw_http::{exchange, has_response, post_call_head, read_all, send};

on_both_stores!(serves_more_clients_than_database_connections, answers_pipelined_requests_in_order);

fn serves_more_clients_than_database_connections(setup: Setup) {
    let setup = setup.set("CALLBOOK_POOL_SIZE", "2");
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let (clients, rounds) = (64, quick_or_long(5, 100));
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let client = Client::new(client.base(), client.token());
            std::thread::spawn(move || {
                for _ in 0..rounds {
                    let call = client.create_call(contact, "2018-02-02");
                    client.get(&format!("/api/calls/{}", call["id"])).expect(200);
                    client.get("/api/calls").expect(200);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], clients * rounds);
}

fn answers_pipelined_requests_in_order(setup: Setup) {
    let server = setup.serve();
    let token = server.token().unwrap();
    let requests: Vec<String> = (0..200)
        .map(|n| {
            let path = ["/api/calls", "/healthz", "/api/me", "/nope", "/api/calls/1"][n % 5];
            let end = if n == 199 { "Connection: close\r\n" } else { "" };
            format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nX-Request-Id: r{n}.\r\n{end}\r\n"
            )
        })
        .collect();
    let responses = read_all(send(&server, requests.concat()));
    let request_ids = responses.lines().filter_map(|line| line.strip_prefix("x-request-id: "));
    let expected: Vec<_> = (0..200).map(|n| format!("r{n}.")).collect();
    assert_eq!(request_ids.collect::<Vec<_>>(), expected);
}

#[test]
fn rejects_requests_with_503_if_the_queue_is_full() {
    let setup = Setup::postgres();
    let Store::Postgres(database) = setup.store() else { unreachable!() };
    let server = setup.serve();
    let client = server.client();
    client.create_call(client.create_contact("Leslie"), "2018-02-02");
    let lock = database.lock("calls");
    // Two batches of at most 32 requests wait for the lock and 1,024 requests in the queue. The others are rejected.
    let mut streams: Vec<_> = (0..1_300).map(|_| send_get(&server, "/api/calls/1")).collect();
    let mut rejected = Vec::new();
    support::wait_until("rejected requests", || {
        rejected.extend(streams.extract_if(.., |stream| has_response(stream)));
        rejected.len() >= 200
    });
    assert_eq!(client.get("/healthz").status, 200);
    // Before the requests in the queue have waited for too long.
    drop(lock);
    for stream in rejected {
        let response = read_all(stream);
        assert!(response.starts_with("HTTP/1.1 503") && response.contains("retry-after: 5"), "{response}");
    }
    let succeeded = streams.into_iter().map(read_all).filter(|response| response.starts_with("HTTP/1.1 200")).count();
    assert!(succeeded >= 1_000, "the requests in the queue are served: {succeeded}");
    client.get("/api/calls").expect(200);
}

#[test]
fn a_read_that_waits_for_a_lock_is_answered_with_503() {
    let setup = Setup::postgres();
    let Store::Postgres(database) = setup.store() else { unreachable!() };
    let server = setup.serve();
    let client = server.client();
    let lock = database.lock("calls");
    client.get("/api/calls").expect_unavailable();
    drop(lock);
    client.get("/api/calls").expect(200);
}

/// Sends a request without reading the response.
fn send_get(server: &Server, path: &str) -> TcpStream {
    let token = server.token().unwrap();
    send(
        server,
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"),
    )
}

#[cfg(target_os = "linux")]
pub fn closes_a_connection_with_a_slow_request_head() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let mut stream = send(&server, "GET /api HTTP/1.1\r\nX: ");
    support::wait_until("the timeout of the head", || {
        std::thread::sleep(Duration::from_millis(500));
        let _ = stream.write_all(b"x");
        has_response(&stream)
    });
    assert_is_error(&read_all(stream), 408, 37);
    assert_eq!(server.client().get("/healthz").status, 200);
}

#[cfg(target_os = "linux")]
pub fn rejects_a_slow_body_and_stores_nothing() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let client = server.client();
    client.create_contact("Leslie");
    let mut stream = send(&server, format!("{}Content-Length: 100000\r\n\r\n{{", post_call_head(&server)));
    support::wait_until("the timeout of the body", || {
        std::thread::sleep(Duration::from_millis(500));
        let _ = stream.write_all(b" ");
        has_response(&stream)
    });
    let response = read_all(stream);
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    assert!(response.contains("The request body did not arrive within 30 seconds."), "{response}");
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 0);
}

#[cfg(target_os = "linux")]
pub fn stops_reading_an_endless_body() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    for framing in ["Content-Length: 1000000000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"] {
        let valid = format!("Authorization: Bearer {}\r\n", server.token().unwrap());
        for token in ["", "Authorization: Bearer bad\r\n", &valid] {
            let mut stream = send(&server, format!("POST /api/calls HTTP/1.1\r\nHost: x\r\n{token}{framing}"));
            let chunk = [b"400\r\n".to_vec(), vec![b'x'; 0x400], b"\r\n".to_vec()].concat();
            support::wait_until(&format!("the end of the connection with {framing:?}"), || {
                std::thread::sleep(Duration::from_millis(20));
                stream.write_all(&chunk.repeat(8)).is_err()
            });
        }
    }
    assert_eq!(server.client().get("/healthz").status, 200);
}

#[test]
fn rejects_a_chunked_body_over_the_limit() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let head = format!("{}Transfer-Encoding: chunked\r\n\r\n", post_call_head(&server));
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let response = exchange(&server, format!("{head}{}0\r\n\r\n", chunk.repeat(33)).as_bytes());
    assert!(response.starts_with("HTTP/1.1 413") || response.is_empty(), "{response}");
    let response = exchange(&server, format!("{head}{chunk}0\r\n\r\n").as_bytes());
    assert!(response.starts_with("HTTP/1.1 400"), "{response}");
}

#[cfg(target_os = "linux")]
pub fn bounds_memory_and_time_of_unread_responses() {
    // In bytes, with the debug build itself.
    const MAX_MEMORY: u64 = 700_000_000;
    let setup = Setup::sqlite();
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    // A page of 6 MB, as JSON escapes each of these characters with six bytes.
    for _ in 0..10 {
        let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "\u{1}".repeat(100_000)});
        client.post("/api/calls", &body).expect(201);
    }
    let unread: Vec<_> = (0..quick_or_long(60, 400)).map(|_| send_get(&server, "/api/calls?limit=100")).collect();
    support::wait_until("a response for each client", || unread.iter().all(has_response));
    let (now, peak) = server.memory();
    println!("{} unread responses of 6 MB: {} MB now, {} MB peak", unread.len(), now / 1_000_000, peak / 1_000_000);
    assert!(peak < MAX_MEMORY, "{peak} bytes");
    assert_eq!(client.get("/healthz").status, 200);
    client.get("/api/me").expect(200);
    client.create_call(contact, "2018-02-03");
    support::wait_until("the timeout of the unread responses", || client.get("/api/calls?limit=100").status == 200);
    let rejected = unread.into_iter().map(read_all).filter(|response| response.starts_with("HTTP/1.1 503")).count();
    assert!(rejected > 0, "requests beyond the limit are rejected");
}

#[cfg(target_os = "linux")]
#[test]
fn bounds_memory_of_idle_connections() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let connections = quick_or_long(1_000, 10_000);
    let (before, _) = server.memory();
    let mut idle = Vec::new();
    for n in 0..connections {
        idle.push(send(&server, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
        if n % 500 == 0 {
            assert_eq!(client.get("/healthz").status, 200);
        }
    }
    for stream in &mut idle {
        let mut response = [0; 15];
        stream.read_exact(&mut response).unwrap();
        assert_eq!(&response, b"HTTP/1.1 200 OK");
    }
    let (now, _) = server.memory();
    println!("{connections} idle connections: {} MB more than {} MB", (now - before) / 1_000_000, before / 1_000_000);
    assert!(now - before < connections as u64 * 64 * 1024, "{} bytes each", (now - before) / connections as u64);
    assert_eq!(client.get("/healthz").status, 200);
    client.create_call(contact, "2018-02-02");
    assert!(idle.iter().all(|stream| !crate::raw_http::is_closed(stream)), "all connections are open");
}

#[cfg(target_os = "linux")]
pub fn never_executes_a_write_that_timed_out_in_the_queue() {
    let setup = Setup::postgres().set("CALLBOOK_POOL_SIZE", "1");
    let Store::Postgres(database) = setup.store() else { unreachable!() };
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let lock = database.lock("calls");
    // The first write occupies the only connection until its statement times out, then the second one. The others time
    // out in the queue.
    let writers: Vec<_> = (0..5)
        .map(|n| {
            let client = client.clone();
            let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": format!("queued {n}")});
            std::thread::sleep(Duration::from_millis(100));
            std::thread::spawn(move || client.post("/api/calls", &body).expect_unavailable())
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    drop(lock);
    server.wait_until_ready();
    let stored = client.get("/api/calls").expect(200);
    let stored: Vec<_> = stored["data"].as_array().unwrap().iter().map(|call| call["content"].clone()).collect();
    assert!(
        stored.iter().all(|content| content == "queued 0" || content == "queued 1"),
        "executed after a 503: {stored:?}"
    );
}
