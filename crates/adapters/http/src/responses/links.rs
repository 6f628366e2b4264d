//! Absolute links, under the configured public URL or the request's host.

use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::rc::Rc;

use actix_web::HttpRequest;
use actix_web::http::header::HOST;

use crate::connection::Exchange;
use crate::proxies::TrustedProxies;

/// The base of all links in one response.
#[derive(Clone, Debug)]
pub struct Links {
    base: String,
}

impl Links {
    /// Makes links under this base, which does not end in a slash.
    pub fn under(base: impl Into<String>) -> Self {
        Self { base: base.into() }
    }

    /// Makes links under the public URL if there is one, else under the host of the request, which a trusted proxy
    /// reports.
    pub fn of(request: &HttpRequest, public_url: Option<&str>, proxies: &TrustedProxies) -> Self {
        if let Some(url) = public_url {
            return Self::under(url);
        }
        let (scheme, forwarded_host) = proxies.forwarded(request);
        let own_host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).filter(|host| is_host(host));
        let host = forwarded_host.filter(|host| is_host(host)).or(own_host);
        let host = host.map_or_else(|| local_address(request).to_string(), str::to_owned);
        Self::under(format!("{}://{host}", scheme.unwrap_or("http")))
    }

    /// Returns the link to a path, which begins with a slash.
    pub fn to(&self, path: impl AsRef<str>) -> String {
        [&self.base, path.as_ref()].concat()
    }

    /// Returns the link to a resource by its id. `folder` ends in a slash.
    pub fn to_one(&self, folder: &str, id: impl fmt::Display) -> String {
        numbered([&self.base, folder], id)
    }
}

/// Returns the address at which the client connected.
fn local_address(request: &HttpRequest) -> SocketAddr {
    let exchange = request.conn_data::<Rc<Exchange>>();
    exchange.and_then(|exchange| exchange.local_address()).unwrap_or_else(|| request.app_config().local_addr())
}

/// Concatenates the parts and a number.
pub fn numbered<const N: usize>(parts: [&str; N], number: impl fmt::Display) -> String {
    // Room for the longest number, so that the string does not grow.
    let mut link = String::with_capacity(parts.iter().map(|part| part.len()).sum::<usize>() + 20);
    link.extend(parts);
    // Writing to a String cannot fail.
    let _ = write!(link, "{number}");
    link
}

/// Whether the text is safe to repeat in a response as a host: a name or an address, and a port.
fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']'))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn links_begin_with_the_public_url_or_the_requested_host() {
        let request = TestRequest::default().insert_header((HOST, "calls.example:8080")).to_http_request();
        assert_eq!(Links::of(&request, None, &TrustedProxies::default()).to("/api"), "http://calls.example:8080/api");
        assert_eq!(
            Links::of(&request, Some("https://example.org/callbook"), &TrustedProxies::default()).to("/api"),
            "https://example.org/callbook/api"
        );
    }

    #[test]
    fn an_invalid_host_is_not_repeated() {
        for host in ["evil.example/path", "a b", "\"x\"", "<script>", ""] {
            let request = TestRequest::default().insert_header((HOST, host)).to_http_request();
            assert_eq!(
                Links::of(&request, None, &TrustedProxies::default()).to(""),
                format!("http://{}", request.app_config().local_addr())
            );
        }
    }

    #[test]
    fn only_a_trusted_proxy_sets_scheme_and_host() {
        let request = TestRequest::default()
            .insert_header((HOST, "inner:8080"))
            .insert_header(("x-forwarded-proto", "https"))
            .insert_header(("x-forwarded-host", "evil.example, calls.example"))
            .peer_addr("192.0.2.1:1234".parse().unwrap())
            .to_http_request();
        let link = |proxies: &str| Links::of(&request, None, &proxies.parse().unwrap()).to("/api");
        assert_eq!(link("192.0.2.1"), "https://calls.example/api");
        assert_eq!(link("192.0.2.2"), "http://inner:8080/api");
        assert_eq!(link(""), "http://inner:8080/api");
    }
}
