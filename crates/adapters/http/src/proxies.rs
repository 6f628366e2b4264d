//! Trusted proxies: the only peers whose `X-Forwarded-*` headers are used.

use std::net::IpAddr;
use std::str::FromStr;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};
use ipnet::IpNet;

/// Addresses and networks of trusted proxies, by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl FromStr for TrustedProxies {
    type Err = ipnet::AddrParseError;

    /// Parses addresses and networks that are separated by commas: `127.0.0.1, 10.0.0.0/8, ::1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let network = |entry: &str| entry.parse().or_else(|error| entry.parse().map(IpAddr::into).map_err(|_| error));
        entries.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl TrustedProxies {
    /// Whether no proxy is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        // A dual-stack socket reports 127.0.0.1 as ::ffff:127.0.0.1.
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.contains(&ip))
    }

    /// Returns the address of the client: that of the peer, or behind trusted proxies the nearest one that is not a
    /// trusted proxy.
    pub fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut client = peer?.to_canonical();
        if !self.trusts(client) {
            return Some(client);
        }
        let values = headers.get_all(X_FORWARDED_FOR).filter_map(|value| value.to_str().ok());
        let addresses: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        for address in addresses.iter().rev() {
            if !self.trusts(client) {
                break;
            }
            // A trusted proxy writes addresses only.
            let Ok(address) = address.parse::<IpAddr>() else { break };
            client = address.to_canonical();
        }
        Some(client)
    }

    /// Returns the scheme and the host that the client used, if a trusted proxy reports them.
    pub fn forwarded<'a>(&self, request: &'a HttpRequest) -> (Option<&'a str>, Option<&'a str>) {
        if !request.peer_addr().is_some_and(|peer| self.trusts(peer.ip())) {
            return (None, None);
        }
        let nearest = |name| {
            let value = request.headers().get_all(name).last()?.to_str().ok()?;
            // A proxy appends its value. The values before come from its client.
            value.rsplit(',').next().map(str::trim)
        };
        let scheme = nearest(X_FORWARDED_PROTO).filter(|scheme| matches!(*scheme, "http" | "https"));
        (scheme, nearest(X_FORWARDED_HOST))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &str) -> String {
        let request = TestRequest::default().insert_header((X_FORWARDED_FOR, forwarded)).to_http_request();
        let proxies: TrustedProxies = proxies.parse().unwrap();
        proxies.client(peer.parse().ok(), request.headers()).unwrap().to_string()
    }

    #[test]
    fn the_client_is_the_nearest_address_that_is_not_a_trusted_proxy() {
        assert_eq!(client("", "192.0.2.9", "198.51.100.1"), "192.0.2.9");
        assert_eq!(client("192.0.2.0/24", "192.0.2.9", "198.51.100.1"), "198.51.100.1");
        assert_eq!(client("192.0.2.0/24", "192.0.2.9", "203.0.113.66, 198.51.100.1, 192.0.2.8"), "198.51.100.1");
        assert_eq!(client("192.0.2.0/24", "::ffff:192.0.2.9", "2001:db8::1"), "2001:db8::1");
        assert_eq!(client("192.0.2.9", "192.0.2.9", "nonsense"), "192.0.2.9");
        assert_eq!(client("10.0.0.0/8, ::1", "::1", "10.1.1.1"), "10.1.1.1");
    }

    #[test]
    fn parses_addresses_and_networks() {
        assert_eq!(" 127.0.0.1 ,10.0.0.0/8,::1, fd00::/8".parse::<TrustedProxies>().unwrap().0.len(), 4);
        for text in ["localhost", "10.0.0.0/33", "10.0.0"] {
            assert!(text.parse::<TrustedProxies>().is_err(), "{text}");
        }
    }
}
