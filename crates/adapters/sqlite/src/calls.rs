//! Calls in SQLite.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::BigInt;
use domain::{
    AccountId, Call, CallId, CallOrder, CallPatch, ContactId, Direction, IdempotencyKey, NewCall, Page, PageRequest,
    Timestamp, Uuid, Version,
};
use ports::outbound::{CallPage, CallRepository};
use ports::{Error, Result};
use storage::{PageScan, RawStatement, StoreResult, has_counters, sort_column, years};

use crate::counts::{count_contact, count_month};
use crate::rows::{CallRow, CallSql, CardRow, CardSql, call_columns, card_columns};
use crate::schema::{call_counts, calls, contacts};
use crate::{Database, contacts::find_card, once};

#[async_trait]
impl CallRepository for Database {
    async fn list(&self, account: AccountId, of: Option<ContactId>, page: PageRequest<CallOrder>) -> Result<CallPage> {
        // One transaction: total, years and items come from one snapshot.
        let job = move |connection: &mut _| {
            SqliteConnection::transaction(connection, |connection| list(connection, account, of, page))
        };
        let is_short =
            page.size.get() <= MAX_INLINE_SIZE && page.offset().is_some_and(|offset| offset <= MAX_INLINE_OFFSET);
        if is_short { self.read_inline(job).await } else { self.read(job).await }
    }

    async fn find(&self, account: AccountId, call: CallId) -> Result<Call> {
        self.read_inline(move |connection| find(connection, account, call)).await
    }

    async fn create(
        &self,
        account: AccountId,
        call: NewCall,
        uuid: Uuid,
        now: Timestamp,
        once: Option<IdempotencyKey>,
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
        change: CallPatch,
        now: Timestamp,
        expected: Option<Vec<Version>>,
    ) -> Result<Call> {
        self.write(move |connection| update(connection, account, call, change, now, expected.as_deref())).await
    }

    async fn delete(&self, account: AccountId, call: CallId, expected: Option<Vec<Version>>) -> Result<()> {
        self.write(move |connection| delete(connection, account, call, expected.as_deref())).await
    }
}

/// The largest page and the largest offset that are read on the caller's thread, sooner than another thread wakes up.
const MAX_INLINE_SIZE: u32 = 25;
const MAX_INLINE_OFFSET: i64 = 250;

fn list(
    connection: &mut SqliteConnection,
    account: AccountId,
    of: Option<ContactId>,
    page: PageRequest<CallOrder>,
) -> StoreResult<CallPage> {
    let months: Vec<(i32, i64)> = call_counts::table
        .filter(call_counts::account_id.eq(account.get()))
        .filter(call_counts::calls.ne(0))
        .order(call_counts::month.desc())
        .select((call_counts::month, call_counts::calls))
        .load(connection)?;
    let years = years(months.iter().copied());
    let (total, card): (i64, Option<CardRow>) = match of {
        None => (months.iter().map(|(_, calls)| calls).sum(), None),
        Some(contact) => contacts::table
            .filter(contacts::account_id.eq(account.get()).and(contacts::id.eq(contact.get())))
            .select((contacts::calls, CardRow::as_select()))
            .get_result(connection)
            .map(|(total, card)| (total, Some(card)))?,
    };
    let (column, direction) = sort_column(page.order);
    let months = if has_counters(of, page.order) { &months[..] } else { &[] };
    let scan = page.offset().and_then(|offset| PageScan::plan(direction, months, total, offset, page.size));
    let items = scan.map(|scan| load_page(connection, account, card, column, scan)).transpose()?.unwrap_or_default();
    Ok(CallPage { page: Page { items, total: total.unsigned_abs() }, years })
}

/// The statement for a page: finds the page's ids along the index, then looks up each call, and each contact unless all
/// calls are of one contact.
///
/// LIMIT is not bound, because SQLite would plan the statement anew for every value. Binds account, bound, skip, contact.
fn page_sql(column: &str, scan: PageScan, is_of_contact: bool) -> String {
    let (order, beyond) = match scan.direction {
        Direction::Ascending => ("ASC", ">="),
        Direction::Descending => ("DESC", "<"),
    };
    let (own, cards, card) = if is_of_contact {
        ("AND contact_id = ?4", "", String::new())
    } else {
        let columns = card_columns!();
        ("", ", card.*", format!("CROSS JOIN (SELECT {columns} FROM contacts) AS card ON card.id = call.contact_id"))
    };
    let take = scan.take;
    format!(
        ", position AS (
  SELECT id, {column} AS key FROM calls WHERE account_id = ?1 {own} AND {column} {beyond} ?2
  ORDER BY {column} {order}, id {order} LIMIT {take} OFFSET ?3
)
SELECT call.*{cards} FROM position
CROSS JOIN (SELECT {call} FROM calls) AS call ON call.id = position.id {card}
ORDER BY position.key {order}, position.id {order}",
        call = call_columns!()
    )
}

