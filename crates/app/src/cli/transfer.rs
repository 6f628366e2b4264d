//! `callbook backup`, `restore`, `export` and `import`.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use domain::AccountId;

use super::AccountArg;
use crate::config::Config;
use crate::context::AppContext;
use crate::error::Error;
use crate::store;
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
    let (context, accounts) = open_with_accounts(config, Some(file)).await?;
    archive::back_up(&context, file, count_records(&context, &accounts).await?)
}

/// Runs `callbook restore`.
pub fn restore(config: &Config, args: &RestoreArgs) -> Result<(), Error> {
    archive::restore(&args.file, || AppContext::open_or_create(config))
}

/// Runs `callbook export`.
pub async fn export(config: &Config, ExportArgs { account, file }: &ExportArgs) -> Result<(), Error> {
    let file = file.as_deref().filter(|file| *file != Path::new("-"));
    let (context, _) = open_with_accounts(config, file).await?;
    if file.is_none() {
        let output = io::stdout().as_fd().try_clone_to_owned().map_err(Error::io("standard output"))?;
        store::check_is_no_open_store_file(config, &output.into(), "standard output")?;
    }
    let account = context.account(account.id).await?;
    let records = context.count_records(account).await?;
    archive::export(&context, account, file, records)
}

/// Runs `callbook import`.
pub async fn import(config: &Config, args: &ImportArgs) -> Result<(), Error> {
    archive::import(&AppContext::open(config)?, args.account.id, &args.file, args.dry_run).await
}

/// Opens a store that is not empty, and returns its accounts. An error if the file to write belongs to the store.
async fn open_with_accounts(config: &Config, file: Option<&Path>) -> Result<(AppContext, Vec<AccountId>), Error> {
    let context = AppContext::open(config)?;
    if let Some(file) = file {
        store::check_is_no_store_file(config, file)?;
    }
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
        records += context.count_records(*id).await?;
    }
    Ok(records)
}
