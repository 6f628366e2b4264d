//! `callbook import-contacts`.

use std::path::PathBuf;

use super::AccountArg;
use crate::config::Config;
use crate::context::AppContext;
use crate::error::Error;
use crate::transfer::vcard;

#[derive(clap::Args)]
pub struct ImportContactsArgs {
    #[command(flatten)]
    account: AccountArg,
    /// Print what would be added, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Address book, vCard 3.0 or 4.0; - is standard input
    file: PathBuf,
}

/// Runs `callbook import-contacts`.
pub async fn run(config: &Config, args: &ImportContactsArgs) -> Result<(), Error> {
    vcard::import(&AppContext::open(config)?, args.account.id, &args.file, args.dry_run).await
}
