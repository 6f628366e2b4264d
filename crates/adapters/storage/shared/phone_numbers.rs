//! Phone numbers that are the same: found by the index of their keys, and compared by the domain.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;
use domain::{AccountId, CallContact, ContactId, PhoneSearch};
use ports::{Error, Result};
use storage::StoreResult;
use storage::rows::contact_id;
use storage::schema::calls;

use crate::DbConnection;
use crate::phone_keys::fields_in_ranges;

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

/// Returns the contacts that have each of the numbers, at the place of the number.
pub fn contacts_with(
    connection: &mut DbConnection,
    account: AccountId,
    searches: &[&PhoneSearch],
) -> StoreResult<Vec<BTreeSet<ContactId>>> {
    let mut ranges = Vec::new();
    for (n, search) in searches.iter().enumerate() {
        ranges.extend(search.key_ranges().into_iter().map(|range| (n, range)));
    }
    let mut contacts = vec![BTreeSet::new(); searches.len()];
    for (n, key, contact) in fields_in_ranges(connection, account, &ranges)? {
        if searches[n].finds(&key) {
            contacts[n].insert(contact_id(contact)?);
        }
    }
    Ok(contacts)
}

/// Returns the one contact that has each of the numbers, at the place of the number. `NotFound` if there is none,
/// `SeveralContacts` if there are more.
pub fn only_contacts_with(
    connection: &mut DbConnection,
    account: AccountId,
    searches: &[&PhoneSearch],
) -> StoreResult<Vec<Result<ContactId>>> {
    let only = |contacts: BTreeSet<ContactId>| match contacts.len() {
        0 | 1 => contacts.first().copied().ok_or(Error::NotFound),
        _ => Err(Error::SeveralContacts),
    };
    Ok(contacts_with(connection, account, searches)?.into_iter().map(only).collect())
}

/// Returns the contact of each of the requests, which need not exist if it is named by its id.
pub fn named_contacts<'a>(
    connection: &mut DbConnection,
    account: AccountId,
    named: impl Iterator<Item = &'a CallContact> + Clone,
) -> StoreResult<Vec<Result<ContactId>>> {
    let number = |contact: &'a CallContact| match contact {
        CallContact::Number(search) => Some(search),
        CallContact::Id(_) => None,
    };
    let searches: HashSet<&PhoneSearch> = named.clone().filter_map(number).collect();
    let searches: Vec<&PhoneSearch> = searches.into_iter().collect();
    let found = only_contacts_with(connection, account, &searches)?;
    let found: HashMap<&PhoneSearch, Result<ContactId>> = searches.into_iter().zip(found).collect();
    let contact = |contact: &CallContact| match contact {
        CallContact::Id(id) => Ok(*id),
        CallContact::Number(search) => found.get(search).cloned().unwrap_or(Err(Error::NotFound)),
    };
    Ok(named.map(contact).collect())
}
