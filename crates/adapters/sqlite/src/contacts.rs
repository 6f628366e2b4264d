//! Contacts in SQLite.

use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel::sqlite::Sqlite;
use domain::{
    AccountId, Contact, ContactField, ContactFieldKind, ContactId, ContactOrder, ContactPatch, ContactSearch,
    Direction, NewContact, NewContactField, Page, PageRequest, Timestamp, Uuid,
};
use ports::Result;
use ports::outbound::ContactRepository;
use storage::{StoreResult, months, pattern};

use crate::Database;
use crate::accounts::find_account;
use crate::counts::{count_month, instants};
use crate::rows::{CardRow, ContactFieldRow, ContactPart, ContactRow, NewContactFieldRow, NewContactRow};
use crate::schema::{contact_fields, contacts};

#[async_trait]
impl ContactRepository for Database {
    async fn list(
        &self,
        account: AccountId,
        search: ContactSearch,
        page: PageRequest<ContactOrder>,
    ) -> Result<Page<Contact>> {
        self.read(move |connection| connection.transaction(|connection| list(connection, account, &search, page))).await
    }

    async fn find(&self, account: AccountId, contact: ContactId) -> Result<Contact> {
        self.read(move |connection| find(connection, account, contact)).await
    }

    async fn create(&self, account: AccountId, contact: NewContact, uuid: Uuid, now: Timestamp) -> Result<Contact> {
        self.write(move |connection| {
            find_account(connection, account)?;
            let fields = contact.fields.clone();
            let row = NewContactRow {
                account_id: account.get(),
                uuid: uuid.as_bytes().to_vec(),
                part: contact.into(),
                created_at: now.unix(),
                updated_at: now.unix(),
            };
            let insert = diesel::insert_into(contacts::table).values(row);
            let contact: i64 = insert.returning(contacts::id).get_result(connection)?;
            insert_fields(connection, account, contact, &fields, now)?;
            find(connection, account, ContactId::from_store(contact))
        })
        .await
    }

    async fn update(
        &self,
        account: AccountId,
        contact: ContactId,
        change: ContactPatch,
        now: Timestamp,
    ) -> Result<Contact> {
        self.write(move |connection| {
            let query =
                contacts::table.filter(contacts::account_id.eq(account.get()).and(contacts::id.eq(contact.get())));
            let stored: ContactPart = query.select(ContactPart::as_select()).get_result(connection)?;
            let known = fields_of(connection, account, &[contact.get()])?.remove(&contact.get()).unwrap_or_default();
            let contents = known.iter().map(|field| field.content.clone()).collect();
            let changed = change.apply(stored.clone().with(contents)?)?;
            let mut has_changed = change_fields(connection, account, contact, &known, &changed.fields, now)?;
            let part = ContactPart::from(changed);
            has_changed |= part != stored;
            if has_changed {
                diesel::update(contacts::table.find(contact.get()))
                    .set((part, contacts::updated_at.eq(now.unix())))
                    .execute(connection)?;
            }
            find(connection, account, contact)
        })
        .await
    }

    async fn delete(&self, account: AccountId, contact: ContactId) -> Result<()> {
        self.write(move |connection| {
            find_card(connection, account, contact)?;
            for (month, calls) in months(instants(connection, account, contact)?) {
                count_month(connection, account, month, -calls)?;
            }
            // The calls go with it, by the foreign key.
            diesel::delete(contacts::table.find(contact.get())).execute(connection)?;
            Ok(())
        })
        .await
    }
}

fn find(connection: &mut SqliteConnection, account: AccountId, contact: ContactId) -> StoreResult<Contact> {
    let query = contacts::table.filter(contacts::account_id.eq(account.get()).and(contacts::id.eq(contact.get())));
    let row: ContactRow = query.select(ContactRow::as_select()).get_result(connection)?;
    let fields = fields_of(connection, account, &[contact.get()])?.remove(&contact.get());
    row.with(fields.unwrap_or_default())
}

/// The short contact. Not found when the account has none of this id.
pub fn find_card(connection: &mut SqliteConnection, account: AccountId, contact: ContactId) -> StoreResult<CardRow> {
    let query = contacts::table.filter(contacts::account_id.eq(account.get()).and(contacts::id.eq(contact.get())));
    Ok(query.select(CardRow::as_select()).get_result(connection)?)
}

