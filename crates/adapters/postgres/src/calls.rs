//! Calls in PostgreSQL.
//!
//! Every transaction locks rows in one order: contacts by id, then calls by id, then counters by month. So no two
//! requests wait for each other.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use domain::{
    AccountId, Call, CallId, CallOrder, CallPatch, ContactId, Content, Emotion, IdempotencyKey, NewCall, PageRequest,
    Timestamp, Uuid, Version,
};
use ports::outbound::{CallPage, CallRepository};
use ports::{Error, Result};
use storage::{RawStatement, StoreError, StoreResult};

use crate::contacts::lock_cards;
use crate::counts::count_month;
use crate::rows::{CallPart, CallRow, CallSql, CardRow, CardSql, call_columns, card_columns};
use crate::schema::{calls, contacts};
use crate::{Database, once, pages};

#[async_trait]
impl CallRepository for Database {
    async fn list(&self, account: AccountId, of: Option<ContactId>, page: PageRequest<CallOrder>) -> Result<CallPage> {
        pages::list(self, account, of, page).await
    }

    async fn find(&self, account: AccountId, call: CallId) -> Result<Call> {
        let (call, card) = self.finds.run(account, call).await?.ok_or(Error::NotFound)?;
        Ok(call.with(card)?)
    }

    async fn create(
        &self,
        account: AccountId,
        call: NewCall,
        uuid: Uuid,
        now: Timestamp,
        once: Option<IdempotencyKey>,
    ) -> Result<Call> {
        let new = CreateCall { call, uuid, now };
        let Some(once) = once else {
            return match self.creates.run(account, new.clone()).await? {
                Some(created) => Ok(new.into_call(created)),
                None => self.write(move |connection| create(connection, account, &new)).await,
            };
        };
        self.write(move |connection| {
            connection.transaction(|connection| {
                if let Some(answered) = once::take(connection, account, &new.call, now, &once)? {
                    return Ok(answered);
                }
                let call = create(connection, account, &new)?;
                once::remember(connection, &call, &once)?;
                Ok(call)
            })
        })
        .await
    }

    async fn update(
        &self,
        account: AccountId,
        call: CallId,
        change: CallPatch,
        now: Timestamp,
        expected: Option<Vec<Version>>,
    ) -> Result<Call> {
        let update = UpdateCall { call, change, now };
        if expected.is_none()
            && let Some((call, card)) = self.updates.run(account, update.clone()).await?
        {
            return Ok(call.with(card)?);
        }
        self.write(move |connection| {
            connection.transaction(|connection| update_step_by_step(connection, account, &update, expected.as_deref()))
        })
        .await
    }

    async fn delete(&self, account: AccountId, call: CallId, expected: Option<Vec<Version>>) -> Result<()> {
        self.write(move |connection| {
            connection.transaction(|connection| delete(connection, account, call, expected.as_deref()))
        })
        .await
    }
}

/// Finds one call, within the caller's transaction.
fn find(connection: &mut PgConnection, account: AccountId, call: CallId) -> StoreResult<Call> {
    let found = find_many(connection, account, &[call])?.pop().flatten();
    let (call, card) = found.ok_or(Error::NotFound)?;
    call.with(card)
}

/// A call's row with its contact's. `None` if the account has no such call.
pub type FoundCall = Option<(CallRow, CardRow)>;

/// Binds account, calls.
///
/// LATERAL with LIMIT 1 makes the generic plan look up contacts one by one; it would hash all of them.
#[derive(QueryId)]
struct Find;

