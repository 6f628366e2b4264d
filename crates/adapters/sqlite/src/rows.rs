//! Rows as SQLite keeps them, and the domain's values they stand for.

use diesel::dsl::SqlTypeOf;
use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use domain::{
    Account, AccountId, Call, CallId, Contact, ContactField, ContactFieldId, ContactFieldKind, ContactId,
    ContactSummary, Content, Emotion, Gender, ImportantDate, Name, NewCall, NewContact, NewContactField, Profile,
    Scope, Timestamp, Token, TokenId, Uuid,
};
use ports::Error;
use ports::outbound::StoredCall;
use storage::{RawStatement, StoreError, StoreResult};

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
pub type CallSql = SqlTypeOf<<CallRow as Selectable<Sqlite>>::SelectExpression>;
/// [`CardRow`] in SQL's types.
pub type CardSql = SqlTypeOf<<CardRow as Selectable<Sqlite>>::SelectExpression>;

/// A row that this version cannot have written.
fn corrupt(what: &str) -> StoreError {
    Error::fault(format!("the store holds {what} that no version has written")).into()
}

pub fn timestamp(seconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_unix(seconds).ok_or_else(|| corrupt("an instant"))
}

pub fn uuid(bytes: &[u8]) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes).map_err(|_| corrupt("a UUID"))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts, check_for_backend(Sqlite))]
pub struct AccountRow {
    id: i64,
    name: String,
    created_at: i64,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: AccountId::from_store(row.id),
            name: Name::from_store(row.name),
            created_at: timestamp(row.created_at)?,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tokens, check_for_backend(Sqlite))]
pub struct TokenRow {
    id: i64,
    account_id: i64,
    name: String,
    read_only: bool,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl TryFrom<TokenRow> for Token {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: TokenId::from_store(row.id),
            account: AccountId::from_store(row.account_id),
            name: Name::from_store(row.name),
            scope: if row.read_only { Scope::ReadOnly } else { Scope::ReadWrite },
            created_at: timestamp(row.created_at)?,
            expires_at: row.expires_at.map(timestamp).transpose()?,
            revoked_at: row.revoked_at.map(timestamp).transpose()?,
        })
    }
}

/// What a contact is known by, as columns.
#[derive(Queryable, Selectable, Insertable, AsChangeset, PartialEq, Eq, Clone)]
#[diesel(table_name = contacts, check_for_backend(Sqlite), treat_none_as_null = true)]
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
    birthdate: Option<i64>,
    birthdate_is_age_based: bool,
    birthdate_is_year_unknown: bool,
    deceased_date: Option<i64>,
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
            birthdate: profile.birthdate.map(|b| b.date.unix()),
            birthdate_is_age_based: profile.birthdate.is_some_and(|b| b.is_age_based),
            birthdate_is_year_unknown: profile.birthdate.is_some_and(|b| b.is_year_unknown),
            deceased_date: profile.deceased_date.map(|d| d.date.unix()),
            deceased_date_is_age_based: profile.deceased_date.is_some_and(|d| d.is_age_based),
            deceased_date_is_year_unknown: profile.deceased_date.is_some_and(|d| d.is_year_unknown),
        }
    }
}

impl TryFrom<ProfileRow> for Profile {
    type Error = StoreError;

    fn try_from(row: ProfileRow) -> Result<Self, StoreError> {
        let date = |seconds: Option<i64>, is_age_based, is_year_unknown| {
            let date = seconds.map(timestamp).transpose()?;
            Ok::<_, StoreError>(date.map(|date| ImportantDate { date, is_age_based, is_year_unknown }))
        };
        Ok(Self {
            first_name: Name::from_store(row.first_name),
            middle_name: row.middle_name.map(Name::from_store),
            last_name: row.last_name.map(Name::from_store),
            nickname: row.nickname.map(Name::from_store),
            gender: row.gender.map(Name::from_store).and_then(Gender::named),
            is_starred: row.is_starred,
            is_partial: row.is_partial,
            is_active: row.is_active,
            is_dead: row.is_dead,
            birthdate: date(row.birthdate, row.birthdate_is_age_based, row.birthdate_is_year_unknown)?,
            deceased_date: date(row.deceased_date, row.deceased_date_is_age_based, row.deceased_date_is_year_unknown)?,
        })
    }
}

#[derive(Queryable, Selectable, Clone)]
#[diesel(table_name = contacts, check_for_backend(Sqlite))]
pub struct CardRow {
    id: i64,
    uuid: Vec<u8>,
    account_id: i64,
    #[diesel(embed)]
    pub profile: ProfileRow,
}

impl CardRow {
    /// The contact's id.
    pub fn id(&self) -> i64 {
        self.id
    }
}

