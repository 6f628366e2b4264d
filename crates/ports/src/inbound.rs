//! The use cases of Callbook. `app` implements these traits; the HTTP adapter and the command line call them.
//!
//! The use cases read phone numbers by the rules of the configured region, whatever region the searches of a request have.

use async_trait::async_trait;
use domain::{
    Account, AccountId, Call, CallId, CallPatch, CallQuery, CallUpsert, Caller, Contact, ContactFieldId, ContactId,
    ContactPatch, ContactQuery, Deletion, DeletionQuery, FieldOfContact, IdempotencyKey, ItemKey, LoggedCall, Name,
    NewContact, NewContactField, Page, PhoneNumber, RecordedCall, Scope, Secret, Timestamp, Token, TokenId,
};

use crate::Result;
pub use crate::operations::{Checked, CounterAudit, StoreLoad};
pub use crate::outbound::{CallPage, Precondition};
pub use crate::transfer::{
    BackupRecord, BackupRecords, ImportCount, ImportRecord, ImportRecords, ImportSummary, StoredCall, Visitor,
};

/// Records, lists, changes and deletes calls.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CallService: Send + Sync {
    /// Returns a page of the account's calls. `NotFound` if the query names a contact that the account does not have.
    async fn list(&self, account: AccountId, query: CallQuery) -> Result<CallPage>;

    /// Returns the places of the calls that match the query, as
    /// [`CallRepository::keys`](crate::outbound::CallRepository::keys) does.
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

    /// Records the call, or changes the call that has its external id, and returns it as stored.
    ///
    /// A request with an idempotency key is executed once within [`IdempotencyKey::TTL_SECONDS`]. A repetition returns
    /// the call of the first execution as it is now, or `NotFound` if that was deleted.
    ///
    /// `NotFound` if the account has no such contact, `SeveralContacts` if the phone number that names the contact belongs
    /// to several ones, `Archived` if the contact is archived, `KeyReused` if the key was used for another request.
    async fn create(&self, account: AccountId, call: CallUpsert, key: Option<IdempotencyKey>) -> Result<RecordedCall>;

    /// Records several calls in one transaction, each as [`CallService::create`] does. A failed one does not affect the
    /// others.
    async fn create_many(&self, account: AccountId, calls: Vec<CallUpsert>) -> Result<Vec<Result<RecordedCall>>>;

    /// Changes the call and returns it as stored. `updated_at` changes only if another value does.
    ///
    /// `NotFound` if there is no such call or no such contact to move it to, `Archived` if either contact is archived,
    /// `PreconditionFailed` if the stored call does not satisfy the precondition, `ExternalIdTaken` if another call has
    /// the new external id.
    async fn update(
        &self,
        account: AccountId,
        call: CallId,
        patch: CallPatch,
        precondition: Option<Precondition>,
    ) -> Result<Call>;

    /// Deletes the call. `NotFound` if there is no such call, `Archived` if its contact is archived,
    /// `PreconditionFailed` if the stored call does not satisfy the precondition.
    async fn delete(&self, account: AccountId, call: CallId, precondition: Option<Precondition>) -> Result<()>;
}

/// Records the calls of call logs.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CallLogService: Send + Sync {
    /// Records the calls in one transaction, each with the contact that has its number. A call that the account has stays
    /// unchanged.
    async fn record(&self, account: AccountId, calls: Vec<LoggedCall>, options: CallLogOptions) -> Result<RecordedLog>;
}

/// How calls of call logs are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallLogOptions {
    /// Creates a contact for each number that no contact has.
    pub create_contacts: bool,
    /// Changes nothing, and returns what would happen.
    pub dry_run: bool,
}

/// What happened to calls of a call log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedLog {
    /// The outcome of each call, in their order.
    pub outcomes: Vec<LogOutcome>,
    /// The numbers for which contacts were created.
    pub new_contacts: Vec<PhoneNumber>,
}

/// What happened to a call of a call log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOutcome {
    /// It was recorded.
    Added,
    /// The account had it.
    AlreadyRecorded,
    /// It was not recorded: no contact has its number.
    NoContact,
    /// It was not recorded: several contacts have its number.
    SeveralContacts,
    /// It was not recorded: the contact is archived.
    Archived,
}

/// Lists, creates, changes and deletes contacts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ContactService: Send + Sync {
    /// Returns a page of the account's contacts.
    async fn list(&self, account: AccountId, query: ContactQuery) -> Result<Page<Contact>>;

    /// Returns the contact. `NotFound` if the account has none with this id.
    async fn find(&self, account: AccountId, contact: ContactId) -> Result<Contact>;

    /// Returns the contacts that have each of the phone numbers, at the place of the number, by id.
    async fn find_by_phone(&self, account: AccountId, numbers: Vec<PhoneNumber>) -> Result<Vec<Vec<ContactId>>>;

    /// Creates the contact and returns it as stored.
    async fn create(&self, account: AccountId, contact: NewContact) -> Result<Contact>;

    /// Changes the contact and returns it as stored. `NotFound` if the account has none with this id,
    /// `PreconditionFailed` if the stored contact does not satisfy the precondition.
    async fn update(
        &self,
        account: AccountId,
        contact: ContactId,
        patch: ContactPatch,
        precondition: Option<Precondition<Contact>>,
    ) -> Result<Contact>;

    /// Deletes the contact and all its calls. `NotFound` if the account has none with this id, `PreconditionFailed` if
    /// the stored contact does not satisfy the precondition.
    async fn delete(
        &self,
        account: AccountId,
        contact: ContactId,
        precondition: Option<Precondition<Contact>>,
    ) -> Result<()>;
}

