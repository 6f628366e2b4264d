//! An exact port of PHP's `strtotime`: it accepts the same texts, rejects the same texts and returns the same
//! timestamps.
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
//! The reference is PHP 8.2 on a 64-bit system with UTC as the default time zone. A timestamp that does not fit
//! into 64 bits wraps, as in PHP. The crate reads no clock, does no I/O, does not panic and runs in linear time.
//! [`parse`] is [`strtotime`] with an error that says why a text is rejected.
//!
//! # How a text is parsed
//!
//! The text is split into tokens, one for each of the formats below. The longest match wins; of two matches of the
//! same length, a time wins over a date. Tokens may come in any order, with or without white space, points and commas
//! between them. A text has at most one date, one time and two time zones, of which the second is ignored, and any
//! number of relative formats.
//!
//! Fields that the text does not set come from `now`; a date without a time means midnight. Relative formats are then
//! added to the local time, and finally the time zone converts the local time to a timestamp.
//!
//! In the examples, `reads(text, instant)` asserts what a text means on Thursday 2024-02-29 at 10:20:30 UTC.
//!
//! # Times
//!
//! ```
//! # fn reads(text: &str, instant: &str) {
//! #     let found = strtotime::parse(text, 1_709_202_030).map(|ts| chrono::DateTime::from_timestamp(ts, 0));
//! #     assert_eq!(format!("{:?}", found.unwrap().unwrap()), instant, "{text}");
//! # }
//! // Hour with meridian, optionally with minutes and seconds.
//! reads("4 am", "2024-02-29T04:00:00Z");
//! reads("4:08 am", "2024-02-29T04:08:00Z");
//! reads("7:19:19P.M.", "2024-02-29T19:19:19Z");
//! // MS SQL: with a fraction, which is dropped from the result.
//! reads("4:08:39:12313am", "2024-02-29T04:08:39Z");
//! // Hour and minutes, separated by a colon, a point or nothing, optionally after a "t".
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
//! // American month, day and optional year.
//! reads("5/12", "2024-05-12T00:00:00Z");
//! reads("1/17/2006", "2006-01-17T00:00:00Z");
//! // Four-digit year, month and day, with slashes.
//! reads("2008/6/30", "2008-06-30T00:00:00Z");
//! reads("1978/12/22", "1978-12-22T00:00:00Z");
//! // Four-digit year and month (GNU): the day is 1.
//! reads("2008-6", "2008-06-01T00:00:00Z");
//! // Year, month and day, with dashes. Years 0 to 69 mean 2000 to 2069, years 70 to 99 mean 1970 to 1999.
//! reads("8-6-21", "2008-06-21T00:00:00Z");
//! reads("78-12-22", "1978-12-22T00:00:00Z");
//! // The same with a sign, also with more than four digits.
//! reads("-0002-07-26", "-0002-07-26T00:00:00Z");
//! reads("+12345-07-26", "+12345-07-26T00:00:00Z");
//! // Day, month and four-digit year, with dots, tabs or dashes.
//! reads("30-6-2008", "2008-06-30T00:00:00Z");
//! // Day, month and two-digit year, with dots or tabs, unless it is also a time.
//! reads("22.12.78", "1978-12-22T00:00:00Z");
//! reads("22.12.08", "2024-02-29T22:12:08Z");
//! // Month names, abbreviations and Roman numerals, before or after the day and the year.
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
//! // Four digits are a time of day; after a time of day, or if they are no valid time, they are a year.
//! reads("1978", "1978-03-01T10:20:30Z");
//! reads("2008", "2024-02-29T20:08:00Z");
//! reads("20:08 2008", "2008-02-29T20:08:00Z");
//! // Out-of-range days and month 0 roll over.
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
//! // ISO year with ISO week and optional day.
//! reads("2008W27", "2008-06-30T00:00:00Z");
//! reads("2008-W28-3", "2008-07-09T00:00:00Z");
//! // MySQL: date and time without separators.
//! reads("20080701223807", "2008-07-01T22:38:07Z");
//! // PostgreSQL: year with day-of-year.
//! reads("2008.197", "2008-07-15T00:00:00Z");
//! reads("2008197", "2008-07-15T00:00:00Z");
//! // SOAP.
//! reads("2008-07-01T22:35:17.03+08:00", "2008-07-01T14:35:17Z");
//! // XMLRPC and compact XMLRPC.
//! reads("20080701T9:38:07", "2008-07-01T09:38:07Z");
//! reads("20080701t093807", "2008-07-01T09:38:07Z");
//! // WDDX.
//! reads("2008-7-1T9:3:37", "2008-07-01T09:03:37Z");
//! // Unix timestamp, optionally with microseconds.
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
//! // These words reset the time. A later time overrides them; an earlier one is lost.
//! reads("tomorrow 11:00", "2024-03-01T11:00:00Z");
//! reads("11:00 tomorrow", "2024-03-01T00:00:00Z");
//! // "yesterday", "tomorrow" and an ISO week also replace earlier relative days.
//! reads("+5 days tomorrow", "2024-03-01T00:00:00Z");
//! reads("tomorrow +5 days", "2024-03-06T00:00:00Z");
//! // A quarter past and a quarter to an hour.
//! reads("back of 7pm", "2024-02-29T19:15:00Z");
//! reads("front of 5am", "2024-02-29T04:45:00Z");
//! // First and last day of a month; the time is kept.
//! reads("first day of January 2008", "2008-01-01T00:00:00Z");
//! reads("last day of next month", "2024-03-31T10:20:30Z");
//! // A weekday of a month.
//! reads("first sat of July 2008", "2008-07-05T00:00:00Z");
//! reads("last wed of July 2008", "2008-07-30T00:00:00Z");
//! // A number and a unit: microseconds to years, weeks, fortnights, weekdays (Monday to Friday) and days by name.
//! reads("+5 weeks", "2024-04-04T10:20:30Z");
//! reads("-2 months", "2023-12-29T10:20:30Z");
//! reads("+--90min", "2024-02-29T11:50:30Z");
//! reads("2 fortnights", "2024-03-28T10:20:30Z");
//! reads("-1 usec", "2024-02-29T10:20:29Z");
//! reads("+7 weekdays", "2024-03-11T10:20:30Z");
//! reads("2 saturday", "2024-03-09T10:20:30Z");
//! // Weekdays are added after everything else.
//! reads("2 weekdays -20 hours", "2024-03-01T14:20:30Z");
//! // An ordinal, "next", "last", "previous" or "this" and a unit.
//! reads("fifth day", "2024-03-05T10:20:30Z");
//! reads("last year", "2023-03-01T10:20:30Z");
//! reads("next friday", "2024-03-01T00:00:00Z");
//! // A day by name is today if it matches; "next" always moves on.
//! reads("thursday", "2024-02-29T00:00:00Z");
//! reads("next thursday", "2024-03-07T00:00:00Z");
//! reads("Wed July 23rd, 2008", "2008-07-23T00:00:00Z");
//! // A day of another week. Weeks start on Monday.
//! reads("sunday this week", "2024-03-03T00:00:00Z");
//! reads("monday next week", "2024-03-04T00:00:00Z");
//! // "ago" negates all relative formats before it.
//! reads("2 months 5 days ago", "2023-12-24T10:20:30Z");
//! reads("2 days ago ago", "2024-03-02T10:20:30Z");
//! ```
//!
//! # Zones
//!
//! Offsets, 144 abbreviations and identifiers of the IANA database. An identifier is either at most six letters long,
//! or made of words joined by `/`, `_` or `-`, the first of which is a capital letter followed by small letters.
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
//! // Zones keep their own history before 1970.
//! reads("1930-01-01 12:00 Europe/Amsterdam", "1930-01-01T11:40:28Z");
//! // A second zone is ignored.
//! reads("2018-07-01 10:00 UTC+2", "2018-07-01T10:00:00Z");
//! // A local time that daylight saving skips moves forward by an hour; of an ambiguous one, the first is taken.
//! reads("2018-03-25 02:30 Europe/Paris", "2018-03-25T01:30:00Z");
//! reads("2018-10-28 02:30 Europe/Paris", "2018-10-28T00:30:00Z");
//! // Hours are added to the local time, before the zone is applied.
//! reads("2018-10-28 02:30 Europe/Paris +1 hour", "2018-10-28T02:30:00Z");
//! ```
//!
//! # White space
//!
//! Space, tab, newline, vertical tab, form feed and carriage return are trimmed from both ends. Space, tab, newline,
//! NUL, U+00A0, U+202F, `.` and `,` separate tokens. Within a token, white space is a run of spaces and tabs, a run of
//! U+00A0 or a run of U+202F. White space alone means `now`; the empty text is rejected.
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
//! Results differ only where PHP's 64-bit arithmetic overflows in an intermediate result:
//!
//! - dates within 400 years of the smallest 64-bit timestamp;
//! - named zones more than a billion years away, within a day of a change between standard and summer time.

