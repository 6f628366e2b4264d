//! `cargo bench -p callbook-storage`: what it costs to find the way to a page.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use divan::Bencher;
use domain::{Direction, PageSize};
use storage::{PageScan, years};

fn main() {
    divan::main();
}

/// So many months of 7,575 calls, the newest first.
fn months(count: i32) -> Vec<(i32, i64)> {
    (0..count).rev().map(|month| (2014 * 12 + month, 7_575)).collect()
}

#[divan::bench(args = [12, 132, 1_200])]
fn way_to_the_middle(bencher: Bencher, count: i32) {
    let (months, total) = (months(count), i64::from(count) * 7_575);
    let size = PageSize::new(100).unwrap();
    bencher.bench(|| PageScan::shortest(Direction::Descending, black_box(&months), total, total / 2, size));
}

#[divan::bench(args = [12, 132, 1_200])]
fn years_of_months(bencher: Bencher, count: i32) {
    let months = months(count);
    bencher.bench(|| years(black_box(&months).iter().copied()));
}
