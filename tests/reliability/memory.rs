//! The memory of the server under many, large and unread requests.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use support::{Server, Setup};

use crate::raw_http::{has_response, post_call_head, read_all, send};

/// The maximal resident memory under requests without a token, in bytes.
const MAX_MEMORY_WITHOUT_TOKEN: u64 = 150_000_000;

/// The maximal resident memory, in bytes.
const MAX_MEMORY: u64 = 400_000_000;

fn assert_memory_is_bounded(server: &Server, attack: &str, limit: u64) {
    let (now, peak) = server.memory();
    println!("{attack}: {} MB now, {} MB peak", now / 1_000_000, peak / 1_000_000);
    assert!(peak < limit, "{attack}: {peak} bytes");
    assert_eq!(server.client().get("/healthz").status, 200);
}

/// Sends bytes until the server does not read any more.
fn send_until_blocked(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(5))).unwrap();
    let _ = stream.write_all(bytes);
    stream
}

#[test]
fn bounds_memory_of_pipelined_requests_without_a_token() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    // Many different headers, because actix stores each of them.
    let headers: String = ('a'..='p').flat_map(|name| [name.to_string(), ":x\r\n".to_owned()]).collect();
    let requests = format!("GET /openapi.json HTTP/1.1\r\nHost: x\r\n{headers}\r\n").repeat(1_000);
    let unread: Vec<_> = (0..200).map(|_| send_until_blocked(&server, requests.as_bytes())).collect();
    support::wait_until("a response for each client", || unread.iter().all(has_response));
    let small = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".repeat(2_000);
    let more: Vec<_> = (0..20).map(|_| send_until_blocked(&server, small.as_bytes())).collect();
    support::wait_until("a response for each client", || more.iter().all(has_response));
    std::thread::sleep(Duration::from_secs(1));
    assert_memory_is_bounded(&server, "pipelined requests", MAX_MEMORY_WITHOUT_TOKEN);
}

#[test]
fn bounds_memory_of_unfinished_heads() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\n{}", format!("X: {}\r\n", "x".repeat(1_400)).repeat(85));
    let large: Vec<_> = (0..2_000).map(|_| send_until_blocked(&server, head.as_bytes())).collect();
    assert_memory_is_bounded(&server, "unfinished heads of 119 KB", MAX_MEMORY_WITHOUT_TOKEN);
    let medium: Vec<_> = (0..2_000).map(|_| send_until_blocked(&server, &head.as_bytes()[..31_000])).collect();
    assert_memory_is_bounded(&server, "unfinished heads of 31 KB", MAX_MEMORY_WITHOUT_TOKEN);
    let response = read_all(large.into_iter().next_back().unwrap());
    assert!(response.starts_with("HTTP/1.1 431"), "{response}");
    drop(medium);
}

#[test]
fn bounds_memory_of_withheld_bodies() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let request =
        format!("GET /openapi.json HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{}", "x".repeat(300_000));
    let unread: Vec<_> = (0..1_000).map(|_| send_until_blocked(&server, request.as_bytes())).collect();
    assert_memory_is_bounded(&server, "bodies that no handler reads", MAX_MEMORY_WITHOUT_TOKEN);
    drop(unread);
}

#[test]
fn bounds_memory_of_large_pages() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "\u{1f600}".repeat(100_000)});
    for _ in 0..100 {
        client.post("/api/calls", &body).expect(201);
    }
    let threads: Vec<_> = (0..32)
        .map(|_| {
            let client = client.clone();
            std::thread::spawn(move || client.get("/api/calls?limit=100").status)
        })
        .collect();
    let statuses: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    println!("{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200), "{statuses:?}");
    assert_memory_is_bounded(&server, "pages of 40 MB", MAX_MEMORY);
    let small: Vec<_> = (0..32)
        .map(|_| {
            let client = client.clone();
            std::thread::spawn(move || client.get("/api/calls?limit=15").status)
        })
        .collect();
    assert!(small.into_iter().all(|thread| [200, 503].contains(&thread.join().unwrap())));
    assert_memory_is_bounded(&server, "pages of 6 MB", MAX_MEMORY);
    assert_eq!(client.get("/api/calls?limit=100").status, 200, "the memory is released");
}

#[test]
fn parsing_large_bodies_does_not_delay_other_requests() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let list = "{\"\":0},".repeat(299_000);
    let json = format!("{{\"contact_id\":1,\"z\":[{list}0]}}");
    let form = format!("[{}", "&[".repeat(1_000_000));
    let requests: Vec<_> = (0..16)
        .map(|n| {
            let (kind, body) =
                if n % 4 == 3 { ("application/x-www-form-urlencoded", &form) } else { ("application/json", &json) };
            let key = if n % 2 == 0 { "Idempotency-Key: once\r\n" } else { "" };
            let head = format!("{}{key}Content-Type: {kind}\r\n", post_call_head(&server));
            send(&server, format!("{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
        })
        .collect();
    let mut longest = Duration::ZERO;
    while !requests.iter().all(has_response) {
        let started = Instant::now();
        // A new connection each time, so that every worker is asked.
        let response = read_all(send(&server, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        longest = longest.max(started.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("the longest response of /healthz: {longest:?}");
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    for response in requests.into_iter().map(read_all) {
        assert!(response.starts_with("HTTP/1.1 422"), "{response}");
    }
    assert_memory_is_bounded(&server, "bodies with many members", MAX_MEMORY);
}
