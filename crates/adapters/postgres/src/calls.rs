//! Calls in PostgreSQL.
//!
//! Rows are locked in one order everywhere: contacts by id, then the call, then counters by month. So no two
//! requests wait for each other.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use domain::{
    AccountId, Call, CallId, CallOrder, CallPatch, ContactId, Emotion, IdempotencyKey, NewCall, PageRequest, Timestamp,
    Uuid, Version,
};
use ports::outbound::{CallPage, CallRepository};
use ports::{Error, Result};
use storage::{Failure, Key, Outcome, Statement};

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
        let found = self.readers.read_together(&self.finds, (account, call), find_many).await?;
        let (call, card) = found.ok_or(Error::NotFound)?;
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
        let new = Recorded { account, call, uuid, now };
        let Some(once) = once else {
            let record = self.writers.write_together(&self.creates, new.clone(), create_many).await?;
            return match record {
                Some(record) => Ok(new.recorded(record)),
                None => self.write(move |connection| create(connection, &new)).await,
            };
        };
        self.write(move |connection| {
            connection.transaction(|connection| {
                if let Some(answered) = once::take(connection, account, &new.call, now, &once)? {
                    return Ok(answered);
                }
                let call = create(connection, &new)?;
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
        let new = Revised { account, call, change, now };
        if expected.is_none() {
            let revision = self.writers.write_together(&self.updates, new.clone(), update_many).await?;
            if let Some((row, card)) = revision {
                return Ok(row.with(card)?);
            }
        }
        self.write(move |connection| {
            connection.transaction(|connection| update_step_by_step(connection, &new, expected.as_deref()))
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

/// One call, within a transaction of its own request.
fn find(connection: &mut PgConnection, account: AccountId, call: CallId) -> Outcome<Call> {
    let found = find_many(connection, &[(account, call)])?.pop().flatten();
    let (call, card) = found.ok_or(Error::NotFound)?;
    call.with(card)
}

/// Accounts, calls.
struct Find;

impl Key for Find {}

const FIND: &str = concat!(
    ", wanted AS (SELECT * FROM unnest($1, $2) WITH ORDINALITY AS wanted (account, call, n))
SELECT n, call.*, card.* FROM wanted
CROSS JOIN LATERAL (SELECT ",
    call_columns!(),
    " FROM calls WHERE account_id = wanted.account AND id = wanted.call LIMIT 1) AS call
CROSS JOIN LATERAL (SELECT ",
    card_columns!(),
    " FROM contacts WHERE account_id = wanted.account AND id = call.contact_id LIMIT 1) AS card"
);

/// A call with its contact, as they are stored.
pub type Found = Option<(CallRow, CardRow)>;

fn find_many(connection: &mut PgConnection, wanted: &[(AccountId, CallId)]) -> Outcome<Vec<Found>> {
    let (accounts, calls): (Vec<_>, Vec<_>) = wanted.iter().map(|(account, call)| (account.get(), call.get())).unzip();
    let values = (accounts.into_sql::<Array<BigInt>>(), calls.into_sql::<Array<BigInt>>());
    let statement = Statement::<(BigInt, CallSql, CardSql), _, Find>::new(FIND, values);
    let rows: Vec<(i64, CallRow, CardRow)> = statement.load(connection)?;
    Ok(place(wanted.len(), rows.into_iter().map(|(n, call, card)| (n, (call, card)))))
}

/// A call to be recorded.
#[derive(Clone)]
pub struct Recorded {
    account: AccountId,
    call: NewCall,
    uuid: Uuid,
    now: Timestamp,
}

/// The call's id and its contact; none when there is no such contact, or it is archived.
pub type Record = Option<(i64, CardRow)>;

/// Locks the contacts, raises their `last_called`, counts and inserts the calls.
/// Accounts, contacts, UUIDs, `called_at`, contents, `contact_called`, emotions as PostgreSQL writes arrays, now, months.
struct Create;

impl Key for Create {}

const CREATE: &str = concat!(
    ", wanted AS (
  SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY
    AS wanted (account, contact, uuid, called_at, content, contact_called, emotions, now, month, n)
), contact AS (
  SELECT card.* FROM (SELECT DISTINCT account, contact FROM wanted ORDER BY account, contact) AS named
  CROSS JOIN LATERAL (SELECT ",
    card_columns!(),
    " FROM contacts
    WHERE account_id = named.account AND id = named.contact AND is_active LIMIT 1 FOR NO KEY UPDATE) AS card
), call AS (
  SELECT nextval('calls_id_seq') AS id, wanted.* FROM wanted
  JOIN contact ON contact.account_id = wanted.account AND contact.id = wanted.contact
), raised AS (
  UPDATE contacts SET last_called = GREATEST(contacts.last_called, new.called_at), calls = contacts.calls + new.calls
  FROM (
    SELECT account, contact, max(called_at) AS called_at, count(*) AS calls FROM call GROUP BY account, contact
  ) AS new
  WHERE contacts.account_id = new.account AND contacts.id = new.contact
), stored AS (
  INSERT INTO calls
    (account_id, id, contact_id, uuid, called_at, content, contact_called, emotions, created_at, updated_at)
  SELECT account, id, contact, uuid, called_at, content, contact_called, emotions::smallint[], now, now FROM call
), counted AS (
  INSERT INTO call_counts (account_id, month, slot, calls)
  SELECT account, month, pg_backend_pid() % 4, count(*) FROM call GROUP BY account, month ORDER BY account, month
  ON CONFLICT (account_id, month, slot) DO UPDATE SET calls = call_counts.calls + EXCLUDED.calls
)
SELECT call.n, call.id, contact.* FROM call
JOIN contact ON contact.account_id = call.account AND contact.id = call.contact"
);

fn create_many(connection: &mut PgConnection, calls: &[Recorded]) -> Outcome<Vec<Record>> {
    let parts: Vec<CallPart> = calls.iter().map(|new| new.call.clone().into()).collect();
    let values = (
        collect(calls, |new| new.account.get()).into_sql::<Array<BigInt>>(),
        collect(&parts, |part| part.contact_id).into_sql::<Array<BigInt>>(),
        collect(calls, |new| new.uuid).into_sql::<Array<SqlUuid>>(),
        collect(&parts, |part| part.called_at).into_sql::<Array<Timestamptz>>(),
        collect(&parts, |part| part.content.as_deref()).into_sql::<Array<Nullable<Text>>>(),
        collect(&parts, |part| part.contact_called).into_sql::<Array<Nullable<Bool>>>(),
        collect(&parts, |part| array(part.emotions.iter())).into_sql::<Array<Text>>(),
        collect(calls, |new| new.now.calendar()).into_sql::<Array<Timestamptz>>(),
        collect(calls, |new| new.call.called_at.month_number()).into_sql::<Array<Integer>>(),
    );
    let rows: Vec<(i64, i64, CardRow)> =
        Statement::<(BigInt, BigInt, CardSql), _, Create>::new(CREATE, values).load(connection)?;
    Ok(place(calls.len(), rows.into_iter().map(|(n, id, card)| (n, (id, card)))))
}

fn collect<'a, T, U>(items: &'a [T], part: impl Fn(&'a T) -> U) -> Vec<U> {
    items.iter().map(part).collect()
}

/// An array as PostgreSQL writes it.
fn array(numbers: impl Iterator<Item = impl ToString>) -> String {
    format!("{{{}}}", numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(","))
}

/// Each at its number, counted from 1.
fn place<T>(count: usize, numbered: impl Iterator<Item = (i64, T)>) -> Vec<Option<T>> {
    let mut placed: Vec<Option<T>> = std::iter::repeat_with(|| None).take(count).collect();
    for (n, item) in numbered {
        if let Some(place) = usize::try_from(n - 1).ok().and_then(|n| placed.get_mut(n)) {
            *place = Some(item);
        }
    }
    placed
}

impl Recorded {
    /// What is answered.
    fn recorded(self, (id, card): (i64, CardRow)) -> Call {
        let called_at = self.call.called_at;
        self.call.answered_as(CallId::from_store(id), self.uuid, called_at, self.now, card.into())
    }
}

/// One call, within a transaction of its own request.
fn create(connection: &mut PgConnection, new: &Recorded) -> Outcome<Call> {
    let Some(record) = create_many(connection, std::slice::from_ref(new))?.pop().flatten() else {
        lock_active_contacts(connection, new.account, new.call.contact, new.call.contact)?;
        // It was archived a moment ago and is active again.
        return Err(Failure::Conflict);
    };
    Ok(new.clone().recorded(record))
}

/// A change of a call.
#[derive(Clone)]
pub struct Revised {
    account: AccountId,
    call: CallId,
    change: CallPatch,
    now: Timestamp,
}

/// The changed call and its contact; none when it was not changed here.
pub type Revision = Option<(CallRow, CardRow)>;

/// Locks contacts, old and new, then the calls, and changes them; but not those that are refused, that moved meanwhile,
/// or of which `last_called` can only be told by looking at the contact's other calls.
/// `last_called` is compared with that of the locked contact: an UPDATE asks its condition of the contact as the
/// statement saw it before it waited, when a later call may still have been there that was deleted meanwhile.
/// Accounts, calls, contacts, `called_at`, whether contents change, contents, `contact_called`, emotions as PostgreSQL
/// writes arrays, now.
struct Update;

impl Key for Update {}

const UPDATE: &str = concat!(
    ", wanted AS (
  SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY
    AS wanted (account, call, contact, called_at, has_content, content, contact_called, emotions, now, n)
), found AS (
  SELECT n, account, call, stored.contact_id AS contact FROM wanted
  CROSS JOIN LATERAL (SELECT contact_id FROM calls WHERE account_id = account AND id = call LIMIT 1) AS stored
), contact AS (
  SELECT card.* FROM (
    SELECT account, contact FROM found
    UNION SELECT account, contact FROM wanted WHERE contact IS NOT NULL ORDER BY account, contact
  ) AS named
  CROSS JOIN LATERAL (SELECT last_called, ",
    card_columns!(),
    " FROM contacts WHERE account_id = named.account AND id = named.contact LIMIT 1 FOR NO KEY UPDATE) AS card
), old AS (
  SELECT n, account, last_called, call.* FROM (
    SELECT n, account, call, contact, last_called FROM found
    JOIN contact AS card ON card.account_id = account AND card.id = contact AND card.is_active ORDER BY account, call
  ) AS named
  CROSS JOIN LATERAL (SELECT ",
    call_columns!(),
    " FROM calls WHERE account_id = named.account AND id = named.call AND contact_id = named.contact LIMIT 1
    FOR UPDATE) AS call
), new AS (
  SELECT n, old.account, call, now, coalesce(wanted.contact, old.contact_id) AS contact_id,
    coalesce(wanted.called_at, old.called_at) AS called_at,
    CASE WHEN has_content THEN wanted.content ELSE old.content END AS content,
    coalesce(wanted.contact_called, old.contact_called) AS contact_called,
    coalesce(wanted.emotions::smallint[], old.emotions) AS emotions
  FROM old JOIN wanted USING (n)
), verdict AS (
  SELECT n, (old.contact_id, old.called_at) IS DISTINCT FROM (new.contact_id, new.called_at) AS is_moved,
    (old.contact_id, old.called_at, old.content, old.contact_called, old.emotions) IS DISTINCT FROM
      (new.contact_id, new.called_at, new.content, new.contact_called, new.emotions) AS is_changed
  FROM old JOIN new USING (n)
  JOIN contact AS card ON card.account_id = new.account AND card.id = new.contact_id AND card.is_active
  WHERE old.called_at < old.last_called
    OR (new.contact_id = old.contact_id AND new.called_at >= old.last_called)
), change AS (
  SELECT n, is_moved FROM verdict WHERE is_changed
), moved AS (
  SELECT account, contact_id AS contact, called_at, -1 AS calls FROM change JOIN old USING (n) WHERE is_moved
  UNION ALL SELECT account, contact_id, called_at, 1 FROM change JOIN new USING (n) WHERE is_moved
), recounted AS (
  UPDATE contacts SET last_called = GREATEST(contacts.last_called, sum.called_at), calls = contacts.calls + sum.calls
  FROM (
    SELECT account, contact, max(called_at) FILTER (WHERE calls > 0) AS called_at, sum(calls) AS calls FROM moved
    GROUP BY account, contact
  ) AS sum JOIN contact AS card ON card.account_id = sum.account AND card.id = sum.contact
  WHERE contacts.account_id = sum.account AND contacts.id = sum.contact
    AND (sum.calls <> 0 OR sum.called_at > card.last_called)
), counted AS (
  INSERT INTO call_counts (account_id, month, slot, calls)
  SELECT account, month, pg_backend_pid() % 4, sum(calls) FROM (
    SELECT account, calls,
      date_part('year', called_at)::integer * 12 + date_part('month', called_at)::integer - 1 AS month
    FROM moved
  ) AS months
  GROUP BY account, month HAVING sum(calls) <> 0 ORDER BY account, month
  ON CONFLICT (account_id, month, slot) DO UPDATE SET calls = call_counts.calls + EXCLUDED.calls
), changed AS (
  UPDATE calls SET contact_id = new.contact_id, called_at = new.called_at, content = new.content,
    contact_called = new.contact_called, emotions = new.emotions, updated_at = new.now
  FROM new JOIN change USING (n) WHERE calls.account_id = new.account AND calls.id = new.call
)
SELECT n, old.id, old.uuid, new.contact_id, new.called_at, new.content, new.contact_called, new.emotions, old.created_at,
  CASE WHEN is_changed THEN new.now ELSE old.updated_at END, card.*
FROM verdict JOIN old USING (n) JOIN new USING (n)
JOIN contact AS card ON card.account_id = new.account AND card.id = new.contact_id"
);

type UpdateSql = (BigInt, CallSql, Nullable<Timestamptz>, CardSql);

fn update_many(connection: &mut PgConnection, changes: &[Revised]) -> Outcome<Vec<Revision>> {
    let mut calls: Vec<_> = changes.iter().map(|revised| (revised.account.get(), revised.call.get())).collect();
    calls.sort_unstable();
    if calls.windows(2).any(|two| two[0] == two[1]) {
        // One statement changes a row once.
        return Err(Failure::Apart);
    }
    let emotions = |emotions: &Vec<Emotion>| array(emotions.iter().map(|emotion| emotion.id()));
    let values = (
        collect(changes, |revised| revised.account.get()).into_sql::<Array<BigInt>>(),
        collect(changes, |revised| revised.call.get()).into_sql::<Array<BigInt>>(),
        collect(changes, |revised| revised.change.contact.map(ContactId::get)).into_sql::<Array<Nullable<BigInt>>>(),
        collect(changes, |revised| revised.change.called_at.map(Timestamp::calendar))
            .into_sql::<Array<Nullable<Timestamptz>>>(),
        collect(changes, |revised| revised.change.content.is_some()).into_sql::<Array<Bool>>(),
        collect(changes, |revised| {
            revised.change.content.as_ref().and_then(|content| Some(content.as_ref()?.as_str()))
        })
        .into_sql::<Array<Nullable<Text>>>(),
        collect(changes, |revised| revised.change.contact_called).into_sql::<Array<Nullable<Bool>>>(),
        collect(changes, |revised| revised.change.emotions.as_ref().map(emotions)).into_sql::<Array<Nullable<Text>>>(),
        collect(changes, |revised| revised.now.calendar()).into_sql::<Array<Timestamptz>>(),
    );
    let rows: Vec<(i64, CallRow, Option<DateTime<Utc>>, CardRow)> =
        Statement::<UpdateSql, _, Update>::new(UPDATE, values).load(connection)?;
    Ok(place(changes.len(), rows.into_iter().map(|(n, call, _, card)| (n, (call, card)))))
}

/// Changes the call, step by step, unless it has none of the expected versions, or what it should become is refused.
fn update_step_by_step(
    connection: &mut PgConnection,
    revised: &Revised,
    expected: Option<&[Version]>,
) -> Outcome<Call> {
    let Revised { account, call, change, now } = revised.clone();
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
) -> Outcome<()> {
    let contact = contact_of(connection, account, call)?;
    lock_active_contacts(connection, account, contact, contact)?;
    let stored = lock_call(connection, account, call, contact)?;
    expect(connection, account, call, expected)?;
    diesel::delete(calls::table.find((account.get(), call.get()))).execute(connection)?;
    count_contact(connection, account, contact, -1)?;
    count_month(connection, account, Timestamp::from(stored.called_at).month_number(), -1)
}

/// Refuses when the call, which is locked, has none of the expected versions.
fn expect(
    connection: &mut PgConnection,
    account: AccountId,
    call: CallId,
    expected: Option<&[Version]>,
) -> Outcome<()> {
    match expected {
        Some(versions) if !versions.contains(&find(connection, account, call)?.version()) => Err(Error::Changed.into()),
        _ => Ok(()),
    }
}

fn contact_of(connection: &mut PgConnection, account: AccountId, call: CallId) -> Outcome<ContactId> {
    let id = calls::table.find((account.get(), call.get())).select(calls::contact_id).get_result(connection)?;
    Ok(ContactId::from_store(id))
}

/// Locks the call's contact and the one that it shall have against other writers of their calls.
fn lock_active_contacts(
    connection: &mut PgConnection,
    account: AccountId,
    old: ContactId,
    new: ContactId,
) -> Outcome<()> {
    let cards = lock_cards(connection, account, &[old.get(), new.get()])?;
    for contact in [old, new] {
        let card = cards.iter().find(|card| card.id == contact.get()).ok_or(Error::NotFound)?;
        if !card.profile.is_active() {
            return Err(Error::Archived.into());
        }
    }
    Ok(())
}

/// Locks the call, whose contact is locked already.
fn lock_call(connection: &mut PgConnection, account: AccountId, call: CallId, contact: ContactId) -> Outcome<CallPart> {
    let query = calls::table.find((account.get(), call.get())).select(CallPart::as_select());
    let part: CallPart = query.for_update().get_result(connection)?;
    if part.contact_id == contact.get() { Ok(part) } else { Err(Failure::Conflict) }
}

/// Adds to the contact's counter and finds its `last_called` again. The contact is locked.
fn count_contact(connection: &mut PgConnection, account: AccountId, contact: ContactId, calls: i64) -> Outcome<()> {
    let newest: Option<DateTime<Utc>> = calls::table
        .filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())))
        .select(max(calls::called_at))
        .get_result(connection)?;
    diesel::update(contacts::table.find((account.get(), contact.get())))
        .set((contacts::calls.eq(contacts::calls + calls), contacts::last_called.eq(newest)))
        .execute(connection)?;
    Ok(())
}