/// Loads a page of the account's calls, or of the calls with the contact of `card`.
fn load_page(
    connection: &mut SqliteConnection,
    account: AccountId,
    card: Option<CardRow>,
    column: &str,
    scan: PageScan,
) -> StoreResult<Vec<Call>> {
    let bound = scan.bound.map_or_else(
        || match scan.direction {
            Direction::Ascending => i64::MIN,
            Direction::Descending => i64::MAX,
        },
        Timestamp::unix,
    );
    let sql = page_sql(column, scan, card.is_some());
    let values = (
        account.get().into_sql::<BigInt>(),
        bound.into_sql::<BigInt>(),
        scan.skip.into_sql::<BigInt>(),
        card.as_ref().map_or(0, CardRow::id).into_sql::<BigInt>(),
    );
    let rows: Vec<(CallRow, CardRow)> = match card {
        None => RawStatement::<(CallSql, CardSql), _>::new(sql, values).load(connection)?,
        Some(card) => {
            let calls: Vec<CallRow> = RawStatement::<CallSql, _>::new(sql, values).load(connection)?;
            calls.into_iter().map(|call| (call, card.clone())).collect()
        }
    };
    let mut items = rows.into_iter().map(|(call, card)| call.with(card)).collect::<StoreResult<Vec<_>>>()?;
    if scan.is_reversed {
        items.reverse();
    }
    Ok(items)
}

/// Binds account, call.
#[derive(QueryId)]
struct Find;

const FIND: &str = concat!(
    ", call AS (SELECT ",
    call_columns!(),
    " FROM calls WHERE id = ?2 AND account_id = ?1), card AS (SELECT ",
    card_columns!(),
    " FROM contacts)
SELECT call.*, card.* FROM call CROSS JOIN card ON card.id = call.contact_id"
);

fn find_rows(connection: &mut SqliteConnection, account: AccountId, call: CallId) -> StoreResult<(CallRow, CardRow)> {
    let values = (account.get().into_sql::<BigInt>(), call.get().into_sql::<BigInt>());
    Ok(RawStatement::<(CallSql, CardSql), _, Find>::new(FIND, values).get_result(connection)?)
}

fn find(connection: &mut SqliteConnection, account: AccountId, call: CallId) -> StoreResult<Call> {
    let (call, card) = find_rows(connection, account, call)?;
    call.with(card)
}

/// The call with its contact, which is active, to be changed.
fn find_to_change(
    connection: &mut SqliteConnection,
    account: AccountId,
    call: CallId,
) -> StoreResult<(CallRow, CardRow)> {
    let (call, card) = find_rows(connection, account, call)?;
    Ok((call, active(card)?))
}

/// Refuses when the call has none of the expected versions.
fn expect(call: &CallRow, card: &CardRow, expected: Option<&[Version]>) -> StoreResult<()> {
    match expected {
        Some(versions) if !versions.contains(&call.clone().with(card.clone())?.version()) => Err(Error::Changed.into()),
        _ => Ok(()),
    }
}

/// The contact of a call that is recorded, changed or deleted: it is not archived.
fn active(card: CardRow) -> StoreResult<CardRow> {
    if card.profile.is_active() { Ok(card) } else { Err(Error::Archived.into()) }
}

fn create(
    connection: &mut SqliteConnection,
    account: AccountId,
    call: NewCall,
    uuid: Uuid,
    now: Timestamp,
) -> StoreResult<Call> {
    let (contact, called_at) = (call.contact, call.called_at);
    let card = active(find_card(connection, account, contact)?)?;
    let row = CallRow::insert(connection, None, account, uuid, call, [now, now])?;
    count_month(connection, account, called_at.month_number(), 1)?;
    count_contact(connection, account, contact, 1, called_at)?;
    row.with(card)
}

fn update(
    connection: &mut SqliteConnection,
    account: AccountId,
    call: CallId,
    change: CallPatch,
    now: Timestamp,
    expected: Option<&[Version]>,
) -> StoreResult<Call> {
    let (row, old_card) = find_to_change(connection, account, call)?;
    let old = row.part()?;
    let new = change.apply(old.clone());
    let new_card = (new.contact != old.contact).then(|| active(find_card(connection, account, new.contact)?));
    let new_card = new_card.transpose()?;
    expect(&row, &old_card, expected)?;
    let card = new_card.unwrap_or(old_card);
    if new == old {
        return row.with(card);
    }
    let row = row.update(connection, new.clone(), now)?;
    let (old_month, new_month) = (old.called_at.month_number(), new.called_at.month_number());
    if new_month != old_month {
        count_month(connection, account, old_month, -1)?;
        count_month(connection, account, new_month, 1)?;
    }
    if new.contact != old.contact {
        count_contact(connection, account, old.contact, -1, old.called_at)?;
        count_contact(connection, account, new.contact, 1, new.called_at)?;
    } else if new.called_at != old.called_at {
        count_contact(connection, account, new.contact, 0, old.called_at.max(new.called_at))?;
    }
    row.with(card)
}

fn delete(
    connection: &mut SqliteConnection,
    account: AccountId,
    call: CallId,
    expected: Option<&[Version]>,
) -> StoreResult<()> {
    let (row, card) = find_to_change(connection, account, call)?;
    expect(&row, &card, expected)?;
    let stored = row.part()?;
    diesel::delete(calls::table.find(call.get())).execute(connection)?;
    count_month(connection, account, stored.called_at.month_number(), -1)?;
    count_contact(connection, account, stored.contact, -1, stored.called_at)
}
