//! Keeping the log of calls.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{AccountId, Call, CallId, CallOrder, CallPatch, ContactId, IdempotencyKey, NewCall, PageRequest, Version};
use ports::Result;
use ports::inbound::{CallPage, CallService};
use ports::outbound::{CallRepository, Clock};
use uuid::Uuid;

use super::Lease;

/// The log of calls, in a repository.
pub struct CallUseCases {
    calls: Arc<dyn CallRepository>,
    clock: Arc<dyn Clock>,
    _lease: Lease,
}

impl CallUseCases {
    /// Over this repository.
    pub fn new(calls: Arc<dyn CallRepository>, clock: Arc<dyn Clock>, lease: Lease) -> Self {
        Self { calls, clock, _lease: lease }
    }
}

#[async_trait]
impl CallService for CallUseCases {
    async fn list(&self, account: AccountId, of: Option<ContactId>, page: PageRequest<CallOrder>) -> Result<CallPage> {
        self.calls.list(account, of, page).await
    }

    async fn find(&self, account: AccountId, call: CallId) -> Result<Call> {
        self.calls.find(account, call).await
    }

    async fn record(&self, account: AccountId, call: NewCall, once: Option<IdempotencyKey>) -> Result<Call> {
        self.calls.create(account, call, Uuid::new_v4(), self.clock.now(), once).await
    }

    async fn revise(
        &self,
        account: AccountId,
        call: CallId,
        change: CallPatch,
        expected: Option<Vec<Version>>,
    ) -> Result<Call> {
        self.calls.update(account, call, change, self.clock.now(), expected).await
    }

    async fn delete(&self, account: AccountId, call: CallId, expected: Option<Vec<Version>>) -> Result<()> {
        self.calls.delete(account, call, expected).await
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use ports::Error;
    use ports::outbound::{MockCallRepository, MockClock};

    use super::*;

    fn logbook(calls: MockCallRepository) -> CallUseCases {
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_unix(7).unwrap());
        CallUseCases::new(Arc::new(calls), Arc::new(clock), Lease::new().0)
    }

    fn new_call() -> NewCall {
        NewCall {
            contact: ContactId::from_store(3),
            called_at: Timestamp::MIN,
            content: None,
            contact_called: None,
            emotions: vec![],
        }
    }

    #[actix_web::test]
    async fn a_call_is_recorded_now_under_a_new_uuid() {
        let mut calls = MockCallRepository::new();
        calls
            .expect_create()
            .times(2)
            .withf(|account, call, uuid, now, once| {
                let is_new = uuid.get_version_num() == 4 && now.unix() == 7 && once.is_none();
                account.get() == 5 && *call == new_call() && is_new
            })
            .returning(|_, _, _, _, _| Err(Error::NotFound));
        let logbook = logbook(calls);
        for _ in 0..2 {
            let answer = logbook.record(AccountId::from_store(5), new_call(), None).await;
            assert!(matches!(answer, Err(Error::NotFound)), "the repository's refusal is the answer");
        }
    }

    #[actix_web::test]
    async fn a_call_is_changed_now() {
        let mut calls = MockCallRepository::new();
        let change = CallPatch { contact_called: Some(true), ..CallPatch::default() };
        let expected = change.clone();
        calls
            .expect_update()
            .withf(move |_, call, change, now, version| {
                call.get() == 9 && *change == expected && now.unix() == 7 && *version == Some(vec![Version(1)])
            })
            .return_once(|_, _, _, _, _| Err(Error::Archived));
        let answer = logbook(calls)
            .revise(AccountId::from_store(5), CallId::from_store(9), change, Some(vec![Version(1)]))
            .await;
        assert!(matches!(answer, Err(Error::Archived)));
    }
}
