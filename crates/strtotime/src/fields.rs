//! What a text has said so far: every field knows "not written".

use crate::calendar;
use crate::error::ErrorKind;
use crate::scanner::{Scan, in_64_bits, place};
use crate::token::Token;
use crate::zone::Zone;

/// The fields that formats write.
///
/// `i128`, because a number in a text has at most 64 bits: sums and products of theirs cannot overflow it.
#[derive(Debug, Default)]
pub struct Fields {
    pub year: Option<i128>,
    pub month: Option<i128>,
    pub day: Option<i128>,
    pub hour: Option<i128>,
    pub minute: Option<i128>,
    pub second: Option<i128>,
    pub microsecond: i128,
    pub zone: Option<Zone>,
    pub relative: Relative,
    pub weekday: Option<i128>,
    pub counting: Counting,
    pub special: Option<Special>,
    pub edge: Option<Edge>,
    pub has_date: bool,
    /// Times of day so far: four digits after the first are a year.
    pub times: u8,
    zones: u8,
}

/// Sums of the relative formats.
#[derive(Debug, Default)]
pub struct Relative {
    pub years: i128,
    pub months: i128,
    pub days: i128,
    pub minutes: i128,
    pub seconds: i128,
    pub microseconds: i128,
}

/// From where the next day of a given name is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counting {
    #[default]
    AfterToday,
    FromToday,
    /// The week starts on Monday.
    InWeek,
}

/// Formats that take over the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// `+3 weekdays`.
    BusinessDays(i128),
    /// `first monday of`.
    WeekdayOfMonth,
    /// `last monday of`.
    LastWeekdayOfMonth,
}

/// `first day of`, `last day of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    First,
    Last,
}

#[derive(Clone, Copy)]
enum Unit {
    Microseconds(i128),
    Seconds,
    Minutes(i128),
    Days(i128),
    Months,
    Years,
    Weekday(i128),
    BusinessDays,
}

