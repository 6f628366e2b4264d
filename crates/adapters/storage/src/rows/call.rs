//! Rows of calls.

use diesel::prelude::*;
use domain::{AccountId, Call, CallDetails, CallDuration, ContactSummary, NewCall, Timestamp, Uuid};
use ports::Error;
use ports::outbound::StoredCall;

use super::{call_id, contact_id, optional_text};
use crate::StoreResult;
use crate::columns::{DbEmotions, DbTimestamp, DbUuid};
use crate::schema::calls;

/// The content of a call except `called_at`, which indexes contain.
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
}

impl From<CallDetails> for CallDetailsRow {
    fn from(details: CallDetails) -> Self {
        Self {
            content: details.content.map(Into::into),
            contact_called: details.contact_called,
            emotions: DbEmotions(details.emotions),
            duration_seconds: details.duration.map(CallDuration::seconds),
        }
    }
}

impl CallDetailsRow {
    fn with_called_at(self, called_at: DbTimestamp) -> StoreResult<CallDetails> {
        Ok(CallDetails {
            called_at: called_at.0,
            content: optional_text(self.content)?,
            contact_called: self.contact_called,
            emotions: self.emotions.0,
            duration: self.duration_seconds.map(duration).transpose()?,
        })
    }
}

fn duration(seconds: i32) -> StoreResult<CallDuration> {
    let duration = CallDuration::from_seconds(seconds.into());
    Ok(duration.ok_or_else(|| Error::internal("the store holds an invalid duration"))?)
}

/// A call without an id.
#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = calls)]
pub struct NewCallRow {
    /// The globally unique id.
    pub uuid: DbUuid,
    /// The account that owns the call.
    pub account_id: i64,
    /// The contact of the call.
    pub contact_id: i64,
    /// When the call happened.
    pub called_at: DbTimestamp,
    /// The rest of the content.
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
            details: call.details.into(),
            created_at: now.into(),
            updated_at: now.into(),
        }
    }
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
        let details = self.call.details.clone().with_called_at(self.call.called_at)?;
        Ok(NewCall { contact: contact_id(self.call.contact_id)?, details })
    }

    /// Replaces the part of the call that its owner can change.
    pub fn set_data(&mut self, new: NewCall, now: Timestamp) {
        self.call.contact_id = new.contact.get();
        self.call.called_at = new.details.called_at.into();
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
            details: self.call.details.with_called_at(self.call.called_at)?,
            created_at: self.call.created_at.0,
            updated_at: self.call.updated_at.0,
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
            details: self.call.details.with_called_at(self.call.called_at)?,
            created_at: self.call.created_at.0,
            updated_at: self.call.updated_at.0,
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
                details: call.details.into(),
                created_at: call.created_at.into(),
                updated_at: call.updated_at.into(),
            },
        }
    }
}
