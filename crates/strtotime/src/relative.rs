//! Relative formats: amounts, units and their sums.

use crate::scanner::ordinal;

/// The sums of the relative formats.
#[derive(Debug, Default)]
pub struct Relative {
    pub years: i128,
    pub months: i128,
    pub days: i128,
    pub minutes: i128,
    pub seconds: i128,
    pub microseconds: i128,
}

/// How the date of a day by name is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeekdayMode {
    /// The next such day after today.
    #[default]
    AfterToday,
    /// Today, if the name matches, or the next such day.
    FromToday,
    /// The day of the current week, which starts on Monday.
    InWeek,
}

/// Relative formats that are not sums of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// `+3 weekdays`.
    BusinessDays(i128),
    /// `first monday of`.
    WeekdayOfMonth,
    /// `last monday of`.
    LastWeekdayOfMonth,
}

/// A unit of time, with its multiple of the sum that it adds to, or what else an amount can count.
#[derive(Clone, Copy)]
pub enum Unit {
    Microseconds(i128),
    Seconds,
    Minutes(i128),
    Days(i128),
    Months,
    Years,
    Weekday(i128),
    BusinessDays,
}

/// The number of an ordinal or of `next`, `last`, `previous` and `this`, and how it finds a day by name.
pub fn amount_of(word: &str) -> (i128, WeekdayMode) {
    const ORDINALS: [&str; 12] = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eight", "ninth", "tenth", "eleventh",
        "twelfth",
    ];
    let word = word.to_ascii_lowercase();
    match word.as_str() {
        "this" => (0, WeekdayMode::FromToday),
        "next" => (1, WeekdayMode::AfterToday),
        "last" | "previous" => (-1, WeekdayMode::AfterToday),
        "eighth" => (8, WeekdayMode::AfterToday),
        _ => (ordinal(&ORDINALS, |name| name == word).unwrap_or(0), WeekdayMode::AfterToday),
    }
}

/// The unit of a word, singular or plural.
pub fn unit_of(word: &str) -> Unit {
    let word = word.to_ascii_lowercase();
    let singular = if word == "ms" || word == "µs" { &word } else { word.strip_suffix('s').unwrap_or(&word) };
    match singular {
        "µs" | "µsec" | "usec" | "microsecond" => Unit::Microseconds(1),
        "ms" | "msec" | "millisecond" => Unit::Microseconds(1_000),
        "sec" | "second" => Unit::Seconds,
        "min" | "minute" => Unit::Minutes(1),
        "hour" => Unit::Minutes(60),
        "day" => Unit::Days(1),
        "week" => Unit::Days(7),
        "fortnight" | "forthnight" => Unit::Days(14),
        "month" => Unit::Months,
        "year" => Unit::Years,
        "weekday" => Unit::BusinessDays,
        _ => {
            const DAYS: [&str; 6] = ["mon", "tue", "wed", "thu", "fri", "sat"];
            Unit::Weekday(ordinal(&DAYS, |day| singular.starts_with(day)).unwrap_or(0))
        }
    }
}
