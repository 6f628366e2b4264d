//! The repository of calls.
//!
//! A write runs in an immediate transaction, which locks out all other writers: the rows that it has read cannot change.

use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{
    AccountId, Call, CallId, CallPatch, CallQuery, CallUpsert, ContactId, CounterChanges, IdempotencyKey, ItemKey,
    NewCall, RecordedCall, Timestamp, Uuid,
};
use ports::outbound::{CallPage, CallRepository, Precondition};
use ports::{Error, Result};
use storage::StoreResult;
use storage::rows::{ContactWithLastCalled, ContactWithLastCalledRow, NewCallRow, call_id};
use storage::schema::calls;

use crate::call_writes::{CallWrite, Change, LockedCalls};
use crate::changes::insert_call;
use crate::contacts::by_id;
use crate::pages::find_rows;
use crate::{Database, DbConnection, call_list, call_writes, counters, idempotency, pages};

#[async_trait]
impl CallRepository for Database {
    async fn list(&self, account: AccountId, query: CallQuery) -> Result<CallPage> {
        if pages::can_list(&query) {
            let is_short = pages::is_short(&query);
            let job = move |connection: &mut DbConnection| {
                connection.transaction(|connection| pages::list(connection, account, &query))
            };
            return if is_short { self.read_short(job).await } else { self.read(job).await };
        }
        let is_slow = call_list::is_slow(&query);
        let job = move |connection: &mut DbConnection| call_list::list(connection, account, &query);
        if is_slow { self.read_slow_snapshot(job).await } else { self.read_snapshot(job).await }
    }

    async fn keys(
        &self,
        account: AccountId,
        query: CallQuery,
        after: Option<ItemKey>,
        limit: u32,
    ) -> Result<Vec<ItemKey>> {
        self.read_slow_snapshot(move |connection| call_list::first_keys(connection, account, &query, after, limit))
            .await
    }

    async fn find(&self, account: AccountId, call: CallId) -> Result<Call> {
        self.read_short(move |connection| pages::find(connection, account, call)).await
    }

    async fn find_many(&self, account: AccountId, calls: Vec<CallId>) -> Result<Vec<Call>> {
        self.read_snapshot(move |connection| call_list::find_many(connection, account, &calls)).await
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
            idempotency::run_once(connection, account, now, key.as_ref(), |connection| {
                create(connection, account, call, uuid, now)
            })
        })
        .await
    }

    async fn upsert(
        &self,
        account: AccountId,
        calls: Vec<(Uuid, CallUpsert)>,
        now: Timestamp,
        key: Option<IdempotencyKey>,
    ) -> Result<Vec<Result<RecordedCall>>> {
        self.write(move |connection| call_writes::upsert(connection, account, &calls, now, key.as_ref())).await
    }

    async fn update(
        &self,
        account: AccountId,
        call: CallId,
        patch: CallPatch,
        now: Timestamp,
        precondition: Option<Precondition>,
    ) -> Result<Call> {
        let change = Change::Update(call, patch, precondition);
        let updated = self.write_call(account, CallWrite { now, change }).await?;
        Ok(updated.ok_or_else(|| Error::internal("an updated call is missing"))?.call)
    }

    async fn delete(
        &self,
        account: AccountId,
        call: CallId,
        now: Timestamp,
        precondition: Option<Precondition>,
    ) -> Result<()> {
        self.write_call(account, CallWrite { now, change: Change::Delete(call, precondition) }).await.map(drop)
    }
}

impl Database {
    async fn write_call(&self, account: AccountId, write: CallWrite) -> Result<Option<RecordedCall>> {
        self.write(move |connection| {
            let mut results = call_writes::execute(connection, account, &[write])?;
            results.pop().ok_or_else(|| Error::internal("a write has no result"))?
        })
        .await
    }
}

/// Loads the calls that the writes name and their contacts. The writer's transaction locks the whole store.
pub fn lock_calls(connection: &mut DbConnection, account: AccountId, writes: &[CallWrite]) -> StoreResult<LockedCalls> {
    let mut locked = LockedCalls::default();
    for CallWrite { change, .. } in writes {
        let holder = match change.external_id() {
            Some(external_id) => holder(connection, account, external_id)?,
            None => None,
        };
        for call in change.call().into_iter().chain(holder) {
            if !locked.calls.contains_key(&call)
                && let Some((row, contact)) = find_rows(connection, account, call)?
            {
                let contact = ContactWithLastCalled::try_from(contact)?;
                locked.calls.insert(call, row);
                locked.contacts.insert(contact.summary.id, contact);
            }
        }
        if let Some(contact) = change.contact()
            && !locked.contacts.contains_key(&contact)
            && let Some(found) = find_contact(connection, account, contact)?
        {
            locked.contacts.insert(contact, found);
        }
    }
    Ok(locked)
}

/// Returns the call that has the external id. `None` if there is none.
pub fn holder(connection: &mut DbConnection, account: AccountId, external_id: &str) -> StoreResult<Option<CallId>> {
    let of_account = calls::table.filter(calls::account_id.eq(account.get()));
    let id =
        of_account.filter(calls::external_id.eq(external_id)).select(calls::id).get_result(connection).optional()?;
    id.map(call_id).transpose()
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
    let row = insert_call(connection, NewCallRow::new(account, call, uuid, now))?;
    let summary = contact.summary.clone();
    counters::apply(connection, account, &changes, &BTreeMap::from([(summary.id, contact)]))?;
    row.with_contact(summary)
}
