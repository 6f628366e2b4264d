//! Imports and restores, as far as both stores do them alike.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{
    Account, AccountId, CallDetails, Contact, ContactField, ContactId, Content, CounterChanges, Emotion, NewCall,
    NewContact, SecretHash, Token, TooManyFields, Uuid,
};
use ports::Error;
use ports::outbound::{
    BackupRecord, FieldIdentity, HighestIds, ImportCall, ImportContact, ImportRecord, ImportSummary, StoredCall,
};

use crate::StoreResult;
use crate::rows::call_id;

/// The maximal number of records of a batch.
const MAX_RECORDS: usize = 10_000;

/// The maximal size of the texts of a batch, in bytes, give or take one record.
const MAX_BYTES: usize = 8 << 20;

/// A table whose ids are assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Accounts.
    Accounts,
    /// Tokens.
    Tokens,
    /// Contacts.
    Contacts,
    /// Contact fields.
    ContactFields,
    /// Calls.
    Calls,
}

impl Table {
    /// Returns each table with its highest id.
    pub fn all(highest: &HighestIds) -> [(Self, i64); 5] {
        [
            (Self::Accounts, highest.accounts),
            (Self::Tokens, highest.tokens),
            (Self::Contacts, highest.contacts),
            (Self::ContactFields, highest.contact_fields),
            (Self::Calls, highest.calls),
        ]
    }

    /// Returns the name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Tokens => "tokens",
            Self::Contacts => "contacts",
            Self::ContactFields => "contact_fields",
            Self::Calls => "calls",
        }
    }
}

/// Collects the highest id of each table.
pub fn highest_ids(mut of: impl FnMut(Table) -> StoreResult<i64>) -> StoreResult<HighestIds> {
    Ok(HighestIds {
        accounts: of(Table::Accounts)?,
        tokens: of(Table::Tokens)?,
        contacts: of(Table::Contacts)?,
        contact_fields: of(Table::ContactFields)?,
        calls: of(Table::Calls)?,
    })
}

/// A contact field to insert under its id.
pub struct FieldToInsert {
    /// The id of the field.
    pub id: i64,
    /// The contact that has the field.
    pub contact: ContactId,
    /// The kind and the data.
    pub field: domain::NewContactField,
    /// The UUID and the times.
    pub identity: FieldIdentity,
}

/// A contact to insert under its id.
pub struct ContactToInsert {
    /// The id.
    pub id: ContactId,
    /// The account that owns the contact.
    pub account: AccountId,
    /// The contact. Its fields are inserted by themselves.
    pub contact: ImportContact,
}

/// The operations of a store for an import or a restore, within a transaction on one connection.
pub trait BulkSession {
    /// Assigns new ids, in ascending order.
    fn assign_ids(&mut self, table: Table, count: usize) -> StoreResult<Vec<i64>>;
    /// Returns those of the contacts that the import has seen, with their ids.
    fn known_contacts(&mut self, uuids: &HashSet<Uuid>) -> StoreResult<HashMap<Uuid, i64>>;
    /// Marks the contacts as seen.
    fn remember_contacts(&mut self, contacts: &[(Uuid, i64)]) -> StoreResult<()>;
    /// Marks the calls as seen. Returns those that were not.
    fn remember_calls(&mut self, uuids: &[Uuid]) -> StoreResult<HashSet<Uuid>>;
    /// Returns those of the external ids that calls of the account have.
    fn taken_external_ids(&mut self, account: AccountId, external_ids: &[&str]) -> StoreResult<HashSet<String>>;
    /// Inserts the account under its id.
    fn insert_account(&mut self, account: &Account) -> StoreResult<()>;
    /// Inserts the token under its id.
    fn insert_token(&mut self, token: &Token, hash: SecretHash) -> StoreResult<()>;
    /// Inserts the contacts under their ids, without calls.
    fn insert_contacts(&mut self, contacts: Vec<ContactToInsert>) -> StoreResult<()>;
    /// Inserts the contact fields under their ids.
    fn insert_fields(&mut self, account: AccountId, fields: Vec<FieldToInsert>) -> StoreResult<()>;
    /// Inserts the calls under their ids, without counting them.
    fn insert_calls(&mut self, calls: Vec<StoredCall>) -> StoreResult<()>;
    /// Locks the contacts and applies the changes of the counters.
    fn apply_counters(&mut self, account: AccountId, changes: &CounterChanges) -> StoreResult<()>;
    /// Prevents ids up to the highest ones from being assigned again.
    fn raise_highest_ids(&mut self, highest: &HighestIds) -> StoreResult<()>;
}

