//! Import and export: archives of Callbook, and a live Monica.

pub mod archive;
pub mod monica;
