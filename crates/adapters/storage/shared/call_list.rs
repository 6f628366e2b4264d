//! Lists of calls by any query.
//!
//! A new filter is one more condition in [`ListedCalls::matching`].

use std::collections::HashMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use domain::{
    AccountId, Call, CallFilters, CallId, CallQuery, CallSearch, CallSortKey, ContactId, ContactSummary, Direction,
    ItemKey, Page, PageStart,
};
use ports::Error;
use ports::outbound::CallPage;
use storage::columns::DbTimestamp;
use storage::rows::{CallRow, ContactSummaryRow};
use storage::schema::{Instant, calls, contacts};
use storage::{KeysetScan, StoreResult, calls_per_year, is_deep, page_of_sorted};

use crate::call_words::has_words;
use crate::contacts::by_id;
use crate::counters::calls_per_month;
use crate::keyset::{is_beyond, order_by};
use crate::phone_numbers::keys_of_calls;
use crate::{Backend, CALL_ACCOUNT_IS, DbConnection};

/// The maximal number of calls that are sorted here. Above it, the database sorts them.
const MAX_SORTED: u32 = 1_000;

/// A condition on calls.
pub type Condition = Box<dyn BoxableExpression<calls::table, Backend, SqlType = Bool>>;

type Matching = calls::BoxedQuery<'static, Backend>;

/// The calls that a query lists.
struct ListedCalls<'a> {
    account: AccountId,
    query: &'a CallQuery,
    /// The keys of the phone number that the query names.
    phone_keys: Option<Vec<String>>,
}

impl<'a> ListedCalls<'a> {
    fn new(connection: &mut DbConnection, account: AccountId, query: &'a CallQuery) -> StoreResult<Self> {
        let phone = query.filters.phone_number.as_ref();
        let phone_keys = phone.map(|search| keys_of_calls(connection, account, search)).transpose()?;
        Ok(Self { account, query, phone_keys })
    }

    /// Returns the calls in no order.
    fn matching(&self) -> Matching {
        let Self { account, query, phone_keys } = self;
        let CallFilters {
            search,
            contacts,
            called_after,
            called_before,
            updated_since,
            contact_called,
            answered,
            phone_number: _,
            external_id,
        } = &query.filters;
        let mut matching = match search {
            // The calls are found by their words: the databases must not use an index that begins with the account.
            CallSearch::Words(words) => {
                let of_account = sql::<Bool>(CALL_ACCOUNT_IS).bind::<BigInt, _>(account.get());
                calls::table.filter(has_words(*account, words)).filter(of_account).into_boxed()
            }
            CallSearch::All => calls::table.filter(calls::account_id.eq(account.get())).into_boxed(),
            CallSearch::Nothing => {
                calls::table.filter(calls::account_id.eq(account.get()).and(calls::id.lt(0))).into_boxed()
            }
        };
        if let Some(contact) = query.contact {
            matching = matching.filter(calls::contact_id.eq(contact.get()));
        }
        if let Some(contacts) = contacts {
            let ids: Vec<i64> = contacts.iter().copied().map(ContactId::get).collect();
            matching = matching.filter(calls::contact_id.eq_any(ids));
        }
        if let Some(time) = called_after {
            matching = matching.filter(calls::called_at.ge(DbTimestamp(*time)));
        }
        if let Some(time) = called_before {
            matching = matching.filter(calls::called_at.lt(DbTimestamp(*time)));
        }
        if let Some(time) = updated_since {
            matching = matching.filter(calls::updated_at.ge(DbTimestamp(*time)));
        }
        if let Some(contact_called) = contact_called {
            matching = matching.filter(calls::contact_called.eq(*contact_called));
        }
        if let Some(answered) = answered {
            matching = matching.filter(calls::answered.eq(*answered));
        }
        if let Some(keys) = phone_keys {
            matching = matching.filter(calls::phone_key.eq_any(keys.clone()));
        }
        if let Some(external_id) = external_id {
            matching = matching.filter(calls::external_id.eq(external_id.to_string()));
        }
        matching
    }

    /// Returns the calls, or those beyond a place, sorted in this direction.
    fn sorted(&self, direction: Direction, beyond: Option<ItemKey>) -> Matching {
        let columns = sort_columns(self.query.sort.key);
        let mut matching = self.matching();
        if let Some(place) = beyond {
            matching = matching.filter(is_beyond(&columns.join(", "), direction, place));
        }
        matching.order(sql::<Bool>(&order_by(columns, direction)))
    }

    /// Loads a page of the list, which has `total` calls, and tells whether there are more in the direction of its cursor.
    fn load_page(&self, connection: &mut DbConnection, total: i64) -> StoreResult<(Vec<CallRow>, bool)> {
        let CallQuery { sort, page, .. } = self.query;
        match page.start {
            PageStart::Number(_) => {
                let Some(offset) = page.offset().filter(|offset| *offset < total) else {
                    return Ok((Vec::new(), false));
                };
                let sorted = self.sorted(sort.direction, None).limit(page.size.get().into()).offset(offset);
                Ok((sorted.select(CallRow::as_select()).load(connection)?, false))
            }
            PageStart::Cursor(cursor) => {
                let scan = KeysetScan::new(sort.direction, cursor, page.size);
                let sorted = self.sorted(scan.direction, scan.beyond).limit(scan.take());
                Ok(scan.page(sorted.select(CallRow::as_select()).load(connection)?))
            }
        }
    }
}