mod backzone;
mod calendar;
mod error;
mod fields;
mod relative;
mod resolve;
mod scanner;
mod token;
mod zone;

use logos::Logos;

pub use crate::error::{Error, ErrorKind};
use crate::fields::Fields;
use crate::token::Token;

/// The characters that PHP trims before parsing.
const WHITE_SPACE: [char; 6] = [' ', '\t', '\n', '\x0b', '\x0c', '\r'];

/// Parses a text and returns its Unix timestamp in seconds, relative to the timestamp `now`.
///
/// Returns `None` where PHP returns `false`.
///
/// ```
/// assert_eq!(strtotime::strtotime("@0 +1 day", 1_709_202_030), Some(86_400));
/// ```
#[must_use]
pub fn strtotime(text: &str, now: i64) -> Option<i64> {
    parse(text, now).ok()
}

/// Parses a text and returns its Unix timestamp in seconds, relative to the timestamp `now`.
///
/// # Errors
///
/// Returns the kind and the position of the error if PHP rejects the text.
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

/// Whether the text is a time zone alone: an offset, an abbreviation or an identifier.
///
/// ```
/// assert!(strtotime::is_zone("Europe/Berlin") && strtotime::is_zone("+02:00"));
/// assert!(!strtotime::is_zone("Europe/Atlantis") && !strtotime::is_zone("tomorrow"));
/// ```
#[must_use]
pub fn is_zone(text: &str) -> bool {
    zone::Zone::parse(text).is_some()
}

/// Trims white space, but keeps at least one character. Returns the trimmed text and its byte offset.
///
/// `None` if the text is empty.
fn trim(text: &str) -> Option<(usize, &str)> {
    let last = text.len().checked_sub(1)?;
    let start = last.min(text.len() - text.trim_start_matches(WHITE_SPACE).len());
    let end = text.trim_end_matches(WHITE_SPACE).len().max(start + 1);
    Some((start, &text[start..end]))
}
