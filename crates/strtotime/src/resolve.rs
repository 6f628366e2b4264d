//! Computes a timestamp from the fields: unset fields come from `now`, then relative values and the zone are applied.

use crate::calendar::{DAY, date_of, day_number, weekday};
use crate::fields::{BoundaryDay, Fields};
use crate::relative::{Special, WeekdayMode};
use crate::zone::Zone;

/// The Unix timestamp of the fields, relative to `now`.
pub fn resolve(fields: &Fields, now: i64) -> i64 {
    let now = i128::from(now);
    let relative = &fields.relative;
    let time = time_of_day(fields, now.rem_euclid(DAY));
    let mut date = Date::new(fields, now.div_euclid(DAY));
    let mut months = relative.months;
    if let Some(special @ (Special::WeekdayOfMonth | Special::LastWeekdayOfMonth)) = fields.special {
        // The relative months are applied before the weekday is searched.
        date.month += months + i128::from(special == Special::LastWeekdayOfMonth);
        date.day = 1;
        months = 0;
    }
    date.move_to_boundary(fields.boundary_day);
    date.day += time.div_euclid(DAY);
    date.normalize();
    if let Some(target) = fields.weekday {
        date.day += days_to_weekday(weekday(date.number()), target, fields);
        date.normalize();
    }
    date.year += relative.years;
    date.month += months;
    date.day += relative.days;
    date.move_to_boundary(fields.boundary_day);
    // Hours are added to the local time, so that one hour across a clock change may last two hours or none.
    let seconds =
        relative.minutes * 60 + relative.seconds + (fields.microsecond + relative.microseconds).div_euclid(1_000_000);
    let mut local = date.number() * DAY + time.rem_euclid(DAY) + seconds;
    if let Some(Special::BusinessDays(count)) = fields.special {
        let day = add_business_days(local.div_euclid(DAY), count);
        local = day * DAY + local.rem_euclid(DAY);
    }
    wrap(fields.zone.unwrap_or(Zone::Offset(0)).timestamp(wrap(local).into()))
}

/// Wraps a number at 64 bits, as PHP does.
#[expect(clippy::cast_possible_truncation, reason = "as in PHP")]
fn wrap(number: i128) -> i64 {
    number as i64
}

/// Seconds since midnight. A date without a time means midnight; otherwise unset values come from `now`.
fn time_of_day(fields: &Fields, now: i128) -> i128 {
    if fields.has_date && fields.times == 0 {
        return 0;
    }
    let hour = fields.hour.unwrap_or(now / 3_600);
    let minute = fields.minute.unwrap_or(now / 60 % 60);
    hour * 3_600 + minute * 60 + fields.second.unwrap_or(now % 60)
}

/// A date whose month and day may be out of range.
struct Date {
    year: i128,
    month: i128,
    day: i128,
}

impl Date {
    /// The date of the fields; unset values come from `today`.
    fn new(fields: &Fields, today: i128) -> Self {
        let (year, month, day) = date_of(today);
        Self { year: fields.year.unwrap_or(year), month: fields.month.unwrap_or(month), day: fields.day.unwrap_or(day) }
    }

    /// The number of days since 1970-01-01.
    fn number(&self) -> i128 {
        day_number(self.year, self.month, self.day)
    }

    /// Brings the month and the day into their ranges.
    fn normalize(&mut self) {
        (self.year, self.month, self.day) = date_of(self.number());
    }

    fn move_to_boundary(&mut self, boundary_day: Option<BoundaryDay>) {
        match boundary_day {
            Some(BoundaryDay::First) => self.day = 1,
            Some(BoundaryDay::Last) => {
                self.month += 1;
                self.day = 0;
            }
            None => {}
        }
    }
}

/// The number of days from one weekday to the target, which `ago` makes negative.
fn days_to_weekday(current: i128, target: i128, fields: &Fields) -> i128 {
    if fields.weekday_mode == WeekdayMode::InWeek {
        let in_week = |day| if day == 0 { 7 } else { day };
        return in_week(target) - in_week(current);
    }
    if target < 0 {
        return -target - current - 7;
    }
    let days = target - current;
    let is_past = days < 0;
    let is_today = days == 0 && fields.weekday_mode == WeekdayMode::AfterToday && fields.relative.days >= 0;
    if is_past || is_today { days + 7 } else { days }
}

/// Adds a number of Mondays to Fridays to a day number.
fn add_business_days(day: i128, count: i128) -> i128 {
    let from_monday = (weekday(day) + 6) % 7;
    let is_weekend = from_monday >= 5;
    // A weekend counts as the Friday before it or, backwards, as the Monday after it.
    let start = match (is_weekend, count) {
        (true, 1..) => 4,
        (true, _) => 5,
        (false, _) => from_monday,
    };
    let target = start + count;
    day - from_monday + target.div_euclid(5) * 7 + target.rem_euclid(5)
}
