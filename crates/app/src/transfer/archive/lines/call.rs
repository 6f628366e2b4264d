//! The line of a call.

use domain::{AccountId, CallDetails, CallDuration, CallId, ContactId, Emotion, Uuid};
use ports::inbound::StoredCall;
use ports::outbound::ImportCall;
use serde::{Deserialize, Serialize};

use super::{id, optional_text, timestamp};

/// The line of a call.
#[derive(Debug, Serialize, Deserialize)]
pub struct CallLine {
    #[serde(flatten)]
    ids: Ids,
    uuid: Uuid,
    contact_uuid: Uuid,
    called_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_called: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    emotions: Vec<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_id: Option<i64>,
}

impl CallLine {
    /// Returns the line of the call.
    pub fn new(call: StoredCall, has_ids: bool) -> Self {
        let StoredCall { id, uuid, account, contact, contact_uuid, details, created_at, updated_at } = call;
        let ids = Ids { id: Some(id.get()), account_id: Some(account.get()), contact_id: Some(contact.get()) };
        Self {
            ids: if has_ids { ids } else { Ids::default() },
            uuid,
            contact_uuid,
            called_at: details.called_at.to_string(),
            content: details.content.map(Into::into),
            contact_called: details.contact_called,
            emotions: details.emotions.iter().map(|emotion| emotion.id()).collect(),
            duration_seconds: details.duration.map(|duration| duration.seconds().into()),
            answered: details.answered,
            phone_number: details.phone_number.map(Into::into),
            external_id: details.external_id.map(Into::into),
            created_at: created_at.to_string(),
            updated_at: updated_at.to_string(),
        }
    }

    /// Parses the line of an export.
    pub fn into_import(self) -> Result<ImportCall, String> {
        let emotion = |id| Emotion::new(id).ok_or("an emotion is unknown");
        let duration = |seconds| CallDuration::from_seconds(seconds).ok_or("duration_seconds is out of range");
        Ok(ImportCall {
            uuid: self.uuid,
            contact_uuid: self.contact_uuid,
            details: CallDetails {
                called_at: timestamp("called_at", &self.called_at)?,
                content: optional_text("content", self.content)?,
                contact_called: self.contact_called,
                emotions: self.emotions.into_iter().map(emotion).collect::<Result<_, _>>()?,
                duration: self.duration_seconds.map(duration).transpose()?,
                answered: self.answered,
                phone_number: optional_text("phone_number", self.phone_number)?,
                external_id: optional_text("external_id", self.external_id)?,
            },
            created_at: timestamp("created_at", &self.created_at)?,
            updated_at: timestamp("updated_at", &self.updated_at)?,
        })
    }

    /// Parses the line of a backup.
    pub fn into_backup(self) -> Result<StoredCall, String> {
        let ids = self.ids;
        let ImportCall { uuid, contact_uuid, details, created_at, updated_at } = self.into_import()?;
        Ok(StoredCall {
            id: id("id", ids.id.and_then(CallId::new))?,
            uuid,
            account: id("account_id", ids.account_id.and_then(AccountId::new))?,
            contact: id("contact_id", ids.contact_id.and_then(ContactId::new))?,
            contact_uuid,
            details,
            created_at,
            updated_at,
        })
    }
}
