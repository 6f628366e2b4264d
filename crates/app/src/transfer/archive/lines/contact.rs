//! The line of a contact.

use domain::{
    AccountId, Contact, ContactField, ContactFieldId, ContactFieldKind, ContactId, ContactSummary, Gender,
    ImportantDate, NewContact, NewContactField, Profile, StayInTouchFrequency, Uuid,
};
use ports::outbound::{FieldIdentity, ImportContact};
use serde::{Deserialize, Serialize};

use super::{id, optional_text, text, timestamp};

/// The line of a contact.
#[derive(Debug, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a contact has independent flags")]
pub struct ContactLine {
    #[serde(flatten)]
    ids: Ids,
    uuid: Uuid,
    first_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    middle_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<String>,
    #[serde(default)]
    is_starred: bool,
    #[serde(default)]
    is_partial: bool,
    #[serde(default = "default_is_active")]
    is_active: bool,
    #[serde(default)]
    is_dead: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    birthdate: Option<DateValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deceased_date: Option<DateValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stay_in_touch_frequency: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldValue>,
    created_at: String,
    updated_at: String,
}

/// The ids of a backup.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Ids {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<i64>,
}

fn default_is_active() -> bool {
    true
}

/// A birthdate or a date of death.
#[derive(Debug, Serialize, Deserialize)]
struct DateValue {
    date: String,
    #[serde(default)]
    is_age_based: bool,
    #[serde(default)]
    is_year_unknown: bool,
}

impl DateValue {
    fn new(ImportantDate { date, is_age_based, is_year_unknown }: ImportantDate) -> Self {
        Self { date: date.to_string(), is_age_based, is_year_unknown }
    }

    fn parse(name: &str, value: Option<Self>) -> Result<Option<ImportantDate>, String> {
        let Some(Self { date, is_age_based, is_year_unknown }) = value else { return Ok(None) };
        Ok(Some(ImportantDate { date: timestamp(name, &date)?, is_age_based, is_year_unknown }))
    }
}

/// A contact field.
#[derive(Debug, Serialize, Deserialize)]
struct FieldValue {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    /// Files of versions before contact fields had UUIDs lack it.
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<Uuid>,
    kind: String,
    data: String,
    created_at: String,
    /// Absent if the field did not change since it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
}

impl FieldValue {
    fn new(field: ContactField, has_ids: bool) -> Self {
        Self {
            id: has_ids.then_some(field.id.get()),
            uuid: Some(field.uuid),
            kind: field.content.kind.name().to_owned(),
            data: field.content.data.into(),
            created_at: field.created_at.to_string(),
            updated_at: (field.updated_at != field.created_at).then(|| field.updated_at.to_string()),
        }
    }

    /// Parses kind and data, and the rest. A field without a UUID gets a new one.
    fn parse(self) -> Result<(NewContactField, FieldIdentity), String> {
        let kind = ContactFieldKind::named(&self.kind).ok_or("the kind of a contact field is unknown")?;
        let data = text("the data of a contact field", self.data)?;
        let created_at = timestamp("created_at of a contact field", &self.created_at)?;
        let updated_at = self.updated_at.map(|time| timestamp("updated_at of a contact field", &time)).transpose()?;
        let uuid = self.uuid.unwrap_or_else(Uuid::new_v4);
        let identity = FieldIdentity { uuid, created_at, updated_at: updated_at.unwrap_or(created_at) };
        Ok((NewContactField { kind, data }, identity))
    }
}

