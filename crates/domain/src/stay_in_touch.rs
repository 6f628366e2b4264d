//! Staying in touch: how often a contact is to be called, and when the next time comes.

use crate::Timestamp;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// How often a contact is to be called: once in 1 to 3650 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StayInTouchFrequency(i16);

impl StayInTouchFrequency {
    /// The maximal number of days.
    pub const MAX_DAYS: i16 = 3_650;

    /// Returns the frequency of once in so many days. `None` outside 1 to [`StayInTouchFrequency::MAX_DAYS`].
    pub fn from_days(days: i64) -> Option<Self> {
        i16::try_from(days).ok().filter(|days| (1..=Self::MAX_DAYS).contains(days)).map(Self)
    }

    /// Returns the number of days.
    pub fn days(self) -> i16 {
        self.0
    }

    /// Returns when the contact is to be called next: so many days after its newest call, or after its creation if it has
    /// no calls. It is before [`Timestamp::MAX`].
    pub fn trigger_date(self, last_called: Option<Timestamp>, created_at: Timestamp) -> Timestamp {
        let since = last_called.unwrap_or(created_at);
        let latest = Timestamp::MAX.unix() - 1;
        let date = since.unix() + i64::from(self.0) * SECONDS_PER_DAY;
        Timestamp::from_unix(date.min(latest)).unwrap_or(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds).unwrap()
    }

    #[test]
    fn a_frequency_is_1_to_3650_days() {
        assert_eq!(StayInTouchFrequency::from_days(1).map(StayInTouchFrequency::days), Some(1));
        assert_eq!(StayInTouchFrequency::from_days(3_650).map(StayInTouchFrequency::days), Some(3_650));
        for days in [0, -1, 3_651, i64::MAX, i64::MIN] {
            assert_eq!(StayInTouchFrequency::from_days(days), None, "{days}");
        }
    }

    #[test]
    fn the_date_is_so_many_days_after_the_newest_call_or_the_creation() {
        let weekly = StayInTouchFrequency::from_days(7).unwrap();
        assert_eq!(weekly.trigger_date(None, at(1_000)), at(1_000 + 7 * 86_400));
        assert_eq!(weekly.trigger_date(Some(at(500)), at(1_000)), at(500 + 7 * 86_400), "the call was before");
        assert_eq!(weekly.trigger_date(Some(at(5_000)), at(1_000)), at(5_000 + 7 * 86_400));
        assert_eq!(weekly.trigger_date(Some(Timestamp::MIN), at(0)).to_string(), "0001-01-08T00:00:00Z");
    }

    #[test]
    fn the_date_is_before_the_last_second_of_the_year_9999() {
        let daily = StayInTouchFrequency::from_days(1).unwrap();
        assert_eq!(daily.trigger_date(Some(Timestamp::MAX), at(0)).to_string(), "9999-12-31T23:59:58Z");
        let day_before = at(Timestamp::MAX.unix() - 86_400);
        assert_eq!(daily.trigger_date(Some(day_before), at(0)).to_string(), "9999-12-31T23:59:58Z");
    }
}
