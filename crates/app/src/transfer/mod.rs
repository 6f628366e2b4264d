//! Imports, exports and backups.

pub mod archive;
pub mod monica;
