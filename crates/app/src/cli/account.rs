//! `callbook account`.

use clap::Subcommand;
use domain::Name;
use ports::outbound::Clock;

use crate::clock::SystemClock;
use crate::context::AppContext;
use crate::error::Error;
use crate::output::outln;

#[derive(Subcommand)]
pub enum AccountCommand {
    /// Create an account and print only its id
    Create {
        /// Name of the account
        #[arg(value_name = "NAME", value_parser = super::name)]
        name: Name,
    },
    /// List all accounts
    List,
}

/// Runs `callbook account`.
pub async fn run(context: &AppContext, command: AccountCommand) -> Result<(), Error> {
    let accounts = &context.store.accounts;
    match command {
        AccountCommand::Create { name } => outln!("{}", accounts.create(name, SystemClock.now()).await?.id),
        AccountCommand::List => {
            outln!("{:<6} {:<20} NAME", "ID", "CREATED")?;
            for account in accounts.list().await? {
                outln!("{:<6} {:<20} {}", account.id.get(), account.created_at.to_string(), account.name)?;
            }
            Ok(())
        }
    }
}
