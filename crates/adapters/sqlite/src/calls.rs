//! Calls in SQLite.

use async_trait::async_trait;
use diesel::dsl::SqlTypeOf;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;
use domain::{
    AccountId, Call, CallChange, CallId, CallOrder, ContactId, Direction, Moment, NewCall, Once, Page, PageRequest,
    Uuid, Version,
};
use ports::outbound::{CallPage, CallRepository};
use ports::{Error, Result};
use storage::{Key, Outcome, Statement, Walk, years};

use crate::counts::count_month;
use crate::rows::{CallPart, CallRow, CardRow, NewCallRow};
use crate::schema::{call_counts, calls, contacts};
use crate::{Database, contacts::find_card, once};

#[async_trait]
impl CallRepository for Database {
    async fn list(&self, account: AccountId, of: Option<ContactId>, page: PageRequest<CallOrder>) -> Result<CallPage> {
        // One transaction: total, years and items are of the same moment.
        self.read(move |connection| connection.transaction(|connection| list(connection, account, of, page))).await
    }

    async fn find(&self, account: AccountId, call: CallId) -> Result<Call> {
        self.peek(move |connection| find(connection, account, call)).await
    }

    async fn create(
        &self,
        account: AccountId,
        call: NewCall,
        uuid: Uuid,
        now: Moment,
        once: Option<Once>,
    ) -> Result<Call> {
        self.write(move |connection| {
            let Some(once) = once else { return create(connection, account, call, uuid, now) };
            if let Some(answered) = once::answered(connection, account, &call, now, &once)? {
                return Ok(answered);
            }
            let call = create(connection, account, call, uuid, now)?;
            once::remember(connection, &call, &once)?;
            Ok(call)
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
        self.write(move |connection| update(connection, account, call, change, now, expected.as_deref())).await
    }

    async fn delete(&self, account: AccountId, call: CallId, expected: Option<Vec<Version>>) -> Result<()> {
        self.write(move |connection| delete(connection, account, call, expected.as_deref())).await
    }
}

fn list(
    connection: &mut SqliteConnection,
    account: AccountId,
    of: Option<ContactId>,
    page: PageRequest<CallOrder>,
) -> Outcome<CallPage> {
    let months: Vec<(i32, i64)> = call_counts::table
        .filter(call_counts::account_id.eq(account.get()))
        .filter(call_counts::calls.ne(0))
        .order(call_counts::month.desc())
        .select((call_counts::month, call_counts::calls))
        .load(connection)?;
    let years = years(months.iter().copied());
    let total: i64 = match of {
        None => months.iter().map(|(_, calls)| calls).sum(),
        Some(contact) => contacts::table
            .filter(contacts::account_id.eq(account.get()).and(contacts::id.eq(contact.get())))
            .select(contacts::calls)
            .get_result(connection)?,
    };
    let (column, direction) = match page.order {
        CallOrder::CalledAt(direction) => ("called_at", direction),
        CallOrder::CreatedAt(direction) => ("created_at", direction),
        CallOrder::UpdatedAt(direction) => ("updated_at", direction),
    };
    // The counters know the way along called_at, through all of the account's calls.
    let months = if of.is_none() && column == "called_at" { &months[..] } else { &[] };
    let walk = page.offset().and_then(|offset| Walk::shortest(direction, months, total, offset, page.size));
    let items = walk.map(|walk| load_page(connection, account, of, column, walk)).transpose()?.unwrap_or_default();
    Ok(CallPage { page: Page { items, total: total.unsigned_abs() }, years })
}

type CallSql = SqlTypeOf<<CallRow as Selectable<Sqlite>>::SelectExpression>;
type CardSql = SqlTypeOf<<CardRow as Selectable<Sqlite>>::SelectExpression>;

/// The page is found along the index first; calls and contacts are then looked up one by one.
/// LIMIT is no bound value: SQLite would plan the statement anew each time.
/// Account, edge, skip, contact.
fn page_text(column: &str, walk: Walk, of_contact: bool) -> String {
    let (order, beyond) = match walk.direction {
        Direction::Ascending => ("ASC", ">="),
        Direction::Descending => ("DESC", "<"),
    };
    let own = if of_contact { "AND contact_id = ?4" } else { "" };
    let take = walk.take;
    format!(
        "place AS (
  SELECT id, {column} AS key FROM calls WHERE account_id = ?1 {own} AND {column} {beyond} ?2
  ORDER BY {column} {order}, id {order} LIMIT {take} OFFSET ?3
)
SELECT call.id, call.uuid, call.contact_id, call.called_at, call.content, call.contact_called, call.emotions,
  call.created_at, call.updated_at, card.id, card.uuid, card.account_id, card.first_name, card.middle_name,
  card.last_name, card.nickname, card.gender, card.is_starred, card.is_partial, card.is_active, card.is_dead,
  card.birthdate, card.birthdate_is_age_based, card.birthdate_is_year_unknown, card.deceased_date,
  card.deceased_date_is_age_based, card.deceased_date_is_year_unknown
FROM place CROSS JOIN calls AS call ON call.id = place.id CROSS JOIN contacts AS card ON card.id = call.contact_id
ORDER BY place.key {order}, place.id {order}"
    )
}

fn load_page(
    connection: &mut SqliteConnection,
    account: AccountId,
    of: Option<ContactId>,
    column: &str,
    walk: Walk,
) -> Outcome<Vec<Call>> {
    let edge = walk.edge.map_or_else(
        || match walk.direction {
            Direction::Ascending => i64::MIN,
            Direction::Descending => i64::MAX,
        },
        Moment::unix,
    );
    let statement = Statement::<(CallSql, CardSql), _>::new(
        page_text(column, walk, of.is_some()),
        (
            account.get().into_sql::<BigInt>(),
            edge.into_sql::<BigInt>(),
            walk.skip.into_sql::<BigInt>(),
            of.map_or(0, ContactId::get).into_sql::<BigInt>(),
        ),
    );
    let rows: Vec<(CallRow, CardRow)> = statement.load(connection)?;
    let mut items = rows.into_iter().map(|(call, card)| call.with(card)).collect::<Outcome<Vec<_>>>()?;
    if walk.is_reversed {
        items.reverse();
    }
    Ok(items)
}

/// Account, call.
struct Find;

impl Key for Find {}

const FIND: &str = "\
call AS (
  SELECT id, uuid, contact_id, called_at, content, contact_called, emotions, created_at, updated_at
  FROM calls WHERE id = ?2 AND account_id = ?1
)
SELECT call.*, contacts.id, contacts.uuid, account_id, first_name, middle_name, last_name, nickname, gender, is_starred,
  is_partial, is_active, is_dead, birthdate, birthdate_is_age_based, birthdate_is_year_unknown, deceased_date,
  deceased_date_is_age_based, deceased_date_is_year_unknown
