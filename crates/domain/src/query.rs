//! What a list request asks for: filters, sort and page.

use crate::{ContactId, ContactSearch};

/// The number of items of a page: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u32);

impl PageSize {
    /// The number of items of the largest page.
    pub const MAX: u32 = 100;
    /// A page of one item.
    pub const SMALLEST: Self = Self(1);

    /// Returns a page size. `None` outside 1 to [`PageSize::MAX`].
    pub fn new(items: u32) -> Option<Self> {
        (1..=Self::MAX).contains(&items).then_some(Self(items))
    }

    /// Returns the number of items.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// One page of a list, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The number of the page, counted from 1.
    pub number: u64,
    /// The size of each page.
    pub size: PageSize,
}

impl PageRequest {
    /// The smallest first page, for callers that need only the total.
    pub const SMALLEST: Self = Self { number: 1, size: PageSize::SMALLEST };

    /// Returns the number of items before the page. `None` if it exceeds what a store can skip.
    pub fn offset(&self) -> Option<i64> {
        let before = self.number.saturating_sub(1).checked_mul(u64::from(self.size.get()))?;
        i64::try_from(before).ok()
    }
}

/// One page of a list, with the length of the whole list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of the page, in the order of the list.
    pub items: Vec<T>,
    /// The number of items on all pages, exact.
    pub total: u64,
}

impl<T> Page<T> {
    /// Returns the number of the last page. An empty list has one page.
    pub fn last_number(&self, size: PageSize) -> u64 {
        self.total.div_ceil(u64::from(size.get())).max(1)
    }
}

/// The direction of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The smallest first.
    Ascending,
    /// The largest first.
    Descending,
}

impl Direction {
    /// Returns the opposite direction.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// A sort by one key. Items with equal keys are sorted by id in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort<Key> {
    /// The key.
    pub key: Key,
    /// The direction.
    pub direction: Direction,
}

/// What calls are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallSortKey {
    /// When the call happened.
    CalledAt,
    /// When the call was recorded.
    CreatedAt,
    /// When the call last changed.
    UpdatedAt,
}

/// What contacts are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactSortKey {
    /// When the contact was created.
    CreatedAt,
    /// When the contact last changed.
    UpdatedAt,
}

/// A request for a page of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallQuery {
    /// Lists the calls of this contact only.
    pub contact: Option<ContactId>,
    /// The sort.
    pub sort: Sort<CallSortKey>,
    /// The page.
    pub page: PageRequest,
}

impl CallQuery {
    /// Returns a request for a page of all calls, the newest call first.
    pub fn newest_first(page: PageRequest) -> Self {
        Self { contact: None, sort: Sort { key: CallSortKey::CalledAt, direction: Direction::Descending }, page }
    }
}

/// A request for a page of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactQuery {
    /// Lists only the contacts that match.
    pub search: ContactSearch,
    /// The sort.
    pub sort: Sort<ContactSortKey>,
    /// The page.
    pub page: PageRequest,
}

impl ContactQuery {
    /// Returns a request for a page of all contacts, the oldest contact first.
    pub fn oldest_first(page: PageRequest) -> Self {
        let sort = Sort { key: ContactSortKey::CreatedAt, direction: Direction::Ascending };
        Self { search: ContactSearch::default(), sort, page }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: u64, size: u32) -> PageRequest {
        PageRequest { number, size: PageSize::new(size).unwrap() }
    }

    #[test]
    fn a_page_has_1_to_100_items() {
        assert_eq!(PageSize::new(0), None);
        assert_eq!(PageSize::new(1).map(PageSize::get), Some(1));
        assert_eq!(PageSize::new(100).map(PageSize::get), Some(100));
        assert_eq!(PageSize::new(101), None);
    }

    #[test]
    fn pages_partition_the_list() {
        for total in 0..=60_u64 {
            for size in 1..=20 {
                let page = Page::<()> { items: vec![], total };
                let last = page.last_number(PageSize::new(size).unwrap());
                let on = |number| {
                    let before = request(number, size).offset().unwrap().unsigned_abs();
                    total.saturating_sub(before).min(u64::from(size))
                };
                assert_eq!((1..=last).map(on).sum::<u64>(), total, "{total} in {size}s");
                assert!(last == 1 || on(last) > 0, "{total} in {size}s");
                assert_eq!(on(last + 1), 0, "{total} in {size}s");
            }
        }
    }

    #[test]
    fn a_page_beyond_all_numbers_has_no_offset() {
        assert_eq!(request(u64::MAX, 100).offset(), None);
        assert_eq!(request(1, 100).offset(), Some(0));
    }
}
