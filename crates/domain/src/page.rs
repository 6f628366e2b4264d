//! Pages of lists, and the orders in which lists are shown.

/// How many items a page holds: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u32);

impl PageSize {
    /// The largest page.
    pub const MAX: u32 = 100;
    /// A page of one item.
    pub const SMALLEST: Self = Self(1);

    /// A page of this many items; none outside 1 to [`PageSize::MAX`].
    pub fn new(items: u32) -> Option<Self> {
        (1..=Self::MAX).contains(&items).then_some(Self(items))
    }

    /// The number of items.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Upward or downward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The smallest first.
    Ascending,
    /// The largest first.
    Descending,
}

/// By what calls are sorted; ties by id in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOrder {
    /// When the call happened.
    CalledAt(Direction),
    /// When it was recorded.
    CreatedAt(Direction),
    /// When it was last changed.
    UpdatedAt(Direction),
}

/// By what contacts are sorted; ties by id in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactOrder {
    /// When the contact was made.
    CreatedAt(Direction),
    /// When it was last changed.
    UpdatedAt(Direction),
}

/// Which page of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest<Order> {
    /// The page, counted from 1.
    pub number: u64,
    /// Its size.
    pub size: PageSize,
    /// The order of the list.
    pub order: Order,
}

impl<Order> PageRequest<Order> {
    /// How many items stand before the page; none when that exceeds what a store can skip.
    pub fn offset(&self) -> Option<i64> {
        let before = self.number.saturating_sub(1).checked_mul(u64::from(self.size.get()))?;
        i64::try_from(before).ok()
    }
}

/// One page of a list, and how long the whole list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of this page, in the order asked.
    pub items: Vec<T>,
    /// The number of items on all pages, exact.
    pub total: u64,
}

impl<T> Page<T> {
    /// The number of the last page; an empty list has one page.
    pub fn last_number(&self, size: PageSize) -> u64 {
        self.total.div_ceil(u64::from(size.get())).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: u64, size: u32) -> PageRequest<CallOrder> {
        let size = PageSize::new(size).unwrap();
        PageRequest { number, size, order: CallOrder::CalledAt(Direction::Descending) }
    }

    #[test]
    fn a_page_holds_1_to_100_items() {
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
