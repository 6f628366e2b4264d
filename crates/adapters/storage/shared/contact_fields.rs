//! The repository of contact fields.

use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::dsl::auto_type;
use diesel::prelude::*;
use domain::{
    AccountId, Contact, ContactField, ContactFieldId, ContactId, FieldOfContact, NewContact, NewContactField,
    Timestamp, Uuid,
};
use ports::outbound::{ContactFieldRepository, FieldIdentity};
use ports::{Error, Result};
use storage::columns::DbTimestamp;
use storage::rows::{ContactFieldDataRow, ContactFieldRow, NewContactFieldRow, contact_id};
use storage::schema::{contact_fields, contacts};
use storage::{StoreError, StoreResult};

use crate::contacts::{by_id, find_existing};
use crate::{Database, DbConnection, lock_contact_for_update};

#[async_trait]
impl ContactFieldRepository for Database {
    async fn find(&self, account: AccountId, field: ContactFieldId) -> Result<FieldOfContact> {
        self.read_snapshot(move |connection| {
            let contact = contact_of(connection, account, field)?;
            of_contact(find_existing(connection, account, contact)?, field)
        })
        .await
    }

    async fn create(
        &self,
        account: AccountId,
        contact: ContactId,
        field: NewContactField,
        uuid: Uuid,
        now: Timestamp,
    ) -> Result<FieldOfContact> {
        let identity = FieldIdentity { uuid, created_at: now, updated_at: now };
        self.write(move |connection| create(connection, account, contact, &field, identity)).await
    }

    async fn update(
        &self,
        account: AccountId,
        field: ContactFieldId,
        contact: ContactId,
        content: NewContactField,
        now: Timestamp,
    ) -> Result<FieldOfContact> {
        self.write(move |connection| update(connection, account, field, contact, &content, now)).await
    }

    async fn delete(&self, account: AccountId, field: ContactFieldId, now: Timestamp) -> Result<()> {
        self.write(move |connection| delete(connection, account, field, now)).await
    }
}

/// Selects the contact field with this id.
#[auto_type(no_type_alias)]
fn field_by_id(account: AccountId, field: ContactFieldId) -> _ {
    let (account, field): (i64, i64) = (account.get(), field.get());
    contact_fields::table.filter(contact_fields::account_id.eq(account)).filter(contact_fields::id.eq(field))
}

/// Returns the contact of the field. `NotFound` if the account has no such field.
fn contact_of(connection: &mut DbConnection, account: AccountId, field: ContactFieldId) -> StoreResult<ContactId> {
    let id = field_by_id(account, field).select(contact_fields::contact_id).get_result(connection).optional()?;
    contact_id(id.ok_or(Error::NotFound)?)
}

/// Returns the field of a contact that has it.
fn of_contact(contact: Contact, field: ContactFieldId) -> StoreResult<FieldOfContact> {
    let found = contact.fields.into_iter().find(|found| found.id == field);
    let field = found.ok_or_else(|| Error::internal("a locked contact field is missing"))?;
    Ok(FieldOfContact { contact: contact.summary, field })
}

/// Locks the contact and returns it, if single fields of it can be written.
fn lock(connection: &mut DbConnection, account: AccountId, contact: ContactId) -> StoreResult<Contact> {
    lock_contact_for_update(connection, account, contact)?.ok_or(Error::NotFound)?;
    let contact = find_existing(connection, account, contact)?;
    contact.summary.check_accepts_fields()?;
    Ok(contact)
}

fn create(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
    field: &NewContactField,
    identity: FieldIdentity,
) -> StoreResult<FieldOfContact> {
    lock(connection, account, contact)?.check_has_room_for_a_field()?;
    insert_fields(connection, account, contact, [(field, identity)])?;
    let contact = update_contact(connection, account, contact, identity.updated_at)?;
    let id = contact.fields.last().map(|field| field.id);
    of_contact(contact, id.ok_or_else(|| Error::internal("an added contact field is missing"))?)
}

