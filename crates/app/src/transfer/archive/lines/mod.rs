//! The lines of an export or a backup, and their records.

mod account;
mod call;
mod contact;

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{CallId, Text, Timestamp};
use ports::inbound::{BackupRecord, ImportRecord};
use ports::outbound::HighestIds;
use serde::{Deserialize, Serialize};

use self::account::{AccountLine, TokenLine};
use self::call::CallLine;
use self::contact::ContactLine;

/// The version of the format. A reader rejects any other.
pub const VERSION: u32 = 1;

/// What a file contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The contacts and calls of one account, without ids.
    Export,
    /// A whole store.
    Backup,
}

/// The number of lines of each type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    #[serde(skip_serializing_if = "is_zero")]
    pub accounts: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub tokens: u64,
    pub contacts: u64,
    pub calls: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Totals {
    /// Counts the line.
    pub fn count(&mut self, line: &Line) {
        match line {
            Line::Account(_) => self.accounts += 1,
            Line::Token(_) => self.tokens += 1,
            Line::Contact(_) => self.contacts += 1,
            Line::Call(_) => self.calls += 1,
            Line::Header { .. } | Line::LastIds(_) | Line::End(_) => {}
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accounts, tokens, contacts, calls } = self;
        write!(f, "{accounts} accounts, {tokens} tokens, {contacts} contacts and {calls} calls")
    }
}

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Header {
        format: String,
        version: u32,
        content: Kind,
    },
    Account(AccountLine),
    Token(TokenLine),
    Contact(Box<ContactLine>),
    Call(Box<CallLine>),
    LastIds(#[serde(with = "LastIdsLine")] HighestIds),
    /// The last line. A file without it is incomplete.
    End(Totals),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "HighestIds")]
struct LastIdsLine {
    accounts: i64,
    tokens: i64,
    contacts: i64,
    contact_fields: i64,
    calls: i64,
}

/// The error of a line that a file of this kind does not have.
const UNEXPECTED: &str = "a line of this type is not expected here";

impl Line {
    /// Returns the line of a record, with ids in a backup and without ids in an export.
    pub fn new(record: BackupRecord, kind: Kind) -> Self {
        let has_ids = kind == Kind::Backup;
        match record {
            BackupRecord::Account(account) => Self::Account(AccountLine::new(account)),
            BackupRecord::Token(token, hash) => Self::Token(TokenLine::new(token, hash)),
            BackupRecord::Contact(contact) => Self::Contact(Box::new(ContactLine::new(*contact, has_ids))),
            BackupRecord::Call(call) => Self::Call(Box::new(CallLine::new(*call, has_ids))),
            BackupRecord::HighestIds(ids) => Self::LastIds(ids),
        }
    }
}

impl TryFrom<Line> for ImportRecord {
    type Error = String;

    /// Parses a line of an export. The error is the problem of the line.
    fn try_from(line: Line) -> Result<Self, String> {
        match line {
            Line::Contact(line) => Ok(Self::Contact(Box::new(line.into_import()?))),
            Line::Call(line) => Ok(Self::Call(Box::new(line.into_import()?))),
            _ => Err(UNEXPECTED.to_owned()),
        }
    }
}

impl TryFrom<Line> for BackupRecord {
    type Error = String;

    /// Parses a line of a backup. The error is the problem of the line.
    fn try_from(line: Line) -> Result<Self, String> {
        Ok(match line {
            Line::Account(line) => Self::Account(line.into_account()?),
            Line::Token(line) => {
                let (token, hash) = line.into_token()?;
                Self::Token(token, hash)
            }
            Line::Contact(line) => Self::Contact(Box::new(line.into_backup()?)),
            Line::Call(line) => Self::Call(Box::new(line.into_backup()?)),
            Line::LastIds(ids) => Self::HighestIds(last_ids(ids)?),
            Line::Header { .. } | Line::End(_) => return Err(UNEXPECTED.to_owned()),
        })
    }
}

