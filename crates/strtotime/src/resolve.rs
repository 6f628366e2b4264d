//! From fields to an instant: fill the gaps from `now`, apply what is relative, apply the zone.

use crate::calendar::{DAY, date_of, day_number, weekday};
use crate::fields::{Counting, Edge, Fields, Special};
use crate::zone::Zone;

/// The instant that the fields name, seen from `now`.
pub fn resolve(fields: &Fields, now: i64) -> i64 {
    let now = i128::from(now);
    let relative = &fields.relative;
    let clock = clock(fields, now.rem_euclid(DAY));
    let mut date = Date::written_or(fields, now.div_euclid(DAY));
    let mut months = relative.months;
    if let Some(special @ (Special::WeekdayOfMonth | Special::LastWeekdayOfMonth)) = fields.special {
        // The weekday is looked for in the month that the relative months lead to.
        date.month += months + i128::from(special == Special::LastWeekdayOfMonth);
        date.day = 1;
        months = 0;
    }
    date.move_to(fields.edge);
    date.day += clock.div_euclid(DAY);
    date.normalize();
    if let Some(target) = fields.weekday {
        date.day += days_to_weekday(weekday(date.number()), target, fields);
        date.normalize();
    }
    date.year += relative.years;
    date.month += months;
    date.day += relative.days;
    date.move_to(fields.edge);
    // Hours are added on the clock as well, and the zone comes last: an hour over a change can be two or none.
    let seconds =
        relative.minutes * 60 + relative.seconds + (fields.microsecond + relative.microseconds).div_euclid(1_000_000);
    let mut local = date.number() * DAY + clock.rem_euclid(DAY) + seconds;
    if let Some(Special::BusinessDays(count)) = fields.special {
        let day = add_business_days(local.div_euclid(DAY), count);
        local = day * DAY + local.rem_euclid(DAY);
    }
    wrapped(fields.zone.unwrap_or(Zone::Offset(0)).instant(wrapped(local).into()))
}

/// What PHP has left of a number in its 64 bits.
#[expect(clippy::cast_possible_truncation, reason = "as in PHP")]
fn wrapped(number: i128) -> i64 {
    number as i64
}

/// Seconds since midnight; a date without a time is midnight, a year or nothing at all keeps the time of `now`.
fn clock(fields: &Fields, now: i128) -> i128 {
    if fields.has_date && fields.times == 0 {
        return 0;
    }
    let hour = fields.hour.unwrap_or(now / 3_600);
    let minute = fields.minute.unwrap_or(now / 60 % 60);
    hour * 3_600 + minute * 60 + fields.second.unwrap_or(now % 60)
}

/// A date whose month and day may lie outside their ranges.
struct Date {
    year: i128,
    month: i128,
    day: i128,
}

impl Date {
    fn written_or(fields: &Fields, today: i128) -> Self {
        let (year, month, day) = date_of(today);
        Self { year: fields.year.unwrap_or(year), month: fields.month.unwrap_or(month), day: fields.day.unwrap_or(day) }
    }

    fn number(&self) -> i128 {
        day_number(self.year, self.month, self.day)
    }

    fn normalize(&mut self) {
        (self.year, self.month, self.day) = date_of(self.number());
    }

    fn move_to(&mut self, edge: Option<Edge>) {
        match edge {
            Some(Edge::First) => self.day = 1,
            Some(Edge::Last) => {
                self.month += 1;
                self.day = 0;
            }
            None => {}
        }
    }
}

/// Days from one weekday to the one that the fields name; after `ago` that one is negative.
fn days_to_weekday(current: i128, target: i128, fields: &Fields) -> i128 {
    if fields.counting == Counting::InWeek {
        let in_week = |day| if day == 0 { 7 } else { day };
        return in_week(target) - in_week(current);
    }
    if target < 0 {
        return -target - current - 7;
    }
    let days = target - current;
    let is_behind = days < 0;
    let is_today = days == 0 && fields.counting == Counting::AfterToday && fields.relative.days >= 0;
    if is_behind || is_today { days + 7 } else { days }
}

/// Counts Mondays to Fridays.
fn add_business_days(day: i128, count: i128) -> i128 {
    let from_monday = (weekday(day) + 6) % 7;
    let is_weekend = from_monday >= 5;
    // A weekend counts as the Friday before it or, backwards, as the Monday after it.
    let start = match (is_weekend, count) {
        (true, 1..) => 4,
        (true, _) => 5,
        (false, _) => from_monday,
    };
    let place = start + count;
    day - from_monday + place.div_euclid(5) * 7 + place.rem_euclid(5)
}
