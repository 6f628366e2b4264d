//! Calls in SQLite.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use domain::{
    AccountId, Call, CallChange, CallId, CallOrder, ContactId, Direction, Moment, NewCall, Page, PageRequest, Uuid,
};
use ports::outbound::{CallPage, CallRepository};
use ports::{Error, Result};
use storage::{Outcome, years};

use crate::rows::{CallPart, CallRow, CardRow, NewCallRow, moment};
use crate::schema::{call_counts, calls, contacts};
use crate::{Database, contacts::find_card};

#[async_trait]
impl CallRepository for Database {
    async fn list(&self, account: AccountId, of: Option<ContactId>, page: PageRequest<CallOrder>) -> Result<CallPage> {
        // One transaction: total, years and items are of the same moment.
        self.read(move |connection| connection.transaction(|connection| list(connection, account, of, page))).await
    }

    async fn find(&self, account: AccountId, call: CallId) -> Result<Call> {
        self.read(move |connection| find(connection, account, call)).await
    }

    async fn create(&self, account: AccountId, call: NewCall, uuid: Uuid, now: Moment) -> Result<Call> {
        self.write(move |connection| create(connection, account, call, uuid, now)).await
    }

    async fn update(&self, account: AccountId, call: CallId, change: CallChange, now: Moment) -> Result<Call> {
        self.write(move |connection| update(connection, account, call, change, now)).await
    }

    async fn delete(&self, account: AccountId, call: CallId) -> Result<()> {
        self.write(move |connection| delete(connection, account, call)).await
    }
}

fn list(
    connection: &mut SqliteConnection,
    account: AccountId,
    of: Option<ContactId>,
    page: PageRequest<CallOrder>,
) -> Outcome<CallPage> {
    let months: Vec<(i32, i64)> = call_counts::table
        .filter(call_counts::account_id.eq(account.get()))
        .filter(call_counts::calls.ne(0))
        .order(call_counts::month.desc())
        .select((call_counts::month, call_counts::calls))
        .load(connection)?;
    let years = years(months);
    let total = match of {
        None => years.iter().map(|(_, calls)| calls).sum(),
        Some(contact) => contacts::table
            .filter(contacts::account_id.eq(account.get()).and(contacts::id.eq(contact.get())))
            .select(contacts::calls)
            .get_result::<i64>(connection)?
            .unsigned_abs(),
    };
    let items = match page.offset().filter(|offset| offset.unsigned_abs() < total) {
        None => Vec::new(),
        Some(offset) => load_page(connection, account, of, page, offset)?,
    };
    Ok(CallPage { page: Page { items, total }, years })
}

fn load_page(
    connection: &mut SqliteConnection,
    account: AccountId,
    of: Option<ContactId>,
    page: PageRequest<CallOrder>,
    offset: i64,
) -> Outcome<Vec<Call>> {
    let mut query = calls::table
        .inner_join(contacts::table.on(contacts::id.eq(calls::contact_id)))
        .filter(calls::account_id.eq(account.get()))
        .select((CallRow::as_select(), CardRow::as_select()))
        .into_boxed::<Sqlite>();
    if let Some(contact) = of {
        query = query.filter(calls::contact_id.eq(contact.get()));
    }
    query = match page.order {
        CallOrder::CalledAt(Direction::Ascending) => query.order((calls::called_at.asc(), calls::id.asc())),
        CallOrder::CalledAt(Direction::Descending) => query.order((calls::called_at.desc(), calls::id.desc())),
        CallOrder::CreatedAt(Direction::Ascending) => query.order((calls::created_at.asc(), calls::id.asc())),
        CallOrder::CreatedAt(Direction::Descending) => query.order((calls::created_at.desc(), calls::id.desc())),
        CallOrder::UpdatedAt(Direction::Ascending) => query.order((calls::updated_at.asc(), calls::id.asc())),
        CallOrder::UpdatedAt(Direction::Descending) => query.order((calls::updated_at.desc(), calls::id.desc())),
    };
    let rows: Vec<(CallRow, CardRow)> = query.limit(page.size.get().into()).offset(offset).load(connection)?;
    rows.into_iter().map(|(call, contact)| call.with(contact)).collect()
}

fn find(connection: &mut SqliteConnection, account: AccountId, call: CallId) -> Outcome<Call> {
    let (call, contact): (CallRow, CardRow) = calls::table
        .inner_join(contacts::table.on(contacts::id.eq(calls::contact_id)))
        .filter(calls::account_id.eq(account.get()).and(calls::id.eq(call.get())))
        .select((CallRow::as_select(), CardRow::as_select()))
        .get_result(connection)?;
    call.with(contact)
}

