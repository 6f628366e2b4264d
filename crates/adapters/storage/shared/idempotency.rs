//! Idempotency keys: a request with a key is executed once.

use diesel::prelude::*;
use domain::{AccountId, Call, IdempotencyKey, Timestamp};
use ports::Error;
use storage::columns::DbTimestamp;
use storage::rows::{CallRow, ContactSummaryRow};
use storage::schema::{calls, contacts, idempotency_keys};
use storage::{StoreError, StoreResult};

use crate::DbConnection;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys)]
struct IdempotencyRow {
    account_id: i64,
    key: String,
    fingerprint: i64,
    call_id: i64,
    created_at: DbTimestamp,
}

/// Runs the request, unless its key marks a repetition: then returns the call of the first execution.
pub fn run_once(
    connection: &mut DbConnection,
    account: AccountId,
    now: Timestamp,
    key: Option<&IdempotencyKey>,
    request: impl FnOnce(&mut DbConnection) -> StoreResult<Call>,
) -> StoreResult<Call> {
    let Some(key) = key else { return request(connection) };
    if let Some(call) = find_result(connection, account, now, key)? {
        return Ok(call);
    }
    let call = request(connection)?;
    store_result(connection, &call, key)?;
    Ok(call)
}

/// Returns the call that the first execution of the request recorded, as it is now. `None` if the key is unused or
/// expired, `NotFound` if the call has been deleted.
fn find_result(
    connection: &mut DbConnection,
    account: AccountId,
    now: Timestamp,
    key: &IdempotencyKey,
) -> StoreResult<Option<Call>> {
    let keys = || idempotency_keys::table.filter(idempotency_keys::account_id.eq(account.get()));
    let expired = Timestamp::from_unix(now.unix() - IdempotencyKey::TTL_SECONDS).unwrap_or(Timestamp::MIN);
    diesel::delete(keys().filter(idempotency_keys::created_at.le(DbTimestamp(expired)))).execute(connection)?;
    let row = keys().filter(idempotency_keys::key.eq(key.key.as_str())).select(IdempotencyRow::as_select());
    let Some(row) = row.get_result(connection).optional()? else { return Ok(None) };
    if row.fingerprint != key.fingerprint {
        return Err(Error::KeyReused.into());
    }
    let is_contact = contacts::account_id.eq(calls::account_id).and(contacts::id.eq(calls::contact_id));
    let call: Option<(CallRow, ContactSummaryRow)> = calls::table
        .inner_join(contacts::table.on(is_contact))
        .filter(calls::account_id.eq(account.get()).and(calls::id.eq(row.call_id)))
        .select((CallRow::as_select(), ContactSummaryRow::as_select()))
        .get_result(connection)
        .optional()?;
    let (call, contact) = call.ok_or(Error::NotFound)?;
    call.with_contact(contact.try_into()?).map(Some)
}

/// Stores the result of the request. A conflict if a concurrent request has stored one for the same key.
fn store_result(connection: &mut DbConnection, call: &Call, key: &IdempotencyKey) -> StoreResult<()> {
    let row = IdempotencyRow {
        account_id: call.account.get(),
        key: key.key.as_str().to_owned(),
        fingerprint: key.fingerprint,
        call_id: call.id.get(),
        created_at: call.created_at.into(),
    };
    let insert = diesel::insert_into(idempotency_keys::table).values(row).on_conflict_do_nothing();
    if insert.execute(connection)? == 0 { Err(StoreError::Conflict) } else { Ok(()) }
}
