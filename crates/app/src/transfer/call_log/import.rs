//! Records the rows of a call log.

use std::collections::HashSet;
use std::path::Path;

use domain::{AccountId, Content, LoggedCall, PhoneNumber, TimeZone};
use ports::inbound::{CallLogOptions, LogOutcome};

use super::{ColumnMap, Format, Rows, Skip, read};
use crate::context::AppContext;
use crate::error::Error;
use crate::output::outln;
use crate::progress;
use crate::transfer::skipped::Skipped;
use crate::transfer::{account_label, input};

/// The maximal number of calls that are recorded in one transaction.
const MAX_BATCH: usize = 1_000;

/// The size of the contents of a batch, in bytes, from which on it is recorded.
const MAX_BATCH_BYTES: usize = 2 << 20;

/// The maximal number of numbers for which a dry run remembers that their contacts would be created.
const MAX_NEW_CONTACTS: usize = 200_000;

/// How a file is imported.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The format of the file.
    pub format: Format,
    /// The columns of a CSV file.
    pub map: ColumnMap,
    /// The zone of times without one.
    pub zone: TimeZone,
    /// How the calls are recorded.
    pub options: CallLogOptions,
}

/// Records the calls of the file in the account. A row that cannot be read is skipped. What precedes an error of the file
/// is recorded.
pub async fn import(
    context: &AppContext,
    account: Option<AccountId>,
    path: &Path,
    settings: &Settings,
) -> Result<(), Error> {
    let bar = progress::bar("Importing", input::file_size(path));
    let (input, name) = input::open_text(path, &bar)?;
    // Before the first account may be created: a file of another format changes nothing.
    let mut rows = read(settings.format, input, &name, &settings.zone, &settings.map)?;
    let account = context.account_to_import(account, settings.options.dry_run).await?;
    let mut tally = Tally::default();
    let result = record_all(context, account, &mut rows, &name, settings.options, &mut tally).await;
    bar.finish_and_clear();
    tally.print(account, settings.options)?;
    result.and_then(|()| tally.skipped.check_readable())
}

async fn record_all(
    context: &AppContext,
    account: AccountId,
    rows: &mut Rows<'_>,
    name: &str,
    options: CallLogOptions,
    tally: &mut Tally,
) -> Result<(), Error> {
    loop {
        let (batch, end) = next_batch(rows, name, &mut tally.skipped);
        if !batch.is_empty() {
            let numbers: Vec<PhoneNumber> = batch.iter().map(|call| call.phone_number.clone()).collect();
            let recorded = context.services.call_log.record(account, batch, options).await?;
            tally.contacts += tally.count_new_contacts(recorded.new_contacts, options);
            numbers.iter().zip(recorded.outcomes).for_each(|(number, outcome)| tally.count(number, outcome));
        }
        if let Some(result) = end {
            return result;
        }
    }
}

/// Returns the next calls, and how the file ended if it did.
fn next_batch(rows: &mut Rows<'_>, name: &str, skipped: &mut Skipped) -> (Vec<LoggedCall>, Option<Result<(), Error>>) {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < MAX_BATCH && bytes < MAX_BATCH_BYTES {
        let row = match rows.next() {
            None => return (batch, Some(Ok(()))),
            Some(Err(error)) => return (batch, Some(Err(error))),
            Some(Ok(row)) => row,
        };
        match row.call {
            Ok(call) => {
                bytes += call.details.content.as_ref().map_or(0, |content: &Content| content.as_str().len());
                batch.push(call);
            }
            Err(Skip::HiddenNumber) => skipped.add("the number is hidden", None),
            Err(Skip::InternalCall) => skipped.add("the call is internal", None),
            Err(Skip::Unreadable(problem)) => {
                skipped.add_unreadable(format_args!("{name}, line {}", row.line), &problem);
            }
        }
    }
    (batch, None)
}

/// What happened to the calls of a file.
#[derive(Default)]
struct Tally {
    added: u64,
    known: u64,
    contacts: u64,
    skipped: Skipped,
    /// The numbers for which a dry run would create contacts.
    new_contacts: HashSet<PhoneNumber>,
}

impl Tally {
    fn count(&mut self, number: &PhoneNumber, outcome: LogOutcome) {
        let number = Some(number.as_str());
        match outcome {
            LogOutcome::Added => self.added += 1,
            LogOutcome::AlreadyRecorded => self.known += 1,
            LogOutcome::NoContact => {
                self.skipped.add("no contact has the number (--create-contacts creates one)", number);
            }
            LogOutcome::SeveralContacts => self.skipped.add("several contacts have the number", number),
            LogOutcome::Archived => self.skipped.add("the contact with the number is archived", number),
        }
    }

    /// Returns how many of the contacts are new. A dry run creates none, so it finds the same ones again.
    fn count_new_contacts(&mut self, numbers: Vec<PhoneNumber>, options: CallLogOptions) -> u64 {
        if !options.dry_run {
            return numbers.len() as u64;
        }
        let is_new = |number| self.new_contacts.len() >= MAX_NEW_CONTACTS || self.new_contacts.insert(number);
        numbers.into_iter().map(is_new).filter(|is_new| *is_new).count() as u64
    }

    fn print(&self, account: AccountId, options: CallLogOptions) -> Result<(), Error> {
        let label = account_label(account, options.dry_run);
        let Self { added, known, contacts, skipped, .. } = self;
        outln!("{label}: calls: {added} added, {known} known, {} skipped", skipped.total())?;
        if options.create_contacts {
            outln!("{label}: contacts: {contacts} added")?;
        }
        skipped.print()
    }
}
