//! Whether the server on the configured address is ready.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::error::Error;
use crate::settings::Settings;

/// How long the server may take; images ask every few seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Succeeds when the server answers that it is ready.
pub fn run(settings: &Settings) -> Result<(), Error> {
    if settings.bind.port() == 0 {
        return Err(Error::Refused("CALLBOOK_BIND takes a free port: nobody knows which".to_owned()));
    }
    let url = format!("http://{}/readyz", reachable(settings.bind));
    // Never through a proxy: the server is on this machine.
    let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).proxy(None).build();
    match ureq::Agent::new_with_config(config).get(&url).call() {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::Refused(format!("{url}: {error}"))),
    }
}

/// Where a server is asked that listens on every address.
fn reachable(bind: SocketAddr) -> SocketAddr {
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
    fn a_server_on_every_address_is_asked_on_this_machine() {
        for (bind, asked) in
            [("0.0.0.0:8080", "127.0.0.1:8080"), ("[::]:8080", "[::1]:8080"), ("192.0.2.1:80", "192.0.2.1:80")]
        {
            assert_eq!(reachable(bind.parse().unwrap()).to_string(), asked);
        }
    }
}
