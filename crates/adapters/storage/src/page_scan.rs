//! Plans the index scan that reads a page deep in a long list.

use domain::{Direction, PageSize, Timestamp};

/// An index scan that reads a page: from a bound, past some items, over the items of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageScan {
    /// The order in which the index is read.
    pub direction: Direction,
    /// Where the scan starts: at this timestamp if it ascends, just below it if it descends. `None`: at the first
    /// entry in the direction of the scan.
    pub bound: Option<Timestamp>,
    /// How many items are skipped.
    pub skip: i64,
    /// How many items are read.
    pub take: i64,
    /// The items are read in the reverse order of the list.
    pub is_reversed: bool,
}

impl PageScan {
    /// The scan from the beginning of the list.
    pub fn from_start(direction: Direction, offset: i64, size: PageSize) -> Self {
        Self { direction, bound: None, skip: offset, take: size.get().into(), is_reversed: false }
    }

    /// Plans the scan that skips the fewest items, from either end of the list or of a month. `None` if the page is
    /// empty.
    ///
    /// `months` are the numbers of items by month, the newest month first; empty if the list has only
    /// some of the account's calls. `total` is the length of the list.
    pub fn plan(direction: Direction, months: &[(i32, i64)], total: i64, offset: i64, size: PageSize) -> Option<Self> {
        let end = total.min(offset.saturating_add(size.get().into()));
        if offset >= end {
            return None;
        }
        let buckets = buckets(direction, months, total);
        let bucket_of = |position: i64| buckets.iter().find(|bucket| position < bucket.end);
        let (first, last) = (bucket_of(offset)?, bucket_of(end - 1)?);
        let scan = |direction, month: Option<i32>, skip, is_reversed| {
            let bound = month.and_then(|month| bound(direction, month));
            Self { direction, bound, skip, take: end - offset, is_reversed }
        };
        let forward = scan(direction, first.month, offset - first.begin, false);
        let backward = scan(direction.reversed(), last.month, last.end - end, true);
        Some(if backward.skip < forward.skip { backward } else { forward })
    }
}

/// The positions of a month's items in the list, counted from 0. Without a month: the whole list.
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
    let mut next = |(month, items): &(i32, i64)| {
        let bucket = Bucket { month: Some(*month), begin, end: begin + items };
        begin = bucket.end;
        bucket
    };
    match direction {
        Direction::Descending => months.iter().map(&mut next).collect(),
        Direction::Ascending => months.iter().rev().map(&mut next).collect(),
    }
}

/// Where a scan in this direction enters the month.
fn bound(direction: Direction, month: i32) -> Option<Timestamp> {
    match direction {
        Direction::Ascending => Timestamp::start_of_month(month),
        Direction::Descending => Timestamp::start_of_month(month + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The timestamps of a list, and their numbers by month, the newest first.
    fn list() -> (Vec<Timestamp>, Vec<(i32, i64)>) {
        let mut timestamps = Vec::new();
        for (month, calls) in [(2015 * 12, 3), (2015 * 12 + 1, 1), (2016 * 12 + 5, 40), (2017 * 12 + 11, 7)] {
            let start = Timestamp::start_of_month(month).unwrap().unix();
            timestamps.extend((0..calls).map(|n| Timestamp::from_unix(start + n * 3_600).unwrap()));
        }
        let months = crate::count_by_month(timestamps.iter().copied()).into_iter().rev().collect();
        (timestamps, months)
    }

    /// The result of the scan, in the order of the list.
    fn run(scan: PageScan, timestamps: &[Timestamp]) -> Vec<Timestamp> {
        let mut items: Vec<_> = match scan.direction {
            Direction::Ascending => {
                timestamps.iter().copied().filter(|at| scan.bound.is_none_or(|bound| *at >= bound)).collect()
            }
            Direction::Descending => {
                timestamps.iter().rev().copied().filter(|at| scan.bound.is_none_or(|bound| *at < bound)).collect()
            }
        };
        let (skip, take) = (usize::try_from(scan.skip).unwrap(), usize::try_from(scan.take).unwrap());
        items = items.into_iter().skip(skip).take(take).collect();
        if scan.is_reversed {
            items.reverse();
        }
        items
    }

    #[test]
    fn every_scan_reads_its_page() {
        let (timestamps, months) = list();
        let total = i64::try_from(timestamps.len()).unwrap();
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut expected = timestamps.clone();
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
                        let scan = PageScan::plan(direction, months, total, offset, size);
                        let found = scan.map(|scan| run(scan, &timestamps)).unwrap_or_default();
                        assert_eq!(found, page, "{direction:?} {offset} {size:?} {scan:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_scan_skips_more_than_half_a_month() {
        let (_, months) = list();
        for offset in 0..51 {
            let scan = PageScan::plan(Direction::Descending, &months, 51, offset, PageSize::SMALLEST).unwrap();
            assert!(scan.skip <= 20, "{offset}: {scan:?}");
        }
    }

    #[test]
    fn the_last_possible_month_has_no_bound() {
        let newest = Timestamp::MAX.month_number();
        let scan = PageScan::plan(Direction::Descending, &[(newest, 5)], 5, 0, PageSize::SMALLEST).unwrap();
        assert_eq!((scan.bound, scan.skip), (None, 0));
    }
}
