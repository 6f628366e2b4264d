//! Reading a whole account or store.

use std::ops::ControlFlow;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use domain::AccountId;
use ports::outbound::{BackupRecord, Visitor};
use storage::StoreResult;
use storage::columns::DbUuid;
use storage::rows::{CallRow, ContactRow};
use storage::schema::{calls, contacts};

use crate::accounts::{all_accounts, all_tokens, find_account};
use crate::contacts::with_fields;
use crate::{CALL_ACCOUNT_IS, DbConnection, highest_ids};

/// The number of rows that are read at once.
const ROWS: i64 = 1_000;

/// Visits every record of the account or of the whole store, within a transaction of one snapshot.
pub fn read(connection: &mut DbConnection, account: Option<AccountId>, visit: Visitor<'_>) -> StoreResult<()> {
    // The flow is Break when the visitor has ended the reading, which is no error.
    read_until_break(connection, account, visit).map(|_| ())
}

fn read_until_break(
    connection: &mut DbConnection,
    account: Option<AccountId>,
    visit: Visitor<'_>,
) -> StoreResult<ControlFlow<()>> {
    let accounts = match account {
        Some(account) => vec![find_account(connection, account)?],
        None => all_accounts(connection)?,
    };
    let ids: Vec<AccountId> = accounts.iter().map(|account| account.id).collect();
    if account.is_none() {
        let tokens = all_tokens(connection)?.into_iter().map(|(token, hash)| BackupRecord::Token(token, hash));
        if accounts.into_iter().map(BackupRecord::Account).chain(tokens).try_for_each(&mut *visit).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    for read_all in [read_contacts, read_calls] {
        for id in &ids {
            if read_all(connection, *id, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    if account.is_none() {
        return Ok(visit(BackupRecord::HighestIds(highest_ids(connection)?)));
    }
    Ok(ControlFlow::Continue(()))
}

fn read_contacts(
    connection: &mut DbConnection,
    account: AccountId,
    visit: Visitor<'_>,
) -> StoreResult<ControlFlow<()>> {
    let mut after = 0;
    loop {
        let rows: Vec<ContactRow> = contacts::table
            .filter(contacts::account_id.eq(account.get()).and(contacts::id.gt(after)))
            .order(contacts::id)
            .limit(ROWS)
            .select(ContactRow::as_select())
            .load(connection)?;
        let Some(last) = rows.last() else { return Ok(ControlFlow::Continue(())) };
        after = last.id();
        for contact in with_fields(connection, account, rows)? {
            if visit(BackupRecord::Contact(Box::new(contact))).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}

fn read_calls(connection: &mut DbConnection, account: AccountId, visit: Visitor<'_>) -> StoreResult<ControlFlow<()>> {
    let mut after = 0;
    loop {
        let is_contact = contacts::account_id.eq(calls::account_id).and(contacts::id.eq(calls::contact_id));
        let rows: Vec<(CallRow, DbUuid)> = calls::table
            .inner_join(contacts::table.on(is_contact))
            .filter(sql::<Bool>(CALL_ACCOUNT_IS).bind::<BigInt, _>(account.get()).and(calls::id.gt(after)))
            .order(calls::id)
            .limit(ROWS)
            .select((CallRow::as_select(), contacts::uuid))
            .load(connection)?;
        let Some((last, _)) = rows.last() else { return Ok(ControlFlow::Continue(())) };
        after = last.id;
        for (row, contact_uuid) in rows {
            if visit(BackupRecord::Call(Box::new(row.with_contact_uuid(account, contact_uuid)?))).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}
