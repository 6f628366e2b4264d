//! `callbook import-monica`.

use std::path::PathBuf;

use clap::ArgMatches;

use super::AccountArg;
use crate::config::{self, Config};
use crate::context::AppContext;
use crate::error::Error;
use crate::transfer::monica;

#[derive(clap::Args)]
pub struct ImportMonicaArgs {
    /// Address of Monica, such as <https://monica.example.org>
    #[arg(long)]
    url: String,
    #[command(flatten)]
    account: AccountArg,
    /// First page of the calls to import; a failed run prints where to continue
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    from_page: u64,
    /// Token of Monica's API
    #[arg(long, env = "MONICA_TOKEN", value_name = "TOKEN")]
    monica_token: Option<String>,
    /// File that holds the token of Monica's API
    #[arg(long, env = "MONICA_TOKEN_FILE", value_name = "FILE")]
    monica_token_file: Option<PathBuf>,
}

/// Runs `callbook import-monica`. `matches` are those of `callbook`.
pub async fn run(config: &Config, args: &ImportMonicaArgs, matches: &ArgMatches) -> Result<(), Error> {
    let matches = matches.subcommand_matches("import-monica").unwrap_or(matches);
    let token = config::monica_token(matches, args.monica_token.as_deref(), args.monica_token_file.as_deref())?;
    let context = AppContext::open(config)?;
    monica::import(&context, args.account.id, &args.url, &token, args.from_page).await
}
