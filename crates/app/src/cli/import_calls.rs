//! `callbook import-calls`.

use std::path::PathBuf;

use domain::TimeZone;
use ports::inbound::CallLogOptions;

use super::AccountArg;
use crate::config::Config;
use crate::context::AppContext;
use crate::error::Error;
use crate::transfer::call_log::{self, ColumnMap, Format, Settings};

#[derive(clap::Args)]
pub struct ImportCallsArgs {
    #[command(flatten)]
    account: AccountArg,
    /// Format of the file
    #[arg(long, value_enum)]
    format: Format,
    /// Columns of a CSV file: called_at=Date,phone_number=Number; also contact_name, direction, contact_called,
    /// answered, duration_seconds, content and external_id [default: columns with these names]
    #[arg(long, value_name = "MEMBER=COLUMN,…", value_parser = column_map)]
    map: Option<ColumnMap>,
    /// Time zone of times that name none
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    timezone: TimeZone,
    /// Create a contact for each number that no contact has
    #[arg(long)]
    create_contacts: bool,
    /// Print what would be added, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Call log; - is standard input
    file: PathBuf,
}

/// Runs `callbook import-calls`.
pub async fn run(config: &Config, args: ImportCallsArgs) -> Result<(), Error> {
    let ImportCallsArgs { account, format, map, timezone, create_contacts, dry_run, file } = args;
    if map.is_some() && format != Format::Csv {
        return Err(Error::Usage("--map is for --format csv".to_owned()));
    }
    let options = CallLogOptions { create_contacts, dry_run };
    let settings = Settings { format, map: map.unwrap_or_default(), zone: timezone, options };
    call_log::import(&AppContext::open(config)?, account.id, &file, &settings).await
}

fn column_map(text: &str) -> Result<ColumnMap, String> {
    text.parse()
}

fn zone(text: &str) -> Result<TimeZone, &'static str> {
    TimeZone::named(text).ok_or("a time zone, such as Europe/Berlin or UTC")
}
