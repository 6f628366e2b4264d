//! The values that the tokens of a text have set. `None` means that a value is not set.

use crate::calendar;
use crate::error::ErrorKind;
use crate::relative::{Relative, Special, Unit, WeekdayMode, amount_of, unit_of};
use crate::scanner::{Scanner, check_64_bits};
use crate::token::Token;
use crate::zone::Zone;

/// The values set so far.
///
/// Numbers in a text are limited to 64 bits, so sums and products in `i128` cannot overflow.
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
    pub weekday_mode: WeekdayMode,
    pub special: Option<Special>,
    pub boundary_day: Option<BoundaryDay>,
    pub has_date: bool,
    /// The number of times of day. Four digits after the first one are a year.
    pub times: u8,
    zones: u8,
}

/// `first day of`, `last day of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundaryDay {
    First,
    Last,
}

impl Fields {
    /// Applies one token.
    #[expect(clippy::too_many_lines, reason = "one short arm for each row of the token table")]
    pub fn apply(&mut self, token: Token, text: &str) -> Result<(), ErrorKind> {
        let scanner = &mut Scanner::new(text);
        match token {
            Token::Separator | Token::Now => {}
            Token::Yesterday => self.set_relative_days(-1),
            Token::Tomorrow => self.set_relative_days(1),
            Token::Midnight => self.reset_time(),
            Token::Noon => {
                self.reset_time();
                self.begin_time()?;
                self.hour = Some(12);
            }
            Token::Timestamp => self.read_timestamp(text)?,
            Token::FirstOrLastDayOf => {
                let boundary_day =
                    if scanner.starts_with(&['f', 'F']) { BoundaryDay::First } else { BoundaryDay::Last };
                self.boundary_day = Some(boundary_day);
            }
            Token::BackOrFrontOf => {
                // PHP recognises only a small "b", and subtracts one hour before it applies the meridian.
                let (before, minute) = if scanner.starts_with(&['b']) { (0, 15) } else { (1, 45) };
                self.reset_time();
                self.begin_time()?;
                let hour = scanner.number(2) - before;
                self.hour = Some(scanner.meridian(hour));
                self.minute = Some(minute);
            }
            Token::WeekdayOf => {
                let (amount, weekday_mode) = amount_of(scanner.word());
                let (special, weekday_mode) = if amount > 0 {
                    (Special::WeekdayOfMonth, WeekdayMode::FromToday)
                } else {
                    (Special::LastWeekdayOfMonth, weekday_mode)
                };
                self.special = Some(special);
                let unit = unit_of(scanner.word());
                // PHP takes any other space as a part of the name, and then ignores the unknown name.
                if scanner.starts_with(&[' ', '\t']) {
                    self.reset_time();
                    self.add_relative(amount, unit, weekday_mode)?;
                }
            }
            Token::Time12 => self.read_time12(scanner)?,
            Token::HourMinuteOrYear if self.times == 1 => {
                self.year = Some(scanner.number(4));
                self.times = 2;
            }
            Token::Time24 | Token::HourMinuteOrYear | Token::HourMinuteSecond => {
                self.read_time24(scanner)?;
            }
            Token::American => {
                let (month, day) = (scanner.number(2), scanner.day());
                let year = if scanner.has_digit() { Some(scanner.year()) } else { None };
                self.set_date(year, month, day)?;
            }
            Token::SignedYearMonthDay => {
                let (year, month, day) = (scanner.signed_number(19)?, scanner.number(2), scanner.day());
                self.set_date(year, month, day)?;
            }
            Token::YearMonthDay => {
                let (year, month, day) = (scanner.year(), scanner.number(2), scanner.day());
                self.set_date(year, month, day)?;
            }
            Token::YearMonth => {
                let (year, month) = (scanner.number(4), scanner.number(2));
                self.set_date(year, month, 1)?;
            }
            Token::DayTextualMonthYear => {
                let (day, month, year) = (scanner.day(), scanner.month(), scanner.year());
                self.set_date(year, month, day)?;
            }
            Token::DayMonthYear => {
                let (day, month, year) = (scanner.day(), scanner.number(2), scanner.year());
                self.set_date(year, month, day)?;
            }
            Token::TextualMonthYear => {
                let (month, year) = (scanner.month(), scanner.year());
                self.set_date(year, month, 1)?;
            }
            Token::YearTextualMonth => {
                let (year, month) = (scanner.number(4), scanner.month());
                self.set_date(year, month, 1)?;
            }
            Token::TextualMonthDayYear => {
                let (month, day) = (scanner.month(), scanner.day());
                let year = if scanner.has_digit() { Some(scanner.year()) } else { None };
                self.set_date(year, month, day)?;
                // Only this format discards an earlier year.
                self.year = year;
            }
            Token::DayTextualMonth => {
                let (day, month) = (scanner.day(), scanner.month());
                self.set_date(None, month, day)?;
            }
            Token::EightDigits => self.read_date_digits(scanner)?,
            Token::DateTime => {
                self.read_date_digits(scanner)?;
                self.read_time24(scanner)?;
            }
            Token::YearDay => {
                let (year, day) = (scanner.number(4), scanner.number(3));
                self.set_date(year, 1, day)?;
            }
            Token::IsoWeek => {
                let (year, week) = (scanner.number(4), scanner.number(2));
                let day = if scanner.has_digit() { scanner.number(1) } else { 1 };
                self.set_date(year, 1, 1)?;
                let days = calendar::days_to_iso_week(year, week) + day - 1;
                self.relative.days = days;
            }
            Token::YearTextualMonthDay => {
                let (year, month, day) = (scanner.year(), scanner.month(), scanner.day());
                self.set_date(year, month, day)?;
            }
            Token::CommonLog => {
                let (day, month, year) = (scanner.day(), scanner.month(), scanner.number(4));
                self.set_date(year, month, day)?;
                self.read_time24(scanner)?;
            }
            Token::Year => self.year = Some(scanner.number(4)),
            Token::Ago => self.negate_relative(),
            Token::Weekday => {
                self.reset_time();
                // "weekday" without a number means Monday.
                self.weekday = Some(if let Unit::Weekday(day) = unit_of(text) { day } else { 1 });
                if self.weekday_mode != WeekdayMode::InWeek {
                    self.weekday_mode = WeekdayMode::FromToday;
                }
            }
            Token::RelativeWeek => {
                let (amount, _) = amount_of(scanner.word());
                self.relative.days += 7 * amount;
                self.weekday_mode = WeekdayMode::InWeek;
                self.weekday.get_or_insert(1);
            }
            Token::OrdinalUnit => {
                let (amount, weekday_mode) = amount_of(scanner.word());
                let unit = unit_of(scanner.word());
                if matches!(unit, Unit::Weekday(_) | Unit::BusinessDays) {
                    self.reset_time();
                }
                self.add_relative(amount, unit, weekday_mode)?;
            }
            Token::NumberUnit => {
                let amount = scanner.signed_number(13)?;
                self.add_relative(amount, unit_of(scanner.word()), WeekdayMode::FromToday)?;
            }
            Token::TextualMonth => {
                self.set_date(None, scanner.month(), None)?;
            }
            Token::Zone => {
                if self.count_zone()? {
                    self.zone = Some(scanner.zone()?);
                }
            }
            Token::MonthDayTime12 => {
                self.read_month_day(scanner)?;
                if scanner.starts_with(&['\0']) {
                    self.read_time_after_nul()?;
                    // PHP adds the twelve hours of the meridian to -9999999, its number for "not set".
                    self.hour = Some(12 - 9_999_999);
                } else {
                    self.read_time12(scanner)?;
                }
            }
            Token::MonthDayTime24 => {
                self.read_month_day(scanner)?;
                if scanner.starts_with(&['\0']) {
                    return self.read_time_after_nul();
                }
                self.begin_time()?;
                self.hour = Some(scanner.number(2));
                self.minute = Some(scanner.number(2));
                // PHP reads seconds only after a colon. After a point it reads neither seconds nor a zone.
                if scanner.starts_with(&[':']) {
                    self.second = Some(scanner.number(2));
                }
                self.read_zone(scanner)?;
            }
        }
        Ok(())
    }

