//! A patient client of Monica's API.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::header::{AUTHORIZATION, LOCATION, RETRY_AFTER};
use url::Url;

use crate::error::Error;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often a request is made in all when Monica fails or cannot be reached.
const TRIES: u32 = 5;

/// The pause after the first failure; it doubles with each.
const PAUSE: Duration = Duration::from_millis(500);

/// The pause after a refusal for too many requests that does not say how long: Monica counts by the minute.
const MINUTE: Duration = Duration::from_mins(1);

/// More than this is no limit of requests.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// The largest answer.
const LARGEST: u64 = 64 << 20;

/// Monica's API, with a token.
pub struct Monica {
    agent: Agent,
    base: String,
    bearer: String,
}

/// The pauses between the tries of one request.
#[derive(Default)]
struct Pauses {
    failures: u32,
}

impl Pauses {
    /// The next one, as long as Monica asks for, else longer with each failure; none when it is time to give up.
    fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        // Waiting for one's turn is no failure.
        let pause = asked.map_or_else(|| PAUSE * 2_u32.pow(self.failures), |asked| asked.max(PAUSE));
        self.failures += u32::from(asked.is_none());
        (self.failures < TRIES && pause <= LONGEST_PAUSE).then_some(pause)
    }
}

/// What came of one try.
enum Try {
    Answered(Option<Value>),
    /// Worth another try: why, and after how long at least.
    Failed(String, Option<Duration>),
}

impl Monica {
    /// The Monica at this URL; `/api` at its end is understood.
    pub fn new(url: &str, token: &str) -> Result<Self, Error> {
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let parsed =
            parsed.filter(|url| url.username().is_empty() && url.query().is_none() && url.fragment().is_none());
        let parsed = parsed.ok_or_else(|| {
            Error::Usage(format!("--url takes Monica's address such as https://monica.example.org, not {url:?}"))
        })?;
        let base = parsed.as_str().trim_end_matches('/');
        let base = base.strip_suffix("/api").unwrap_or(base).to_owned();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // The token goes where its owner said, and nowhere else.
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("callbook/", env!("CARGO_PKG_VERSION")));
        Ok(Self { agent: config.build().into(), base, bearer: format!("Bearer {token}") })
    }

    /// Where it is, without `/api`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// That what answers is not Monica's API.
    pub fn is_none(&self) -> Error {
        Error::Failed(format!("{}/api does not answer like Monica's API", self.base))
    }

    /// The answer; none when there is no such thing.
    pub fn get(&self, path: &str) -> Result<Option<Value>, Error> {
        let url = format!("{}/api{path}", self.base);
        let mut pauses = Pauses::default();
        loop {
            let (problem, wait) = match self.try_get(&url)? {
                Try::Answered(answer) => return Ok(answer),
                Try::Failed(problem, wait) => (problem, wait),
            };
            let Some(wait) = pauses.next(wait) else {
                return Err(Error::Failed(format!("{url}: {problem}")));
            };
            tracing::info!(problem, seconds = wait.as_secs_f64(), "asking Monica again");
            std::thread::sleep(wait);
        }
    }

    fn try_get(&self, url: &str) -> Result<Try, Error> {
        let request = self.agent.get(url).header(AUTHORIZATION, &self.bearer).header("accept", "application/json");
        let mut answer = match request.call() {
            Ok(answer) => answer,
            Err(error) => return Ok(Try::Failed(error.to_string(), None)),
        };
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        match answer.status().as_u16() {
            200 => {}
            404 => return Ok(Try::Answered(None)),
            401 | 403 => {
                return Err(Error::Failed(format!("{}: Monica does not accept MONICA_TOKEN", self.base)));
            }
            429 => {
                // A date instead of seconds is waited for as if it said nothing.
                let seconds = header(RETRY_AFTER).and_then(|value| value.parse().ok()).map(Duration::from_secs);
                return Ok(Try::Failed("too many requests".to_owned(), Some(seconds.unwrap_or(MINUTE))));
            }
            status @ 300..=399 => {
                let elsewhere = header(LOCATION).unwrap_or_default();
                return Err(Error::Failed(format!("{url}: it answers {status} and points to {elsewhere}")));
            }
            status @ 500.. => return Ok(Try::Failed(format!("it answers {status}"), None)),
            status => return Err(Error::Failed(format!("{url}: it answers {status}"))),
        }
        let text = match answer.body_mut().with_config().limit(LARGEST).read_to_string() {
            Ok(text) => text,
            Err(error) => return Ok(Try::Failed(error.to_string(), None)),
        };
        serde_json::from_str(&text).map(|value| Try::Answered(Some(value))).map_err(|_| self.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monica_may_say_wait_as_often_as_it_likes_and_fail_four_times() {
        let mut pauses = Pauses::default();
        for _ in 0..100 {
            assert_eq!(pauses.next(Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
            assert_eq!(pauses.next(Some(Duration::ZERO)), Some(PAUSE), "never without a pause");
        }
        let failed: Vec<_> = std::iter::from_fn(|| pauses.next(None)).map(|pause| pause.as_millis()).collect();
        assert_eq!(failed, [500, 1000, 2000, 4000]);
        assert_eq!(Pauses::default().next(Some(Duration::from_secs(3601))), None, "no limit of requests");
    }
}
