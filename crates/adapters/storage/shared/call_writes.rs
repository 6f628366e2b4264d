//! Updates and deletions of calls: they load the calls and contacts under a lock, ask the domain, and store the result.

use std::collections::{BTreeMap, BTreeSet};

use domain::{AccountId, Call, CallId, CallPatch, ContactId, CounterChanges, Timestamp};
use ports::Error;
use ports::outbound::Precondition;
use storage::StoreResult;
use storage::rows::{CallRow, ContactWithLastCalled};

use crate::changes::{delete_calls, update_calls};
use crate::{DbConnection, counters, lock_calls};

/// A write of one stored call.
#[derive(Clone)]
pub struct CallWrite {
    /// The call.
    pub call: CallId,
    /// What the stored call must satisfy.
    pub precondition: Option<Precondition>,
    /// What happens to the call.
    pub change: Change,
}

/// What happens to a call.
#[derive(Clone)]
pub enum Change {
    /// It is updated.
    Update(CallPatch, Timestamp),
    /// It is deleted.
    Delete,
}

/// The calls to write and their contacts, which other writers cannot change until the transaction ends.
pub struct LockedCalls {
    /// The calls that exist.
    pub calls: BTreeMap<CallId, CallRow>,
    /// Their contacts and those that they move to, as far as they exist.
    pub contacts: BTreeMap<ContactId, ContactWithLastCalled>,
}

/// Executes the writes in their order, within a transaction. Returns the result of each: the updated call, or `None` if
/// it was deleted.
pub fn execute(
    connection: &mut DbConnection,
    account: AccountId,
    writes: &[CallWrite],
) -> StoreResult<Vec<StoreResult<Option<Call>>>> {
    let locked = lock_calls(connection, account, writes)?;
    let mut batch = WriteBatch { locked, changed: BTreeSet::new(), counters: CounterChanges::default() };
    let results = writes.iter().map(|write| batch.execute(write)).collect();
    batch.store(connection, account)?;
    Ok(results)
}

struct WriteBatch {
    locked: LockedCalls,
    /// The calls that were updated or deleted.
    changed: BTreeSet<CallId>,
    counters: CounterChanges,
}

impl WriteBatch {
    fn execute(&mut self, write: &CallWrite) -> StoreResult<Option<Call>> {
        let LockedCalls { calls, contacts } = &mut self.locked;
        let row = calls.get_mut(&write.call).ok_or(Error::NotFound)?;
        let old = row.data()?;
        let contact = contacts.get(&old.contact).ok_or_else(|| Error::internal("a call has no contact"))?;
        contact.summary.check_accepts_calls()?;
        let new = match &write.change {
            Change::Update(patch, _) => Some(patch.clone().apply(old.clone())),
            Change::Delete => None,
        };
        let new_contact = match &new {
            Some(new) => contacts.get(&new.contact).ok_or(Error::NotFound)?,
            None => contact,
        };
        new_contact.summary.check_accepts_calls()?;
        if let Some(is_met) = &write.precondition
            && !is_met(&row.clone().with_contact(contact.summary.clone())?)
        {
            return Err(Error::PreconditionFailed.into());
        }
        self.counters.add(Some(&old), new.as_ref());
        if new.as_ref() != Some(&old) {
            self.changed.insert(write.call);
        }
        let (Some(new), Change::Update(_, now)) = (new, &write.change) else {
            calls.remove(&write.call);
            return Ok(None);
        };
        if new != old {
            row.set_data(new, *now);
        }
        row.clone().with_contact(new_contact.summary.clone()).map(Some)
    }

    fn store(self, connection: &mut DbConnection, account: AccountId) -> StoreResult<()> {
        let LockedCalls { calls, contacts } = &self.locked;
        let (updated, deleted): (Vec<_>, Vec<_>) = self.changed.into_iter().partition(|call| calls.contains_key(call));
        let updated: Vec<&CallRow> = updated.iter().filter_map(|call| calls.get(call)).collect();
        if !updated.is_empty() {
            update_calls(connection, account, &updated)?;
        }
        if !deleted.is_empty() {
            delete_calls(connection, account, &deleted)?;
        }
        counters::apply(connection, account, &self.counters, contacts)
    }
}
