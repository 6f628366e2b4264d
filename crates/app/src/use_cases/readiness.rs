//! Whether requests can be served.

use std::sync::Arc;

use async_trait::async_trait;
use ports::Result;
use ports::inbound::Readiness;
use ports::outbound::{StoreHealth, StoreLoad};

/// Ready when the store is.
pub struct StoreReadiness {
    store: Arc<dyn StoreHealth>,
}

impl StoreReadiness {
    /// Over this store.
    pub fn new(store: Arc<dyn StoreHealth>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Readiness for StoreReadiness {
    async fn check(&self) -> Result<()> {
        self.store.check().await
    }

    fn load(&self) -> StoreLoad {
        self.store.load()
    }
}
