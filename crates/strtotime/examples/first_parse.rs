//! What the first text of a process costs: `cargo run --release -p strtotime --example first_parse`

use std::time::Instant;

fn main() {
    for text in ["2018-02-02", "first monday of next month 9:30 Europe/Paris"] {
        for which in ["first", "second"] {
            let start = Instant::now();
            let instant = strtotime::strtotime(text, 1_709_202_030);
            println!("{which:6} {text:?}: {instant:?} in {:?}", start.elapsed());
        }
    }
}
