//! Requests that name themselves: done once, however often they are sent.

use diesel::prelude::*;
use domain::{AccountId, Call, CallId, IdempotencyKey, NewCall, Timestamp};
use ports::Error;
use storage::StoreResult;

use crate::contacts::find_card;
use crate::rows::{timestamp, uuid};
use crate::schema::idempotency_keys;

/// What the key's request was answered, when it was sent in the last 24 hours.
pub fn answered(
    connection: &mut SqliteConnection,
    account: AccountId,
    call: &NewCall,
    now: Timestamp,
    once: &IdempotencyKey,
) -> StoreResult<Option<Call>> {
    let keys = || idempotency_keys::table.filter(idempotency_keys::account_id.eq(account.get()));
    diesel::delete(keys().filter(idempotency_keys::created_at.le(now.unix() - IdempotencyKey::TTL_SECONDS)))
        .execute(connection)?;
    let row: Option<(i64, i64, Vec<u8>, i64, i64)> = keys()
        .filter(idempotency_keys::key.eq(once.key.as_str()))
        .select((
            idempotency_keys::fingerprint,
            idempotency_keys::call_id,
            idempotency_keys::call_uuid,
            idempotency_keys::called_at,
            idempotency_keys::created_at,
        ))
        .get_result(connection)
        .optional()?;
    let Some((fingerprint, id, name, called_at, created_at)) = row else { return Ok(None) };
    if fingerprint != once.fingerprint {
        return Err(Error::KeyReused.into());
    }
    let contact = find_card(connection, account, call.contact)?.try_into()?;
    let (id, called_at, created_at) = (CallId::from_store(id), timestamp(called_at)?, timestamp(created_at)?);
    Ok(Some(call.clone().answered_as(id, uuid(&name)?, called_at, created_at, contact)))
}

/// Remembers what the key's request is answered.
pub fn remember(connection: &mut SqliteConnection, call: &Call, once: &IdempotencyKey) -> StoreResult<()> {
    diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::account_id.eq(call.account.get()),
            idempotency_keys::key.eq(once.key.as_str()),
            idempotency_keys::fingerprint.eq(once.fingerprint),
            idempotency_keys::call_id.eq(call.id.get()),
            idempotency_keys::call_uuid.eq(call.uuid.as_bytes().to_vec()),
            idempotency_keys::called_at.eq(call.called_at.unix()),
            idempotency_keys::created_at.eq(call.created_at.unix()),
        ))
        .execute(connection)?;
    Ok(())
}
