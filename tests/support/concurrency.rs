use std::sync::atomic::{AtomicBool, Ordering};

/// Does `main` while a worker for each of the items works on it again and again; how often they did, and what `main`
/// returned. A `main` that panics ends them as well.
pub fn beside<I: Send, T>(
    items: impl IntoIterator<Item = I>,
    work: impl Fn(&I) + Sync,
    main: impl FnOnce() -> T,
) -> (u64, T) {
    struct End<'a>(&'a AtomicBool);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let end = End(&ended);
        let repeat = |item| {
            let mut done = 0;
            while !ended.load(Ordering::Relaxed) {
                work(&item);
                done += 1;
            }
            done
        };
        let workers: Vec<_> = items.into_iter().map(|item| scope.spawn(move || repeat(item))).collect();
        let value = main();
        drop(end);
        (workers.into_iter().map(|worker| worker.join().unwrap()).sum(), value)
    })
}

#[test]
#[should_panic(expected = "main failed")]
fn a_main_that_panics_ends_the_workers() {
    beside::<_, ()>([1, 2], |_| std::thread::yield_now(), || panic!("main failed"));
}
