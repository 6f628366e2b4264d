//! Accounts, which own contacts and calls.

use crate::{AccountId, Name, Timestamp};

/// The owner of contacts, calls and tokens. Accounts are isolated from each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The id.
    pub id: AccountId,
    /// The name that the operator chose.
    pub name: Name,
    /// When the account was created.
    pub created_at: Timestamp,
}
