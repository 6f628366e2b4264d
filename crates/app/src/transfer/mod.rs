//! Imports, exports and backups. The readers of formats know no store; each import passes what they read to a use case.

pub mod archive;
mod bounded;
pub mod call_log;
mod input;
pub mod monica;
mod skipped;
mod utf8;
pub mod vcard;

use domain::{AccountId, Uuid};
use sha2::{Digest, Sha256};

/// Returns the beginning of the summary of an import.
fn account_label(account: AccountId, dry_run: bool) -> String {
    let dry_run = if dry_run { " (dry run, nothing is changed)" } else { "" };
    format!("Account {account}{dry_run}")
}

/// Returns a UUID that is always the same for the same text.
fn derived_uuid(text: &str) -> Uuid {
    let hash: [u8; 32] = Sha256::digest(text).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
