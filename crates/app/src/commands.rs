//! What each command does.

use std::path::Path;
use std::time::Duration;

use clap::CommandFactory;
use domain::{AccountId, CallOrder, ContactOrder, ContactSearch, Direction, PageRequest, PageSize, Scope, Timestamp};
use ports::inbound::TokenRequest;
use ports::outbound::{Audit, Clock};

use crate::cli::{AccountCommand, Cli, Command, TokenCommand};
use crate::clock::SystemClock;
use crate::error::Error;
use crate::log::Log;
use crate::opened::{AppContext, no_such};
use crate::output::answer;
use crate::settings::{Settings, StoreUrl};
use crate::{archive, demo, healthcheck, monica, output, serve, settings, store};

/// Opens a store that has something to copy, to a file or to standard output; answers whose. The copy replaces what has
/// its name: that must not be the store.
async fn existing(settings: &Settings, copy: Option<&Path>) -> Result<(AppContext, Vec<AccountId>), Error> {
    if let StoreUrl::Sqlite(path) = &settings.store {
        let Ok(store) = path.canonicalize() else {
            return Err(Error::Refused(format!("there is no store at {}", path.display())));
        };
        if let Some(copy) = copy.filter(|copy| copy.canonicalize().is_ok_and(|copy| copy == store)) {
            return Err(Error::Refused(format!("{} is the store itself", copy.display())));
        }
    }
    let opened = AppContext::by(settings)?;
    let accounts = opened.store.accounts.list().await?;
    if accounts.is_empty() {
        return Err(Error::Refused("the store is empty".to_owned()));
    }
    Ok((opened, accounts.into_iter().map(|account| account.id).collect()))
}

/// How many contacts and calls these accounts have.
async fn records(opened: &AppContext, accounts: &[AccountId]) -> Result<u64, Error> {
    let mut records = 0;
    for id in accounts {
        let order = ContactOrder::CreatedAt(Direction::Ascending);
        let page = PageRequest { number: 1, size: PageSize::SMALLEST, order };
        records += opened.services.contacts.list(*id, ContactSearch::default(), page).await?.total;
        let order = CallOrder::CreatedAt(Direction::Ascending);
        let page = PageRequest { number: 1, size: PageSize::SMALLEST, order };
        records += opened.services.calls.list(*id, None, page).await?.page.total;
    }
    Ok(records)
}

/// The pages of the command and of those below it, one after the other.
fn manual(command: clap::Command, pages: &mut Vec<u8>) -> std::io::Result<()> {
    let below: Vec<_> = command.get_subcommands().cloned().collect();
    clap_mangen::Man::new(command).render(pages)?;
    below.into_iter().try_for_each(|command| manual(command, pages))
}

/// Runs the command.
pub async fn run(cli: Cli) -> Result<(), Error> {
    let command = cli.command.unwrap_or(Command::Serve);
    match command {
        Command::Openapi => {
            let document = http_adapter::document().to_pretty_json().map_err(ports::Error::fault)?;
            return answer!("{document}");
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "callbook", &mut script);
            return output::text(format_args!("{}", String::from_utf8_lossy(&script)));
        }
        Command::Man => {
            let mut command = Cli::command().disable_help_subcommand(true);
            command.build();
            let mut pages = Vec::new();
            manual(command, &mut pages).map_err(Error::io("the manual page"))?;
            return output::text(format_args!("{}", String::from_utf8_lossy(&pages)));
        }
        _ => {}
    }
    let settings = Settings::from_environment()?;
    let _log = Log::start(&settings).map_err(Error::io("the log cannot be started"))?;
    match command {
        Command::Serve => serve::run(&settings).await,
        Command::Migrate { verify_counters } => {
            for migration in store::migrate(&settings)? {
                answer!("{migration}")?;
            }
            if verify_counters {
                let audit = store::open(&settings)?.counters.verify()?;
                answer!("counters: {}", outcome(audit))?;
            }
            Ok(())
        }
        Command::Demo { contacts, calls } => {
            let opened = AppContext::by(&settings)?;
            match contacts.zip(calls) {
                None => demo::run(&opened).await,
                Some((contacts, calls)) => demo::make_up(&opened, contacts, calls).await,
            }
        }
        Command::Backup { file } => {
            if file == Path::new("-") {
                return Err(Error::Usage(
                    "a backup is read again once it is written: it takes a file, not -".to_owned(),
                ));
            }
            let (opened, accounts) = existing(&settings, Some(&file)).await?;
            archive::back_up(&opened, &file, records(&opened, &accounts).await?)
        }
        Command::Restore { file } => archive::restore(&AppContext::by(&settings)?, &file),
        Command::Export { account, file } => {
            let (opened, _) = existing(&settings, file.as_deref()).await?;
            let account = opened.account(account).await?;
            let records = records(&opened, &[account]).await?;
            archive::export(&opened, account, file.as_deref(), records)
        }
        Command::Import { account, dry_run, file } => {
            archive::import(&AppContext::by(&settings)?, account, &file, dry_run).await
        }
        Command::ImportMonica { url, account, from_page } => {
            let token = settings::monica_token()?;
            monica::import(&AppContext::by(&settings)?, account, &url, &token, from_page).await
        }
        Command::Token(command) => run_token(&AppContext::by(&settings)?, command).await,
        Command::Account(command) => run_account(&AppContext::by(&settings)?, command).await,
        Command::Openapi | Command::Completions { .. } | Command::Man => Ok(()),
        Command::CheckConfig => check_config(&settings),
        Command::Healthcheck => healthcheck::run(&settings),
    }
}

