//! More clients, slower clients and greedier clients than one would wish for.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use support::{Client, Server, Setup, Store, on_both_stores};

use crate::quick_or_long;
use crate::smuggling::talk;
use crate::write_history::assert_away;

on_both_stores!(more_clients_than_connections_are_all_served, pipelined_requests_are_answered_in_order);

fn more_clients_than_connections_are_all_served(setup: Setup) {
    let setup = setup.set("CALLBOOK_POOL_SIZE", "2");
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let (clients, rounds) = (64, quick_or_long(5, 100));
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let client = Client::new(client.base(), client.token());
            std::thread::spawn(move || {
                for _ in 0..rounds {
                    let call = client.log(contact, "2018-02-02");
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

fn pipelined_requests_are_answered_in_order(setup: Setup) {
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
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(requests.concat().as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    let named = answers.lines().filter_map(|line| line.strip_prefix("x-request-id: "));
    let expected: Vec<_> = (0..200).map(|n| format!("r{n}.")).collect();
    assert_eq!(named.collect::<Vec<_>>(), expected);
}

#[test]
fn a_queue_that_is_full_is_told_and_the_process_still_answers() {
    let setup = Setup::postgres();
    let Store::Postgres(database) = setup.store() else { panic!("on PostgreSQL") };
    let server = setup.serve();
    let client = server.client();
    client.log(client.meet("Leslie"), "2018-02-02");
    let lock = database.lock("calls");
    // Two groups of at most 32 wait for the lock, 1,024 behind them; there is no place for the others.
    let mut streams: Vec<_> = (0..1_300).map(|_| ask(&server, "/api/calls")).collect();
    let mut full = Vec::new();
    support::wait_until("a refusal", || {
        full.extend(streams.extract_if(.., |stream| has_answer(stream)));
        full.len() >= 200
    });
    assert_eq!(client.get("/healthz").status, 200);
    assert_away(&client.get("/api/calls"));
    drop(lock);
    for stream in full {
        let answer = rest(stream);
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 5"), "{answer}");
    }
    let answered = streams.into_iter().map(rest).filter(|answer| answer.starts_with("HTTP/1.1 200")).count();
    assert!(answered >= 1_000, "those in the queue are served: {answered}");
    client.get("/api/calls").expect(200);
}

/// Sends a request and leaves its answer untaken.
fn ask(server: &Server, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let token = server.token().unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn has_answer(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let has = stream.peek(&mut [0]).is_ok();
    stream.set_nonblocking(false).unwrap();
    has
}

/// All that the server still has to say; what is cut off is answered as far as it came.
fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[cfg(target_os = "linux")]
pub fn a_head_that_trickles_is_given_up() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let mut sent = 0;
    support::wait_until("the end of patience", || {
        sent += 1;
        std::thread::sleep(Duration::from_millis(500));
        let beginning = if sent == 1 { "GET /api HTTP/1.1\r\nX: " } else { "x" };
        stream.write_all(beginning.as_bytes()).is_err() || has_answer(&stream)
    });
    assert_eq!(server.client().get("/healthz").status, 200);
}

#[cfg(target_os = "linux")]
pub fn a_body_that_trickles_is_given_up_and_nothing_is_stored() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let client = server.client();
    client.meet("Leslie");
    let head = format!(
        "POST /api/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 100000\r\n\r\n",
        client.token().unwrap()
    );
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(format!("{head}{{").as_bytes()).unwrap();
    support::wait_until("the end of patience", || {
        std::thread::sleep(Duration::from_millis(500));
        let _ = stream.write_all(b" ");
        has_answer(&stream)
    });
    let answer = rest(stream);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("The request body did not arrive within 30 seconds."), "{answer}");
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 0);
}

#[cfg(target_os = "linux")]
pub fn a_body_that_nobody_wants_is_not_read_to_its_end() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    for head in ["Content-Length: 1000000000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"] {
        let good = format!("Authorization: Bearer {}\r\n", server.token().unwrap());
        for token in ["", "Authorization: Bearer bad\r\n", &good] {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.write_all(format!("POST /api/calls HTTP/1.1\r\nHost: x\r\n{token}{head}").as_bytes()).unwrap();
            let chunk = [b"400\r\n".to_vec(), vec![b'x'; 0x400], b"\r\n".to_vec()].concat();
            support::wait_until(&format!("the end of {head:?}"), || {
                std::thread::sleep(Duration::from_millis(20));
                stream.write_all(&chunk.repeat(8)).is_err()
            });
        }
    }
    assert_eq!(server.client().get("/healthz").status, 200);
}

#[test]
fn a_chunked_body_over_the_limit_is_refused_too() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let head = format!(
        "POST /api/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        server.token().unwrap()
    );
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let answer = talk(&server, format!("{head}{}0\r\n\r\n", chunk.repeat(33)).as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413") || answer.is_empty(), "{answer}");
    let answer = talk(&server, format!("{head}{chunk}0\r\n\r\n").as_bytes());
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[cfg(target_os = "linux")]
pub fn clients_that_never_take_their_answers_are_bounded_and_let_go() {
    // A debug build's own size is in it.
    const BOUND: u64 = 700_000_000;
    let setup = Setup::sqlite();
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    // A page of 6 MB: each of these characters is six bytes of JSON.
    for _ in 0..10 {
        let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "\u{1}".repeat(100_000)});
        client.post("/api/calls", &body).expect(201);
    }
    let greedy: Vec<_> = (0..quick_or_long(60, 400)).map(|_| ask(&server, "/api/calls?limit=100")).collect();
    support::wait_until("an answer to each", || greedy.iter().all(has_answer));
    let (now, most) = server.memory();
    println!("{} untaken answers of 6 MB: {} MB now, {} MB at most", greedy.len(), now / 1_000_000, most / 1_000_000);
    assert!(most < BOUND, "{most} bytes");
    assert_eq!(client.get("/healthz").status, 200);
    client.get("/api/me").expect(200);
    client.log(contact, "2018-02-03");
    support::wait_until("the answers to be given up", || client.get("/api/calls?limit=100").status == 200);
    let refused = greedy.into_iter().map(rest).filter(|answer| answer.starts_with("HTTP/1.1 503")).count();
    assert!(refused > 0, "those beyond the bound were told");
}

