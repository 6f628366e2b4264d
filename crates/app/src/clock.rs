//! The system clock.

use chrono::Utc;
use domain::Timestamp;
use ports::outbound::Clock;

/// The system clock, the only place that reads the system time.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "all other code reads the time from this clock")]
    fn now(&self) -> Timestamp {
        Utc::now().into()
    }
}
