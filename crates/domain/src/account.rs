//! Accounts: who owns contacts and calls.

use crate::{AccountId, Name, Timestamp};

/// The owner of contacts, calls and tokens. Nothing of one account is seen by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// What its operator calls it.
    pub name: Name,
    /// When it was made.
    pub created_at: Timestamp,
}
