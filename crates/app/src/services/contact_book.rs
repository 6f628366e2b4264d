//! Keeping contacts.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{AccountId, Contact, ContactId, ContactOrder, ContactPatch, ContactSearch, NewContact, Page, PageRequest};
use ports::Result;
use ports::inbound::ContactService;
use ports::outbound::{Clock, ContactRepository};
use uuid::Uuid;

use super::Lease;

/// The contacts, in a repository.
pub struct ContactUseCases {
    contacts: Arc<dyn ContactRepository>,
    clock: Arc<dyn Clock>,
    _lease: Lease,
}

impl ContactUseCases {
    /// Over this repository.
    pub fn new(contacts: Arc<dyn ContactRepository>, clock: Arc<dyn Clock>, lease: Lease) -> Self {
        Self { contacts, clock, _lease: lease }
    }
}

#[async_trait]
impl ContactService for ContactUseCases {
    async fn list(
        &self,
        account: AccountId,
        search: ContactSearch,
        page: PageRequest<ContactOrder>,
    ) -> Result<Page<Contact>> {
        self.contacts.list(account, search, page).await
    }

    async fn find(&self, account: AccountId, contact: ContactId) -> Result<Contact> {
        self.contacts.find(account, contact).await
    }

    async fn add(&self, account: AccountId, contact: NewContact) -> Result<Contact> {
        self.contacts.create(account, contact, Uuid::new_v4(), self.clock.now()).await
    }

    async fn revise(&self, account: AccountId, contact: ContactId, change: ContactPatch) -> Result<Contact> {
        self.contacts.update(account, contact, change, self.clock.now()).await
    }

    async fn delete(&self, account: AccountId, contact: ContactId) -> Result<()> {
        self.contacts.delete(account, contact).await
    }
}
