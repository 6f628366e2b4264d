//! Pages of calls sorted by `called_at`.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable};
use domain::{AccountId, CallFilters, CallQuery, CallSortKey, ContactId, ContactSummary, Direction, Page};
use ports::outbound::CallPage;
use ports::{Error, Result};
use storage::columns::DbTimestamp;
use storage::rows::{CallRow, ContactSummaryRow};
use storage::schema::{Instant, contacts};
use storage::{PageScan, RawStatement, SqlTypes, StoreResult};

use crate::contacts::by_id;
use crate::counters::calls_per_month;
use crate::statements::{CALL_COLUMNS, CONTACT_COLUMNS};
use crate::{Database, DbConnection};

/// The largest offset that is scanned from the start of the list. Beyond it, reading the counters first is faster.
const MAX_OFFSET_FROM_START: i64 = 1_000;

/// The largest page that shares a statement. The result of a statement is held in memory, and a call can have 400 KB.
const MAX_BATCHED_SIZE: u32 = 20;

/// Whether [`list`] answers the query: all calls, or those of one contact, by `called_at` and page number.
pub fn can_list(query: &CallQuery) -> bool {
    query.sort.key == CallSortKey::CalledAt && query.filters == CallFilters::default() && query.page.number().is_some()
}

/// Returns a page. `NotFound` if the query names a contact that the account does not have.
pub async fn list(database: &Database, account: AccountId, query: CallQuery) -> Result<CallPage> {
    let direction = query.sort.direction;
    let group = PageGroup { account, direction, is_of_contact: query.contact.is_some() };
    let offset_from_start = query.page.offset().filter(|offset| *offset <= MAX_OFFSET_FROM_START);
    let page = if let Some(offset) = offset_from_start {
        let scan = PageScan::from_start(direction, offset, query.page.size);
        let page = PageToScan { contact: query.contact, scan };
        if query.page.size.get() <= MAX_BATCHED_SIZE {
            database.pages.run(group, page).await?
        } else {
            database.read(move |connection| load_page(connection, group, page)).await?
        }
    } else {
        let load = move |connection: &mut DbConnection| {
            let scan = plan(connection, account, &query)?;
            let group = PageGroup { direction: scan.direction, ..group };
            load_page(connection, group, PageToScan { contact: query.contact, scan })
        };
        database.read_snapshot(load).await?
    };
    page.ok_or(Error::NotFound)
}

/// Plans the scan of a page deep in the list.
fn plan(connection: &mut DbConnection, account: AccountId, query: &CallQuery) -> StoreResult<PageScan> {
    let (months, total) = match query.contact {
        None => {
            let months = calls_per_month(connection, account)?;
            let total = months.iter().map(|(_, calls)| calls).sum();
            (months, total)
        }
        Some(contact) => {
            let total = by_id(account, contact).select(contacts::calls).get_result(connection).optional()?;
            (Vec::new(), total.unwrap_or_default())
        }
    };
    let (direction, size) = (query.sort.direction, query.page.size);
    let scan = query.page.offset().and_then(|offset| PageScan::plan(direction, &months, total, offset, size));
    // Runs the statement for an empty page, too: it also returns the total.
    Ok(scan.unwrap_or(PageScan { take: 0, ..PageScan::from_start(direction, 0, size) }))
}

/// What the pages of a statement share: the account, the index and its direction, and whether they are of one contact
/// each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PageGroup {
    account: AccountId,
    direction: Direction,
    is_of_contact: bool,
}

/// A page, and the scan that reads it.
#[derive(Clone, Copy)]
pub struct PageToScan {
    contact: Option<ContactId>,
    scan: PageScan,
}

/// The columns of the statement for pages:
///
/// 1. the ordinal of the page
/// 2. the years in which the account has calls, and 3. their numbers, in the first row of a page
/// 4. the number of the contact's calls, if the pages are of one contact each
/// 5. the contact; if the pages are of one contact each, only in the first row of a page
/// 6. the call
///
/// The last column, the position of the call in the page, is not read.
type PageSql = (
    BigInt,
    Nullable<Array<Integer>>,
    Nullable<Array<BigInt>>,
    Nullable<BigInt>,
    Nullable<SqlTypes<ContactSummaryRow, Pg>>,
    Nullable<SqlTypes<CallRow, Pg>>,
);
type PageRow = (i64, Option<Vec<i32>>, Option<Vec<i64>>, Option<i64>, Option<ContactSummaryRow>, Option<CallRow>);

