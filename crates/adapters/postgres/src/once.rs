//! Requests that name themselves: done once, however often they are sent.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use domain::{AccountId, Call, CallId, IdempotencyKey, NewCall, Timestamp, Uuid};
use ports::Error;
use storage::{StoreError, StoreResult};

use crate::contacts::lock_cards;
use crate::schema::idempotency_keys;

type Row = (i64, Option<i64>, Option<Uuid>, DateTime<Utc>, DateTime<Utc>);

/// Takes the key for this request: none when it was free. When the request was sent in the last 24 hours, what it was
/// answered; whoever sends it at the same moment waits here for the other's commit.
pub fn take(
    connection: &mut PgConnection,
    account: AccountId,
    call: &NewCall,
    now: Timestamp,
    once: &IdempotencyKey,
) -> StoreResult<Option<Call>> {
    let keys = || idempotency_keys::table.filter(idempotency_keys::account_id.eq(account.get()));
    let oldest = now.calendar() - chrono::TimeDelta::seconds(IdempotencyKey::TTL_SECONDS);
    diesel::delete(keys().filter(idempotency_keys::created_at.le(oldest))).execute(connection)?;
    let taken = diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::account_id.eq(account.get()),
            idempotency_keys::key.eq(once.key.as_str()),
            idempotency_keys::fingerprint.eq(once.fingerprint),
            idempotency_keys::called_at.eq(call.called_at.calendar()),
            idempotency_keys::created_at.eq(now.calendar()),
        ))
        .on_conflict_do_nothing()
        .execute(connection)?;
    if taken > 0 {
        return Ok(None);
    }
    let row: Option<Row> = keys()
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
    // Another request let the key go meanwhile.
    let Some((fingerprint, Some(id), Some(uuid), called_at, created_at)) = row else {
        return Err(StoreError::Conflict);
    };
    if fingerprint != once.fingerprint {
        return Err(Error::KeyReused.into());
    }
    let contact = lock_cards(connection, account, &[call.contact.get()])?.pop().ok_or(Error::NotFound)?.into();
    let (called_at, created_at) = (called_at.into(), created_at.into());
    Ok(Some(call.clone().answered_as(CallId::from_store(id), uuid, called_at, created_at, contact)))
}

/// Remembers what the key's request is answered.
pub fn remember(connection: &mut PgConnection, call: &Call, once: &IdempotencyKey) -> StoreResult<()> {
    diesel::update(idempotency_keys::table.find((call.account.get(), once.key.as_str())))
        .set((idempotency_keys::call_id.eq(call.id.get()), idempotency_keys::call_uuid.eq(call.uuid)))
        .execute(connection)?;
    Ok(())
}
