//! Rows and their conversions to and from the domain, the same for both stores.
//!
//! A row maps its columns by name. A stored value that no version of Callbook writes is an internal error.

mod account;
mod call;
mod contact;
mod deletion;

pub use account::{AccountRow, NewTokenRow, TokenRow};
pub use call::{CallDetailsRow, CallRow, NewCallRow};
pub use contact::{
    ContactDataRow, ContactFieldDataRow, ContactFieldRow, ContactRow, ContactSummaryRow, ContactWithLastCalled,
    ContactWithLastCalledRow, NewContactFieldRow, NewContactRow,
};
pub use deletion::{DeletedCallRow, DeletionRow, NewDeletionRow};
use domain::{AccountId, CallId, ContactId, Text};
use ports::Error;

use crate::{StoreError, StoreResult};

/// Returns the error for a stored value that no version of Callbook writes.
fn invalid(what: &str) -> StoreError {
    Error::internal(format!("the store holds an invalid {what}")).into()
}

fn text<const MAX: usize>(text: String) -> StoreResult<Text<MAX>> {
    text.try_into().map_err(|_| invalid("text"))
}

fn optional_text<const MAX: usize>(value: Option<String>) -> StoreResult<Option<Text<MAX>>> {
    value.map(text).transpose()
}

fn account_id(id: i64) -> StoreResult<AccountId> {
    AccountId::new(id).ok_or_else(|| invalid("account id"))
}

/// Validates a stored id of a contact.
pub fn contact_id(id: i64) -> StoreResult<ContactId> {
    ContactId::new(id).ok_or_else(|| invalid("contact id"))
}

/// Validates a stored id of a call.
pub fn call_id(id: i64) -> StoreResult<CallId> {
    CallId::new(id).ok_or_else(|| invalid("call id"))
}
