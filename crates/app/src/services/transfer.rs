//! The use cases of transfers: imports, exports and backups.

use std::sync::Arc;

use domain::AccountId;
use ports::Result;
use ports::inbound::{BackupRecords, ImportRecords, ImportSummary, TransferService, Visitor};
use ports::outbound::BulkRepository;

/// Implements [`TransferService`] with a repository.
pub struct Transfer {
    bulk: Arc<dyn BulkRepository>,
}

impl Transfer {
    /// Uses the repository.
    pub fn new(bulk: Arc<dyn BulkRepository>) -> Self {
        Self { bulk }
    }
}

impl TransferService for Transfer {
    fn read(&self, account: Option<AccountId>, visit: Visitor<'_>) -> Result<()> {
        self.bulk.read(account, visit)
    }

    fn import(&self, account: AccountId, records: ImportRecords<'_>, dry_run: bool) -> Result<ImportSummary> {
        self.bulk.import(account, records, dry_run)
    }

    fn restore(&self, records: BackupRecords<'_>) -> Result<bool> {
        self.bulk.restore(records)
    }
}
