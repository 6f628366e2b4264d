//! The limit of requests per token and minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::{Timestamp, TokenId};

use crate::errors::ApiError;

const WINDOW_SECONDS: i64 = 60;

/// Counts the requests of each token; a token's minute begins with its first request.
pub struct RateLimiter {
    limit: u32,
    windows: Mutex<HashMap<TokenId, Window>>,
}

struct Window {
    ends: i64,
    taken: u32,
}

/// What a token has left in this minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitStatus {
    /// Requests per minute.
    pub limit: u32,
    /// Requests left in this minute.
    pub remaining: u32,
}

impl RateLimiter {
    /// Allows this many requests a minute; 0 is no limit.
    pub fn new(limit: u32) -> Self {
        Self { limit, windows: Mutex::default() }
    }

    /// Takes one request of the token. No allowance without a limit; the refusal comes with one that is used up.
    pub fn take(&self, token: TokenId, now: Timestamp) -> (Option<RateLimitStatus>, Result<(), ApiError>) {
        let limit = self.limit;
        if limit == 0 {
            return (None, Ok(()));
        }
        let now = now.unix();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(token).or_insert(Window { ends: now + WINDOW_SECONDS, taken: 0 });
        // Also when the clock was set back: nobody is shut out for longer than a minute.
        if !(1..=WINDOW_SECONDS).contains(&(window.ends - now)) {
            *window = Window { ends: now + WINDOW_SECONDS, taken: 0 };
        }
        if window.taken == limit {
            let refusal = ApiError::TooManyRequests { retry_after: window.ends - now, reset: window.ends };
            return (Some(RateLimitStatus { limit, remaining: 0 }), Err(refusal));
        }
        window.taken += 1;
        (Some(RateLimitStatus { limit, remaining: limit - window.taken }), Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(throttle: &RateLimiter, token: i64, second: i64) -> Result<u32, (i64, i64)> {
        match throttle.take(TokenId::from_store(token), Timestamp::from_unix(second).unwrap()) {
            (Some(RateLimitStatus { remaining, .. }), Ok(())) => Ok(remaining),
            (Some(RateLimitStatus { remaining: 0, .. }), Err(ApiError::TooManyRequests { retry_after, reset })) => {
                Err((retry_after, reset))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_minute_begins_with_the_first_request() {
        let throttle = RateLimiter::new(2);
        assert_eq!(take(&throttle, 1, 1000), Ok(1));
        assert_eq!(take(&throttle, 1, 1030), Ok(0));
        assert_eq!(take(&throttle, 1, 1059), Err((1, 1060)));
        assert_eq!(take(&throttle, 1, 1060), Ok(1));
    }

    #[test]
    fn tokens_are_counted_apart() {
        let throttle = RateLimiter::new(1);
        assert_eq!(take(&throttle, 1, 1000), Ok(0));
        assert_eq!(take(&throttle, 2, 1000), Ok(0));
        assert_eq!(take(&throttle, 1, 1000), Err((60, 1060)));
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out() {
        let throttle = RateLimiter::new(1);
        assert_eq!(take(&throttle, 1, 100_000), Ok(0));
        assert_eq!(take(&throttle, 1, 1000), Ok(0));
    }

    #[test]
    fn zero_is_no_limit() {
        let (allowance, taken) = RateLimiter::new(0).take(TokenId::from_store(1), Timestamp::MIN);
        assert_eq!(allowance, None);
        taken.unwrap();
    }
}
