//! Imports and restores, as far as both stores do them alike.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{
    Account, AccountId, CallId, Contact, ContactFieldId, ContactId, Content, SecretHash, Timestamp, Token, Uuid,
};
use ports::Result;
use ports::outbound::{Imported, LastIds, Record, StoredCall};

use crate::{StoreResult, months};

/// The most records of a batch.
const RECORDS: usize = 10_000;

/// The most bytes of text in a batch, give or take one record.
const BYTES: usize = 8 << 20;

/// What ids are given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Accounts.
    Accounts,
    /// Tokens.
    Tokens,
    /// Contacts.
    ContactUseCases,
    /// Contact fields.
    ContactFields,
    /// Calls.
    Calls,
}

impl Table {
    /// Every one, with its last id.
    pub fn all(last: &LastIds) -> [(Self, i64); 5] {
        [
            (Self::Accounts, last.accounts),
            (Self::Tokens, last.tokens),
            (Self::ContactUseCases, last.contacts),
            (Self::ContactFields, last.contact_fields),
            (Self::Calls, last.calls),
        ]
    }

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Tokens => "tokens",
            Self::ContactUseCases => "contacts",
            Self::ContactFields => "contact_fields",
            Self::Calls => "calls",
        }
    }
}

/// How many calls a contact has more, and the newest of them.
pub type Counts = BTreeMap<i64, (i64, Timestamp)>;

/// What a store does for an import or a restore, within a transaction on one connection.
pub trait BulkSession {
    /// The next unused ids, in upward order.
    fn allocate(&mut self, table: Table, count: usize) -> StoreResult<Vec<i64>>;
    /// Those of the contacts that the import knows, with their ids.
    fn known_contacts(&mut self, uuids: &HashSet<Uuid>) -> StoreResult<HashMap<Uuid, i64>>;
    /// Makes the import know these contacts.
    fn remember_contacts(&mut self, contacts: &[(Uuid, i64)]) -> StoreResult<()>;
    /// Those of the calls that the import did not know; from now on it knows them.
    fn remember_calls(&mut self, uuids: &[Uuid]) -> StoreResult<HashSet<Uuid>>;
    /// Inserts the account under its id.
    fn insert_account(&mut self, account: &Account) -> StoreResult<()>;
    /// Inserts the token under its id.
    fn insert_token(&mut self, token: &Token, hash: SecretHash) -> StoreResult<()>;
    /// Inserts the contacts and their fields under their ids, without calls.
    fn insert_contacts(&mut self, contacts: &[Contact]) -> StoreResult<()>;
    /// Inserts the calls under their ids; they are not counted yet.
    fn insert_calls(&mut self, calls: Vec<StoredCall>) -> StoreResult<()>;
    /// Adds to the counts and `last_called` of the contacts, and to the counts of the account's months.
    fn count(&mut self, account: AccountId, contacts: &Counts, months: &BTreeMap<i32, i64>) -> StoreResult<()>;
    /// Sees to it that no id up to the last ones is given out again.
    fn raise_last_ids(&mut self, last: &LastIds) -> StoreResult<()>;
}

/// Records by the batch.
pub struct Batches<'a> {
    records: std::iter::Fuse<&'a mut dyn Iterator<Item = Result<Record>>>,
}

impl<'a> Batches<'a> {
    /// The records, in their order.
    pub fn of(records: &'a mut dyn Iterator<Item = Result<Record>>) -> Self {
        // The end of the last batch is the end.
        Self { records: records.fuse() }
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<Vec<Record>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < RECORDS && bytes < BYTES {
            match self.records.next() {
                None => break,
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(record)) => {
                    bytes += text_size(&record);
                    batch.push(record);
                }
            }
        }
        (!batch.is_empty()).then_some(Ok(batch))
    }
}

fn text_size(record: &Record) -> usize {
    let text = match record {
        Record::Call(call) => call.call.content.as_ref(),
        Record::Contact(contact) => contact.description.as_ref(),
        _ => None,
    };
    text.map(Content::as_str).map_or(0, str::len)
}

/// Imports one batch, in a transaction that the caller holds open.
pub fn import_batch(
    session: &mut impl BulkSession,
    account: AccountId,
    batch: Vec<Record>,
    dry_run: bool,
) -> StoreResult<Imported> {
    let (mut contacts, mut calls) = (Vec::new(), Vec::new());
    for record in batch {
        match record {
            Record::Contact(contact) => contacts.push(*contact),
            Record::Call(call) => calls.push(*call),
            Record::Account(_) | Record::Token(..) | Record::LastIds(_) => {}
        }
    }
    let mut imported = Imported::default();
    import_contacts(session, account, contacts, dry_run, &mut imported)?;
    import_calls(session, account, calls, dry_run, &mut imported)?;
    Ok(imported)
}

