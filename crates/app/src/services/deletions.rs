//! The use cases of deletions.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{AccountId, Deletion, DeletionQuery, Page, Timestamp};
use ports::Result;
use ports::inbound::DeletionService;
use ports::outbound::{Clock, DeletionRepository};

use super::Lease;

/// Implements [`DeletionService`] with a repository.
pub struct Deletions {
    repository: Arc<dyn DeletionRepository>,
    clock: Arc<dyn Clock>,
    _lease: Lease,
}

impl Deletions {
    /// Uses the repository and the clock.
    pub fn new(repository: Arc<dyn DeletionRepository>, clock: Arc<dyn Clock>, lease: Lease) -> Self {
        Self { repository, clock, _lease: lease }
    }

    /// Returns the time of the oldest deletions that are kept.
    fn kept_since(&self) -> Timestamp {
        Timestamp::from_unix(self.clock.now().unix() - Deletion::TTL_SECONDS).unwrap_or(Timestamp::MIN)
    }
}

#[async_trait]
impl DeletionService for Deletions {
    async fn list(&self, account: AccountId, query: DeletionQuery) -> Result<Option<Page<Deletion>>> {
        if query.since < self.kept_since() {
            return Ok(None);
        }
        self.repository.list(account, query).await.map(Some)
    }

    async fn forget_expired(&self) -> Result<()> {
        self.repository.forget(self.kept_since()).await
    }
}

#[cfg(test)]
mod tests {
    use domain::{Cursor, PageSize};
    use ports::outbound::{MockClock, MockDeletionRepository};

    use super::*;

    const DAY: i64 = 24 * 60 * 60;

    fn service(deletions: MockDeletionRepository) -> Deletions {
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_unix(200 * DAY).unwrap());
        Deletions::new(Arc::new(deletions), Arc::new(clock), Lease::new().0)
    }

    fn since(day: i64) -> DeletionQuery {
        DeletionQuery {
            since: Timestamp::from_unix(day * DAY).unwrap(),
            cursor: Cursor::First,
            size: PageSize::SMALLEST,
        }
    }

    #[actix_web::test]
    async fn lists_deletions_of_180_days() {
        let mut deletions = MockDeletionRepository::new();
        deletions.expect_list().times(1).returning(|_, _| Ok(Page::new(vec![], 0)));
        let service = service(deletions);
        let account = AccountId::new(1).unwrap();
        assert_eq!(service.list(account, since(20)).await.unwrap(), Some(Page::new(vec![], 0)));
        assert_eq!(service.list(account, since(19)).await.unwrap(), None);
    }

    #[actix_web::test]
    async fn forgets_deletions_after_180_days() {
        let mut deletions = MockDeletionRepository::new();
        deletions.expect_forget().times(1).withf(|before| before.unix() == 20 * DAY).returning(|_| Ok(()));
        service(deletions).forget_expired().await.unwrap();
    }
}
