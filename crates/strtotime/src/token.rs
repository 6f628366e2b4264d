//! The token table: one pattern for each format. The longest match wins, then the higher priority.
//!
//! The names are the symbols and descriptions of the PHP manual. Where the manual uses one symbol for two things (`MM`
//! is a month or minutes), minutes are `ii` and `II` and seconds are `ss` and `SS`. `H` is an hour with an optional
//! leading zero. Character classes are ASCII, because a Unicode `(?i)` would match `ſ` as `s`. The source ends with a
//! NUL, which some formats require.

use logos::Logos;

/// A format. Patterns that are read in the same way share a variant.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
// Time.
#[logos(subpattern space = r"(?:[ \t]+|\u{a0}+|\u{202f}+)")]
#[logos(subpattern frac = r"\.[0-9]+")]
#[logos(subpattern hh = r"(?:0?[1-9]|1[0-2])")]
#[logos(subpattern H = r"(?:[01]?[0-9]|2[0-4])")]
#[logos(subpattern HH = r"(?:[01][0-9]|2[0-4])")]
#[logos(subpattern ii = r"[0-5]?[0-9]")]
#[logos(subpattern II = r"[0-5][0-9]")]
#[logos(subpattern ss = r"(?:[0-5]?[0-9]|60)")]
#[logos(subpattern SS = r"(?:[0-5][0-9]|60)")]
#[logos(subpattern meridian = r"[AaPp]\.?[Mm]\.?[\x00\t ]")]
#[logos(subpattern tz = r"(?:\(?[A-Za-z]{1,6}\)?|[A-Z][a-z]+(?:[_/-][A-Za-z]+)+)")]
#[logos(subpattern tzcorrection = r"(?:GMT)?[+-](?:(?&H)(?::?(?&ii))?|(?&HH)(?&II)(?&SS)|(?&HH):(?&II):(?&SS))")]
// Date.
#[logos(subpattern dd = r"(?:[0-2]?[0-9]|3[01])(?:st|nd|rd|th)?")]
#[logos(subpattern DD = r"(?:[0-2][0-9]|3[01])")]
#[logos(subpattern mm = r"(?:0?[0-9]|1[0-2])")]
#[logos(subpattern MM = r"(?:0[0-9]|1[0-2])")]
#[logos(subpattern y = r"[0-9]{1,4}")]
#[logos(subpattern yy = r"[0-9]{2}")]
#[logos(subpattern YY = r"[0-9]{4}")]
#[logos(subpattern doy = r"(?:00[1-9]|0[1-9][0-9]|[12][0-9][0-9]|3[0-5][0-9]|36[0-6])")]
#[logos(subpattern W = r"(?:0[1-9]|[1-4][0-9]|5[0-3])")]
#[logos(subpattern M = r"(?i-u:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)")]
#[logos(subpattern month = r"(?i-u:january|february|march|april|may|june|july|august|september|october|november|december)")]
#[logos(subpattern m = r"(?:(?&month)|(?&M)|I{1,3}|I?V|VI{1,3}|I?X|XI{1,2})")]
#[logos(subpattern sep = r"[ \t.-]*")]
#[logos(subpattern month_day = r"(?&m)(?&sep)(?&dd)")]
#[logos(subpattern month_day_end = r"(?&month_day)(?:[,.stndrh\t ]+|\x00)")]
// Relative.
#[logos(subpattern dayname = r"(?i-u:(?:sun|mon|tues|wednes|thurs|fri|satur)days?|sun|mon|tue|wed|thu|fri|sat)")]
#[logos(subpattern daytext = r"(?i-u:weekdays?)")]
#[logos(subpattern number = r"[+-]*[ \t]*[0-9]{1,13}")]
#[logos(subpattern reltext = r"(?i-u:next|last|previous|this)")]
#[logos(subpattern ordinal = r"(?i-u:first|second|third|fourth|fifth|sixth|seventh|eighth?|ninth|tenth|eleventh|twelfth|next|last|previous|this)")]
#[logos(subpattern unit = r"(?:(?i-u:ms|(?:msec|millisecond|usec|microsecond|sec|second|min|minute|hour|day|fortnight|forthnight|month|year)s?|weeks)|µ(?i-u:s|secs?)|(?&daytext)|(?&dayname))")]
pub enum Token {
    #[regex(r"(?i-u:yesterday)", priority = 99)]
    Yesterday,
    #[regex(r"(?i-u:now)", priority = 98)]
    Now,
    #[regex(r"(?i-u:noon)", priority = 97)]
    Noon,
    #[regex(r"(?i-u:midnight|today)", priority = 96)]
    Midnight,
    #[regex(r"(?i-u:tomorrow)", priority = 95)]
    Tomorrow,

