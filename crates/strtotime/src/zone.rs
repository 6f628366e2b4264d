//! Time zones: offsets, abbreviations and IANA identifiers.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{OffsetComponents, TZ_VARIANTS, Tz};

use crate::backzone;
use crate::calendar::{DAY, date_of, day_number, weekday};

/// The years for which chrono-tz has a table of clock changes.
const TABLE_YEARS: std::ops::RangeInclusive<i128> = 1800..=2099;

/// A time zone as written in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Seconds east of UTC.
    Offset(i128),
    /// A zone whose offset depends on the instant.
    Named(Tz),
}

impl Zone {
    /// Parses an offset, an abbreviation or an identifier.
    pub fn parse(text: &str) -> Option<Self> {
        let offset = text.strip_prefix("GMT").unwrap_or(text);
        if let Some(east) = offset.strip_prefix('+') {
            return parse_offset(east).map(Self::Offset);
        }
        if let Some(west) = offset.strip_prefix('-') {
            return parse_offset(west).map(|seconds| Self::Offset(-seconds));
        }
        let identifier = || TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(text));
        abbreviation(text).map(Self::Offset).or_else(|| identifier().copied().map(Self::Named))
    }

    /// Converts a local time to a timestamp, both in seconds since 1970-01-01 00:00.
    pub fn timestamp(self, local: i128) -> i128 {
        match self {
            Self::Offset(east) => local - east,
            Self::Named(zone) => local - offset_of_local_time(zone, local),
        }
    }
}

/// The offset that PHP uses for a local time, which a clock change may skip or repeat.
fn offset_of_local_time(zone: Tz, local: i128) -> i128 {
    // The first lookup takes the local time for UTC. The second uses the offset found, which may give another one.
    let (first, summer) = offset_at(zone, local);
    let (second, _) = offset_at(zone, local - first);
    if first != second {
        let before_change = second > first && offset_at(zone, local - second).0 != second;
        return if before_change { first } else { second };
    }
    // East of Greenwich both lookups may be after the end of summer time. An ambiguous time is the earlier one.
    if first >= 0 && !summer {
        let (earlier, _) = offset_at(zone, local - first - 7_200);
        if earlier > first && offset_at(zone, local - earlier).0 != first {
            return earlier;
        }
    }
    first
}

/// Seconds east of UTC at a timestamp, and whether summer time applies.
fn offset_at(zone: Tz, timestamp: i128) -> (i128, bool) {
    if timestamp < 0
        && let Some(periods) = backzone::periods(zone.name())
    {
        let started = periods.partition_point(|&(start, ..)| i128::from(start) <= timestamp);
        let (_, east, summer) = periods[started.saturating_sub(1)];
        return (east.into(), summer);
    }
    let (year, month, _) = date_of(timestamp.div_euclid(DAY));
    let timestamp = if TABLE_YEARS.contains(&year) {
        timestamp
    } else if year > *TABLE_YEARS.end() && has_summer_time(zone, *TABLE_YEARS.end()) {
        timestamp + (equivalent_month(year, month) - day_number(year, month, 1)) * DAY
    } else {
        day_number(year.clamp(*TABLE_YEARS.start(), *TABLE_YEARS.end()), 1, 1) * DAY
    };
    table_offset(zone, timestamp)
}

/// A month of 2087 to 2099 that starts on the same weekday, as a day number.
///
/// The rules of 2099 apply to all later years, so both months have the same clock changes. Exceptions to the rules end
/// in 2086.
fn equivalent_month(year: i128, month: i128) -> i128 {
    let first = day_number(year, month, 1);
    let mut months = (2087..=*TABLE_YEARS.end()).map(|year| day_number(year, month, 1));
    months.find(|&candidate| weekday(candidate) == weekday(first)).unwrap_or(first)
}

/// Whether the offsets of January and July differ.
fn has_summer_time(zone: Tz, year: i128) -> bool {
    table_offset(zone, day_number(year, 1, 1) * DAY) != table_offset(zone, day_number(year, 7, 1) * DAY)
}

fn table_offset(zone: Tz, timestamp: i128) -> (i128, bool) {
    let utc =
        i64::try_from(timestamp).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or_default();
    let offset = zone.offset_from_utc_datetime(&utc.naive_utc());
    (offset.fix().local_minus_utc().into(), !offset.dst_offset().is_zero())
}

/// Parses `H`, `HH`, `HMM`, `HHMM`, `H:MM`, `HHMMSS` or `HH:MM:SS` into seconds.
fn parse_offset(text: &str) -> Option<i128> {
    let colons = text.bytes().filter(|&byte| byte == b':').count();
    let number = |digits: Option<&str>| digits.map_or(Some(0), |digits| digits.parse::<i128>().ok());
    let (hours, minutes, seconds) = if colons > 0 {
        let mut parts = text.split(':');
        (number(parts.next())?, number(parts.next())?, number(parts.next())?)
    } else {
        let digits = number(Some(text))?;
        match text.len() {
            1 | 2 => (digits, 0, 0),
            3 | 4 => (digits / 100, digits % 100, 0),
            6 => (digits / 10_000, digits / 100 % 100, digits % 100),
            _ => return None,
        }
    };
    Some(hours * 3_600 + minutes * 60 + seconds)
}

