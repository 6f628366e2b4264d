//! The use cases of calls.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    AccountId, Call, CallContact, CallId, CallPatch, CallQuery, CallUpsert, IdempotencyKey, ItemKey, NewCall, Outcome,
    PhoneRegion, RecordedCall,
};
use ports::inbound::{CallPage, CallService, Precondition};
use ports::outbound::{CallRepository, Clock};
use ports::{Error, Result};
use uuid::Uuid;

use super::Lease;

/// Implements [`CallService`] with a repository.
pub struct Calls {
    repository: Arc<dyn CallRepository>,
    clock: Arc<dyn Clock>,
    region: Option<PhoneRegion>,
    _lease: Lease,
}

impl Calls {
    /// Uses the repository and the clock. Phone numbers are read by the rules of the region.
    pub fn new(
        repository: Arc<dyn CallRepository>,
        clock: Arc<dyn Clock>,
        region: Option<PhoneRegion>,
        lease: Lease,
    ) -> Self {
        Self { repository, clock, region, _lease: lease }
    }
}

#[async_trait]
impl CallService for Calls {
    async fn list(&self, account: AccountId, query: CallQuery) -> Result<CallPage> {
        self.repository.list(account, query.in_region(self.region)).await
    }

    async fn find(&self, account: AccountId, call: CallId) -> Result<Call> {
        self.repository.find(account, call).await
    }

    async fn keys(
        &self,
        account: AccountId,
        query: CallQuery,
        after: Option<ItemKey>,
        limit: u32,
    ) -> Result<Vec<ItemKey>> {
        self.repository.keys(account, query.in_region(self.region), after, limit).await
    }

    async fn find_many(&self, account: AccountId, calls: Vec<CallId>) -> Result<Vec<Call>> {
        self.repository.find_many(account, calls).await
    }

    async fn create(&self, account: AccountId, call: CallUpsert, key: Option<IdempotencyKey>) -> Result<RecordedCall> {
        let (uuid, now) = (Uuid::new_v4(), self.clock.now());
        let has_external_id = call.details.external_id.is_some();
        let call = match call {
            CallUpsert { contact: CallContact::Id(contact), details, .. } if !has_external_id => {
                let new = NewCall { contact, details };
                let call = self.repository.create(account, new, uuid, now, key).await?;
                return Ok(RecordedCall { call, outcome: Outcome::Created });
            }
            call => call.in_region(self.region),
        };
        let calls = vec![(uuid, call)];
        let mut recorded = self.repository.upsert(account, calls, now, key).await?;
        recorded.pop().ok_or_else(|| Error::internal("an upsert has no result"))?
    }

    async fn create_many(&self, account: AccountId, calls: Vec<CallUpsert>) -> Result<Vec<Result<RecordedCall>>> {
        let calls = calls.into_iter().map(|call| (Uuid::new_v4(), call.in_region(self.region))).collect();
        self.repository.upsert(account, calls, self.clock.now(), None).await
    }

    async fn update(
        &self,
        account: AccountId,
        call: CallId,
        patch: CallPatch,
        precondition: Option<Precondition>,
    ) -> Result<Call> {
        self.repository.update(account, call, patch, self.clock.now(), precondition).await
    }

    async fn delete(&self, account: AccountId, call: CallId, precondition: Option<Precondition>) -> Result<()> {
        self.repository.delete(account, call, self.clock.now(), precondition).await
    }
}

#[cfg(test)]
mod tests {
    use domain::{CallDetails, ContactId, Name, PageRequest, PhoneNumber, PhoneSearch, Timestamp};
    use ports::outbound::{MockCallRepository, MockClock};

    use super::*;