/// Returns the statement for pages: items, totals and statistics of one snapshot. The parameters are account, contacts,
/// bounds, skips and takes.
///
/// It finds the first call of a page by the index alone, reads the calls from there on along the index, and then looks
/// up contacts one by one. LATERAL with LIMIT 1 enforces that: a generic plan does not know the size of a page, and would
/// join all contacts.
fn page_sql(group: PageGroup) -> String {
    let (order, before, from, end) = match group.direction {
        Direction::Ascending => ("ASC", ">=", ">=", "-infinity"),
        Direction::Descending => ("DESC", "<", "<=", "infinity"),
    };
    let (of_contact, total, total_join, contact_id) = if group.is_of_contact {
        let join = "CROSS JOIN LATERAL (
  SELECT calls FROM contacts WHERE account_id = $1 AND id = request.contact LIMIT 1
) AS counted";
        ("AND contact_id = request.contact", "counted.calls", join, "request.contact AND coalesce(position, 1) = 1")
    } else {
        ("", "NULL::bigint", "", "call.contact_id")
    };
    format!(
        ", request AS (
  SELECT * FROM unnest($2, $3, $4, $5) WITH ORDINALITY AS request (contact, bound, skip, take, n)
), year AS (
  SELECT month / 12 AS year, sum(calls)::bigint AS calls FROM call_counts
  WHERE account_id = $1 GROUP BY month / 12 HAVING sum(calls) <> 0
), years AS (
  SELECT array_agg(year ORDER BY year DESC) AS years, array_agg(calls ORDER BY year DESC) AS calls FROM year
)
SELECT n, CASE WHEN coalesce(position, 1) = 1 THEN years.years END,
  CASE WHEN coalesce(position, 1) = 1 THEN years.calls END, {total}, contact.*, call.*
FROM request CROSS JOIN years {total_join} LEFT JOIN LATERAL (
  SELECT id, called_at FROM calls
  WHERE account_id = $1 {of_contact} AND called_at {before} coalesce(request.bound, '{end}')
  ORDER BY called_at {order}, id {order} OFFSET request.skip LIMIT 1
) AS first ON true LEFT JOIN LATERAL (
  SELECT *, row_number() OVER (ORDER BY called_at {order}, id {order}) AS position FROM (
    SELECT {calls} FROM calls
    WHERE account_id = $1 {of_contact} AND (called_at, id) {from} (first.called_at, first.id)
    ORDER BY called_at {order}, id {order} LIMIT request.take
  ) AS scanned
) AS call ON true LEFT JOIN LATERAL (
  SELECT {contacts} FROM contacts WHERE account_id = $1 AND id = {contact_id} LIMIT 1
) AS contact ON true ORDER BY n, position",
        calls = *CALL_COLUMNS,
        contacts = *CONTACT_COLUMNS,
    )
}

fn load_page(connection: &mut DbConnection, group: PageGroup, page: PageToScan) -> StoreResult<Option<CallPage>> {
    Ok(load_pages(connection, group, &[page])?.pop().flatten())
}

/// Loads the pages by one statement. `None` where there is no such contact.
pub fn load_pages(
    connection: &mut DbConnection,
    group: PageGroup,
    pages: &[PageToScan],
) -> StoreResult<Vec<Option<CallPage>>> {
    let numbers =
        |number: fn(&PageToScan) -> i64| pages.iter().map(number).collect::<Vec<_>>().into_sql::<Array<BigInt>>();
    let bounds: Vec<_> = pages.iter().map(|page| page.scan.bound.map(DbTimestamp)).collect();
    let values = (
        group.account.get().into_sql::<BigInt>(),
        numbers(|page| page.contact.map_or(0, ContactId::get)),
        bounds.into_sql::<Array<Nullable<Instant>>>(),
        numbers(|page| page.scan.skip),
        numbers(|page| page.scan.take),
    );
    let rows: Vec<PageRow> = RawStatement::<PageSql, _>::new(page_sql(group), values).load(connection)?;
    let mut loaded: Vec<Option<CallPage>> = pages.iter().map(|_| None).collect();
    let mut contact_of_page = None;
    for (n, years, year_calls, contact_calls, contact, call) in rows {
        let Some(page) = usize::try_from(n - 1).ok().and_then(|n| loaded.get_mut(n)) else { continue };
        let page = page.get_or_insert_with(|| CallPage { page: Page::new(vec![], 0), calls_per_year: vec![] });
        if let Some((years, calls)) = years.zip(year_calls) {
            page.calls_per_year = years.into_iter().zip(calls.into_iter().map(i64::unsigned_abs)).collect();
        }
        let account_calls = || page.calls_per_year.iter().map(|(_, calls)| calls).sum();
        page.page.total = contact_calls.map_or_else(account_calls, i64::unsigned_abs);
        let mut contact = contact.map(ContactSummary::try_from).transpose()?;
        if group.is_of_contact {
            contact_of_page = contact.take().or(contact_of_page);
            contact.clone_from(&contact_of_page);
        }
        if let Some((call, contact)) = call.zip(contact) {
            page.page.items.push(call.with_contact(contact)?);
        }
    }
    for (page, planned) in loaded.iter_mut().zip(pages) {
        if let Some(page) = page.as_mut().filter(|_| planned.scan.is_reversed) {
            page.page.items.reverse();
        }
    }
    Ok(loaded)
}
