//! Work that goes on while a test does something else.

use std::sync::atomic::{AtomicBool, Ordering};

/// Runs `main` while one thread for each item calls `work` in a loop.
///
/// Returns how often `work` was called, and the value of `main`. The threads also end if `main` panics.
pub fn run_with_workers<I: Send, T>(
    items: impl IntoIterator<Item = I>,
    work: impl Fn(&I) + Sync,
    main: impl FnOnce() -> T,
) -> (u64, T) {
    struct StopOnDrop<'a>(&'a AtomicBool);
    impl Drop for StopOnDrop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stop = StopOnDrop(&stopped);
        let repeat = |item| {
            let mut count = 0;
            while !stopped.load(Ordering::Relaxed) {
                work(&item);
                count += 1;
            }
            count
        };
        let workers: Vec<_> = items.into_iter().map(|item| scope.spawn(move || repeat(item))).collect();
        let value = main();
        drop(stop);
        (workers.into_iter().map(|worker| worker.join().unwrap()).sum(), value)
    })
}

#[test]
#[should_panic(expected = "main failed")]
fn stops_the_workers_if_main_panics() {
    run_with_workers::<_, ()>([1, 2], |_| std::thread::yield_now(), || panic!("main failed"));
}
