//! CSV files of other programs, whose columns are mapped to the members of a call.

use std::io::{BufRead, BufReader, Read};
use std::str::FromStr;

use clap::ValueEnum;
use domain::{CallDetails, CallDuration, LoggedCall, TimeZone, Timestamp};

use super::table::{self, Cells, Encoding, Table};
use super::{MAX_ROW, Row, Skip, duration, file_error, from_millis, name, optional_text, phone_number};
use crate::error::Error;

/// A member of a call that a column can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Member {
    CalledAt,
    PhoneNumber,
    ContactName,
    Direction,
    ContactCalled,
    Answered,
    DurationSeconds,
    Content,
    ExternalId,
}

/// Which member the column of which name has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnMap(Vec<(Member, String)>);

impl FromStr for ColumnMap {
    type Err = String;

    /// Parses `called_at=Date,phone_number=Number`.
    fn from_str(text: &str) -> Result<Self, String> {
        let pair = |pair: &str| {
            let (member, column) = pair.split_once('=').ok_or_else(|| format!("{pair}: it takes member=column"))?;
            let member = Member::from_str(domain::trim(member), false).map_err(|_| {
                let names = Member::value_variants().iter().filter_map(Member::to_possible_value);
                let names: Vec<String> = names.map(|value| value.get_name().to_owned()).collect();
                format!("{member}: it is none of {}", names.join(", "))
            })?;
            Ok((member, domain::trim(column).to_owned()))
        };
        text.split(',').map(pair).collect::<Result<_, String>>().map(Self)
    }
}

/// The column of each member that a file has.
struct Columns(Vec<(Member, usize)>);

impl Columns {
    /// Finds the columns. A member that is not mapped is in the column of its own name, if there is one.
    fn find(header: &Cells, map: &ColumnMap) -> Result<Self, String> {
        let mut columns = Vec::new();
        for member in Member::value_variants() {
            let mapped = map.0.iter().find(|(mapped, _)| mapped == member).map(|(_, column)| column);
            let own = member.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
            let column = mapped.unwrap_or(&own);
            match (header.position(|cell| cell.eq_ignore_ascii_case(column)), mapped) {
                (Some(place), _) => columns.push((*member, place)),
                (None, Some(column)) => return Err(format!("it has no column {column}")),
                (None, None) => {}
            }
        }
        let columns = Self(columns);
        for (member, name) in [(Member::CalledAt, "called_at"), (Member::PhoneNumber, "phone_number")] {
            if columns.place(member).is_none() {
                return Err(format!("it has no column {name}; --map {name}=… names one"));
            }
        }
        Ok(columns)
    }

    fn place(&self, member: Member) -> Option<usize> {
        self.0.iter().find(|(known, _)| *known == member).map(|(_, place)| *place)
    }

    /// Returns the text of a member. Empty if the file does not have it.
    fn get<'c>(&self, cells: &'c Cells, member: Member) -> &'c str {
        self.place(member).map_or("", |place| cells.get(place))
    }
}

/// Returns the rows of a file. Times without a zone are in `zone`. An error if a column is missing.
pub fn rows<'a>(
    input: impl Read + 'a,
    file: &'a str,
    zone: &'a TimeZone,
    map: &ColumnMap,
) -> Result<impl Iterator<Item = Result<Row, Error>> + 'a, Error> {
    let mut input = BufReader::with_capacity(MAX_ROW, input);
    let delimiter = delimiter(input.fill_buf().map_err(Error::io(file))?);
    let mut table = Table::new(input, delimiter, Encoding::Utf8);
    let header = table.next_row().map_err(Error::io(file))?.ok_or_else(|| file_error(file, 1, "it is empty"))?;
    let cells = header.cells.map_err(|_| file_error(file, header.line, "it is not CSV in UTF-8"))?;
    let columns = Columns::find(&cells, map).map_err(|problem| file_error(file, header.line, problem))?;
    Ok(table::rows(table, file, move |cells| call(cells, &columns, zone)))
}

