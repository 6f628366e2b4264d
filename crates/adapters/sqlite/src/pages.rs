//! Reads of calls that are prepared statements: one call, and a page of calls sorted by `called_at`.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;
use domain::{
    AccountId, Call, CallFilters, CallId, CallQuery, CallSortKey, ContactSummary, Direction, Page, Timestamp,
};
use ports::Error;
use ports::outbound::CallPage;
use storage::rows::{CallRow, ContactSummaryRow, ContactWithLastCalled, ContactWithLastCalledRow};
use storage::schema::{calls, contacts};
use storage::{ByText, PageScan, RawStatement, SqlTypes, StoreResult, calls_per_year, column_list};

use crate::DbConnection;
use crate::contacts::by_id;
use crate::counters::calls_per_month;

static CALL_COLUMNS: LazyLock<String> =
    LazyLock::new(|| column_list::<Sqlite, _>(&calls::table.select(CallRow::as_select())));

static CONTACT_COLUMNS: LazyLock<String> =
    LazyLock::new(|| column_list::<Sqlite, _>(&contacts::table.select(ContactSummaryRow::as_select())));

static CONTACT_WITH_LAST_CALLED_COLUMNS: LazyLock<String> =
    LazyLock::new(|| column_list::<Sqlite, _>(&contacts::table.select(ContactWithLastCalledRow::as_select())));

/// Reads a call, for requests and for writes of it. The parameters are account and call.
static FIND: LazyLock<String> = LazyLock::new(|| {
    format!(
        ", call AS (SELECT {} FROM calls WHERE id = ?2 AND account_id = ?1), contact AS (SELECT {} FROM contacts)
SELECT call.*, contact.* FROM call CROSS JOIN contact ON contact.id = call.contact_id",
        *CALL_COLUMNS, *CONTACT_WITH_LAST_CALLED_COLUMNS
    )
});

/// The key of the prepared statement [`FIND`].
#[derive(QueryId)]
struct Find;

/// Returns the call. `NotFound` if the account has none with this id.
pub fn find(connection: &mut DbConnection, account: AccountId, call: CallId) -> StoreResult<Call> {
    let (call, contact) = find_rows(connection, account, call)?.ok_or(Error::NotFound)?;
    call.with_contact(ContactWithLastCalled::try_from(contact)?.summary)
}

/// Returns the rows of the call and of its contact. `None` if the account has no such call.
pub fn find_rows(
    connection: &mut DbConnection,
    account: AccountId,
    call: CallId,
) -> StoreResult<Option<(CallRow, ContactWithLastCalledRow)>> {
    let values = (account.get().into_sql::<BigInt>(), call.get().into_sql::<BigInt>());
    let statement =
        RawStatement::<(SqlTypes<CallRow, Sqlite>, SqlTypes<ContactWithLastCalledRow, Sqlite>), _, Find>::new(
            FIND.as_str(),
            values,
        );
    Ok(statement.get_result(connection).optional()?)
}

/// Whether [`list`] answers the query: all calls, or those of one contact, by `called_at` and page number.
pub fn can_list(query: &CallQuery) -> bool {
    query.sort.key == CallSortKey::CalledAt && query.filters == CallFilters::default() && query.page.number().is_some()
}

/// The page can be read in less time than a thread takes to wake up.
pub fn is_short(query: &CallQuery) -> bool {
    const ITEMS: u32 = 25;
    const OFFSET: i64 = 250;
    query.page.size.get() <= ITEMS && query.page.offset().is_some_and(|offset| offset <= OFFSET)
}

