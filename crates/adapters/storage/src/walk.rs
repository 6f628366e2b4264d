//! How to come to a page of a long list without walking past all that stands before it.

use domain::{CallOrder, ContactId, Direction, PageSize, Timestamp};

/// A way along an index: from an edge, over some items, to the items of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageScan {
    /// Upward from the edge, or downward.
    pub direction: Direction,
    /// The edge: upward walks begin at it, downward walks just below it. None is the end of the list.
    pub edge: Option<Timestamp>,
    /// How many items are walked past.
    pub skip: i64,
    /// How many items are taken.
    pub take: i64,
    /// The items come in the opposite order of the list.
    pub is_reversed: bool,
}

impl PageScan {
    /// The way from the beginning of the list.
    pub fn from_the_beginning(direction: Direction, offset: i64, size: PageSize) -> Self {
        Self { direction, edge: None, skip: offset, take: size.get().into(), is_reversed: false }
    }

    /// The shortest way to a page of a list of `total` items, of which each month has as many as is told, the newest
    /// month first; no months, when the list is not sorted by what they count. None when the page is empty.
    pub fn shortest(
        direction: Direction,
        months: &[(i32, i64)],
        total: i64,
        offset: i64,
        size: PageSize,
    ) -> Option<Self> {
        let end = total.min(offset.saturating_add(size.get().into()));
        if offset >= end {
            return None;
        }
        let buckets = buckets(direction, months, total);
        let holding = |place: i64| buckets.iter().find(|bucket| place < bucket.end);
        let (first, last) = (holding(offset)?, holding(end - 1)?);
        let ahead = Self {
            direction,
            edge: first.month.and_then(|month| edge(direction, month)),
            skip: offset - first.begin,
            take: end - offset,
            is_reversed: false,
        };
        let direction = opposite(direction);
        let back = Self {
            direction,
            edge: last.month.and_then(|month| edge(direction, month)),
            skip: last.end - end,
            take: end - offset,
            is_reversed: true,
        };
        Some(if back.skip < ahead.skip { back } else { ahead })
    }
}

/// Whether the account's counters know the way: along `called_at`, through all of its calls.
pub fn is_counted(of: Option<ContactId>, order: CallOrder) -> bool {
    of.is_none() && matches!(order, CallOrder::CalledAt(_))
}

/// The column that a list is sorted by, and the direction.
pub fn index(order: CallOrder) -> (&'static str, Direction) {
    match order {
        CallOrder::CalledAt(direction) => ("called_at", direction),
        CallOrder::CreatedAt(direction) => ("created_at", direction),
        CallOrder::UpdatedAt(direction) => ("updated_at", direction),
    }
}

/// The places of the list, counted from 0, that one month takes.
struct Bucket {
    month: Option<i32>,
    begin: i64,
    end: i64,
}

fn buckets(direction: Direction, months: &[(i32, i64)], total: i64) -> Vec<Bucket> {
    if months.is_empty() {
        return vec![Bucket { month: None, begin: 0, end: total }];
    }
    let mut begin = 0;
    let mut next = |(month, calls): &(i32, i64)| {
        let bucket = Bucket { month: Some(*month), begin, end: begin + calls };
        begin = bucket.end;
        bucket
    };
    match direction {
        Direction::Descending => months.iter().map(&mut next).collect(),
        Direction::Ascending => months.iter().rev().map(&mut next).collect(),
    }
}

/// Where a walk in this direction enters the month.
fn edge(direction: Direction, month: i32) -> Option<Timestamp> {
    match direction {
        Direction::Ascending => Timestamp::start_of_month(month),
        Direction::Descending => Timestamp::start_of_month(month + 1),
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Ascending => Direction::Descending,
        Direction::Descending => Direction::Ascending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The instants of a list, and the calls of each of its months, the newest first.
    fn list() -> (Vec<Timestamp>, Vec<(i32, i64)>) {
        let mut instants = Vec::new();
        for (month, calls) in [(2015 * 12, 3), (2015 * 12 + 1, 1), (2016 * 12 + 5, 40), (2017 * 12 + 11, 7)] {
            let start = Timestamp::start_of_month(month).unwrap().unix();
            instants.extend((0..calls).map(|n| Timestamp::from_unix(start + n * 3_600).unwrap()));
        }
        let months = crate::months(instants.iter().copied()).into_iter().rev().collect();
        (instants, months)
    }

    /// What an index scan along the walk gives, in the order of the list.
    fn scan(walk: PageScan, instants: &[Timestamp]) -> Vec<Timestamp> {
        let mut along: Vec<_> = match walk.direction {
            Direction::Ascending => {
                instants.iter().copied().filter(|at| walk.edge.is_none_or(|edge| *at >= edge)).collect()
            }
            Direction::Descending => {
                instants.iter().rev().copied().filter(|at| walk.edge.is_none_or(|edge| *at < edge)).collect()
            }
        };
        let (skip, take) = (usize::try_from(walk.skip).unwrap(), usize::try_from(walk.take).unwrap());
        along = along.into_iter().skip(skip).take(take).collect();
        if walk.is_reversed {
            along.reverse();
        }
        along
    }

    #[test]
    fn every_walk_comes_to_its_page() {
        let (instants, months) = list();
        let total = i64::try_from(instants.len()).unwrap();
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut expected = instants.clone();
            if direction == Direction::Descending {
                expected.reverse();
            }
            for size in [1, 2, 7, 20, 100] {
                for offset in 0..total + 3 {
                    let size = PageSize::new(size).unwrap();
                    let page: Vec<_> = expected
                        .iter()
                        .copied()
                        .skip(usize::try_from(offset).unwrap())
                        .take(size.get() as usize)
                        .collect();
                    for months in [&months[..], &[]] {
                        let walk = PageScan::shortest(direction, months, total, offset, size);
                        let found = walk.map(|walk| scan(walk, &instants)).unwrap_or_default();
                        assert_eq!(found, page, "{direction:?} {offset} {size:?} {walk:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_walk_is_longer_than_half_a_month_and_a_page() {
        let (_, months) = list();
        for offset in 0..51 {
            let walk = PageScan::shortest(Direction::Descending, &months, 51, offset, PageSize::SMALLEST).unwrap();
            assert!(walk.skip <= 20, "{offset}: {walk:?}");
        }
    }

    #[test]
    fn the_last_month_of_time_has_an_open_edge() {
        let newest = Timestamp::MAX.month_number();
        let walk = PageScan::shortest(Direction::Descending, &[(newest, 5)], 5, 0, PageSize::SMALLEST).unwrap();
        assert_eq!((walk.edge, walk.skip), (None, 0));
    }
}
