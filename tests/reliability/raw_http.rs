//! HTTP over a plain connection, byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use support::Server;

/// Connects to the server and sends bytes.
pub fn send(server: &Server, bytes: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(bytes.as_ref()).unwrap();
    stream
}

/// Sends bytes and returns what the server sends until it closes the connection or is silent for a while.
pub fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    // The server may reject the beginning and close the connection before the end is sent.
    let _ = stream.write_all(bytes);
    read_all(stream)
}

/// Returns what the server sends until the connection ends.
pub fn read_all(mut stream: TcpStream) -> String {
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    String::from_utf8_lossy(&response).into_owned()
}

/// Whether bytes of a response, or the end of the connection, have arrived.
pub fn has_response(stream: &TcpStream) -> bool {
    without_blocking(stream, |stream| stream.peek(&mut [0]).is_ok())
}

/// Whether the server has closed the connection.
#[cfg(target_os = "linux")]
pub fn is_closed(mut stream: &TcpStream) -> bool {
    without_blocking(stream, |_| matches!(stream.read(&mut [0; 4096]), Ok(0)))
}

fn without_blocking(stream: &TcpStream, check: impl FnOnce(&TcpStream) -> bool) -> bool {
    stream.set_nonblocking(true).unwrap();
    let result = check(stream);
    stream.set_nonblocking(false).unwrap();
    result
}

/// The head of a POST of a call up to its framing headers.
pub fn post_call_head(server: &Server) -> String {
    let token = server.token().unwrap();
    format!("POST /api/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n")
}
