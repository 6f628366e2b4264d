//! The use cases of operations: health, load and audit.

use std::sync::Arc;

use async_trait::async_trait;
use ports::Result;
use ports::inbound::OperationsService;
use ports::outbound::{CounterAudit, StoreLoad, StoreOperations};

use super::Lease;

/// Implements [`OperationsService`] with the operations of the store.
pub struct Operations {
    store: Arc<dyn StoreOperations>,
    _lease: Lease,
}

impl Operations {
    /// Uses the store.
    pub fn new(store: Arc<dyn StoreOperations>, lease: Lease) -> Self {
        Self { store, _lease: lease }
    }
}

#[async_trait]
impl OperationsService for Operations {
    async fn check(&self) -> Result<()> {
        self.store.check().await
    }

    fn load(&self) -> StoreLoad {
        self.store.load()
    }

    fn audit_counters(&self) -> Result<CounterAudit> {
        self.store.audit_counters()
    }
}
