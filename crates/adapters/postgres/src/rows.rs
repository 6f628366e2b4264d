//! Rows as PostgreSQL keeps them, and the domain's values they stand for.

use chrono::{DateTime, Utc};
use diesel::dsl::SqlTypeOf;
use diesel::pg::Pg;
use diesel::prelude::*;
use domain::{
    Account, AccountId, Call, CallId, Contact, ContactField, ContactFieldId, ContactFieldKind, ContactId,
    ContactSummary, Content, Emotion, Gender, ImportantDate, Name, NewCall, NewContact, NewContactField, Profile,
    Scope, Timestamp, Token, TokenId, Uuid,
};
use ports::Error;
use ports::outbound::StoredCall;
use storage::StoreError;

use crate::schema::{accounts, calls, contact_fields, contacts, tokens};

/// The columns of [`CallRow`], in its order.
macro_rules! call_columns {
    () => {
        "id, uuid, contact_id, called_at, content, contact_called, emotions, created_at, updated_at"
    };
}

/// The columns of [`CardRow`], in its order.
macro_rules! card_columns {
    () => {
        "id, uuid, account_id, first_name, middle_name, last_name, nickname, gender, is_starred, is_partial, \
         is_active, is_dead, birthdate, birthdate_is_age_based, birthdate_is_year_unknown, deceased_date, \
         deceased_date_is_age_based, deceased_date_is_year_unknown"
    };
}

pub(crate) use {call_columns, card_columns};

