//! Opens the store that the settings name.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use ports::outbound::Store;

use crate::error::Error;
use crate::settings::{Settings, StoreUrl};

/// Runs pending migrations and names them.
pub fn migrate(settings: &Settings) -> Result<Vec<String>, Error> {
    Ok(match &settings.store {
        StoreUrl::Sqlite(path) => sqlite_adapter::migrate(prepare(path)?).map_err(about(path))?,
        StoreUrl::Postgres(url) => postgres_adapter::migrate(url)?,
    })
}

/// Runs pending migrations and opens the store.
pub fn open(settings: &Settings) -> Result<Store, Error> {
    for migration in migrate(settings)? {
        tracing::info!(migration, "the store was migrated");
    }
    Ok(match &settings.store {
        StoreUrl::Sqlite(path) => sqlite_adapter::open(prepare(path)?, settings.pool_size).map_err(about(path))?,
        StoreUrl::Postgres(url) => postgres_adapter::open(url, settings.pool_size)?,
    })
}

/// SQLite does not tell which file it cannot open.
fn about(path: &Path) -> impl FnOnce(ports::Error) -> Error {
    move |error| Error::Refused(format!("{}: {error}", path.display()))
}

/// Makes the file and its folder, for their owner alone: it holds what people said on the phone.
fn prepare(path: &Path) -> Result<&str, Error> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(Error::io(format!("the folder {} cannot be made", folder.display())))?;
    }
    // One that is there keeps its mode; SQLite says what it is. Its log gets the same.
    let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    path.to_str().ok_or_else(|| Error::Refused(format!("the path {} is not UTF-8", path.display())))
}
