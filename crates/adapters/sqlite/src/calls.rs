//! The repository of calls.
//!
//! A write runs in an immediate transaction, which locks out all other writers: the rows that it has read cannot change.

use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{
    AccountId, Call, CallId, CallPatch, CallQuery, CallSortKey, ContactId, CounterChanges, IdempotencyKey, NewCall,
    Timestamp, Uuid,
};
use ports::outbound::{CallPage, CallRepository, Precondition};
use ports::{Error, Result};
use storage::rows::{CallRow, ContactWithLastCalled, ContactWithLastCalledRow, NewCallRow};
use storage::schema::calls;
use storage::{StoreResult, is_deep};

use crate::call_writes::{CallWrite, Change, LockedCalls};
use crate::contacts::by_id;
use crate::pages::find_rows;
use crate::{Database, DbConnection, call_list, call_writes, counters, idempotency, pages};

#[async_trait]
impl CallRepository for Database {
    async fn list(&self, account: AccountId, query: CallQuery) -> Result<CallPage> {
        if query.sort.key != CallSortKey::CalledAt && is_deep(&query.page) {
            return self.read_slow_snapshot(move |connection| call_list::list(connection, account, &query)).await;
        }
        let job = move |connection: &mut DbConnection| {
            connection.transaction(|connection| match query.sort.key {
                CallSortKey::CalledAt => pages::list(connection, account, &query),
                _ => call_list::list(connection, account, &query),
            })
        };
        if pages::is_short(&query) { self.read_short(job).await } else { self.read(job).await }
    }

    async fn find(&self, account: AccountId, call: CallId) -> Result<Call> {
        self.read_short(move |connection| pages::find(connection, account, call)).await
    }

    async fn create(
        &self,
        account: AccountId,
        call: NewCall,
        uuid: Uuid,
        now: Timestamp,
        key: Option<IdempotencyKey>,
    ) -> Result<Call> {
        self.write(move |connection| {
            let Some(key) = &key else { return create(connection, account, call, uuid, now) };
            if let Some(result) = idempotency::find_result(connection, account, now, key)? {
                return Ok(result);
            }
            let call = create(connection, account, call, uuid, now)?;
            idempotency::store_result(connection, &call, key)?;
            Ok(call)
        })
        .await
    }

    async fn update(
        &self,
        account: AccountId,
        call: CallId,
        patch: CallPatch,
        now: Timestamp,
        precondition: Option<Precondition>,
    ) -> Result<Call> {
        let change = Change::Update(patch, now);
        let updated = self.write_call(account, CallWrite { call, precondition, change }).await?;
        updated.ok_or_else(|| Error::internal("an updated call is missing"))
    }

    async fn delete(&self, account: AccountId, call: CallId, precondition: Option<Precondition>) -> Result<()> {
        self.write_call(account, CallWrite { call, precondition, change: Change::Delete }).await.map(drop)
    }
}

impl Database {
    async fn write_call(&self, account: AccountId, write: CallWrite) -> Result<Option<Call>> {
        self.write(move |connection| {
            let mut results = call_writes::execute(connection, account, &[write])?;
            results.pop().ok_or_else(|| Error::internal("a write has no result"))?
        })
        .await
    }
}

/// Loads the calls to write and their contacts. The writer's transaction locks the whole store.
pub fn lock_calls(connection: &mut DbConnection, account: AccountId, writes: &[CallWrite]) -> StoreResult<LockedCalls> {
    let mut locked = LockedCalls { calls: BTreeMap::new(), contacts: BTreeMap::new() };
    for write in writes {
        let Some((row, contact)) = find_rows(connection, account, write.call)? else { continue };
        let contact = ContactWithLastCalled::try_from(contact)?;
        locked.calls.insert(write.call, row);
        locked.contacts.insert(contact.summary.id, contact);
        if let Change::Update(CallPatch { contact: Some(target), .. }, _) = &write.change
            && !locked.contacts.contains_key(target)
            && let Some(contact) = find_contact(connection, account, *target)?
        {
            locked.contacts.insert(*target, contact);
        }
    }
    Ok(locked)
}

/// Returns the contact, to write its calls. `None` if the account has none with this id.
pub fn find_contact(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
) -> StoreResult<Option<ContactWithLastCalled>> {
    let row =
        by_id(account, contact).select(ContactWithLastCalledRow::as_select()).get_result(connection).optional()?;
    row.map(ContactWithLastCalled::try_from).transpose()
}

#[declare_sql_function]
extern "SQL" {
    fn last_insert_rowid() -> BigInt;
}

fn create(
    connection: &mut DbConnection,
    account: AccountId,
    call: NewCall,
    uuid: Uuid,
    now: Timestamp,
) -> StoreResult<Call> {
    let contact = find_contact(connection, account, call.contact)?.ok_or(Error::NotFound)?;
    contact.summary.check_accepts_calls()?;
    let mut changes = CounterChanges::default();
    changes.add(None, Some(&call));
    let row = NewCallRow::new(account, call, uuid, now);
    diesel::insert_into(calls::table).values(row.clone()).execute(connection)?;
    // RETURNING would create a temporary table for each statement.
    let id = diesel::select(last_insert_rowid()).get_result(connection)?;
    let summary = contact.summary.clone();
    counters::apply(connection, account, &changes, &BTreeMap::from([(summary.id, contact)]))?;
    CallRow { id, call: row }.with_contact(summary)
}
