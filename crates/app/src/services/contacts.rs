//! The use cases of contacts.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{AccountId, Contact, ContactId, ContactPatch, ContactQuery, NewContact, Page};
use ports::Result;
use ports::inbound::{ContactService, Precondition};
use ports::outbound::{Clock, ContactRepository};
use uuid::Uuid;

use super::Lease;

/// Implements [`ContactService`] with a repository.
pub struct Contacts {
    repository: Arc<dyn ContactRepository>,
    clock: Arc<dyn Clock>,
    _lease: Lease,
}

impl Contacts {
    /// Uses the repository and the clock.
    pub fn new(repository: Arc<dyn ContactRepository>, clock: Arc<dyn Clock>, lease: Lease) -> Self {
        Self { repository, clock, _lease: lease }
    }
}

#[async_trait]
impl ContactService for Contacts {
    async fn list(&self, account: AccountId, query: ContactQuery) -> Result<Page<Contact>> {
        self.repository.list(account, query).await
    }

    async fn find(&self, account: AccountId, contact: ContactId) -> Result<Contact> {
        self.repository.find(account, contact).await
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
