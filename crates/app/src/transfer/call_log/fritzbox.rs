//! The call list that a FRITZ!Box exports as CSV.

use std::io::{BufReader, Read};

use chrono::NaiveDateTime;
use domain::{CallDetails, LoggedCall, TimeZone, Timestamp};

use super::table::{self, Cells, Encoding, Table};
use super::{Row, Skip, duration, file_error, name, phone_number};
use crate::error::Error;

/// The columns of a file. Firmwares differ in their order, in their language, and in other columns.
struct Columns {
    kind: usize,
    date: usize,
    number: usize,
    duration: usize,
    /// Old firmwares have no names.
    name: Option<usize>,
}

impl Columns {
    /// Finds the columns in the line of their names. `None` if one is missing.
    fn find(header: &Cells) -> Option<Self> {
        let column = |names: &[&str]| header.position(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name)));
        Some(Self {
            kind: column(&["Typ", "Type"])?,
            date: column(&["Datum", "Date"])?,
            // The own number comes later. One English firmware names both alike.
            number: column(&["Rufnummer", "Number", "Telephone number"])?,
            duration: column(&["Dauer", "Duration"])?,
            name: column(&["Name"]),
        })
    }
}

/// Returns the rows of a file. Its times are in `zone`. An error if the file has no line of names.
pub fn rows<'a>(
    input: impl Read + 'a,
    file: &'a str,
    zone: &'a TimeZone,
) -> Result<impl Iterator<Item = Result<Row, Error>> + 'a, Error> {
    let mut table = Table::new(BufReader::new(input), b';', Encoding::Utf8OrLatin1);
    let columns = loop {
        let row = table.next_row().map_err(Error::io(file))?;
        let Some(row) = row else { return Err(file_error(file, 1, "it is empty")) };
        match row.cells {
            // For spreadsheets: `sep=;`.
            Ok(cells) if cells.get(0).starts_with("sep=") => {}
            Ok(cells) => {
                let problem = "it has no columns Typ, Datum, Rufnummer and Dauer, as the call list of a FRITZ!Box has";
                break Columns::find(&cells).ok_or_else(|| file_error(file, row.line, problem))?;
            }
            Err(_) => return Err(file_error(file, row.line, "it is not the call list of a FRITZ!Box")),
        }
    };
    Ok(table::rows(table, file, move |cells| call(cells, &columns, zone)))
}

fn call(cells: &Cells, columns: &Columns, zone: &TimeZone) -> Result<LoggedCall, Skip> {
    let number = cells.get(columns.number);
    if number.starts_with("**") {
        return Err(Skip::InternalCall);
    }
    let phone_number = phone_number(number)?;
    let seconds = seconds(cells.get(columns.duration)).ok_or(Skip::unreadable("the duration is not h:mm"))?;
    let (contact_called, answered) = match cells.get(columns.kind) {
        "1" => (true, true),
        "2" => (true, false),
        // Firmwares before FRITZ!OS 6 write 3 for outgoing calls, later ones for blocked calls, which never last.
        "3" if seconds == 0 => (true, false),
        "3" | "4" => (false, seconds > 0),
        _ => return Err(Skip::unreadable("the type is not 1, 2, 3 or 4")),
    };
    let called_at =
        local_time(cells.get(columns.date), zone).ok_or(Skip::unreadable("the date is not dd.mm.yy hh:mm"))?;
    let external_id = LoggedCall::derive_key("fritzbox", &phone_number, called_at.unix(), Some(contact_called))
        .ok_or(Skip::unreadable("its key is too long"))?;
    let details = CallDetails {
        contact_called: Some(contact_called),
        answered: Some(answered),
        duration: Some(duration(seconds)?),
        ..CallDetails::at(called_at)
    };
    Ok(LoggedCall { phone_number, external_id, name: columns.name.and_then(|column| name(cells.get(column))), details })
}

/// Parses a duration in hours and minutes.
fn seconds(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let [hours, minutes] = [hours, minutes].map(domain::parse_digits);
    hours?.checked_mul(60)?.checked_add(minutes?)?.checked_mul(60)
}

