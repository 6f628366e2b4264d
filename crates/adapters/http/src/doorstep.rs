//! Failed log-ins, counted by address: whoever guesses tokens is soon answered slowly.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use domain::Timestamp;

const WINDOW_SECONDS: i64 = 60;

/// So many failures a minute an address may have at full speed: a client with an expired token that asks each second
/// never waits.
const FAILURES: u32 = 100;

/// More addresses than this are not remembered at once.
const MAX_REMEMBERED: usize = 10_000;

/// Who failed lately. Good tokens pass at once from any address: behind one proxy all clients may have the same.
#[derive(Default)]
pub struct Doorstep {
    failures: Mutex<HashMap<IpAddr, Window>>,
}

struct Window {
    ends: i64,
    failures: u32,
}

impl Doorstep {
    /// Counts a failure; answers whether the address has had too many in this minute.
    pub fn failed(&self, address: Option<IpAddr>, now: Timestamp) -> bool {
        let Some(address) = address.map(network) else { return false };
        let now = now.unix();
        let is_open = |window: &Window| (1..=WINDOW_SECONDS).contains(&(window.ends - now));
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MAX_REMEMBERED && !failures.contains_key(&address) {
            failures.retain(|_, window| is_open(window));
            if failures.len() >= MAX_REMEMBERED {
                failures.clear();
            }
        }
        let fresh = Window { ends: now + WINDOW_SECONDS, failures: 0 };
        let window = failures.entry(address).or_insert(Window { ..fresh });
        if !is_open(window) {
            *window = fresh;
        }
        window.failures = window.failures.saturating_add(1);
        window.failures > FAILURES
    }
}

/// Whoever has one IPv6 address has its whole network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(doorstep: &Doorstep, from: &str, second: i64) -> bool {
        doorstep.failed(from.parse().ok(), Timestamp::from_unix(second).unwrap())
    }

    fn exhausted(from: &str) -> Doorstep {
        let doorstep = Doorstep::default();
        assert!((0..FAILURES).all(|_| !fail(&doorstep, from, 1000)));
        doorstep
    }

    #[test]
    fn an_address_that_fails_too_often_is_slow_to_the_end_of_its_minute() {
        let doorstep = exhausted("192.0.2.1");
        assert!(fail(&doorstep, "192.0.2.1", 1001));
        assert!(!fail(&doorstep, "192.0.2.2", 1001), "another address is another client");
        assert!(!doorstep.failed(None, Timestamp::from_unix(1001).unwrap()));
        assert!(!fail(&doorstep, "192.0.2.1", 1060));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let doorstep = exhausted("2001:db8::1");
        assert!(fail(&doorstep, "2001:db8::ffff:1", 1001));
        assert!(!fail(&doorstep, "2001:db8:0:1::1", 1001));
        assert!(fail(&exhausted("::ffff:192.0.2.1"), "192.0.2.1", 1001), "IPv4 in IPv6 is IPv4");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let doorstep = Doorstep::default();
        for n in 0..25_000_u32 {
            doorstep.failed(Some(IpAddr::V4(n.into())), Timestamp::MIN);
        }
        assert!(doorstep.failures.lock().unwrap().len() <= MAX_REMEMBERED);
    }
}
