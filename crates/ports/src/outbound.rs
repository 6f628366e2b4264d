//! What Callbook needs from the outside. The storage adapters implement the repositories.
//!
//! # Adding a repository
//!
//! 1. Declare the trait here, one method per use case, and add it to [`Store`].
//! 2. Write its contract tests in `contract/`. Each test runs on both stores.
//! 3. Implement it in both storage adapters, and a use case for it in `app/src/services`.
//!
//! # Conventions
//!
//! - A method is one transaction, unless it says otherwise. It happens completely or not at all, and survives a crash
//!   once it has returned.
//! - A method for calls or contacts takes the account first, and never reads or changes data of another account.
//! - UUIDs and the time are parameters, so that tests control them. The store assigns ids.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Account, AccountId, Call, CallId, CallPatch, CallQuery, CallUpsert, Contact, ContactFieldId, ContactId,
    ContactPatch, ContactQuery, Deletion, DeletionQuery, FieldOfContact, IdempotencyKey, ItemKey, Name, NewCall,
    NewContact, NewContactField, NewToken, Page, PhoneSearch, RecordedCall, SecretHash, Timestamp, Token, TokenId,
    Uuid,
};

use crate::Result;
pub use crate::operations::{Checked, CounterAudit, StoreLoad};
pub use crate::transfer::{
    BackupRecord, BackupRecords, FieldIdentity, HighestIds, ImportCall, ImportContact, ImportCount, ImportRecord,
    ImportRecords, ImportSummary, StoredCall, Visitor,
};

/// A page of calls, with statistics of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPage {
    /// The page.
    pub page: Page<Call>,
    /// The years in which the account has calls, each with their number, the newest year first. It counts all calls of
    /// the account, whatever the query filters.
    pub calls_per_year: Vec<(i32, u64)>,
}

/// A condition that a stored call, or another stored value, must satisfy before it is written.
pub type Precondition<T = Call> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// Stores calls.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CallRepository: Send + Sync {
    /// Returns a page of the account's calls. Items, total and statistics are exact and of one snapshot. `NotFound` if
    /// the query names a contact that the account does not have.
    async fn list(&self, account: AccountId, query: CallQuery) -> Result<CallPage>;

    /// Returns the places of the calls that match the query, in its sort: the first `limit` ones after a place, or of all.
    /// The page of the query is ignored.
    async fn keys(
        &self,
        account: AccountId,
        query: CallQuery,
        after: Option<ItemKey>,
        limit: u32,
    ) -> Result<Vec<ItemKey>>;

    /// Returns the call. `NotFound` if the account has none with this id.
    async fn find(&self, account: AccountId, call: CallId) -> Result<Call>;

    /// Returns those of the calls that the account has, in the given order.
    async fn find_many(&self, account: AccountId, calls: Vec<CallId>) -> Result<Vec<Call>>;

    /// Stores the call, which has no external id, with an id that was never used before, and updates the counters.
    ///
    /// With a key that was used within [`IdempotencyKey::TTL_SECONDS`] it stores nothing and returns the call of the first
    /// execution as it is now, or `NotFound` if that was deleted. A failed request does not use up its key.
    ///
    /// `NotFound` if the account has no such contact, `Archived` if the contact is archived, `KeyReused` if the key was
    /// used with another fingerprint.
    async fn create(
        &self,
        account: AccountId,
        call: NewCall,
        uuid: Uuid,
        now: Timestamp,
        key: Option<IdempotencyKey>,
    ) -> Result<Call>;

    /// Stores the calls in their order, each with the UUID of a new call. A call whose external id the account has is
    /// changed instead. All that succeed are stored together, and a failed one does not affect the others: `NotFound` if
    /// the account has no such contact, `SeveralContacts` if the phone number that names the contact belongs to several
    /// ones, `Archived` if a contact is archived. A call that is changed needs no contact.
    ///
    /// A key, for one call only, has the effects that it has for [`CallRepository::create`].
    async fn upsert(
        &self,
        account: AccountId,
        calls: Vec<(Uuid, CallUpsert)>,
        now: Timestamp,
        key: Option<IdempotencyKey>,
    ) -> Result<Vec<Result<RecordedCall>>>;

    /// Changes the call and updates the counters. `updated_at` becomes `now` only if another value changes.
    ///
    /// The first of these that applies: `NotFound` if there is no such call, `Archived` if its contact is archived,
    /// `NotFound` or `Archived` for the contact to move it to, `PreconditionFailed` if the locked call does not satisfy
    /// the precondition, `ExternalIdTaken` if another call of the account has the new external id.
    async fn update(
        &self,
        account: AccountId,
        call: CallId,
        patch: CallPatch,
        now: Timestamp,
        precondition: Option<Precondition>,
    ) -> Result<Call>;

    /// Deletes the call, updates the counters and records the deletion. `NotFound` if the account has none with this id,
    /// `Archived` if its contact is archived, `PreconditionFailed` if the locked call does not satisfy the precondition.
    async fn delete(
        &self,
        account: AccountId,
        call: CallId,
        now: Timestamp,
        precondition: Option<Precondition>,
    ) -> Result<()>;
}

