//! The repository of calls.
//!
//! Every transaction that writes calls locks their contacts first, by id, and so has the calls of these contacts to itself.
//! It changes the counters by month. So requests cannot deadlock.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use domain::{
    AccountId, Call, CallContact, CallId, CallPatch, CallQuery, CallUpsert, ContactId, IdempotencyKey, ItemKey,
    NewCall, PhoneSearch, RecordedCall, Timestamp, Uuid,
};
use ports::outbound::{CallPage, CallRepository, Precondition};
use ports::{Error, Result};
use storage::rows::{CallRow, ContactWithLastCalled, ContactWithLastCalledRow};
use storage::schema::{calls, contacts};
use storage::{StoreError, StoreResult};

use crate::call_writes::{CallWrite, Change, LockedCalls, Upsert};
use crate::phone_numbers::only_contacts_with;
use crate::statements::{CreateCall, create_many};
use crate::{CALL_ACCOUNT_IS, Database, DbConnection, call_list, call_writes, idempotency, pages};

#[async_trait]
impl CallRepository for Database {
    async fn list(&self, account: AccountId, query: CallQuery) -> Result<CallPage> {
        if pages::can_list(&query) {
            return pages::list(self, account, query).await;
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
        self.finds.run(account, call).await?.ok_or(Error::NotFound)
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
        let new = CreateCall { call, uuid, now };
        let Some(creates) = &self.creates else { return create_distributed(self, account, new, key).await };
        if key.is_none()
            && let Some(created) = creates.run(account, new.clone()).await?
        {
            return Ok(created);
        }
        self.write(move |connection| {
            idempotency::run_once(connection, account, now, key.as_ref(), |connection| {
                create(connection, account, &new)
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
        let write = CallWrite { now, change: Change::Update(call, patch, precondition) };
        let updated = self.call_writes.run(account, write).await??;
        Ok(updated.ok_or_else(|| Error::internal("an updated call is missing"))?.call)
    }

    async fn delete(
        &self,
        account: AccountId,
        call: CallId,
        now: Timestamp,
        precondition: Option<Precondition>,
    ) -> Result<()> {
        let write = CallWrite { now, change: Change::Delete(call, precondition) };
        self.call_writes.run(account, write).await?.map(drop).map_err(Error::from)
    }
}

/// Creates a call by the statements of an upsert, each of which Citus routes to one node.
async fn create_distributed(
    database: &Database,
    account: AccountId,
    CreateCall { call, uuid, now }: CreateCall,
    key: Option<IdempotencyKey>,
) -> Result<Call> {
    let missing = || Error::internal("a created call is missing");
    if key.is_some() {
        let mut recorded = database.upsert(account, vec![(uuid, call.into())], now, key).await?;
        return Ok(recorded.pop().ok_or_else(missing)??.call);
    }
    let upsert = Upsert { uuid, contact: Ok(call.contact), call: call.into() };
    let write = CallWrite { now, change: Change::Upsert(Box::new(upsert)) };
    Ok(database.call_writes.run(account, write).await??.ok_or_else(missing)?.call)
}

/// Creates one call, within a transaction. `NotFound` or `Archived` if its contact cannot have calls.
fn create(connection: &mut DbConnection, account: AccountId, new: &CreateCall) -> StoreResult<Call> {
    if let Some(call) = create_many(connection, account, std::slice::from_ref(new))?.pop().flatten() {
        return Ok(call);
    }
    let contacts = lock_contacts(connection, account, [new.call.contact])?;
    contacts.get(&new.call.contact).ok_or(Error::NotFound)?.summary.check_accepts_calls()?;
    // The contact was archived before, and is active again.
    Err(StoreError::Conflict)
}

/// Locks the contacts of the calls, and then the calls. A conflict if a call was moved to another contact meanwhile.
pub fn lock_calls(connection: &mut DbConnection, account: AccountId, writes: &[CallWrite]) -> StoreResult<LockedCalls> {
    let of_account = || calls::table.filter(calls::account_id.eq(account.get()));
    let mut named: BTreeSet<i64> = writes.iter().filter_map(|write| write.change.call()).map(CallId::get).collect();
    let external_ids: Vec<&str> = writes.iter().filter_map(|write| write.change.external_id()).collect();
    if !external_ids.is_empty() {
        // The raw condition prevents a prepared statement. Its plan, made while there are few calls, would not use the
        // index of external ids, and would read all calls of the account.
        let planned_each_time = sql::<Bool>(CALL_ACCOUNT_IS).bind::<BigInt, _>(account.get());
        let holders = calls::table.filter(planned_each_time).filter(calls::external_id.eq_any(external_ids));
        let holders = holders.select(calls::id);
        named.extend(holders.load::<i64>(connection)?);
    }
    let named: Vec<i64> = named.into_iter().collect();
    let stored = || of_account().filter(calls::id.eq_any(named.clone())).order(calls::id);
    let contacts: Vec<i64> = stored().select(calls::contact_id).load(connection)?;
    let targets = writes.iter().filter_map(|write| write.change.contact());
    let contacts = contacts.into_iter().filter_map(ContactId::new).chain(targets);
    let contacts = lock_contacts(connection, account, contacts)?;
    let mut locked = LockedCalls { calls: BTreeMap::new(), contacts };
    for row in stored().select(CallRow::as_select()).for_update().load::<CallRow>(connection)? {
        if !locked.contacts.contains_key(&row.data()?.contact) {
            return Err(StoreError::Conflict);
        }
        locked.calls.insert(storage::rows::call_id(row.id)?, row);
    }
    check_contacts_of_numbers(connection, account, writes)?;
    Ok(locked)
}

/// Checks that the locked contacts are still those of the phone numbers that name them. A conflict if not.
fn check_contacts_of_numbers(
    connection: &mut DbConnection,
    account: AccountId,
    writes: &[CallWrite],
) -> StoreResult<()> {
    let named = writes.iter().filter_map(|write| match &write.change {
        Change::Upsert(upsert) => match &upsert.call.contact {
            CallContact::Number(search) => Some((search, *upsert.contact.as_ref().ok()?)),
            CallContact::Id(_) => None,
        },
        Change::Update(..) | Change::Delete(..) => None,
    });
    let (searches, contacts): (Vec<&PhoneSearch>, Vec<ContactId>) =
        named.collect::<HashMap<_, _>>().into_iter().unzip();
    let found = only_contacts_with(connection, account, &searches)?;
    let is_same = |(found, contact): (Result<ContactId>, ContactId)| found.is_ok_and(|found| found == contact);
    if found.into_iter().zip(contacts).all(is_same) { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Locks the contacts against other writers of their calls.
pub fn lock_contacts(
    connection: &mut DbConnection,
    account: AccountId,
    ids: impl IntoIterator<Item = ContactId>,
) -> StoreResult<BTreeMap<ContactId, ContactWithLastCalled>> {
    let ids: BTreeSet<i64> = ids.into_iter().map(ContactId::get).collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    let rows: Vec<ContactWithLastCalledRow> = contacts::table
        .filter(contacts::account_id.eq(account.get()).and(contacts::id.eq_any(ids)))
        .order(contacts::id)
        .select(ContactWithLastCalledRow::as_select())
        .for_no_key_update()
        .load(connection)?;
    let locked = rows.into_iter().map(|row| {
        let contact = ContactWithLastCalled::try_from(row)?;
        Ok((contact.summary.id, contact))
    });
    locked.collect()
}