    /// Unix timestamp, with or without microseconds.
    #[regex(r"@-?[0-9]+", priority = 94)]
    #[regex(r"@-?[0-9]+\.[0-9]{0,6}", priority = 93)]
    Timestamp,

    #[regex(r"(?i-u:first|last)(?i-u: day of)", priority = 92)]
    FirstOrLastDayOf,
    #[regex(r"(?i-u:back|front)(?i-u: of )(?&H)(?:(?&space)?(?&meridian))?", priority = 91)]
    BackOrFrontOf,
    #[regex(r"(?&ordinal)(?&space)(?&dayname)(?&space)(?i-u:of)", priority = 90)]
    WeekdayOf,

    /// Hour, minutes and seconds, the latter two optional, with meridian.
    #[regex(r"(?&hh)(?&space)?(?&meridian)", priority = 89)]
    #[regex(r"(?&hh)[:.](?&II)(?&space)?(?&meridian)", priority = 88)]
    #[regex(r"(?&hh)[:.](?&ii)[:.](?&SS)(?&space)?(?&meridian)", priority = 87)]
    // MS SQL: hour, minutes, seconds and fraction with meridian.
    #[regex(r"(?&hh):(?&II):(?&SS)[:.][0-9]+(?&meridian)", priority = 86)]
    Time12,

    /// Hour, minutes, seconds and fraction.
    #[regex(r"[tT](?&H)", priority = 85)]
    #[regex(r"[tT]?(?&H)[:.](?&ii)", priority = 84)]
    #[regex(r"[tT]?(?&H)[:.](?&ii)[:.](?&ss)(?&frac)?", priority = 83)]
    Time24,

    /// Hour and minutes, no colon; or a year.
    #[regex(r"[tT]?(?&HH)(?&II)", priority = 82)]
    HourMinuteOrYear,
    /// Hour, minutes and seconds, no colon.
    #[regex(r"[tT]?(?&HH)(?&II)(?&SS)", priority = 81)]
    HourMinuteSecond,

    /// American month, day and year.
    #[regex(r"(?&mm)/(?&dd)(?:/(?&y))?", priority = 80)]
    American,
    /// Four-digit year with optional sign, month and day.
    #[regex(r"[+-]?(?&YY)-(?&MM)-(?&DD)", priority = 79)]
    #[regex(r"(?&YY)/(?&MM)/(?&DD)/?", priority = 78)]
    #[regex(r"(?&YY)/(?&mm)/(?&dd)", priority = 77)]
    #[regex(r"[+-][0-9]{5,19}-(?&MM)-(?&DD)", priority = 76)]
    SignedYearMonthDay,
    /// Year, month and day, with dashes.
    #[regex(r"(?&yy)-(?&MM)-(?&DD)", priority = 75)]
    #[regex(r"(?&y)-(?&mm)-(?&dd)", priority = 74)]
    YearMonthDay,
    /// Four-digit year and month (GNU).
    #[regex(r"(?&YY)-(?&mm)", priority = 73)]
    YearMonth,
    /// Day, textual month and year.
    #[regex(r"(?&dd)(?&sep)(?&m)(?&sep)(?&y)", priority = 72)]
    DayTextualMonthYear,
    /// Day, month and year, with dots, tabs or dashes.
    #[regex(r"(?&dd)[.\t-](?&mm)[.-](?&YY)", priority = 71)]
    #[regex(r"(?&dd)[.\t](?&mm)\.(?&yy)", priority = 70)]
    DayMonthYear,
    /// Textual month and four-digit year.
    #[regex(r"(?&m)(?&sep)(?&YY)", priority = 69)]
    TextualMonthYear,
    /// Four-digit year and textual month.
    #[regex(r"(?&YY)(?&sep)(?&m)", priority = 68)]
    YearTextualMonth,
    /// Textual month, day and year, the last optional.
    #[regex(r"(?&month_day)[,.stndrh\t ]+(?&y)", priority = 67)]
    #[regex(r"(?&month_day_end)", priority = 66)]
    // Month abbreviation, day and year.
    #[regex(r"(?&M)-(?&DD)-(?&y)", priority = 65)]
    TextualMonthDayYear,
    /// Day and textual month.
    #[regex(r"(?&dd)(?&sep)(?&m)", priority = 64)]
    DayTextualMonth,
    /// Year, month and day in eight digits. Six digits that follow are a time of day (`MySQL`).
    #[regex(r"(?&YY)(?&MM)(?&DD)", priority = 63)]
    EightDigits,