impl TryFrom<CardRow> for ContactSummary {
    type Error = StoreError;

    fn try_from(row: CardRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ContactId::from_store(row.id),
            uuid: uuid(&row.uuid)?,
            account: AccountId::from_store(row.account_id),
            profile: row.profile.try_into()?,
        })
    }
}

/// What a contact's owner may change, as columns.
#[derive(Insertable, AsChangeset, Queryable, Selectable, PartialEq, Eq, Clone)]
#[diesel(table_name = contacts, check_for_backend(Sqlite), treat_none_as_null = true)]
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
    pub fn with(self, fields: Vec<NewContactField>) -> Result<NewContact, StoreError> {
        Ok(NewContact {
            profile: self.profile.try_into()?,
            description: self.description.map(Content::from_store),
            job: self.job.map(Name::from_store),
            company: self.company.map(Name::from_store),
            fields,
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = contacts)]
pub struct NewContactRow {
    pub account_id: i64,
    pub uuid: Vec<u8>,
    #[diesel(embed)]
    pub part: ContactPart,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = contacts, check_for_backend(Sqlite))]
pub struct ContactRow {
    #[diesel(embed)]
    card: CardRow,
    description: Option<String>,
    job: Option<String>,
    company: Option<String>,
    last_called: Option<i64>,
    calls: i64,
    created_at: i64,
    updated_at: i64,
}

impl ContactRow {
    /// The contact's id.
    pub fn id(&self) -> i64 {
        self.card.id
    }

