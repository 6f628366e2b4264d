//! `callbook backup`, `restore`, `export` and `import`.

use std::path::{Path, PathBuf};

use domain::{AccountId, CallQuery, ContactQuery, PageRequest};

use super::AccountArg;
use crate::config::{Config, StoreUrl};
use crate::context::AppContext;
use crate::error::Error;
use crate::transfer::archive;

#[derive(clap::Args)]
pub struct BackupArgs {
    /// File; an existing one is replaced when the copy is complete
    file: PathBuf,
}

#[derive(clap::Args)]
pub struct RestoreArgs {
    /// Backup; - is standard input
    file: PathBuf,
}

#[derive(clap::Args)]
pub struct ExportArgs {
    #[command(flatten)]
    account: AccountArg,
    /// File; - is standard output [default: -]
    file: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct ImportArgs {
    #[command(flatten)]
    account: AccountArg,
    /// Print what would be added, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Export; - is standard input
    file: PathBuf,
}

/// Runs `callbook backup`.
pub async fn back_up(config: &Config, BackupArgs { file }: &BackupArgs) -> Result<(), Error> {
    if file.as_path() == Path::new("-") {
        return Err(Error::Usage("a backup is verified after it is written: it takes a file, not -".to_owned()));
    }
    let (context, accounts) = open_existing(config, Some(file)).await?;
    archive::back_up(&context, file, count_records(&context, &accounts).await?)
}

/// Runs `callbook restore`.
pub fn restore(config: &Config, args: &RestoreArgs) -> Result<(), Error> {
    archive::restore(&AppContext::open(config)?, &args.file)
}

/// Runs `callbook export`.
pub async fn export(config: &Config, ExportArgs { account, file }: &ExportArgs) -> Result<(), Error> {
    let (context, _) = open_existing(config, file.as_deref()).await?;
    let account = context.account(account.id).await?;
    let records = count_records(&context, &[account]).await?;
    archive::export(&context, account, file.as_deref(), records)
}

/// Runs `callbook import`.
pub async fn import(config: &Config, args: &ImportArgs) -> Result<(), Error> {
    archive::import(&AppContext::open(config)?, args.account.id, &args.file, args.dry_run).await
}

/// Opens a store that is not empty, and returns its accounts. An error if the file to write is the store itself.
async fn open_existing(config: &Config, file: Option<&Path>) -> Result<(AppContext, Vec<AccountId>), Error> {
    if let StoreUrl::Sqlite(path) = &config.store {
        let Ok(store) = path.canonicalize() else {
            return Err(Error::Failed(format!("there is no store at {}", path.display())));
        };
        if let Some(file) = file.filter(|file| file.canonicalize().is_ok_and(|file| file == store)) {
            return Err(Error::Failed(format!("{} is the store itself", file.display())));
        }
    }
    let context = AppContext::open(config)?;
    let accounts = context.services.admin.accounts().await?;
    if accounts.is_empty() {
        return Err(Error::Failed("the store is empty".to_owned()));
    }
    Ok((context, accounts.into_iter().map(|account| account.id).collect()))
}

/// Counts the contacts and calls of the accounts.
async fn count_records(context: &AppContext, accounts: &[AccountId]) -> Result<u64, Error> {
    let mut records = 0;
    for id in accounts {
        let http_adapter::Services { contacts, calls, .. } = &context.services.http;
        records += contacts.list(*id, ContactQuery::oldest_first(PageRequest::SMALLEST)).await?.total;
        records += calls.list(*id, CallQuery::newest_first(PageRequest::SMALLEST)).await?.page.total;
    }
    Ok(records)
}
