//! `Master.csv`, the call detail records of Asterisk, which FreePBX writes too.
//!
//! The columns are those of `cdr_csv`: accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp, lastdata,
//! start, answer, end, duration, billsec, disposition, amaflags, and as configured uniqueid, userfield and more.

use std::io::{BufReader, Read};

use domain::{CallDetails, LoggedCall, Name, PhoneNumber, TimeZone};

use super::table::{self, Cells, Encoding, Table};
use super::{Row, Skip, duration, name, phone_number};
use crate::error::Error;

const SRC: usize = 1;
const DST: usize = 2;
const CLID: usize = 4;
const CHANNEL: usize = 5;
const START: usize = 9;
const BILLSEC: usize = 13;
const DISPOSITION: usize = 14;
const UNIQUEID: usize = 16;

/// The number of columns that every record has.
const MIN_COLUMNS: usize = 16;

/// The maximal number of digits of an extension.
const MAX_EXTENSION: usize = 6;

/// Returns the rows of a file. Its times are in `zone`.
pub fn rows<'a>(
    input: impl Read + 'a,
    file: &'a str,
    zone: &'a TimeZone,
) -> impl Iterator<Item = Result<Row, Error>> + 'a {
    let table = Table::new(BufReader::new(input), b',', Encoding::Utf8OrLatin1);
    table::rows(table, file, |cells| call(cells, zone))
}

/// One side of a call.
enum Party {
    /// A phone of the telephone system, or an entry of its dial plan such as `s`.
    Extension,
    /// A number that is withheld.
    Hidden,
    /// A number outside.
    Number(PhoneNumber),
}

impl Party {
    fn parse(text: &str) -> Result<Self, Skip> {
        let is_code = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'#'));
        match phone_number(text) {
            Err(Skip::HiddenNumber) => Ok(Self::Hidden),
            Ok(_) if is_code && text.len() <= MAX_EXTENSION => Ok(Self::Extension),
            Ok(_) if !text.contains(|c: char| c.is_ascii_digit()) => Ok(Self::Extension),
            number => number.map(Self::Number),
        }
    }
}

fn call(cells: &Cells, zone: &TimeZone) -> Result<LoggedCall, Skip> {
    if cells.len() < MIN_COLUMNS {
        return Err(Skip::unreadable(format!("it has {} columns instead of {MIN_COLUMNS} or more", cells.len())));
    }
    let (phone_number, contact_called) = match (Party::parse(cells.get(SRC))?, Party::parse(cells.get(DST))?) {
        (Party::Hidden, _) => return Err(Skip::HiddenNumber),
        (Party::Extension, Party::Number(number)) => (number, false),
        (Party::Extension, _) => return Err(Skip::InternalCall),
        // A phone that calls may show the number of the whole system.
        (Party::Number(_), Party::Number(number)) if is_of_extension(cells.get(CHANNEL)) => (number, false),
        (Party::Number(number), _) => (number, true),
    };
    let start = cells.get(START);
    let called_at = zone.parse(start).ok_or(Skip::unreadable("`start` is not a time"))?;
    let seconds = cells.get(BILLSEC).parse().map_err(|_| Skip::unreadable("`billsec` is not a whole number"))?;
    let external_id = match unique_id(cells.get(UNIQUEID)) {
        Some(unique_id) => Name::parse(&format!("asterisk:{unique_id}")).ok(),
        None => LoggedCall::derive_key("asterisk", &phone_number, called_at.unix(), Some(contact_called)),
    };
    let details = CallDetails {
        contact_called: Some(contact_called),
        answered: Some(cells.get(DISPOSITION) == "ANSWERED"),
        duration: Some(duration(seconds)?),
        ..CallDetails::at(called_at)
    };
    Ok(LoggedCall {
        external_id: external_id.ok_or(Skip::unreadable("`uniqueid` is too long"))?,
        name: if contact_called { caller_name(cells.get(CLID), &phone_number) } else { None },
        phone_number,
        details,
    })
}

/// Whether a channel, such as `PJSIP/100-00000012`, is that of an extension.
fn is_of_extension(channel: &str) -> bool {
    let device = channel.split_once('/').map_or("", |(_, device)| device);
    let peer = device.split(['-', '@']).next().unwrap_or_default();
    (1..=MAX_EXTENSION).contains(&peer.len()) && peer.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the id, which is a time and a number, with the name of the system before them if it has one. `None` if the
/// column has something else, such as a user field.
fn unique_id(text: &str) -> Option<&str> {
    let (start, number) = text.rsplit_once('.')?;
    let seconds = start.rsplit('-').next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(number) && is_number(seconds) && seconds.len() >= 9).then_some(text)
}

