//! Rows of deletions.

use diesel::prelude::*;
use domain::{AccountId, ContactId, DeletedObject, Deletion, Timestamp};

use super::{CallRow, invalid, optional_text};
use crate::columns::{DbTimestamp, DbUuid};
use crate::schema::{calls, deletions};
use crate::{StoreError, StoreResult};

/// A deletion without a number.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = deletions, treat_none_as_default_value = false)]
pub struct NewDeletionRow {
    /// The account that owned the object.
    pub account_id: i64,
    /// The kind of the object.
    pub object: i16,
    /// The id of the object.
    pub object_id: i64,
    /// The globally unique id of the object.
    pub uuid: DbUuid,
    /// The external id of a call.
    pub external_id: Option<String>,
    /// When the object was deleted.
    pub deleted_at: DbTimestamp,
}

impl NewDeletionRow {
    /// Returns the number that stands for the kind.
    fn number(object: DeletedObject) -> i16 {
        match object {
            DeletedObject::Call => 1,
            DeletedObject::Contact => 2,
        }
    }

    /// Returns the deletion of the call.
    pub fn of_call(account: AccountId, call: DeletedCallRow, now: Timestamp) -> Self {
        Self {
            account_id: account.get(),
            object: Self::number(DeletedObject::Call),
            object_id: call.id,
            uuid: call.uuid,
            external_id: call.external_id,
            deleted_at: now.into(),
        }
    }

    /// Returns the deletion of the contact.
    pub fn of_contact(account: AccountId, contact: ContactId, uuid: DbUuid, now: Timestamp) -> Self {
        Self {
            account_id: account.get(),
            object: Self::number(DeletedObject::Contact),
            object_id: contact.get(),
            uuid,
            external_id: None,
            deleted_at: now.into(),
        }
    }
}

/// What a deletion names of a call.
#[derive(Queryable, Selectable)]
#[diesel(table_name = calls)]
pub struct DeletedCallRow {
    id: i64,
    uuid: DbUuid,
    external_id: Option<String>,
    /// When the call happened.
    pub called_at: DbTimestamp,
}

impl From<CallRow> for DeletedCallRow {
    fn from(CallRow { id, call }: CallRow) -> Self {
        Self { id, uuid: call.uuid, external_id: call.external_id, called_at: call.called_at }
    }
}

/// A deletion.
#[derive(Queryable, Selectable)]
#[diesel(table_name = deletions)]
pub struct DeletionRow {
    number: i64,
    #[diesel(embed)]
    deletion: NewDeletionRow,
}

impl TryFrom<DeletionRow> for Deletion {
    type Error = StoreError;

    fn try_from(row: DeletionRow) -> StoreResult<Self> {
        let DeletionRow { number, deletion } = row;
        let kinds = [DeletedObject::Call, DeletedObject::Contact];
        let object = kinds.into_iter().find(|kind| NewDeletionRow::number(*kind) == deletion.object);
        Ok(Self {
            number,
            object: object.ok_or_else(|| invalid("kind of a deletion"))?,
            id: deletion.object_id,
            uuid: deletion.uuid.0,
            external_id: optional_text(deletion.external_id)?,
            deleted_at: deletion.deleted_at.0,
        })
    }
}
