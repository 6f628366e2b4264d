//! Pages of calls in PostgreSQL.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Timestamptz};
use domain::{AccountId, CallOrder, ContactId, Direction, Moment, Page, PageRequest};
use ports::outbound::CallPage;
use ports::{Error, Result};
use storage::{Outcome, Statement, Walk, index, years};

use crate::rows::{CallRow, CallSql, CardRow, CardSql, call_columns, card_columns};
use crate::schema::{call_counts, contacts};
use crate::{Database, snapshot};

/// Offsets up to this are walked past in one statement; beyond it, a look at the counters first is cheaper.
const SHALLOW: i64 = 1_000;

/// The page that is asked for.
pub async fn list(
    database: &Database,
    account: AccountId,
    of: Option<ContactId>,
    page: PageRequest<CallOrder>,
) -> Result<CallPage> {
    let (column, direction) = index(page.order);
    match page.offset() {
        Some(offset) if offset <= SHALLOW => {
            let walk = Walk::from_the_beginning(direction, offset, page.size);
            let wanted = Wanted { account, of, column, walk, with_years: true };
            database.readers.read_together(&database.pages, wanted, load_many).await?.ok_or(Error::NotFound)
        }
        _ => {
            database
                .read(move |connection| snapshot(connection, |connection| deep(connection, account, of, page)))
                .await
        }
    }
}

/// A page far from the beginning.
fn deep(
    connection: &mut PgConnection,
    account: AccountId,
    of: Option<ContactId>,
    page: PageRequest<CallOrder>,
) -> Outcome<CallPage> {
    let (column, direction) = index(page.order);
    let months = months_of(connection, account)?;
    let total: i64 = match of {
        None => months.iter().map(|(_, calls)| calls).sum(),
        Some(contact) => {
            contacts::table.find((account.get(), contact.get())).select(contacts::calls).get_result(connection)?
        }
    };
    // The counters know the way along called_at, through all of the account's calls.
    let way = if of.is_none() && column == "called_at" { &months[..] } else { &[] };
    let walk = page.offset().and_then(|offset| Walk::shortest(direction, way, total, offset, page.size));
    let items = match walk {
        None => Vec::new(),
        Some(walk) => {
            let loaded =
                load_many(connection, &[Wanted { account, of, column, walk, with_years: false }])?.pop().flatten();
            loaded.ok_or(Error::NotFound)?.page.items
        }
    };
    Ok(CallPage { page: Page { items, total: total.unsigned_abs() }, years: years(months) })
}

/// The account's calls in each month, the newest month first.
fn months_of(connection: &mut PgConnection, account: AccountId) -> Outcome<Vec<(i32, i64)>> {
    Ok(call_counts::table
        .filter(call_counts::account_id.eq(account.get()))
        .group_by(call_counts::month)
        .having(sql::<Bool>("sum(calls) <> 0"))
        .order(call_counts::month.desc())
        .select((call_counts::month, sql::<BigInt>("sum(calls)::bigint")))
        .load(connection)?)
}

/// A page: whose, in which order, the way to it, and whether the years are told with it.
#[derive(Clone, Copy)]
pub struct Wanted {
    account: AccountId,
    of: Option<ContactId>,
    column: &'static str,
    walk: Walk,
    with_years: bool,
}

