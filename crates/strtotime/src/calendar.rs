//! The proleptic Gregorian calendar with a year 0, computed in `i128`.

/// Seconds in a day.
pub const DAY: i128 = 86_400;

const DAYS_IN_400_YEARS: i128 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i128 = 719_468;

/// The number of days since 1970-01-01. The month and the day may be out of range.
pub fn day_number(year: i128, month: i128, day: i128) -> i128 {
    // Years are counted from March, so that the leap day is the last day.
    let months = year * 12 + (month - 3);
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5;
    let day_of_era = year * 365 + year / 4 - year / 100 + day_of_year;
    era * DAYS_IN_400_YEARS + day_of_era - DAYS_TO_1970 + day - 1
}

/// The year, month and day of a day number.
pub fn date_of(day_number: i128) -> (i128, i128, i128) {
    let days = day_number + DAYS_TO_1970;
    let (era, day) = (days.div_euclid(DAYS_IN_400_YEARS), days.rem_euclid(DAYS_IN_400_YEARS));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let months = (era * 400 + year) * 12 + month + 2;
    (months.div_euclid(12), months.rem_euclid(12) + 1, day)
}

/// The day of the week of a day number; Sunday is 0.
pub fn weekday(day_number: i128) -> i128 {
    (day_number + 4).rem_euclid(7)
}

/// The number of days from January 1 of a year to the Monday of an ISO week.
pub fn days_to_iso_week(year: i128, week: i128) -> i128 {
    // January 4 is always in week 1.
    let from_monday = (weekday(day_number(year, 1, 4)) + 6) % 7;
    3 - from_monday + (week - 1) * 7
}
