//! `callbook healthcheck`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::config::Config;
use crate::error::Error;
use crate::output::outln;

/// Images run the check every few seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Succeeds if the server on the configured address is ready.
pub fn run(config: &Config) -> Result<(), Error> {
    if config.bind.port() == 0 {
        return Err(Error::Failed("CALLBOOK_BIND has port 0: the port of the server is unknown".to_owned()));
    }
    let url = format!("http://{}/readyz", reachable(config.bind));
    // No proxy: the server runs on this machine.
    let agent = ureq::Agent::config_builder().timeout_global(Some(REQUEST_TIMEOUT)).proxy(None).build();
    match ureq::Agent::new_with_config(agent).get(&url).call() {
        Ok(_) => outln!("The server on {} is ready.", config.bind),
        Err(error) => Err(Error::Failed(format!("{url}: {error}; CALLBOOK_BIND or --bind names another server"))),
    }
}

/// Replaces the unspecified address, on which a server listens on every address, by the loopback address.
pub fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_becomes_loopback() {
        for (bind, expected) in
            [("0.0.0.0:8080", "127.0.0.1:8080"), ("[::]:8080", "[::1]:8080"), ("192.0.2.1:80", "192.0.2.1:80")]
        {
            assert_eq!(reachable(bind.parse().unwrap()).to_string(), expected);
        }
    }
}
