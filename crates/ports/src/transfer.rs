//! The records of imports, exports and backups.

use std::ops::ControlFlow;

use domain::{
    Account, AccountId, CallDetails, CallId, Contact, ContactId, NewContact, SecretHash, Timestamp, Token, Uuid,
};

use crate::Result;

/// A record to import. The store assigns its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportRecord {
    /// A contact.
    Contact(Box<ImportContact>),
    /// A call.
    Call(Box<ImportCall>),
}

/// A contact to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportContact {
    /// The globally unique id, by which the contact is recognised when it is imported again.
    pub uuid: Uuid,
    /// The data of the contact.
    pub contact: NewContact,
    /// What each of `contact.fields` has besides kind and data, in the same order.
    pub fields: Vec<FieldIdentity>,
    /// When the contact was created.
    pub created_at: Timestamp,
    /// When the contact last changed.
    pub updated_at: Timestamp,
}

/// What a contact field to import has besides kind and data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldIdentity {
    /// The globally unique id. Of fields of one contact with the same one, the first is imported.
    pub uuid: Uuid,
    /// When the field was created.
    pub created_at: Timestamp,
    /// When the field last changed.
    pub updated_at: Timestamp,
}

/// A call to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportCall {
    /// The globally unique id, by which the call is recognised when it is imported again.
    pub uuid: Uuid,
    /// The globally unique id of the call's contact, which the account has or which is imported before.
    pub contact_uuid: Uuid,
    /// The content of the call.
    pub details: CallDetails,
    /// When the call was recorded.
    pub created_at: Timestamp,
    /// When the call last changed.
    pub updated_at: Timestamp,
}

/// A record of an export or a backup, with its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackupRecord {
    /// An account.
    Account(Account),
    /// A token with the hash of its secret.
    Token(Token, SecretHash),
    /// A contact. A restore ignores its counters and counts its calls instead.
    Contact(Box<Contact>),
    /// A call.
    Call(Box<StoredCall>),
    /// The highest ids that the store assigned.
    HighestIds(HighestIds),
}

/// A call as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCall {
    /// The id.
    pub id: CallId,
    /// The globally unique id.
    pub uuid: Uuid,
    /// The account that owns the call.
    pub account: AccountId,
    /// The contact of the call.
    pub contact: ContactId,
    /// The globally unique id of the contact.
    pub contact_uuid: Uuid,
    /// The content of the call.
    pub details: CallDetails,
    /// When the call was recorded.
    pub created_at: Timestamp,
    /// When the call last changed.
    pub updated_at: Timestamp,
}

/// The highest id that was ever assigned to each kind of record, or 0. Ids of deleted records are not reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HighestIds {
    /// Accounts.
    pub accounts: i64,
    /// Tokens.
    pub tokens: i64,
    /// Contacts.
    pub contacts: i64,
    /// Contact fields.
    pub contact_fields: i64,
    /// Calls.
    pub calls: i64,
}

/// How many records of one kind an import added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCount {
    /// The number of new records.
    pub added: u64,
    /// The number of records that the account had already. They were left unchanged.
    pub known: u64,
}

/// The result of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// The contacts.
    pub contacts: ImportCount,
    /// The calls.
    pub calls: ImportCount,
    /// The number of calls that were skipped, because neither the account nor the import before them has their contact.
    pub orphans: u64,
}

/// The records of an import. The first error ends the import.
pub type ImportRecords<'a> = &'a mut dyn Iterator<Item = Result<ImportRecord>>;

/// The records of a backup. The first error ends the restore.
pub type BackupRecords<'a> = &'a mut dyn Iterator<Item = Result<BackupRecord>>;

/// Called with each record that is read. Breaking ends the reading.
pub type Visitor<'a> = &'a mut dyn FnMut(BackupRecord) -> ControlFlow<()>;