    /// Sets a date. Without a year or a day, the earlier value is kept.
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

    /// Resets the time for a time of day, of which a text has only one.
    fn begin_time(&mut self) -> Result<(), ErrorKind> {
        if self.times > 0 {
            return Err(ErrorKind::DoubleTime);
        }
        self.reset_time();
        self.times = 1;
        Ok(())
    }

    /// Sets the time to midnight; a time of day may still follow.
    fn reset_time(&mut self) {
        self.times = 0;
        (self.hour, self.minute, self.second) = (Some(0), Some(0), Some(0));
        self.microsecond = 0;
    }

    /// Sets the relative days and midnight.
    fn set_relative_days(&mut self, days: i128) {
        self.reset_time();
        self.relative.days = days;
    }

    /// Counts a zone and returns whether it is the first. A second one is ignored.
    fn count_zone(&mut self) -> Result<bool, ErrorKind> {
        self.zones += 1;
        if self.zones > 2 {
            return Err(ErrorKind::DoubleZone);
        }
        Ok(self.zones == 1)
    }

    fn read_timestamp(&mut self, text: &str) -> Result<(), ErrorKind> {
        self.reset_time();
        self.has_date = false;
        if !self.count_zone()? {
            // The date is reset all the same.
            (self.year, self.month, self.day) = (Some(0), Some(0), Some(0));
            return Ok(());
        }
        let scanner = &mut Scanner::new(text);
        // PHP reads at most 24 digits.
        let seconds = scanner.signed_number(24)?;
        self.zone = Some(Zone::Offset(0));
        (self.year, self.month, self.day) = (Some(1970), Some(1), Some(1));
        self.relative.seconds += seconds;
        if scanner.starts_with(&['.']) {
            let sign = if text.starts_with("@-") { -1 } else { 1 };
            self.relative.microseconds = sign * scanner.fraction()?;
        }
        Ok(())
    }

