//! The index of the phone numbers of contacts.

use std::ops::RangeInclusive;

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::{Array, BigInt, Text};
use domain::AccountId;
use storage::{RawStatement, StoreResult};

use crate::DbConnection;
use crate::statements::collect;

/// Finds the keys of ranges in one statement. The parameters are account, and the first and last keys of the ranges.
const FIND: &str = "
SELECT n, phone_key, contact_id FROM unnest($2, $3) WITH ORDINALITY AS sought (first, last, n)
JOIN contact_fields ON account_id = $1 AND phone_key >= sought.first AND phone_key <= sought.last";

/// The key of the prepared statement [`FIND`].
#[derive(QueryId)]
struct Find;

/// Returns the keys in the ranges, each with the number of its range and its contact.
pub fn fields_in_ranges(
    connection: &mut DbConnection,
    account: AccountId,
    ranges: &[(usize, RangeInclusive<String>)],
) -> StoreResult<Vec<(usize, String, i64)>> {
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    let values = (
        account.get().into_sql::<BigInt>(),
        collect(ranges, |(_, range)| range.start().as_str()).into_sql::<Array<Text>>(),
        collect(ranges, |(_, range)| range.end().as_str()).into_sql::<Array<Text>>(),
    );
    let statement = RawStatement::<(BigInt, Text, BigInt), _, Find>::new(FIND, values);
    let found: Vec<(i64, String, i64)> = statement.load(connection)?;
    let number = |ordinal: i64| usize::try_from(ordinal - 1).ok().and_then(|n| ranges.get(n)).map(|(n, _)| *n);
    Ok(found.into_iter().filter_map(|(ordinal, key, contact)| Some((number(ordinal)?, key, contact))).collect())
}