/// [`CallRow`] in SQL's types.
pub type CallSql = SqlTypeOf<<CallRow as Selectable<Pg>>::SelectExpression>;
/// [`CardRow`] in SQL's types.
pub type CardSql = SqlTypeOf<<CardRow as Selectable<Pg>>::SelectExpression>;

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts, check_for_backend(Pg))]
pub struct AccountRow {
    id: i64,
    name: String,
    created_at: DateTime<Utc>,
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Self { id: AccountId::from_store(row.id), name: Name::from_store(row.name), created_at: row.created_at.into() }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tokens, check_for_backend(Pg))]
pub struct TokenRow {
    id: i64,
    account_id: i64,
    name: String,
    read_only: bool,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl From<TokenRow> for Token {
    fn from(row: TokenRow) -> Self {
        Self {
            id: TokenId::from_store(row.id),
            account: AccountId::from_store(row.account_id),
            name: Name::from_store(row.name),
            scope: if row.read_only { Scope::ReadOnly } else { Scope::ReadWrite },
            created_at: row.created_at.into(),
            expires_at: row.expires_at.map(Timestamp::from),
            revoked_at: row.revoked_at.map(Timestamp::from),
        }
    }
}

/// What a contact is known by, as columns.
#[derive(Queryable, Selectable, Insertable, AsChangeset, PartialEq, Eq, Clone)]
#[diesel(table_name = contacts, check_for_backend(Pg), treat_none_as_null = true)]
pub struct ProfileRow {
    first_name: String,
    middle_name: Option<String>,
    last_name: Option<String>,
    nickname: Option<String>,
    gender: Option<String>,
    is_starred: bool,
    is_partial: bool,
    is_active: bool,
    is_dead: bool,
    birthdate: Option<DateTime<Utc>>,
    birthdate_is_age_based: bool,
    birthdate_is_year_unknown: bool,
    deceased_date: Option<DateTime<Utc>>,
    deceased_date_is_age_based: bool,
    deceased_date_is_year_unknown: bool,
}

impl ProfileRow {
    /// Not archived.
    pub fn is_active(&self) -> bool {
        self.is_active
    }
}

impl From<Profile> for ProfileRow {
    fn from(profile: Profile) -> Self {
        let text = |name: Option<Name>| name.map(|name| name.as_str().to_owned());
        Self {
            first_name: profile.first_name.as_str().to_owned(),
            middle_name: text(profile.middle_name),
            last_name: text(profile.last_name),
            nickname: text(profile.nickname),
            gender: profile.gender.map(|gender| gender.as_str().to_owned()),
            is_starred: profile.is_starred,
            is_partial: profile.is_partial,
            is_active: profile.is_active,
            is_dead: profile.is_dead,
            birthdate: profile.birthdate.map(|b| b.date.calendar()),
            birthdate_is_age_based: profile.birthdate.is_some_and(|b| b.is_age_based),
            birthdate_is_year_unknown: profile.birthdate.is_some_and(|b| b.is_year_unknown),
            deceased_date: profile.deceased_date.map(|d| d.date.calendar()),
            deceased_date_is_age_based: profile.deceased_date.is_some_and(|d| d.is_age_based),
            deceased_date_is_year_unknown: profile.deceased_date.is_some_and(|d| d.is_year_unknown),
        }
    }
}

impl From<ProfileRow> for Profile {
    fn from(row: ProfileRow) -> Self {
        let date = |date: Option<DateTime<Utc>>, is_age_based, is_year_unknown| {
            date.map(|date| ImportantDate { date: date.into(), is_age_based, is_year_unknown })
        };
        Self {
            first_name: Name::from_store(row.first_name),
            middle_name: row.middle_name.map(Name::from_store),
            last_name: row.last_name.map(Name::from_store),
            nickname: row.nickname.map(Name::from_store),
            gender: row.gender.map(Name::from_store).and_then(Gender::named),
            is_starred: row.is_starred,
            is_partial: row.is_partial,
            is_active: row.is_active,
            is_dead: row.is_dead,
            birthdate: date(row.birthdate, row.birthdate_is_age_based, row.birthdate_is_year_unknown),
            deceased_date: date(row.deceased_date, row.deceased_date_is_age_based, row.deceased_date_is_year_unknown),
        }
    }
}

#[derive(Queryable, Selectable, Clone)]
#[diesel(table_name = contacts, check_for_backend(Pg))]
pub struct CardRow {
    pub id: i64,
    uuid: Uuid,
    account_id: i64,
    #[diesel(embed)]
    pub profile: ProfileRow,
}

impl From<CardRow> for ContactSummary {
    fn from(row: CardRow) -> Self {
        Self {
            id: ContactId::from_store(row.id),
            uuid: row.uuid,
            account: AccountId::from_store(row.account_id),
            profile: row.profile.into(),
        }
    }
}

/// What a contact's owner may change, as columns.
#[derive(Insertable, AsChangeset, Queryable, Selectable, PartialEq, Eq, Clone)]
#[diesel(table_name = contacts, check_for_backend(Pg), treat_none_as_null = true)]
pub struct ContactPart {
    #[diesel(embed)]
    profile: ProfileRow,
    description: Option<String>,
    job: Option<String>,
    company: Option<String>,
    search_text: String,
}

impl From<NewContact> for ContactPart {
    fn from(contact: NewContact) -> Self {
        let search_text = contact.search_text();
        Self {
            profile: contact.profile.into(),
            description: contact.description.map(|text| text.as_str().to_owned()),
            job: contact.job.map(|text| text.as_str().to_owned()),
            company: contact.company.map(|text| text.as_str().to_owned()),
            search_text,
        }
    }
}

impl ContactPart {
    /// The part with the contact's fields.
    pub fn with(self, fields: Vec<NewContactField>) -> NewContact {
        NewContact {
            profile: self.profile.into(),
            description: self.description.map(Content::from_store),
            job: self.job.map(Name::from_store),
            company: self.company.map(Name::from_store),
            fields,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = contacts)]
pub struct NewContactRow {
    pub account_id: i64,
    pub uuid: Uuid,
    #[diesel(embed)]
    pub part: ContactPart,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = contacts, check_for_backend(Pg))]
pub struct ContactRow {
    #[diesel(embed)]
    card: CardRow,
    description: Option<String>,
    job: Option<String>,
    company: Option<String>,
    last_called: Option<DateTime<Utc>>,
    calls: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl ContactRow {
    /// The contact's id.
    pub fn id(&self) -> i64 {
        self.card.id
    }

    /// The contact with its fields.
    pub fn with(self, fields: Vec<ContactField>) -> Contact {
        Contact {
            summary: self.card.into(),
            description: self.description.map(Content::from_store),
            job: self.job.map(Name::from_store),
            company: self.company.map(Name::from_store),
            fields,
            last_called: self.last_called.map(Timestamp::from),
            calls: self.calls.unsigned_abs(),
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = contact_fields, check_for_backend(Pg))]
pub struct ContactFieldRow {
    id: i64,
    pub contact_id: i64,
    kind: i16,
    data: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<ContactFieldRow> for ContactField {
    type Error = StoreError;

    fn try_from(row: ContactFieldRow) -> Result<Self, StoreError> {
        let unknown =
            || Error::fault(format!("the store holds a kind of field {} that no version has written", row.kind));
        let kind = ContactFieldKind::new(row.kind.into()).ok_or_else(unknown)?;
        Ok(Self {
            id: ContactFieldId::from_store(row.id),
            content: NewContactField { kind, data: Name::from_store(row.data) },
            created_at: row.created_at.into(),
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = contact_fields)]
pub struct NewContactFieldRow {
    pub account_id: i64,
    pub contact_id: i64,
    pub kind: i16,
    pub data: String,
    pub search_data: String,
    pub created_at: DateTime<Utc>,
}

impl NewContactFieldRow {
    /// The field as a row of its contact.
    pub fn new(account: AccountId, contact: i64, field: &NewContactField, now: Timestamp) -> Self {
        Self {
            account_id: account.get(),
            contact_id: contact,
            kind: i16::try_from(field.kind.id()).unwrap_or_default(),
            data: field.data.as_str().to_owned(),
            search_data: field.search_data(),
            created_at: now.calendar(),
        }
    }
}

/// What a call's owner may change, as columns.
#[derive(Insertable, AsChangeset, Queryable, Selectable, PartialEq, Eq, Clone)]
#[diesel(table_name = calls, check_for_backend(Pg), treat_none_as_null = true)]
pub struct CallPart {
    pub contact_id: i64,
    pub called_at: DateTime<Utc>,
    pub content: Option<String>,
    pub contact_called: Option<bool>,
    pub emotions: Vec<i16>,
}

impl From<NewCall> for CallPart {
    fn from(call: NewCall) -> Self {
        Self {
            contact_id: call.contact.get(),
            called_at: call.called_at.calendar(),
            content: call.content.map(|text| text.as_str().to_owned()),
            contact_called: call.contact_called,
            emotions: call.emotions.iter().filter_map(|emotion| emotion.id().try_into().ok()).collect(),
        }
    }
}

impl TryFrom<CallPart> for NewCall {
    type Error = StoreError;

    fn try_from(row: CallPart) -> Result<Self, StoreError> {
        let emotion = |id: i16| {
            let unknown = || Error::fault(format!("the store holds an emotion {id} that no version has written"));
            Emotion::new(id.into()).ok_or_else(unknown)
        };
        Ok(Self {
            contact: ContactId::from_store(row.contact_id),
            called_at: row.called_at.into(),
            content: row.content.map(Content::from_store),
            contact_called: row.contact_called,
            emotions: row.emotions.into_iter().map(emotion).collect::<Result<_, _>>()?,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = calls, check_for_backend(Pg))]
pub struct CallRow {
    id: i64,
    uuid: Uuid,
    #[diesel(embed)]
    part: CallPart,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl CallRow {
    /// The call's id.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The call without its contact.
    pub fn stored(self, account: AccountId, contact_uuid: Uuid) -> Result<StoredCall, StoreError> {
        Ok(StoredCall {
            id: CallId::from_store(self.id),
            uuid: self.uuid,
            account,
            call: self.part.try_into()?,
            contact_uuid,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        })
    }

    /// The call with its contact.
    pub fn with(self, contact: CardRow) -> Result<Call, StoreError> {
        let contact = ContactSummary::from(contact);
        let part = NewCall::try_from(self.part)?;
        Ok(Call {
            id: CallId::from_store(self.id),
            uuid: self.uuid,
            account: contact.account,
            called_at: part.called_at,
            content: part.content,
            contact_called: part.contact_called,
            emotions: part.emotions,
            contact,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        })
    }
}