    /// Reads a date of four, two and two digits.
    fn read_date_digits(&mut self, scanner: &mut Scanner) -> Result<(), ErrorKind> {
        let (year, month, day) = (scanner.number(4), scanner.number(2), scanner.day());
        self.set_date(year, month, day)
    }

    fn read_month_day(&mut self, scanner: &mut Scanner) -> Result<(), ErrorKind> {
        let (month, day) = (scanner.month(), scanner.day());
        self.set_date(None, month, day)
    }

    /// PHP finds no number after a NUL, so that hour and minute come from `now`.
    fn read_time_after_nul(&mut self) -> Result<(), ErrorKind> {
        self.begin_time()?;
        (self.hour, self.minute) = (None, None);
        Ok(())
    }

    fn read_time12(&mut self, scanner: &mut Scanner) -> Result<(), ErrorKind> {
        self.begin_time()?;
        let hour = scanner.number(2);
        if scanner.starts_with(&[':', '.']) {
            self.minute = Some(scanner.number(2));
            if scanner.starts_with(&[':', '.']) {
                self.second = Some(scanner.number(2));
                if scanner.starts_with(&[':', '.']) {
                    self.microsecond = scanner.fraction()?;
                }
            }
        }
        self.hour = Some(scanner.meridian(hour));
        Ok(())
    }

    fn read_time24(&mut self, scanner: &mut Scanner) -> Result<(), ErrorKind> {
        self.begin_time()?;
        self.hour = Some(scanner.number(2));
        if scanner.has_time_part() {
            self.minute = Some(scanner.number(2));
            if scanner.has_time_part() {
                self.second = Some(scanner.number(2));
                if scanner.starts_with(&['.']) {
                    self.microsecond = scanner.fraction()?;
                }
            }
        }
        scanner.skip_space();
        self.read_zone(scanner)
    }

    /// Reads the zone of a longer format, which replaces an earlier one and is not counted.
    fn read_zone(&mut self, scanner: &mut Scanner) -> Result<(), ErrorKind> {
        if !scanner.is_empty() {
            self.zone = Some(scanner.zone()?);
        }
        Ok(())
    }

    fn add_relative(&mut self, amount: i128, unit: Unit, weekday_mode: WeekdayMode) -> Result<(), ErrorKind> {
        let relative = &mut self.relative;
        match unit {
            Unit::Microseconds(factor) => relative.microseconds += amount * factor,
            // Only seconds can exceed 64 bits, through a timestamp; other sums would need megabytes of text.
            Unit::Seconds => relative.seconds = check_64_bits(relative.seconds + amount)?,
            Unit::Minutes(factor) => relative.minutes += amount * factor,
            Unit::Days(factor) => relative.days += amount * factor,
            Unit::Months => relative.months += amount,
            Unit::Years => relative.years += amount,
            Unit::BusinessDays => self.special = Some(Special::BusinessDays(amount)),
            Unit::Weekday(day) => {
                relative.days += 7 * if amount > 0 { amount - 1 } else { amount };
                self.weekday = Some(day);
                self.weekday_mode = weekday_mode;
            }
        }
        Ok(())
    }

    /// Negates all relative values but microseconds.
    fn negate_relative(&mut self) {
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
