//! The use cases of contacts.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    AccountId, Contact, ContactId, ContactPatch, ContactQuery, NewContact, Page, PhoneNumber, PhoneRegion, PhoneSearch,
};
use ports::Result;
use ports::inbound::{ContactService, Precondition};
use ports::outbound::{Clock, ContactRepository};
use uuid::Uuid;

use super::Lease;

/// Implements [`ContactService`] with a repository.
pub struct Contacts {
    repository: Arc<dyn ContactRepository>,
    clock: Arc<dyn Clock>,
    region: Option<PhoneRegion>,
    _lease: Lease,
}

impl Contacts {
    /// Uses the repository and the clock. Phone numbers are read by the rules of the region.
    pub fn new(
        repository: Arc<dyn ContactRepository>,
        clock: Arc<dyn Clock>,
        region: Option<PhoneRegion>,
        lease: Lease,
    ) -> Self {
        Self { repository, clock, region, _lease: lease }
    }
}

#[async_trait]
impl ContactService for Contacts {
    async fn list(&self, account: AccountId, query: ContactQuery) -> Result<Page<Contact>> {
        self.repository.list(account, query.in_region(self.region)).await
    }

    async fn find(&self, account: AccountId, contact: ContactId) -> Result<Contact> {
        self.repository.find(account, contact).await
    }

    async fn find_by_phone(&self, account: AccountId, numbers: Vec<PhoneNumber>) -> Result<Vec<Vec<ContactId>>> {
        let searches = numbers.into_iter().map(|number| PhoneSearch::new(number).in_region(self.region)).collect();
        self.repository.find_by_phone(account, searches).await
    }

    async fn create(&self, account: AccountId, contact: NewContact) -> Result<Contact> {
        let field_uuids = new_uuids(contact.fields.len());
        self.repository.create(account, contact, Uuid::new_v4(), field_uuids, self.clock.now()).await
    }

    async fn update(
        &self,
        account: AccountId,
        contact: ContactId,
        patch: ContactPatch,
        precondition: Option<Precondition<Contact>>,
    ) -> Result<Contact> {
        let field_uuids = new_uuids(patch.fields.len());
        self.repository.update(account, contact, patch, field_uuids, self.clock.now(), precondition).await
    }

    async fn delete(
        &self,
        account: AccountId,
        contact: ContactId,
        precondition: Option<Precondition<Contact>>,
    ) -> Result<()> {
        self.repository.delete(account, contact, self.clock.now(), precondition).await
    }
}

fn new_uuids(count: usize) -> Vec<Uuid> {
    std::iter::repeat_with(Uuid::new_v4).take(count).collect()
}

#[cfg(test)]
mod tests {
    use domain::{ContactSearch, PageRequest};
    use ports::outbound::{MockClock, MockContactRepository};

    use super::*;

    #[actix_web::test]
    async fn finds_numbers_in_the_configured_region() {
        let (account, contact) = (AccountId::new(5).unwrap(), ContactId::new(3).unwrap());
        let number = PhoneNumber::parse("031 000 00 00").unwrap();
        let search = PhoneSearch::new(number.clone());
        let expected = search.clone().in_region(PhoneRegion::parse("CH"));
        let mut contacts = MockContactRepository::new();
        let searches = vec![expected.clone()];
        contacts
            .expect_find_by_phone()
            .withf(move |_, sought| *sought == searches)
            .return_once(move |_, _| Ok(vec![vec![contact]]));
        contacts
            .expect_list()
            .withf(move |_, query| {
                query.phone.as_ref() == Some(&expected) && query.search.phone.as_ref() == Some(&expected)
            })
            .return_once(|_, _| Ok(Page::new(Vec::new(), 0)));
        let clock = Arc::new(MockClock::new());
        let service = Contacts::new(Arc::new(contacts), clock, PhoneRegion::parse("CH"), Lease::new().0);
        assert_eq!(service.find_by_phone(account, vec![number]).await.unwrap(), [[contact]]);
        let query = ContactQuery {
            search: ContactSearch { phone: Some(search.clone()), ..ContactSearch::default() },
            phone: Some(search),
            ..ContactQuery::oldest_first(PageRequest::SMALLEST)
        };
        assert_eq!(service.list(account, query).await.unwrap().total, 0);
    }
}
