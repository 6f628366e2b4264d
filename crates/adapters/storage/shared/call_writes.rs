//! Writes of calls: they load the calls and contacts under a lock, ask the domain, and store the result.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    AccountId, CallId, CallPatch, CallUpsert, ContactId, CounterChanges, IdempotencyKey, NewCall, Outcome,
    RecordedCall, Timestamp, Uuid,
};
use ports::outbound::Precondition;
use ports::{Error, Result};
use storage::StoreResult;
use storage::rows::{CallRow, ContactWithLastCalled, NewCallRow, NewDeletionRow, call_id};

use crate::changes::{assign_call_ids, delete_calls, insert_calls, update_calls};
use crate::phone_numbers::named_contacts;
use crate::{DbConnection, call_words, counters, deletions, idempotency, lock_calls};

/// A write of one call.
#[derive(Clone)]
pub struct CallWrite {
    /// When the call is written.
    pub now: Timestamp,
    /// What happens to the call.
    pub change: Change,
}

/// What happens to a call.
#[derive(Clone)]
pub enum Change {
    /// It is recorded, or the call that has its external id is updated.
    Upsert(Box<Upsert>),
    /// The stored call is updated if it satisfies the precondition.
    Update(CallId, CallPatch, Option<Precondition>),
    /// The stored call is deleted if it satisfies the precondition.
    Delete(CallId, Option<Precondition>),
}

/// A call to record or to update.
#[derive(Clone)]
pub struct Upsert {
    /// The UUID of a call to record.
    pub uuid: Uuid,
    /// The request.
    pub call: CallUpsert,
    /// The contact of a call to record. The error if no contact or several ones have the phone number.
    pub contact: Result<ContactId>,
}

impl Change {
    /// Returns the stored call that the write names.
    pub fn call(&self) -> Option<CallId> {
        match self {
            Self::Upsert(..) => None,
            Self::Update(call, ..) | Self::Delete(call, _) => Some(*call),
        }
    }

    /// Returns the contact that the written call has, as far as the write names it.
    pub fn contact(&self) -> Option<ContactId> {
        match self {
            Self::Upsert(upsert) => upsert.contact.as_ref().ok().copied(),
            Self::Update(_, patch, _) => patch.contact,
            Self::Delete(..) => None,
        }
    }

    /// Returns the external id that the written call has, as far as the write names it.
    pub fn external_id(&self) -> Option<&str> {
        let external_id = match self {
            Self::Upsert(upsert) => upsert.call.details.external_id.as_ref(),
            Self::Update(_, patch, _) => patch.external_id.as_ref().and_then(Option::as_ref),
            Self::Delete(..) => None,
        };
        external_id.map(domain::Name::as_str)
    }
}

/// The calls that writes name, by id or external id, and their contacts. Other writers cannot change them until the
/// transaction ends.
#[derive(Default)]
pub struct LockedCalls {
    /// The calls that exist.
    pub calls: BTreeMap<CallId, CallRow>,
    /// Their contacts and those that they move to, as far as they exist.
    pub contacts: BTreeMap<ContactId, ContactWithLastCalled>,
}

/// Executes the writes in their order, within a transaction. Returns the result of each: the written call, or `None` if
/// it was deleted.
pub fn execute(
    connection: &mut DbConnection,
    account: AccountId,
    writes: &[CallWrite],
) -> StoreResult<Vec<StoreResult<Option<RecordedCall>>>> {
    let locked = lock_calls(connection, account, writes)?;
    let by_external_id = |row: &CallRow| Some((row.call.external_id.clone()?, call_id(row.id)));
    let holders = locked.calls.values().filter_map(by_external_id);
    let holders =
        holders.map(|(external_id, call)| Ok((external_id, call?))).collect::<StoreResult<BTreeMap<_, _>>>()?;
    let is_new = |write: &&CallWrite| match &write.change {
        Change::Upsert(..) => write.change.external_id().is_none_or(|id| !holders.contains_key(id)),
        _ => false,
    };
    let new_ids = assign_call_ids(connection, writes.iter().filter(is_new).count())?;
    let mut batch = WriteBatch {
        account,
        locked,
        holders,
        new_ids: new_ids.into_iter(),
        created: BTreeSet::new(),
        changed: BTreeSet::new(),
        with_new_content: BTreeSet::new(),
        deleted: Vec::new(),
        counters: CounterChanges::default(),
    };
    let results = writes.iter().map(|write| batch.execute(write)).collect();
    batch.store(connection)?;
    Ok(results)
}

