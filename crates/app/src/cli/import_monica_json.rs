//! `callbook import-monica-json`.

use std::path::PathBuf;

use super::AccountArg;
use crate::config::Config;
use crate::context::AppContext;
use crate::error::Error;
use crate::transfer::monica;

#[derive(clap::Args)]
pub struct ImportMonicaJsonArgs {
    #[command(flatten)]
    account: AccountArg,
    /// Print what would be added, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Export of Monica's settings, in the format JSON
    file: PathBuf,
}

/// Runs `callbook import-monica-json`.
pub async fn run(config: &Config, args: &ImportMonicaJsonArgs) -> Result<(), Error> {
    monica::import_file(&AppContext::open(config)?, args.account.id, &args.file, args.dry_run).await
}
