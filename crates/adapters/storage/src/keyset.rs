//! Pages by cursor: the scan that reads a page, and the page of what it read.

use domain::{Cursor, Direction, ItemKey, PageSize};

/// A scan along the sort of a list, from a cursor on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeysetScan {
    /// The direction in which items are read.
    pub direction: Direction,
    /// The scan begins beyond this place, in its direction. `None`: with the first item.
    pub beyond: Option<ItemKey>,
    /// The items are read in the reverse order of the list.
    is_reversed: bool,
    size: usize,
}

impl KeysetScan {
    /// Plans the scan of a page of a list that is sorted in this direction.
    pub fn new(direction: Direction, cursor: Cursor, size: PageSize) -> Self {
        let (direction, beyond, is_reversed) = match cursor {
            Cursor::First => (direction, None, false),
            Cursor::After(key) => (direction, Some(key), false),
            Cursor::Before(key) => (direction.reversed(), Some(key), true),
        };
        Self { direction, beyond, is_reversed, size: size.get() as usize }
    }

    /// The number of items to read: one more than the page has, which tells whether there are more.
    pub fn take(&self) -> i64 {
        self.size as i64 + 1
    }

    /// Returns the page of the items that were read, in the order of the list, and whether there are more.
    pub fn page<T>(&self, mut items: Vec<T>) -> (Vec<T>, bool) {
        let has_more = items.len() > self.size;
        items.truncate(self.size);
        if self.is_reversed {
            items.reverse();
        }
        (items, has_more)
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn scan(cursor: Cursor) -> KeysetScan {
        KeysetScan::new(Direction::Descending, cursor, PageSize::new(2).unwrap())
    }

    #[test]
    fn a_page_before_an_item_is_read_backwards() {
        let key = ItemKey { value: Timestamp::EPOCH, id: 5 };
        let after = scan(Cursor::After(key));
        assert_eq!((after.direction, after.beyond, after.take()), (Direction::Descending, Some(key), 3));
        assert_eq!(after.page(vec![4, 3, 2]), (vec![4, 3], true));
        let before = scan(Cursor::Before(key));
        assert_eq!((before.direction, before.beyond), (Direction::Ascending, Some(key)));
        assert_eq!(before.page(vec![6, 7]), (vec![7, 6], false));
        assert_eq!(scan(Cursor::First).beyond, None);
    }
}
