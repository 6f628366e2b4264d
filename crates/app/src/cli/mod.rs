//! The command line. Each module has the arguments of its commands and runs them.

mod account;
mod check_config;
mod demo;
mod generate;
mod healthcheck;
mod import_calls;
mod import_contacts;
mod import_monica;
mod import_monica_json;
mod migrate;
mod serve;
mod token;
mod transfer;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use domain::{AccountId, Name};
use serde_json::Value;

use crate::config::{self, Config, ConfigArgs};
use crate::context::AppContext;
use crate::error::Error;
use crate::logging::Logging;
use crate::output::{outln, printable};

/// A self-hosted server for the Calls API of Monica, the personal CRM.
#[derive(Parser)]
#[command(name = "callbook", version)]
pub struct Cli {
    #[command(flatten)]
    config: ConfigArgs,
    /// Command to run [default: serve]
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Open the store, run pending migrations and serve; the first start creates an account and prints its token
    Serve,
    /// Create, list and revoke tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Create, list, rename and delete accounts
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Add the contacts and calls of Monica's documentation to an account; a second run adds nothing
    Demo(demo::DemoArgs),
    /// Run pending migrations only
    Migrate(migrate::MigrateArgs),
    /// Show every setting in force and its source, with secrets hidden
    CheckConfig,
    /// Succeed if the server on the configured address is ready
    Healthcheck,
    /// Write a complete, consistent copy of the store to a file, while servers run, and verify it
    Backup(transfer::BackupArgs),
    /// Fill an empty store from a backup of either kind of store, completely or not at all
    Restore(transfer::RestoreArgs),
    /// Write the contacts and calls of an account as lines of JSON, which both kinds of store import
    Export(transfer::ExportArgs),
    /// Add the contacts and calls of an export to an account; existing ones are not changed
    Import(transfer::ImportArgs),
    /// Add the contacts and calls of a live Monica v4 to an account; existing ones are not changed
    ImportMonica(import_monica::ImportMonicaArgs),
    /// Add the calls of a phone, a telephone system or a CSV file to an account; a second run adds nothing
    ImportCalls(import_calls::ImportCallsArgs),
    /// Add the contacts of an address book (vCard) to an account; a second run adds nothing
    ImportContacts(import_contacts::ImportContactsArgs),
    /// Add the contacts and calls of an account that Monica exported as JSON; existing ones are not changed
    ImportMonicaJson(import_monica_json::ImportMonicaJsonArgs),
    #[command(flatten)]
    Generate(generate::GenerateCommand),
}

/// The account of a command.
#[derive(clap::Args)]
struct AccountArg {
    /// Account [default: first account]
    #[arg(id = "account", long = "account", value_name = "ID", value_parser = account_id)]
    id: Option<AccountId>,
}

/// The format of a list.
#[derive(clap::Args)]
struct ListArgs {
    /// Print an array of JSON objects
    #[arg(long)]
    json: bool,
}

impl ListArgs {
    /// Prints the items as JSON.
    fn print(items: impl Iterator<Item = Value>) -> Result<(), Error> {
        outln!("{:#}", items.collect::<Value>())
    }
}

/// Returns the definition of the command line. Every command takes the settings, and lists them in its long help.
fn command() -> clap::Command {
    config::with_environment(Cli::command().mut_args(|setting| setting.global(true).hide_short_help(true)))
}

/// Parses the command line. Wrong usage and requests for help are errors, which [`exit`] reports.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<(Cli, ArgMatches), clap::Error> {
    let matches = command().try_get_matches_from(args)?;
    Cli::from_arg_matches(&matches).map(|cli| (cli, matches))
}

/// Prints the help, or what is wrong with the command line, and ends the process.
pub fn exit(error: &clap::Error) -> ! {
    let text = error.render().to_string();
    // A closed reader is no error.
    let _ = if error.use_stderr() {
        io::stderr().write_all(without_urls(text, std::env::args_os()).as_bytes())
    } else {
        io::stdout().write_all(text.as_bytes())
    };
    std::process::exit(error.exit_code())
}

/// Removes those arguments from the text that are URLs with a user: they may contain a password.
fn without_urls(text: String, args: impl IntoIterator<Item = OsString>) -> String {
    let args = args.into_iter().map(|arg| arg.to_string_lossy().into_owned());
    args.filter(|arg| config::is_url(arg)).fold(text, |text, arg| text.replace(&arg, "…"))
}

/// Runs the command.
pub async fn run(cli: Cli, matches: &ArgMatches) -> Result<(), Error> {
    let command = cli.command.unwrap_or(Command::Serve);
    // These need no configuration.
    if let Command::Generate(command) = command {
        return generate::run(&command);
    }
    let config = Config::read(&cli.config, matches)?;
    let logging = Logging::start(&config);
    for name in config::unknown_variables() {
        tracing::warn!("{} is not a setting of Callbook", printable(&name));
    }
    match command {
        Command::Serve => serve::run(&config, &logging).await,
        Command::Token(command) => token::run(&AppContext::open(&config)?, command).await,
        Command::Account(command) => account::run(&AppContext::open(&config)?, command).await,
        Command::Demo(args) => demo::run(&AppContext::open_or_create(&config)?, &args).await,
        Command::Migrate(args) => migrate::run(&config, &args),
        Command::CheckConfig => check_config::run(&config, matches),
        Command::Healthcheck => healthcheck::run(&config),
        Command::Backup(args) => transfer::back_up(&config, &args).await,
        Command::Restore(args) => transfer::restore(&config, &args),
        Command::Export(args) => transfer::export(&config, &args).await,
        Command::Import(args) => transfer::import(&config, &args).await,
        Command::ImportMonica(args) => import_monica::run(&config, &args, matches).await,
        Command::ImportCalls(args) => import_calls::run(&config, args).await,
        Command::ImportContacts(args) => import_contacts::run(&config, &args).await,
        Command::ImportMonicaJson(args) => import_monica_json::run(&config, &args).await,
        Command::Generate(_) => Ok(()),
    }
}

fn account_id(text: &str) -> Result<AccountId, &'static str> {
    AccountId::parse(text).ok_or("an account's id is a whole number from 1 on")
}

fn name(text: &str) -> Result<Name, domain::TextError> {
    Name::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn an_error_shows_no_password() {
        for args in [
            &["callbook", "token", "list", "postgres://u:a ' secret@h/db"][..],
            &["callbook", "postgres://u:secret@h/db"],
            &["callbook", "token", "revoke", "postgres://u:secret@h/db"],
            &["callbook", "--databse-url=postgres://u:secret@h/db"],
            &["callbook", "import-monica", "https://u:secret@h/db"],
        ] {
            let args = args.iter().map(OsString::from);
            let Err(error) = parse(args.clone()) else { panic!("{args:?}") };
            let text = without_urls(error.render().to_string(), args);
            assert!(!text.contains("secret") && text.contains("help"), "{text}");
        }
    }

    #[test]
    fn account_ids_start_at_1() {
        assert!(command().try_get_matches_from(["callbook", "token", "create", "--account", "1"]).is_ok());
        assert!(command().try_get_matches_from(["callbook", "token", "create", "--account", "0"]).is_err());
    }
}