/// Checks that each id is 0 or an id.
fn last_ids(ids: HighestIds) -> Result<HighestIds, String> {
    let HighestIds { accounts, tokens, contacts, contact_fields, calls } = ids;
    let is_valid = |id: &i64| *id == 0 || CallId::new(*id).is_some();
    let all = [accounts, tokens, contacts, contact_fields, calls];
    if all.iter().all(is_valid) { Ok(ids) } else { Err("a last id is not an id".to_owned()) }
}

/// Names the member with an id that is missing or not valid.
fn id<T>(name: &str, id: Option<T>) -> Result<T, String> {
    id.ok_or_else(|| format!("{name} is not an id"))
}

fn text<const MAX: usize>(name: &str, value: String) -> Result<Text<MAX>, String> {
    value.try_into().map_err(|error| format!("{name}: {error}"))
}

fn optional_text<const MAX: usize>(name: &str, value: Option<String>) -> Result<Option<Text<MAX>>, String> {
    value.map(|value| text(name, value)).transpose()
}

fn timestamp(name: &str, value: &str) -> Result<Timestamp, String> {
    let time: Option<DateTime<Utc>> = DateTime::parse_from_rfc3339(value).ok().map(Into::into);
    let timestamp = time.and_then(|time| Timestamp::from_unix(time.timestamp()));
    timestamp.ok_or_else(|| format!("{name} is not a time such as 2018-02-02T00:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

    fn line(ids: &str) -> String {
        let times = r#""called_at":"2018-02-02T00:00:00Z","created_at":"2018-02-02T00:00:00Z","updated_at":"2018-02-02T00:00:00Z""#;
        format!(r#"{{"type":"call",{ids}"uuid":"{UUID}","contact_uuid":"{UUID}",{times}}}"#)
    }

    fn parse<T: TryFrom<Line, Error = String>>(ids: &str) -> Result<T, String> {
        serde_json::from_str::<Line>(&line(ids)).unwrap().try_into()
    }

    #[test]
    fn requires_the_ids_of_a_backup_only() {
        let ids = r#""id":3,"account_id":1,"contact_id":2,"#;
        let record = parse::<BackupRecord>(ids).unwrap();
        assert!(matches!(&record, BackupRecord::Call(call) if (call.id.get(), call.contact.get()) == (3, 2)));
        for (kind, ids) in [(Kind::Backup, ids), (Kind::Export, "")] {
            let written = serde_json::to_value(Line::new(record.clone(), kind)).unwrap();
            assert_eq!(written, serde_json::from_str::<serde_json::Value>(&line(ids)).unwrap());
        }
        assert!(parse::<ImportRecord>("").is_ok());
        for (ids, problem) in [
            ("", "id is not an id"),
            (r#""id":0,"account_id":1,"contact_id":2,"#, "id is not an id"),
            (r#""id":3,"account_id":1,"#, "contact_id is not an id"),
        ] {
            assert_eq!(parse::<BackupRecord>(ids).unwrap_err(), problem);
        }
    }

    #[test]
    fn rejects_a_last_id_that_is_none() {
        let parse = |calls: i64| {
            let line = format!(
                r#"{{"type":"last_ids","accounts":1,"tokens":0,"contacts":0,"contact_fields":0,"calls":{calls}}}"#
            );
            BackupRecord::try_from(serde_json::from_str::<Line>(&line).unwrap())
        };
        assert!(parse(7).is_ok());
        for calls in [-1, 1 << 53, i64::MAX] {
            assert_eq!(parse(calls).unwrap_err(), "a last id is not an id");
        }
    }

    #[test]
    fn rejects_a_contact_with_too_many_fields() {
        let time = "2018-02-02T00:00:00Z";
        let parse = |fields: usize| {
            let field = format!(r#"{{"kind":"Phone","data":"1","created_at":"{time}"}}"#);
            let fields = vec![field; fields].join(",");
            let line = format!(
                r#"{{"type":"contact","uuid":"{UUID}","first_name":"Ann","fields":[{fields}],"created_at":"{time}","updated_at":"{time}"}}"#
            );
            ImportRecord::try_from(serde_json::from_str::<Line>(&line).unwrap())
        };
        assert!(parse(100).is_ok());
        assert_eq!(parse(101).unwrap_err(), "the contact has more than 100 contact fields");
    }
}
