//! The condition of a page by cursor.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use domain::{Direction, ItemKey};
use storage::columns::DbTimestamp;
use storage::schema::Instant;

use crate::Backend;

/// Returns the condition that an item lies beyond a place, in this direction. `columns` are the timestamp and the id by
/// which the list is sorted. The databases scan an index from the place on.
pub fn is_beyond<Table>(
    columns: &str,
    direction: Direction,
    place: ItemKey,
) -> Box<dyn BoxableExpression<Table, Backend, SqlType = Bool>> {
    let comparison = match direction {
        Direction::Ascending => ">",
        Direction::Descending => "<",
    };
    let item = sql::<Bool>(&format!("({columns}) {comparison} ("));
    let value = item.bind::<Instant, _>(DbTimestamp(place.value));
    Box::new(value.sql(", ").bind::<BigInt, _>(place.id).sql(")"))
}

/// Returns the order by these columns, in this direction.
pub fn order_by(columns: [&str; 2], direction: Direction) -> String {
    let direction = match direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    columns.map(|column| format!("{column} {direction}")).join(", ")
}