/// Returns the delimiter that the first line has most often. Spreadsheets write semicolons in many countries.
fn delimiter(text: &[u8]) -> u8 {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: &u8| line.iter().filter(|byte| *byte == delimiter).count();
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

fn call(cells: &Cells, columns: &Columns, zone: &TimeZone) -> Result<LoggedCall, Skip> {
    let get = |member| columns.get(cells, member);
    let phone_number = phone_number(get(Member::PhoneNumber))?;
    let called_at = time(get(Member::CalledAt), zone).ok_or(Skip::unreadable("called_at is not a time"))?;
    let contact_called =
        match (direction(get(Member::Direction))?, boolean("contact_called", get(Member::ContactCalled))?) {
            (direction, None) => direction,
            (_, contact_called) => contact_called,
        };
    let external_id = match optional_text("external_id", get(Member::ExternalId))? {
        Some(external_id) => external_id,
        None => LoggedCall::derive_key("csv", &phone_number, called_at.unix(), contact_called)
            .ok_or(Skip::unreadable("its key is too long"))?,
    };
    let details = CallDetails {
        content: optional_text("content", get(Member::Content))?,
        contact_called,
        answered: boolean("answered", get(Member::Answered))?,
        duration: seconds(get(Member::DurationSeconds))?,
        ..CallDetails::at(called_at)
    };
    Ok(LoggedCall { phone_number, external_id, name: name(get(Member::ContactName)), details })
}

/// Parses a time in any form that `called_at` accepts, or Unix seconds or milliseconds.
fn time(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    match domain::parse_digits(text) {
        Some(seconds) if text.len() == 10 => Timestamp::from_unix(seconds),
        Some(millis) if text.len() == 13 => from_millis(millis),
        _ => zone.parse(text),
    }
}

/// Parses who called. `None` if the text is empty.
fn direction(text: &str) -> Result<Option<bool>, Skip> {
    match text.to_lowercase().as_str() {
        "" => Ok(None),
        "incoming" | "inbound" | "in" | "missed" | "received" => Ok(Some(true)),
        "outgoing" | "outbound" | "out" | "dialed" | "dialled" => Ok(Some(false)),
        _ => Err(Skip::unreadable("direction is not incoming or outgoing")),
    }
}

/// Parses a truth value. `None` if the text is empty.
fn boolean(what: &str, text: &str) -> Result<Option<bool>, Skip> {
    match text.to_lowercase().as_str() {
        "" => Ok(None),
        "true" | "1" | "yes" => Ok(Some(true)),
        "false" | "0" | "no" => Ok(Some(false)),
        _ => Err(Skip::unreadable(format!("{what} is not true or false"))),
    }
}

/// Parses a duration: seconds, or `h:mm:ss`. `None` if the text is empty.
fn seconds(text: &str) -> Result<Option<CallDuration>, Skip> {
    if text.is_empty() {
        return Ok(None);
    }
    let parts: Option<Vec<i64>> = text.split(':').map(domain::parse_digits).collect();
    let seconds = match parts.as_deref() {
        Some([seconds]) => Some(*seconds),
        Some([hours, minutes, seconds]) => {
            hours.checked_mul(60).and_then(|sum| sum.checked_add(*minutes)?.checked_mul(60)?.checked_add(*seconds))
        }
        _ => None,
    };
    seconds.ok_or(Skip::unreadable("duration_seconds is not a number of seconds")).and_then(duration).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(csv: &str, map: &str) -> Result<Vec<Row>, String> {
        let map = if map.is_empty() { ColumnMap::default() } else { map.parse()? };
        let zone = TimeZone::named("Europe/Berlin").unwrap();
        let rows = rows(csv.as_bytes(), "calls.csv", &zone, &map).map_err(|error| error.to_string())?;
        Ok(rows.map(Result::unwrap).collect())
    }

    #[test]
    fn maps_the_columns_of_another_program() {
        let map =
            "called_at=Date,phone_number=Number,duration_seconds=Length,content=Notes,direction=Type,contact_name=Who";
        for delimiter in [",", ";", "\t"] {
            let csv = ["Number", "Date", "Length", "Notes", "Type", "Who"].join(delimiter)
                + "\r\n"
                + &[
                    "+41 31 000 00 00",
                    "2018-02-02 11:15:00",
                    "0:01:01",
                    "\"Lunch;\r\nsoon, \"\"yes\"\"\"",
                    "Inbound",
                    "Zoë",
                ]
                .join(delimiter);
            let mut rows = read(&csv, map).unwrap();
            let call = rows.remove(0).call.unwrap();
            assert_eq!(call.details.called_at.to_string(), "2018-02-02T10:15:00Z");
            assert_eq!(call.details.duration.unwrap().seconds(), 61);
            assert_eq!(call.details.content.unwrap().as_str(), "Lunch;\r\nsoon, \"yes\"");
            assert_eq!((call.details.contact_called, call.details.answered), (Some(true), None));
            assert_eq!(
                (call.name.unwrap().as_str(), call.external_id.as_str()),
                ("Zoë", "csv:+41310000000:1517566500:in")
            );
        }
    }

    #[test]
    fn reads_the_columns_of_callbooks_own_export_without_a_map() {
        let csv = "id,called_at,contact_id,contact_name,direction,answered,duration_seconds,phone_number,content,external_id\r\n\
                   5,2017-10-07T22:29:21Z,3,Leslie Knope,outgoing,true,61,+41 31 000 00 00,\"Hi, you\",pbx-1\r\n\
                   6,1517566500,3,,,,,+41 31 000 00 00,,\r\n";
        let rows = read(csv, "").unwrap();
        let call = rows[0].call.as_ref().unwrap();
        assert_eq!((call.external_id.as_str(), call.details.contact_called), ("pbx-1", Some(false)));
        assert_eq!(
            (call.details.answered, call.details.called_at.to_string().as_str()),
            (Some(true), "2017-10-07T22:29:21Z")
        );
        let minimal = rows[1].call.as_ref().unwrap();
        assert_eq!(minimal.external_id.as_str(), "csv:+41310000000:1517566500:unknown");
        assert_eq!(minimal.details, CallDetails::at(Timestamp::from_unix(1_517_566_500).unwrap()));
    }

    #[test]
    fn skips_only_the_rows_that_it_cannot_read() {
        let csv = "called_at,phone_number,direction,answered,duration_seconds,content\n\
                   2018-02-02,0310000000,,,,\n\
                   soonish,0310000000,,,,\n\
                   2018-02-02,0310000000,sideways,,,\n\
                   2018-02-02,0310000000,,maybe,,\n\
                   2018-02-02,0310000000,,,-1,\n\
                   2018-02-02,,,,,\n\
                   2018-02-02\n\
                   2018-02-02,0310000000,,,,a\0b\n\
                   1517566500123,0310000000,,,,\n";
        let rows = read(csv, "").unwrap();
        let readable: Vec<u64> = rows.iter().filter(|row| row.call.is_ok()).map(|row| row.line).collect();
        assert_eq!(readable, [2, 10]);
        let hidden = |row: &&Row| row.call == Err(Skip::HiddenNumber);
        assert_eq!(rows.iter().filter(hidden).map(|row| row.line).collect::<Vec<_>>(), [7, 8]);
    }

    #[test]
    fn rejects_a_map_or_a_file_without_the_columns() {
        for (csv, map, problem) in [
            ("", "", "it is empty"),
            ("Date,Number\n", "", "it has no column called_at; --map called_at=… names one"),
            ("Date,Number\n", "called_at=Date", "it has no column phone_number"),
            ("Date,Number\n", "called_at=When,phone_number=Number", "it has no column When"),
            ("Date,Number\n", "called_at", "it takes member=column"),
            ("Date,Number\n", "when=Date", "when: it is none of called_at, phone_number"),
        ] {
            let error = read(csv, map).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
