//! Failed log-ins, counted by address: whoever guesses tokens is soon not asked to the store any more.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError, RwLock};

use domain::Moment;

use crate::errors::Refusal;

const WINDOW_SECONDS: i64 = 60;

/// So many failures a minute an address may have: a client with an expired token that asks each second still hears 401.
const FAILURES: u32 = 100;

/// More addresses, and more tokens, than this are not remembered at once.
const REMEMBERED: usize = 10_000;

/// Who failed lately, and which tokens were good lately: those are let in also from an address that fails, as behind
/// one proxy all clients have one address.
#[derive(Default)]
pub struct Doorstep {
    failures: Mutex<HashMap<IpAddr, Window>>,
    good: RwLock<HashSet<u64>>,
    // Keyed at random: only numbers are kept, from which no token can be told.
    hasher: RandomState,
}

struct Window {
    ends: i64,
    failures: u32,
}

impl Doorstep {
    /// Refuses a text that nobody has seen to be good, from an address that failed too often in this minute.
    pub fn let_try(&self, address: Option<IpAddr>, bearer: &str, now: Moment) -> Result<(), Refusal> {
        let Some(address) = address.map(network) else { return Ok(()) };
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(window) = failures.get(&address) else { return Ok(()) };
        let left = window.ends - now.unix();
        if window.failures < FAILURES || !(1..=WINDOW_SECONDS).contains(&left) || self.is_good(bearer) {
            return Ok(());
        }
        Err(Refusal::TooManyRequests { retry_after: left, reset: window.ends })
    }

    /// The text opened an account.
    pub fn succeeded(&self, bearer: &str) {
        if !self.is_good(bearer) {
            let mut good = self.good.write().unwrap_or_else(PoisonError::into_inner);
            if good.len() >= REMEMBERED {
                good.clear();
            }
            good.insert(self.hasher.hash_one(bearer));
        }
    }

    /// The text opened nothing, or opens nothing any more.
    pub fn failed(&self, address: Option<IpAddr>, bearer: &str, now: Moment) {
        if self.is_good(bearer) {
            self.good.write().unwrap_or_else(PoisonError::into_inner).remove(&self.hasher.hash_one(bearer));
        }
        let Some(address) = address.map(network) else { return };
        let now = now.unix();
        let is_open = |window: &Window| (1..=WINDOW_SECONDS).contains(&(window.ends - now));
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= REMEMBERED && !failures.contains_key(&address) {
            failures.retain(|_, window| is_open(window));
            if failures.len() >= REMEMBERED {
                failures.clear();
            }
        }
        let fresh = Window { ends: now + WINDOW_SECONDS, failures: 0 };
        let window = failures.entry(address).or_insert(Window { ..fresh });
        if !is_open(window) {
            *window = fresh;
        }
        window.failures += 1;
    }

    fn is_good(&self, bearer: &str) -> bool {
        let good = self.good.read().unwrap_or_else(PoisonError::into_inner);
        good.contains(&self.hasher.hash_one(bearer))
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

    fn at(second: i64) -> Moment {
        Moment::from_unix(second).unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn fail(doorstep: &Doorstep, from: &str, times: u32) {
        for _ in 0..times {
            doorstep.failed(Some(address(from)), "guess", at(1000));
        }
    }

    #[test]
    fn an_address_that_fails_too_often_waits_for_the_end_of_its_minute() {
        let doorstep = Doorstep::default();
        fail(&doorstep, "192.0.2.1", FAILURES - 1);
        doorstep.let_try(Some(address("192.0.2.1")), "guess", at(1001)).unwrap();
        fail(&doorstep, "192.0.2.1", 1);
        let refused = doorstep.let_try(Some(address("192.0.2.1")), "guess", at(1001));
        assert!(matches!(refused, Err(Refusal::TooManyRequests { retry_after: 59, reset: 1060 })), "{refused:?}");
        doorstep.let_try(Some(address("192.0.2.2")), "guess", at(1001)).unwrap();
        doorstep.let_try(None, "guess", at(1001)).unwrap();
        doorstep.let_try(Some(address("192.0.2.1")), "guess", at(1060)).unwrap();
        doorstep.failed(Some(address("192.0.2.1")), "guess", at(1060));
        doorstep.let_try(Some(address("192.0.2.1")), "guess", at(1061)).unwrap();
    }

    #[test]
    fn a_token_that_was_good_is_let_in_beside_those_who_guess() {
        let doorstep = Doorstep::default();
        doorstep.succeeded("good");
        fail(&doorstep, "192.0.2.1", FAILURES);
        doorstep.let_try(Some(address("192.0.2.1")), "good", at(1001)).unwrap();
        doorstep.failed(Some(address("192.0.2.1")), "good", at(1001));
        assert!(doorstep.let_try(Some(address("192.0.2.1")), "good", at(1001)).is_err(), "it was revoked");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let doorstep = Doorstep::default();
        fail(&doorstep, "2001:db8::1", FAILURES);
        assert!(doorstep.let_try(Some(address("2001:db8::ffff:1")), "guess", at(1001)).is_err());
        doorstep.let_try(Some(address("2001:db8:0:1::1")), "guess", at(1001)).unwrap();
        fail(&doorstep, "::ffff:192.0.2.1", FAILURES);
        assert!(doorstep.let_try(Some(address("192.0.2.1")), "guess", at(1001)).is_err(), "IPv4 in IPv6 is IPv4");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let doorstep = Doorstep::default();
        for n in 0..25_000_u32 {
            doorstep.failed(Some(IpAddr::V4(n.into())), "guess", at(1000));
            doorstep.succeeded(&n.to_string());
        }
        assert!(doorstep.failures.lock().unwrap().len() <= REMEMBERED);
        assert!(doorstep.good.read().unwrap().len() <= REMEMBERED);
    }
}
