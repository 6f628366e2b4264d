//! Calls in PostgreSQL.
//!
//! Rows are locked in one order everywhere: contacts by id, then the call, then counters by month. So no two
//! requests wait for each other.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::dsl::{AsSelect, SqlTypeOf, auto_type, max, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use domain::{
    AccountId, Call, CallChange, CallId, CallOrder, ContactId, Direction, Moment, NewCall, Page, PageRequest, Uuid,
};
use ports::outbound::{CallPage, CallRepository};
use ports::{Error, Result};
use storage::{Failure, Outcome, years};

use crate::contacts::lock_cards;
use crate::rows::{CallPart, CallRow, CardRow};
use crate::schema::{call_counts, calls, contacts};
use crate::statement::{Sql, Statement};
use crate::{Database, snapshot};

#[async_trait]
impl CallRepository for Database {
    async fn list(&self, account: AccountId, of: Option<ContactId>, page: PageRequest<CallOrder>) -> Result<CallPage> {
        self.read(move |connection| snapshot(connection, |connection| list(connection, account, of, page))).await
    }

    async fn find(&self, account: AccountId, call: CallId) -> Result<Call> {
        self.read(move |connection| find(connection, account, call)).await
    }

    async fn create(&self, account: AccountId, call: NewCall, uuid: Uuid, now: Moment) -> Result<Call> {
        self.write(move |connection| create(connection, account, call.clone(), uuid, now)).await
    }

    async fn update(&self, account: AccountId, call: CallId, change: CallChange, now: Moment) -> Result<Call> {
        self.write(move |connection| {
            connection.transaction(|connection| update(connection, account, call, change.clone(), now))
        })
        .await
    }

    async fn delete(&self, account: AccountId, call: CallId) -> Result<()> {
        self.write(move |connection| connection.transaction(|connection| delete(connection, account, call))).await
    }
}

fn list(
    connection: &mut PgConnection,
    account: AccountId,
    of: Option<ContactId>,
    page: PageRequest<CallOrder>,
) -> Outcome<CallPage> {
    let months: Vec<(i32, i64)> = call_counts::table
        .filter(call_counts::account_id.eq(account.get()))
        .group_by(call_counts::month)
        .having(sql::<Bool>("sum(calls) <> 0"))
        .order(call_counts::month.desc())
        .select((call_counts::month, sql::<BigInt>("sum(calls)::bigint")))
        .load(connection)?;
    let years = years(months);
    let total = match of {
        None => years.iter().map(|(_, calls)| calls).sum(),
        Some(contact) => contacts::table
            .find((account.get(), contact.get()))
            .select(contacts::calls)
            .get_result::<i64>(connection)?
            .unsigned_abs(),
    };
    let items = match page.offset().filter(|offset| offset.unsigned_abs() < total) {
        None => Vec::new(),
        Some(offset) => load_page(connection, account, of, page, offset)?,
    };
    Ok(CallPage { page: Page { items, total }, years })
}

fn load_page(
    connection: &mut PgConnection,
    account: AccountId,
    of: Option<ContactId>,
    page: PageRequest<CallOrder>,
    offset: i64,
) -> Outcome<Vec<Call>> {
    let mut query = calls::table
        .inner_join(contacts::table.on(is_of_the_call()))
        .filter(calls::account_id.eq(account.get()))
        .select((CallRow::as_select(), CardRow::as_select()))
        .into_boxed::<Pg>();
    if let Some(contact) = of {
        query = query.filter(calls::contact_id.eq(contact.get()));
    }
    query = match page.order {
        CallOrder::CalledAt(Direction::Ascending) => query.order((calls::called_at.asc(), calls::id.asc())),
        CallOrder::CalledAt(Direction::Descending) => query.order((calls::called_at.desc(), calls::id.desc())),
        CallOrder::CreatedAt(Direction::Ascending) => query.order((calls::created_at.asc(), calls::id.asc())),
        CallOrder::CreatedAt(Direction::Descending) => query.order((calls::created_at.desc(), calls::id.desc())),
        CallOrder::UpdatedAt(Direction::Ascending) => query.order((calls::updated_at.asc(), calls::id.asc())),
        CallOrder::UpdatedAt(Direction::Descending) => query.order((calls::updated_at.desc(), calls::id.desc())),
    };
    let rows: Vec<(CallRow, CardRow)> = query.limit(page.size.get().into()).offset(offset).load(connection)?;
    rows.into_iter().map(|(call, contact)| call.with(contact)).collect()
}

#[auto_type(no_type_alias)]
fn is_of_the_call() -> _ {
    contacts::account_id.eq(calls::account_id).and(contacts::id.eq(calls::contact_id))
}