    fn service(calls: MockCallRepository) -> Calls {
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_unix(7).unwrap());
        Calls::new(Arc::new(calls), Arc::new(clock), PhoneRegion::parse("CH"), Lease::new().0)
    }

    fn account() -> AccountId {
        AccountId::new(5).unwrap()
    }

    fn new_call() -> NewCall {
        NewCall { contact: ContactId::new(3).unwrap(), details: CallDetails::at(Timestamp::MIN) }
    }

    fn upsert() -> CallUpsert {
        CallUpsert { patch: CallPatch::default(), ..new_call().into() }
    }

    fn number() -> PhoneSearch {
        PhoneSearch::new(PhoneNumber::parse("031 000 00 00").unwrap())
    }

    fn number_in_switzerland() -> PhoneSearch {
        number().in_region(PhoneRegion::parse("CH"))
    }

    #[actix_web::test]
    async fn creates_a_call_now_with_a_random_uuid() {
        let mut calls = MockCallRepository::new();
        calls
            .expect_create()
            .times(2)
            .withf(|account, call, uuid, now, key| {
                let is_new = uuid.get_version_num() == 4 && now.unix() == 7 && key.is_none();
                account.get() == 5 && *call == new_call() && is_new
            })
            .returning(|_, _, _, _, _| Err(Error::NotFound));
        let service = service(calls);
        for _ in 0..2 {
            let result = service.create(account(), upsert(), None).await;
            assert!(matches!(result, Err(Error::NotFound)), "the error of the repository is returned");
        }
    }

    #[actix_web::test]
    async fn upserts_a_call_with_an_external_id() {
        let mut calls = MockCallRepository::new();
        let is_keyed = CallPatch { external_id: Some(Name::parse("pbx-1").ok()), ..CallPatch::default() };
        let keyed = CallUpsert { patch: is_keyed.clone(), ..is_keyed.apply(new_call()).into() };
        let expected = keyed.clone();
        calls
            .expect_upsert()
            .withf(move |_, calls, now, key| {
                calls.len() == 1 && calls[0].1 == expected && now.unix() == 7 && key.is_none()
            })
            .return_once(|_, _, _, _| Ok(vec![Err(Error::Archived)]));
        let result = service(calls).create(account(), keyed, None).await;
        assert!(matches!(result, Err(Error::Archived)));
    }

    #[actix_web::test]
    async fn records_a_call_with_the_contact_that_has_the_number() {
        let mut calls = MockCallRepository::new();
        let has_region = |calls: &[(Uuid, CallUpsert)]| {
            calls.iter().all(|(_, call)| call.contact == CallContact::Number(number_in_switzerland()))
        };
        let expected = calls.expect_upsert().times(2).withf(move |_, calls, _, _| has_region(calls));
        expected.returning(|_, calls, _, _| Ok(calls.iter().map(|_| Err(Error::SeveralContacts)).collect()));
        let (service, call) = (service(calls), CallUpsert { contact: CallContact::Number(number()), ..upsert() });
        let result = service.create(account(), call.clone(), None).await;
        assert!(matches!(result, Err(Error::SeveralContacts)));
        let results = service.create_many(account(), vec![call.clone(), call]).await.unwrap();
        assert_eq!(results.len(), 2);
    }

    #[actix_web::test]
    async fn filters_by_a_number_in_the_configured_region() {
        let mut calls = MockCallRepository::new();
        let has_region = |query: &CallQuery| query.filters.phone_number == Some(number_in_switzerland());
        calls.expect_list().withf(move |_, query| has_region(query)).return_once(|_, _| Err(Error::NotFound));
        calls.expect_keys().withf(move |_, query, _, _| has_region(query)).return_once(|_, _, _, _| Ok(vec![]));
        let mut query = CallQuery::newest_first(PageRequest::SMALLEST);
        query.filters.phone_number = Some(number());
        let service = service(calls);
        assert!(matches!(service.list(account(), query.clone()).await, Err(Error::NotFound)));
        assert_eq!(service.keys(account(), query, None, 1).await.unwrap(), []);
    }

    #[actix_web::test]
    async fn updates_a_call_now_with_its_precondition() {
        let mut calls = MockCallRepository::new();
        let patch = CallPatch { contact_called: Some(true), ..CallPatch::default() };
        let expected = patch.clone();
        calls
            .expect_update()
            .withf(move |_, call, patch, now, precondition| {
                call.get() == 9 && *patch == expected && now.unix() == 7 && precondition.is_some()
            })
            .return_once(|_, _, _, _, _| Err(Error::Archived));
        let precondition: Precondition = Arc::new(|_| false);
        let call = CallId::new(9).unwrap();
        let result = service(calls).update(account(), call, patch, Some(precondition)).await;
        assert!(matches!(result, Err(Error::Archived)));
    }
}
