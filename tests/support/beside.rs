use std::sync::atomic::{AtomicBool, Ordering};

/// Does `main` while workers, numbered from 0, do their work again and again; what they did and what `main` returned.
/// A `main` that panics ends them as well.
pub fn beside<W: Send, T>(workers: i64, work: impl Fn(i64) -> W + Sync, main: impl FnOnce() -> T) -> (Vec<W>, T) {
    struct End<'a>(&'a AtomicBool);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let end = End(&ended);
        let repeat = |worker| {
            let mut done = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                done.push(work(worker));
            }
            done
        };
        let workers: Vec<_> = (0..workers).map(|worker| scope.spawn(move || repeat(worker))).collect();
        let value = main();
        drop(end);
        (workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect(), value)
    })
}

#[test]
#[should_panic(expected = "main failed")]
fn a_main_that_panics_ends_the_workers() {
    let main = || assert!(2 + 2 == 5, "main failed");
    beside(2, |_| std::thread::yield_now(), main);
}