/// Groups records into batches of bounded size.
pub struct Batches<'a, T> {
    records: std::iter::Fuse<&'a mut dyn Iterator<Item = ports::Result<T>>>,
    size: fn(&T) -> usize,
}

impl<'a, T> Batches<'a, T> {
    /// Groups the records. `size` returns the bytes of a record's texts.
    pub fn new(records: &'a mut dyn Iterator<Item = ports::Result<T>>, size: fn(&T) -> usize) -> Self {
        Self { records: records.fuse(), size }
    }
}

impl<T> Iterator for Batches<'_, T> {
    type Item = ports::Result<Vec<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < MAX_RECORDS && bytes < MAX_BYTES {
            match self.records.next() {
                None => break,
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(record)) => {
                    bytes += (self.size)(&record);
                    batch.push(record);
                }
            }
        }
        (!batch.is_empty()).then_some(Ok(batch))
    }
}

fn text_size(text: Option<&Content>) -> usize {
    text.map_or(0, |text| text.as_str().len())
}

/// Returns the size of a record's texts, in bytes.
pub fn import_size(record: &ImportRecord) -> usize {
    text_size(match record {
        ImportRecord::Contact(contact) => contact.contact.description.as_ref(),
        ImportRecord::Call(call) => call.details.content.as_ref(),
    })
}

/// Returns the size of a record's texts, in bytes.
pub fn backup_size(record: &BackupRecord) -> usize {
    text_size(match record {
        BackupRecord::Contact(contact) => contact.description.as_ref(),
        BackupRecord::Call(call) => call.details.content.as_ref(),
        _ => None,
    })
}

/// Imports one batch, within the caller's transaction.
pub fn import_batch(
    session: &mut impl BulkSession,
    account: AccountId,
    batch: Vec<ImportRecord>,
    dry_run: bool,
) -> StoreResult<ImportSummary> {
    let (mut contacts, mut calls) = (Vec::new(), Vec::new());
    for record in batch {
        match record {
            ImportRecord::Contact(contact) => contacts.push(*contact),
            ImportRecord::Call(call) => calls.push(*call),
        }
    }
    let mut summary = ImportSummary::default();
    import_contacts(session, account, contacts, dry_run, &mut summary)?;
    import_calls(session, account, calls, dry_run, &mut summary)?;
    Ok(summary)
}

fn import_contacts(
    session: &mut impl BulkSession,
    account: AccountId,
    mut contacts: Vec<ImportContact>,
    dry_run: bool,
    summary: &mut ImportSummary,
) -> StoreResult<()> {
    contacts.iter_mut().try_for_each(keep_distinct_fields)?;
    let known = session.known_contacts(&contacts.iter().map(|contact| contact.uuid).collect())?;
    let mut seen: HashSet<Uuid> = known.into_keys().collect();
    let all = contacts.len();
    contacts.retain(|contact| seen.insert(contact.uuid));
    summary.contacts.added += contacts.len() as u64;
    summary.contacts.known += (all - contacts.len()) as u64;
    if dry_run {
        // Calls of the import find their contacts by these ids, which are not assigned.
        return session.remember_contacts(&contacts.iter().map(|contact| (contact.uuid, 0)).collect::<Vec<_>>());
    }
    let ids = session.assign_ids(Table::Contacts, contacts.len())?;
    session
        .remember_contacts(&contacts.iter().map(|contact| contact.uuid).zip(ids.iter().copied()).collect::<Vec<_>>())?;
    let contacts: Vec<ContactToInsert> = contacts
        .into_iter()
        .zip(ids)
        .map(|(contact, id)| Ok(ContactToInsert { id: crate::rows::contact_id(id)?, account, contact }))
        .collect::<StoreResult<_>>()?;
    let mut fields = Vec::new();
    for ContactToInsert { id, contact, .. } in &contacts {
        for (field, identity) in contact.contact.fields.iter().zip(&contact.fields) {
            fields.push(FieldToInsert { id: 0, contact: *id, field: field.clone(), identity: *identity });
        }
    }
    let field_ids = session.assign_ids(Table::ContactFields, fields.len())?;
    fields.iter_mut().zip(field_ids).for_each(|(field, id)| field.id = id);
    session.insert_contacts(contacts)?;
    session.insert_fields(account, fields)
}

