//! Phone numbers that are the same: found by the index of their keys, and compared by the domain.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use domain::{AccountId, CallContact, ContactId, PhoneSearch};
use ports::{Error, Result};
use storage::StoreResult;
use storage::rows::contact_id;
use storage::schema::{calls, contact_fields};

use crate::DbConnection;

/// Returns those keys of the account's calls that are of the same number.
pub fn keys_of_calls(
    connection: &mut DbConnection,
    account: AccountId,
    search: &PhoneSearch,
) -> StoreResult<Vec<String>> {
    let mut keys = Vec::new();
    for range in search.key_ranges() {
        let in_range: Vec<Option<String>> = calls::table
            .filter(calls::account_id.eq(account.get()))
            .filter(calls::phone_key.ge(range.start()).and(calls::phone_key.le(range.end())))
            .select(calls::phone_key)
            .distinct()
            .load(connection)?;
        keys.extend(in_range.into_iter().flatten().filter(|key| search.finds(key)));
    }
    Ok(keys)
}

/// Returns the contacts that have the same number.
pub fn contacts_with(
    connection: &mut DbConnection,
    account: AccountId,
    search: &PhoneSearch,
) -> StoreResult<BTreeSet<ContactId>> {
    let mut contacts = BTreeSet::new();
    for range in search.key_ranges() {
        let in_range: Vec<(Option<String>, i64)> = contact_fields::table
            .filter(contact_fields::account_id.eq(account.get()))
            .filter(contact_fields::phone_key.ge(range.start()).and(contact_fields::phone_key.le(range.end())))
            .select((contact_fields::phone_key, contact_fields::contact_id))
            .load(connection)?;
        for (key, contact) in in_range {
            if key.is_some_and(|key| search.finds(&key)) {
                contacts.insert(contact_id(contact)?);
            }
        }
    }
    Ok(contacts)
}

/// Returns the one contact that has the same number. `NotFound` if there is none, `SeveralContacts` if there are more.
pub fn only_contact_with(
    connection: &mut DbConnection,
    account: AccountId,
    search: &PhoneSearch,
) -> StoreResult<Result<ContactId>> {
    let contacts = contacts_with(connection, account, search)?;
    Ok(match contacts.len() {
        0 | 1 => contacts.first().copied().ok_or(Error::NotFound),
        _ => Err(Error::SeveralContacts),
    })
}

/// The contacts that requests name, each searched once.
#[derive(Default)]
pub struct NamedContacts(HashMap<PhoneSearch, Result<ContactId>>);

impl NamedContacts {
    /// Returns the contact, which need not exist if it is named by its id.
    pub fn find(
        &mut self,
        connection: &mut DbConnection,
        account: AccountId,
        contact: &CallContact,
    ) -> StoreResult<Result<ContactId>> {
        let search = match contact {
            CallContact::Id(id) => return Ok(Ok(*id)),
            CallContact::Number(search) => search,
        };
        if let Some(known) = self.0.get(search) {
            return Ok(known.clone());
        }
        let found = only_contact_with(connection, account, search)?;
        self.0.insert(search.clone(), found.clone());
        Ok(found)
    }
}