const FIND: &str = concat!(
    "
SELECT n, call.*, card.* FROM unnest($2) WITH ORDINALITY AS wanted (call, n)
CROSS JOIN LATERAL (SELECT ",
    call_columns!(),
    " FROM calls WHERE account_id = $1 AND id = wanted.call LIMIT 1) AS call
CROSS JOIN LATERAL (SELECT ",
    card_columns!(),
    " FROM contacts WHERE account_id = $1 AND id = call.contact_id LIMIT 1) AS card"
);

/// Finds calls of the account.
pub fn find_many(connection: &mut PgConnection, account: AccountId, calls: &[CallId]) -> StoreResult<Vec<FoundCall>> {
    let values = (account.get().into_sql::<BigInt>(), collect(calls, |call| call.get()).into_sql::<Array<BigInt>>());
    let statement = RawStatement::<(BigInt, CallSql, CardSql), _, Find>::new(FIND, values);
    let rows: Vec<(i64, CallRow, CardRow)> = statement.load(connection)?;
    Ok(by_ordinal(calls.len(), rows.into_iter().map(|(n, call, card)| (n, (call, card)))))
}

/// A call to create.
#[derive(Clone)]
pub struct CreateCall {
    call: NewCall,
    uuid: Uuid,
    now: Timestamp,
}

impl CreateCall {
    fn into_call(self, (id, card): (i64, CardRow)) -> Call {
        let called_at = self.call.called_at;
        self.call.answered_as(CallId::from_store(id), self.uuid, called_at, self.now, card.into())
    }
}

/// The call's id and its contact's row. `None` if the contact does not exist or is archived.
pub type CreatedCall = Option<(i64, CardRow)>;

/// Locks the contacts, adds to their counters and to the account's, raises `last_called`, and inserts the calls.
///
/// Binds account, contacts, UUIDs, `called_at`, contents, `contact_called`, emotions in PostgreSQL's text format, now,
/// months.
#[derive(QueryId)]
struct Create;

const CREATE: &str = concat!(
    ", wanted AS (
  SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY
    AS wanted (contact, uuid, called_at, content, contact_called, emotions, now, month, n)
), contact AS (
  SELECT card.* FROM (SELECT DISTINCT contact FROM wanted ORDER BY contact) AS named
  CROSS JOIN LATERAL (SELECT ",
    card_columns!(),
    " FROM contacts WHERE account_id = $1 AND id = named.contact AND is_active LIMIT 1 FOR NO KEY UPDATE) AS card
), call AS (
  SELECT nextval('calls_id_seq') AS id, wanted.* FROM wanted JOIN contact ON contact.id = wanted.contact
), raised AS (
  UPDATE contacts SET last_called = GREATEST(contacts.last_called, new.called_at), calls = contacts.calls + new.calls
  FROM (SELECT contact, max(called_at) AS called_at, count(*) AS calls FROM call GROUP BY contact) AS new
  WHERE contacts.account_id = $1 AND contacts.id = new.contact
), stored AS (
  INSERT INTO calls
    (account_id, id, contact_id, uuid, called_at, content, contact_called, emotions, created_at, updated_at)
  SELECT $1, id, contact, uuid, called_at, content, contact_called, emotions::smallint[], now, now FROM call
), counted AS (
  INSERT INTO call_counts (account_id, month, slot, calls)
  SELECT $1, month, pg_backend_pid() % 4, count(*) FROM call GROUP BY month ORDER BY month
  ON CONFLICT (account_id, month, slot) DO UPDATE SET calls = call_counts.calls + EXCLUDED.calls
)
SELECT call.n, call.id, contact.* FROM call JOIN contact ON contact.id = call.contact"
);

/// Creates calls of the account, but not those whose contact does not exist or is archived.
pub fn create_many(
    connection: &mut PgConnection,
    account: AccountId,
    calls: &[CreateCall],
) -> StoreResult<Vec<CreatedCall>> {
    let parts: Vec<CallPart> = calls.iter().map(|new| new.call.clone().into()).collect();
    let values = (
        account.get().into_sql::<BigInt>(),
        collect(&parts, |part| part.contact_id).into_sql::<Array<BigInt>>(),
        collect(calls, |new| new.uuid).into_sql::<Array<SqlUuid>>(),
        collect(&parts, |part| part.called_at).into_sql::<Array<Timestamptz>>(),
        collect(&parts, |part| part.content.as_deref()).into_sql::<Array<Nullable<Text>>>(),
        collect(&parts, |part| part.contact_called).into_sql::<Array<Nullable<Bool>>>(),
        collect(&parts, |part| array_text(part.emotions.iter())).into_sql::<Array<Text>>(),
        collect(calls, |new| new.now.calendar()).into_sql::<Array<Timestamptz>>(),
        collect(calls, |new| new.call.called_at.month_number()).into_sql::<Array<Integer>>(),
    );
    let rows: Vec<(i64, i64, CardRow)> =
        RawStatement::<(BigInt, BigInt, CardSql), _, Create>::new(CREATE, values).load(connection)?;
    Ok(by_ordinal(calls.len(), rows.into_iter().map(|(n, id, card)| (n, (id, card)))))
}

fn collect<'a, T, U>(items: &'a [T], part: impl Fn(&'a T) -> U) -> Vec<U> {
    items.iter().map(part).collect()
}

/// An array in PostgreSQL's text format.
fn array_text(numbers: impl Iterator<Item = impl ToString>) -> String {
    format!("{{{}}}", numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(","))
}

/// Orders rows by their ordinals, which count from 1. `None` where there is no row.
fn by_ordinal<T>(count: usize, rows: impl Iterator<Item = (i64, T)>) -> Vec<Option<T>> {
    let mut ordered: Vec<Option<T>> = std::iter::repeat_with(|| None).take(count).collect();
    for (n, row) in rows {
        if let Some(place) = usize::try_from(n - 1).ok().and_then(|n| ordered.get_mut(n)) {
            *place = Some(row);
        }
    }
    ordered
}

/// Creates one call, within the caller's transaction.
fn create(connection: &mut PgConnection, account: AccountId, new: &CreateCall) -> StoreResult<Call> {
    let Some(created) = create_many(connection, account, std::slice::from_ref(new))?.pop().flatten() else {
        lock_active_contacts(connection, account, new.call.contact, new.call.contact)?;
        // The contact was archived a moment ago and is active again.
        return Err(StoreError::Conflict);
    };
    Ok(new.clone().into_call(created))
}

/// A change of a call.
#[derive(Clone)]
pub struct UpdateCall {
    call: CallId,
    change: CallPatch,
    now: Timestamp,
}

/// The changed call's row with its contact's. `None` if this statement did not change it.
pub type UpdatedCall = Option<(CallRow, CardRow)>;

/// Locks the contacts, old and new, then the calls, and changes the calls, unless the change is rejected, or the call got
/// another contact meanwhile, or `last_called` depends on the contact's other calls.
///
/// `last_called` is compared with the locked contact's, not in the condition of the UPDATE: that condition sees the
/// contact as it was before the statement waited for its lock, when a later call may have existed.
///
/// Binds account, calls, contacts, `called_at`, whether contents change, contents, `contact_called`, emotions in
/// PostgreSQL's text format, now.
#[derive(QueryId)]
struct Update;

const UPDATE: &str = concat!(
    ", wanted AS (
  SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY
    AS wanted (call, contact, called_at, has_content, content, contact_called, emotions, now, n)
), found AS (
  SELECT n, call, stored.contact_id AS contact FROM wanted
  CROSS JOIN LATERAL (SELECT contact_id FROM calls WHERE account_id = $1 AND id = call LIMIT 1) AS stored
), contact AS (
  SELECT card.* FROM (
    SELECT contact FROM found UNION SELECT contact FROM wanted WHERE contact IS NOT NULL ORDER BY contact
  ) AS named
  CROSS JOIN LATERAL (SELECT last_called, ",
    card_columns!(),
    " FROM contacts WHERE account_id = $1 AND id = named.contact LIMIT 1 FOR NO KEY UPDATE) AS card
), old AS (
  SELECT n, last_called, call.* FROM (
    SELECT n, call, contact, last_called FROM found
    JOIN contact AS card ON card.id = contact AND card.is_active ORDER BY call
  ) AS named
  CROSS JOIN LATERAL (SELECT ",
    call_columns!(),
    " FROM calls WHERE account_id = $1 AND id = named.call AND contact_id = named.contact LIMIT 1 FOR UPDATE) AS call
), new AS (
  SELECT n, call, now, coalesce(wanted.contact, old.contact_id) AS contact_id,
    coalesce(wanted.called_at, old.called_at) AS called_at,
    CASE WHEN has_content THEN wanted.content ELSE old.content END AS content,
    coalesce(wanted.contact_called, old.contact_called) AS contact_called,
    coalesce(wanted.emotions::smallint[], old.emotions) AS emotions
  FROM old JOIN wanted USING (n)
), verdict AS (
  SELECT n, (old.contact_id, old.called_at) IS DISTINCT FROM (new.contact_id, new.called_at) AS is_moved,
    (old.contact_id, old.called_at, old.content, old.contact_called, old.emotions) IS DISTINCT FROM
      (new.contact_id, new.called_at, new.content, new.contact_called, new.emotions) AS is_changed
  FROM old JOIN new USING (n) JOIN contact AS card ON card.id = new.contact_id AND card.is_active
  WHERE old.called_at < old.last_called
    OR (new.contact_id = old.contact_id AND new.called_at >= old.last_called)
), change AS (
  SELECT n, is_moved FROM verdict WHERE is_changed
), moved AS (
  SELECT contact_id AS contact, called_at, -1 AS calls FROM change JOIN old USING (n) WHERE is_moved
  UNION ALL SELECT contact_id, called_at, 1 FROM change JOIN new USING (n) WHERE is_moved
), recounted AS (
  UPDATE contacts SET last_called = GREATEST(contacts.last_called, sum.called_at), calls = contacts.calls + sum.calls
  FROM (
    SELECT contact, max(called_at) FILTER (WHERE calls > 0) AS called_at, sum(calls) AS calls FROM moved
    GROUP BY contact
  ) AS sum JOIN contact AS card ON card.id = sum.contact
  WHERE contacts.account_id = $1 AND contacts.id = sum.contact
    AND (sum.calls <> 0 OR sum.called_at > card.last_called)
), counted AS (
  INSERT INTO call_counts (account_id, month, slot, calls)
  SELECT $1, month, pg_backend_pid() % 4, sum(calls) FROM (
    SELECT calls, date_part('year', called_at)::integer * 12 + date_part('month', called_at)::integer - 1 AS month
    FROM moved
  ) AS months
  GROUP BY month HAVING sum(calls) <> 0 ORDER BY month
  ON CONFLICT (account_id, month, slot) DO UPDATE SET calls = call_counts.calls + EXCLUDED.calls
), changed AS (
  UPDATE calls SET contact_id = new.contact_id, called_at = new.called_at, content = new.content,
    contact_called = new.contact_called, emotions = new.emotions, updated_at = new.now
  FROM new JOIN change USING (n) WHERE calls.account_id = $1 AND calls.id = new.call
)
SELECT n, old.id, old.uuid, new.contact_id, new.called_at, new.content, new.contact_called, new.emotions, old.created_at,
  CASE WHEN is_changed THEN new.now ELSE old.updated_at END, card.*
FROM verdict JOIN old USING (n) JOIN new USING (n) JOIN contact AS card ON card.id = new.contact_id"
);

type UpdateSql = (BigInt, CallSql, Nullable<Timestamptz>, CardSql);

/// Changes calls of the account. `NotBatchable` if a call is named twice.
pub fn update_many(
    connection: &mut PgConnection,
    account: AccountId,
    updates: &[UpdateCall],
) -> StoreResult<Vec<UpdatedCall>> {
    let calls: HashSet<CallId> = updates.iter().map(|update| update.call).collect();
    if calls.len() < updates.len() {
        // A statement changes a row once.
        return Err(StoreError::NotBatchable);
    }
    let emotions = |emotions: &Vec<Emotion>| array_text(emotions.iter().map(|emotion| emotion.id()));
    let values = (
        account.get().into_sql::<BigInt>(),
        collect(updates, |update| update.call.get()).into_sql::<Array<BigInt>>(),
        collect(updates, |update| update.change.contact.map(ContactId::get)).into_sql::<Array<Nullable<BigInt>>>(),
        collect(updates, |update| update.change.called_at.map(Timestamp::calendar))
            .into_sql::<Array<Nullable<Timestamptz>>>(),
        collect(updates, |update| update.change.content.is_some()).into_sql::<Array<Bool>>(),
        collect(updates, |update| update.change.content.as_ref()?.as_ref().map(Content::as_str))
            .into_sql::<Array<Nullable<Text>>>(),
        collect(updates, |update| update.change.contact_called).into_sql::<Array<Nullable<Bool>>>(),
        collect(updates, |update| update.change.emotions.as_ref().map(emotions)).into_sql::<Array<Nullable<Text>>>(),
        collect(updates, |update| update.now.calendar()).into_sql::<Array<Timestamptz>>(),
    );
    let rows: Vec<(i64, CallRow, Option<DateTime<Utc>>, CardRow)> =
        RawStatement::<UpdateSql, _, Update>::new(UPDATE, values).load(connection)?;
    Ok(by_ordinal(updates.len(), rows.into_iter().map(|(n, call, _, card)| (n, (call, card)))))
}

/// Changes the call by several statements, unless it has none of the expected versions or the change is rejected.
fn update_step_by_step(
    connection: &mut PgConnection,
    account: AccountId,
    update: &UpdateCall,
    expected: Option<&[Version]>,
) -> StoreResult<Call> {
    let UpdateCall { call, change, now } = update.clone();
    let old_contact = contact_of(connection, account, call)?;
    let new_contact = change.contact.unwrap_or(old_contact);
    lock_active_contacts(connection, account, old_contact, new_contact)?;
    let stored_part = lock_call(connection, account, call, old_contact)?;
    expect(connection, account, call, expected)?;
    let stored = NewCall::try_from(stored_part.clone())?;
    let old_called_at = stored.called_at;
    let changed = change.apply(stored);
    let new_called_at = changed.called_at;
    let part = CallPart::from(changed);
    if part != stored_part {
        diesel::update(calls::table.find((account.get(), call.get())))
            .set((part, calls::updated_at.eq(now.calendar())))
            .execute(connection)?;
        if (new_contact, new_called_at) != (old_contact, old_called_at) {
            count_contact(connection, account, old_contact, -1)?;
            count_contact(connection, account, new_contact, 1)?;
            let mut months = [(old_called_at.month_number(), -1), (new_called_at.month_number(), 1)];
            months.sort_unstable();
            for (month, calls) in months {
                count_month(connection, account, month, calls)?;
            }
        }
    }
    find(connection, account, call)
}

fn delete(
    connection: &mut PgConnection,
    account: AccountId,
    call: CallId,
    expected: Option<&[Version]>,
) -> StoreResult<()> {
    let contact = contact_of(connection, account, call)?;
    lock_active_contacts(connection, account, contact, contact)?;
    let stored = lock_call(connection, account, call, contact)?;
    expect(connection, account, call, expected)?;
    diesel::delete(calls::table.find((account.get(), call.get()))).execute(connection)?;
    count_contact(connection, account, contact, -1)?;
    count_month(connection, account, Timestamp::from(stored.called_at).month_number(), -1)
}

/// Rejects when the locked call has none of the expected versions.
fn expect(
    connection: &mut PgConnection,
    account: AccountId,
    call: CallId,
    expected: Option<&[Version]>,
) -> StoreResult<()> {
    match expected {
        Some(versions) if !versions.contains(&find(connection, account, call)?.version()) => Err(Error::Changed.into()),
        _ => Ok(()),
    }
}

fn contact_of(connection: &mut PgConnection, account: AccountId, call: CallId) -> StoreResult<ContactId> {
    let id = calls::table.find((account.get(), call.get())).select(calls::contact_id).get_result(connection)?;
    Ok(ContactId::from_store(id))
}

/// Locks the call's contact and its new one against other writers. Rejects if one is archived.
fn lock_active_contacts(
    connection: &mut PgConnection,
    account: AccountId,
    old: ContactId,
    new: ContactId,
) -> StoreResult<()> {
    let cards = lock_cards(connection, account, &[old.get(), new.get()])?;
    for contact in [old, new] {
        let card = cards.iter().find(|card| card.id == contact.get()).ok_or(Error::NotFound)?;
        if !card.profile.is_active() {
            return Err(Error::Archived.into());
        }
    }
    Ok(())
}

/// Locks the call, whose contact is already locked. Conflict if it got another contact meanwhile.
fn lock_call(
    connection: &mut PgConnection,
    account: AccountId,
    call: CallId,
    contact: ContactId,
) -> StoreResult<CallPart> {
    let query = calls::table.find((account.get(), call.get())).select(CallPart::as_select());
    let part: CallPart = query.for_update().get_result(connection)?;
    if part.contact_id == contact.get() { Ok(part) } else { Err(StoreError::Conflict) }
}

/// Adds to the counter of the contact, which is locked, and recomputes its `last_called`.
fn count_contact(connection: &mut PgConnection, account: AccountId, contact: ContactId, calls: i64) -> StoreResult<()> {
    let newest: Option<DateTime<Utc>> = calls::table
        .filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())))
        .select(max(calls::called_at))
        .get_result(connection)?;
    diesel::update(contacts::table.find((account.get(), contact.get())))
        .set((contacts::calls.eq(contacts::calls + calls), contacts::last_called.eq(newest)))
        .execute(connection)?;
    Ok(())
}