/// Upserts the calls, within a transaction. A key is that of a request with one call.
pub fn upsert(
    connection: &mut DbConnection,
    account: AccountId,
    calls: &[(Uuid, CallUpsert)],
    now: Timestamp,
    key: Option<&IdempotencyKey>,
) -> StoreResult<Vec<Result<RecordedCall>>> {
    let contacts = named_contacts(connection, account, calls.iter().map(|(_, call)| &call.contact))?;
    let write = |((uuid, call), contact): (&(Uuid, CallUpsert), Result<ContactId>)| {
        let upsert = Upsert { uuid: *uuid, call: call.clone(), contact };
        CallWrite { now, change: Change::Upsert(Box::new(upsert)) }
    };
    let writes: Vec<CallWrite> = calls.iter().zip(contacts).map(write).collect();
    if key.is_some() {
        let mut outcome = Outcome::Created;
        let call = idempotency::run_once(connection, account, now, key, |connection| {
            let result = execute(connection, account, &writes)?.pop();
            let recorded = written(result.transpose()?.flatten())?;
            outcome = recorded.outcome;
            Ok(recorded.call)
        })?;
        return Ok(vec![Ok(RecordedCall { call, outcome })]);
    }
    let results = execute(connection, account, &writes)?.into_iter();
    Ok(results.map(|result| written(result?)).collect())
}

fn written(call: Option<RecordedCall>) -> Result<RecordedCall> {
    call.ok_or_else(|| Error::internal("a written call is missing"))
}

struct WriteBatch {
    account: AccountId,
    locked: LockedCalls,
    /// The calls that have the external ids.
    holders: BTreeMap<String, CallId>,
    /// Ids for calls to create.
    new_ids: std::vec::IntoIter<CallId>,
    created: BTreeSet<CallId>,
    /// The stored calls that were updated.
    changed: BTreeSet<CallId>,
    /// The stored calls whose content was updated.
    with_new_content: BTreeSet<CallId>,
    deleted: Vec<NewDeletionRow>,
    counters: CounterChanges,
}

impl WriteBatch {
    fn execute(&mut self, write: &CallWrite) -> StoreResult<Option<RecordedCall>> {
        match &write.change {
            Change::Upsert(upsert) => {
                let holder = write.change.external_id().and_then(|external_id| self.holders.get(external_id));
                match holder.copied() {
                    Some(call) => self.update(call, &upsert.call.patch, write.now, None).map(Some),
                    None => self.create(upsert, write.now).map(Some),
                }
            }
            Change::Update(call, patch, precondition) => {
                self.update(*call, patch, write.now, precondition.as_ref()).map(Some)
            }
            Change::Delete(call, precondition) => {
                self.delete(*call, write.now, precondition.as_ref())?;
                Ok(None)
            }
        }
    }

    fn create(&mut self, upsert: &Upsert, now: Timestamp) -> StoreResult<RecordedCall> {
        let new = NewCall { contact: upsert.contact.clone()?, details: upsert.call.details.clone() };
        let contact = &self.locked.contacts.get(&new.contact).ok_or(Error::NotFound)?.summary;
        contact.check_accepts_calls()?;
        let id = self.new_ids.next().ok_or_else(|| Error::internal("too few ids were assigned"))?;
        let row = CallRow { id: id.get(), call: NewCallRow::new(self.account, new.clone(), upsert.uuid, now) };
        let call = row.clone().with_contact(contact.clone())?;
        self.holders.extend(row.call.external_id.clone().map(|external_id| (external_id, id)));
        self.locked.calls.insert(id, row);
        self.created.insert(id);
        self.counters.add(None, Some(&new));
        Ok(RecordedCall { call, outcome: Outcome::Created })
    }

