//! `cargo bench -p callbook-storage`: the cost of planning a page's scan.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use divan::Bencher;
use domain::{Direction, PageSize};
use storage::{PageScan, calls_per_year};

fn main() {
    divan::main();
}

/// The counters of `count` months with 7,575 calls each, the newest first.
fn months(count: i32) -> Vec<(i32, i64)> {
    (0..count).rev().map(|month| (2014 * 12 + month, 7_575)).collect()
}

#[divan::bench(args = [12, 132, 1_200])]
fn plan_the_middle_page(bencher: Bencher, count: i32) {
    let (months, total) = (months(count), i64::from(count) * 7_575);
    let size = PageSize::new(100).unwrap();
    bencher.bench(|| PageScan::plan(Direction::Descending, black_box(&months), total, total / 2, size));
}

#[divan::bench(args = [12, 132, 1_200])]
fn years_of_months(bencher: Bencher, count: i32) {
    let months = months(count);
    bencher.bench(|| calls_per_year(black_box(&months).iter().copied()));
}
