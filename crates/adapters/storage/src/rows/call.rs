//! Rows of calls.

use diesel::prelude::*;
use domain::{AccountId, Call, CallDetails, CallDuration, ContactSummary, NewCall, Timestamp, Uuid, phone_key};
use ports::Error;
use ports::outbound::StoredCall;

use super::{call_id, contact_id, optional_text};
use crate::StoreResult;
use crate::columns::{DbEmotions, DbTimestamp, DbUuid};
use crate::schema::calls;

/// The details of a call except `called_at` and `external_id`, which indexes contain.
#[derive(Queryable, Selectable, Insertable, AsChangeset, PartialEq, Eq, Clone)]
#[diesel(table_name = calls, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct CallDetailsRow {
    /// What the call was about.
    pub content: Option<String>,
    /// Whether the contact called.
    pub contact_called: Option<bool>,
    /// The emotions felt during the call.
    pub emotions: DbEmotions,
    /// How long the call lasted, in seconds.
    pub duration_seconds: Option<i32>,
    /// Whether the call was answered.
    pub answered: Option<bool>,
    /// The phone number of the contact.
    pub phone_number: Option<String>,
}

impl From<CallDetails> for CallDetailsRow {
    fn from(details: CallDetails) -> Self {
        Self {
            content: details.content.map(Into::into),
            contact_called: details.contact_called,
            emotions: DbEmotions(details.emotions),
            duration_seconds: details.duration.map(CallDuration::seconds),
            answered: details.answered,
            phone_number: details.phone_number.map(Into::into),
        }
    }
}

fn duration(seconds: i32) -> StoreResult<CallDuration> {
    let duration = CallDuration::from_seconds(seconds.into());
    Ok(duration.ok_or_else(|| Error::internal("the store holds an invalid duration"))?)
}

/// A call without an id.
#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = calls, treat_none_as_default_value = false)]
pub struct NewCallRow {
    /// The globally unique id.
    pub uuid: DbUuid,
    /// The account that owns the call.
    pub account_id: i64,
    /// The contact of the call.
    pub contact_id: i64,
    /// When the call happened.
    pub called_at: DbTimestamp,
    /// The id that the call has in another system.
    pub external_id: Option<String>,
    /// The rest of the details.
    #[diesel(embed)]
    pub details: CallDetailsRow,
    /// When the call was recorded.
    pub created_at: DbTimestamp,
    /// When the call last changed.
    pub updated_at: DbTimestamp,
}

impl NewCallRow {
    /// Returns the row of a call that is recorded now.
    pub fn new(account: AccountId, call: NewCall, uuid: Uuid, now: Timestamp) -> Self {
        Self {
            uuid: DbUuid(uuid),
            account_id: account.get(),
            contact_id: call.contact.get(),
            called_at: call.details.called_at.into(),
            external_id: external_id(&call.details),
            details: call.details.into(),
            created_at: now.into(),
            updated_at: now.into(),
        }
    }

    /// Returns the key of the phone number, which is stored with the call.
    pub fn phone_key(&self) -> Option<String> {
        self.details.phone_number.as_deref().map(phone_key)
    }

    /// Returns the details of the call.
    fn into_details(self) -> StoreResult<CallDetails> {
        let CallDetailsRow { content, contact_called, emotions, duration_seconds, answered, phone_number } =
            self.details;
        Ok(CallDetails {
            called_at: self.called_at.0,
            content: optional_text(content)?,
            contact_called,
            emotions: emotions.0,
            duration: duration_seconds.map(duration).transpose()?,
            answered,
            phone_number: optional_text(phone_number)?,
            external_id: optional_text(self.external_id)?,
        })
    }
}

fn external_id(details: &CallDetails) -> Option<String> {
    details.external_id.as_ref().map(ToString::to_string)
}

/// A call without its contact.
#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = calls)]
pub struct CallRow {
    /// The id.
    pub id: i64,
    /// The rest of the call.
    #[diesel(embed)]
    pub call: NewCallRow,
}

impl CallRow {
    /// Returns the part of the call that its owner can change.
    pub fn data(&self) -> StoreResult<NewCall> {
        Ok(NewCall { contact: contact_id(self.call.contact_id)?, details: self.call.clone().into_details()? })
    }

    /// Replaces the part of the call that its owner can change.
    pub fn set_data(&mut self, new: NewCall, now: Timestamp) {
        self.call.contact_id = new.contact.get();
        self.call.called_at = new.details.called_at.into();
        self.call.external_id = external_id(&new.details);
        self.call.details = new.details.into();
        self.call.updated_at = now.into();
    }

    /// Returns the call with its contact.
    pub fn with_contact(self, contact: ContactSummary) -> StoreResult<Call> {
        Ok(Call {
            id: call_id(self.id)?,
            uuid: self.call.uuid.0,
            account: contact.account,
            contact,
            created_at: self.call.created_at.0,
            updated_at: self.call.updated_at.0,
            details: self.call.into_details()?,
        })
    }

    /// Returns the call as a record of a backup.
    pub fn with_contact_uuid(self, account: AccountId, contact_uuid: DbUuid) -> StoreResult<StoredCall> {
        Ok(StoredCall {
            id: call_id(self.id)?,
            uuid: self.call.uuid.0,
            account,
            contact: contact_id(self.call.contact_id)?,
            contact_uuid: contact_uuid.0,
            created_at: self.call.created_at.0,
            updated_at: self.call.updated_at.0,
            details: self.call.into_details()?,
        })
    }
}

impl From<StoredCall> for CallRow {
    fn from(call: StoredCall) -> Self {
        Self {
            id: call.id.get(),
            call: NewCallRow {
                uuid: DbUuid(call.uuid),
                account_id: call.account.get(),
                contact_id: call.contact.get(),
                called_at: call.details.called_at.into(),
                external_id: external_id(&call.details),
                details: call.details.into(),
                created_at: call.created_at.into(),
                updated_at: call.updated_at.into(),
            },
        }
    }
}
