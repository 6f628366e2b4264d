//! Exports and backups, as lines of JSON. `docs/export-format.md` describes the format.

mod lines;
mod reader;
mod writer;

use std::collections::HashSet;
use std::io::{self, ErrorKind, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;

use domain::AccountId;
use indicatif::ProgressBar;
use ports::inbound::{BackupRecord, ImportCount, ImportRecord, ImportSummary};

pub use self::lines::Kind;
use self::lines::Line;
use self::reader::Reader;
use self::writer::Writer;
use crate::context::AppContext;
use crate::error::Error;
use crate::output::outln;
use crate::progress;
use crate::transfer::input;

/// Writes the contacts and calls of the account to the file, or to standard output. `total` is their number.
pub fn export(context: &AppContext, account: AccountId, file: Option<&Path>, total: u64) -> Result<(), Error> {
    let Some(path) = file else {
        return export_to_standard_output(context, account);
    };
    let bar = progress::bar("Exporting", Some(total));
    let totals = writer::write_file(path, Kind::Export, |writer| write_records(writer, context, Some(account), &bar))?;
    outln!("{}: {} contacts and {} calls of account {account}.", path.display(), totals.contacts, totals.calls)
}

fn export_to_standard_output(context: &AppContext, account: AccountId) -> Result<(), Error> {
    let export = || {
        let mut writer = Writer::new(io::stdout().lock(), "standard output".to_owned(), Kind::Export)?;
        write_records(&mut writer, context, Some(account), &ProgressBar::hidden())?;
        writer.finish().map(drop)
    };
    match export() {
        // A reader such as `head` wants no more.
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes the whole store to the file. `total` is the number of contacts and calls.
pub fn back_up(context: &AppContext, path: &Path, total: u64) -> Result<(), Error> {
    let bar = progress::bar("Backing up", Some(total));
    let totals = writer::write_file(path, Kind::Backup, |writer| write_records(writer, context, None, &bar))?;
    outln!("{}: {totals}.", path.display())
}

/// Writes the records of the account, or of the whole store.
fn write_records<W: Write>(
    writer: &mut Writer<W>,
    context: &AppContext,
    account: Option<AccountId>,
    bar: &ProgressBar,
) -> Result<(), Error> {
    let mut result = Ok(());
    context.services.transfer.read(account, &mut |record| {
        bar.inc(1);
        result = writer.write(record);
        if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    bar.finish_and_clear();
    result
}

/// Adds the contacts and calls of an export to the account. The lines before an invalid one are imported.
pub async fn import(context: &AppContext, account: Option<AccountId>, path: &Path, dry_run: bool) -> Result<(), Error> {
    let bar = progress::bar("Importing", input::file_size(path));
    let mut reader = open(path, Kind::Export, &bar)?;
    let services = &context.services;
    // A dry run creates no account.
    let has_no_account = dry_run && account.is_none() && services.admin.accounts().await?.is_empty();
    let account = if has_no_account { None } else { Some(context.account(account).await?) };
    let mut failure = None;
    let mut records = records(&mut reader, &mut failure).map_while(Result::ok).fuse();
    let summary = match account {
        None => summarize(&mut records),
        Some(account) => services.transfer.import(account, &mut records.by_ref().map(Ok), dry_run)?,
    };
    drop(records);
    bar.finish_and_clear();
    print_summary(account, &summary, dry_run)?;
    match (failure, summary.orphans) {
        (Some(failure), _) => Err(failure),
        (None, 0) => Ok(()),
        (None, orphans) => {
            Err(Error::Failed(format!("{orphans} calls were left out: no contact has the UUID that they name")))
        }
    }
}

/// Returns what an import of the records into a new account would add.
fn summarize(records: impl Iterator<Item = ImportRecord>) -> ImportSummary {
    let (mut contacts, mut calls) = (HashSet::new(), HashSet::new());
    let mut summary = ImportSummary::default();
    let count = |count: &mut ImportCount, is_new| *(if is_new { &mut count.added } else { &mut count.known }) += 1;
    for record in records {
        match record {
            ImportRecord::Contact(contact) => count(&mut summary.contacts, contacts.insert(contact.uuid)),
            ImportRecord::Call(call) if !contacts.contains(&call.contact_uuid) => summary.orphans += 1,
            ImportRecord::Call(call) => count(&mut summary.calls, calls.insert(call.uuid)),
        }
    }
    summary
}

/// Prints the result of an import. `account` is `None` for a dry run without an account.
pub fn print_summary(account: Option<AccountId>, summary: &ImportSummary, dry_run: bool) -> Result<(), Error> {
    let added = if dry_run { "would be added" } else { "added" };
    let ImportSummary { contacts, calls, .. } = summary;
    let account = account.map_or_else(|| "A new account".to_owned(), |account| format!("Account {account}"));
    outln!(
        "{account}: {} contacts and {} calls {added}, {} contacts and {} calls were there already.",
        contacts.added,
        calls.added,
        contacts.known,
        calls.known
    )
}

/// Fills an empty store from a backup, completely or not at all. The store is opened after the file was checked.
pub fn restore(path: &Path, open_store: impl FnOnce() -> Result<AppContext, Error>) -> Result<(), Error> {
    // Standard input and pipes can be read only once.
    if input::file_size(path).is_some() {
        let bar = progress::bar("Checking", input::file_size(path));
        let mut reader = open(path, Kind::Backup, &bar)?;
        while reader.next_record::<BackupRecord>()?.is_some() {}
        bar.finish_and_clear();
    }
    let bar = progress::bar("Restoring", input::file_size(path));
    let mut reader = open(path, Kind::Backup, &bar)?;
    let context = open_store()?;
    let mut failure = None;
    let restored = context.services.transfer.restore(&mut records::<BackupRecord>(&mut reader, &mut failure));
    bar.finish_and_clear();
    if let Some(failure) = failure {
        return Err(failure);
    }
    if !restored? {
        return Err(Error::Failed("the store is not empty; nothing was restored".to_owned()));
    }
    outln!("Restored {}.", reader.totals())
}

/// Opens the file, or standard input, and reads its header. The bar shows the number of bytes read.
fn open(path: &Path, kind: Kind, bar: &ProgressBar) -> Result<Reader<Box<dyn Read>>, Error> {
    let (input, name) = input::open(path, bar)?;
    Reader::new(input, name, kind)
}

/// Iterates over the records. An error of the file is stored in `failure`.
fn records<T: TryFrom<Line, Error = String>>(
    reader: &mut Reader<Box<dyn Read>>,
    failure: &mut Option<Error>,
) -> impl Iterator<Item = ports::Result<T>> {
    std::iter::from_fn(move || {
        let record = reader.next_record().map_err(|error| {
            *failure = Some(error);
            ports::Error::internal("the file cannot be read")
        });
        record.transpose()
    })
}
