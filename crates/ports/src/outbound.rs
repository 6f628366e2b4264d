//! What Callbook asks of the world. The storage adapters implement these.
//!
//! One method is one use case and one transaction: it happens wholly or not at all, and what was answered
//! survives a crash. Every method for calls and contacts takes the account first and never sees
//! or touches another's rows.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Account, AccountId, Call, CallId, CallOrder, CallPatch, Contact, ContactId, ContactOrder, ContactPatch,
    ContactSearch, IdempotencyKey, Name, NewCall, NewContact, NewToken, Page, PageRequest, SecretHash, Timestamp,
    Token, TokenId, Uuid, Version,
};

use crate::Result;
pub use crate::bulk::{BulkStore, Imported, LastIds, Record, Records, StoredCall, Tally};

/// A page of calls, with the number of the account's calls in each year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPage {
    /// The page.
    pub page: Page<Call>,
    /// Year and number of the account's calls in it (not only of the contact asked for), newest year first,
    /// years without calls left out.
    pub years: Vec<(i32, u64)>,
}

/// For keeping calls.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CallRepository: Send + Sync {
    /// A page of the account's calls, or of one contact's. Total and years are exact and of the same moment as
    /// the items. Must answer `NotFound` when the account has no such contact.
    async fn list(&self, account: AccountId, of: Option<ContactId>, page: PageRequest<CallOrder>) -> Result<CallPage>;

    /// The call. Must answer `NotFound` when the account has none of this id.
    async fn find(&self, account: AccountId, call: CallId) -> Result<Call>;

    /// Stores the call under an id never used before, raises the contact's `last_called` and counts it.
    /// Must answer `NotFound` when the account has no such contact, `Archived` when the contact is archived.
    /// With a key that was used in the last 24 hours it stores nothing and answers what it answered then (with the
    /// contact as it is now), `KeyReused` when the fingerprint is another. A refusal uses no key up.
    async fn create(
        &self,
        account: AccountId,
        call: NewCall,
        uuid: Uuid,
        now: Timestamp,
        once: Option<IdempotencyKey>,
    ) -> Result<Call>;

    /// Changes the call, and `last_called` and counts of both contacts when it moves. `updated_at` becomes `now`
    /// only when something changed. Must answer, the first that holds: `NotFound` without such a call, `Archived` when
    /// its contact is archived, `NotFound` or `Archived` for the contact that it shall have, `Changed` when versions
    /// are expected and the call, when it is locked, has none of them.
    async fn update(
        &self,
        account: AccountId,
        call: CallId,
        change: CallPatch,
        now: Timestamp,
        expected: Option<Vec<Version>>,
    ) -> Result<Call>;

    /// Deletes the call; `last_called` becomes the newest `called_at` that is left.
    /// Must answer `NotFound` when the account has none of this id, `Archived` when its contact is archived,
    /// `Changed` when versions are expected and the call has none of them.
    async fn delete(&self, account: AccountId, call: CallId, expected: Option<Vec<Version>>) -> Result<()>;
}

/// For keeping contacts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ContactRepository: Send + Sync {
    /// A page of the account's contacts: all of them, or those that the search finds.
    async fn list(
        &self,
        account: AccountId,
        search: ContactSearch,
        page: PageRequest<ContactOrder>,
    ) -> Result<Page<Contact>>;

    /// The contact. Must answer `NotFound` when the account has none of this id.
    async fn find(&self, account: AccountId, contact: ContactId) -> Result<Contact>;

    /// Stores the contact under an id never used before. Must answer `NotFound` when there is no such account.
    async fn create(&self, account: AccountId, contact: NewContact, uuid: Uuid, now: Timestamp) -> Result<Contact>;

    /// Changes the contact; `updated_at` becomes `now` only when something changed.
    /// Must answer `NotFound` when the account has none of this id.
    async fn update(
        &self,
        account: AccountId,
        contact: ContactId,
        change: ContactPatch,
        now: Timestamp,
    ) -> Result<Contact>;

    /// Deletes the contact and its calls, and uncounts them.
    /// Must answer `NotFound` when the account has none of this id.
    async fn delete(&self, account: AccountId, contact: ContactId) -> Result<()>;
}

/// For keeping accounts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AccountRepository: Send + Sync {
    /// Every account, by id.
    async fn list(&self) -> Result<Vec<Account>>;

    /// The account. Must answer `NotFound` when there is none of this id.
    async fn find(&self, account: AccountId) -> Result<Account>;

    /// Stores an account under an id never used before.
    async fn create(&self, name: Name, now: Timestamp) -> Result<Account>;

    /// The account of the lowest id; when there is none it is made, once, however many ask at the same time.
    async fn first(&self, name: Name, now: Timestamp) -> Result<Account>;
}

/// For keeping tokens.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TokenRepository: Send + Sync {
    /// Every token, revoked and expired ones too, by id.
    async fn list(&self) -> Result<Vec<Token>>;

    /// The token of this hash, valid or not.
    async fn find(&self, hash: SecretHash) -> Result<Option<Token>>;

    /// Stores the token; when one with this hash exists, answers that one unchanged.
    /// Must answer `NotFound` when there is no such account.
    async fn create(&self, token: NewToken, now: Timestamp) -> Result<Token>;

    /// Revokes the token from `now` on; a second time changes nothing.
    /// Must answer `NotFound` when there is none of this id.
    async fn revoke(&self, token: TokenId, now: Timestamp) -> Result<()>;
}

/// For knowing whether the store answers.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait StoreHealth: Send + Sync {
    /// Must answer `Unavailable` within a bounded time when the store does not answer.
    async fn check(&self) -> Result<()>;

    /// How much it has to do. Must answer at once, also when the store does not.
    fn load(&self) -> StoreLoad;
}

/// How much a store has to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreLoad {
    /// Connections that are in use.
    pub busy: u32,
    /// Connections that are not.
    pub idle: u32,
    /// Its queues, and how many requests wait in each.
    pub waiting: Vec<(&'static str, usize)>,
}

/// How many of one kind were looked at, and how many of those were wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// All of them.
    pub all: u64,
    /// Those that did not say what a count says.
    pub wrong: u64,
}

/// What came of comparing what is kept of the calls with the calls themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// The contacts: how many calls, and when the newest.
    pub contacts: Checked,
    /// The months of all accounts that have calls: how many.
    pub months: Checked,
}

/// For knowing that the counters are true. A command asks, no request does.
///
/// Synchronous, as [`BulkStore`] is, and on a connection of its own.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait CounterAudit: Send + Sync {
    /// Counts the calls of every account and repairs each contact's `calls` and `last_called`, and each month's count,
    /// that say otherwise; nothing else changes. Until it ends no call is written, so that none slips in between:
    /// writers wait, readers do not.
    fn verify(&self) -> Result<Audit>;
}

/// For knowing the time.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Send + Sync {
    /// The present second.
    fn now(&self) -> Timestamp;
}

/// One opened store, by purpose. Dropping the last of them closes it.
#[derive(Clone)]
pub struct Store {
    /// Its calls.
    pub calls: Arc<dyn CallRepository>,
    /// Its contacts.
    pub contacts: Arc<dyn ContactRepository>,
    /// Its accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// Its tokens.
    pub tokens: Arc<dyn TokenRepository>,
    /// Its health.
    pub health: Arc<dyn StoreHealth>,
    /// All of it, in bulk.
    pub bulk: Arc<dyn BulkStore>,
    /// Its counters.
    pub counters: Arc<dyn CounterAudit>,
}
