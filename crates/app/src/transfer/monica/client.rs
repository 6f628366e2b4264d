//! A client of Monica's API that retries.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::header::{AUTHORIZATION, LOCATION, RETRY_AFTER};
use url::Url;

use crate::error::Error;

const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// The maximal number of attempts that fail. A response 429 is not counted.
const MAX_FAILURES: u32 = 5;

/// The pause after the first failure. It doubles with each failure.
const MIN_BACKOFF: Duration = Duration::from_millis(500);

/// The pause after a response 429 without `Retry-After`. Monica counts requests per minute.
const RATE_LIMIT_PAUSE: Duration = Duration::from_mins(1);

/// The maximal `Retry-After` that is respected. A longer one ends the import.
const MAX_PAUSE: Duration = Duration::from_hours(1);

/// The maximal size of a response, in bytes.
const MAX_RESPONSE: u64 = 64 << 20;

/// A client with the URL and a token of a Monica.
pub struct Monica {
    agent: Agent,
    base: String,
    bearer: String,
}

/// The pauses between the attempts of one request.
#[derive(Default)]
struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Returns the pause before the next attempt. `None` if there are no more attempts.
    fn next(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        let pause = match retry_after {
            Some(pause) => pause.max(MIN_BACKOFF),
            None => MIN_BACKOFF * 2_u32.pow(self.failures),
        };
        self.failures += u32::from(retry_after.is_none());
        (self.failures < MAX_FAILURES && pause <= MAX_PAUSE).then_some(pause)
    }
}

/// The result of an attempt that is not a permanent failure.
enum Attempt {
    /// The body. `None` for 404.
    Response(Option<Value>),
    /// The request should be repeated: the problem, and the pause of a response 429.
    Retry(String, Option<Duration>),
}

impl Monica {
    /// Returns a client of the Monica at this URL, which may end in `/api`.
    pub fn new(url: &str, token: &str) -> Result<Self, Error> {
        let is_base = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        };
        let parsed = Url::parse(url).ok().filter(is_base).ok_or_else(|| {
            // The URL is not shown: it may contain a password.
            Error::Usage("--url takes Monica's address such as https://monica.example.org, without a user".to_owned())
        })?;
        let base = parsed.as_str().trim_end_matches('/');
        let base = base.strip_suffix("/api").unwrap_or(base).to_owned();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // The token is not sent to another server.
            .max_redirects(0)
            .timeout_global(Some(REQUEST_TIMEOUT))
            .user_agent(concat!("callbook/", env!("CARGO_PKG_VERSION")));
        Ok(Self { agent: config.build().into(), base, bearer: format!("Bearer {token}") })
    }

    /// Returns the URL without `/api`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the error of a response that is not from Monica's API.
    pub fn unknown_api(&self) -> Error {
        Error::Failed(format!("{}/api does not answer like Monica's API", self.base))
    }

    /// Returns the JSON of a response. `None` for 404. Failed requests are repeated.
    pub fn get(&self, path: &str) -> Result<Option<Value>, Error> {
        let url = format!("{}/api{path}", self.base);
        let mut backoff = Backoff::default();
        loop {
            let (problem, retry_after) = match self.try_get(&url)? {
                Attempt::Response(body) => return Ok(body),
                Attempt::Retry(problem, retry_after) => (problem, retry_after),
            };
            let Some(pause) = backoff.next(retry_after) else {
                return Err(Error::Failed(format!("{url}: {problem}")));
            };
            tracing::info!(problem, seconds = pause.as_secs_f64(), "a request to Monica is repeated");
            std::thread::sleep(pause);
        }
    }

    fn try_get(&self, url: &str) -> Result<Attempt, Error> {
        let request = self.agent.get(url).header(AUTHORIZATION, &self.bearer).header("accept", "application/json");
        let mut response = match request.call() {
            Ok(response) => response,
            Err(error) => return Ok(Attempt::Retry(error.to_string(), None)),
        };
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        match response.status().as_u16() {
            200 => {}
            404 => return Ok(Attempt::Response(None)),
            401 | 403 => {
                return Err(Error::Failed(format!("{}: Monica does not accept MONICA_TOKEN", self.base)));
            }
            429 => {
                // A date is not a number of seconds and is ignored.
                let seconds = header(RETRY_AFTER).and_then(|value| value.parse().ok()).map(Duration::from_secs);
                return Ok(Attempt::Retry("too many requests".to_owned(), Some(seconds.unwrap_or(RATE_LIMIT_PAUSE))));
            }
            status @ 300..=399 => {
                let location = header(LOCATION).unwrap_or_default();
                return Err(Error::Failed(format!("{url}: it answers {status} and points to {location}")));
            }
            status @ 500.. => return Ok(Attempt::Retry(format!("it answers {status}"), None)),
            status => return Err(Error::Failed(format!("{url}: it answers {status}"))),
        }
        match response.body_mut().with_config().limit(MAX_RESPONSE).read_to_vec() {
            Ok(body) => serde_json::from_slice(&body).map(Attempt::Response).map_err(|_| self.unknown_api()),
            Err(error) => Ok(Attempt::Retry(error.to_string(), None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_up_after_five_failures_and_waits_for_any_number_of_rate_limits() {
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            assert_eq!(backoff.next(Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
            assert_eq!(backoff.next(Some(Duration::ZERO)), Some(MIN_BACKOFF), "there is always a pause");
        }
        let pauses: Vec<_> = std::iter::from_fn(|| backoff.next(None)).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000]);
        assert_eq!(Backoff::default().next(Some(Duration::from_secs(3601))), None, "a pause of more than an hour");
    }
}