fn update(
    connection: &mut DbConnection,
    account: AccountId,
    field: ContactFieldId,
    contact: ContactId,
    content: &NewContactField,
    now: Timestamp,
) -> StoreResult<FieldOfContact> {
    let old_contact = contact_of(connection, account, field)?;
    // All writers lock contacts in the order of their ids.
    let first = lock(connection, account, old_contact.min(contact))?;
    let second = if old_contact == contact { None } else { Some(lock(connection, account, old_contact.max(contact))?) };
    check_unmoved(connection, account, field, old_contact)?;
    let is_new = |locked: &Contact| locked.summary.id == contact;
    match [Some(first), second].into_iter().flatten().find(is_new) {
        Some(locked) if old_contact == contact => {
            let stored = of_contact(locked, field)?;
            if stored.field.content == *content {
                return Ok(stored);
            }
        }
        Some(locked) => locked.check_has_room_for_a_field()?,
        None => return Err(Error::NotFound.into()),
    }
    diesel::update(field_by_id(account, field))
        .set((
            contact_fields::contact_id.eq(contact.get()),
            ContactFieldDataRow::from(content),
            contact_fields::updated_at.eq(DbTimestamp(now)),
        ))
        .execute(connection)?;
    if old_contact != contact {
        update_contact(connection, account, old_contact, now)?;
    }
    of_contact(update_contact(connection, account, contact, now)?, field)
}

fn delete(connection: &mut DbConnection, account: AccountId, field: ContactFieldId, now: Timestamp) -> StoreResult<()> {
    let contact = contact_of(connection, account, field)?;
    lock(connection, account, contact)?;
    check_unmoved(connection, account, field, contact)?;
    diesel::delete(field_by_id(account, field)).execute(connection)?;
    update_contact(connection, account, contact, now)?;
    Ok(())
}

/// Checks that no other writer has moved the field before its contact was locked.
fn check_unmoved(
    connection: &mut DbConnection,
    account: AccountId,
    field: ContactFieldId,
    contact: ContactId,
) -> StoreResult<()> {
    if contact_of(connection, account, field)? == contact { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Stores what follows from a change of the contact's fields: its words and its `updated_at`. Returns the contact.
fn update_contact(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
    now: Timestamp,
) -> StoreResult<Contact> {
    let changed = find_existing(connection, account, contact)?;
    let search_text = NewContact::from(changed.clone()).search_text();
    diesel::update(by_id(account, contact))
        .set((contacts::search_text.eq(search_text), contacts::updated_at.eq(DbTimestamp(now))))
        .execute(connection)?;
    Ok(changed)
}

/// Returns the fields of each of the contacts, in the order in which they were added.
pub fn fields_of(
    connection: &mut DbConnection,
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

/// Adds fields to the contact.
pub fn insert_fields<'f>(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
    fields: impl IntoIterator<Item = (&'f NewContactField, FieldIdentity)>,
) -> StoreResult<()> {
    // One statement for each field, so that their ids are in the order of the list.
    for (field, identity) in fields {
        let row = NewContactFieldRow::new(account, contact, field, identity);
        diesel::insert_into(contact_fields::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// Stores the fields of a contact after a change: the stored ones in their places, then new ones, which get the UUIDs.
/// Returns whether anything changed.
pub fn store_fields(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
    stored: &[ContactField],
    fields: &[NewContactField],
    uuids: &[Uuid],
    now: Timestamp,
) -> StoreResult<bool> {
    let changed: Vec<_> = stored.iter().zip(fields).filter(|(stored, field)| stored.content != **field).collect();
    for (stored, field) in &changed {
        diesel::update(field_by_id(account, stored.id))
            .set((ContactFieldDataRow::from(*field), contact_fields::updated_at.eq(DbTimestamp(now))))
            .execute(connection)?;
    }
    let new = fields.get(stored.len()..).unwrap_or_default();
    if new.len() > uuids.len() {
        return Err(Error::internal("too few UUIDs for the contact fields").into());
    }
    let identity = |uuid: &Uuid| FieldIdentity { uuid: *uuid, created_at: now, updated_at: now };
    insert_fields(connection, account, contact, new.iter().zip(uuids.iter().map(identity)))?;
    Ok(!changed.is_empty() || !new.is_empty())
}
