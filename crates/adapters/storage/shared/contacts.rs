//! The repository of contacts.

use std::collections::BTreeSet;

use async_trait::async_trait;
use diesel::dsl::{auto_type, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use domain::{
    AccountId, Contact, ContactFieldId, ContactFieldKind, ContactId, ContactPatch, ContactQuery, ContactSearch,
    ContactSortKey, DueFilter, NewContact, Page, PageStart, PhoneSearch, Timestamp, Uuid,
};
use ports::outbound::{ContactRepository, Precondition};
use ports::{Error, Result};
use storage::columns::DbTimestamp;
use storage::rows::{ContactDataRow, ContactRow, DeletedCallRow, NewContactRow, contact_id};
use storage::schema::{calls, contact_fields, contacts};
use storage::{KeysetScan, StoreResult, count_by_month, is_deep, pattern};

use crate::accounts::find_account;
use crate::changes::change_months;
use crate::contact_fields::{fields_of, store_fields};
use crate::keyset::{is_beyond, order_by};
use crate::phone_numbers::contacts_with;
use crate::{
    Backend, Database, DbConnection, call_words, deletions, has_words, lock_contact_for_deletion,
    lock_contact_for_update, trigger_dates,
};

#[async_trait]
impl ContactRepository for Database {
    async fn list(&self, account: AccountId, query: ContactQuery) -> Result<Page<Contact>> {
        let is_slow = is_slow(&query);
        let job = move |connection: &mut DbConnection| list(connection, account, &query);
        if is_slow { self.read_slow_snapshot(job).await } else { self.read_snapshot(job).await }
    }

    async fn find(&self, account: AccountId, contact: ContactId) -> Result<Contact> {
        let found = self.read_snapshot(move |connection| find(connection, account, contact)).await?;
        found.ok_or(Error::NotFound)
    }

    async fn find_by_phone(&self, account: AccountId, numbers: Vec<PhoneSearch>) -> Result<Vec<Vec<ContactId>>> {
        self.read_snapshot(move |connection| {
            let contacts = contacts_with(connection, account, &numbers.iter().collect::<Vec<_>>())?;
            Ok(contacts.into_iter().map(|contacts| contacts.into_iter().collect()).collect())
        })
        .await
    }

    async fn create(
        &self,
        account: AccountId,
        contact: NewContact,
        uuid: Uuid,
        field_uuids: Vec<Uuid>,
        now: Timestamp,
    ) -> Result<Contact> {
        self.write(move |connection| create(connection, account, contact.clone(), uuid, &field_uuids, now)).await
    }

    async fn update(
        &self,
        account: AccountId,
        contact: ContactId,
        patch: ContactPatch,
        field_uuids: Vec<Uuid>,
        now: Timestamp,
        precondition: Option<Precondition<Contact>>,
    ) -> Result<Contact> {
        self.write(move |connection| {
            update(connection, account, contact, patch.clone(), &field_uuids, now, precondition.as_ref())
        })
        .await
    }

    async fn delete(
        &self,
        account: AccountId,
        contact: ContactId,
        now: Timestamp,
        precondition: Option<Precondition<Contact>>,
    ) -> Result<()> {
        self.write(move |connection| delete(connection, account, contact, now, precondition.as_ref())).await
    }
}

/// Selects the contact with this id.
#[auto_type(no_type_alias)]
pub fn by_id(account: AccountId, contact: ContactId) -> _ {
    let (account, contact): (i64, i64) = (account.get(), contact.get());
    contacts::table.filter(contacts::account_id.eq(account)).filter(contacts::id.eq(contact))
}

fn find(connection: &mut DbConnection, account: AccountId, contact: ContactId) -> StoreResult<Option<Contact>> {
    let row = by_id(account, contact).select(ContactRow::as_select()).get_result(connection).optional()?;
    let Some(row) = row else { return Ok(None) };
    let fields = fields_of(connection, account, &[contact.get()])?.remove(&contact.get());
    row.with_fields(fields.unwrap_or_default()).map(Some)
}

/// Whether the query can take long. One of a phone number reads few entries of an index.
fn is_slow(query: &ContactQuery) -> bool {
    let has_number = query.phone.is_some() || query.search.phone.is_some();
    let is_filtered = !query.search.matches_all() || query.due.is_some();
    (is_filtered && !has_number) || is_deep(&query.page)
}

/// Returns a contact that exists, because the transaction has written or locked it, or has read one of its fields. Its
/// absence is an internal error.
pub fn find_existing(connection: &mut DbConnection, account: AccountId, contact: ContactId) -> StoreResult<Contact> {
    Ok(find(connection, account, contact)?.ok_or_else(|| Error::internal("a locked contact is missing"))?)
}

fn create(
    connection: &mut DbConnection,
    account: AccountId,
    contact: NewContact,
    uuid: Uuid,
    field_uuids: &[Uuid],
    now: Timestamp,
) -> StoreResult<Contact> {
    find_account(connection, account)?;
    let fields = contact.fields.clone();
    let row = NewContactRow::new(account, contact, uuid, now);
    let insert = diesel::insert_into(contacts::table).values(row);
    let id = contact_id(insert.returning(contacts::id).get_result(connection)?)?;
    store_fields(connection, account, id, &[], &fields, field_uuids, now)?;
    find_existing(connection, account, id)
}

fn update(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
    patch: ContactPatch,
    field_uuids: &[Uuid],
    now: Timestamp,
    precondition: Option<&Precondition<Contact>>,
) -> StoreResult<Contact> {
    let stored: ContactDataRow = lock_contact_for_update(connection, account, contact)?.ok_or(Error::NotFound)?;
    check(connection, account, contact, precondition)?;
    let fields = fields_of(connection, account, &[contact.get()])?.remove(&contact.get()).unwrap_or_default();
    let contents = fields.iter().map(|field| field.content.clone()).collect();
    let ids: Vec<ContactFieldId> = fields.iter().map(|field| field.id).collect();
    let updated = patch.apply(stored.clone().with_fields(contents)?, &ids)?;
    let has_other_fields = store_fields(connection, account, contact, &fields, &updated.fields, field_uuids, now)?;
    let row = ContactDataRow::from(updated);
    if has_other_fields || row != stored {
        diesel::update(by_id(account, contact))
            .set((row, contacts::updated_at.eq(DbTimestamp(now))))
            .execute(connection)?;
    }
    find_existing(connection, account, contact)
}

fn delete(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
    now: Timestamp,
    precondition: Option<&Precondition<Contact>>,
) -> StoreResult<()> {
    lock_contact_for_deletion(connection, account, contact)?.ok_or(Error::NotFound)?;
    check(connection, account, contact, precondition)?;
    let calls: Vec<DeletedCallRow> = calls::table
        .filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())))
        .select(DeletedCallRow::as_select())
        .load(connection)?;
    let months = count_by_month(calls.iter().map(|call| call.called_at.0));
    change_months(connection, account, &months.into_iter().map(|(month, calls)| (month, -calls)).collect())?;
    deletions::insert_of_contact(connection, account, contact, calls, now)?;
    call_words::delete_of_contact(connection, account, contact)?;
    // The foreign key deletes the calls.
    diesel::delete(by_id(account, contact)).execute(connection)?;
    Ok(())
}

