//! Pages of calls in PostgreSQL.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Timestamptz};
use domain::{AccountId, CallOrder, ContactId, Direction, Page, PageRequest, Timestamp};
use ports::outbound::CallPage;
use ports::{Error, Result};
use storage::{Outcome, PageScan, Statement, index, is_counted};

use crate::rows::{CallRow, CallSql, CardRow, CardSql, call_columns, card_columns};
use crate::schema::{call_counts, contacts};
use crate::{Database, snapshot};

/// Offsets up to this are walked past; beyond it, a look at the counters first is cheaper.
const SHALLOW: i64 = 1_000;

/// What a statement answers is held in memory whole, and a call may take 400 KB: a page takes a place in the group for
/// each so many calls.
const CALLS: u32 = 10;

/// The page that is asked for.
pub async fn list(
    database: &Database,
    account: AccountId,
    of: Option<ContactId>,
    page: PageRequest<CallOrder>,
) -> Result<CallPage> {
    let wanted = Wanted { account, of, page };
    let found = if wanted.near().is_some() || wanted.is_counted() {
        database.readers.read_together(&database.pages, wanted, load_many).await?
    } else {
        // It may be a long way, and others would have to wait for it.
        database.read(move |connection| Ok(load_many(connection, &[wanted])?.pop().flatten())).await?
    };
    found.ok_or(Error::NotFound)
}

/// A page: whose, of one contact or not, and which.
#[derive(Clone, Copy)]
pub struct Wanted {
    account: AccountId,
    of: Option<ContactId>,
    page: PageRequest<CallOrder>,
}

impl Wanted {
    /// The way from the beginning, when it is short.
    fn near(&self) -> Option<PageScan> {
        let offset = self.page.offset().filter(|offset| *offset <= SHALLOW)?;
        let (_, direction) = index(self.page.order);
        Some(PageScan::from_the_beginning(direction, offset, self.page.size))
    }

    /// How many places of a group it takes.
    pub fn weight(&self) -> usize {
        (self.page.size.get() / CALLS).max(1) as usize
    }

    fn is_counted(&self) -> bool {
        is_counted(self.of, self.page.order)
    }

    /// The shortest way there is.
    fn far(&self, connection: &mut PgConnection, months: &Months) -> Outcome<PageScan> {
        let months = months.get(&self.account.get()).map_or(&[][..], Vec::as_slice);
        let total = match self.of {
            None => months.iter().map(|(_, calls)| calls).sum(),
            Some(contact) => contacts::table
                .find((self.account.get(), contact.get()))
                .select(contacts::calls)
                .get_result(connection)
                .optional()?
                .unwrap_or_default(),
        };
        let (_, direction) = index(self.page.order);
        let counted = if self.is_counted() { months } else { &[] };
        let shortest = |offset: i64| PageScan::shortest(direction, counted, total, offset, self.page.size);
        // Beyond the end no call is taken; the totals are told all the same.
        let nowhere = PageScan { take: 0, ..PageScan::from_the_beginning(direction, 0, self.page.size) };
        Ok(self.page.offset().and_then(shortest).unwrap_or(nowhere))
    }
}

/// The pages, in their order; none where there is no such contact.
pub fn load_many(connection: &mut PgConnection, wanted: &[Wanted]) -> Outcome<Vec<Option<CallPage>>> {
    let along = |walks: Vec<PageScan>| {
        wanted.iter().zip(walks).map(|(&wanted, walk)| PlannedPage { wanted, walk }).collect::<Vec<_>>()
    };
    if let Some(walks) = wanted.iter().map(Wanted::near).collect() {
        return load_along(connection, &along(walks));
    }
    snapshot(connection, |connection| {
        let months = months_of(connection, wanted.iter().map(|page| page.account))?;
        let walks = wanted.iter().map(|page| page.near().map_or_else(|| page.far(connection, &months), Ok));
        let walks = walks.collect::<Outcome<_>>()?;
        load_along(connection, &along(walks))
    })
}

/// The calls of each account in each month, the newest month first.
type Months = HashMap<i64, Vec<(i32, i64)>>;

fn months_of(connection: &mut PgConnection, accounts: impl Iterator<Item = AccountId>) -> Outcome<Months> {
    let rows: Vec<(i64, i32, i64)> = call_counts::table
        .filter(call_counts::account_id.eq_any(accounts.map(AccountId::get)))
        .group_by((call_counts::account_id, call_counts::month))
        .having(sql::<Bool>("sum(calls) <> 0"))
        .order(call_counts::month.desc())
        .select((call_counts::account_id, call_counts::month, sql::<BigInt>("sum(calls)::bigint")))
        .load(connection)?;
    let mut months = Months::new();
    for (account, month, calls) in rows {
        months.entry(account).or_default().push((month, calls));
    }
    Ok(months)
}

/// A page, and the walk to it along an index.
#[derive(Clone, Copy)]
struct PlannedPage {
    wanted: Wanted,
    walk: PageScan,
}

