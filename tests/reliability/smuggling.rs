//! What is not quite HTTP, byte by byte: it is refused, or read in one way only.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use support::{Server, Setup};

/// Sends the bytes and answers all that comes back until the server closes, or is silent for a while.
pub fn talk(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    // The server may refuse the beginning and close before the end is sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut buffer = vec![0; 65536];
    while let Ok(n) = stream.read(&mut buffer) {
        if n == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..n]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn statuses(answers: &str) -> Vec<u16> {
    answers.match_indices("HTTP/1.1 ").map(|(at, _)| answers[at + 9..at + 12].parse().unwrap()).collect()
}

/// A hidden request that would be seen: it makes a contact.
fn hidden(token: &str) -> String {
    let body = r#"{"first_name":"Smuggled"}"#;
    format!(
        "POST /api/contacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn no_request_hides_in_another() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let token = server.token().unwrap();
    let inner = hidden(token);
    let head = format!("POST /api/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
    let length = inner.len();
    let size = format!("{length:x}");
    // Each frames a body in two ways; a proxy that took the other way would see the inner request as a second one.
    let framings = [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n{size}\r\n{inner}\r\n0\r\n\r\n"),
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{inner}"),
        format!("Content-Length: {length}\r\nContent-Length: 0\r\n\r\n{inner}"),
        format!("Content-Length: 0, {length}\r\n\r\n{inner}"),
        format!("Content-Length: +0\r\n\r\n{inner}"),
        format!("Content-Length: -1\r\n\r\n{inner}"),
        format!("Content-Length: 0x0\r\n\r\n{inner}"),
        format!("Content-Length : 0\r\n\r\n{inner}"),
        format!("Content-Length: 99999999999999999999999\r\n\r\n{inner}"),
        format!("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{inner}"),
        format!("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{inner}"),
        format!("X: a\r\n Content-Length: 0\r\n\r\n{inner}"),
        format!("X: a\rContent-Length: 0\r\n\r\n{inner}"),
        format!("Transfer-Encoding: chunked\r\n\r\n-1\r\n{inner}"),
        format!("Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{inner}"),
        format!("Transfer-Encoding: chunked\r\n\r\n\r\n{inner}"),
        format!("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{inner}"),
        format!("Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n{inner}"),
        format!("Transfer-Encoding: chunked\r\n\r\nzz\r\n{inner}"),
    ];
    for framing in &framings {
        let answers = talk(&server, format!("{head}{framing}").as_bytes());
        let shown = framing.replace(&inner, "INNER");
        let statuses = statuses(&answers);
        assert!(statuses.len() <= 1, "{shown:?} was read as two requests: {statuses:?}");
        assert!(statuses.iter().all(|status| (400..500).contains(status)), "{shown:?}: {answers}");
        assert!(!answers.contains(token), "{shown:?}");
    }
    let total = server.client().get("/api/contacts").expect(200)["meta"]["total"].clone();
    assert_eq!(total, 0, "nothing was smuggled");
    assert_eq!(server.client().get("/api/calls").expect(200)["meta"]["total"], 0);
}

#[test]
fn what_is_no_request_is_refused_and_harms_nobody() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let endless = "a".repeat(200_000);
    let many = "X: y\r\n".repeat(1_000);
    let nonsense: Vec<Vec<u8>> = vec![
        b"\r\n\r\n\r\n".to_vec(),
        b"\0\0\0\0".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET /api\0 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\n: x\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"GET http://evil.example/api HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"GET /api/calls?\xf0\x28\x8c\xbc HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n".to_vec(),
        format!("GET /{endless} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes(),
        format!("GET / HTTP/1.1\r\nHost: x\r\nX: {endless}\r\n\r\n").into_bytes(),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n").into_bytes(),
        format!("{endless} / HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes(),
    ];
    for bytes in &nonsense {
        let answer = talk(&server, bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert!(!answer.starts_with("HTTP/1.1 5"), "{shown:?}: {answer}");
        assert_eq!(server.client().get("/healthz").status, 200, "after {shown:?}");
    }
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains("panicked") && !log.contains("fault"), "{log}");
}

#[test]
fn paths_lead_nowhere_but_where_they_say() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let get =
        |path: &str| talk(&server, format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
    for path in [
        "/../etc/passwd",
        "/docs/../../etc/passwd",
        "/docs/..%2f..%2fetc%2fpasswd",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "/docs/%252e%252e/etc/passwd",
        "/docs//etc/passwd",
        "/docs/..\\..\\etc\\passwd",
        "/avatars/../data/callbook.db",
        "/avatars/ffffff.svg/../../data/callbook.db",
        "/avatars/%22%3e%3cscript%3e.svg",
        "/data/callbook.db",
        "/.env",
    ] {
        let answer = get(path);
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        assert!(!answer.contains("root:") && !answer.contains("SQLite format"), "{path}");
    }
    for path in [
        "/%61pi/calls",
        "/api/%63alls",
        "/api/calls/",
        "/api/calls//",
        "/%61pi/me?x=/healthz",
        "/api/calls/1?/../../healthz",
    ] {
        assert!(get(path).starts_with("HTTP/1.1 401"), "{path} asks for a token: {}", get(path));
    }
    for path in [
        "/api%2fcalls",
        "/api/../api/calls",
        "/healthz/../api/calls",
        "//api/calls",
        "/api;/calls",
        "/API/calls",
        "/api/calls%00",
    ] {
        let answer = get(path);
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}
