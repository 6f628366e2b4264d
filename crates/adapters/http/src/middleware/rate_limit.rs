//! The limit of requests per token and minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderName;
use actix_web::middleware::Next;
use actix_web::web::Data;
use domain::{Timestamp, TokenId};

use super::authenticate::Authenticated;
use super::refuse;
use crate::AppState;
use crate::responses::error::ApiError;

/// The header with the requests per minute.
pub const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");

/// The header with the requests left in the window.
pub const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

const WINDOW_SECONDS: i64 = 60;

/// Rejects requests over the limit of their token, and adds the rate limit headers to responses.
pub async fn rate_limit(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    let (status, taken) = state.rate_limiter.take(caller.token, state.services.clock.now());
    let mut response = match taken {
        Ok(()) => next.call(request).await?,
        Err(error) => refuse(request, error),
    };
    if let Some(RateLimitStatus { limit, remaining }) = status {
        response.headers_mut().insert(X_RATELIMIT_LIMIT, limit.into());
        response.headers_mut().insert(X_RATELIMIT_REMAINING, remaining.into());
    }
    Ok(response)
}

/// Counts the requests of each token in windows of one minute. A window begins with the token's first request; the
/// first request after its end begins the next one.
pub struct RateLimiter {
    limit: u32,
    windows: Mutex<HashMap<TokenId, Window>>,
}

struct Window {
    ends: i64,
    taken: u32,
}

/// The state of a token's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitStatus {
    /// Requests per minute.
    pub limit: u32,
    /// Requests left in the window.
    pub remaining: u32,
}

impl RateLimiter {
    /// Allows this many requests per minute. 0 is no limit.
    pub fn new(limit: u32) -> Self {
        Self { limit, windows: Mutex::default() }
    }

    /// Counts one request of the token. The status is `None` without a limit.
    pub fn take(&self, token: TokenId, now: Timestamp) -> (Option<RateLimitStatus>, Result<(), ApiError>) {
        let limit = self.limit;
        if limit == 0 {
            return (None, Ok(()));
        }
        let now = now.unix();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(token).or_insert(Window { ends: now + WINDOW_SECONDS, taken: 0 });
        // A window also ends when the clock was set back, so that none lasts longer than a minute.
        if !(1..=WINDOW_SECONDS).contains(&(window.ends - now)) {
            *window = Window { ends: now + WINDOW_SECONDS, taken: 0 };
        }
        if window.taken == limit {
            let error = ApiError::TooManyRequests { retry_after: window.ends - now, reset: window.ends };
            return (Some(RateLimitStatus { limit, remaining: 0 }), Err(error));
        }
        window.taken += 1;
        (Some(RateLimitStatus { limit, remaining: limit - window.taken }), Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(limiter: &RateLimiter, token: i64, second: i64) -> Result<u32, (i64, i64)> {
        match limiter.take(TokenId::new(token).unwrap(), Timestamp::from_unix(second).unwrap()) {
            (Some(RateLimitStatus { remaining, .. }), Ok(())) => Ok(remaining),
            (Some(RateLimitStatus { remaining: 0, .. }), Err(ApiError::TooManyRequests { retry_after, reset })) => {
                Err((retry_after, reset))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_window_begins_with_the_first_request() {
        let limiter = RateLimiter::new(2);
        assert_eq!(take(&limiter, 1, 1000), Ok(1));
        assert_eq!(take(&limiter, 1, 1030), Ok(0));
        assert_eq!(take(&limiter, 1, 1059), Err((1, 1060)));
        assert_eq!(take(&limiter, 1, 1060), Ok(1));
    }

    #[test]
    fn counts_each_token_on_its_own() {
        let limiter = RateLimiter::new(1);
        assert_eq!(take(&limiter, 1, 1000), Ok(0));
        assert_eq!(take(&limiter, 2, 1000), Ok(0));
        assert_eq!(take(&limiter, 1, 1000), Err((60, 1060)));
    }

    #[test]
    fn begins_a_new_window_when_the_clock_is_set_back() {
        let limiter = RateLimiter::new(1);
        assert_eq!(take(&limiter, 1, 100_000), Ok(0));
        assert_eq!(take(&limiter, 1, 1000), Ok(0));
    }

    #[test]
    fn allows_everything_when_the_limit_is_zero() {
        let (status, taken) = RateLimiter::new(0).take(TokenId::new(1).unwrap(), Timestamp::MIN);
        assert_eq!(status, None);
        taken.unwrap();
    }
}
