//! Pages of calls in PostgreSQL.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Timestamptz};
use domain::{AccountId, CallOrder, ContactId, Direction, Page, PageRequest, Timestamp};
use ports::outbound::CallPage;
use ports::{Error, Result};
use storage::{PageScan, RawStatement, StoreResult, has_counters, sort_column};

use crate::counts::months;
use crate::rows::{CallRow, CallSql, CardRow, CardSql, call_columns, card_columns};
use crate::schema::contacts;
use crate::{Database, snapshot};

/// The largest offset that is scanned from the list's start. Beyond it, reading the counters first is cheaper.
const MAX_UNPLANNED_OFFSET: i64 = 1_000;

/// The largest page that shares a statement. A statement's result is held in memory, and a call may take 400 KB.
const MAX_BATCHED_SIZE: u32 = 20;

/// Loads a page of the account's calls, or of those of one contact. Not found if there is no such contact.
pub async fn list(
    database: &Database,
    account: AccountId,
    contact: Option<ContactId>,
    page: PageRequest<CallOrder>,
) -> Result<CallPage> {
    let (column, direction) = sort_column(page.order);
    let group = PageGroup { account, column, direction, is_of_contact: contact.is_some() };
    let found = if let Some(offset) = page.offset().filter(|offset| *offset <= MAX_UNPLANNED_OFFSET) {
        let planned = PlannedPage { contact, scan: PageScan::from_start(direction, offset, page.size) };
        if page.size.get() <= MAX_BATCHED_SIZE {
            database.pages.run(group, planned).await?
        } else {
            database.read(move |connection| load_page(connection, group, planned)).await?
        }
    } else {
        let load = move |connection: &mut _| {
            let scan = plan(connection, account, contact, page)?;
            let group = PageGroup { direction: scan.direction, ..group };
            load_page(connection, group, PlannedPage { contact, scan })
        };
        database.read(move |connection| snapshot(connection, load)).await?
    };
    found.ok_or(Error::NotFound)
}

/// Plans the scan that reads a page.
fn plan(
    connection: &mut PgConnection,
    account: AccountId,
    contact: Option<ContactId>,
    page: PageRequest<CallOrder>,
) -> StoreResult<PageScan> {
    let (mut months, total) = match contact {
        None => {
            let months = months(connection, account.get())?;
            let total = months.iter().map(|(_, calls)| calls).sum();
            (months, total)
        }
        Some(contact) => {
            let query = contacts::table.find((account.get(), contact.get())).select(contacts::calls);
            (Vec::new(), query.get_result(connection).optional()?.unwrap_or_default())
        }
    };
    if !has_counters(contact, page.order) {
        months.clear();
    }
    let (_, direction) = sort_column(page.order);
    let scan = page.offset().and_then(|offset| PageScan::plan(direction, &months, total, offset, page.size));
    // An empty page still has totals.
    Ok(scan.unwrap_or(PageScan { take: 0, ..PageScan::from_start(direction, 0, page.size) }))
}

/// What the pages of a statement share: the account, the index and its direction, and whether they are of one contact
/// each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PageGroup {
    account: AccountId,
    column: &'static str,
    direction: Direction,
    is_of_contact: bool,
}

/// A page, and the scan that reads it.
#[derive(Clone, Copy)]
pub struct PlannedPage {
    contact: Option<ContactId>,
    scan: PageScan,
}

impl PlannedPage {
    /// Where the scan starts.
    fn bound(&self) -> DateTime<Utc> {
        match (self.scan.bound, self.scan.direction) {
            (Some(bound), _) => bound.calendar(),
            (None, Direction::Ascending) => Timestamp::MIN.calendar(),
            (None, Direction::Descending) => Timestamp::MAX.calendar() + TimeDelta::seconds(1),
        }
    }
}

/// The ordinal of the page; in a page's first row the account's years and their calls; the contact's calls if pages are
/// of one contact; the card of the call's contact, only in the first row if pages are of one contact; and the call. The
/// last column, the call's position in the page, is not read.
type PageSql =
    (BigInt, Nullable<Array<Integer>>, Nullable<Array<BigInt>>, Nullable<BigInt>, Nullable<CardSql>, Nullable<CallSql>);
type PageRow = (i64, Option<Vec<i32>>, Option<Vec<i64>>, Option<i64>, Option<CardRow>, Option<CallRow>);

