//! Rows of contacts and contact fields.

use diesel::prelude::*;
use domain::{
    AccountId, Contact, ContactField, ContactFieldId, ContactFieldKind, ContactId, ContactSummary, Gender,
    ImportantDate, Name, NewContact, NewContactField, Profile, StayInTouchFrequency, Timestamp, Uuid,
};
use ports::outbound::{FieldIdentity, ImportContact};

use super::{account_id, contact_id, invalid, optional_text, text};
use crate::columns::{DbTimestamp, DbUuid};
use crate::schema::{contact_fields, contacts};
use crate::{StoreError, StoreResult};

/// The profile of a contact.
#[derive(Queryable, Selectable, Insertable, AsChangeset, PartialEq, Eq, Clone)]
#[diesel(table_name = contacts, treat_none_as_null = true, treat_none_as_default_value = false)]
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
    birthdate: Option<DbTimestamp>,
    birthdate_is_age_based: bool,
    birthdate_is_year_unknown: bool,
    deceased_date: Option<DbTimestamp>,
    deceased_date_is_age_based: bool,
    deceased_date_is_year_unknown: bool,
}

impl From<Profile> for ProfileRow {
    fn from(profile: Profile) -> Self {
        let Profile { birthdate, deceased_date, .. } = profile;
        Self {
            first_name: profile.first_name.into(),
            middle_name: profile.middle_name.map(Into::into),
            last_name: profile.last_name.map(Into::into),
            nickname: profile.nickname.map(Into::into),
            gender: profile.gender.map(|gender| gender.as_str().to_owned()),
            is_starred: profile.is_starred,
            is_partial: profile.is_partial,
            is_active: profile.is_active,
            is_dead: profile.is_dead,
            birthdate: birthdate.map(|date| date.date.into()),
            birthdate_is_age_based: birthdate.is_some_and(|date| date.is_age_based),
            birthdate_is_year_unknown: birthdate.is_some_and(|date| date.is_year_unknown),
            deceased_date: deceased_date.map(|date| date.date.into()),
            deceased_date_is_age_based: deceased_date.is_some_and(|date| date.is_age_based),
            deceased_date_is_year_unknown: deceased_date.is_some_and(|date| date.is_year_unknown),
        }
    }
}

impl TryFrom<ProfileRow> for Profile {
    type Error = StoreError;

    fn try_from(row: ProfileRow) -> StoreResult<Self> {
        let date = |date: Option<DbTimestamp>, is_age_based, is_year_unknown| {
            date.map(|date| ImportantDate { date: date.0, is_age_based, is_year_unknown })
        };
        Ok(Self {
            first_name: text(row.first_name)?,
            middle_name: optional_text(row.middle_name)?,
            last_name: optional_text(row.last_name)?,
            nickname: optional_text(row.nickname)?,
            gender: optional_text::<{ Name::MAX }>(row.gender)?.and_then(Gender::named),
            is_starred: row.is_starred,
            is_partial: row.is_partial,
            is_active: row.is_active,
            is_dead: row.is_dead,
            birthdate: date(row.birthdate, row.birthdate_is_age_based, row.birthdate_is_year_unknown),
            deceased_date: date(row.deceased_date, row.deceased_date_is_age_based, row.deceased_date_is_year_unknown),
        })
    }
}

/// The part of a contact that its calls show.
#[derive(Queryable, Selectable, Clone)]
#[diesel(table_name = contacts)]
pub struct ContactSummaryRow {
    id: i64,
    uuid: DbUuid,
    account_id: i64,
    #[diesel(embed)]
    profile: ProfileRow,
}

impl TryFrom<ContactSummaryRow> for ContactSummary {
    type Error = StoreError;

    fn try_from(row: ContactSummaryRow) -> StoreResult<Self> {
        Ok(Self {
            id: contact_id(row.id)?,
            uuid: row.uuid.0,
            account: account_id(row.account_id)?,
            profile: row.profile.try_into()?,
        })
    }
}

/// The data of a contact that its owner can set.
#[derive(Queryable, Selectable, Insertable, AsChangeset, PartialEq, Eq, Clone)]
#[diesel(table_name = contacts, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct ContactDataRow {
    #[diesel(embed)]
    profile: ProfileRow,
    description: Option<String>,
    job: Option<String>,
    company: Option<String>,
    stay_in_touch_frequency: Option<i16>,
    search_text: String,
}

impl From<NewContact> for ContactDataRow {
    fn from(contact: NewContact) -> Self {
        Self {
            search_text: contact.search_text(),
            profile: contact.profile.into(),
            description: contact.description.map(Into::into),
            job: contact.job.map(Into::into),
            company: contact.company.map(Into::into),
            stay_in_touch_frequency: contact.stay_in_touch_frequency.map(StayInTouchFrequency::days),
        }
    }
}

impl ContactDataRow {
    /// Returns the data with the contact's fields.
    pub fn with_fields(self, fields: Vec<NewContactField>) -> StoreResult<NewContact> {
        Ok(NewContact {
            profile: self.profile.try_into()?,
            description: optional_text(self.description)?,
            job: optional_text(self.job)?,
            company: optional_text(self.company)?,
            stay_in_touch_frequency: frequency(self.stay_in_touch_frequency)?,
            fields,
        })
    }
}