fn import_calls(
    session: &mut impl BulkSession,
    account: AccountId,
    mut calls: Vec<ImportCall>,
    dry_run: bool,
    summary: &mut ImportSummary,
) -> StoreResult<()> {
    let contacts = session.known_contacts(&calls.iter().map(|call| call.contact_uuid).collect())?;
    let all = calls.len();
    calls.retain(|call| contacts.contains_key(&call.contact_uuid));
    summary.orphans += (all - calls.len()) as u64;
    let uuids: Vec<_> = calls.iter().map(|call| call.uuid).collect();
    let mut new = session.remember_calls(&uuids)?;
    let all = calls.len();
    calls.retain(|call| new.remove(&call.uuid));
    // A call is also recognised by its external id, which is unique.
    let external_id = |call: &ImportCall| call.details.external_id.as_ref().map(ToString::to_string);
    let external_ids: Vec<String> = calls.iter().filter_map(external_id).collect();
    let mut taken =
        session.taken_external_ids(account, &external_ids.iter().map(String::as_str).collect::<Vec<_>>())?;
    calls.retain(|call| external_id(call).is_none_or(|external_id| taken.insert(external_id)));
    summary.calls.added += calls.len() as u64;
    summary.calls.known += (all - calls.len()) as u64;
    if dry_run {
        return Ok(());
    }
    let ids = session.assign_ids(Table::Calls, calls.len())?;
    let stored = |(call, id): (ImportCall, i64)| {
        Ok(StoredCall {
            id: call_id(id)?,
            uuid: call.uuid,
            account,
            contact: crate::rows::contact_id(contacts.get(&call.contact_uuid).copied().unwrap_or_default())?,
            contact_uuid: call.contact_uuid,
            details: with_distinct_emotions(call.details),
            created_at: call.created_at,
            updated_at: call.updated_at,
        })
    };
    insert_and_count(session, account, calls.into_iter().zip(ids).map(stored).collect::<StoreResult<_>>()?)
}

fn insert_and_count(session: &mut impl BulkSession, account: AccountId, calls: Vec<StoredCall>) -> StoreResult<()> {
    let mut changes = CounterChanges::default();
    for call in &calls {
        changes.add(None, Some(&NewCall { contact: call.contact, details: call.details.clone() }));
    }
    // All writers lock contacts before calls.
    session.apply_counters(account, &changes)?;
    session.insert_calls(calls)
}

/// Removes contact fields whose UUID another field of the contact has.
fn keep_distinct_fields(contact: &mut ImportContact) -> StoreResult<()> {
    if contact.fields.len() != contact.contact.fields.len() {
        return Err(Error::internal("an imported contact has fields without a UUID").into());
    }
    let mut known = HashSet::new();
    let is_first: Vec<bool> = contact.fields.iter().map(|field| known.insert(field.uuid)).collect();
    let mut firsts = is_first.iter();
    contact.contact.fields.retain(|_| firsts.next() == Some(&true));
    let mut firsts = is_first.iter();
    contact.fields.retain(|_| firsts.next() == Some(&true));
    Ok(check_number_of_fields(contact.fields.len())?)
}

fn check_number_of_fields(fields: usize) -> Result<(), TooManyFields> {
    if fields > NewContact::MAX_FIELDS { Err(TooManyFields) } else { Ok(()) }
}