impl ContactLine {
    /// Returns the line of the contact.
    pub fn new(contact: Contact, has_ids: bool) -> Self {
        let ContactSummary { id, uuid, account, profile } = contact.summary;
        let ids = Ids { id: Some(id.get()), account_id: Some(account.get()) };
        Self {
            ids: if has_ids { ids } else { Ids::default() },
            uuid,
            first_name: profile.first_name.into(),
            middle_name: profile.middle_name.map(Into::into),
            last_name: profile.last_name.map(Into::into),
            nickname: profile.nickname.map(Into::into),
            gender: profile.gender.map(|gender| gender.as_str().to_owned()),
            is_starred: profile.is_starred,
            is_partial: profile.is_partial,
            is_active: profile.is_active,
            is_dead: profile.is_dead,
            birthdate: profile.birthdate.map(DateValue::new),
            deceased_date: profile.deceased_date.map(DateValue::new),
            description: contact.description.map(Into::into),
            job: contact.job.map(Into::into),
            company: contact.company.map(Into::into),
            stay_in_touch_frequency: contact.stay_in_touch_frequency.map(|frequency| frequency.days().into()),
            fields: contact.fields.into_iter().map(|field| FieldValue::new(field, has_ids)).collect(),
            created_at: contact.created_at.to_string(),
            updated_at: contact.updated_at.to_string(),
        }
    }

    /// Parses the line of an export.
    pub fn into_import(self) -> Result<ImportContact, String> {
        let profile = Profile {
            first_name: text("first_name", self.first_name)?,
            middle_name: optional_text("middle_name", self.middle_name)?,
            last_name: optional_text("last_name", self.last_name)?,
            nickname: optional_text("nickname", self.nickname)?,
            gender: optional_text("gender", self.gender)?.and_then(Gender::named),
            is_starred: self.is_starred,
            is_partial: self.is_partial,
            is_active: self.is_active,
            is_dead: self.is_dead,
            birthdate: DateValue::parse("birthdate", self.birthdate)?,
            deceased_date: DateValue::parse("deceased_date", self.deceased_date)?,
        };
        if self.fields.len() > NewContact::MAX_FIELDS {
            return Err(format!("the contact has more than {} contact fields", NewContact::MAX_FIELDS));
        }
        let frequency = |days| {
            let frequency = StayInTouchFrequency::from_days(days);
            frequency.ok_or("stay_in_touch_frequency is not between 1 and 3650")
        };
        let stay_in_touch_frequency = self.stay_in_touch_frequency.map(frequency).transpose()?;
        let parsed = self.fields.into_iter().map(FieldValue::parse).collect::<Result<Vec<_>, _>>()?;
        let (fields, identities) = parsed.into_iter().unzip();
        Ok(ImportContact {
            uuid: self.uuid,
            contact: NewContact {
                profile,
                description: optional_text("description", self.description)?,
                job: optional_text("job", self.job)?,
                company: optional_text("company", self.company)?,
                stay_in_touch_frequency,
                fields,
            },
            fields: identities,
            created_at: timestamp("created_at", &self.created_at)?,
            updated_at: timestamp("updated_at", &self.updated_at)?,
        })
    }

    /// Parses the line of a backup. The counters are not set: the store counts the calls.
    pub fn into_backup(self) -> Result<Contact, String> {
        let ids = self.ids;
        let field_ids: Vec<_> = self.fields.iter().map(|field| field.id).collect();
        let ImportContact { uuid, contact, fields: identities, created_at, updated_at } = self.into_import()?;
        let NewContact { profile, description, job, company, stay_in_touch_frequency, fields } = contact;
        let fields = fields.into_iter().zip(identities).zip(field_ids).map(|((content, identity), field_id)| {
            let id = id("id of a contact field", field_id.and_then(ContactFieldId::new))?;
            let FieldIdentity { uuid, created_at, updated_at } = identity;
            Ok(ContactField { id, uuid, content, created_at, updated_at })
        });
        Ok(Contact {
            summary: ContactSummary {
                id: id("id", ids.id.and_then(ContactId::new))?,
                uuid,
                account: id("account_id", ids.account_id.and_then(AccountId::new))?,
                profile,
            },
            description,
            job,
            company,
            stay_in_touch_frequency,
            fields: fields.collect::<Result<_, String>>()?,
            last_called: None,
            calls: 0,
            created_at,
            updated_at,
        })
    }
}
