//! The configured store: whether it exists, which files it has, and how it is opened.

use std::fs::{self, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ports::outbound::Store;

use crate::config::{Config, StoreUrl};
use crate::error::Error;
use crate::progress;

/// How often the progress of a migration is logged.
const LOG_INTERVAL: Duration = Duration::from_secs(5);

/// Runs pending migrations and returns their names. A missing store is created.
///
/// If the calls must be indexed, shows the progress on a terminal, and logs it.
pub fn migrate(config: &Config) -> Result<Vec<String>, Error> {
    let mut bar = None;
    let mut logged = Instant::now();
    let mut report = |indexed: u64, calls: u64| {
        bar.get_or_insert_with(|| progress::bar("indexing the contents of calls", Some(calls))).set_position(indexed);
        if logged.elapsed() >= LOG_INTERVAL {
            logged = Instant::now();
            tracing::info!(indexed, calls, "indexing the contents of calls");
        }
    };
    match &config.store {
        StoreUrl::Sqlite(path) => sqlite_adapter::migrate(create(path)?, &mut report).map_err(with_path(path)),
        StoreUrl::Postgres(url) => postgres_adapter::migrate(url, &mut report).map_err(without_url),
    }
}

/// Fails unless the tables of the store can be distributed.
pub fn check_can_distribute(config: &Config) -> Result<(), Error> {
    postgres_adapter::check_can_distribute(postgres_to_distribute(config)?).map_err(without_url)
}

/// Distributes the tables of a migrated store, after [`check_can_distribute`]. Returns the names of those that were not
/// distributed before. Shows the progress on a terminal.
pub fn distribute(config: &Config) -> Result<Vec<String>, Error> {
    let bar = progress::bar("distributing the tables", None);
    let mut report = |table: &str, done: usize, tables: usize| {
        bar.set_message(format!("distributing the table {table}, {} of {tables}", done + 1));
    };
    postgres_adapter::distribute(postgres_to_distribute(config)?, &mut report).map_err(without_url)
}

/// Returns the URL of a store on PostgreSQL. Fails for SQLite, whose tables cannot be distributed.
fn postgres_to_distribute(config: &Config) -> Result<&str, Error> {
    match &config.store {
        StoreUrl::Sqlite(_) => Err(Error::Failed(
            "only the tables of PostgreSQL with Citus can be distributed, and DATABASE_URL names a SQLite file"
                .to_owned(),
        )),
        StoreUrl::Postgres(url) => Ok(url),
    }
}

/// Runs pending migrations and opens the store. A missing store is created.
pub fn open_or_create(config: &Config) -> Result<Store, Error> {
    for migration in migrate(config)? {
        tracing::info!(migration, "the store was migrated");
    }
    match &config.store {
        StoreUrl::Sqlite(path) => sqlite_adapter::open(utf8(path)?, config.pool_size).map_err(with_path(path)),
        StoreUrl::Postgres(url) => {
            postgres_adapter::open(url, config.postgres_pooler, config.pool_size).map_err(without_url)
        }
    }
}

/// Fails unless there is a store. Creates nothing.
pub fn check_exists(config: &Config) -> Result<(), Error> {
    let exists = match &config.store {
        StoreUrl::Sqlite(path) => match fs::metadata(path) {
            Ok(_) => sqlite_adapter::is_store(utf8(path)?).map_err(with_path(path))?,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => false,
            Err(error) => return Err(Error::io(path.display().to_string())(error)),
        },
        StoreUrl::Postgres(url) => postgres_adapter::is_store(url).map_err(without_url)?,
    };
    if exists {
        return Ok(());
    }
    let place = match &config.store {
        StoreUrl::Sqlite(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
        StoreUrl::Postgres(_) => config.store.without_secrets(),
    };
    Err(Error::Failed(format!(
        "there is no store at {place}; --data-dir or --database-url names another place, `callbook serve` creates a store"
    )))
}

/// Fails if the path is a file of the store, under any name: overwriting it would destroy calls.
pub fn check_is_no_store_file(config: &Config, path: &Path) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // SQLite's files come and go, so a name is compared although the file does not exist.
    let resolved = folder.canonicalize().ok().zip(path.file_name()).map(|(folder, name)| folder.join(name));
    let files = store_files(config);
    if files.iter().any(|file| Some(file) == resolved.as_ref()) || is_any_of(&files, fs::metadata(path).ok().as_ref()) {
        return Err(Error::Failed(format!("{} is a file of the store itself", path.display())));
    }
    Ok(())
}

/// Fails if the open file is a file of the store. `name` is shown in the error.
pub fn check_is_no_open_store_file(config: &Config, file: &fs::File, name: &str) -> Result<(), Error> {
    if is_any_of(&store_files(config), file.metadata().ok().as_ref()) {
        return Err(Error::Failed(format!("{name} is a file of the store itself")));
    }
    Ok(())
}

/// Returns the path of the database and of the files that SQLite creates beside it, with links resolved.
fn store_files(config: &Config) -> Vec<PathBuf> {
    let StoreUrl::Sqlite(path) = &config.store else { return Vec::new() };
    let Ok(database) = path.canonicalize() else { return Vec::new() };
    let with_suffix = |suffix: &str| {
        let mut path = database.clone().into_os_string();
        path.push(suffix);
        path.into()
    };
    ["", "-wal", "-shm", "-journal"].map(with_suffix).into()
}

/// Returns whether one of the files is the file with this metadata. Hard links are the same file.
fn is_any_of(files: &[PathBuf], metadata: Option<&Metadata>) -> bool {
    let identity = |metadata: &Metadata| (metadata.dev(), metadata.ino());
    metadata.is_some_and(|found| {
        files.iter().any(|file| fs::metadata(file).is_ok_and(|file| identity(&file) == identity(found)))
    })
}

/// Adds the path of the file, which SQLite's errors lack.
fn with_path(path: &Path) -> impl FnOnce(ports::Error) -> Error {
    move |error| Error::Failed(format!("{}: {error}", path.display()))
}

/// Hides errors of libpq about the URL, which quote parts of it, such as the password.
fn without_url(error: ports::Error) -> Error {
    let text = error.to_string();
    if ["URI", "percent-encoded"].iter().any(|word| text.contains(word)) {
        return Error::Failed(
            "the store is not available: libpq cannot parse the database URL; special characters must be \
             percent-encoded"
                .to_owned(),
        );
    }
    error.into()
}

/// Creates the file and its folder, if missing, with access for their owner only: calls are private.
fn create(path: &Path) -> Result<&str, Error> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        created.map_err(Error::io(format!("cannot create the folder {}", folder.display())))?;
    }
    // An existing file keeps its mode; SQLite reports what is wrong with it. Its WAL gets the same mode.
    let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    utf8(path)
}

fn utf8(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| Error::Failed(format!("the path {} is not UTF-8", path.display())))
}
