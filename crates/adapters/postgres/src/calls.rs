//! Calls in PostgreSQL.
//!
//! Rows are locked in one order everywhere: contacts by id, then the call, then counters by month. So no two
//! requests wait for each other.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use domain::{
    AccountId, Call, CallChange, CallId, CallOrder, ContactId, Emotion, Moment, NewCall, Once, PageRequest, Uuid,
    Version,
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
        now: Moment,
        once: Option<Once>,
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
        change: CallChange,
        now: Moment,
        expected: Option<Vec<Version>>,
    ) -> Result<Call> {
        self.write(move |connection| match &expected {
            None => update(connection, account, call, &change, now),
            expected => connection.transaction(|connection| {
                update_step_by_step(connection, account, call, change.clone(), now, expected.as_deref())
            }),
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
    now: Moment,
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
    let emotions = |part: &CallPart| {
        let ids: Vec<_> = part.emotions.iter().map(ToString::to_string).collect();
        format!("{{{}}}", ids.join(","))
    };
    let values = (
        collect(calls, |new| new.account.get()).into_sql::<Array<BigInt>>(),
        collect(&parts, |part| part.contact_id).into_sql::<Array<BigInt>>(),
        collect(calls, |new| new.uuid).into_sql::<Array<SqlUuid>>(),
        collect(&parts, |part| part.called_at).into_sql::<Array<Timestamptz>>(),
        collect(&parts, |part| part.content.as_deref()).into_sql::<Array<Nullable<Text>>>(),
        collect(&parts, |part| part.contact_called).into_sql::<Array<Nullable<Bool>>>(),
        collect(&parts, emotions).into_sql::<Array<Text>>(),
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
        self.call.clone().answered_as(CallId::from_store(id), self.uuid, self.call.called_at, self.now, card.into())
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

/// Changes a call, unless `last_called` can only be told by looking at the contact's other calls.
/// Account, call, contact, `called_at`, whether content changes, content, `contact_called`, emotions, now.
struct Update;

impl Key for Update {}

const UPDATE: &str = concat!(
    ", old AS (SELECT ",
    call_columns!(),
    " FROM calls WHERE account_id = $1 AND id = $2 FOR UPDATE
), new AS (
  SELECT coalesce($3, contact_id) AS contact_id, coalesce($4, called_at) AS called_at,
    CASE WHEN $5 THEN $6 ELSE content END AS content, coalesce($7, contact_called) AS contact_called,
    coalesce($8, emotions) AS emotions
  FROM old
), locked AS (
  SELECT contacts.id, contacts.last_called, contacts.is_active FROM contacts, old, new
  WHERE contacts.account_id = $1 AND contacts.id = ANY (ARRAY[old.contact_id, new.contact_id])
  ORDER BY contacts.id FOR NO KEY UPDATE OF contacts
), verdict AS (
  SELECT
    (SELECT count(*) FROM locked) = CASE WHEN old.contact_id = new.contact_id THEN 1 ELSE 2 END AS is_found,
    coalesce((SELECT bool_and(is_active) FROM locked), true) AS is_active,
    coalesce((SELECT bool_and(CASE
      WHEN locked.id <> old.contact_id THEN true
      WHEN locked.id = new.contact_id AND new.called_at >= locked.last_called THEN true
      ELSE old.called_at < locked.last_called
    END) FROM locked), true) AS is_plain,
    (old.contact_id, old.called_at) IS DISTINCT FROM (new.contact_id, new.called_at) AS is_moved,
    (old.contact_id, old.called_at, old.content, old.contact_called, old.emotions) IS DISTINCT FROM
      (new.contact_id, new.called_at, new.content, new.contact_called, new.emotions) AS is_changed
  FROM old, new
), change AS (
  SELECT is_moved FROM verdict WHERE is_found AND is_active AND is_plain AND is_changed
), recounted AS (
  UPDATE contacts SET
    last_called = CASE WHEN contacts.id = new.contact_id THEN GREATEST(locked.last_called, new.called_at)
      ELSE locked.last_called END,
    calls = contacts.calls + (contacts.id = new.contact_id)::integer - (contacts.id = old.contact_id)::integer
  FROM locked, old, new, change
  WHERE is_moved AND contacts.account_id = $1 AND contacts.id = locked.id
    AND (old.contact_id <> new.contact_id OR new.called_at > locked.last_called)
), counted AS (
  INSERT INTO call_counts (account_id, month, slot, calls)
  SELECT $1, month, pg_backend_pid() % 4, sum(calls) FROM change, (
    SELECT date_part('year', called_at)::integer * 12 + date_part('month', called_at)::integer - 1 AS month, -1 AS calls
    FROM old
    UNION ALL
    SELECT date_part('year', called_at)::integer * 12 + date_part('month', called_at)::integer - 1, 1 FROM new
  ) AS months
  WHERE is_moved GROUP BY month HAVING sum(calls) <> 0 ORDER BY month
  ON CONFLICT (account_id, month, slot) DO UPDATE SET calls = call_counts.calls + EXCLUDED.calls
), changed AS (
  UPDATE calls SET contact_id = new.contact_id, called_at = new.called_at, content = new.content,
    contact_called = new.contact_called, emotions = new.emotions, updated_at = $9
  FROM new, change WHERE calls.account_id = $1 AND calls.id = $2
)
SELECT verdict.is_found, verdict.is_active, verdict.is_plain, old.id, old.uuid, new.contact_id, new.called_at, new.content,
  new.contact_called, new.emotions, old.created_at, CASE WHEN verdict.is_changed THEN $9 ELSE old.updated_at END,
  card.*
FROM old, new, verdict LEFT JOIN LATERAL (
  SELECT ",
    card_columns!(),
    " FROM contacts WHERE account_id = $1 AND contacts.id = (SELECT contact_id FROM new) LIMIT 1
) AS card ON true"
);

type UpdateSql = (Bool, Bool, Bool, CallSql, Nullable<CardSql>);
type UpdateRow = (bool, bool, bool, CallRow, Option<CardRow>);

fn update(
    connection: &mut PgConnection,
    account: AccountId,
    call: CallId,
    change: &CallChange,
    now: Moment,
) -> Outcome<Call> {
    let ids = |emotions: &Vec<Emotion>| emotions.iter().filter_map(|emotion| emotion.id().try_into().ok()).collect();
    let content = change.content.clone().flatten().map(String::from);
    let emotions: Option<Vec<i16>> = change.emotions.as_ref().map(ids);
    let values = (
        account.get().into_sql::<BigInt>(),
        call.get().into_sql::<BigInt>(),
        change.contact.map(ContactId::get).into_sql::<Nullable<BigInt>>(),
        change.called_at.map(Moment::calendar).into_sql::<Nullable<Timestamptz>>(),
        change.content.is_some().into_sql::<Bool>(),
        content.into_sql::<Nullable<Text>>(),
        change.contact_called.into_sql::<Nullable<Bool>>(),
        emotions.into_sql::<Nullable<Array<SmallInt>>>(),
        now.calendar().into_sql::<Timestamptz>(),
    );
    let statement = Statement::<UpdateSql, _, Update>::new(UPDATE, values);
    let (is_found, is_active, is_plain, row, card): UpdateRow = statement.get_result(connection)?;
    match card.filter(|_| is_found) {
        None => Err(Error::NotFound.into()),
        Some(_) if !is_active => Err(Error::Archived.into()),
        Some(card) if is_plain => row.with(card),
        Some(_) => connection
            .transaction(|connection| update_step_by_step(connection, account, call, change.clone(), now, None)),
    }
}

/// Changes the call when it has one of the expected versions, or was its contact's newest, so that `last_called` must
/// be found again.
fn update_step_by_step(
    connection: &mut PgConnection,
    account: AccountId,
    call: CallId,
    change: CallChange,
    now: Moment,
    expected: Option<&[Version]>,
) -> Outcome<Call> {
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
    count_month(connection, account, Moment::from(stored.called_at).month_number(), -1)
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

/// Locks both contacts against other writers of their calls.
fn lock_active_contacts(
    connection: &mut PgConnection,
    account: AccountId,
    one: ContactId,
    other: ContactId,
) -> Outcome<()> {
    let ids = if one == other { vec![one.get()] } else { vec![one.get(), other.get()] };
    let cards = lock_cards(connection, account, &ids)?;
    if cards.len() < ids.len() {
        Err(Error::NotFound.into())
    } else if cards.iter().all(|card| card.profile.is_active()) {
        Ok(())
    } else {
        Err(Error::Archived.into())
    }
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
