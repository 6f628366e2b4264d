//! Lists of contacts sorted by the date of staying in touch.
//!
//! Such a list has two parts, each with an index: the contacts that have a date, sorted by it, and then the others, sorted
//! by id. Databases differ in where they sort null, and none sorts it last in both directions.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use domain::{ContactQuery, ContactSortKey, Cursor, Direction, DueFilter, ItemKey, PageStart};
use storage::columns::DbTimestamp;
use storage::rows::ContactRow;
use storage::schema::contacts;
use storage::{KeysetScan, StoreResult};

use crate::DbConnection;
use crate::contacts::{ListedContacts, Matching};
use crate::keyset::{is_beyond, order_by};

/// The columns by which the contacts with a date are sorted.
const SORT: [&str; 2] = ["contacts.stay_in_touch_trigger_date", "contacts.id"];

/// Returns those of the contacts that have a date, which has come or not as the filter says.
pub fn dated(all: Matching, due: Option<DueFilter>) -> Matching {
    let dated = all.filter(contacts::stay_in_touch_frequency.is_not_null());
    match due {
        Some(DueFilter { is_due: true, now }) => {
            dated.filter(contacts::stay_in_touch_trigger_date.le(DbTimestamp(now)))
        }
        Some(DueFilter { is_due: false, now }) => {
            dated.filter(contacts::stay_in_touch_trigger_date.gt(DbTimestamp(now)))
        }
        None => dated,
    }
}

/// A part of the list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The contacts with a date.
    Dated,
    /// The contacts without a date.
    Undated,
}

impl Part {
    /// Returns the part that has the item.
    fn of(item: ItemKey) -> Self {
        if item.value == ContactSortKey::NO_DATE { Self::Undated } else { Self::Dated }
    }

    /// Whether the query matches no contact of this part.
    fn is_excluded_by(self, query: &ContactQuery) -> bool {
        self == Self::Undated && query.due.is_some_and(|due| due.is_due)
    }

    /// Returns the contacts of this part that match the query, which does not exclude it, in no order.
    fn matching(self, listed: &ListedContacts<'_>) -> Matching {
        let found = listed.due_or_not();
        match self {
            Self::Dated => dated(found, listed.query.due),
            Self::Undated => found.filter(contacts::stay_in_touch_frequency.is_null()),
        }
    }

    /// Returns the contacts of this part beyond a place in this direction, or all, sorted.
    fn sorted(self, listed: &ListedContacts<'_>, scan: Scan) -> Matching {
        let all = self.matching(listed);
        let Scan { direction, beyond } = scan;
        let from_place = match (self, beyond, direction) {
            (_, None, _) => all,
            (Self::Dated, Some(place), _) => all.filter(is_beyond(&SORT.join(", "), direction, place)),
            (Self::Undated, Some(place), Direction::Ascending) => all.filter(contacts::id.gt(place.id)),
            (Self::Undated, Some(place), Direction::Descending) => all.filter(contacts::id.lt(place.id)),
        };
        match (self, direction) {
            (Self::Dated, _) => from_place.order(sql::<Bool>(&order_by(SORT, direction))),
            (Self::Undated, Direction::Ascending) => from_place.order(contacts::id.asc()),
            (Self::Undated, Direction::Descending) => from_place.order(contacts::id.desc()),
        }
    }
}

/// How a part is read.
#[derive(Clone, Copy)]
struct Scan {
    direction: Direction,
    /// The scan begins beyond this place. `None`: with the first item.
    beyond: Option<ItemKey>,
}

/// Returns the rows of the page, and whether there are more in the direction of its cursor.
pub fn load_page(connection: &mut DbConnection, listed: &ListedContacts<'_>) -> StoreResult<(Vec<ContactRow>, bool)> {
    let query = listed.query;
    match query.page.start {
        PageStart::Number(_) => Ok((load_numbered(connection, listed)?, false)),
        PageStart::Cursor(cursor) => {
            let scan = KeysetScan::new(query.sort.direction, cursor, query.page.size);
            let parts = match cursor {
                Cursor::First | Cursor::After(_) => [Part::Dated, Part::Undated],
                Cursor::Before(_) => [Part::Undated, Part::Dated],
            };
            let first = scan.beyond.map_or(parts[0], Part::of);
            let mut rows = Vec::new();
            for part in parts.into_iter().skip_while(|part| *part != first) {
                let missing = scan.take() - len(&rows);
                if missing > 0 && !part.is_excluded_by(query) {
                    let beyond = scan.beyond.filter(|_| part == first);
                    let sorted = part.sorted(listed, Scan { direction: scan.direction, beyond });
                    rows.extend(load(connection, sorted, missing, 0)?);
                }
            }
            Ok(scan.page(rows))
        }
    }
}

fn load_numbered(connection: &mut DbConnection, listed: &ListedContacts<'_>) -> StoreResult<Vec<ContactRow>> {
    let query = listed.query;
    let Some(offset) = query.page.offset() else { return Ok(Vec::new()) };
    let size = i64::from(query.page.size.get());
    let scan = Scan { direction: query.sort.direction, beyond: None };
    let dated: i64 = Part::Dated.matching(listed).count().get_result(connection)?;
    let mut rows = Vec::new();
    if offset < dated {
        rows = load(connection, Part::Dated.sorted(listed, scan), size, offset)?;
    }
    let missing = size - len(&rows);
    if missing > 0 && !Part::Undated.is_excluded_by(query) {
        let offset = offset.saturating_sub(dated).max(0);
        rows.extend(load(connection, Part::Undated.sorted(listed, scan), missing, offset)?);
    }
    Ok(rows)
}

fn load(connection: &mut DbConnection, sorted: Matching, limit: i64, offset: i64) -> StoreResult<Vec<ContactRow>> {
    Ok(sorted.limit(limit).offset(offset).select(ContactRow::as_select()).load(connection)?)
}

fn len(rows: &[ContactRow]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}
