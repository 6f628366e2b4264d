//! The use cases of contact fields.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{AccountId, ContactFieldId, ContactId, FieldOfContact, NewContactField};
use ports::Result;
use ports::inbound::ContactFieldService;
use ports::outbound::{Clock, ContactFieldRepository};
use uuid::Uuid;

use super::Lease;

/// Implements [`ContactFieldService`] with a repository.
pub struct ContactFields {
    repository: Arc<dyn ContactFieldRepository>,
    clock: Arc<dyn Clock>,
    _lease: Lease,
}

impl ContactFields {
    /// Uses the repository and the clock.
    pub fn new(repository: Arc<dyn ContactFieldRepository>, clock: Arc<dyn Clock>, lease: Lease) -> Self {
        Self { repository, clock, _lease: lease }
    }
}

#[async_trait]
impl ContactFieldService for ContactFields {
    async fn find(&self, account: AccountId, field: ContactFieldId) -> Result<FieldOfContact> {
        self.repository.find(account, field).await
    }

    async fn create(&self, account: AccountId, contact: ContactId, field: NewContactField) -> Result<FieldOfContact> {
        self.repository.create(account, contact, field, Uuid::new_v4(), self.clock.now()).await
    }

    async fn update(
        &self,
        account: AccountId,
        field: ContactFieldId,
        contact: ContactId,
        content: NewContactField,
    ) -> Result<FieldOfContact> {
        self.repository.update(account, field, contact, content, self.clock.now()).await
    }

    async fn delete(&self, account: AccountId, field: ContactFieldId) -> Result<()> {
        self.repository.delete(account, field, self.clock.now()).await
    }
}
