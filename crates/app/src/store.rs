//! Opens the configured store.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use ports::outbound::Store;

use crate::config::{Config, StoreUrl};
use crate::error::Error;

/// Runs pending migrations and returns their names.
pub fn migrate(config: &Config) -> Result<Vec<String>, Error> {
    Ok(match &config.store {
        StoreUrl::Sqlite(path) => sqlite_adapter::migrate(create(path)?).map_err(with_path(path))?,
        StoreUrl::Postgres(url) => postgres_adapter::migrate(url)?,
    })
}

/// Runs pending migrations and opens the store.
pub fn open(config: &Config) -> Result<Store, Error> {
    for migration in migrate(config)? {
        tracing::info!(migration, "the store was migrated");
    }
    Ok(match &config.store {
        StoreUrl::Sqlite(path) => sqlite_adapter::open(create(path)?, config.pool_size).map_err(with_path(path))?,
        StoreUrl::Postgres(url) => postgres_adapter::open(url, config.pool_size)?,
    })
}

/// Adds the path of the file, which SQLite's errors lack.
fn with_path(path: &Path) -> impl FnOnce(ports::Error) -> Error {
    move |error| Error::Failed(format!("{}: {error}", path.display()))
}

/// Creates the file and its folder, if missing, with access for their owner only: calls are private.
fn create(path: &Path) -> Result<&str, Error> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        created.map_err(Error::io(format!("cannot create the folder {}", folder.display())))?;
    }
    // An existing file keeps its mode; SQLite reports what is wrong with it. Its WAL gets the same mode.
    let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    path.to_str().ok_or_else(|| Error::Failed(format!("the path {} is not UTF-8", path.display())))
}
