//! Time zones, for times that name none.

use crate::Timestamp;

/// The time zone of times that name none, such as `Europe/Berlin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(String);

impl TimeZone {
    /// Returns the zone with this name, abbreviation or offset. `None` if there is none.
    pub fn named(text: &str) -> Option<Self> {
        strtotime::is_zone(text).then(|| Self(text.to_owned()))
    }

    /// Parses a time in any form that `called_at` accepts, in this zone unless the text names another one. `None` if the
    /// text is no time, or one relative to the present.
    pub fn parse(&self, text: &str) -> Option<Timestamp> {
        // Of two zones, the first one counts.
        let text = format!("{text} {}", self.0);
        let another_present = Timestamp::from_unix(1_000_000_007)?;
        let time = Timestamp::parse(&text, Timestamp::EPOCH)?;
        (Timestamp::parse(&text, another_present) == Some(time)).then_some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_local_times_in_the_zone() {
        let berlin = TimeZone::named("Europe/Berlin").unwrap();
        for (text, expected) in [
            ("2018-02-02 10:15:00", "2018-02-02T09:15:00Z"),
            ("2018-07-02 10:15:00", "2018-07-02T08:15:00Z"),
            ("02.02.2018 10:15", "2018-02-02T09:15:00Z"),
            ("2018-02-02T10:15:00Z", "2018-02-02T10:15:00Z"),
            ("2018-02-02T10:15:00+05:00", "2018-02-02T05:15:00Z"),
            ("2018-02-02T10:15:00.123Z", "2018-02-02T10:15:00Z"),
            // In the gap of a spring night, and in the hour that an autumn night has twice.
            ("2018-03-25 02:30:00", "2018-03-25T01:30:00Z"),
            ("2018-10-28 02:30:00", "2018-10-28T00:30:00Z"),
            ("@1517566500", "2018-02-02T10:15:00Z"),
        ] {
            assert_eq!(berlin.parse(text).map(|time| time.to_string()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_no_time_or_relative() {
        let utc = TimeZone::named("UTC").unwrap();
        for text in ["", " ", "now", "yesterday", "10:15", "monday", "+1 day", "soonish", "2018-13-01", "1517566500"] {
            assert_eq!(utc.parse(text), None, "{text}");
        }
        for text in ["Europe/Atlantis", "now", "", "+1 day", "Europe/Berlin +1 day", "10:15", "Z Z"] {
            assert_eq!(TimeZone::named(text), None, "{text}");
        }
    }
}