/// Finds, adds, changes and deletes single contact fields. Those of a contact are listed with the contact.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ContactFieldService: Send + Sync {
    /// Returns the field with its contact. `NotFound` if the account has none with this id.
    async fn find(&self, account: AccountId, field: ContactFieldId) -> Result<FieldOfContact>;

    /// Adds the field to the contact and returns it as stored. `NotFound` if the account has no such contact, `Archived`
    /// if the contact is archived, `TooManyFields` if it has no room for another field.
    async fn create(&self, account: AccountId, contact: ContactId, field: NewContactField) -> Result<FieldOfContact>;

    /// Replaces kind and data of the field, moves it to the contact, and returns it as stored.
    ///
    /// `NotFound` if the account has no such field or no such contact, `Archived` if the old or the new contact is
    /// archived, `TooManyFields` if the new contact has no room for another field.
    async fn update(
        &self,
        account: AccountId,
        field: ContactFieldId,
        contact: ContactId,
        content: NewContactField,
    ) -> Result<FieldOfContact>;

    /// Deletes the field. `NotFound` if the account has none with this id, `Archived` if its contact is archived.
    async fn delete(&self, account: AccountId, field: ContactFieldId) -> Result<()>;
}

/// Lists deletions, so that other systems can follow them.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait DeletionService: Send + Sync {
    /// Returns a page of the account's deletions. `None` if the time of the query is before that of the oldest
    /// deletions that are kept.
    async fn list(&self, account: AccountId, query: DeletionQuery) -> Result<Option<Page<Deletion>>>;

    /// Forgets the deletions that are older than [`Deletion::TTL_SECONDS`].
    async fn forget_expired(&self) -> Result<()>;
}

/// Authenticates the clients of requests.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AuthService: Send + Sync {
    /// Returns the client with this bearer token. `None` if the token is not valid, or is one for a calendar. A
    /// revocation takes effect within one second.
    async fn authenticate(&self, bearer: &str) -> Result<Option<Caller>>;

    /// Returns the client with this token for a calendar. `None` if the token is not valid, or is one for the API. A
    /// revocation takes effect within one second.
    async fn authenticate_feed(&self, secret: &str) -> Result<Option<Caller>>;

    /// Returns the account. `NotFound` if there is none with this id.
    async fn account(&self, account: AccountId) -> Result<Account>;
}

/// Administers accounts and tokens.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AdminService: Send + Sync {
    /// Returns all accounts, by id.
    async fn accounts(&self) -> Result<Vec<Account>>;

    /// Returns the account. `NotFound` if there is none with this id.
    async fn account(&self, account: AccountId) -> Result<Account>;

    /// Returns the account with the lowest id, and creates it if there is none.
    async fn first_account(&self) -> Result<Account>;

    /// Creates an account.
    async fn create_account(&self, name: Name) -> Result<Account>;

    /// Renames the account. `NotFound` if there is none with this id.
    async fn rename_account(&self, account: AccountId, name: Name) -> Result<()>;

    /// Deletes the account with everything that it owns, as
    /// [`AccountRepository::delete`](crate::outbound::AccountRepository::delete) does. It blocks.
    fn delete_account(&self, account: AccountId) -> Result<()>;

    /// Returns all tokens, also revoked and expired ones, by id.
    async fn tokens(&self) -> Result<Vec<Token>>;

    /// Creates a token and returns it with its secret, which is not stored. `NotFound` if there is no such account.
    async fn create_token(&self, token: TokenRequest) -> Result<(Token, Secret)>;

    /// Stores a token with a secret that the operator chose, unless it is stored already, and returns the stored token.
    /// `NotFound` if there is no such account.
    async fn register_token(&self, token: TokenRequest, secret: Secret) -> Result<Token>;

    /// Revokes the token. `NotFound` if there is none with this id.
    async fn revoke_token(&self, token: TokenId) -> Result<()>;
}

/// A token to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// The account that the token gives access to.
    pub account: AccountId,
    /// The name of the token.
    pub name: Name,
    /// What the token permits.
    pub scope: Scope,
    /// When the token expires. `None` if never.
    pub expires_at: Option<Timestamp>,
}

/// Moves whole accounts and stores in and out. Commands call it; no request does.
///
/// The methods block for as long as the transfer takes, and hold a bounded number of records at a time.
pub trait TransferService: Send + Sync {
    /// Reads the account, or the whole store, as [`BulkRepository::read`](crate::outbound::BulkRepository::read) does.
    fn read(&self, account: Option<AccountId>, visit: Visitor<'_>) -> Result<()>;

    /// Imports the records, as [`BulkRepository::import`](crate::outbound::BulkRepository::import) does.
    fn import(&self, account: AccountId, records: ImportRecords<'_>, dry_run: bool) -> Result<ImportSummary>;

    /// Restores a backup, as [`BulkRepository::restore`](crate::outbound::BulkRepository::restore) does.
    fn restore(&self, records: BackupRecords<'_>) -> Result<bool>;
}

/// Tells operators how the store is.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait OperationsService: Send + Sync {
    /// Checks that requests can be served. `Unavailable` if the store does not respond.
    async fn check(&self) -> Result<()>;

    /// Returns the load of the store, without waiting.
    fn load(&self) -> StoreLoad;

    /// Compares the counters with the calls and repairs them, as
    /// [`StoreOperations::audit_counters`](crate::outbound::StoreOperations::audit_counters) does.
    fn audit_counters(&self) -> Result<CounterAudit>;
}
