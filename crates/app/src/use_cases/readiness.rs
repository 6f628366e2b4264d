//! Whether requests can be served.

use std::sync::Arc;

use async_trait::async_trait;
use ports::Result;
use ports::inbound::HealthService;
use ports::outbound::{StoreHealth, StoreLoad};

/// Ready when the store is.
pub struct StoreHealthCheck {
    store: Arc<dyn StoreHealth>,
}

impl StoreHealthCheck {
    /// Over this store.
    pub fn new(store: Arc<dyn StoreHealth>) -> Self {
        Self { store }
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