/// The offset of an abbreviation, in seconds east of UTC.
fn abbreviation(text: &str) -> Option<i128> {
    let name = text.to_ascii_lowercase();
    let row = ABBREVIATIONS.binary_search_by_key(&name.as_str(), |row| row.0).ok()?;
    Some(ABBREVIATIONS[row].1.into())
}

/// Abbreviations and their offsets in seconds east of UTC, in alphabetical order.
static ABBREVIATIONS: [(&str, i32); 144] = [
    ("a", 3_600),
    ("acdt", 37_800),
    ("acst", 34_200),
    ("addt", -7_200),
    ("adt", -10_800),
    ("aedt", 39_600),
    ("aest", 36_000),
    ("ahdt", -32_400),
    ("ahst", -36_000),
    ("akdt", -28_800),
    ("akst", -32_400),
    ("amt", -13_840),
    ("apt", -10_800),
    ("ast", -14_400),
    ("awdt", 32_400),
    ("awst", 28_800),
    ("awt", -10_800),
    ("b", 7_200),
    ("bdst", 7_200),
    ("bdt", -36_000),
    ("bmt", -14_309),
    ("bst", 3_600),
    ("c", 10_800),
    ("cast", 34_200),
    ("cat", 7_200),
    ("cddt", -14_400),
    ("cdt", -18_000),
    ("cemt", 10_800),
    ("cest", 7_200),
    ("cet", 3_600),
    ("chst", 36_000),
    ("cmt", -15_408),
    ("cpt", -18_000),
    ("cst", -21_600),
    ("cwt", -18_000),
    ("d", 14_400),
    ("dmt", -1_521),
    ("e", 18_000),
    ("eat", 10_800),
    ("eddt", -10_800),
    ("edt", -14_400),
    ("eest", 10_800),
    ("eet", 7_200),
    ("emt", -26_248),
    ("ept", -14_400),
    ("est", -18_000),
    ("ewt", -14_400),
    ("f", 21_600),
    ("ffmt", -14_660),
    ("fmt", -4_056),
    ("g", 25_200),
    ("gdt", 39_600),
    ("gmt", 0),
    ("gst", 36_000),
    ("h", 28_800),
    ("hdt", -34_200),
    ("hkst", 32_400),
    ("hkt", 28_800),
    ("hmt", -19_776),
    ("hpt", -34_200),
    ("hst", -36_000),
    ("hwt", -34_200),
    ("i", 32_400),
    ("iddt", 14_400),
    ("idt", 10_800),
    ("imt", 25_025),
    ("ist", 7_200),
    ("jdt", 36_000),
    ("jmt", 8_440),
    ("jst", 32_400),
    ("k", 36_000),
    ("kdt", 36_000),
    ("kmt", 5_736),
    ("kst", 30_600),
    ("l", 39_600),
    ("lst", 9_394),
    ("m", 43_200),
    ("mddt", -18_000),
    ("mdst", 16_279),
    ("mdt", -21_600),
    ("mest", 7_200),
    ("met", 3_600),
    ("mmt", 9_017),
    ("mpt", -21_600),
    ("msd", 14_400),
    ("msk", 10_800),
    ("mst", -25_200),
    ("mwt", -21_600),
    ("n", -3_600),
    ("nddt", -5_400),
    ("ndt", -9_052),
    ("npt", -9_000),
    ("nst", -12_600),
    ("nwt", -9_000),
    ("nzdt", 46_800),
    ("nzmt", 41_400),
    ("nzst", 43_200),
    ("o", -7_200),
    ("p", -10_800),
    ("pddt", -21_600),
    ("pdt", -25_200),
    ("pkst", 21_600),
    ("pkt", 18_000),
    ("plmt", 25_590),
    ("pmt", -13_236),
    ("ppmt", -17_340),
    ("ppt", -25_200),
    ("pst", -28_800),
    ("pwt", -25_200),
    ("q", -14_400),
    ("qmt", -18_840),
    ("r", -18_000),
    ("rmt", 5_794),
    ("s", -21_600),
    ("sast", 7_200),
    ("sdmt", -16_800),
    ("sjmt", -20_173),
    ("smt", -13_884),
    ("sst", -39_600),
    ("t", -25_200),
    ("tbmt", 10_751),
    ("tmt", 12_344),
    ("u", -28_800),
    ("uct", 0),
    ("utc", 0),
    ("v", -32_400),
    ("w", -36_000),
    ("wast", 7_200),
    ("wat", 3_600),
    ("wemt", 7_200),
    ("west", 3_600),
    ("wet", 0),
    ("wib", 25_200),
    ("wit", 32_400),
    ("wita", 28_800),
    ("wmt", 5_040),
    ("x", -39_600),
    ("y", -43_200),
    ("yddt", -25_200),
    ("ydt", -28_800),
    ("ypt", -28_800),
    ("yst", -32_400),
    ("ywt", -28_800),
    ("z", 0),
];
