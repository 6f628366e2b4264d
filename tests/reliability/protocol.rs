//! HTTP itself: pipelining, `Expect`, and requests that are rejected before their handler.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use support::{Server, Setup};

use crate::raw_http::{exchange, post_call_head, read_all, send};

#[test]
fn answers_pipelined_requests_with_bodies_in_order() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let token = server.token().unwrap();
    let requests: Vec<String> = (0..60)
        .map(|n| {
            let head = format!("Host: x\r\nAuthorization: Bearer {token}\r\nX-Request-Id: r{n}.\r\n");
            let body = format!("{{\"first_name\":\"n{n}\",\"x\":\"{}\"}}", "x".repeat(n * 700));
            let length = body.len();
            match n % 3 {
                0 => format!("POST /api/contacts HTTP/1.1\r\n{head}Content-Length: {length}\r\n\r\n{body}"),
                1 => format!(
                    "POST /api/contacts HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
                ),
                _ => format!("GET /openapi.json HTTP/1.1\r\n{head}\r\n"),
            }
        })
        .collect();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let bytes = requests.concat();
    let thread = std::thread::spawn(move || writer.write_all(bytes.as_bytes()));
    let mut responses = Vec::new();
    let is_complete = |responses: &[u8]| {
        let last = b"x-request-id: r59.";
        responses.windows(last.len()).any(|window| window == last)
    };
    let mut bytes = [0; 8_192];
    while !is_complete(&responses[responses.len().saturating_sub(200_000)..]) {
        let length = stream.read(&mut bytes).unwrap();
        assert!(length > 0, "the connection is closed early");
        responses.extend_from_slice(&bytes[..length]);
    }
    thread.join().unwrap().unwrap();
    let responses = String::from_utf8_lossy(&responses).into_owned();
    let ids: Vec<_> = responses.lines().filter_map(|line| line.strip_prefix("x-request-id: ")).collect();
    assert_eq!(ids, (0..60).map(|n| format!("r{n}.")).collect::<Vec<_>>());
    assert_eq!(responses.matches("HTTP/1.1 201").count(), 40);
}

/// Sends a head and returns the beginning of the response.
fn first_line(server: &Server, head: &str) -> (TcpStream, String) {
    let mut stream = send(server, head);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    (stream, String::from_utf8(line).unwrap())
}

#[test]
fn asks_only_for_bodies_that_a_handler_reads() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let head = post_call_head(&server);
    let expect = "Expect: 100-continue\r\n";
    let (_, line) = first_line(&server, &format!("{head}{expect}Content-Length: 3000000\r\n\r\n"));
    assert!(line.starts_with("HTTP/1.1 413"), "{line}");
    let head_without_token = "POST /api/calls HTTP/1.1\r\nHost: x\r\n";
    let (_, line) = first_line(&server, &format!("{head_without_token}{expect}Content-Length: 3\r\n\r\n"));
    assert!(line.starts_with("HTTP/1.1 401"), "{line}");
    let (mut stream, line) =
        first_line(&server, &format!("{head}{expect}Content-Length: 2\r\nConnection: close\r\n\r\n"));
    assert!(line.starts_with("HTTP/1.1 100"), "{line}");
    stream.write_all(b"{}").unwrap();
    let response = read_all(stream);
    assert!(response.starts_with("\r\nHTTP/1.1 422"), "{response}");
}

/// Asserts that a response is an error of the API with a request id, and the only one.
pub fn assert_is_error(response: &str, status: u16, code: u16) {
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    assert_eq!(response.matches("HTTP/1.1").count(), 1, "{response}");
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nx-request-id: ") && head.contains("\r\ncontent-type: application/json"), "{head}");
    assert!(head.contains("\r\nconnection: close"), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["error"]["error_code"], code, "{body}");
}

#[test]
fn rejects_malformed_and_large_heads_with_an_error_of_the_api() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let filler = "x".repeat(200_000);
    for (request, status, code) in [
        ("GET /\r\n\r\n".to_owned(), 400, 41),
        ("GET /api?q=\"x\" HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 400, 41),
        ("GET /api HTTP/1.1\r\n\r\n".to_owned(), 400, 41),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx".to_owned(), 400, 41),
        ("\0".repeat(100), 400, 41),
        (format!("GET / HTTP/1.1\r\nHost: x\r\nX: {filler}\r\n\r\n"), 431, 44),
        (format!("GET /{filler} HTTP/1.1\r\nHost: x\r\n\r\n"), 431, 44),
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(1_000)), 431, 44),
    ] {
        assert_is_error(&exchange(&server, request.as_bytes()), status, code);
    }
    let body = format!("{}Transfer-Encoding: chunked\r\n\r\nzz\r\n", post_call_head(&server));
    let response = exchange(&server, body.as_bytes());
    assert!(response.starts_with("HTTP/1.1 400"), "{response}");
    assert_eq!(response.matches("HTTP/1.1").count(), 1, "{response}");
    let (exit, log) = server.stop();
    assert_eq!(exit, Some(0));
    assert!(!log.contains("ERROR"), "{log}");
}