FROM call CROSS JOIN contacts ON contacts.id = call.contact_id";

fn find(connection: &mut SqliteConnection, account: AccountId, call: CallId) -> Outcome<Call> {
    let values = (account.get().into_sql::<BigInt>(), call.get().into_sql::<BigInt>());
    let statement = Statement::<(CallSql, CardSql), _, Find>::new(FIND, values);
    let (call, contact): (CallRow, CardRow) = statement.get_result(connection)?;
    call.with(contact)
}

fn create(
    connection: &mut SqliteConnection,
    account: AccountId,
    call: NewCall,
    uuid: Uuid,
    now: Moment,
) -> Outcome<Call> {
    let contact = find_active_card(connection, account, call.contact)?;
    count(connection, account, call.contact, call.called_at, 1)?;
    diesel::update(contacts::table.find(call.contact.get()))
        .filter(contacts::last_called.is_null().or(contacts::last_called.lt(call.called_at.unix())))
        .set(contacts::last_called.eq(call.called_at.unix()))
        .execute(connection)?;
    let row = NewCallRow {
        account_id: account.get(),
        uuid: uuid.as_bytes().to_vec(),
        part: call.into(),
        created_at: now.unix(),
        updated_at: now.unix(),
    };
    let call: CallRow =
        diesel::insert_into(calls::table).values(row).returning(CallRow::as_returning()).get_result(connection)?;
    call.with(contact)
}

