//! Benchmarks: `cargo bench -p strtotime`.

use std::hint::black_box;

use divan::Bencher;
use strtotime::strtotime;

const NOW: i64 = 1_709_202_030;

fn main() {
    divan::main();
}

#[divan::bench(args = [
    "2018-02-02",
    "2018-02-02T10:00:00Z",
    "+1 week first wednesday july 23rd, 2008",
    "first monday of next month 9:30 Europe/Paris",
    "last wednesday of previous month noon +12 weekdays 3 fortnights ago America/Argentina/Buenos_Aires",
])]
fn short_text(text: &str) -> Option<i64> {
    strtotime(black_box(text), NOW)
}

/// Texts of 100,000 characters.
#[divan::bench(args = ["1", " ", ".", "monday ", "+1 day ", "2018 ", "Feb 2 ", "+", "x", "Ab-"])]
fn long_text(bencher: Bencher, unit: &str) {
    bencher.with_inputs(|| unit.repeat(100_000 / unit.len())).bench_refs(|text| strtotime(black_box(text), NOW));
}