impl Fields {
    /// Takes over what one token says.
    #[expect(clippy::too_many_lines, reason = "one short arm for each row of the token table")]
    pub fn apply(&mut self, token: Token, text: &str) -> Result<(), ErrorKind> {
        let scan = &mut Scan::new(text);
        match token {
            Token::Separator | Token::Now => {}
            Token::Yesterday => self.set_day(-1),
            Token::Tomorrow => self.set_day(1),
            Token::Midnight => self.forget_time(),
            Token::Noon => {
                self.forget_time();
                self.start_time()?;
                self.hour = Some(12);
            }
            Token::Timestamp => self.read_timestamp(text)?,
            Token::FirstOrLastDayOf => {
                let edge = if scan.starts_with(&['f', 'F']) { Edge::First } else { Edge::Last };
                self.edge = Some(edge);
            }
            Token::BackOrFrontOf => {
                // PHP looks for a small "b", and takes the hour off before it looks at the meridian.
                let (before, minute) = if scan.starts_with(&['b']) { (0, 15) } else { (1, 45) };
                self.forget_time();
                self.start_time()?;
                let hour = scan.number(2) - before;
                self.hour = Some(scan.meridian(hour));
                self.minute = Some(minute);
            }
            Token::WeekdayOf => {
                let (amount, counting) = amount_of(scan.word());
                let (special, counting) = if amount > 0 {
                    (Special::WeekdayOfMonth, Counting::FromToday)
                } else {
                    (Special::LastWeekdayOfMonth, counting)
                };
                self.special = Some(special);
                let unit = unit_of(scan.word());
                // PHP takes other spaces for a part of the name, which it then does not know.
                if scan.starts_with(&[' ', '\t']) {
                    self.forget_time();
                    self.add(amount, unit, counting)?;
                }
            }
            Token::Time12 => self.read_time12(scan)?,
            Token::HourMinuteOrYear if self.times == 1 => {
                self.year = Some(scan.number(4));
                self.times = 2;
            }
            Token::Time24 | Token::HourMinuteOrYear | Token::HourMinuteSecond => {
                self.read_time24(scan)?;
            }
            Token::American => {
                let (month, day) = (scan.number(2), scan.day());
                let year = if scan.has_digit() { Some(scan.year()) } else { None };
                self.set_date(year, month, day)?;
            }
            Token::SignedYearMonthDay => {
                let (year, month, day) = (scan.signed_number(19)?, scan.number(2), scan.day());
                self.set_date(year, month, day)?;
            }
            Token::YearMonthDay => {
                let (year, month, day) = (scan.year(), scan.number(2), scan.day());
                self.set_date(year, month, day)?;
            }
            Token::YearMonth => {
                let (year, month) = (scan.number(4), scan.number(2));
                self.set_date(year, month, 1)?;
            }
            Token::DayTextualMonthYear => {
                let (day, month, year) = (scan.day(), scan.month(), scan.year());
                self.set_date(year, month, day)?;
            }
            Token::DayMonthYear => {
                let (day, month, year) = (scan.day(), scan.number(2), scan.year());
                self.set_date(year, month, day)?;
            }
            Token::TextualMonthYear => {
                let (month, year) = (scan.month(), scan.year());
                self.set_date(year, month, 1)?;
            }
            Token::YearTextualMonth => {
                let (year, month) = (scan.number(4), scan.month());
                self.set_date(year, month, 1)?;
            }
            Token::TextualMonthDayYear => {
                let (month, day) = (scan.month(), scan.day());
                let year = if scan.has_digit() { Some(scan.year()) } else { None };
                self.set_date(year, month, day)?;
                // Other formats without a year keep an earlier one.
                self.year = year;
            }
            Token::DayTextualMonth => {
                let (day, month) = (scan.day(), scan.month());
                self.set_date(None, month, day)?;
            }
            Token::EightDigits => self.read_digits(scan)?,
            Token::DateTime => {
                self.read_digits(scan)?;
                self.read_time24(scan)?;
            }
            Token::YearDay => {
                let (year, day) = (scan.number(4), scan.number(3));
                self.set_date(year, 1, day)?;
            }
            Token::IsoWeek => {
                let (year, week) = (scan.number(4), scan.number(2));
                let day = if scan.has_digit() { scan.number(1) } else { 1 };
                self.set_date(year, 1, 1)?;
                let days = calendar::days_to_iso_week(year, week) + day - 1;
                self.relative.days = days;
            }
            Token::YearTextualMonthDay => {
                let (year, month, day) = (scan.year(), scan.month(), scan.day());
                self.set_date(year, month, day)?;
            }
            Token::CommonLog => {
                let (day, month, year) = (scan.day(), scan.month(), scan.number(4));
                self.set_date(year, month, day)?;
                self.read_time24(scan)?;
            }
            Token::Year => self.year = Some(scan.number(4)),
            Token::Ago => self.invert(),
            Token::Weekday => {
                self.forget_time();
                // The bare word "weekday" is Monday.
                self.weekday = Some(if let Unit::Weekday(day) = unit_of(text) { day } else { 1 });
                if self.counting != Counting::InWeek {
                    self.counting = Counting::FromToday;
                }
            }
            Token::RelativeWeek => {
                let (amount, _) = amount_of(scan.word());
                self.relative.days += 7 * amount;
                self.counting = Counting::InWeek;
                self.weekday.get_or_insert(1);
            }
            Token::OrdinalUnit => {
                let (amount, counting) = amount_of(scan.word());
                let unit = unit_of(scan.word());
                if matches!(unit, Unit::Weekday(_) | Unit::BusinessDays) {
                    self.forget_time();
                }
                self.add(amount, unit, counting)?;
            }
            Token::NumberUnit => {
                let amount = scan.signed_number(13)?;
                self.add(amount, unit_of(scan.word()), Counting::FromToday)?;
            }
            Token::TextualMonth => {
                self.set_date(None, scan.month(), None)?;
            }
            Token::Zone => {
                if self.is_first_zone()? {
                    self.zone = Some(scan.zone()?);
                }
            }
            Token::MonthDayTime12 => {
                self.read_month_day(scan)?;
                if scan.starts_with(&['\0']) {
                    self.read_time_behind_nul()?;
                    // PHP still adds the twelve hours of a meridian to its number for "not written".
                    self.hour = Some(12 - 9_999_999);
                } else {
                    self.read_time12(scan)?;
                }
            }
            Token::MonthDayTime24 => {
                self.read_month_day(scan)?;
                if scan.starts_with(&['\0']) {
                    return self.read_time_behind_nul();
                }
                self.start_time()?;
                self.hour = Some(scan.number(2));
                self.minute = Some(scan.number(2));
                // PHP takes seconds after a colon only; after a point they are no zone either.
                if scan.starts_with(&[':']) {
                    self.second = Some(scan.number(2));
                }
                self.read_zone(scan)?;
            }
        }
        Ok(())
    }

    /// Writes what a date has of year and day; what it has not stays as it is.
    fn set_date(
        &mut self,
        year: impl Into<Option<i128>>,
        month: i128,
        day: impl Into<Option<i128>>,
    ) -> Result<(), ErrorKind> {
        if self.has_date {
            return Err(ErrorKind::DoubleDate);
        }
        self.has_date = true;
        self.year = year.into().or(self.year);
        self.month = Some(month);
        self.day = day.into().or(self.day);
        Ok(())
    }

    fn start_time(&mut self) -> Result<(), ErrorKind> {
        if self.times > 0 {
            return Err(ErrorKind::DoubleTime);
        }
        self.forget_time();
        self.times = 1;
        Ok(())
    }

    /// Sets midnight; a time of day may still follow.
    fn forget_time(&mut self) {
        self.times = 0;
        (self.hour, self.minute, self.second) = (Some(0), Some(0), Some(0));
        self.microsecond = 0;
    }

    fn set_day(&mut self, days: i128) {
        self.forget_time();
        self.relative.days = days;
    }

    /// The first zone counts, a second one is passed over unread.
    fn is_first_zone(&mut self) -> Result<bool, ErrorKind> {
        self.zones += 1;
        if self.zones > 2 {
            return Err(ErrorKind::DoubleZone);
        }
        Ok(self.zones == 1)
    }

