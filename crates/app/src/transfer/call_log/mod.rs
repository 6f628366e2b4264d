//! Readers of call logs. Each turns the bytes of a file into rows; none knows the store.

mod android;
mod android_json;
mod asterisk;
mod fritzbox;
mod import;
mod mapped_csv;
mod objects;
mod sms_backup;
mod table;

use std::borrow::Cow;
use std::io::Read;

use domain::{CallDuration, LoggedCall, Name, PhoneNumber, Text, TextError, TimeZone, Timestamp};

pub use self::import::{Settings, import};
pub use self::mapped_csv::ColumnMap;
use crate::error::Error;

/// The maximal size of a row, in bytes. The longest content of a call fits with every character escaped.
const MAX_ROW: usize = 1 << 20;

/// A format of call logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// XML of the Android app SMS Backup & Restore
    SmsBackupRestore,
    /// Call log of Android as JSON or lines of JSON
    AndroidJson,
    /// Master.csv of Asterisk and FreePBX
    AsteriskCdr,
    /// Call list of a FRITZ!Box
    FritzboxCsv,
    /// Any other CSV, with --map
    Csv,
}

/// A row of a call log.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The line on which the row begins, from 1 on.
    pub line: u64,
    /// The call, or why the row has none to record.
    pub call: Result<LoggedCall, Skip>,
}

/// Why a row is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The number is withheld.
    HiddenNumber,
    /// The call has no side outside the telephone system.
    InternalCall,
    /// The row cannot be read. What is wrong with it.
    Unreadable(Cow<'static, str>),
}

impl Skip {
    fn unreadable(problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Unreadable(problem.into())
    }
}

/// The rows of a file. An error is of the file, and ends it.
pub type Rows<'a> = Box<dyn Iterator<Item = Result<Row, Error>> + 'a>;

/// Returns the rows of a file. `name` is shown in errors. Times without a zone are in `zone`.
pub fn read<'a>(
    format: Format,
    input: impl Read + 'a,
    name: &'a str,
    zone: &'a TimeZone,
    map: &ColumnMap,
) -> Result<Rows<'a>, Error> {
    Ok(match format {
        Format::SmsBackupRestore => Box::new(sms_backup::SmsBackup::new(input, name)),
        Format::AndroidJson => Box::new(android_json::rows(input, name, zone)),
        Format::AsteriskCdr => Box::new(asterisk::rows(input, name, zone)),
        Format::FritzboxCsv => Box::new(fritzbox::rows(input, name, zone)?),
        Format::Csv => Box::new(mapped_csv::rows(input, name, zone, map)?),
    })
}

/// Parses a phone number. Telephone systems write a word or a negative number for one that is withheld.
fn phone_number(text: &str) -> Result<PhoneNumber, Skip> {
    const HIDDEN: [&str; 8] = ["-1", "-2", "-3", "anonymous", "unknown", "unavailable", "private", "restricted"];
    let text = domain::trim(text);
    if text.is_empty() || HIDDEN.iter().any(|hidden| text.eq_ignore_ascii_case(hidden)) {
        return Err(Skip::HiddenNumber);
    }
    PhoneNumber::parse(text).map_err(|error| Skip::unreadable(format!("the phone number: {error}")))
}

/// Parses a name. `None` if it is blank, too long, or a word for an unknown one.
fn name(text: &str) -> Option<Name> {
    const UNKNOWN: [&str; 4] = ["(unknown)", "unknown", "unknown_caller", "null"];
    Name::parse(text).ok().filter(|name| !UNKNOWN.iter().any(|word| name.as_str().eq_ignore_ascii_case(word)))
}

/// Parses a text. `None` if it is blank.
fn optional_text<const MAX: usize>(what: &str, text: &str) -> Result<Option<Text<MAX>>, Skip> {
    match Text::parse(text) {
        Ok(text) => Ok(Some(text)),
        Err(TextError::Blank) => Ok(None),
        Err(error) => Err(Skip::unreadable(format!("the {what}: {error}"))),
    }
}

/// Returns the time of this many milliseconds since 1970.
fn from_millis(millis: i64) -> Option<Timestamp> {
    Timestamp::from_unix(millis.div_euclid(1_000))
}

/// Returns the duration of this many seconds.
fn duration(seconds: i64) -> Result<CallDuration, Skip> {
    CallDuration::from_seconds(seconds).ok_or(Skip::unreadable("the duration is not between 0 seconds and a week"))
}

/// Returns an error of the file at a line.
fn file_error(name: &str, line: u64, problem: impl std::fmt::Display) -> Error {
    Error::Failed(format!("{name}, line {line}: {problem}"))
}