/// Stores contacts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ContactRepository: Send + Sync {
    /// Returns a page of the account's contacts.
    async fn list(&self, account: AccountId, query: ContactQuery) -> Result<Page<Contact>>;

    /// Returns the contact. `NotFound` if the account has none with this id.
    async fn find(&self, account: AccountId, contact: ContactId) -> Result<Contact>;

    /// Returns the contacts that have each of the phone numbers, at the place of the number, by id.
    async fn find_by_phone(&self, account: AccountId, numbers: Vec<PhoneSearch>) -> Result<Vec<Vec<ContactId>>>;

    /// Stores the contact with an id that was never used before, and its fields with these UUIDs. `NotFound` if there is
    /// no such account.
    async fn create(
        &self,
        account: AccountId,
        contact: NewContact,
        uuid: Uuid,
        field_uuids: Vec<Uuid>,
        now: Timestamp,
    ) -> Result<Contact>;

    /// Changes the contact. `updated_at` becomes `now` only if another value changes. Contact fields that the patch adds
    /// get the first of these UUIDs, of which there must be as many as fields in the patch.
    ///
    /// `NotFound` if the account has none with this id, `PreconditionFailed` if the locked contact does not satisfy the
    /// precondition.
    async fn update(
        &self,
        account: AccountId,
        contact: ContactId,
        patch: ContactPatch,
        field_uuids: Vec<Uuid>,
        now: Timestamp,
        precondition: Option<Precondition<Contact>>,
    ) -> Result<Contact>;

    /// Deletes the contact and its calls, updates the counters and records the deletions. `NotFound` if the account has
    /// none with this id, `PreconditionFailed` if the locked contact does not satisfy the precondition.
    async fn delete(
        &self,
        account: AccountId,
        contact: ContactId,
        now: Timestamp,
        precondition: Option<Precondition<Contact>>,
    ) -> Result<()>;
}

/// Stores single contact fields. The contact of a written field changes with it: its `updated_at` becomes `now`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ContactFieldRepository: Send + Sync {
    /// Returns the field with its contact. `NotFound` if the account has none with this id.
    async fn find(&self, account: AccountId, field: ContactFieldId) -> Result<FieldOfContact>;

    /// Adds the field to the contact, with an id that was never used before, also if the contact has an equal one.
    ///
    /// `NotFound` if the account has no such contact, `Archived` if the contact is archived, `TooManyFields` if it has
    /// [`NewContact::MAX_FIELDS`] already.
    async fn create(
        &self,
        account: AccountId,
        contact: ContactId,
        field: NewContactField,
        uuid: Uuid,
        now: Timestamp,
    ) -> Result<FieldOfContact>;

    /// Replaces kind and data of the field, and moves it to the contact. Nothing changes if all are the same already.
    ///
    /// `NotFound` if the account has no such field or no such contact, `Archived` if the old or the new contact is
    /// archived, `TooManyFields` if the new contact has [`NewContact::MAX_FIELDS`] already.
    async fn update(
        &self,
        account: AccountId,
        field: ContactFieldId,
        contact: ContactId,
        content: NewContactField,
        now: Timestamp,
    ) -> Result<FieldOfContact>;

    /// Deletes the field. `NotFound` if the account has none with this id, `Archived` if its contact is archived.
    async fn delete(&self, account: AccountId, field: ContactFieldId, now: Timestamp) -> Result<()>;
}

/// Stores what remains known of deleted calls and contacts. The deletions of calls and contacts add to it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait DeletionRepository: Send + Sync {
    /// Returns a page of the account's deletions, the oldest first. The total counts all deletions since the time of the
    /// query.
    async fn list(&self, account: AccountId, query: DeletionQuery) -> Result<Page<Deletion>>;

    /// Forgets the deletions of all accounts before this time.
    async fn forget(&self, before: Timestamp) -> Result<()>;
}