/// Returns a page of the calls sorted by `called_at`, within a transaction.
///
/// The counters give the total and the statistics, and lead to the month in which a page of all calls begins.
pub fn list(connection: &mut DbConnection, account: AccountId, query: &CallQuery) -> StoreResult<CallPage> {
    let months = calls_per_month(connection, account)?;
    let (total, contact) = match query.contact {
        None => (months.iter().map(|(_, calls)| calls).sum(), None),
        Some(contact) => {
            let row = by_id(account, contact).select((contacts::calls, ContactSummaryRow::as_select()));
            let (calls, contact) =
                row.get_result::<(i64, ContactSummaryRow)>(connection).optional()?.ok_or(Error::NotFound)?;
            (calls, Some(contact))
        }
    };
    let counted = if contact.is_none() { &months[..] } else { &[] };
    let scan = query
        .page
        .offset()
        .and_then(|offset| PageScan::plan(query.sort.direction, counted, total, offset, query.page.size));
    let items = scan.map(|scan| load(connection, account, contact, scan)).transpose()?.unwrap_or_default();
    Ok(CallPage { page: Page::new(items, total.unsigned_abs()), calls_per_year: calls_per_year(months) })
}

/// Returns the statement for a page of all calls or of one contact's. The parameters are account, bound, skip and
/// contact.
///
/// The index finds the ids of the page. Calls and contacts are then looked up by id. LIMIT is a literal, because SQLite
/// plans a statement with a bound LIMIT again for each execution.
fn page_sql(scan: PageScan, is_of_contact: bool) -> String {
    let (order, comparison) = match scan.direction {
        Direction::Ascending => ("ASC", ">="),
        Direction::Descending => ("DESC", "<"),
    };
    let (of_contact, contact, contact_join) = if is_of_contact {
        ("AND contact_id = ?4", "", String::new())
    } else {
        let columns = CONTACT_COLUMNS.as_str();
        let join = format!("CROSS JOIN (SELECT {columns} FROM contacts) AS contact ON contact.id = call.contact_id");
        ("", ", contact.*", join)
    };
    format!(
        ", page AS (
  SELECT id, called_at FROM calls WHERE account_id = ?1 {of_contact} AND called_at {comparison} ?2
  ORDER BY called_at {order}, id {order} LIMIT {take} OFFSET ?3
)
SELECT call.*{contact} FROM page
CROSS JOIN (SELECT {call} FROM calls) AS call ON call.id = page.id {contact_join}
ORDER BY page.called_at {order}, page.id {order}",
        take = scan.take,
        call = *CALL_COLUMNS,
    )
}

fn load(
    connection: &mut DbConnection,
    account: AccountId,
    contact: Option<ContactSummaryRow>,
    scan: PageScan,
) -> StoreResult<Vec<Call>> {
    let end = match scan.direction {
        Direction::Ascending => i64::MIN,
        Direction::Descending => i64::MAX,
    };
    let contact = contact.map(ContactSummary::try_from).transpose()?;
    let sql = page_sql(scan, contact.is_some());
    let values = (
        account.get().into_sql::<BigInt>(),
        scan.bound.map_or(end, Timestamp::unix).into_sql::<BigInt>(),
        scan.skip.into_sql::<BigInt>(),
        contact.as_ref().map_or(0, |contact| contact.id.get()).into_sql::<BigInt>(),
    );
    let mut items: Vec<Call> = if let Some(contact) = contact {
        let rows: Vec<CallRow> =
            RawStatement::<SqlTypes<CallRow, Sqlite>, _, ByText>::new(sql, values).load(connection)?;
        rows.into_iter().map(|row| row.with_contact(contact.clone())).collect::<StoreResult<_>>()?
    } else {
        type Types = (SqlTypes<CallRow, Sqlite>, SqlTypes<ContactSummaryRow, Sqlite>);
        let rows: Vec<(CallRow, ContactSummaryRow)> =
            RawStatement::<Types, _, ByText>::new(sql, values).load(connection)?;
        let with_contact = |(row, contact): (CallRow, ContactSummaryRow)| row.with_contact(contact.try_into()?);
        rows.into_iter().map(with_contact).collect::<StoreResult<_>>()?
    };
    if scan.is_reversed {
        items.reverse();
    }
    Ok(items)
}