/// The column and the direction of the walk, whether the calls are of one contact, and whether the years are told.
type Kind = (&'static str, Direction, bool, bool);

impl Wanted {
    /// Pages of one kind are found by one text.
    fn kind(&self) -> Kind {
        (self.column, self.walk.direction, self.of.is_some(), self.with_years)
    }

    /// Where the walk begins.
    fn edge(&self) -> DateTime<Utc> {
        self.walk.edge.map_or_else(
            || match self.walk.direction {
                Direction::Ascending => Moment::MIN.calendar(),
                Direction::Descending => Moment::MAX.calendar() + chrono::TimeDelta::seconds(1),
            },
            Moment::calendar,
        )
    }
}

/// The page's number among those wanted; in the page's first row years and their calls; the contact's calls, when all
/// calls are of one; the card of the call's contact, in the first row only when all are of one; and the call.
type PageSql =
    (BigInt, Nullable<Array<Integer>>, Nullable<Array<BigInt>>, Nullable<BigInt>, Nullable<CardSql>, Nullable<CallSql>);
type PageRow = (i64, Option<Vec<i32>>, Option<Vec<i64>>, Option<i64>, Option<CardRow>, Option<CallRow>);

/// One statement for the items, the totals and the years, all of one moment. A page is found along the index first;
/// calls and contacts are then looked up one by one, which LATERAL with LIMIT 1 asks for: a generic plan, which does
/// not know the page's size, would join all of them.
/// Accounts, contacts, edges, skips, takes.
fn text((column, direction, is_of_contact, with_years): Kind) -> String {
    let (order, beyond) = match direction {
        Direction::Ascending => ("ASC", ">="),
        Direction::Descending => ("DESC", "<"),
    };
    // Cards are looked up for each call, or once for the page of one contact.
    let (own, calls, all, card) = if is_of_contact {
        let calls = "CROSS JOIN LATERAL (
  SELECT calls FROM contacts WHERE account_id = wanted.account AND id = wanted.contact LIMIT 1
) AS contact";
        ("AND contact_id = wanted.contact", "contact.calls", calls, "wanted.contact AND coalesce(place, 1) = 1")
    } else {
        ("", "NULL::bigint", "", "call.contact_id")
    };
    let (years, told, join) = if with_years {
        let years = ", year AS (
  SELECT account_id, month / 12 AS year, sum(calls)::bigint AS calls FROM call_counts
  WHERE account_id = ANY ($1) GROUP BY account_id, month / 12 HAVING sum(calls) <> 0
), years AS (
  SELECT account_id, array_agg(year ORDER BY year DESC) AS years, array_agg(calls ORDER BY year DESC) AS calls
  FROM year GROUP BY account_id
)";
        let told = "CASE WHEN place IS NULL OR place = 1 THEN years.years END,
  CASE WHEN place IS NULL OR place = 1 THEN years.calls END";
        (years, told, "LEFT JOIN years ON years.account_id = wanted.account")
    } else {
        ("", "NULL::integer[], NULL::bigint[]", "")
    };
    format!(
        ", wanted AS (
  SELECT * FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS wanted (account, contact, edge, skip, take, n)
){years}
SELECT n, {told}, {calls}, card.*, call.*
FROM wanted {join} {all} LEFT JOIN LATERAL (
  SELECT id, row_number() OVER (ORDER BY {column} {order}, id {order}) AS place FROM (
    SELECT id, {column} FROM calls WHERE account_id = wanted.account {own} AND {column} {beyond} wanted.edge
    ORDER BY {column} {order}, id {order} OFFSET wanted.skip LIMIT wanted.take
  ) AS walked
) AS placed ON true LEFT JOIN LATERAL (
  SELECT {call} FROM calls WHERE account_id = wanted.account AND id = placed.id LIMIT 1
) AS call ON true LEFT JOIN LATERAL (
  SELECT {columns} FROM contacts WHERE account_id = wanted.account AND id = {card} LIMIT 1
) AS card ON true ORDER BY n, place",
        call = call_columns!(),
        columns = card_columns!()
    )
}

/// The pages, in their order; none where there is no such contact.
pub fn load_many(connection: &mut PgConnection, wanted: &[Wanted]) -> Outcome<Vec<Option<CallPage>>> {
    let mut pages: Vec<Option<CallPage>> = wanted.iter().map(|_| None).collect();
    let mut rest: Vec<usize> = (0..wanted.len()).collect();
    while let Some(&first) = rest.first() {
        let kind = wanted[first].kind();
        let of_kind: Vec<usize> = rest.extract_if(.., |n| wanted[*n].kind() == kind).collect();
        let found = load_kind(connection, &of_kind.iter().map(|n| wanted[*n]).collect::<Vec<_>>())?;
        for (n, page) in of_kind.into_iter().zip(found) {
            pages[n] = page;
        }
    }
    Ok(pages)
}

/// Pages of one kind, by one statement.
fn load_kind(connection: &mut PgConnection, wanted: &[Wanted]) -> Outcome<Vec<Option<CallPage>>> {
    let Some(first) = wanted.first() else { return Ok(Vec::new()) };
    let numbers =
        |number: fn(&Wanted) -> i64| wanted.iter().map(number).collect::<Vec<_>>().into_sql::<Array<BigInt>>();
    let values = (
        numbers(|page| page.account.get()),
        numbers(|page| page.of.map_or(0, ContactId::get)),
        wanted.iter().map(Wanted::edge).collect::<Vec<_>>().into_sql::<Array<Timestamptz>>(),
        numbers(|page| page.walk.skip),
        numbers(|page| page.walk.take),
    );
    let rows: Vec<PageRow> = Statement::<PageSql, _>::new(text(first.kind()), values).load(connection)?;
    let mut pages: Vec<Option<CallPage>> = wanted.iter().map(|_| None).collect();
    let mut known = None;
    for (n, years, calls, of_contact, card, call) in rows {
        let Some((page, wanted)) = usize::try_from(n - 1).ok().and_then(|n| Some((pages.get_mut(n)?, wanted.get(n)?)))
        else {
            continue;
        };
        let page =
            page.get_or_insert_with(|| CallPage { page: Page { items: Vec::new(), total: 0 }, years: Vec::new() });
        if let Some((years, calls)) = years.zip(calls) {
            page.years = years.into_iter().zip(calls.into_iter().map(i64::unsigned_abs)).collect();
        }
        page.page.total = match wanted.of {
            Some(_) => of_contact.unwrap_or_default().unsigned_abs(),
            None => page.years.iter().map(|(_, calls)| calls).sum(),
        };
        let card = if wanted.of.is_some() {
            known = card.or(known);
            known.clone()
        } else {
            card
        };
        if let Some((call, card)) = call.zip(card) {
            page.page.items.push(call.with(card)?);
        }
    }
    for (page, wanted) in pages.iter_mut().zip(wanted) {
        if let Some(page) = page.as_mut().filter(|_| wanted.walk.is_reversed) {
            page.page.items.reverse();
        }
    }
    Ok(pages)
}