fn update(
    connection: &mut SqliteConnection,
    account: AccountId,
    call: CallId,
    change: CallChange,
    now: Moment,
    expected: Option<&[Version]>,
) -> Outcome<Call> {
    expect(connection, account, call, expected)?;
    let stored_part: CallPart = stored_part(connection, account, call)?;
    let stored = NewCall::try_from(stored_part.clone())?;
    find_active_card(connection, account, stored.contact)?;
    let (old_contact, old_called_at) = (stored.contact, stored.called_at);
    let changed = change.apply(stored);
    let (new_contact, new_called_at) = (changed.contact, changed.called_at);
    if new_contact != old_contact {
        find_active_card(connection, account, new_contact)?;
    }
    let part = CallPart::from(changed);
    if part != stored_part {
        diesel::update(calls::table.find(call.get()))
            .set((part, calls::updated_at.eq(now.unix())))
            .execute(connection)?;
        if (new_contact, new_called_at) != (old_contact, old_called_at) {
            count(connection, account, old_contact, old_called_at, -1)?;
            count(connection, account, new_contact, new_called_at, 1)?;
            refresh_last_called(connection, account, old_contact)?;
            refresh_last_called(connection, account, new_contact)?;
        }
    }
    find(connection, account, call)
}

fn delete(
    connection: &mut SqliteConnection,
    account: AccountId,
    call: CallId,
    expected: Option<&[Version]>,
) -> Outcome<()> {
    expect(connection, account, call, expected)?;
    let stored = NewCall::try_from(stored_part(connection, account, call)?)?;
    find_active_card(connection, account, stored.contact)?;
    diesel::delete(calls::table.find(call.get())).execute(connection)?;
    count(connection, account, stored.contact, stored.called_at, -1)?;
    refresh_last_called(connection, account, stored.contact)
}

/// Refuses when the call has none of the expected versions.
fn expect(
    connection: &mut SqliteConnection,
    account: AccountId,
    call: CallId,
    expected: Option<&[Version]>,
) -> Outcome<()> {
    match expected {
        Some(versions) if !versions.contains(&find(connection, account, call)?.version()) => Err(Error::Changed.into()),
        _ => Ok(()),
    }
}

fn stored_part(connection: &mut SqliteConnection, account: AccountId, call: CallId) -> Outcome<CallPart> {
    let query = calls::table.filter(calls::account_id.eq(account.get()).and(calls::id.eq(call.get())));
    Ok(query.select(CallPart::as_select()).get_result(connection)?)
}

fn find_active_card(connection: &mut SqliteConnection, account: AccountId, contact: ContactId) -> Outcome<CardRow> {
    let card = find_card(connection, account, contact)?;
    if card.profile.is_active() { Ok(card) } else { Err(Error::Archived.into()) }
}

/// Adds to the counters of the contact and of the account's month.
fn count(
    connection: &mut SqliteConnection,
    account: AccountId,
    contact: ContactId,
    called_at: Moment,
    calls: i64,
) -> Outcome<()> {
    diesel::update(contacts::table.find(contact.get()))
        .set(contacts::calls.eq(contacts::calls + calls))
        .execute(connection)?;
    count_month(connection, account, called_at.month_number(), calls)
}

fn refresh_last_called(connection: &mut SqliteConnection, account: AccountId, contact: ContactId) -> Outcome<()> {
    let newest: Option<i64> = calls::table
        .filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())))
        .select(diesel::dsl::max(calls::called_at))
        .get_result(connection)?;
    diesel::update(contacts::table.find(contact.get())).set(contacts::last_called.eq(newest)).execute(connection)?;
    Ok(())
}
