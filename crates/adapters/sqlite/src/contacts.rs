//! Contacts in SQLite.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use domain::{
    AccountId, Contact, ContactChange, ContactId, ContactOrder, Direction, Moment, NewContact, Page, PageRequest, Uuid,
};
use ports::Result;
use ports::outbound::ContactRepository;
use storage::{Outcome, months, pattern};

use crate::Database;
use crate::accounts::find_account;
use crate::calls::{count_month, instants};
use crate::rows::{CardRow, ContactPart, ContactRow, NewContactRow};
use crate::schema::contacts;

#[async_trait]
impl ContactRepository for Database {
    async fn list(
        &self,
        account: AccountId,
        words: Vec<String>,
        page: PageRequest<ContactOrder>,
    ) -> Result<Page<Contact>> {
        self.read(move |connection| connection.transaction(|connection| list(connection, account, &words, page))).await
    }

    async fn find(&self, account: AccountId, contact: ContactId) -> Result<Contact> {
        self.read(move |connection| find(connection, account, contact)).await
    }

    async fn create(&self, account: AccountId, contact: NewContact, uuid: Uuid, now: Moment) -> Result<Contact> {
        self.write(move |connection| {
            find_account(connection, account)?;
            let row = NewContactRow {
                account_id: account.get(),
                uuid: uuid.as_bytes().to_vec(),
                part: contact.into(),
                created_at: now.unix(),
                updated_at: now.unix(),
            };
            let insert = diesel::insert_into(contacts::table).values(row);
            insert.returning(ContactRow::as_returning()).get_result(connection)?.try_into()
        })
        .await
    }

    async fn update(
        &self,
        account: AccountId,
        contact: ContactId,
        change: ContactChange,
        now: Moment,
    ) -> Result<Contact> {
        self.write(move |connection| {
            let query =
                contacts::table.filter(contacts::account_id.eq(account.get()).and(contacts::id.eq(contact.get())));
            let stored: ContactPart = query.select(ContactPart::as_select()).get_result(connection)?;
            let changed = ContactPart::from(change.apply(stored.clone().try_into()?));
            if changed != stored {
                diesel::update(contacts::table.find(contact.get()))
                    .set((changed, contacts::updated_at.eq(now.unix())))
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

fn find(connection: &mut SqliteConnection, account: AccountId, contact: ContactId) -> Outcome<Contact> {
    let query = contacts::table.filter(contacts::account_id.eq(account.get()).and(contacts::id.eq(contact.get())));
    query.select(ContactRow::as_select()).get_result(connection)?.try_into()
}

/// The short contact. Not found when the account has none of this id.
pub fn find_card(connection: &mut SqliteConnection, account: AccountId, contact: ContactId) -> Outcome<CardRow> {
    let query = contacts::table.filter(contacts::account_id.eq(account.get()).and(contacts::id.eq(contact.get())));
    Ok(query.select(CardRow::as_select()).get_result(connection)?)
}

fn list(
    connection: &mut SqliteConnection,
    account: AccountId,
    words: &[String],
    page: PageRequest<ContactOrder>,
) -> Outcome<Page<Contact>> {
    let matching = || {
        let all = contacts::table.filter(contacts::account_id.eq(account.get())).into_boxed::<Sqlite>();
        words.iter().fold(all, |query, word| query.filter(contacts::search_text.like(pattern(word)).escape('\\')))
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
    Ok(Page { items: rows.into_iter().map(Contact::try_from).collect::<Outcome<_>>()?, total })
}
