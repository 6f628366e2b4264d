//! Pages by cursor: the scan that reads a page, and the page of what it read.

use domain::{Cursor, Direction, ItemKey, PageRequest, PageSize, PageStart};

/// A scan along the sort of a list, from a cursor on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeysetScan {
    /// The direction in which items are read.
    pub direction: Direction,
    /// The scan begins beyond this place, in its direction. `None`: with the first item.
    pub beyond: Option<ItemKey>,
    /// The items are read in the reverse order of the list.
    is_reversed: bool,
    size: PageSize,
}

impl KeysetScan {
    /// Plans the scan of a page of a list that is sorted in this direction.
    pub fn new(direction: Direction, cursor: Cursor, size: PageSize) -> Self {
        let (direction, beyond, is_reversed) = match cursor {
            Cursor::First => (direction, None, false),
            Cursor::After(key) => (direction, Some(key), false),
            Cursor::Before(key) => (direction.reversed(), Some(key), true),
        };
        Self { direction, beyond, is_reversed, size }
    }

    /// The number of items to read: one more than the page has, which tells whether there are more.
    pub fn take(&self) -> i64 {
        i64::from(self.size.get()) + 1
    }

    /// Returns the page of the items that were read, in the order of the list, and whether there are more.
    pub fn page<T>(&self, mut items: Vec<T>) -> (Vec<T>, bool) {
        let size = self.size.get() as usize;
        let has_more = items.len() > size;
        items.truncate(size);
        if self.is_reversed {
            items.reverse();
        }
        (items, has_more)
    }
}

/// Returns a page of a list that is sorted in this direction, and whether there are more items in the direction of its
/// cursor.
pub fn page_of_sorted<'l>(list: &'l [ItemKey], direction: Direction, page: &PageRequest) -> (&'l [ItemKey], bool) {
    let size = page.size.get() as usize;
    let place = |key: ItemKey| (key.value, key.id);
    let precedes = |item: ItemKey, key: ItemKey| match direction {
        Direction::Ascending => place(item) < place(key),
        Direction::Descending => place(item) > place(key),
    };
    if let PageStart::Cursor(Cursor::Before(key)) = page.start {
        let end = list.partition_point(|item| precedes(*item, key));
        let start = end.saturating_sub(size);
        return (&list[start..end], start > 0);
    }
    let start = match page.start {
        PageStart::Cursor(Cursor::After(key)) => list.partition_point(|item| *item == key || precedes(*item, key)),
        PageStart::Cursor(_) => 0,
        PageStart::Number(_) => page.offset().and_then(|offset| usize::try_from(offset).ok()).unwrap_or(usize::MAX),
    };
    let start = start.min(list.len());
    let end = list.len().min(start + size);
    (&list[start..end], page.number().is_none() && end < list.len())
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

    #[test]
    fn cuts_pages_out_of_a_sorted_list() {
        let key = |id| ItemKey { value: Timestamp::EPOCH, id };
        let list: Vec<ItemKey> = [9, 7, 5, 3, 1].map(key).into();
        let page = |start| {
            let page = PageRequest { start, size: PageSize::new(2).unwrap() };
            let (items, has_more) = page_of_sorted(&list, Direction::Descending, &page);
            (items.iter().map(|key| key.id).collect::<Vec<_>>(), has_more)
        };
        let by_cursor = |cursor| page(PageStart::Cursor(cursor));
        assert_eq!(by_cursor(Cursor::First), (vec![9, 7], true));
        // Keys of items that exist, and of items that were deleted.
        for (after, before) in [(7, 3), (6, 2)] {
            assert_eq!(by_cursor(Cursor::After(key(after))), (vec![5, 3], true));
            assert_eq!(by_cursor(Cursor::Before(key(before))).0, if before == 3 { [7, 5] } else { [5, 3] });
        }
        assert_eq!(by_cursor(Cursor::Before(key(5))), (vec![9, 7], false));
        assert_eq!(by_cursor(Cursor::After(key(3))), (vec![1], false));
        assert_eq!(by_cursor(Cursor::After(key(1))), (vec![], false));
        assert_eq!(page(PageStart::Number(3)), (vec![1], false));
        assert_eq!(page(PageStart::Number(u64::MAX)), (vec![], false));
    }
}
