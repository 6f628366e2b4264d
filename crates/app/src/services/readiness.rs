//! Whether requests can be served.

use std::sync::Arc;

use async_trait::async_trait;
use ports::Result;
use ports::inbound::HealthService;
use ports::outbound::{StoreHealth, StoreLoad};

use super::Lease;

/// Ready when the store is.
pub struct StoreHealthCheck {
    store: Arc<dyn StoreHealth>,
    _lease: Lease,
}

impl StoreHealthCheck {
    /// Over this store.
    pub fn new(store: Arc<dyn StoreHealth>, lease: Lease) -> Self {
        Self { store, _lease: lease }
    }
}

#[async_trait]
impl HealthService for StoreHealthCheck {
    async fn check(&self) -> Result<()> {
        self.store.check().await
    }

    fn load(&self) -> StoreLoad {
        self.store.load()
    }
}
