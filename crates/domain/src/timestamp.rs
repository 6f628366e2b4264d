//! Timestamps: UTC, whole seconds, years 0001 to 9999.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Utc};

use crate::trim;

/// A point in time in UTC with whole seconds, from `0001-01-01T00:00:00Z` to `9999-12-31T23:59:59Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// `0001-01-01T00:00:00Z`.
    pub const MIN: Self = Self(-62_135_596_800);
    /// `1970-01-01T00:00:00Z`.
    pub const EPOCH: Self = Self(0);
    /// `9999-12-31T23:59:59Z`.
    pub const MAX: Self = Self(253_402_300_799);

    /// Returns the time this many seconds after 1970-01-01T00:00:00Z. `None` outside the years 0001 to 9999.
    pub fn from_unix(seconds: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&seconds).then_some(Self(seconds))
    }

    /// Parses the text as PHP's `strtotime` does, relative to `now`. `None` if it is not a date, or has digits alone and
    /// not the length of a year, a time, a date or a date with a time.
    pub fn parse(text: &str, now: Self) -> Option<Self> {
        // `strtotime` reads a Unix time without `@` as a year, a day and more: 1520587800 is in the year 7800.
        let number = trim(text);
        let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
        // A sign and a few digits are an offset from UTC.
        let is_offset = digits.len() < number.len() && digits.len() <= 8;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && !is_offset && !matches!(digits.len(), 4 | 6 | 7 | 8 | 12 | 14) {
            return None;
        }
        strtotime::strtotime(text, now.0).and_then(Self::from_unix)
    }

    /// Returns the seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0
    }

    /// Returns the calendar year, 1 to 9999.
    pub fn year(self) -> i32 {
        self.to_chrono().year()
    }

    /// Returns the calendar month, counted from January of the year 0. Calls are counted by month.
    pub fn month_number(self) -> i32 {
        let date = self.to_chrono();
        date.year() * 12 + date.month0().cast_signed()
    }

    /// Returns the start of a month, numbered as by [`Timestamp::month_number`]. `None` outside the years 1 to 9999.
    pub fn start_of_month(number: i32) -> Option<Self> {
        let month0 = u32::try_from(number.rem_euclid(12)).ok()?;
        let date = NaiveDate::from_ymd_opt(number.div_euclid(12), month0 + 1, 1)?;
        Self::from_unix(date.and_time(NaiveTime::MIN).and_utc().timestamp())
    }

    /// Converts to chrono's type.
    pub fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0, 0).unwrap_or_default()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    /// Drops the fraction of a second, and clamps to the years 0001 to 9999.
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp().clamp(Self::MIN.0, Self::MAX.0))
    }
}

impl fmt::Display for Timestamp {
    /// `YYYY-MM-DDTHH:MM:SSZ`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.to_chrono();
        // Formatting six padded numbers with `write!` takes ten times as long, and every response has many timestamps.
        let mut text = *b"0000-00-00T00:00:00Z";
        let mut write = |digits: std::ops::Range<usize>, mut number: u32| {
            for digit in text[digits].iter_mut().rev() {
                *digit += u8::try_from(number % 10).unwrap_or_default();
                number /= 10;
            }
        };
        write(0..4, t.year().unsigned_abs());
        write(5..7, t.month());
        write(8..10, t.day());
        write(11..13, t.hour());
        write(14..16, t.minute());
        write(17..19, t.second());
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_709_202_030);

    #[test]
    fn displays_utc_with_whole_seconds() {
        for (seconds, text) in [
            (Timestamp::MIN.0, "0001-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (1_507_411_065, "2017-10-07T21:17:45Z"),
            (Timestamp::MAX.0, "9999-12-31T23:59:59Z"),
        ] {
            let timestamp = Timestamp::from_unix(seconds).unwrap();
            assert_eq!(timestamp.to_string(), text);
            assert_eq!(Timestamp::parse(text, NOW), Some(timestamp));
        }
    }

    #[test]
    fn parses_a_date_as_midnight_utc() {
        assert_eq!(Timestamp::parse("2018-02-02", NOW).unwrap().to_string(), "2018-02-02T00:00:00Z");
    }

    #[test]
    fn rejects_a_number_that_is_not_as_long_as_a_date() {
        for text in
            ["1520587800", " 1520587800 ", "1520587800123", "152058780", "20180", "5", "201802021011120", "-1520587800"]
        {
            assert_eq!(Timestamp::parse(text, NOW), None, "{text}");
        }
        assert!(Timestamp::parse("+5", NOW).is_some(), "an offset from UTC");
        for (text, expected) in [
            ("@1520587800", "2018-03-09T09:30:00Z"),
            ("20180202", "2018-02-02T00:00:00Z"),
            ("20180202101112", "2018-02-02T10:11:12Z"),
            ("2018033", "2018-02-02T00:00:00Z"),
        ] {
            assert_eq!(Timestamp::parse(text, NOW).map(|time| time.to_string()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn rejects_years_outside_1_to_9999() {
        assert_eq!(Timestamp::from_unix(Timestamp::MIN.0 - 1), None);
        assert_eq!(Timestamp::from_unix(Timestamp::MAX.0 + 1), None);
    }

    #[test]
    fn numbers_months_across_years() {
        let month = |text| Timestamp::parse(text, NOW).unwrap().month_number();
        assert_eq!(month("2018-01-31"), 2018 * 12);
        assert_eq!(month("2017-12-31"), 2018 * 12 - 1);
        assert_eq!(month("0001-01-01"), 12);
        let start = |number| Timestamp::start_of_month(number).map(|start| start.to_string());
        assert_eq!(start(2018 * 12 + 1).as_deref(), Some("2018-02-01T00:00:00Z"));
        assert_eq!((start(11), start(Timestamp::MAX.month_number() + 1)), (None, None));
    }
}
