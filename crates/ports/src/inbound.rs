//! What is asked of Callbook. `app` implements these; the HTTP adapter and the command line call them.

use async_trait::async_trait;
use domain::{
    Account, AccountId, Call, CallId, CallOrder, CallPatch, Caller, Contact, ContactId, ContactOrder, ContactPatch,
    ContactSearch, IdempotencyKey, Name, NewCall, NewContact, Page, PageRequest, Scope, Secret, Timestamp, Version,
};

use crate::Result;
pub use crate::outbound::{CallPage, StoreLoad};

/// For keeping a log of calls.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CallService: Send + Sync {
    /// A page of the account's calls; of one contact's calls when one is named.
    /// Must answer `NotFound` when there is no such contact.
    async fn list(&self, account: AccountId, of: Option<ContactId>, page: PageRequest<CallOrder>) -> Result<CallPage>;

    /// The call. Must answer `NotFound` when the account has none of this id.
    async fn find(&self, account: AccountId, call: CallId) -> Result<Call>;

    /// Records the call and answers it as stored.
    /// Must answer `NotFound` when the account has no such contact, `Archived` when the contact takes no calls.
    /// A request that names itself is done once in 24 hours: repeated, it is answered as the first time;
    /// `KeyReused` when another request had that name.
    async fn record(&self, account: AccountId, call: NewCall, once: Option<IdempotencyKey>) -> Result<Call>;

    /// Changes the call and answers it as stored; `updated_at` moves only when something changed.
    /// Must answer `NotFound` without such a call or such a contact to move it to, `Archived` when either contact is,
    /// `Changed` when versions are expected and the call has none of them.
    async fn revise(
        &self,
        account: AccountId,
        call: CallId,
        change: CallPatch,
        expected: Option<Vec<Version>>,
    ) -> Result<Call>;

    /// Deletes the call. Must answer `NotFound` the second time, `Changed` when versions are expected and the call
    /// has none of them.
    async fn delete(&self, account: AccountId, call: CallId, expected: Option<Vec<Version>>) -> Result<()>;
}

/// For keeping the contacts that calls are made with.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ContactService: Send + Sync {
    /// A page of the account's contacts that are searched.
    async fn list(
        &self,
        account: AccountId,
        search: ContactSearch,
        page: PageRequest<ContactOrder>,
    ) -> Result<Page<Contact>>;

    /// The contact. Must answer `NotFound` when the account has none of this id.
    async fn find(&self, account: AccountId, contact: ContactId) -> Result<Contact>;

    /// Adds the contact and answers it as stored.
    async fn add(&self, account: AccountId, contact: NewContact) -> Result<Contact>;

    /// Changes the contact and answers it as stored. Must answer `NotFound` when there is none of this id.
    async fn revise(&self, account: AccountId, contact: ContactId, change: ContactPatch) -> Result<Contact>;

    /// Deletes the contact and all its calls. Must answer `NotFound` the second time.
    async fn delete(&self, account: AccountId, contact: ContactId) -> Result<()>;
}

/// For opening an account to those who hold a token of it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AuthService: Send + Sync {
    /// Who bears this text; none when no valid token has it. A revocation holds within a second.
    async fn authenticate(&self, bearer: &str) -> Result<Option<Caller>>;

    /// The account. Must answer `NotFound` when there is none of this id.
    async fn account(&self, account: AccountId) -> Result<Account>;

    /// Makes a token and answers its secret, which is not kept.
    /// Must answer `NotFound` when there is no such account.
    async fn issue(&self, token: TokenRequest) -> Result<Secret>;
}

/// What a token shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// The account that it opens.
    pub account: AccountId,
    /// What its operator calls it.
    pub name: Name,
    /// What it allows.
    pub scope: Scope,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// For knowing whether requests can be served.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait HealthService: Send + Sync {
    /// Must answer `Unavailable` when the store does not answer.
    async fn check(&self) -> Result<()>;

    /// How much the store has to do. Must answer at once, also when the store does not.
    fn load(&self) -> StoreLoad;
}