/// What the comparison of the counters with the calls has found.
fn outcome(Audit { contacts, months }: Audit) -> String {
    let told = |number: u64, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let wrong = match (contacts.wrong, months.wrong) {
        (0, 0) => return format!("all true ({}, {})", told(contacts.all, "contact"), told(months.all, "month")),
        (wrong, 0) => told(wrong, "contact"),
        (0, wrong) => told(wrong, "month"),
        (contacts, months) => format!("{} and {}", told(contacts, "contact"), told(months, "month")),
    };
    let (was, is) = if contacts.wrong + months.wrong == 1 { ("was", "is") } else { ("were", "are") };
    format!("{wrong} {was} wrong and {is} repaired")
}

fn check_config(settings: &Settings) -> Result<(), Error> {
    for [name, value, source] in settings.report() {
        answer!("{name:<32} {value:<40} {source}")?;
    }
    for name in settings::unknown() {
        eprintln!("callbook: {name} is no setting of Callbook");
    }
    Ok(())
}

async fn run_token(opened: &AppContext, command: TokenCommand) -> Result<(), Error> {
    match command {
        TokenCommand::Create { account, name, expires, read_only } => {
            let expires_at = expires.map(from_now).transpose()?;
            let account = opened.account(account).await?;
            let scope = if read_only { Scope::ReadOnly } else { Scope::ReadWrite };
            let request = TokenRequest { account, name, scope, expires_at };
            let secret = opened.services.access.issue(request).await?;
            answer!("{}", secret.reveal())?;
        }
        TokenCommand::List => {
            answer!(
                "{:<6} {:<8} {:<10} {:<20} {:<20} {:<20} NAME",
                "ID",
                "ACCOUNT",
                "SCOPE",
                "CREATED",
                "EXPIRES",
                "REVOKED"
            )?;
            for token in opened.store.tokens.list().await? {
                let scope = if token.scope == Scope::ReadOnly { "read-only" } else { "read-write" };
                let stamp = |timestamp: Option<Timestamp>| {
                    timestamp.map_or_else(|| "never".to_owned(), |timestamp| timestamp.to_string())
                };
                answer!(
                    "{:<6} {:<8} {scope:<10} {:<20} {:<20} {:<20} {}",
                    token.id.get(),
                    token.account.get(),
                    token.created_at.to_string(),
                    stamp(token.expires_at),
                    stamp(token.revoked_at),
                    token.name
                )?;
            }
        }
        TokenCommand::Revoke { id } => {
            opened.store.tokens.revoke(id, SystemClock.now()).await.map_err(no_such("token", id))?;
        }
    }
    Ok(())
}

async fn run_account(opened: &AppContext, command: AccountCommand) -> Result<(), Error> {
    match command {
        AccountCommand::Create { name } => {
            answer!("{}", opened.store.accounts.create(name, SystemClock.now()).await?.id)?;
        }
        AccountCommand::List => {
            answer!("{:<6} {:<20} NAME", "ID", "CREATED")?;
            for account in opened.store.accounts.list().await? {
                answer!("{:<6} {:<20} {}", account.id.get(), account.created_at.to_string(), account.name)?;
            }
        }
    }
    Ok(())
}

fn from_now(duration: Duration) -> Result<Timestamp, Error> {
    let seconds = i64::try_from(duration.as_secs()).ok();
    let end = seconds.and_then(|seconds| SystemClock.now().unix().checked_add(seconds)).and_then(Timestamp::from_unix);
    end.ok_or_else(|| Error::Refused("a token expires before the year 10000".to_owned()))
}

#[cfg(test)]
mod tests {
    use ports::outbound::Checked;

    use super::*;

    #[test]
    fn only_what_was_wrong_is_told_unless_all_is_true() {
        let of = |contacts, months| {
            let [contacts, months] = [(1_000, contacts), (1, months)].map(|(all, wrong)| Checked { all, wrong });
            outcome(Audit { contacts, months })
        };
        assert_eq!(of(0, 0), "all true (1000 contacts, 1 month)");
        assert_eq!(of(3, 2), "3 contacts and 2 months were wrong and are repaired");
        assert_eq!(of(1, 0), "1 contact was wrong and is repaired");
        assert_eq!(of(0, 2), "2 months were wrong and are repaired");
    }
}