/// Checks the precondition on the locked contact.
fn check(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
    precondition: Option<&Precondition<Contact>>,
) -> StoreResult<()> {
    match precondition {
        Some(is_met) if !is_met(&find_existing(connection, account, contact)?) => Err(Error::PreconditionFailed.into()),
        _ => Ok(()),
    }
}

/// The contacts that a query lists.
pub struct ListedContacts<'a> {
    /// The account that has the contacts.
    pub account: AccountId,
    /// The query.
    pub query: &'a ContactQuery,
    /// The contacts that have each of the phone numbers that the query names.
    with_numbers: Vec<Vec<i64>>,
}

impl<'a> ListedContacts<'a> {
    fn new(connection: &mut DbConnection, account: AccountId, query: &'a ContactQuery) -> StoreResult<Self> {
        let searches: Vec<&PhoneSearch> = query.phone.iter().chain(&query.search.phone).collect();
        let with_numbers = contacts_with(connection, account, &searches)?;
        let ids = |contacts: BTreeSet<ContactId>| contacts.into_iter().map(ContactId::get).collect();
        Ok(Self { account, query, with_numbers: with_numbers.into_iter().map(ids).collect() })
    }

    /// Returns the contacts whether they are due or not, in no order.
    pub fn due_or_not(&self) -> Matching {
        let mut found = contacts::table.filter(contacts::account_id.eq(self.account.get())).into_boxed();
        if let Some(condition) = condition(self.account, &self.query.search) {
            found = found.filter(condition);
        }
        for contacts in &self.with_numbers {
            found = found.filter(contacts::id.eq_any(contacts.clone()));
        }
        found
    }