#[cfg(target_os = "linux")]
#[test]
fn idle_connections_cost_little_and_stop_nobody() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let connections = quick_or_long(1_000, 10_000);
    let (before, _) = server.memory();
    let mut idle = Vec::new();
    for n in 0..connections {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        idle.push(stream);
        if n % 500 == 0 {
            assert_eq!(client.get("/healthz").status, 200);
        }
    }
    for stream in &mut idle {
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
    }
    let (now, _) = server.memory();
    println!("{connections} idle connections: {} MB more than {} MB", (now - before) / 1_000_000, before / 1_000_000);
    assert!(now - before < connections as u64 * 64 * 1024, "{} bytes each", (now - before) / connections as u64);
    assert_eq!(client.get("/healthz").status, 200);
    client.log(contact, "2018-02-02");
    assert!(idle.iter().all(|stream| !has_closed(stream)), "all are still there");
}

#[cfg(target_os = "linux")]
fn has_closed(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let closed = matches!((&*stream).read(&mut [0; 4096]), Ok(0));
    stream.set_nonblocking(false).unwrap();
    closed
}

#[cfg(target_os = "linux")]
pub fn a_write_that_was_given_up_in_the_queue_is_never_done() {
    let setup = Setup::postgres().set("CALLBOOK_POOL_SIZE", "1");
    let Store::Postgres(database) = setup.store() else { panic!("on PostgreSQL") };
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let lock = database.lock("calls");
    // The first occupies the one connection, the second takes its place when its statement's time is up; the others
    // wait until their own time is up.
    let writers: Vec<_> = (0..5)
        .map(|n| {
            let client = client.clone();
            let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": format!("queued {n}")});
            std::thread::sleep(Duration::from_millis(100));
            std::thread::spawn(move || assert_away(&client.post("/api/calls", &body)))
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    drop(lock);
    support::wait_until("the server's recovery", || client.get("/readyz").status == 200);
    let done = client.get("/api/calls").expect(200);
    let done: Vec<_> = done["data"].as_array().unwrap().iter().map(|call| call["content"].clone()).collect();
    assert!(
        done.iter().all(|content| content == "queued 0" || content == "queued 1"),
        "done although refused: {done:?}"
    );
}
