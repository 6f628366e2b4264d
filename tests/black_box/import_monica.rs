//! Import from a server with Monica's API. The tests import from another Callbook server.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use support::{Client, Server, Setup, expect_failure, on_both_stores};

on_both_stores!(imports_contacts_and_calls_once, retries_failed_requests, keeps_what_was_read_before_the_server_failed,);

/// Starts a server with 3 contacts and 250 calls.
fn serve_monica() -> (Setup, Server, Client) {
    let setup = Setup::sqlite();
    setup.output(&["demo", "--contacts", "3", "--calls", "250"]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&setup.new_token()));
    (setup, server, client)
}

fn import(setup: &Setup, url: &str, token: &str, more: &[&str]) -> Output {
    setup.migrate();
    let arguments = [&["import-monica", "--url", url], more].concat();
    setup.command(&arguments).env("MONICA_TOKEN", token).output().unwrap()
}

/// The standard output of a successful import.
fn message(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn imports_contacts_and_calls_once(setup: Setup) {
    let (source, server, client) = serve_monica();
    client.put("/api/contacts/2", &json!({"first_name": "Archie", "is_active": false})).expect(200);
    let token = client.token().unwrap();
    // The URL may end in a slash, or in /api as in the settings of Monica.
    let output = import(&setup, &format!("{}/", server.base), token, &[]);
    assert!(message(&output).contains("3 contacts and 250 calls added"), "{}", message(&output));
    assert!(message(&output).contains("0 things of Monica were left out"));
    let exported = setup.output(&["export"]);
    let mut expected: Vec<String> = source.output(&["export"]).lines().map(str::to_owned).collect();
    let mut found: Vec<String> = exported.lines().map(str::to_owned).collect();
    // The imported calls are in the order of Monica's lists.
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected, "the import is complete");
    let output = import(&setup, &format!("{}/api", server.base), token, &[]);
    assert!(message(&output).contains("0 contacts and 0 calls added, 3 contacts and 250 calls were there already"));
    assert_eq!(setup.output(&["export"]), exported);
    client.create_call(1, "2018-02-02");
    assert!(
        message(&import(&setup, &server.base, token, &["--from-page", "3"])).contains("0 contacts and 1 calls added")
    );
}

/// The faulty response to the request with this number, or `None` for the response of the server.
type Fault = fn(usize) -> Option<&'static str>;

/// Starts a proxy with faults. Returns its URL and its counter of requests.
fn faulty_proxy(inner: &Client, fault: Fault) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (inner, requests) = (inner.clone(), Arc::new(AtomicUsize::new(0)));
    let counter = requests.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            respond(stream.unwrap(), &inner, fault(counter.fetch_add(1, Ordering::Relaxed)));
        }
    });
    (url, requests)
}

/// Reads the head of a request and returns its path.
fn read_path(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or_default() > 0 {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    head.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn respond(mut stream: TcpStream, inner: &Client, fault: Option<&str>) {
    let path = read_path(&mut stream);
    let response = match fault {
        Some(CUT_OFF) => {
            let body = inner.get(&path).body;
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.len(), &body[..body.len() / 2])
        }
        Some(fault) => fault.to_owned(),
        None => {
            let body = inner.get(&path).body;
            format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
    };
    let _ = stream.write_all(response.as_bytes());
}

/// Makes the proxy close the connection in the middle of the body.
const CUT_OFF: &str = "cut off";
const TOO_MANY_REQUESTS: &str =
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const INTERNAL_ERROR: &str = "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

fn retries_failed_requests(setup: Setup) {
    let (source, _server, client) = serve_monica();
    let fault: Fault = |n| match n % 5 {
        0 => Some(TOO_MANY_REQUESTS),
        1 => Some(INTERNAL_ERROR),
        2 => Some(""),
        3 => Some(CUT_OFF),
        _ => None,
    };
    let (url, requests) = faulty_proxy(&client, fault);
    let start = std::time::Instant::now();
    let output = import(&setup, &url, "token", &[]);
    assert!(message(&output).contains("3 contacts and 250 calls added"), "{}", message(&output));
    // One page of contacts and three pages of calls, each with five attempts and a `Retry-After` of one second.
    assert_eq!(requests.load(Ordering::Relaxed), 20);
    assert!(start.elapsed().as_secs() >= 4, "Retry-After is respected");
    assert_eq!(setup.output(&["export"]).lines().count(), source.output(&["export"]).lines().count());
}

fn keeps_what_was_read_before_the_server_failed(setup: Setup) {
    let (_source, server, client) = serve_monica();
    // The proxy fails after the contacts and the first page of calls.
    let (url, _) = faulty_proxy(&client, |n| (n >= 2).then_some(INTERNAL_ERROR));
    let output = import(&setup, &url, "token", &[]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("3 contacts and 100 calls added"));
    let error = expect_failure(output, 1);
    assert!(error.contains("--from-page 2") && error.contains("it answers 500"), "{error}");
    let token = client.token().unwrap();
    assert!(
        message(&import(&setup, &server.base, token, &["--from-page", "2"])).contains("0 contacts and 150 calls added")
    );
}

/// Starts a server whose lists have the pages that the function returns for a page number: the first id and the total.
fn serve_lists(page: fn(u64) -> (u64, u64)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let path = read_path(&mut stream);
            let number = path.rsplit_once("page=").map_or(1, |(_, number)| number.parse().unwrap());
            let (first, total) = page(number);
            let contact = |id| json!({"id": id, "first_name": "Leslie"});
            let contacts: Vec<_> = (first..first + 100).map(contact).collect();
            let body = json!({"data": contacts, "meta": {"total": total, "last_page": number + 1}}).to_string();
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    url
}

#[test]
fn ends_although_the_pages_never_end() {
    for page in [
        (|_| (1, 1_000_000)) as fn(u64) -> (u64, u64),
        |number| (number % 2 * 100, 1_000_000),
        |number| (number * 100, 100),
        |number| (number * 100, number * 200),
    ] {
        let setup = Setup::sqlite();
        let error = expect_failure(import(&setup, &serve_lists(page), "token", &[]), 1);
        assert!(error.contains("list of contacts does not end at page "), "{error}");
    }
}

#[test]
fn reports_a_wrong_url_or_token() {
    let (_source, server, client) = serve_monica();
    let setup = Setup::sqlite();
    for (url, token, status, problem) in [
        (server.base.as_str(), "wrong", 1, "does not accept MONICA_TOKEN"),
        ("monica.example.org", "x", 2, "--url takes"),
        (server.base.as_str(), "", 2, "MONICA_TOKEN takes a token"),
        (
            &faulty_proxy(&client, |_| Some("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")).0,
            "x",
            1,
            "does not answer like",
        ),
        (
            &faulty_proxy(&client, |_| {
                Some("HTTP/1.1 301 Moved\r\nLocation: https://m.example\r\nContent-Length: 0\r\n\r\n")
            })
            .0,
            "x",
            1,
            "points to https://m.example",
        ),
    ] {
        let error = expect_failure(import(&setup, url, token, &[]), status);
        assert!(error.contains(problem), "{error}");
    }
    assert_eq!(setup.output(&["account", "list"]).lines().count(), 1, "only the heading, no account");
}