/// Stores accounts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AccountRepository: Send + Sync {
    /// Returns all accounts, by id.
    async fn list(&self) -> Result<Vec<Account>>;

    /// Returns the account. `NotFound` if there is none with this id.
    async fn find(&self, account: AccountId) -> Result<Account>;

    /// Stores an account with an id that was never used before.
    async fn create(&self, name: Name, now: Timestamp) -> Result<Account>;

    /// Returns the account with the lowest id. If there is none, it is created once, also with concurrent callers.
    async fn first(&self, name: Name, now: Timestamp) -> Result<Account>;

    /// Renames the account. `NotFound` if there is none with this id.
    async fn rename(&self, account: AccountId, name: Name) -> Result<()>;

    /// Deletes the account with its contacts, calls, deletions, tokens, idempotency keys and counters. Ids are not reused.
    /// `NotFound` if there is none with this id. It blocks, on a connection of its own. Writers of calls wait until it
    /// ends, readers do not.
    fn delete(&self, account: AccountId) -> Result<()>;
}

/// Stores tokens.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TokenRepository: Send + Sync {
    /// Returns all tokens, also revoked and expired ones, by id.
    async fn list(&self) -> Result<Vec<Token>>;

    /// Returns the token with this hash, whether it is valid or not. `None` if there is none.
    async fn find(&self, hash: SecretHash) -> Result<Option<Token>>;

    /// Stores the token. If one with this hash exists, returns that one unchanged. `NotFound` if there is no such
    /// account.
    async fn create(&self, token: NewToken, now: Timestamp) -> Result<Token>;

    /// Records a use of the token at `now`, if one [is due](Token::is_use_due). Does nothing if there is no such token.
    async fn record_use(&self, token: TokenId, now: Timestamp) -> Result<()>;

    /// Revokes the token as of `now`. A revoked token stays as it is. `NotFound` if there is none with this id.
    async fn revoke(&self, token: TokenId, now: Timestamp) -> Result<()>;
}

/// Reads and writes whole accounts and stores.
///
/// The methods block, on a connection of their own, while servers and other commands read and write. They hold a
/// bounded number of records at a time.
pub trait BulkRepository: Send + Sync {
    /// Visits every record of the account, or of the whole store, as of one snapshot: accounts, tokens, contacts,
    /// calls, each by id, then the highest ids. An account has only contacts and calls. `NotFound` if there is no such
    /// account.
    fn read(&self, account: Option<AccountId>, visit: Visitor<'_>) -> Result<()>;

    /// Adds contacts and calls to the account, with new ids in the order of the records.
    ///
    /// Records are recognised by their UUID: what the account has already stays unchanged. A call is added to the
    /// contact whose UUID it names, also to an archived one. Each batch is one transaction, after which the counters
    /// are exact. What was imported before an error remains, and a second import continues from there. A dry run
    /// returns the same summary and changes nothing. `NotFound` if there is no such account.
    fn import(&self, account: AccountId, records: ImportRecords<'_>, dry_run: bool) -> Result<ImportSummary>;

    /// Stores the records of a whole store with their ids, in one transaction. Returns false and changes nothing if the
    /// store has an account.
    fn restore(&self, records: BackupRecords<'_>) -> Result<bool>;
}

/// What operators need to know about the store.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait StoreOperations: Send + Sync {
    /// Checks that the store responds. `Unavailable`, within a bounded time, if it does not.
    async fn check(&self) -> Result<()>;

    /// Returns the load, without waiting for the store.
    fn load(&self) -> StoreLoad;

    /// Counts the calls of all accounts, and repairs the counters of contacts and months that are wrong. It blocks, on
    /// a connection of its own. Writers of calls wait until it ends, readers do not.
    fn audit_counters(&self) -> Result<CounterAudit>;
}

/// Tells the time.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Send + Sync {
    /// Returns the present time.
    fn now(&self) -> Timestamp;
}

/// The repositories of an open store. Dropping the last clone closes the store.
#[derive(Clone)]
pub struct Store {
    /// The calls.
    pub calls: Arc<dyn CallRepository>,
    /// The contacts.
    pub contacts: Arc<dyn ContactRepository>,
    /// The contact fields.
    pub contact_fields: Arc<dyn ContactFieldRepository>,
    /// The deletions.
    pub deletions: Arc<dyn DeletionRepository>,
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// The tokens.
    pub tokens: Arc<dyn TokenRepository>,
    /// All of it, in bulk.
    pub bulk: Arc<dyn BulkRepository>,
    /// The state of the store.
    pub operations: Arc<dyn StoreOperations>,
}