/// Returns the name in a caller id such as `"Leslie" <+41310000000>`, unless it is the number.
fn caller_name(caller_id: &str, number: &PhoneNumber) -> Option<Name> {
    let quoted = caller_id.split_once('<').map_or("", |(name, _)| name).trim().trim_matches('"');
    name(quoted).filter(|name| name.as_str() != number.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(csv: &str) -> Vec<Row> {
        rows(csv.as_bytes(), "Master.csv", &TimeZone::named("Europe/Zurich").unwrap()).map(Result::unwrap).collect()
    }

    fn record(src: &str, dst: &str, channel: &str, disposition: &str, more: &str) -> Result<LoggedCall, Skip> {
        let csv = format!(
            "\"\",\"{src}\",\"{dst}\",\"from-trunk\",\"\"\"Zoë\"\" <{src}>\",\"{channel}\",\"PJSIP/101-1\",\"Dial\",\"PJSIP/101,30\",\
             \"2018-02-02 11:15:00\",,\"2018-02-02 11:16:10\",70,61,\"{disposition}\",\"DOCUMENTATION\"{more}\n"
        );
        read(&csv).remove(0).call
    }

    #[test]
    fn the_contact_is_the_side_that_is_no_extension() {
        const TRUNK: &str = "PJSIP/provider-00000001";
        for (src, dst, channel, expected) in [
            ("+41310000000", "100", TRUNK, Ok(("+41310000000", true))),
            ("0310000000", "s", TRUNK, Ok(("0310000000", true))),
            ("100", "0310000000", "PJSIP/100-00000001", Ok(("0310000000", false))),
            // The number of the telephone system is on the other side.
            ("0310000000", "0319999999", TRUNK, Ok(("0310000000", true))),
            ("0319999999", "0310000000", "SIP/100-00000001", Ok(("0310000000", false))),
            ("100", "101", "PJSIP/100-00000001", Err(Skip::InternalCall)),
            ("100", "*97", "PJSIP/100-00000001", Err(Skip::InternalCall)),
            ("123456", "s", TRUNK, Err(Skip::InternalCall)),
            ("1234567", "s", TRUNK, Ok(("1234567", true))),
            ("anonymous", "100", TRUNK, Err(Skip::HiddenNumber)),
            ("", "0319999999", TRUNK, Err(Skip::HiddenNumber)),
        ] {
            let call = record(src, dst, channel, "ANSWERED", "");
            let found = call.as_ref().map(|call| (call.phone_number.as_str(), call.details.contact_called.unwrap()));
            assert_eq!(found, expected.as_ref().map(|side| *side), "{src} {dst} {channel}");
        }
    }

    #[test]
    fn reads_times_duration_name_and_key() {
        let call = record("+41310000000", "100", "PJSIP/provider-1", "ANSWERED", ",\"1517566500.12\",\"\"").unwrap();
        assert_eq!(call.external_id.as_str(), "asterisk:1517566500.12");
        assert_eq!(call.name.unwrap().as_str(), "Zoë");
        assert_eq!(call.details.called_at.to_string(), "2018-02-02T10:15:00Z");
        assert_eq!((call.details.duration.unwrap().seconds(), call.details.answered), (61, Some(true)));
        for (more, key) in [
            (",\"pbx-1517566500.12\"", "asterisk:pbx-1517566500.12"),
            ("", "asterisk:+41310000000:1517566500:in"),
            (",\"a user field.1\"", "asterisk:+41310000000:1517566500:in"),
        ] {
            let call = record("+41310000000", "100", "x", "NO ANSWER", more).unwrap();
            assert_eq!((call.external_id.as_str(), call.details.answered), (key, Some(false)));
        }
    }

    #[test]
    fn skips_only_the_records_that_it_cannot_read() {
        let good = "\"\",\"+41310000000\",\"100\",\"c\",\"\",\"x\",\"\",\"\",\"\",\"2018-02-02 11:15:00\",,,70,61,\"ANSWERED\",\"DOCUMENTATION\"";
        let replaced = |old: &str, new: &str| good.replace(old, new);
        let csv = [
            good,
            "a,b,c",
            &replaced("2018-02-02 11:15:00", "soonish"),
            &replaced("2018-02-02 11:15:00", ""),
            &replaced(",61,", ",-1,"),
            &replaced(",61,", ",x,"),
            &replaced("+41310000000", &"9".repeat(65)),
            good,
        ]
        .join("\n");
        let readable: Vec<u64> = read(&csv).iter().filter(|row| row.call.is_ok()).map(|row| row.line).collect();
        assert_eq!(readable, [1, 8]);
    }
}
