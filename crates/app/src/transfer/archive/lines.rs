//! One line of an export or a backup, and the record it stands for.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{
    Account, AccountId, CallId, Contact, ContactField, ContactFieldId, ContactFieldKind, ContactId, ContactSummary,
    Emotion, Gender, ImportantDate, NewCall, NewContactField, Profile, Scope, SecretHash, Text, Timestamp, Token,
    TokenId, Uuid,
};
use ports::outbound::{LastIds, Record, StoredCall};
use serde::{Deserialize, Serialize};

/// The version of the format; a reader takes no other.
pub const VERSION: u32 = 1;

/// What the lines are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One account's contacts and calls, without ids.
    Export,
    /// A whole store.
    Backup,
}

/// How many lines of each kind there are.
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Totals {
    /// Counts one more record.
    pub fn count(&mut self, record: &Record) {
        match record {
            Record::Account(_) => self.accounts += 1,
            Record::Token(..) => self.tokens += 1,
            Record::Contact(_) => self.contacts += 1,
            Record::Call(_) => self.calls += 1,
            Record::LastIds(_) => {}
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accounts, tokens, contacts, calls } = self;
        write!(f, "{accounts} accounts, {tokens} tokens, {contacts} contacts and {calls} calls")
    }
}

/// One line.
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
    LastIds(LastIdsLine),
    /// The last line: what is cut off before it is not whole.
    End(Totals),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct AccountLine {
    id: i64,
    name: String,
    created_at: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct TokenLine {
    id: i64,
    account_id: i64,
    name: String,
    sha256: String,
    read_only: bool,
    created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct LastIdsLine {
    accounts: i64,
    tokens: i64,
    contacts: i64,
    contact_fields: i64,
    calls: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a contact is made of independent facts")]
pub struct ContactLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account_id: Option<i64>,
    uuid: Uuid,
    first_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    middle_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gender: Option<String>,
    #[serde(default)]
    is_starred: bool,
    #[serde(default)]
    is_partial: bool,
    #[serde(default = "yes")]
    is_active: bool,
    #[serde(default)]
    is_dead: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    birthdate: Option<DateLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deceased_date: Option<DateLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    company: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldLine>,
    created_at: String,
    updated_at: String,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Serialize, Deserialize)]
struct DateLine {
    date: String,
    #[serde(default)]
    is_age_based: bool,
    #[serde(default)]
    is_year_unknown: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct FieldLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    kind: String,
    data: String,
    created_at: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct CallLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account_id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contact_id: Option<i64>,
    uuid: Uuid,
    contact_uuid: Uuid,
    called_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contact_called: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    emotions: Vec<i64>,
    created_at: String,
    updated_at: String,
}

impl Line {
    /// The record as a line: with its ids in a backup, without them in an export.
    pub fn of(record: Record, kind: Kind) -> Self {
        let keeps_ids = kind == Kind::Backup;
        match record {
            Record::Account(account) => Self::Account(AccountLine {
                id: account.id.get(),
                name: account.name.into(),
                created_at: account.created_at.to_string(),
            }),
            Record::Token(token, hash) => Self::Token(TokenLine {
                id: token.id.get(),
                account_id: token.account.get(),
                name: token.name.into(),
                sha256: hex(&hash.0),
                read_only: token.scope == Scope::ReadOnly,
                created_at: token.created_at.to_string(),
                expires_at: token.expires_at.map(|timestamp| timestamp.to_string()),
                revoked_at: token.revoked_at.map(|timestamp| timestamp.to_string()),
            }),
            Record::Contact(contact) => Self::Contact(Box::new(contact_line(*contact, keeps_ids))),
            Record::Call(call) => Self::Call(Box::new(CallLine {
                id: keeps_ids.then_some(call.id.get()),
                account_id: keeps_ids.then_some(call.account.get()),
                contact_id: keeps_ids.then_some(call.call.contact.get()),
                uuid: call.uuid,
                contact_uuid: call.contact_uuid,
                called_at: call.call.called_at.to_string(),
                content: call.call.content.map(Into::into),
                contact_called: call.call.contact_called,
                emotions: call.call.emotions.iter().map(|emotion| emotion.id()).collect(),
                created_at: call.created_at.to_string(),
                updated_at: call.updated_at.to_string(),
            })),
            Record::LastIds(LastIds { accounts, tokens, contacts, contact_fields, calls }) => {
                Self::LastIds(LastIdsLine { accounts, tokens, contacts, contact_fields, calls })
            }
        }
    }

    /// The record of the line, or what is wrong with it. In a backup, ids are not missing.
    pub fn into_record(self, kind: Kind) -> Result<Record, String> {
        let ids = Ids { are_needed: kind == Kind::Backup };
        Ok(match self {
            Self::Header { .. } | Self::End(_) => return Err("stands in the middle".to_owned()),
            Self::Account(line) => Record::Account(Account {
                id: AccountId::new(line.id).ok_or("id is no id")?,
                name: text("name", &line.name)?,
                created_at: timestamp("created_at", &line.created_at)?,
            }),
            Self::Token(line) => {
                let optional = |name, stamp: Option<String>| stamp.map(|stamp| timestamp(name, &stamp)).transpose();
                let token = Token {
                    id: TokenId::new(line.id).ok_or("id is no id")?,
                    account: AccountId::new(line.account_id).ok_or("account_id is no id")?,
                    name: text("name", &line.name)?,
                    scope: if line.read_only { Scope::ReadOnly } else { Scope::ReadWrite },
                    created_at: timestamp("created_at", &line.created_at)?,
                    expires_at: optional("expires_at", line.expires_at)?,
                    revoked_at: optional("revoked_at", line.revoked_at)?,
                };
                Record::Token(token, SecretHash(unhex(&line.sha256).ok_or("sha256 is not 64 hexadecimal digits")?))
            }
            Self::Contact(line) => Record::Contact(Box::new(contact(*line, &ids)?)),
            Self::Call(line) => Record::Call(Box::new(call(*line, &ids)?)),
            Self::LastIds(line) => Record::LastIds(LastIds {
                accounts: line.accounts,
                tokens: line.tokens,
                contacts: line.contacts,
                contact_fields: line.contact_fields,
                calls: line.calls,
            }),
        })
    }
}

fn contact_line(contact: Contact, keeps_ids: bool) -> ContactLine {
    let profile = contact.summary.profile;
    let date = |date: ImportantDate| DateLine {
        date: date.date.to_string(),
        is_age_based: date.is_age_based,
        is_year_unknown: date.is_year_unknown,
    };
    let field = |field: ContactField| FieldLine {
        id: keeps_ids.then_some(field.id.get()),
        kind: field.content.kind.name().to_owned(),
        data: field.content.data.into(),
        created_at: field.created_at.to_string(),
    };
    ContactLine {
        id: keeps_ids.then_some(contact.summary.id.get()),
        account_id: keeps_ids.then_some(contact.summary.account.get()),
        uuid: contact.summary.uuid,
        first_name: profile.first_name.into(),
        middle_name: profile.middle_name.map(Into::into),
        last_name: profile.last_name.map(Into::into),
        nickname: profile.nickname.map(Into::into),
        gender: profile.gender.map(|gender| gender.as_str().to_owned()),
        is_starred: profile.is_starred,
        is_partial: profile.is_partial,
        is_active: profile.is_active,
        is_dead: profile.is_dead,
        birthdate: profile.birthdate.map(date),
        deceased_date: profile.deceased_date.map(date),
        description: contact.description.map(Into::into),
        job: contact.job.map(Into::into),
        company: contact.company.map(Into::into),
        fields: contact.fields.into_iter().map(field).collect(),
        created_at: contact.created_at.to_string(),
        updated_at: contact.updated_at.to_string(),
    }
}

struct Ids {
    are_needed: bool,
}

impl Ids {
    /// The id; in an export, where the store gives a new one, any number will do.
    fn take(&self, name: &str, id: Option<i64>) -> Result<i64, String> {
        match id {
            Some(id) if (1..1 << 53).contains(&id) => Ok(id),
            None if !self.are_needed => Ok(0),
            _ => Err(format!("{name} is no id")),
        }
    }
}

fn contact(line: ContactLine, ids: &Ids) -> Result<Contact, String> {
    let date = |name, date: Option<DateLine>| {
        let read = |DateLine { date, is_age_based, is_year_unknown }| {
            Ok::<_, String>(ImportantDate { date: timestamp(name, &date)?, is_age_based, is_year_unknown })
        };
        date.map(read).transpose()
    };
    let field = |line: FieldLine| {
        Ok::<_, String>(ContactField {
            id: ContactFieldId::from_store(ids.take("a field's id", line.id)?),
            content: NewContactField {
                kind: ContactFieldKind::named(&line.kind).ok_or("a field's kind is none")?,
                data: text("a field's data", &line.data)?,
            },
            created_at: timestamp("a field's created_at", &line.created_at)?,
        })
    };
    let profile = Profile {
        first_name: text("first_name", &line.first_name)?,
        middle_name: optional_text("middle_name", line.middle_name.as_deref())?,
        last_name: optional_text("last_name", line.last_name.as_deref())?,
        nickname: optional_text("nickname", line.nickname.as_deref())?,
        gender: optional_text("gender", line.gender.as_deref())?.and_then(Gender::named),
        is_starred: line.is_starred,
        is_partial: line.is_partial,
        is_active: line.is_active,
        is_dead: line.is_dead,
        birthdate: date("birthdate", line.birthdate)?,
        deceased_date: date("deceased_date", line.deceased_date)?,
    };
    Ok(Contact {
        summary: ContactSummary {
            id: ContactId::from_store(ids.take("id", line.id)?),
            uuid: line.uuid,
            account: AccountId::from_store(ids.take("account_id", line.account_id)?),
            profile,
        },
        description: optional_text("description", line.description.as_deref())?,
        job: optional_text("job", line.job.as_deref())?,
        company: optional_text("company", line.company.as_deref())?,
        fields: line.fields.into_iter().map(field).collect::<Result<_, _>>()?,
        // Counted anew by the store.
        last_called: None,
        calls: 0,
        created_at: timestamp("created_at", &line.created_at)?,
        updated_at: timestamp("updated_at", &line.updated_at)?,
    })
}

fn call(line: CallLine, ids: &Ids) -> Result<StoredCall, String> {
    let emotion = |id| Emotion::new(id).ok_or("an emotion is none");
    Ok(StoredCall {
        id: CallId::from_store(ids.take("id", line.id)?),
        uuid: line.uuid,
        account: AccountId::from_store(ids.take("account_id", line.account_id)?),
        call: NewCall {
            contact: ContactId::from_store(ids.take("contact_id", line.contact_id)?),
            called_at: timestamp("called_at", &line.called_at)?,
            content: optional_text("content", line.content.as_deref())?,
            contact_called: line.contact_called,
            emotions: line.emotions.into_iter().map(emotion).collect::<Result<_, _>>()?,
        },
        contact_uuid: line.contact_uuid,
        created_at: timestamp("created_at", &line.created_at)?,
        updated_at: timestamp("updated_at", &line.updated_at)?,
    })
}

fn text<const MAX: usize>(name: &str, value: &str) -> Result<Text<MAX>, String> {
    Text::parse(value).map_err(|error| format!("{name}: {error}"))
}

fn optional_text<const MAX: usize>(name: &str, value: Option<&str>) -> Result<Option<Text<MAX>>, String> {
    value.map(|value| text(name, value)).transpose()
}

fn timestamp(name: &str, stamp: &str) -> Result<Timestamp, String> {
    let time: Option<DateTime<Utc>> = DateTime::parse_from_rfc3339(stamp).ok().map(Into::into);
    let timestamp = time.and_then(|time| Timestamp::from_unix(time.timestamp()));
    timestamp.ok_or_else(|| format!("{name} is not an instant such as 2018-02-02T00:00:00Z"))
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| digit.try_into().ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if text.len() == 64 { bytes.try_into().ok() } else { None }
}
