//! Contacts and calls taken from another server that speaks Monica's API.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use support::{Client, Server, Setup, on_both_stores};

on_both_stores!(
    contacts_and_calls_of_another_server_are_taken_once,
    a_server_that_misbehaves_is_asked_again,
    a_server_that_breaks_down_leaves_what_was_read,
);

/// A server with 3 contacts, one of them archived, and 250 calls; its client.
fn monica() -> (Setup, Server, Client) {
    let setup = Setup::sqlite();
    setup.output(&["demo", "--contacts", "3", "--calls", "250"]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&setup.output(&["token", "create"])));
    (setup, server, client)
}

fn import(setup: &Setup, url: &str, token: &str, more: &[&str]) -> Output {
    let arguments = [&["import-monica", "--url", url], more].concat();
    setup.command(&arguments).env("MONICA_TOKEN", token).output().unwrap()
}

fn said(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn contacts_and_calls_of_another_server_are_taken_once(setup: Setup) {
    let (source, server, client) = monica();
    client.put("/api/contacts/2", &json!({"first_name": "Archie", "is_active": false})).expect(200);
    let token = client.token().unwrap();
    // The address may end in a slash, or in /api as Monica's own settings show it.
    let output = import(&setup, &format!("{}/", server.base), token, &[]);
    assert!(said(&output).contains("3 contacts and 250 calls added"), "{}", said(&output));
    assert!(said(&output).contains("0 things of Monica were left out"));
    let exported = setup.output(&["export"]);
    let mut expected: Vec<String> = source.output(&["export"]).lines().map(str::to_owned).collect();
    let mut found: Vec<String> = exported.lines().map(str::to_owned).collect();
    // The order is that of Monica's lists.
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected, "all that an export holds came over the API");
    let output = import(&setup, &format!("{}/api", server.base), token, &[]);
    assert!(said(&output).contains("0 contacts and 0 calls added, 3 contacts and 250 calls were there already"));
    assert_eq!(setup.output(&["export"]), exported);
    client.log(1, "2018-02-02");
    assert!(said(&import(&setup, &server.base, token, &["--from-page", "3"])).contains("0 contacts and 1 calls added"));
}

/// What the stand-in does with a request.
type Fault = fn(usize) -> Option<&'static str>;

/// A server before another one, which answers this way instead, by the number of the request.
fn stand_in(inner: &Client, fault: Fault) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (inner, asked) = (inner.clone(), Arc::new(AtomicUsize::new(0)));
    let counter = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &inner, fault(counter.fetch_add(1, Ordering::Relaxed)));
        }
    });
    (url, asked)
}

fn answer(mut stream: TcpStream, inner: &Client, fault: Option<&str>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or_default() > 0 {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let response = match fault {
        Some("cut in the body") => {
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

const TOO_MANY: &str =
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

fn a_server_that_misbehaves_is_asked_again(setup: Setup) {
    let (source, _server, client) = monica();
    let fault: Fault = |n| match n % 5 {
        0 => Some(TOO_MANY),
        1 => Some(BROKEN),
        2 => Some(""),
        3 => Some("cut in the body"),
        _ => None,
    };
    let (url, asked) = stand_in(&client, fault);
    let begun = std::time::Instant::now();
    let output = import(&setup, &url, "token", &[]);
    assert!(said(&output).contains("3 contacts and 250 calls added"), "{}", said(&output));
    // One page of contacts and three of calls, each at the fifth try, after the second that it asks for.
    assert_eq!(asked.load(Ordering::Relaxed), 20);
    assert!(begun.elapsed().as_secs() >= 4, "Retry-After is respected");
    assert_eq!(setup.output(&["export"]).lines().count(), source.output(&["export"]).lines().count());
}

fn a_server_that_breaks_down_leaves_what_was_read(setup: Setup) {
    let (_source, server, client) = monica();
    // Contacts and the first page of calls.
    let (url, _) = stand_in(&client, |n| (n >= 2).then_some(BROKEN));
    let output = import(&setup, &url, "token", &[]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("--from-page 2") && error.contains("it answers 500"), "{error}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("3 contacts and 100 calls added"));
    let token = client.token().unwrap();
    assert!(
        said(&import(&setup, &server.base, token, &["--from-page", "2"])).contains("0 contacts and 150 calls added")
    );
}

#[test]
fn what_is_no_monica_is_told() {
    let (_source, server, client) = monica();
    let setup = Setup::sqlite();
    for (url, token, status, problem) in [
        (server.base.as_str(), "wrong", 1, "does not accept MONICA_TOKEN"),
        ("monica.example.org", "x", 2, "--url takes"),
        (server.base.as_str(), "", 2, "MONICA_TOKEN takes a token"),
        (
            &stand_in(&client, |_| Some("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")).0,
            "x",
            1,
            "does not answer like",
        ),
        (
            &stand_in(&client, |_| {
                Some("HTTP/1.1 301 Moved\r\nLocation: https://m.example\r\nContent-Length: 0\r\n\r\n")
            })
            .0,
            "x",
            1,
            "points to https://m.example",
        ),
    ] {
        let output = import(&setup, url, token, &[]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{error}");
        assert!(error.contains(problem), "{error}");
    }
    assert_eq!(
        setup.output(&["account", "list"]).lines().count(),
        1,
        "the heading alone: no account was made for nothing"
    );
}