fn import_contacts(
    session: &mut impl BulkSession,
    account: AccountId,
    mut contacts: Vec<Contact>,
    dry_run: bool,
    imported: &mut Imported,
) -> StoreResult<()> {
    let known = session.known_contacts(&contacts.iter().map(|contact| contact.summary.uuid).collect())?;
    let mut seen: HashSet<Uuid> = known.into_keys().collect();
    let all = contacts.len();
    contacts.retain(|contact| seen.insert(contact.summary.uuid));
    imported.contacts.added += contacts.len() as u64;
    imported.contacts.known += (all - contacts.len()) as u64;
    if !dry_run {
        let ids = session.allocate(Table::ContactUseCases, contacts.len())?;
        let fields = contacts.iter().map(|contact| contact.fields.len()).sum();
        let mut field_ids = session.allocate(Table::ContactFields, fields)?.into_iter();
        for (contact, id) in contacts.iter_mut().zip(ids) {
            contact.summary.id = ContactId::from_store(id);
            contact.summary.account = account;
            for (field, id) in contact.fields.iter_mut().zip(&mut field_ids) {
                field.id = ContactFieldId::from_store(id);
            }
        }
        session.insert_contacts(&contacts)?;
    }
    let known: Vec<_> = contacts.iter().map(|contact| (contact.summary.uuid, contact.summary.id.get())).collect();
    session.remember_contacts(&known)
}

fn import_calls(
    session: &mut impl BulkSession,
    account: AccountId,
    mut calls: Vec<StoredCall>,
    dry_run: bool,
    imported: &mut Imported,
) -> StoreResult<()> {
    let contacts = session.known_contacts(&calls.iter().map(|call| call.contact_uuid).collect())?;
    let all = calls.len();
    calls.retain(|call| contacts.contains_key(&call.contact_uuid));
    imported.orphans += (all - calls.len()) as u64;
    let uuids: Vec<_> = calls.iter().map(|call| call.uuid).collect();
    let mut new = session.remember_calls(&uuids)?;
    let all = calls.len();
    calls.retain(|call| new.remove(&call.uuid));
    imported.calls.added += calls.len() as u64;
    imported.calls.known += (all - calls.len()) as u64;
    if dry_run {
        return Ok(());
    }
    let ids = session.allocate(Table::Calls, calls.len())?;
    for (call, id) in calls.iter_mut().zip(ids) {
        call.id = CallId::from_store(id);
        call.account = account;
        if let Some(contact) = contacts.get(&call.contact_uuid) {
            call.call.contact = ContactId::from_store(*contact);
        }
    }
    insert_and_count(session, account, calls)
}

fn insert_and_count(session: &mut impl BulkSession, account: AccountId, calls: Vec<StoredCall>) -> StoreResult<()> {
    let mut counts = Counts::new();
    for StoredCall { call, .. } in &calls {
        let (number, newest) = counts.entry(call.contact.get()).or_insert((0, call.called_at));
        *number += 1;
        *newest = call.called_at.max(*newest);
    }
    let months = months(calls.iter().map(|call| call.call.called_at));
    // The contacts first: they are locked in this order everywhere.
    session.count(account, &counts, &months)?;
    session.insert_calls(calls)
}

/// Writes one batch of a whole store, in a transaction that the caller holds open.
pub fn restore_batch(session: &mut impl BulkSession, batch: Vec<Record>) -> StoreResult<()> {
    let mut contacts = Vec::new();
    let mut calls: BTreeMap<AccountId, Vec<StoredCall>> = BTreeMap::new();
    for record in batch {
        match record {
            Record::Account(account) => session.insert_account(&account)?,
            Record::Token(token, hash) => session.insert_token(&token, hash)?,
            Record::Contact(contact) => contacts.push(*contact),
            Record::Call(call) => calls.entry(call.account).or_default().push(*call),
            Record::LastIds(last) => session.raise_last_ids(&last)?,
        }
    }
    session.insert_contacts(&contacts)?;
    calls.into_iter().try_for_each(|(account, calls)| insert_and_count(session, account, calls))
}

/// Adds what one batch did to the whole.
pub fn add(whole: &mut Imported, batch: &Imported) {
    for (whole, batch) in [(&mut whole.contacts, &batch.contacts), (&mut whole.calls, &batch.calls)] {
        whole.added += batch.added;
        whole.known += batch.known;
    }
    whole.orphans += batch.orphans;
}