    fn read_timestamp(&mut self, text: &str) -> Result<(), ErrorKind> {
        self.forget_time();
        self.has_date = false;
        if !self.is_first_zone()? {
            // The date is wiped all the same.
            (self.year, self.month, self.day) = (Some(0), Some(0), Some(0));
            return Ok(());
        }
        let scan = &mut Scan::new(text);
        // PHP reads no more than 24 digits.
        let seconds = scan.signed_number(24)?;
        self.zone = Some(Zone::Offset(0));
        (self.year, self.month, self.day) = (Some(1970), Some(1), Some(1));
        self.relative.seconds += seconds;
        if scan.starts_with(&['.']) {
            let sign = if text.starts_with("@-") { -1 } else { 1 };
            self.relative.microseconds = sign * scan.fraction()?;
        }
        Ok(())
    }

    /// Year, month and day in a fixed number of digits.
    fn read_digits(&mut self, scan: &mut Scan) -> Result<(), ErrorKind> {
        let (year, month, day) = (scan.number(4), scan.number(2), scan.day());
        self.set_date(year, month, day)
    }

    fn read_month_day(&mut self, scan: &mut Scan) -> Result<(), ErrorKind> {
        let (month, day) = (scan.month(), scan.day());
        self.set_date(None, month, day)
    }

    /// PHP finds no number behind a NUL: hour and minute come from `now`.
    fn read_time_behind_nul(&mut self) -> Result<(), ErrorKind> {
        self.start_time()?;
        (self.hour, self.minute) = (None, None);
        Ok(())
    }

    fn read_time12(&mut self, scan: &mut Scan) -> Result<(), ErrorKind> {
        self.start_time()?;
        let hour = scan.number(2);
        if scan.starts_with(&[':', '.']) {
            self.minute = Some(scan.number(2));
            if scan.starts_with(&[':', '.']) {
                self.second = Some(scan.number(2));
                if scan.starts_with(&[':', '.']) {
                    self.microsecond = scan.fraction()?;
                }
            }
        }
        self.hour = Some(scan.meridian(hour));
        Ok(())
    }

    fn read_time24(&mut self, scan: &mut Scan) -> Result<(), ErrorKind> {
        self.start_time()?;
        self.hour = Some(scan.number(2));
        if scan.has_time_part() {
            self.minute = Some(scan.number(2));
            if scan.has_time_part() {
                self.second = Some(scan.number(2));
                if scan.starts_with(&['.']) {
                    self.microsecond = scan.fraction()?;
                }
            }
        }
        scan.skip_space();
        self.read_zone(scan)
    }

    /// A zone within a longer format takes the place of an earlier one and is not counted.
    fn read_zone(&mut self, scan: &mut Scan) -> Result<(), ErrorKind> {
        if !scan.is_empty() {
            self.zone = Some(scan.zone()?);
        }
        Ok(())
    }

    fn add(&mut self, amount: i128, unit: Unit, counting: Counting) -> Result<(), ErrorKind> {
        let relative = &mut self.relative;
        match unit {
            Unit::Microseconds(factor) => relative.microseconds += amount * factor,
            // Only the seconds of a timestamp come near 64 bits: other sums would take megabytes of text.
            Unit::Seconds => relative.seconds = in_64_bits(relative.seconds + amount)?,
            Unit::Minutes(factor) => relative.minutes += amount * factor,
            Unit::Days(factor) => relative.days += amount * factor,
            Unit::Months => relative.months += amount,
            Unit::Years => relative.years += amount,
            Unit::BusinessDays => self.special = Some(Special::BusinessDays(amount)),
            Unit::Weekday(day) => {
                relative.days += 7 * if amount > 0 { amount - 1 } else { amount };
                self.weekday = Some(day);
                self.counting = counting;
            }
        }
        Ok(())
    }

    /// Turns everything relative so far around, microseconds excepted.
    fn invert(&mut self) {
        let relative = &mut self.relative;
        let Relative { years, months, days, minutes, seconds, .. } = relative;
        for sum in [years, months, days, minutes, seconds] {
            *sum = -*sum;
        }
        // Sunday is 0, which has no negative.
        self.weekday = self.weekday.map(|day| if day == 0 { -7 } else { -day });
        if let Some(Special::BusinessDays(amount)) = &mut self.special {
            *amount = -*amount;
        }
    }
}

/// The number behind an ordinal or `next`, `last`, `previous`, `this`, and how it counts weekdays.
fn amount_of(word: &str) -> (i128, Counting) {
    const ORDINALS: [&str; 12] = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eight", "ninth", "tenth", "eleventh",
        "twelfth",
    ];
    let word = word.to_ascii_lowercase();
    match word.as_str() {
        "this" => (0, Counting::FromToday),
        "next" => (1, Counting::AfterToday),
        "last" | "previous" => (-1, Counting::AfterToday),
        "eighth" => (8, Counting::AfterToday),
        _ => (place(&ORDINALS, |name| name == word).unwrap_or(0), Counting::AfterToday),
    }
}

fn unit_of(word: &str) -> Unit {
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
            Unit::Weekday(place(&DAYS, |day| singular.starts_with(day)).unwrap_or(0))
        }
    }
}