fn list(
    connection: &mut SqliteConnection,
    account: AccountId,
    search: &ContactSearch,
    page: PageRequest<ContactOrder>,
) -> StoreResult<Page<Contact>> {
    let matching = || {
        let all = contacts::table.filter(contacts::account_id.eq(account.get())).into_boxed::<Sqlite>();
        match condition(account, search) {
            Some(condition) => all.filter(condition),
            None => all,
        }
    };
    let total: i64 = matching().count().get_result(connection)?;
    let total = total.unsigned_abs();
    let Some(offset) = page.offset().filter(|offset| offset.unsigned_abs() < total) else {
        return Ok(Page { items: Vec::new(), total });
    };
    let query = match page.order {
        ContactOrder::CreatedAt(Direction::Ascending) => {
            matching().order((contacts::created_at.asc(), contacts::id.asc()))
        }
        ContactOrder::CreatedAt(Direction::Descending) => {
            matching().order((contacts::created_at.desc(), contacts::id.desc()))
        }
        ContactOrder::UpdatedAt(Direction::Ascending) => {
            matching().order((contacts::updated_at.asc(), contacts::id.asc()))
        }
        ContactOrder::UpdatedAt(Direction::Descending) => {
            matching().order((contacts::updated_at.desc(), contacts::id.desc()))
        }
    };
    let rows: Vec<ContactRow> =
        query.limit(page.size.get().into()).offset(offset).select(ContactRow::as_select()).load(connection)?;
    let ids: Vec<i64> = rows.iter().map(ContactRow::id).collect();
    let mut fields = fields_of(connection, account, &ids)?;
    let whole = |row: ContactRow| {
        let fields = fields.remove(&row.id()).unwrap_or_default();
        row.with(fields)
    };
    Ok(Page { items: rows.into_iter().map(whole).collect::<StoreResult<_>>()?, total })
}

type Condition = Box<dyn BoxableExpression<contacts::table, Sqlite, SqlType = Bool>>;

/// What the search asks of a contact; none when it asks nothing.
fn condition(account: AccountId, search: &ContactSearch) -> Option<Condition> {
    let has_field = |kind: Option<ContactFieldKind>, data: &str| {
        let mut having = contact_fields::table
            .filter(contact_fields::account_id.eq(account.get()))
            .filter(contact_fields::search_data.like(pattern(data)).escape('\\'))
            .select(contact_fields::contact_id)
            .into_boxed();
        if let Some(kind) = kind {
            having = having.filter(contact_fields::kind.eq(i16::try_from(kind.id()).unwrap_or_default()));
        }
        contacts::id.eq_any(having)
    };
    let has_word = |word: &String| -> Condition {
        Box::new(contacts::search_text.like(pattern(word)).escape('\\').or(has_field(None, word)))
    };
    let words = search.words.iter().map(has_word).reduce(|all, word| Box::new(all.and(word)));
    let field = search.field.as_ref().map(|(kind, data)| -> Condition { Box::new(has_field(Some(*kind), data)) });
    match (words, field) {
        (Some(words), Some(field)) => Some(Box::new(words.or(field))),
        (words, field) => words.or(field),
    }
}

/// The fields of these contacts, in the order in which they were told.
pub fn fields_of(
    connection: &mut SqliteConnection,
    account: AccountId,
    contacts: &[i64],
) -> StoreResult<BTreeMap<i64, Vec<ContactField>>> {
    let rows: Vec<ContactFieldRow> = contact_fields::table
        .filter(contact_fields::account_id.eq(account.get()).and(contact_fields::contact_id.eq_any(contacts)))
        .order(contact_fields::id)
        .select(ContactFieldRow::as_select())
        .load(connection)?;
    let mut fields: BTreeMap<i64, Vec<ContactField>> = BTreeMap::new();
    for row in rows {
        fields.entry(row.contact_id).or_default().push(row.try_into()?);
    }
    Ok(fields)
}

fn insert_fields(
    connection: &mut SqliteConnection,
    account: AccountId,
    contact: i64,
    fields: &[NewContactField],
    now: Timestamp,
) -> StoreResult<()> {
    // One by one: their order is the order of their ids.
    for field in fields {
        let row = NewContactFieldRow::new(account, contact, field, now);
        diesel::insert_into(contact_fields::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// Makes the fields of the contact the wanted ones; answers whether they were not.
fn change_fields(
    connection: &mut SqliteConnection,
    account: AccountId,
    contact: ContactId,
    known: &[ContactField],
    wanted: &[NewContactField],
    now: Timestamp,
) -> StoreResult<bool> {
    let gone: Vec<i64> =
        known.iter().filter(|field| !wanted.contains(&field.content)).map(|field| field.id.get()).collect();
    diesel::delete(contact_fields::table)
        .filter(contact_fields::account_id.eq(account.get()).and(contact_fields::id.eq_any(&gone)))
        .execute(connection)?;
    let is_new = |field: &&NewContactField| !known.iter().any(|known| known.content == **field);
    let new: Vec<_> = wanted.iter().filter(is_new).cloned().collect();
    insert_fields(connection, account, contact.get(), &new, now)?;
    Ok(!gone.is_empty() || !new.is_empty())
}
