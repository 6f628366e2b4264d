//! Contacts in PostgreSQL.

use async_trait::async_trait;
use diesel::dsl::auto_type;
use diesel::pg::Pg;
use diesel::prelude::*;
use domain::{
    AccountId, Contact, ContactChange, ContactId, ContactOrder, Direction, Moment, NewContact, Page, PageRequest, Uuid,
};
use ports::Result;
use ports::outbound::ContactRepository;
use storage::{Outcome, months, pattern};

use crate::accounts::find_account;
use crate::calls::{count_month, instants};
use crate::rows::{CardRow, ContactPart, ContactRow, NewContactRow};
use crate::schema::contacts;
use crate::{Database, snapshot};

#[async_trait]
impl ContactRepository for Database {
    async fn list(
        &self,
        account: AccountId,
        words: Vec<String>,
        page: PageRequest<ContactOrder>,
    ) -> Result<Page<Contact>> {
        self.read(move |connection| snapshot(connection, |connection| list(connection, account, &words, page))).await
    }

    async fn find(&self, account: AccountId, contact: ContactId) -> Result<Contact> {
        self.read(move |connection| find(connection, account, contact)).await
    }

    async fn create(&self, account: AccountId, contact: NewContact, uuid: Uuid, now: Moment) -> Result<Contact> {
        self.write(move |connection| {
            find_account(connection, account)?;
            let row = NewContactRow {
                account_id: account.get(),
                uuid,
                part: contact.clone().into(),
                created_at: now.calendar(),
                updated_at: now.calendar(),
            };
            let insert = diesel::insert_into(contacts::table).values(row);
            Ok(insert.returning(ContactRow::as_returning()).get_result(connection)?.into())
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
            connection.transaction(|connection| {
                let stored: ContactPart = row_of(account, contact)
                    .select(ContactPart::as_select())
                    .for_no_key_update()
                    .get_result(connection)?;
                let changed = ContactPart::from(change.clone().apply(stored.clone().into()));
                if changed != stored {
                    diesel::update(row_of(account, contact))
                        .set((changed, contacts::updated_at.eq(now.calendar())))
                        .execute(connection)?;
                }
                find(connection, account, contact)
            })
        })
        .await
    }

    async fn delete(&self, account: AccountId, contact: ContactId) -> Result<()> {
        self.write(move |connection| {
            connection.transaction(|connection| {
                // From here on nobody adds a call to it or takes one away.
                row_of(account, contact).select(contacts::id).for_update().get_result::<i64>(connection)?;
                for (month, calls) in months(instants(connection, account, contact)?) {
                    count_month(connection, account, month, -calls)?;
                }
                // The calls go with it, by the foreign key.
                diesel::delete(row_of(account, contact)).execute(connection)?;
                Ok(())
            })
        })
        .await
    }
}

/// The contact's row, if the account has it.
#[auto_type(no_type_alias)]
fn row_of(account: AccountId, contact: ContactId) -> _ {
    let (account, contact): (i64, i64) = (account.get(), contact.get());
    contacts::table.filter(contacts::account_id.eq(account)).filter(contacts::id.eq(contact))
}

fn find(connection: &mut PgConnection, account: AccountId, contact: ContactId) -> Outcome<Contact> {
    let row: ContactRow = row_of(account, contact).select(ContactRow::as_select()).get_result(connection)?;
    Ok(row.into())
}

/// The short contacts of these ids, by id, locked against writers until the transaction ends.
pub fn lock_cards(connection: &mut PgConnection, account: AccountId, ids: &[i64]) -> Outcome<Vec<CardRow>> {
    Ok(contacts::table
        .filter(contacts::account_id.eq(account.get()).and(contacts::id.eq_any(ids)))
        // Always in this order: two requests that lock the same contacts cannot wait for each other.
        .order(contacts::id)
        .select(CardRow::as_select())
        .for_no_key_update()
        .load(connection)?)
}

fn list(
    connection: &mut PgConnection,
    account: AccountId,
    words: &[String],
    page: PageRequest<ContactOrder>,
) -> Outcome<Page<Contact>> {
    let matching = || {
        let all = contacts::table.filter(contacts::account_id.eq(account.get())).into_boxed::<Pg>();
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
    Ok(Page { items: rows.into_iter().map(Contact::from).collect(), total })
}