/// Parses a date. `called_at` would take `02.02.18` for a time of the day.
fn local_time(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let formats = ["%d.%m.%y %H:%M", "%d.%m.%Y %H:%M"];
    let time = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    zone.parse(&time.format("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(csv: &[u8]) -> Vec<Row> {
        rows(csv, "calls.csv", &TimeZone::named("Europe/Berlin").unwrap()).unwrap().map(Result::unwrap).collect()
    }

    const HEADER: &str = "sep=;\nTyp;Datum;Name;Rufnummer;Nebenstelle;Eigene Rufnummer;Dauer\n";

    fn read_one(row: &str) -> Result<LoggedCall, Skip> {
        let mut rows = read(format!("{HEADER}{row}\n\n").as_bytes());
        assert_eq!((rows.len(), rows[0].line), (1, 3));
        rows.remove(0).call
    }

    #[test]
    fn a_type_says_who_called_and_whether_the_call_was_answered() {
        for (kind, dauer, contact_called, answered) in [
            ("1", "0:05", true, true),
            ("2", "0:00", true, false),
            ("3", "0:00", true, false),
            ("3", "0:05", false, true),
            ("4", "1:05", false, true),
            ("4", "0:00", false, false),
        ] {
            let details =
                read_one(&format!("{kind};02.02.18 11:15;Zoë;0310000000;Fon 1;97911585;{dauer}")).unwrap().details;
            assert_eq!(
                (details.contact_called, details.answered),
                (Some(contact_called), Some(answered)),
                "{kind} {dauer}"
            );
            assert_eq!(details.called_at.to_string(), "2018-02-02T10:15:00Z");
        }
        let call = read_one("4;02.02.18 11:15;Zoë;0310000000;Fon 1;97911585;1:05").unwrap();
        assert_eq!(call.details.duration.unwrap().seconds(), 3_900);
        assert_eq!(call.external_id.as_str(), "fritzbox:0310000000:1517566500:out");
        assert_eq!(call.name.unwrap().as_str(), "Zoë");
    }

    #[test]
    fn reads_the_files_of_all_firmwares() {
        let row = "1;02.02.18 11:15;Zo\u{eb};0310000000;Fon 1;97911585;0:05";
        let latin_1: Vec<u8> = format!("{HEADER}{row}").chars().map(|c| u8::try_from(c).unwrap()).collect();
        let files = [
            format!("\u{feff}{HEADER}{row}\r\n").into_bytes(),
            latin_1,
            format!("Typ; Datum; Name; Rufnummer; Nebenstelle; Eigene Rufnummer; Dauer\n{}", row.replace(';', "; "))
                .into(),
            format!("sep=;\nType;Date;Name;Number;Extension;Outgoing Caller ID;Duration\n{row}").into(),
            format!("sep=;\nType;Date;Name;Telephone number;Extension;Telephone number;Duration\n{row}").into(),
            format!(
                "sep=;\nTyp;Datum;Name;Rufnummer;Landes-/Ortsnetzbereich;Nebenstelle;Eigene Rufnummer;Dauer\n{}",
                row.replace(";Fon", ";Bern;Fon")
            )
            .into(),
        ];
        for file in files {
            let rows = read(&file);
            let call = rows[0].call.as_ref().unwrap();
            assert_eq!((call.phone_number.as_str(), call.name.as_ref().unwrap().as_str()), ("0310000000", "Zoë"));
            assert_eq!((rows.len(), call.details.duration.unwrap().seconds()), (1, 300));
        }
        let without_names =
            read(b"Typ;Datum;Rufnummer;Nebenstelle;Eigene Rufnummer;Dauer\n1;02.02.18 11:15;0310000000;;;0:05");
        assert_eq!(without_names[0].call.as_ref().unwrap().name, None);
    }

    #[test]
    fn skips_only_the_rows_that_it_cannot_read() {
        for row in [
            "5;02.02.18 11:15;;0310000000;;;0:05",
            "1;soonish;;0310000000;;;0:05",
            "1;31.02.18 11:15;;031;;;0:05",
            "1;02.02.18 11:15;;0310000000;;;5",
            "1",
        ] {
            assert!(matches!(read_one(row), Err(Skip::Unreadable(_) | Skip::HiddenNumber)), "{row}");
        }
        assert_eq!(read_one("2;02.02.18 11:15;;;;;0:00"), Err(Skip::HiddenNumber));
        assert_eq!(read_one("1;02.02.18 11:15;;**610;;;0:01"), Err(Skip::InternalCall));
    }

    #[test]
    fn rejects_other_files() {
        let zone = TimeZone::named("UTC").unwrap();
        for text in ["", "sep=;\n", "a;b;c\n1;2;3", "<calls/>"] {
            assert!(rows(text.as_bytes(), "calls.csv", &zone).is_err(), "{text:?}");
        }
    }
}