    // XMLRPC.
    #[regex(r"(?&YY)(?&MM)(?&DD)T(?&H):(?&II):(?&SS)", priority = 62)]
    // XMLRPC (compact).
    #[regex(r"(?&YY)(?&MM)(?&DD)[tT](?&H)(?&II)(?&SS)", priority = 61)]
    // SOAP.
    #[regex(r"(?&YY)-(?&MM)-(?&DD)T(?&HH):(?&II):(?&SS)(?&frac)(?&tzcorrection)?", priority = 60)]
    // WDDX.
    #[regex(r"(?&YY)-(?&mm)-(?&dd)T(?&H):(?&ii):(?&ss)", priority = 59)]
    // EXIF.
    #[regex(r"(?&YY):(?&MM):(?&DD) (?&HH):(?&II):(?&SS)", priority = 57)]
    DateTime,

    /// Year with day-of-year, as in `PostgreSQL`.
    #[regex(r"(?&YY)[.-]?(?&doy)", priority = 56)]
    YearDay,
    /// ISO year with ISO week and, optionally, day.
    #[regex(r"(?&YY)-?W(?&W)(?:-?[0-7])?", priority = 55)]
    IsoWeek,
    /// Year, month abbreviation and day.
    #[regex(r"(?&y)-(?&M)-(?&DD)", priority = 54)]
    YearTextualMonthDay,
    /// Common Log Format.
    #[regex(r"(?&dd)/(?&M)/(?&YY):(?&HH):(?&II):(?&SS)(?&space)(?&tzcorrection)", priority = 53)]
    CommonLog,
    /// Year (and just the year).
    #[regex(r"(?&YY)", priority = 52)]
    Year,

    #[regex(r"(?i-u:ago)", priority = 51)]
    Ago,
    #[regex(r"(?&dayname)|(?&daytext)", priority = 50)]
    Weekday,
    #[regex(r"(?&reltext)(?&space)(?i-u:week)", priority = 49)]
    RelativeWeek,
    #[regex(r"(?&ordinal)(?&space)(?&unit)", priority = 48)]
    OrdinalUnit,
    /// Textual month (and just the month).
    #[regex(r"(?&month)|(?&M)", priority = 47)]
    TextualMonth,
    /// Time zone information.
    #[regex(r"(?&tz)|(?&tzcorrection)", priority = 46)]
    Zone,

    /// Textual month and day, then a time.
    #[regex(r"(?&month_day_end)(?&hh)[:.](?&II)(?&space)?(?&meridian)", priority = 45)]
    #[regex(r"(?&month_day_end)(?&hh)[:.](?&ii)[:.](?&SS)(?&space)?(?&meridian)", priority = 44)]
    MonthDayTime12,
    #[regex(r"(?&month_day_end)[tT]?(?&H)[:.](?&ii)", priority = 43)]
    #[regex(r"(?&month_day_end)[tT]?(?&H)[:.](?&ii)[:.](?&ss)", priority = 42)]
    #[regex(r"(?&month_day_end)[tT]?(?&H)[:.](?&ii)[:.](?&SS)(?&space)?(?:(?&tzcorrection)|(?&tz))", priority = 41)]
    MonthDayTime24,

    #[regex(r"(?&number)(?&space)?(?:(?&unit)|(?i-u:week))", priority = 40)]
    NumberUnit,
    #[regex(r"(?&space)|[.,\n\x00]", priority = 39)]
    Separator,
}
