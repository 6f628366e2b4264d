//! Standard output and standard error that nobody reads.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Command;

use support::{Client, Server, Setup};

use crate::raw_http::send;

/// The requests on one connection.
const PIPELINED: usize = 1_000;

/// Creates a named pipe in the folder of the setup. It is open for reading as long as the value lives.
fn create_pipe(setup: &Setup, name: &str) -> File {
    let pipe = setup.folder().join(name);
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Opening for reading only would wait for a writer.
    OpenOptions::new().read(true).write(true).open(&pipe).unwrap()
}

/// Sends requests on one connection and asserts that each is answered.
fn send_requests(server: &Server) {
    let request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut stream = send(server, "");
    let mut responses = stream.try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = responses.read_to_end(&mut text);
        String::from_utf8(text).unwrap()
    });
    stream.write_all(request.repeat(PIPELINED - 1).as_bytes()).unwrap();
    stream.write_all(last.as_bytes()).unwrap();
    assert_eq!(reader.join().unwrap().matches("HTTP/1.1 200 OK").count(), PIPELINED);
}

fn dropped_lines(metrics: &Client) -> u64 {
    let text = metrics.get("/metrics").body;
    let value = text.lines().find_map(|line| line.strip_prefix("callbook_log_lines_dropped_total "));
    value.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[test]
fn serves_and_stops_while_standard_error_stalls() {
    let setup = Setup::sqlite().set("CALLBOOK_LOG", "trace").set("CALLBOOK_METRICS_BIND", "127.0.0.1:0");
    let _pipe = create_pipe(&setup, "pipe");
    let server = setup.serve_under(&["sh", "-c", "exec \"$@\" 2>pipe", "sh"]);
    let metrics = server.metrics().unwrap();
    let mut sent = 0;
    while dropped_lines(&metrics) == 0 || sent < 4 * PIPELINED {
        assert!(sent < 60 * PIPELINED, "no line was dropped after {sent} requests");
        send_requests(&server);
        sent += PIPELINED;
    }
    let client = server.client();
    client.create_call(client.create_contact("Leslie"), "2018-02-02");
    assert_eq!(server.stop().0, Some(0));
    assert!(!setup.folder().join("data/callbook.db-wal").exists(), "the store is closed");
}

/// Pipes have this capacity by default.
#[cfg(target_os = "linux")]
#[test]
fn serves_and_stops_while_standard_output_stalls() {
    let setup = Setup::sqlite().set("CALLBOOK_LOG", "info");
    let mut output = create_pipe(&setup, "pipe");
    output.write_all(&vec![b'\n'; 65_536]).unwrap();
    let mut command = setup.command(&["serve"]);
    let mut process = command.stdout(output.try_clone().unwrap()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("listening") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "the server ended");
    }
    let address = line.split("address=").nth(1).unwrap().split_whitespace().next().unwrap();
    assert_eq!(Client::new(&format!("http://{address}"), None).get("/readyz").status, 200);
    assert!(Command::new("kill").arg(process.id().to_string()).status().unwrap().success());
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

/// A failure is an exit status, also while its message cannot be printed.
#[cfg(target_os = "linux")]
#[test]
fn fails_while_standard_error_stalls() {
    let setup = Setup::sqlite();
    let mut errors = create_pipe(&setup, "pipe");
    errors.write_all(&vec![b'\n'; 65_536]).unwrap();
    let status = setup.command(&["restore", "missing"]).stderr(errors.try_clone().unwrap()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}
