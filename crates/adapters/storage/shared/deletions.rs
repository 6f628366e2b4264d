//! The repository of deletions.

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use domain::{AccountId, ContactId, Deletion, DeletionQuery, Direction, Page, Timestamp};
use ports::Result;
use ports::outbound::DeletionRepository;
use storage::columns::{DbTimestamp, DbUuid};
use storage::rows::{DeletedCallRow, DeletionRow, NewDeletionRow};
use storage::schema::{contacts, deletions};
use storage::{KeysetScan, StoreResult};

use crate::accounts::all_accounts;
use crate::contacts::by_id;
use crate::keyset::{is_beyond, order_by};
use crate::{Backend, Database, DbConnection};

/// The maximum number of rows of a statement.
const ROWS: usize = 1_000;

/// The columns by which deletions are sorted.
const SORT: [&str; 2] = ["deletions.deleted_at", "deletions.number"];

#[async_trait]
impl DeletionRepository for Database {
    async fn list(&self, account: AccountId, query: DeletionQuery) -> Result<Page<Deletion>> {
        self.read_snapshot(move |connection| list(connection, account, &query)).await
    }

    async fn forget(&self, before: Timestamp) -> Result<()> {
        self.write(move |connection| forget(connection, before)).await
    }
}

fn list(connection: &mut DbConnection, account: AccountId, query: &DeletionQuery) -> StoreResult<Page<Deletion>> {
    let since = || {
        let of_account = deletions::table.filter(deletions::account_id.eq(account.get()));
        of_account.filter(deletions::deleted_at.ge(DbTimestamp(query.since))).into_boxed::<Backend>()
    };
    let total: i64 = since().count().get_result(connection)?;
    let scan = KeysetScan::new(Direction::Ascending, query.cursor, query.size);
    let mut from_cursor = since();
    if let Some(place) = scan.beyond {
        from_cursor = from_cursor.filter(is_beyond(&SORT.join(", "), scan.direction, place));
    }
    let rows: Vec<DeletionRow> = from_cursor
        .order(sql::<Bool>(&order_by(SORT, scan.direction)))
        .limit(scan.take())
        .select(DeletionRow::as_select())
        .load(connection)?;
    let items = rows.into_iter().map(Deletion::try_from).collect::<StoreResult<_>>()?;
    let (items, has_more) = scan.page(items);
    Ok(Page { items, total: total.unsigned_abs(), has_more })
}

fn forget(connection: &mut DbConnection, before: Timestamp) -> StoreResult<()> {
    for account in all_accounts(connection)? {
        let expired = deletions::account_id.eq(account.id.get()).and(deletions::deleted_at.lt(DbTimestamp(before)));
        diesel::delete(deletions::table.filter(expired)).execute(connection)?;
    }
    Ok(())
}

/// Records deletions.
pub fn insert(connection: &mut DbConnection, deleted: &[NewDeletionRow]) -> StoreResult<()> {
    // Diesel prepares only an `INSERT` of one row for later executions.
    if let [row] = deleted {
        diesel::insert_into(deletions::table).values(row).execute(connection)?;
        return Ok(());
    }
    for rows in deleted.chunks(ROWS) {
        diesel::insert_into(deletions::table).values(rows).execute(connection)?;
    }
    Ok(())
}

/// Records the deletion of the locked contact and its calls, before they are deleted.
pub fn insert_of_contact(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
    calls: Vec<DeletedCallRow>,
    now: Timestamp,
) -> StoreResult<()> {
    let mut deleted: Vec<_> = calls.into_iter().map(|call| NewDeletionRow::of_call(account, call, now)).collect();
    let uuid: DbUuid = by_id(account, contact).select(contacts::uuid).get_result(connection)?;
    deleted.push(NewDeletionRow::of_contact(account, contact, uuid, now));
    insert(connection, &deleted)
}