    /// Returns the contacts in no order.
    fn matching(&self) -> Matching {
        let found = self.due_or_not();
        match self.query.due {
            Some(due) if due.is_due => trigger_dates::dated(found, Some(due)),
            Some(DueFilter { now, .. }) => {
                let has_no_date = contacts::stay_in_touch_frequency.is_null();
                found.filter(has_no_date.or(contacts::stay_in_touch_trigger_date.gt(DbTimestamp(now))))
            }
            None => found,
        }
    }
}

fn list(connection: &mut DbConnection, account: AccountId, query: &ContactQuery) -> StoreResult<Page<Contact>> {
    let listed = ListedContacts::new(connection, account, query)?;
    let total: i64 = listed.matching().count().get_result(connection)?;
    let total = total.unsigned_abs();
    let column = match query.sort.key {
        ContactSortKey::CreatedAt => "contacts.created_at",
        ContactSortKey::UpdatedAt => "contacts.updated_at",
        ContactSortKey::StayInTouchTriggerDate => {
            let (rows, has_more) = trigger_dates::load_page(connection, &listed)?;
            return Ok(Page { items: with_fields(connection, account, rows)?, total, has_more });
        }
    };
    let sort = [column, "contacts.id"];
    let (rows, has_more) = match query.page.start {
        PageStart::Number(_) => {
            let Some(offset) = query.page.offset().filter(|offset| offset.unsigned_abs() < total) else {
                return Ok(Page::new(Vec::new(), total));
            };
            let sorted = listed.matching().order(sql::<Bool>(&order_by(sort, query.sort.direction)));
            let page = sorted.limit(query.page.size.get().into()).offset(offset);
            (page.select(ContactRow::as_select()).load(connection)?, false)
        }
        PageStart::Cursor(cursor) => {
            let scan = KeysetScan::new(query.sort.direction, cursor, query.page.size);
            let mut from_cursor = listed.matching();
            if let Some(place) = scan.beyond {
                from_cursor = from_cursor.filter(is_beyond(&sort.join(", "), scan.direction, place));
            }
            let sorted = from_cursor.order(sql::<Bool>(&order_by(sort, scan.direction)));
            scan.page(sorted.limit(scan.take()).select(ContactRow::as_select()).load(connection)?)
        }
    };
    Ok(Page { items: with_fields(connection, account, rows)?, total, has_more })
}

/// Loads the fields of the contacts.
pub fn with_fields(
    connection: &mut DbConnection,
    account: AccountId,
    rows: Vec<ContactRow>,
) -> StoreResult<Vec<Contact>> {
    let ids: Vec<i64> = rows.iter().map(ContactRow::id).collect();
    let mut fields = fields_of(connection, account, &ids)?;
    let with_fields = |row: ContactRow| {
        let fields = fields.remove(&row.id()).unwrap_or_default();
        row.with_fields(fields)
    };
    rows.into_iter().map(with_fields).collect()
}

/// Contacts, filtered.
pub type Matching = contacts::BoxedQuery<'static, Backend>;

/// A condition on contacts.
pub type Condition = Box<dyn BoxableExpression<contacts::table, Backend, SqlType = Bool>>;

/// Returns the condition of the words and the field of the search. `None` if it has none.
///
/// Each alternative is a subquery of its own, so that the databases use the index of the words.
fn condition(account: AccountId, search: &ContactSearch) -> Option<Condition> {
    if search.matches_nothing {
        return Some(Box::new(contacts::id.lt(0)));
    }
    let words = (!search.words.is_empty()).then(|| has_words(account, &search.words));
    let number = |number: &String| -> Condition {
        let has_word = has_words(account, std::slice::from_ref(number));
        Box::new(has_word.or(has_field(account, None, number)))
    };
    let all = words.into_iter().chain(search.numbers.iter().map(number)).reduce(|all, one| Box::new(all.and(one)));
    let field = search.field.as_ref().map(|(kind, data)| has_field(account, Some(*kind), data));
    match (all, field) {
        (Some(all), Some(field)) => Some(Box::new(all.or(field))),
        (all, field) => all.or(field),
    }
}

/// A field of the contact contains the data.
fn has_field(account: AccountId, kind: Option<ContactFieldKind>, data: &str) -> Condition {
    let mut fields = contact_fields::table
        .filter(contact_fields::account_id.eq(account.get()))
        .filter(contact_fields::search_data.like(pattern(data)).escape('\\'))
        .select(contact_fields::contact_id)
        .into_boxed();
    if let Some(kind) = kind {
        fields = fields.filter(contact_fields::kind.eq(i16::try_from(kind.id()).unwrap_or_default()));
    }
    Box::new(contacts::id.eq_any(fields))
}
