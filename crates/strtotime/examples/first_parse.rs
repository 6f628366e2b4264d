//! Compares the first call in a process with the second: `cargo run --release -p strtotime --example first_parse`.

use std::time::Instant;

fn main() {
    for text in ["2018-02-02", "first monday of next month 9:30 Europe/Paris"] {
        for which in ["first", "second"] {
            let start = Instant::now();
            let timestamp = strtotime::strtotime(text, 1_709_202_030);
            println!("{which:6} {text:?}: {timestamp:?} in {:?}", start.elapsed());
        }
    }
}
