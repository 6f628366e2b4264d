//! PHP's `strtotime`, exactly: the texts it takes, the texts it refuses and the instants it gives.
//!
//! ```
//! use strtotime::strtotime;
//!
//! let now = 1_709_202_030; // Thursday 2024-02-29 10:20:30 UTC
//! assert_eq!(strtotime("first monday of next month 9:30 Europe/Paris", now), Some(1_709_541_000));
//! assert_eq!(strtotime("2018-02-30", now), Some(1_519_948_800)); // March 2: dates roll over
//! assert_eq!(strtotime("tomorrow-ish", now), None);
//! ```
//!
//! The model is `strtotime` of PHP 8.2 on a 64-bit system with UTC for its default zone. An instant that does
//! not fit 64 bits wraps, as it does there. The crate has no clock, does no input or output, cannot panic and takes time in proportion to the length of the text.
//! [`parse`] does the same as [`strtotime`] and says what is wrong with a text that is refused.
//!
//! # How a text is read
//!
//! The text is cut into the formats below, the longest that fits first; of two equally long ones a time goes
//! before a date. They may stand in any order, with or without white space, points and commas between
//! them. A text may hold one date, one time, any number of relative formats and two zones, of which the
//! second is passed over.
//!
//! What is not written comes from `now`; a date without a time means midnight. Then relative formats
//! are added, all on the clock of the zone, and at last the zone tells the instant.
//!
//! In the examples `reads(text, instant)` says what a text means on Thursday 2024-02-29 at 10:20:30 UTC.
//!
//! # Times
//!
//! ```
//! # fn reads(text: &str, instant: &str) {
//! #     let found = strtotime::parse(text, 1_709_202_030).map(|ts| chrono::DateTime::from_timestamp(ts, 0));
//! #     assert_eq!(format!("{:?}", found.unwrap().unwrap()), instant, "{text}");
//! # }
//! // Hour, with or without minutes and seconds, with meridian.
//! reads("4 am", "2024-02-29T04:00:00Z");
//! reads("4:08 am", "2024-02-29T04:08:00Z");
//! reads("7:19:19P.M.", "2024-02-29T19:19:19Z");
//! // MS SQL: with a fraction. The instant is in whole seconds.
//! reads("4:08:39:12313am", "2024-02-29T04:08:39Z");
//! // Hour and minutes, with colons, points or neither, with or without "t".
//! reads("t4", "2024-02-29T04:00:00Z");
//! reads("19.19", "2024-02-29T19:19:00Z");
//! reads("T2343", "2024-02-29T23:43:00Z");
//! // Hour, minutes and seconds.
//! reads("04.08.37", "2024-02-29T04:08:37Z");
//! reads("T191919", "2024-02-29T19:19:19Z");
//! reads("19:19:19.532453", "2024-02-29T19:19:19Z");
//! // Hour 24 and second 60 roll over.
//! reads("24:00", "2024-03-01T00:00:00Z");
//! reads("23:59:60", "2024-03-01T00:00:00Z");
//! ```
//!
//! # Dates
//!
//! ```
//! # fn reads(text: &str, instant: &str) {
//! #     let found = strtotime::parse(text, 1_709_202_030).map(|ts| chrono::DateTime::from_timestamp(ts, 0));
//! #     assert_eq!(format!("{:?}", found.unwrap().unwrap()), instant, "{text}");
//! # }
//! // American month and day, and year.
//! reads("5/12", "2024-05-12T00:00:00Z");
//! reads("1/17/2006", "2006-01-17T00:00:00Z");
//! // Four digit year, month and day with slashes.
//! reads("2008/6/30", "2008-06-30T00:00:00Z");
//! reads("1978/12/22", "1978-12-22T00:00:00Z");
//! // Four digit year and month (GNU): the day becomes the first.
//! reads("2008-6", "2008-06-01T00:00:00Z");
//! // Year, month and day with dashes. Years below 70 are in this century, those below 100 in the last.
//! reads("8-6-21", "2008-06-21T00:00:00Z");
//! reads("78-12-22", "1978-12-22T00:00:00Z");
//! // The same with a sign, and with more than four digits.
//! reads("-0002-07-26", "-0002-07-26T00:00:00Z");
//! reads("+12345-07-26", "+12345-07-26T00:00:00Z");
//! // Day, month and four digit year, with dots, tabs or dashes.
//! reads("30-6-2008", "2008-06-30T00:00:00Z");
//! // Day, month and two digit year, with dots or tabs, where it is no time.
//! reads("22.12.78", "1978-12-22T00:00:00Z");
//! reads("22.12.08", "2024-02-29T22:12:08Z");
//! // Textual months, also abbreviated or Roman, before or after the day and the year.
//! reads("30-June 2008", "2008-06-30T00:00:00Z");
//! reads("14 III 1879", "1879-03-14T00:00:00Z");
//! reads("DEC1978", "1978-12-01T00:00:00Z");
//! reads("1879.MArCH", "1879-03-01T00:00:00Z");
//! reads("July 1st, 2008", "2008-07-01T00:00:00Z");
//! reads("Apr 17", "2024-04-17T00:00:00Z");
//! reads("1 July", "2024-07-01T00:00:00Z");
//! reads("May-09-78", "1978-05-09T00:00:00Z");
//! reads("1814-MAY-17", "1814-05-17T00:00:00Z");
//! reads("March", "2024-03-29T00:00:00Z");
//! // Eight digits.
//! reads("15810726", "1581-07-26T00:00:00Z");
//! // Four digits are a time of day, or a year after one or where they cannot be a time.
//! reads("1978", "1978-03-01T10:20:30Z");
//! reads("2008", "2024-02-29T20:08:00Z");
//! reads("20:08 2008", "2008-02-29T20:08:00Z");
//! // Days and the month 0 roll over.
//! reads("2008-06-31", "2008-07-01T00:00:00Z");
//! reads("2008-00-00", "2007-11-30T00:00:00Z");
//! ```
//!
//! # Compound formats
//!
//! ```
//! # fn reads(text: &str, instant: &str) {
//! #     let found = strtotime::parse(text, 1_709_202_030).map(|ts| chrono::DateTime::from_timestamp(ts, 0));
//! #     assert_eq!(format!("{:?}", found.unwrap().unwrap()), instant, "{text}");
//! # }
//! // Common Log Format.
//! reads("10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36Z");
//! // EXIF.
//! reads("2008:08:07 18:11:31", "2008-08-07T18:11:31Z");
//! // ISO year with ISO week, and day.
//! reads("2008W27", "2008-06-30T00:00:00Z");
//! reads("2008-W28-3", "2008-07-09T00:00:00Z");
//! // MySQL: a date and a time without anything between them.
//! reads("20080701223807", "2008-07-01T22:38:07Z");
//! // PostgreSQL: year with day-of-year.
//! reads("2008.197", "2008-07-15T00:00:00Z");
//! reads("2008197", "2008-07-15T00:00:00Z");
//! // SOAP.
//! reads("2008-07-01T22:35:17.03+08:00", "2008-07-01T14:35:17Z");
//! // XMLRPC, and compact.
//! reads("20080701T9:38:07", "2008-07-01T09:38:07Z");
//! reads("20080701t093807", "2008-07-01T09:38:07Z");
//! // WDDX.
//! reads("2008-7-1T9:3:37", "2008-07-01T09:03:37Z");
//! // Unix timestamp, and with microseconds.
//! reads("@1215282385", "2008-07-05T18:26:25Z");
//! reads("@-1.5", "1969-12-31T23:59:58Z");
//! ```
//!
//! # Relative formats
//!
//! ```
//! # fn reads(text: &str, instant: &str) {
//! #     let found = strtotime::parse(text, 1_709_202_030).map(|ts| chrono::DateTime::from_timestamp(ts, 0));
//! #     assert_eq!(format!("{:?}", found.unwrap().unwrap()), instant, "{text}");
//! # }
//! reads("now", "2024-02-29T10:20:30Z");
//! reads("today", "2024-02-29T00:00:00Z");
//! reads("midnight", "2024-02-29T00:00:00Z");
//! reads("noon", "2024-02-29T12:00:00Z");
//! reads("yesterday noon", "2024-02-28T12:00:00Z");
//! // These words set the time: what comes after them can change it, what came before is gone.
//! reads("tomorrow 11:00", "2024-03-01T11:00:00Z");
//! reads("11:00 tomorrow", "2024-03-01T00:00:00Z");
//! // "yesterday", "tomorrow" and an ISO week also replace the days before them.
//! reads("+5 days tomorrow", "2024-03-01T00:00:00Z");
//! reads("tomorrow +5 days", "2024-03-06T00:00:00Z");
//! // A quarter past an hour, and a quarter to it.
//! reads("back of 7pm", "2024-02-29T19:15:00Z");
//! reads("front of 5am", "2024-02-29T04:45:00Z");
//! // First and last day of a month; the time stays.
//! reads("first day of January 2008", "2008-01-01T00:00:00Z");
//! reads("last day of next month", "2024-03-31T10:20:30Z");
//! // A weekday of a month.
//! reads("first sat of July 2008", "2008-07-05T00:00:00Z");
//! reads("last wed of July 2008", "2008-07-30T00:00:00Z");
//! // A number and a unit: microseconds to years, weeks, fortnights, weekdays (Monday to Friday), days by name.
//! reads("+5 weeks", "2024-04-04T10:20:30Z");
//! reads("-2 months", "2023-12-29T10:20:30Z");
//! reads("+--90min", "2024-02-29T11:50:30Z");
//! reads("2 fortnights", "2024-03-28T10:20:30Z");
//! reads("-1 usec", "2024-02-29T10:20:29Z");
//! reads("+7 weekdays", "2024-03-11T10:20:30Z");
//! reads("2 saturday", "2024-03-09T10:20:30Z");
//! // Weekdays are counted after everything else.
//! reads("2 weekdays -20 hours", "2024-03-01T14:20:30Z");
//! // An ordinal, "next", "last", "previous" or "this" and a unit.
//! reads("fifth day", "2024-03-05T10:20:30Z");
//! reads("last year", "2023-03-01T10:20:30Z");
//! reads("next friday", "2024-03-01T00:00:00Z");
//! // A weekday: today if it is that day, unless a "next" says otherwise.
//! reads("thursday", "2024-02-29T00:00:00Z");
//! reads("next thursday", "2024-03-07T00:00:00Z");
//! reads("Wed July 23rd, 2008", "2008-07-23T00:00:00Z");
//! // A weekday in another week, which starts on Monday.
//! reads("sunday this week", "2024-03-03T00:00:00Z");
//! reads("monday next week", "2024-03-04T00:00:00Z");
//! // "ago" turns everything relative before it around.
//! reads("2 months 5 days ago", "2023-12-24T10:20:30Z");
//! reads("2 days ago ago", "2024-03-02T10:20:30Z");
//! ```
//!
//! # Zones
//!
//! Offsets, 144 abbreviations and identifiers of the IANA database: those of at most six letters, and those
//! of words joined by `/`, `_` or `-` of which the first has a capital and small letters.
//!
//! ```
//! # fn reads(text: &str, instant: &str) {
//! #     let found = strtotime::parse(text, 1_709_202_030).map(|ts| chrono::DateTime::from_timestamp(ts, 0));
//! #     assert_eq!(format!("{:?}", found.unwrap().unwrap()), instant, "{text}");
//! # }
//! reads("2018-07-01 10:00 +0530", "2018-07-01T04:30:00Z");
//! reads("2018-07-01 10:00 GMT-8", "2018-07-01T18:00:00Z");
//! reads("2018-07-01 10:00 (CEST)", "2018-07-01T08:00:00Z");
//! reads("2018-07-01 10:00 Europe/Paris", "2018-07-01T08:00:00Z");
//! reads("2018-07-01 10:00 Japan", "2018-07-01T01:00:00Z");
//! assert_eq!(strtotime::strtotime("2018-07-01 10:00 US/Eastern", 0), None);
//! // Before 1970, too, a place has the time of its own clocks.
//! reads("1930-01-01 12:00 Europe/Amsterdam", "1930-01-01T11:40:28Z");
//! // A second zone is passed over.
//! reads("2018-07-01 10:00 UTC+2", "2018-07-01T10:00:00Z");
//! // A time that a change of the clock skips is taken an hour on; of two the first counts.
//! reads("2018-03-25 02:30 Europe/Paris", "2018-03-25T01:30:00Z");
//! reads("2018-10-28 02:30 Europe/Paris", "2018-10-28T00:30:00Z");
//! // Hours are added on the clock, before the zone is applied.
//! reads("2018-10-28 02:30 Europe/Paris +1 hour", "2018-10-28T02:30:00Z");
//! ```
//!
//! # White space
//!
//! Space, tab, newline, vertical tab, form feed and carriage return are taken off both ends. Within the
//! text space, tab, newline, NUL, U+00A0, U+202F, `.` and `,` separate. Within a format white space is a run
//! of spaces and tabs, of U+00A0 or of U+202F. White space alone means `now`; a text without any characters is
//! refused.
//!
//! ```
//! # fn reads(text: &str, instant: &str) {
//! #     let found = strtotime::parse(text, 1_709_202_030).map(|ts| chrono::DateTime::from_timestamp(ts, 0));
//! #     assert_eq!(format!("{:?}", found.unwrap().unwrap()), instant, "{text}");
//! # }
//! reads("\r\n2018-02-02,\u{a0}10:00\t", "2018-02-02T10:00:00Z");
//! reads("5\u{a0}\u{a0}days", "2024-03-05T10:20:30Z");
//! assert_eq!(strtotime::strtotime("5 \u{a0}days", 0), None);
//! reads(" ", "2024-02-29T10:20:30Z");
//! assert_eq!(strtotime::strtotime("", 0), None);
//! ```
//!
//! # Known differences
//!
//! All lie where PHP's 64-bit arithmetic overflows on the way:
//!
//! - Dates in the 400 years from the least 64-bit number on.
//! - Named zones beyond a billion years, within a day of a change of the clock.

