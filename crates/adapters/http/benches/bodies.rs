//! `cargo bench -p callbook-http --features measuring --bench bodies`: the time and the memory that a request's body
//! needs. The largest bodies have 2 MiB.

use divan::{AllocProfiler, Bencher, black_box};
use http_adapter::measuring::parse_call;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const LIMIT: usize = 2 * 1024 * 1024;

fn main() {
    divan::main();
}

#[divan::bench(args = [false, true])]
fn usual_json(bencher: Bencher, is_keyed: bool) {
    let body = r#"{"content": "He called, we had fun.", "contact_id": 3, "called_at": "2018-02-02"}"#;
    bencher.bench_local(|| parse_call(black_box(body), false, is_keyed));
}

#[divan::bench]
fn usual_form(bencher: Bencher) {
    let body = "content=He+called%2C+we+had+fun.&contact_id=3&called_at=2018-02-02";
    bencher.bench_local(|| parse_call(black_box(body), true, false));
}

/// A JSON object of many small members.
#[divan::bench(args = [false, true], sample_count = 10)]
fn small_members(bencher: Bencher, is_keyed: bool) {
    let members: Vec<_> = (0..LIMIT / 11).map(|n| format!("\"{n:06x}\":1")).collect();
    let body = format!("{{{}}}", members.join(","));
    bencher.bench_local(|| parse_call(black_box(&body), false, is_keyed));
}

/// A form of many small members.
#[divan::bench(args = [false, true], sample_count = 10)]
fn small_pairs(bencher: Bencher, is_keyed: bool) {
    let body = (0..LIMIT / 9).map(|n| format!("{n:06x}=1")).collect::<Vec<_>>().join("&");
    bencher.bench_local(|| parse_call(black_box(&body), true, is_keyed));
}

/// A JSON list of many emotions.
#[divan::bench(sample_count = 10)]
fn emotions(bencher: Bencher) {
    let body = format!("{{\"emotions\": [{}]}}", vec!["1"; LIMIT / 2].join(","));
    bencher.bench_local(|| parse_call(black_box(&body), false, false));
}

/// A form with many items in each of two lists.
#[divan::bench(sample_count = 10)]
fn form_lists(bencher: Bencher) {
    let body = "emotions[]=1&content[]=1&".repeat(LIMIT / 25);
    bencher.bench_local(|| parse_call(black_box(&body), true, false));
}

/// A content of escapes, the longest that is accepted.
#[divan::bench(sample_count = 10)]
fn escaped_content(bencher: Bencher) {
    let body = format!("{{\"content\": \"{}\"}}", "\\ud83c\\udf89".repeat(100_000));
    bencher.bench_local(|| parse_call(black_box(&body), false, false));
}
