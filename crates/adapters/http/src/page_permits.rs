//! Limits how many items of pages are in memory while they are loaded and serialised.

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::time::timeout;
use domain::PageSize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::responses::error::{ApiError, ApiResult};

/// The time for which a page waits for others.
const WAIT_TIMEOUT: Duration = Duration::from_secs(2);

/// The maximal number of items on a small page. Both default sizes are small.
const MAX_SMALL_PAGE: u32 = 15;

/// The maximal number of items on all small pages. A call has at most 400 KB, and about as much in JSON, which the
/// budget of all responses limits.
const SMALL_PAGE_ITEMS: u32 = 320;

/// The maximal number of items on all larger pages.
const LARGE_PAGE_ITEMS: u32 = 400;

/// The maximal number of exports at once. Each holds a few calls in memory.
const MAX_EXPORTS: usize = 4;

/// Permits for items on pages. Small pages have permits of their own, so that they do not wait for large ones.
pub struct PagePermits {
    small: Semaphore,
    large: Semaphore,
    exports: Arc<Semaphore>,
}

impl PagePermits {
    pub fn new() -> Self {
        Self {
            small: Semaphore::new(SMALL_PAGE_ITEMS as usize),
            large: Semaphore::new(LARGE_PAGE_ITEMS as usize),
            exports: Arc::new(Semaphore::new(MAX_EXPORTS)),
        }
    }

    /// Waits for the permit for a streamed export. An error if that takes too long.
    pub async fn acquire_export(&self) -> ApiResult<OwnedSemaphorePermit> {
        let acquired = timeout(WAIT_TIMEOUT, self.exports.clone().acquire_owned()).await;
        acquired.ok().and_then(Result::ok).ok_or_else(|| ApiError::overloaded("too many exports"))
    }

    /// Waits for the permits for a page of this size. An error if that takes too long.
    pub async fn acquire(&self, size: PageSize) -> ApiResult<SemaphorePermit<'_>> {
        let items = size.get();
        let permits = if items <= MAX_SMALL_PAGE { &self.small } else { &self.large };
        let acquired = timeout(WAIT_TIMEOUT, permits.acquire_many(items)).await;
        acquired.ok().and_then(Result::ok).ok_or_else(|| ApiError::overloaded("too many large pages"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn small_pages_do_not_wait_for_large_ones() {
        let permits = PagePermits::new();
        let mut large = Vec::new();
        for _ in 0..LARGE_PAGE_ITEMS / 100 {
            large.push(permits.acquire(PageSize::new(100).unwrap()).await.unwrap());
        }
        let small = permits.acquire(PageSize::new(10).unwrap()).await;
        assert!(small.is_ok());
        let another = permits.acquire(PageSize::new(100).unwrap()).await;
        assert!(matches!(another, Err(ApiError::Unavailable(_))));
        drop(large);
        assert!(permits.acquire(PageSize::new(100).unwrap()).await.is_ok());
    }
}