fn with_distinct_emotions(details: CallDetails) -> CallDetails {
    CallDetails { emotions: Emotion::distinct(details.emotions), ..details }
}

/// A restore of a backup, which restores one batch after the other.
#[derive(Default)]
pub struct Restore {
    /// The highest ids of the records, and those that the backup names.
    highest: HighestIds,
}

impl Restore {
    /// Restores one batch, within the caller's transaction.
    pub fn add(&mut self, session: &mut impl BulkSession, batch: Vec<BackupRecord>) -> StoreResult<()> {
        let mut contacts = Vec::new();
        let mut fields: BTreeMap<AccountId, Vec<FieldToInsert>> = BTreeMap::new();
        let mut calls: BTreeMap<AccountId, Vec<StoredCall>> = BTreeMap::new();
        for record in batch {
            self.raise_highest_ids(&record);
            match record {
                BackupRecord::Account(account) => session.insert_account(&account)?,
                BackupRecord::Token(token, hash) => session.insert_token(&token, hash)?,
                BackupRecord::Contact(contact) => {
                    let (id, account) = (contact.summary.id, contact.summary.account);
                    check_number_of_fields(contact.fields.len())?;
                    fields.entry(account).or_default().extend(contact.fields.iter().map(|field| FieldToInsert {
                        id: field.id.get(),
                        contact: id,
                        field: field.content.clone(),
                        identity: identity(field),
                    }));
                    contacts.push(ContactToInsert { id, account, contact: without_id(*contact) });
                }
                BackupRecord::Call(call) => {
                    let details = with_distinct_emotions(call.details);
                    calls.entry(call.account).or_default().push(StoredCall { details, ..*call });
                }
                BackupRecord::HighestIds(_) => {}
            }
        }
        session.insert_contacts(contacts)?;
        fields.into_iter().try_for_each(|(account, fields)| session.insert_fields(account, fields))?;
        calls.into_iter().try_for_each(|(account, calls)| insert_and_count(session, account, calls))
    }

    /// Ends the restore: new records get ids above those of the backup.
    pub fn finish(self, session: &mut impl BulkSession) -> StoreResult<()> {
        session.raise_highest_ids(&self.highest)
    }

    fn raise_highest_ids(&mut self, record: &BackupRecord) {
        let HighestIds { accounts, tokens, contacts, contact_fields, calls } = &mut self.highest;
        let raise = |highest: &mut i64, id: i64| *highest = id.max(*highest);
        match record {
            BackupRecord::Account(account) => raise(accounts, account.id.get()),
            BackupRecord::Token(token, _) => raise(tokens, token.id.get()),
            BackupRecord::Contact(contact) => {
                raise(contacts, contact.summary.id.get());
                contact.fields.iter().for_each(|field| raise(contact_fields, field.id.get()));
            }
            BackupRecord::Call(call) => raise(calls, call.id.get()),
            BackupRecord::HighestIds(named) => {
                raise(accounts, named.accounts);
                raise(tokens, named.tokens);
                raise(contacts, named.contacts);
                raise(contact_fields, named.contact_fields);
                raise(calls, named.calls);
            }
        }
    }
}

fn identity(field: &ContactField) -> FieldIdentity {
    FieldIdentity { uuid: field.uuid, created_at: field.created_at, updated_at: field.updated_at }
}

fn without_id(contact: Contact) -> ImportContact {
    ImportContact {
        uuid: contact.summary.uuid,
        fields: contact.fields.iter().map(identity).collect(),
        created_at: contact.created_at,
        updated_at: contact.updated_at,
        contact: contact.into(),
    }
}

/// Adds the result of a batch to that of the whole import.
pub fn add(summary: &mut ImportSummary, batch: &ImportSummary) {
    for (summary, batch) in [(&mut summary.contacts, &batch.contacts), (&mut summary.calls, &batch.calls)] {
        summary.added += batch.added;
        summary.known += batch.known;
    }
    summary.orphans += batch.orphans;
}
