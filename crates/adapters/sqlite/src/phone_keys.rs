//! The index of the phone numbers of contacts.

use std::ops::RangeInclusive;

use diesel::prelude::*;
use domain::AccountId;
use storage::StoreResult;
use storage::schema::contact_fields;

use crate::DbConnection;

/// Returns the keys in the ranges, each with the number of its range and its contact.
pub fn fields_in_ranges(
    connection: &mut DbConnection,
    account: AccountId,
    ranges: &[(usize, RangeInclusive<String>)],
) -> StoreResult<Vec<(usize, String, i64)>> {
    let mut found = Vec::new();
    for (n, range) in ranges {
        let in_range: Vec<(Option<String>, i64)> = contact_fields::table
            .filter(contact_fields::account_id.eq(account.get()))
            .filter(contact_fields::phone_key.ge(range.start()).and(contact_fields::phone_key.le(range.end())))
            .select((contact_fields::phone_key, contact_fields::contact_id))
            .load(connection)?;
        found.extend(in_range.into_iter().filter_map(|(key, contact)| Some((*n, key?, contact))));
    }
    Ok(found)
}