/// The column and the direction of the walk, and whether the calls are of one contact.
type Kind = (&'static str, Direction, bool);

impl PlannedPage {
    /// Pages of one kind are found by one text.
    fn kind(&self) -> Kind {
        (index(self.wanted.page.order).0, self.walk.direction, self.wanted.of.is_some())
    }

    /// Where the walk begins.
    fn edge(&self) -> DateTime<Utc> {
        self.walk.edge.map_or_else(
            || match self.walk.direction {
                Direction::Ascending => Timestamp::MIN.calendar(),
                Direction::Descending => Timestamp::MAX.calendar() + chrono::TimeDelta::seconds(1),
            },
            Timestamp::calendar,
        )
    }
}

/// The page's number among those wanted; in the page's first row years and their calls; the contact's calls, when all
/// calls are of one; the card of the call's contact, in the first row only when all are of one; and the call. Its place
/// in the page comes last and is not read.
type PageSql =
    (BigInt, Nullable<Array<Integer>>, Nullable<Array<BigInt>>, Nullable<BigInt>, Nullable<CardSql>, Nullable<CallSql>);
type PageRow = (i64, Option<Vec<i32>>, Option<Vec<i64>>, Option<i64>, Option<CardRow>, Option<CallRow>);

/// One statement for the items, the totals and the years, all of one moment. The page's first call is found by the index
/// alone, the calls from there on are read along it. Contacts are then looked up one by one, which LATERAL with LIMIT 1
/// asks for: a generic plan, which does not know the page's size, would join all of them.
/// Accounts, contacts, edges, skips, takes.
fn text((column, direction, is_of_contact): Kind) -> String {
    let (order, beyond, from) = match direction {
        Direction::Ascending => ("ASC", ">=", ">="),
        Direction::Descending => ("DESC", "<", "<="),
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
    format!(
        ", wanted AS (
  SELECT * FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS wanted (account, contact, edge, skip, take, n)
), year AS (
  SELECT account_id, month / 12 AS year, sum(calls)::bigint AS calls FROM call_counts
  WHERE account_id = ANY ($1) GROUP BY account_id, month / 12 HAVING sum(calls) <> 0
), years AS (
  SELECT account_id, array_agg(year ORDER BY year DESC) AS years, array_agg(calls ORDER BY year DESC) AS calls
  FROM year GROUP BY account_id
)
SELECT n, CASE WHEN place IS NULL OR place = 1 THEN years.years END,
  CASE WHEN place IS NULL OR place = 1 THEN years.calls END, {calls}, card.*, call.*
FROM wanted LEFT JOIN years ON years.account_id = wanted.account {all} LEFT JOIN LATERAL (
  SELECT id, {column} FROM calls WHERE account_id = wanted.account {own} AND {column} {beyond} wanted.edge
  ORDER BY {column} {order}, id {order} OFFSET wanted.skip LIMIT 1
) AS first ON true LEFT JOIN LATERAL (
  SELECT *, row_number() OVER (ORDER BY {column} {order}, id {order}) AS place FROM (
    SELECT {call} FROM calls
    WHERE account_id = wanted.account {own} AND ({column}, id) {from} (first.{column}, first.id)
    ORDER BY {column} {order}, id {order} LIMIT wanted.take
  ) AS walked
) AS call ON true LEFT JOIN LATERAL (
  SELECT {columns} FROM contacts WHERE account_id = wanted.account AND id = {card} LIMIT 1
) AS card ON true ORDER BY n, place",
        call = call_columns!(),
        columns = card_columns!()
    )
}

/// The pages at the ends of the ways.
fn load_along(connection: &mut PgConnection, ways: &[PlannedPage]) -> Outcome<Vec<Option<CallPage>>> {
    let mut pages: Vec<Option<CallPage>> = ways.iter().map(|_| None).collect();
    let mut rest: Vec<usize> = (0..ways.len()).collect();
    while let Some(&first) = rest.first() {
        let kind = ways[first].kind();
        let of_kind: Vec<usize> = rest.extract_if(.., |n| ways[*n].kind() == kind).collect();
        let found = load_kind(connection, &of_kind.iter().map(|n| ways[*n]).collect::<Vec<_>>())?;
        for (n, page) in of_kind.into_iter().zip(found) {
            pages[n] = page;
        }
    }
    Ok(pages)
}

/// Pages of one kind, by one statement.
fn load_kind(connection: &mut PgConnection, ways: &[PlannedPage]) -> Outcome<Vec<Option<CallPage>>> {
    let Some(first) = ways.first() else { return Ok(Vec::new()) };
    let numbers =
        |number: fn(&PlannedPage) -> i64| ways.iter().map(number).collect::<Vec<_>>().into_sql::<Array<BigInt>>();
    let values = (
        numbers(|way| way.wanted.account.get()),
        numbers(|way| way.wanted.of.map_or(0, ContactId::get)),
        ways.iter().map(PlannedPage::edge).collect::<Vec<_>>().into_sql::<Array<Timestamptz>>(),
        numbers(|way| way.walk.skip),
        numbers(|way| way.walk.take),
    );
    let rows: Vec<PageRow> = Statement::<PageSql, _>::new(text(first.kind()), values).load(connection)?;
    let mut pages: Vec<Option<CallPage>> = ways.iter().map(|_| None).collect();
    let mut known = None;
    for (n, years, calls, of_contact, card, call) in rows {
        let Some((page, way)) = usize::try_from(n - 1).ok().and_then(|n| Some((pages.get_mut(n)?, ways.get(n)?)))
        else {
            continue;
        };
        let page =
            page.get_or_insert_with(|| CallPage { page: Page { items: Vec::new(), total: 0 }, years: Vec::new() });
        if let Some((years, calls)) = years.zip(calls) {
            page.years = years.into_iter().zip(calls.into_iter().map(i64::unsigned_abs)).collect();
        }
        page.page.total = match way.wanted.of {
            Some(_) => of_contact.unwrap_or_default().unsigned_abs(),
            None => page.years.iter().map(|(_, calls)| calls).sum(),
        };
        let card = if way.wanted.of.is_some() {
            known = card.or(known);
            known.clone()
        } else {
            card
        };
        if let Some((call, card)) = call.zip(card) {
            page.page.items.push(call.with(card)?);
        }
    }
    for (page, way) in pages.iter_mut().zip(ways) {
        if let Some(page) = page.as_mut().filter(|_| way.walk.is_reversed) {
            page.page.items.reverse();
        }
    }
    Ok(pages)
}