/// Returns the page of the query, within a transaction of one snapshot.
pub fn list(connection: &mut DbConnection, account: AccountId, query: &CallQuery) -> StoreResult<CallPage> {
    let of_contact = query.contact.map(|contact| calls_of_contact(connection, account, contact)).transpose()?;
    let months = calls_per_month(connection, account)?;
    let listed = ListedCalls::new(connection, account, query)?;
    let page = if query.filters == CallFilters::default() {
        let total = of_contact.unwrap_or_else(|| months.iter().map(|(_, calls)| calls).sum());
        let (rows, has_more) = listed.load_page(connection, total)?;
        Page { items: with_contacts(connection, account, rows)?, total: total.unsigned_abs(), has_more }
    } else {
        filtered(connection, &listed)?
    };
    Ok(CallPage { page, calls_per_year: calls_per_year(months) })
}

/// Whether the query can take long.
pub fn is_slow(query: &CallQuery) -> bool {
    let CallFilters { external_id, .. } = &query.filters;
    let is_filtered = query.filters != CallFilters::default() && external_id.is_none();
    is_filtered || is_deep(&query.page)
}

/// Returns the number of the contact's calls. `NotFound` if the account has no such contact.
fn calls_of_contact(connection: &mut DbConnection, account: AccountId, contact: ContactId) -> StoreResult<i64> {
    let calls = by_id(account, contact).select(contacts::calls).get_result(connection).optional()?;
    Ok(calls.ok_or(Error::NotFound)?)
}

/// Returns a page of a filtered list.
///
/// Most filters find few calls. Those are found by the index of the filter, and sorted here: a database that sorts them
/// can choose to read all calls in their order instead, until it has found enough.
fn filtered(connection: &mut DbConnection, listed: &ListedCalls<'_>) -> StoreResult<Page<Call>> {
    let ListedCalls { account, query, .. } = *listed;
    let found = listed.matching().limit(i64::from(MAX_SORTED) + 1);
    let mut found = keys(connection, found, query.sort.key)?;
    if found.len() > MAX_SORTED as usize {
        let total: i64 = listed.matching().count().get_result(connection)?;
        let (rows, has_more) = listed.load_page(connection, total)?;
        return Ok(Page { items: with_contacts(connection, account, rows)?, total: total.unsigned_abs(), has_more });
    }
    found.sort_unstable_by_key(|key| (key.value, key.id));
    if query.sort.direction == Direction::Descending {
        found.reverse();
    }
    let (page, has_more) = page_of_sorted(&found, query.sort.direction, &query.page);
    let ids: Vec<i64> = page.iter().map(|key| key.id).collect();
    Ok(Page { items: load_calls(connection, account, &ids)?, total: found.len() as u64, has_more })
}

/// Returns the places of the first calls that match the query, after a place or from the start on.
pub fn first_keys(
    connection: &mut DbConnection,
    account: AccountId,
    query: &CallQuery,
    after: Option<ItemKey>,
    limit: u32,
) -> StoreResult<Vec<ItemKey>> {
    query.contact.map(|contact| calls_of_contact(connection, account, contact)).transpose()?;
    let sorted = ListedCalls::new(connection, account, query)?.sorted(query.sort.direction, after);
    keys(connection, sorted.limit(limit.into()), query.sort.key)
}

/// The columns by which calls are sorted.
fn sort_columns(key: CallSortKey) -> [&'static str; 2] {
    let value = match key {
        CallSortKey::CalledAt => "calls.called_at",
        CallSortKey::CreatedAt => "calls.created_at",
        CallSortKey::UpdatedAt => "calls.updated_at",
    };
    [value, "calls.id"]
}

fn keys(connection: &mut DbConnection, matching: Matching, key: CallSortKey) -> StoreResult<Vec<ItemKey>> {
    let [value, id] = sort_columns(key);
    let columns = sql::<(Instant, BigInt)>(&format!("{value}, {id}"));
    let rows: Vec<(DbTimestamp, i64)> = matching.select(columns).load(connection)?;
    Ok(rows.into_iter().map(|(value, id)| ItemKey { value: value.0, id }).collect())
}

/// Returns those of the calls that the account has, in the given order.
pub fn find_many(connection: &mut DbConnection, account: AccountId, calls: &[CallId]) -> StoreResult<Vec<Call>> {
    load_calls(connection, account, &calls.iter().map(|call| call.get()).collect::<Vec<_>>())
}

fn load_calls(connection: &mut DbConnection, account: AccountId, ids: &[i64]) -> StoreResult<Vec<Call>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let of_account = sql::<Bool>(CALL_ACCOUNT_IS).bind::<BigInt, _>(account.get());
    let rows: Vec<CallRow> =
        calls::table.filter(calls::id.eq_any(ids)).filter(of_account).select(CallRow::as_select()).load(connection)?;
    let mut rows: HashMap<i64, CallRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    let rows = ids.iter().filter_map(|id| rows.remove(id)).collect();
    with_contacts(connection, account, rows)
}

fn with_contacts(connection: &mut DbConnection, account: AccountId, rows: Vec<CallRow>) -> StoreResult<Vec<Call>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.call.contact_id).collect();
    let contacts: Vec<ContactSummaryRow> = contacts::table
        .filter(contacts::account_id.eq(account.get()).and(contacts::id.eq_any(ids)))
        .select(ContactSummaryRow::as_select())
        .load(connection)?;
    let contacts = contacts.into_iter().map(|row| {
        let contact = ContactSummary::try_from(row)?;
        Ok((contact.id.get(), contact))
    });
    let contacts = contacts.collect::<StoreResult<HashMap<i64, ContactSummary>>>()?;
    let with_contact = |row: CallRow| {
        let contact = contacts.get(&row.call.contact_id).cloned();
        row.with_contact(contact.ok_or_else(|| Error::internal("a call has no contact"))?)
    };
    rows.into_iter().map(with_contact).collect()
}
