//! What a list request asks for: filters, sort and page.

use crate::{Call, CallSearch, Contact, ContactId, ContactSearch, Name, PhoneRegion, PhoneSearch, Timestamp};

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

/// One page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Where the page begins.
    pub start: PageStart,
    /// The size of each page.
    pub size: PageSize,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// At a multiple of the page size: the number of the page, counted from 1.
    Number(u64),
    /// At an item of the list.
    Cursor(Cursor),
}

/// A place in a list that stays the same when other items are inserted or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// The beginning of the list.
    First,
    /// The page follows this item, which need not exist any more.
    After(ItemKey),
    /// The page precedes this item, which need not exist any more.
    Before(ItemKey),
}

/// What determines the place of an item in a sorted list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemKey {
    /// The value by which the list is sorted.
    pub value: Timestamp,
    /// The id, which orders items with equal values.
    pub id: i64,
}

impl PageRequest {
    /// The smallest first page, for callers that need only the total.
    pub const SMALLEST: Self = Self { start: PageStart::Number(1), size: PageSize::SMALLEST };

    /// Returns a page by its number, counted from 1.
    pub fn numbered(number: u64, size: PageSize) -> Self {
        Self { start: PageStart::Number(number), size }
    }

    /// Returns the number of the page. `None` if it begins at a cursor.
    pub fn number(&self) -> Option<u64> {
        match self.start {
            PageStart::Number(number) => Some(number),
            PageStart::Cursor(_) => None,
        }
    }

    /// Returns the number of items before the page. `None` if the page begins at a cursor, or if the number exceeds what
    /// a store can skip.
    pub fn offset(&self) -> Option<i64> {
        let before = self.number()?.saturating_sub(1).checked_mul(u64::from(self.size.get()))?;
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
    /// Whether there are more items in the direction in which a page by cursor is read. False for other pages.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Returns a page of a list of `total` items.
    pub fn new(items: Vec<T>, total: u64) -> Self {
        Self { items, total, has_more: false }
    }

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

impl CallSortKey {
    /// Returns what determines the place of the call in a list that is sorted by this key.
    pub fn of(self, call: &Call) -> ItemKey {
        let value = match self {
            Self::CalledAt => call.details.called_at,
            Self::CreatedAt => call.created_at,
            Self::UpdatedAt => call.updated_at,
        };
        ItemKey { value, id: call.id.get() }
    }
}

/// What contacts are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactSortKey {
    /// When the contact was created.
    CreatedAt,
    /// When the contact last changed.
    UpdatedAt,
    /// When the contact is to be called next. Contacts without such a date come last in both directions.
    StayInTouchTriggerDate,
}

impl ContactSortKey {
    /// The value of a contact that has none. No date is as late.
    pub const NO_DATE: Timestamp = Timestamp::MAX;

    /// Returns what determines the place of the contact in a list that is sorted by this key.
    pub fn of(self, contact: &Contact) -> ItemKey {
        let value = match self {
            Self::CreatedAt => contact.created_at,
            Self::UpdatedAt => contact.updated_at,
            Self::StayInTouchTriggerDate => contact.stay_in_touch_trigger_date().unwrap_or(Self::NO_DATE),
        };
        ItemKey { value, id: contact.summary.id.get() }
    }
}

/// What the calls of a list have in common. Without any filter, the list has all calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilters {
    /// Words that the content has.
    pub search: CallSearch,
    /// The call is with one of these contacts, some of which need not exist.
    pub contacts: Option<Vec<ContactId>>,
    /// The call happened at this time or later.
    pub called_after: Option<Timestamp>,
    /// The call happened before this time.
    pub called_before: Option<Timestamp>,
    /// The call was recorded or changed at this time or later.
    pub updated_since: Option<Timestamp>,
    /// Whether the contact called.
    pub contact_called: Option<bool>,
    /// Whether the call was answered.
    pub answered: Option<bool>,
    /// The call has the same phone number.
    pub phone_number: Option<PhoneSearch>,
    /// The call has this external id.
    pub external_id: Option<Name>,
}

/// A request for a page of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallQuery {
    /// Lists the calls of this contact only, which must exist.
    pub contact: Option<ContactId>,
    /// The filters.
    pub filters: CallFilters,
    /// The sort.
    pub sort: Sort<CallSortKey>,
    /// The page.
    pub page: PageRequest,
}

impl CallQuery {
    /// Returns a request for a page of all calls, the newest call first.
    pub fn newest_first(page: PageRequest) -> Self {
        let sort = Sort { key: CallSortKey::CalledAt, direction: Direction::Descending };
        Self { contact: None, filters: CallFilters::default(), sort, page }
    }

    /// Reads the phone number by the rules of the region.
    #[must_use]
    pub fn in_region(mut self, region: Option<PhoneRegion>) -> Self {
        self.filters.phone_number = self.filters.phone_number.map(|search| search.in_region(region));
        self
    }
}

/// Whether contacts are to be called: the date of staying in touch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueFilter {
    /// Lists the contacts whose date has come, or all others, also those without a date.
    pub is_due: bool,
    /// The current time.
    pub now: Timestamp,
}

/// A request for a page of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactQuery {
    /// Lists only the contacts that match.
    pub search: ContactSearch,
    /// Lists only the contacts that have the same phone number.
    pub phone: Option<PhoneSearch>,
    /// Lists only the contacts that are to be called, or all others.
    pub due: Option<DueFilter>,
    /// The sort.
    pub sort: Sort<ContactSortKey>,
    /// The page.
    pub page: PageRequest,
}

impl ContactQuery {
    /// Returns a request for a page of all contacts, the oldest contact first.
    pub fn oldest_first(page: PageRequest) -> Self {
        let sort = Sort { key: ContactSortKey::CreatedAt, direction: Direction::Ascending };
        Self { search: ContactSearch::default(), phone: None, due: None, sort, page }
    }

    /// Reads the phone numbers by the rules of the region.
    #[must_use]
    pub fn in_region(mut self, region: Option<PhoneRegion>) -> Self {
        self.phone = self.phone.map(|search| search.in_region(region));
        self.search.phone = self.search.phone.map(|search| search.in_region(region));
        self
    }

    /// Returns a request for a page of the contacts that are to be called, the longest overdue first.
    pub fn longest_overdue_first(now: Timestamp, page: PageRequest) -> Self {
        let sort = Sort { key: ContactSortKey::StayInTouchTriggerDate, direction: Direction::Ascending };
        Self { due: Some(DueFilter { is_due: true, now }), sort, ..Self::oldest_first(page) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: u64, size: u32) -> PageRequest {
        PageRequest::numbered(number, PageSize::new(size).unwrap())
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
                let page = Page::<()>::new(vec![], total);
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
