//! Idempotency keys: a request with a key is executed once.

use diesel::prelude::*;
use domain::{AccountId, Call, ContactSummary, IdempotencyKey, NewCall, Timestamp};
use ports::Error;
use storage::columns::{DbTimestamp, DbUuid};
use storage::rows::{ContactSummaryRow, call_id};
use storage::schema::idempotency_keys;
use storage::{StoreError, StoreResult};

use crate::DbConnection;
use crate::contacts::by_id;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys, treat_none_as_default_value = false)]
struct IdempotencyRow {
    account_id: i64,
    key: String,
    fingerprint: i64,
    call_id: Option<i64>,
    call_uuid: Option<DbUuid>,
    called_at: DbTimestamp,
    created_at: DbTimestamp,
}

/// Returns the result of the first execution of the request. `None` if the key is unused or expired.
pub fn find_result(
    connection: &mut DbConnection,
    account: AccountId,
    call: &NewCall,
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
    let (Some(id), Some(uuid)) = (row.call_id, row.call_uuid) else {
        return Err(Error::internal("an idempotency key has no result").into());
    };
    let contact =
        by_id(account, call.contact).select(ContactSummaryRow::as_select()).get_result(connection).optional()?;
    let contact: ContactSummary = contact.ok_or(Error::NotFound)?.try_into()?;
    let mut details = call.details.clone();
    details.called_at = row.called_at.0;
    let created_at = row.created_at.0;
    Ok(Some(Call { id: call_id(id)?, uuid: uuid.0, account, contact, details, created_at, updated_at: created_at }))
}

/// Stores the result of the request. A conflict if a concurrent request has stored one for the same key.
pub fn store_result(connection: &mut DbConnection, call: &Call, key: &IdempotencyKey) -> StoreResult<()> {
    let row = IdempotencyRow {
        account_id: call.account.get(),
        key: key.key.as_str().to_owned(),
        fingerprint: key.fingerprint,
        call_id: Some(call.id.get()),
        call_uuid: Some(DbUuid(call.uuid)),
        called_at: call.details.called_at.into(),
        created_at: call.created_at.into(),
    };
    let insert = diesel::insert_into(idempotency_keys::table).values(row).on_conflict_do_nothing();
    if insert.execute(connection)? == 0 { Err(StoreError::Conflict) } else { Ok(()) }
}