fn create(
    connection: &mut SqliteConnection,
    account: AccountId,
    call: NewCall,
    uuid: Uuid,
    now: Moment,
) -> Outcome<Call> {
    let contact = find_active_card(connection, account, call.contact)?;
    count(connection, account, call.contact, call.called_at, 1)?;
    diesel::update(contacts::table.find(call.contact.get()))
        .filter(contacts::last_called.is_null().or(contacts::last_called.lt(call.called_at.unix())))
        .set(contacts::last_called.eq(call.called_at.unix()))
        .execute(connection)?;
    let row = NewCallRow {
        account_id: account.get(),
        uuid: uuid.as_bytes().to_vec(),
        part: call.into(),
        created_at: now.unix(),
        updated_at: now.unix(),
    };
    let call: CallRow =
        diesel::insert_into(calls::table).values(row).returning(CallRow::as_returning()).get_result(connection)?;
    call.with(contact)
}

fn update(
    connection: &mut SqliteConnection,
    account: AccountId,
    call: CallId,
    change: CallChange,
    now: Moment,
) -> Outcome<Call> {
    let stored_part: CallPart = stored_part(connection, account, call)?;
    let stored = NewCall::try_from(stored_part.clone())?;
    find_active_card(connection, account, stored.contact)?;
    let (old_contact, old_called_at) = (stored.contact, stored.called_at);
    let changed = change.apply(stored);
    let (new_contact, new_called_at) = (changed.contact, changed.called_at);
    if new_contact != old_contact {
        find_active_card(connection, account, new_contact)?;
    }
    let part = CallPart::from(changed);
    if part != stored_part {
        diesel::update(calls::table.find(call.get()))
            .set((part, calls::updated_at.eq(now.unix())))
            .execute(connection)?;
        if (new_contact, new_called_at) != (old_contact, old_called_at) {
            count(connection, account, old_contact, old_called_at, -1)?;
            count(connection, account, new_contact, new_called_at, 1)?;
            refresh_last_called(connection, account, old_contact)?;
            refresh_last_called(connection, account, new_contact)?;
        }
    }
    find(connection, account, call)
}

fn delete(connection: &mut SqliteConnection, account: AccountId, call: CallId) -> Outcome<()> {
    let stored = NewCall::try_from(stored_part(connection, account, call)?)?;
    find_active_card(connection, account, stored.contact)?;
    diesel::delete(calls::table.find(call.get())).execute(connection)?;
    count(connection, account, stored.contact, stored.called_at, -1)?;
    refresh_last_called(connection, account, stored.contact)
}

fn stored_part(connection: &mut SqliteConnection, account: AccountId, call: CallId) -> Outcome<CallPart> {
    let query = calls::table.filter(calls::account_id.eq(account.get()).and(calls::id.eq(call.get())));
    Ok(query.select(CallPart::as_select()).get_result(connection)?)
}

fn find_active_card(connection: &mut SqliteConnection, account: AccountId, contact: ContactId) -> Outcome<CardRow> {
    let card = find_card(connection, account, contact)?;
    if card.profile.is_active() { Ok(card) } else { Err(Error::Archived.into()) }
}

/// Adds to the counters of the contact and of the account's month.
fn count(
    connection: &mut SqliteConnection,
    account: AccountId,
    contact: ContactId,
    called_at: Moment,
    calls: i64,
) -> Outcome<()> {
    diesel::update(contacts::table.find(contact.get()))
        .set(contacts::calls.eq(contacts::calls + calls))
        .execute(connection)?;
    count_month(connection, account, called_at.month_number(), calls)
}

/// Adds to the counter of the account's month.
pub fn count_month(connection: &mut SqliteConnection, account: AccountId, month: i32, calls: i64) -> Outcome<()> {
    diesel::insert_into(call_counts::table)
        .values((call_counts::account_id.eq(account.get()), call_counts::month.eq(month), call_counts::calls.eq(calls)))
        .on_conflict((call_counts::account_id, call_counts::month))
        .do_update()
        .set(call_counts::calls.eq(call_counts::calls + calls))
        .execute(connection)?;
    Ok(())
}

fn refresh_last_called(connection: &mut SqliteConnection, account: AccountId, contact: ContactId) -> Outcome<()> {
    let newest: Option<i64> = calls::table
        .filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())))
        .select(diesel::dsl::max(calls::called_at))
        .get_result(connection)?;
    diesel::update(contacts::table.find(contact.get())).set(contacts::last_called.eq(newest)).execute(connection)?;
    Ok(())
}

/// When the contact's calls happened.
pub fn instants(connection: &mut SqliteConnection, account: AccountId, contact: ContactId) -> Outcome<Vec<Moment>> {
    let query = calls::table.filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())));
    let seconds: Vec<i64> = query.select(calls::called_at).load(connection)?;
    seconds.into_iter().map(moment).collect()
}
