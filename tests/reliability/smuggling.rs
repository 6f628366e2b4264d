//! Request smuggling, malformed requests and path traversal.

use support::Setup;

use crate::assert_stops_without_internal_error;
use crate::raw_http::{exchange, post_call_head};

fn statuses(responses: &str) -> Vec<u16> {
    responses.match_indices("HTTP/1.1 ").map(|(at, _)| responses[at + 9..at + 12].parse().unwrap()).collect()
}

/// A request whose effect is visible: it creates a contact.
fn create_contact_request(token: &str) -> String {
    let body = r#"{"first_name":"Smuggled"}"#;
    format!(
        "POST /api/contacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn rejects_ambiguous_framing() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let token = server.token().unwrap();
    let inner = create_contact_request(token);
    let head = post_call_head(&server);
    let length = inner.len();
    let size = format!("{length:x}");
    // The length of each body is ambiguous. A proxy that takes the other length sees the inner request as a second one.
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
        let responses = exchange(&server, format!("{head}{framing}").as_bytes());
        let shown = framing.replace(&inner, "INNER");
        let statuses = statuses(&responses);
        assert!(statuses.len() <= 1, "{shown:?} was read as two requests: {statuses:?}");
        assert!(statuses.iter().all(|status| (400..500).contains(status)), "{shown:?}: {responses}");
        assert!(!responses.contains(token), "{shown:?}");
    }
    let total = server.client().get("/api/contacts").expect(200)["meta"]["total"].clone();
    assert_eq!(total, 0, "the inner request is not executed");
    assert_eq!(server.client().get("/api/calls").expect(200)["meta"]["total"], 0);
}

#[test]
fn survives_malformed_requests() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let long = "a".repeat(200_000);
    let many = "X: y\r\n".repeat(1_000);
    let malformed: Vec<Vec<u8>> = vec![
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
        format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes(),
        format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n").into_bytes(),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n").into_bytes(),
        format!("{long} / HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes(),
    ];
    for bytes in &malformed {
        let response = exchange(&server, bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert!(!response.starts_with("HTTP/1.1 5"), "{shown:?}: {response}");
        assert_eq!(server.client().get("/healthz").status, 200, "after {shown:?}");
    }
    assert_stops_without_internal_error(server);
}

#[test]
fn rejects_path_traversal_and_encoded_bypasses() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let get_with = |headers: &str, path: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n");
        exchange(&server, head.as_bytes())
    };
    let get = |path: &str| get_with("", path);
    let token = format!("Authorization: Bearer {}\r\n", server.token().unwrap());
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
        let response = get(path);
        assert!(response.starts_with("HTTP/1.1 404"), "{path}: {response}");
        assert!(!response.contains("root:") && !response.contains("SQLite format"), "{path}");
    }
    for path in [
        "/%61pi/calls",
        "/api/%63alls",
        "/api/calls/",
        "/api/calls//",
        "//api/calls",
        "/%61pi/me?x=/healthz",
        "/api/calls/1?/../../healthz",
    ] {
        assert!(get(path).starts_with("HTTP/1.1 401"), "{path} needs a token: {}", get(path));
    }
    for path in ["/api%2fcalls", "/healthz/../api/calls", "/api;/calls", "/API/calls"] {
        let response = get(path);
        assert!(response.starts_with("HTTP/1.1 404"), "{path}: {response}");
    }
    for path in ["/api/../api/calls", "/api/calls%00"] {
        assert!(get(path).starts_with("HTTP/1.1 401"), "{path} needs a token: {}", get(path));
        let response = get_with(&token, path);
        assert!(response.starts_with("HTTP/1.1 404"), "{path}: {response}");
    }
}