    /// The contact with its fields.
    pub fn with(self, fields: Vec<ContactField>) -> Result<Contact, StoreError> {
        Ok(Contact {
            summary: self.card.try_into()?,
            description: self.description.map(Content::from_store),
            job: self.job.map(Name::from_store),
            company: self.company.map(Name::from_store),
            fields,
            last_called: self.last_called.map(timestamp).transpose()?,
            calls: self.calls.unsigned_abs(),
            created_at: timestamp(self.created_at)?,
            updated_at: timestamp(self.updated_at)?,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = contact_fields, check_for_backend(Sqlite))]
pub struct ContactFieldRow {
    id: i64,
    pub contact_id: i64,
    kind: i16,
    data: String,
    created_at: i64,
}

impl TryFrom<ContactFieldRow> for ContactField {
    type Error = StoreError;

    fn try_from(row: ContactFieldRow) -> Result<Self, StoreError> {
        let kind = ContactFieldKind::new(row.kind.into()).ok_or_else(|| corrupt("a kind of contact field"))?;
        Ok(Self {
            id: ContactFieldId::from_store(row.id),
            content: NewContactField { kind, data: Name::from_store(row.data) },
            created_at: timestamp(row.created_at)?,
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
    pub created_at: i64,
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
            created_at: now.unix(),
        }
    }
}

/// What a call's owner may change, as columns.
#[derive(Queryable, Selectable, Clone)]
#[diesel(table_name = calls, check_for_backend(Sqlite))]
pub struct CallPart {
    contact_id: i64,
    called_at: i64,
    content: Option<String>,
    contact_called: Option<bool>,
    emotions: String,
}

impl From<NewCall> for CallPart {
    fn from(call: NewCall) -> Self {
        let ids: Vec<_> = call.emotions.iter().map(|emotion| emotion.id().to_string()).collect();
        Self {
            contact_id: call.contact.get(),
            called_at: call.called_at.unix(),
            content: call.content.map(|text| text.as_str().to_owned()),
            contact_called: call.contact_called,
            emotions: ids.join(","),
        }
    }
}

impl TryFrom<CallPart> for NewCall {
    type Error = StoreError;

    fn try_from(row: CallPart) -> Result<Self, StoreError> {
        let emotion = |id: &str| id.parse().ok().and_then(Emotion::new).ok_or_else(|| corrupt("an emotion"));
        Ok(Self {
            contact: ContactId::from_store(row.contact_id),
            called_at: timestamp(row.called_at)?,
            content: row.content.map(Content::from_store),
            contact_called: row.contact_called,
            emotions: row.emotions.split(',').filter(|id| !id.is_empty()).map(emotion).collect::<Result<_, _>>()?,
        })
    }
}

#[derive(Queryable, Selectable, Clone)]
#[diesel(table_name = calls, check_for_backend(Sqlite))]
pub struct CallRow {
    id: i64,
    uuid: Vec<u8>,
    #[diesel(embed)]
    part: CallPart,
    created_at: i64,
    updated_at: i64,
}

/// Id or null, account, UUID, contact, `called_at`, content, `contact_called`, emotions, `created_at`, `updated_at`.
#[derive(QueryId)]
struct Insert;

const INSERT: &str = " INSERT INTO calls
  (id, account_id, uuid, contact_id, called_at, content, contact_called, emotions, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Asked for by a statement of its own: for RETURNING, SQLite makes a temporary table each time, which takes longer.
#[declare_sql_function]
extern "SQL" {
    fn last_insert_rowid() -> BigInt;
}

/// Call, contact, `called_at`, content, `contact_called`, emotions, now.
#[derive(QueryId)]
struct Update;

const UPDATE: &str = " UPDATE calls SET contact_id = ?2, called_at = ?3, content = ?4, contact_called = ?5,
  emotions = ?6, updated_at = ?7 WHERE id = ?1";

/// Call, content, `contact_called`, emotions, now.
#[derive(QueryId)]
struct Reword;

/// What is named after SET is taken out of its indexes and put in again, be it another or the same.
const REWORD: &str =
    " UPDATE calls SET content = ?2, contact_called = ?3, emotions = ?4, updated_at = ?5 WHERE id = ?1";

impl CallRow {
    /// Stores a call, under a new id unless it has one.
    pub fn insert(
        connection: &mut SqliteConnection,
        id: Option<CallId>,
        account: AccountId,
        uuid: Uuid,
        call: NewCall,
        [created_at, updated_at]: [Timestamp; 2],
    ) -> StoreResult<Self> {
        let (uuid, part) = (uuid.as_bytes().to_vec(), CallPart::from(call));
        let (created_at, updated_at) = (created_at.unix(), updated_at.unix());
        let values = (
            id.map(CallId::get).into_sql::<Nullable<BigInt>>(),
            account.get().into_sql::<BigInt>(),
            uuid.as_slice().into_sql::<Binary>(),
            part.contact_id.into_sql::<BigInt>(),
            part.called_at.into_sql::<BigInt>(),
            part.content.as_deref().into_sql::<Nullable<Text>>(),
            part.contact_called.into_sql::<Nullable<Bool>>(),
            part.emotions.as_str().into_sql::<Text>(),
            created_at.into_sql::<BigInt>(),
            updated_at.into_sql::<BigInt>(),
        );
        RawStatement::<BigInt, _, Insert>::new(INSERT, values).execute(connection)?;
        let id = match id {
            Some(id) => id.get(),
            None => diesel::select(last_insert_rowid()).get_result(connection)?,
        };
        Ok(Self { id, uuid, part, created_at, updated_at })
    }

    /// Stores the call as changed.
    pub fn update(self, connection: &mut SqliteConnection, call: NewCall, now: Timestamp) -> StoreResult<Self> {
        let part = CallPart::from(call);
        let is_moved = (part.contact_id, part.called_at) != (self.part.contact_id, self.part.called_at);
        let changed = Self { part, updated_at: now.unix(), ..self };
        let part = &changed.part;
        let id = changed.id.into_sql::<BigInt>();
        let place = (part.contact_id.into_sql::<BigInt>(), part.called_at.into_sql::<BigInt>());
        let words = (
            part.content.as_deref().into_sql::<Nullable<Text>>(),
            part.contact_called.into_sql::<Nullable<Bool>>(),
            part.emotions.as_str().into_sql::<Text>(),
            changed.updated_at.into_sql::<BigInt>(),
        );
        if is_moved {
            RawStatement::<BigInt, _, Update>::new(UPDATE, (id, place, words)).execute(connection)?;
        } else {
            RawStatement::<BigInt, _, Reword>::new(REWORD, (id, words)).execute(connection)?;
        }
        Ok(changed)
    }

    /// What its owner may change.
    pub fn part(&self) -> Result<NewCall, StoreError> {
        self.part.clone().try_into()
    }

    /// The call's id.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The call without its contact.
    pub fn stored(self, account: AccountId, contact_uuid: Uuid) -> Result<StoredCall, StoreError> {
        Ok(StoredCall {
            id: CallId::from_store(self.id),
            uuid: uuid(&self.uuid)?,
            account,
            call: self.part.try_into()?,
            contact_uuid,
            created_at: timestamp(self.created_at)?,
            updated_at: timestamp(self.updated_at)?,
        })
    }

    /// The call with its contact.
    pub fn with(self, contact: CardRow) -> Result<Call, StoreError> {
        let contact = ContactSummary::try_from(contact)?;
        let part = NewCall::try_from(self.part)?;
        Ok(Call {
            id: CallId::from_store(self.id),
            uuid: uuid(&self.uuid)?,
            account: contact.account,
            called_at: part.called_at,
            content: part.content,
            contact_called: part.contact_called,
            emotions: part.emotions,
            contact,
            created_at: timestamp(self.created_at)?,
            updated_at: timestamp(self.updated_at)?,
        })
    }
}