    fn update(
        &mut self,
        id: CallId,
        patch: &CallPatch,
        now: Timestamp,
        precondition: Option<&Precondition>,
    ) -> StoreResult<RecordedCall> {
        let (old, contact) = self.find(id)?;
        let new = patch.clone().apply(old.clone());
        let new_contact = self.locked.contacts.get(&new.contact).ok_or(Error::NotFound)?.summary.clone();
        new_contact.check_accepts_calls()?;
        self.check(id, contact, precondition)?;
        let (old_external_id, external_id) = (&old.details.external_id, &new.details.external_id);
        if external_id != old_external_id {
            if external_id.as_ref().is_some_and(|external_id| self.holders.contains_key(external_id.as_str())) {
                return Err(Error::ExternalIdTaken.into());
            }
            old_external_id.as_ref().map(|external_id| self.holders.remove(external_id.as_str()));
            self.holders.extend(external_id.as_ref().map(|external_id| (external_id.to_string(), id)));
        }
        let outcome = if new == old { Outcome::Unchanged } else { Outcome::Updated };
        self.counters.add(Some(&old), Some(&new));
        let row = self.locked.calls.get_mut(&id).ok_or(Error::NotFound)?;
        if outcome == Outcome::Updated {
            self.changed.insert(id);
            if new.details.content != old.details.content {
                self.with_new_content.insert(id);
            }
            row.set_data(new, now);
        }
        Ok(RecordedCall { call: row.clone().with_contact(new_contact)?, outcome })
    }

    fn delete(&mut self, id: CallId, now: Timestamp, precondition: Option<&Precondition>) -> StoreResult<()> {
        let (old, contact) = self.find(id)?;
        self.check(id, contact, precondition)?;
        self.counters.add(Some(&old), None);
        if let Some(row) = self.locked.calls.remove(&id) {
            row.call.external_id.as_ref().map(|external_id| self.holders.remove(external_id));
            self.deleted.push(NewDeletionRow::of_call(self.account, row.into(), now));
        }
        Ok(())
    }

    /// Returns the stored call and its contact, which accepts calls.
    fn find(&self, id: CallId) -> StoreResult<(NewCall, ContactId)> {
        let old = self.locked.calls.get(&id).ok_or(Error::NotFound)?.data()?;
        let contact = self.locked.contacts.get(&old.contact).ok_or_else(|| Error::internal("a call has no contact"))?;
        contact.summary.check_accepts_calls()?;
        let contact = contact.summary.id;
        Ok((old, contact))
    }

    /// Checks that the stored call satisfies the precondition.
    fn check(&self, id: CallId, contact: ContactId, precondition: Option<&Precondition>) -> StoreResult<()> {
        let Some(is_met) = precondition else { return Ok(()) };
        let stored = self.locked.calls.get(&id).zip(self.locked.contacts.get(&contact));
        let (row, contact) = stored.ok_or(Error::NotFound)?;
        if is_met(&row.clone().with_contact(contact.summary.clone())?) {
            Ok(())
        } else {
            Err(Error::PreconditionFailed.into())
        }
    }

    fn store(self, connection: &mut DbConnection) -> StoreResult<()> {
        let Self { account, locked: LockedCalls { calls, contacts }, created, mut changed, deleted, .. } = self;
        changed.retain(|call| !created.contains(call));
        let rows = |ids: &BTreeSet<CallId>| ids.iter().filter_map(|id| calls.get(id)).collect::<Vec<&CallRow>>();
        if !created.is_empty() {
            insert_calls(connection, &rows(&created))?;
        }
        if !changed.is_empty() {
            update_calls(connection, account, &rows(&changed))?;
        }
        if !self.with_new_content.is_empty() {
            call_words::replace(connection, account, &rows(&self.with_new_content))?;
        }
        if !deleted.is_empty() {
            let ids: Vec<i64> = deleted.iter().map(|deletion| deletion.object_id).collect();
            call_words::delete(connection, account, &ids)?;
            delete_calls(connection, account, &ids)?;
            deletions::insert(connection, &deleted)?;
        }
        counters::apply(connection, account, &self.counters, &contacts)
    }
}