fn find(connection: &mut PgConnection, account: AccountId, call: CallId) -> Outcome<Call> {
    let (call, contact): (CallRow, CardRow) = calls::table
        .inner_join(contacts::table.on(is_of_the_call()))
        .filter(calls::account_id.eq(account.get()).and(calls::id.eq(call.get())))
        .select((CallRow::as_select(), CardRow::as_select()))
        .get_result(connection)?;
    call.with(contact)
}

/// Checks the contact, raises its `last_called`, counts and inserts the call.
/// Account, contact, UUID, `called_at`, content, `contact_called`, emotions, now, month.
struct CreateCall;

impl Sql for CreateCall {
    const TEXT: &'static str = "\
contact AS (
  UPDATE contacts SET last_called = GREATEST(last_called, $4), calls = calls + 1
  WHERE account_id = $1 AND id = $2 AND is_active
  RETURNING id, uuid, account_id, first_name, middle_name, last_name, nickname, gender, is_starred, is_partial,
    is_active, is_dead, birthdate, birthdate_is_age_based, birthdate_is_year_unknown, deceased_date,
    deceased_date_is_age_based, deceased_date_is_year_unknown
), call AS (
  INSERT INTO calls
    (account_id, contact_id, uuid, called_at, content, contact_called, emotions, created_at, updated_at)
  SELECT account_id, id, $3, $4, $5, $6, $7, $8, $8 FROM contact
  RETURNING id, uuid, contact_id, called_at, content, contact_called, emotions, created_at, updated_at
), counted AS (
  INSERT INTO call_counts (account_id, month, slot, calls)
  SELECT account_id, $9, pg_backend_pid() % 16, 1 FROM contact
  ON CONFLICT (account_id, month, slot) DO UPDATE SET calls = call_counts.calls + 1
)
SELECT call.*, contact.* FROM call, contact";

    type Row = (SqlTypeOf<AsSelect<CallRow, Pg>>, SqlTypeOf<AsSelect<CardRow, Pg>>);
}

fn create(connection: &mut PgConnection, account: AccountId, call: NewCall, uuid: Uuid, now: Moment) -> Outcome<Call> {
    let (contact, month) = (call.contact, call.called_at.month_number());
    let part = CallPart::from(call);
    let statement = Statement::<CreateCall, _>::of((
        account.get().into_sql::<BigInt>(),
        contact.get().into_sql::<BigInt>(),
        uuid.into_sql::<SqlUuid>(),
        part.called_at.into_sql::<Timestamptz>(),
        part.content.into_sql::<Nullable<Text>>(),
        part.contact_called.into_sql::<Nullable<Bool>>(),
        part.emotions.into_sql::<Array<SmallInt>>(),
        now.calendar().into_sql::<Timestamptz>(),
        month.into_sql::<Integer>(),
    ));
    let row: Option<(CallRow, CardRow)> = statement.get_result(connection).optional()?;
    let Some((call, card)) = row else {
        lock_active_contacts(connection, account, contact, contact)?;
        // It was archived a moment ago and is active again.
        return Err(Failure::Conflict);
    };
    call.with(card)
}

fn update(
    connection: &mut PgConnection,
    account: AccountId,
    call: CallId,
    change: CallChange,
    now: Moment,
) -> Outcome<Call> {
    let old_contact = contact_of(connection, account, call)?;
    let new_contact = change.contact.unwrap_or(old_contact);
    lock_active_contacts(connection, account, old_contact, new_contact)?;
    let stored_part = lock_call(connection, account, call, old_contact)?;
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

fn delete(connection: &mut PgConnection, account: AccountId, call: CallId) -> Outcome<()> {
    let contact = contact_of(connection, account, call)?;
    lock_active_contacts(connection, account, contact, contact)?;
    let stored = lock_call(connection, account, call, contact)?;
    diesel::delete(calls::table.find((account.get(), call.get()))).execute(connection)?;
    count_contact(connection, account, contact, -1)?;
    count_month(connection, account, Moment::from(stored.called_at).month_number(), -1)
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

/// Adds to the counter of the account's month, in the slot of this connection.
pub fn count_month(connection: &mut PgConnection, account: AccountId, month: i32, calls: i64) -> Outcome<()> {
    diesel::insert_into(call_counts::table)
        .values((
            call_counts::account_id.eq(account.get()),
            call_counts::month.eq(month),
            call_counts::slot.eq(sql::<Integer>("pg_backend_pid() % 16")),
            call_counts::calls.eq(calls),
        ))
        .on_conflict((call_counts::account_id, call_counts::month, call_counts::slot))
        .do_update()
        .set(call_counts::calls.eq(call_counts::calls + calls))
        .execute(connection)?;
    Ok(())
}

/// When the contact's calls happened.
pub fn instants(connection: &mut PgConnection, account: AccountId, contact: ContactId) -> Outcome<Vec<Moment>> {
    let query = calls::table.filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())));
    let instants: Vec<DateTime<Utc>> = query.select(calls::called_at).load(connection)?;
    Ok(instants.into_iter().map(Moment::from).collect())
}
