//! `callbook account`.

use clap::Subcommand;
use domain::Name;

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
    let admin = &context.services.admin;
    match command {
        AccountCommand::Create { name } => outln!("{}", admin.create_account(name).await?.id),
        AccountCommand::List => {
            outln!("{:<6} {:<20} NAME", "ID", "CREATED")?;
            for account in admin.accounts().await? {
                outln!("{:<6} {:<20} {}", account.id.get(), account.created_at.to_string(), account.name)?;
            }
            Ok(())
        }
    }
}