fn frequency(days: Option<i16>) -> StoreResult<Option<StayInTouchFrequency>> {
    let frequency = |days: i16| StayInTouchFrequency::from_days(days.into()).ok_or_else(|| invalid("frequency"));
    days.map(frequency).transpose()
}

/// A contact without an id.
#[derive(Insertable)]
#[diesel(table_name = contacts)]
pub struct NewContactRow {
    account_id: i64,
    uuid: DbUuid,
    #[diesel(embed)]
    data: ContactDataRow,
    created_at: DbTimestamp,
    updated_at: DbTimestamp,
}

impl NewContactRow {
    /// Returns the row of a contact that is created now.
    pub fn new(account: AccountId, contact: NewContact, uuid: Uuid, now: Timestamp) -> Self {
        Self {
            account_id: account.get(),
            uuid: DbUuid(uuid),
            data: contact.into(),
            created_at: now.into(),
            updated_at: now.into(),
        }
    }

    /// Returns the row of a contact that is imported or restored.
    pub fn imported(account: AccountId, contact: ImportContact) -> Self {
        let ImportContact { uuid, contact, created_at, updated_at, .. } = contact;
        Self { updated_at: updated_at.into(), ..Self::new(account, contact, uuid, created_at) }
    }
}

/// A contact without its fields.
#[derive(Queryable, Selectable)]
#[diesel(table_name = contacts)]
pub struct ContactRow {
    #[diesel(embed)]
    summary: ContactSummaryRow,
    description: Option<String>,
    job: Option<String>,
    company: Option<String>,
    stay_in_touch_frequency: Option<i16>,
    last_called: Option<DbTimestamp>,
    calls: i64,
    created_at: DbTimestamp,
    updated_at: DbTimestamp,
}

impl ContactRow {
    /// Returns the id.
    pub fn id(&self) -> i64 {
        self.summary.id
    }

    /// Returns the contact with its fields.
    pub fn with_fields(self, fields: Vec<ContactField>) -> StoreResult<Contact> {
        Ok(Contact {
            summary: self.summary.try_into()?,
            description: optional_text(self.description)?,
            job: optional_text(self.job)?,
            company: optional_text(self.company)?,
            stay_in_touch_frequency: frequency(self.stay_in_touch_frequency)?,
            fields,
            last_called: self.last_called.map(|timestamp| timestamp.0),
            calls: self.calls.unsigned_abs(),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

/// What a write of a contact's calls reads of the contact.
#[derive(Queryable, Selectable)]
#[diesel(table_name = contacts)]
pub struct ContactWithLastCalledRow {
    #[diesel(embed)]
    summary: ContactSummaryRow,
    last_called: Option<DbTimestamp>,
}

/// What a write of a contact's calls needs to know of the contact.
#[derive(Clone)]
pub struct ContactWithLastCalled {
    /// The contact.
    pub summary: ContactSummary,
    /// Its newest call.
    pub last_called: Option<Timestamp>,
}

impl TryFrom<ContactWithLastCalledRow> for ContactWithLastCalled {
    type Error = StoreError;

    fn try_from(row: ContactWithLastCalledRow) -> StoreResult<Self> {
        Ok(Self { summary: row.summary.try_into()?, last_called: row.last_called.map(|timestamp| timestamp.0) })
    }
}

/// A contact field.
#[derive(Queryable, Selectable)]
#[diesel(table_name = contact_fields)]
pub struct ContactFieldRow {
    id: i64,
    /// The contact that has the field.
    pub contact_id: i64,
    uuid: DbUuid,
    kind: i16,
    data: String,
    created_at: DbTimestamp,
    updated_at: DbTimestamp,
}

impl TryFrom<ContactFieldRow> for ContactField {
    type Error = StoreError;

    fn try_from(row: ContactFieldRow) -> StoreResult<Self> {
        let kind = ContactFieldKind::new(row.kind.into()).ok_or_else(|| invalid("kind of contact field"))?;
        Ok(Self {
            id: ContactFieldId::new(row.id).ok_or_else(|| invalid("contact field id"))?,
            uuid: row.uuid.0,
            content: NewContactField { kind, data: text(row.data)? },
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        })
    }
}

/// Kind and data of a contact field.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = contact_fields, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct ContactFieldDataRow {
    kind: i16,
    data: String,
    search_data: String,
    phone_key: Option<String>,
}

impl From<&NewContactField> for ContactFieldDataRow {
    fn from(field: &NewContactField) -> Self {
        Self {
            kind: i16::try_from(field.kind.id()).unwrap_or_default(),
            data: field.data.as_str().to_owned(),
            search_data: field.search_data(),
            phone_key: field.phone_key(),
        }
    }
}

/// A contact field without an id.
#[derive(Insertable)]
#[diesel(table_name = contact_fields)]
pub struct NewContactFieldRow {
    account_id: i64,
    contact_id: i64,
    uuid: DbUuid,
    #[diesel(embed)]
    data: ContactFieldDataRow,
    created_at: DbTimestamp,
    updated_at: DbTimestamp,
}

impl NewContactFieldRow {
    /// Returns the row of a field of the contact.
    pub fn new(account: AccountId, contact: ContactId, field: &NewContactField, identity: FieldIdentity) -> Self {
        Self {
            account_id: account.get(),
            contact_id: contact.get(),
            uuid: DbUuid(identity.uuid),
            data: field.into(),
            created_at: identity.created_at.into(),
            updated_at: identity.updated_at.into(),
        }
    }
}