/// The statement for pages: items, totals and years of one snapshot.
///
/// Finds a page's first call by the index alone, then reads the calls from there on along the index, then looks up
/// contacts one by one. LATERAL with LIMIT 1 enforces that: a generic plan does not know the page's size, and would join
/// all contacts. Binds account, contacts, bounds, skips, takes.
fn page_sql(group: PageGroup) -> String {
    let PageGroup { column, direction, is_of_contact, .. } = group;
    let (order, beyond, from) = match direction {
        Direction::Ascending => ("ASC", ">=", ">="),
        Direction::Descending => ("DESC", "<", "<="),
    };
    let (of_contact, calls, contact, card_id) = if is_of_contact {
        let contact = "CROSS JOIN LATERAL (
  SELECT calls FROM contacts WHERE account_id = $1 AND id = wanted.contact LIMIT 1
) AS contact";
        let card_id = "wanted.contact AND coalesce(position, 1) = 1";
        ("AND contact_id = wanted.contact", "contact.calls", contact, card_id)
    } else {
        ("", "NULL::bigint", "", "call.contact_id")
    };
    format!(
        ", wanted AS (
  SELECT * FROM unnest($2, $3, $4, $5) WITH ORDINALITY AS wanted (contact, bound, skip, take, n)
), year AS (
  SELECT month / 12 AS year, sum(calls)::bigint AS calls FROM call_counts
  WHERE account_id = $1 GROUP BY month / 12 HAVING sum(calls) <> 0
), years AS (
  SELECT array_agg(year ORDER BY year DESC) AS years, array_agg(calls ORDER BY year DESC) AS calls FROM year
)
SELECT n, CASE WHEN coalesce(position, 1) = 1 THEN years.years END,
  CASE WHEN coalesce(position, 1) = 1 THEN years.calls END, {calls}, card.*, call.*
FROM wanted CROSS JOIN years {contact} LEFT JOIN LATERAL (
  SELECT id, {column} FROM calls WHERE account_id = $1 {of_contact} AND {column} {beyond} wanted.bound
  ORDER BY {column} {order}, id {order} OFFSET wanted.skip LIMIT 1
) AS first ON true LEFT JOIN LATERAL (
  SELECT *, row_number() OVER (ORDER BY {column} {order}, id {order}) AS position FROM (
    SELECT {call} FROM calls
    WHERE account_id = $1 {of_contact} AND ({column}, id) {from} (first.{column}, first.id)
    ORDER BY {column} {order}, id {order} LIMIT wanted.take
  ) AS scanned
) AS call ON true LEFT JOIN LATERAL (
  SELECT {card} FROM contacts WHERE account_id = $1 AND id = {card_id} LIMIT 1
) AS card ON true ORDER BY n, position",
        call = call_columns!(),
        card = card_columns!()
    )
}

fn load_page(connection: &mut PgConnection, group: PageGroup, page: PlannedPage) -> StoreResult<Option<CallPage>> {
    Ok(load_pages(connection, group, &[page])?.pop().flatten())
}

/// Loads pages by one statement. `None` where there is no such contact.
pub fn load_pages(
    connection: &mut PgConnection,
    group: PageGroup,
    pages: &[PlannedPage],
) -> StoreResult<Vec<Option<CallPage>>> {
    let numbers =
        |number: fn(&PlannedPage) -> i64| pages.iter().map(number).collect::<Vec<_>>().into_sql::<Array<BigInt>>();
    let values = (
        group.account.get().into_sql::<BigInt>(),
        numbers(|page| page.contact.map_or(0, ContactId::get)),
        pages.iter().map(PlannedPage::bound).collect::<Vec<_>>().into_sql::<Array<Timestamptz>>(),
        numbers(|page| page.scan.skip),
        numbers(|page| page.scan.take),
    );
    let rows: Vec<PageRow> = RawStatement::<PageSql, _>::new(page_sql(group), values).load(connection)?;
    let mut loaded: Vec<Option<CallPage>> = pages.iter().map(|_| None).collect();
    let mut contact = None;
    for (n, years, year_calls, contact_calls, card, call) in rows {
        let Some(page) = usize::try_from(n - 1).ok().and_then(|n| loaded.get_mut(n)) else { continue };
        let page =
            page.get_or_insert_with(|| CallPage { page: Page { items: Vec::new(), total: 0 }, years: Vec::new() });
        if let Some((years, calls)) = years.zip(year_calls) {
            page.years = years.into_iter().zip(calls.into_iter().map(i64::unsigned_abs)).collect();
        }
        let account_calls = || page.years.iter().map(|(_, calls)| calls).sum();
        page.page.total = contact_calls.map_or_else(account_calls, i64::unsigned_abs);
        let card = if group.is_of_contact {
            contact = card.or(contact);
            contact.clone()
        } else {
            card
        };
        if let Some((call, card)) = call.zip(card) {
            page.page.items.push(call.with(card)?);
        }
    }
    for (page, planned) in loaded.iter_mut().zip(pages) {
        if let Some(page) = page.as_mut().filter(|_| planned.scan.is_reversed) {
            page.page.items.reverse();
        }
    }
    Ok(loaded)
}
