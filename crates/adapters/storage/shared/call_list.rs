//! Lists of calls by any query.
//!
//! A new filter is one more condition in [`matching`].

use std::collections::HashMap;

use diesel::prelude::*;
use domain::{AccountId, Call, CallQuery, CallSortKey, ContactSummary, Direction, Page};
use ports::Error;
use ports::outbound::CallPage;
use storage::rows::{CallRow, ContactSummaryRow};
use storage::schema::{calls, contacts};
use storage::{StoreResult, calls_per_year};

use crate::contacts::by_id;
use crate::counters::calls_per_month;
use crate::{Backend, DbConnection};

/// Returns the calls of the account that match the query, in no order.
fn matching(account: AccountId, query: &CallQuery) -> calls::BoxedQuery<'static, Backend> {
    let mut matching = calls::table.filter(calls::account_id.eq(account.get())).into_boxed();
    if let Some(contact) = query.contact {
        matching = matching.filter(calls::contact_id.eq(contact.get()));
    }
    matching
}

/// Returns the page of the query, within a transaction of one snapshot.
pub fn list(connection: &mut DbConnection, account: AccountId, query: &CallQuery) -> StoreResult<CallPage> {
    if let Some(contact) = query.contact {
        let id: Option<i64> = by_id(account, contact).select(contacts::id).get_result(connection).optional()?;
        id.ok_or(Error::NotFound)?;
    }
    let months = calls_per_month(connection, account)?;
    let total: i64 = if query.contact.is_none() {
        months.iter().map(|(_, calls)| calls).sum()
    } else {
        matching(account, query).count().get_result(connection)?
    };
    let items = match query.page.offset() {
        Some(offset) if offset < total => items(connection, account, query, offset)?,
        _ => Vec::new(),
    };
    Ok(CallPage { page: Page { items, total: total.unsigned_abs() }, calls_per_year: calls_per_year(months) })
}

fn items(connection: &mut DbConnection, account: AccountId, query: &CallQuery, offset: i64) -> StoreResult<Vec<Call>> {
    let matching = matching(account, query);
    let sorted = match (query.sort.key, query.sort.direction) {
        (CallSortKey::CalledAt, Direction::Ascending) => matching.order((calls::called_at.asc(), calls::id.asc())),
        (CallSortKey::CalledAt, Direction::Descending) => matching.order((calls::called_at.desc(), calls::id.desc())),
        (CallSortKey::CreatedAt, Direction::Ascending) => matching.order((calls::created_at.asc(), calls::id.asc())),
        (CallSortKey::CreatedAt, Direction::Descending) => matching.order((calls::created_at.desc(), calls::id.desc())),
        (CallSortKey::UpdatedAt, Direction::Ascending) => matching.order((calls::updated_at.asc(), calls::id.asc())),
        (CallSortKey::UpdatedAt, Direction::Descending) => matching.order((calls::updated_at.desc(), calls::id.desc())),
    };
    let page = sorted.limit(query.page.size.get().into()).offset(offset);
    let rows: Vec<CallRow> = page.select(CallRow::as_select()).load(connection)?;
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
