//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use domain::{AccountId, Name, TokenId};

use crate::settings;

/// A self-hosted server for the Calls API of Monica, the personal CRM.
#[derive(Debug, Parser)]
#[command(name = "callbook", version, after_help = settings::help())]
pub struct Cli {
    /// What to do; `serve` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the store, run pending migrations, serve; the first start makes an account and prints its token
    Serve,
    /// Make, list and revoke tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Make and list accounts
    #[command(subcommand)]
    Account(AccountCommand),
    /// Fill the first account with the contacts and calls of Monica's documentation; a second run adds nothing
    Demo {
        /// That many made-up contacts instead, the same each time, into an account that has none yet
        #[arg(long, value_name = "N", requires = "calls", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
        contacts: Option<u64>,
        /// That many made-up calls with them
        #[arg(long, value_name = "M", requires = "contacts", value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
        calls: Option<u64>,
    },
    /// Run pending migrations only
    Migrate {
        /// Then count every call anew, repair totals, years and `last_called` that say otherwise, and tell how many did;
        /// servers may run meanwhile: they read on, their writes wait
        #[arg(long)]
        verify_counters: bool,
    },
    /// Show every setting in force and where it came from, secrets hidden
    CheckConfig,
    /// Succeed when the server on the configured address is ready
    Healthcheck,
    /// Write a whole, consistent copy of the store to a file, while servers run, and read it again
    Backup {
        /// The file; one of this name is replaced when the copy is whole
        file: PathBuf,
    },
    /// Fill an empty store from a backup of either store, wholly or not at all
    Restore {
        /// The backup; - is standard input
        file: PathBuf,
    },
    /// Write an account's contacts and calls as lines of JSON, which both stores import
    Export {
        /// The account; the first one when nothing is said
        #[arg(long, value_name = "ID", value_parser = account_id)]
        account: Option<AccountId>,
        /// The file; standard output when nothing or - is said
        file: Option<PathBuf>,
    },
    /// Add an export's contacts and calls to an account; what it has already is left as it is
    Import {
        /// The account; the first one when nothing is said
        #[arg(long, value_name = "ID", value_parser = account_id)]
        account: Option<AccountId>,
        /// Tell what would be added, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// The export; - is standard input
        file: PathBuf,
    },
    /// Add the contacts and calls of a live Monica v4 to an account; what it has already is left as it is
    #[command(
        after_help = "The token of Monica's API is read from MONICA_TOKEN, or from the file that MONICA_TOKEN_FILE names."
    )]
    ImportMonica {
        /// Monica's address, such as <https://monica.example.org>
        #[arg(long)]
        url: String,
        /// The account; the first one when nothing is said
        #[arg(long, value_name = "ID", value_parser = account_id)]
        account: Option<AccountId>,
        /// Begin with this page of the calls; a run that failed tells which
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        from_page: u64,
    },
    /// Print the OpenAPI document
    Openapi,
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual, a page for each command
    Man,
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Print a new token, alone; only its hash is stored
    Create {
        /// The account that it opens; the first one when nothing is said
        #[arg(long, value_name = "ID", value_parser = account_id)]
        account: Option<AccountId>,
        /// What you call it
        #[arg(long, value_name = "TEXT", default_value = "token", value_parser = name)]
        name: Name,
        /// After how long it is refused: 90d, 12h, 1y
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires: Option<Duration>,
        /// Let it read only
        #[arg(long)]
        read_only: bool,
    },
    /// List every token, revoked and expired ones too
    List,
    /// Refuse a token from now on
    Revoke {
        /// The token's id
        #[arg(value_name = "ID", value_parser = token_id)]
        id: TokenId,
    },
}

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account and print its id, alone
    Create {
        /// What you call it
        #[arg(value_name = "NAME", value_parser = name)]
        name: Name,
    },
    /// List every account
    List,
}

fn account_id(text: &str) -> Result<AccountId, &'static str> {
    AccountId::parse(text).ok_or("an account's id is a whole number from 1 on")
}

fn token_id(text: &str) -> Result<TokenId, &'static str> {
    TokenId::parse(text).ok_or("a token's id is a whole number from 1 on")
}

fn name(text: &str) -> Result<Name, domain::TextError> {
    Name::parse(text)
}

fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_token_s_life_is_told_in_days() {
        assert_eq!(duration("90d").unwrap(), Duration::from_hours(90 * 24));
        assert!(duration("ninety").is_err());
        assert!(Cli::try_parse_from(["callbook", "token", "create", "--account", "0"]).is_err());
    }
}
