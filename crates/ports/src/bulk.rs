//! Moving whole contents in and out, in bulk. Commands do it, no request does.

use std::ops::ControlFlow;

use domain::{Account, AccountId, CallId, Contact, NewCall, SecretHash, Timestamp, Token, Uuid};

use crate::Result;

/// One thing that a store keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An account.
    Account(Account),
    /// A token, and the hash of its secret.
    Token(Token, SecretHash),
    /// A contact with its fields; what is counted of its calls is read, and counted anew when it is written.
    Contact(Box<Contact>),
    /// A call.
    Call(Box<StoredCall>),
    /// The last ids that were given out.
    LastIds(LastIds),
}

/// A call as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCall {
    /// Its id.
    pub id: CallId,
    /// Its name for other systems.
    pub uuid: Uuid,
    /// The account that owns it.
    pub account: AccountId,
    /// What was recorded.
    pub call: NewCall,
    /// Its contact's name for other systems.
    pub contact_uuid: Uuid,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The last id given out of each kind, also when what it named is gone: none is used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastIds {
    /// Of accounts.
    pub accounts: i64,
    /// Of tokens.
    pub tokens: i64,
    /// Of contacts.
    pub contacts: i64,
    /// Of contact fields.
    pub contact_fields: i64,
    /// Of calls.
    pub calls: i64,
}

/// How many of the records of one kind were new, and how many there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Not there before.
    pub added: u64,
    /// There already, by their UUID, and left as they are.
    pub known: u64,
}

/// What came of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The contacts.
    pub contacts: Tally,
    /// The calls.
    pub calls: Tally,
    /// Calls that were left out: no contact, in the account or before them in the import, has the UUID they name.
    pub orphans: u64,
}

/// Records that are asked for one after the other; the first error ends what is done with them.
pub type Records<'a> = &'a mut dyn Iterator<Item = Result<Record>>;

/// For moving whole contents in and out.
///
/// Synchronous: it works for minutes, on the thread of the command that asks and on a connection of its own.
/// Servers and other commands may read and write meanwhile. It holds a bounded number of records at a time.
pub trait BulkStore: Send + Sync {
    /// Shows every record of the account, or of the whole store, as they were at one moment after the call began:
    /// contacts before calls, each by id; of the whole store also accounts and tokens, before these, and the last
    /// ids, at the end. Must stop when the visitor breaks. Must answer `NotFound` when there is no such account.
    fn read(&self, of: Option<AccountId>, visit: &mut dyn FnMut(Record) -> ControlFlow<()>) -> Result<()>;

    /// Adds the contacts and calls to the account, under new ids in their order; what is no contact or call is left
    /// out. The UUID is the key: what the account has is left as it is, and a call goes to the contact whose UUID it
    /// names, archived or not. Stamps are kept. `last_called` and counts are right after every batch, and each batch
    /// is one transaction: what was done before an error stays, and a second import goes on from there.
    /// A dry run tells the same and changes nothing. Must answer `NotFound` when there is no such account.
    fn import(&self, account: AccountId, records: Records<'_>, dry_run: bool) -> Result<Imported>;

    /// Writes the records of a whole store under their own ids, all of them or, after an error, none.
    /// Must answer false, and change nothing, when the store has an account.
    fn restore(&self, records: Records<'_>) -> Result<bool>;
}