mod backzone;
mod calendar;
mod error;
mod fields;
mod resolve;
mod scanner;
mod token;
mod zone;

use logos::Logos;

pub use crate::error::{Error, ErrorKind};
use crate::fields::Fields;
use crate::token::Token;

/// What PHP trims before it reads.
const WHITE_SPACE: [char; 6] = [' ', '\t', '\n', '\x0b', '\x0c', '\r'];

/// The instant that a text names, in Unix seconds, seen from the instant `now`; `None` where PHP says `false`.
///
/// ```
/// assert_eq!(strtotime::strtotime("@0 +1 day", 1_709_202_030), Some(86_400));
/// ```
#[must_use]
pub fn strtotime(text: &str, now: i64) -> Option<i64> {
    parse(text, now).ok()
}

/// The instant that a text names, in Unix seconds, seen from the instant `now`.
///
/// # Errors
///
/// Says what is wrong with a text that PHP refuses, and where.
///
/// ```
/// let error = strtotime::parse("2018-02-02 10:00 Europe/Atlantis", 0).unwrap_err();
/// assert_eq!(error.kind(), strtotime::ErrorKind::UnknownZone);
/// assert_eq!(error.offset(), 17);
/// assert_eq!(error.to_string(), "unknown time zone at byte 17");
/// ```
pub fn parse(text: &str, now: i64) -> Result<i64, Error> {
    let Some((start, trimmed)) = trim(text) else {
        return Err(Error::new(ErrorKind::Empty, 0));
    };
    let source = format!("{trimmed}\0");
    let mut lexer = Token::lexer(&source);
    let mut fields = Fields::default();
    while let Some(token) = lexer.next() {
        let at = |kind| Error::new(kind, start + lexer.span().start);
        let token = token.map_err(|()| at(ErrorKind::UnexpectedCharacter))?;
        fields.apply(token, lexer.slice()).map_err(at)?;
    }
    Ok(resolve::resolve(&fields, now))
}

/// Takes white space off both ends, but leaves one character; gives the place of the rest, too.
fn trim(text: &str) -> Option<(usize, &str)> {
    let last = text.len().checked_sub(1)?;
    let start = last.min(text.len() - text.trim_start_matches(WHITE_SPACE).len());
    let end = text.trim_end_matches(WHITE_SPACE).len().max(start + 1);
    Some((start, &text[start..end]))
}
