//! The machine's clock.

use chrono::Utc;
use domain::Timestamp;
use ports::outbound::Clock;

/// The machine's clock: the one place that asks it.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that all others ask")]
    fn now(&self) -> Timestamp {
        Utc::now().into()
    }
}
