//! `callbook token`.

use std::time::Duration;

use clap::Subcommand;
use domain::{Name, Scope, Timestamp, Token, TokenId};
use ports::inbound::TokenRequest;
use ports::outbound::Clock;
use serde_json::{Value, json};

use super::{AccountArg, ListArgs};
use crate::clock::SystemClock;
use crate::context::{AppContext, not_found};
use crate::error::Error;
use crate::output::{self, outln, printable};

#[derive(Subcommand)]
pub enum TokenCommand {
    /// Create a token and print only the token; the store keeps its hash
    Create(CreateArgs),
    /// List all tokens, with revoked and expired ones
    List(ListArgs),
    /// Revoke a token
    Revoke {
        /// Id of the token
        #[arg(value_name = "ID", value_parser = token_id)]
        id: TokenId,
    },
}

#[derive(clap::Args)]
pub struct CreateArgs {
    #[command(flatten)]
    account: AccountArg,
    /// Name of the token
    #[arg(long, value_name = "TEXT", default_value = "token", value_parser = super::name)]
    name: Name,
    /// Time until the token expires: 90d, 12h, 1y [default: never]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    expires: Option<Duration>,
    /// Allow reading only
    #[arg(long)]
    read_only: bool,
    /// Open the calendar of the calls, /calendar/TOKEN.ics, and nothing else
    #[arg(long, conflicts_with = "read_only")]
    feed: bool,
}

/// Runs `callbook token`.
pub async fn run(context: &AppContext, command: TokenCommand) -> Result<(), Error> {
    match command {
        TokenCommand::Create(args) => create(context, args).await,
        TokenCommand::List(args) => list(&context.services.admin.tokens().await?, &args),
        TokenCommand::Revoke { id } => {
            let revoked = context.services.admin.revoke_token(id).await;
            revoked.map_err(not_found("token", id))?;
            outln!("Token {id} is revoked.")
        }
    }
}

async fn create(context: &AppContext, args: CreateArgs) -> Result<(), Error> {
    let expires_at = args.expires.map(from_now).transpose()?;
    let account = context.account(args.account.id).await?;
    let scope = Scope::from_flags(args.read_only, args.feed);
    let request = TokenRequest { account, name: args.name, scope, expires_at };
    let (token, secret) = context.services.admin.create_token(request).await?;
    outln!("{}", secret.reveal())?;
    output::message(&format!("token {} of account {account} is created", token.id));
    Ok(())
}

fn list(tokens: &[Token], args: &ListArgs) -> Result<(), Error> {
    if args.json {
        return ListArgs::print(tokens.iter().map(to_json));
    }
    let row = |cells: [&str; 8]| {
        let [id, account, scope, created, used, expires, revoked, name] = cells;
        outln!("{id:<6} {account:<8} {scope:<10} {created:<20} {used:<20} {expires:<20} {revoked:<20} {name}")
    };
    row(["ID", "ACCOUNT", "SCOPE", "CREATED", "LAST USED", "EXPIRES", "REVOKED", "NAME"])?;
    for Token { id, account, name, scope, created_at, last_used_at, expires_at, revoked_at } in tokens {
        let time = |time: &Option<Timestamp>| time.map_or_else(|| "never".to_owned(), |time| time.to_string());
        row([
            &id.to_string(),
            &account.to_string(),
            scope_name(*scope),
            &created_at.to_string(),
            &time(last_used_at),
            &time(expires_at),
            &time(revoked_at),
            &printable(name.as_str()),
        ])?;
    }
    Ok(())
}

fn to_json(token: &Token) -> Value {
    let Token { id, account, name, scope, created_at, last_used_at, expires_at, revoked_at } = token;
    let time = |time: &Option<Timestamp>| time.map(|time| time.to_string());
    json!({
        "id": id.get(),
        "account": account.get(),
        "name": name.as_str(),
        "scope": scope_name(*scope),
        "created_at": created_at.to_string(),
        "last_used_at": time(last_used_at),
        "expires_at": time(expires_at),
        "revoked_at": time(revoked_at),
    })
}

fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::ReadOnly => "read-only",
        Scope::ReadWrite => "read-write",
        Scope::Feed => "feed",
    }
}

fn token_id(text: &str) -> Result<TokenId, &'static str> {
    TokenId::parse(text).ok_or("a token's id is a whole number from 1 on")
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    // A token's times are whole seconds.
    let parsed = humantime::parse_duration(text).ok().filter(|duration| duration.as_secs() > 0);
    parsed.ok_or("a number and a unit, such as 90d, 12h or 1y, of at least a second")
}

fn from_now(duration: Duration) -> Result<Timestamp, Error> {
    let seconds = i64::try_from(duration.as_secs()).ok();
    let end = seconds.and_then(|seconds| SystemClock.now().unix().checked_add(seconds)).and_then(Timestamp::from_unix);
    end.ok_or_else(|| Error::Failed("a token expires before the year 10000".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_a_duration_in_days() {
        assert_eq!(duration("90d").unwrap(), Duration::from_hours(90 * 24));
        for invalid in ["ninety", "0d", "999ms", "90", "-1d", "1 fortnight", ""] {
            assert!(duration(invalid).is_err(), "{invalid}");
        }
    }
}
