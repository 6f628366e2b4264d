//! `callbook account`.

use std::io;

use clap::Subcommand;
use domain::{Account, AccountId, Name};
use serde_json::json;

use super::ListArgs;
use crate::context::{AppContext, not_found};
use crate::error::Error;
use crate::output::{self, outln, printable};

#[derive(Subcommand)]
pub enum AccountCommand {
    /// Create an account and print only its id
    Create {
        /// Name of the account, which no other account has
        #[arg(value_name = "NAME", value_parser = super::name)]
        name: Name,
    },
    /// List all accounts
    List(ListArgs),
    /// Rename an account
    Rename {
        /// Id of the account
        #[arg(value_name = "ID", value_parser = super::account_id)]
        id: AccountId,
        /// New name, which no other account has
        #[arg(value_name = "NAME", value_parser = super::name)]
        name: Name,
    },
    /// Delete an account with its contacts, calls and tokens; asks for its name first
    Delete {
        /// Id of the account
        #[arg(value_name = "ID", value_parser = super::account_id)]
        id: AccountId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Runs `callbook account`.
pub async fn run(context: &AppContext, command: AccountCommand) -> Result<(), Error> {
    let admin = &context.services.admin;
    match command {
        AccountCommand::Create { name } => {
            check_name_is_free(context, None, &name).await?;
            outln!("{}", admin.create_account(name).await?.id)
        }
        AccountCommand::List(args) => list(&admin.accounts().await?, &args),
        AccountCommand::Rename { id, name } => {
            check_name_is_free(context, Some(id), &name).await?;
            let shown = printable(name.as_str()).into_owned();
            admin.rename_account(id, name).await.map_err(not_found("account", id))?;
            outln!("Account {id} has the name {shown}.")
        }
        AccountCommand::Delete { id, yes } => delete(context, id, yes).await,
    }
}

fn list(accounts: &[Account], args: &ListArgs) -> Result<(), Error> {
    if args.json {
        let row = |Account { id, name, created_at }: &Account| json!({"id": id.get(), "name": name.as_str(), "created_at": created_at.to_string()});
        return ListArgs::print(accounts.iter().map(row));
    }
    outln!("{:<6} {:<20} NAME", "ID", "CREATED")?;
    for Account { id, name, created_at } in accounts {
        outln!("{:<6} {:<20} {}", id.get(), created_at.to_string(), printable(name.as_str()))?;
    }
    Ok(())
}

/// Fails if another account than `except` has the name.
async fn check_name_is_free(context: &AppContext, except: Option<AccountId>, name: &Name) -> Result<(), Error> {
    let accounts = context.services.admin.accounts().await?;
    match accounts.iter().find(|account| account.name == *name && Some(account.id) != except) {
        Some(account) => Err(Error::Failed(format!("account {} has the name {} already", account.id, account.name))),
        None => Ok(()),
    }
}

async fn delete(context: &AppContext, id: AccountId, yes: bool) -> Result<(), Error> {
    let admin = &context.services.admin;
    let account = admin.account(id).await.map_err(not_found("account", id))?;
    if !yes {
        output::message(&format!(
            "account {id} and its {} contacts and calls will be deleted; type its name, {}, to confirm",
            context.count_records(id).await?,
            account.name
        ));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map_err(Error::io("standard input"))?;
        if answer.trim() != account.name.as_str() {
            return Err(Error::Failed("that is not the name of the account; nothing was deleted".to_owned()));
        }
    }
    admin.delete_account(id).map_err(not_found("account", id))?;
    outln!("Account {id}, {}, is deleted.", printable(account.name.as_str()))
}
