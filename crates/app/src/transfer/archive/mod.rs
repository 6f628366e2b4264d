//! Exports and backups: a store's contents as lines of JSON. `docs/export-format.md` is the format.

mod lines;
mod reader;
mod writer;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use domain::AccountId;
use ports::outbound::{Imported, Record};

pub use self::lines::Kind;
use self::reader::Reader;
use self::writer::Writer;
use crate::context::AppContext;
use crate::error::Error;
use crate::output::outln;
use crate::progress;

/// Writes the account's contacts and calls to the file, or to standard output.
pub fn export(opened: &AppContext, account: AccountId, file: Option<&Path>, records: u64) -> Result<(), Error> {
    let Some(path) = file.filter(|path| *path != Path::new("-")) else {
        let mut writer = Writer::new(io::stdout().lock(), "standard output".to_owned(), Kind::Export)?;
        read_into(&mut writer, opened, Some(account), &indicatif::ProgressBar::hidden())?;
        return writer.finish().map(drop);
    };
    let bar = progress::bar("Exporting", Some(records));
    let totals = writer::write_file(path, Kind::Export, |writer| read_into(writer, opened, Some(account), &bar))?;
    outln!("{}: {} contacts and {} calls of account {account}.", path.display(), totals.contacts, totals.calls)
}

/// Writes a copy of the whole store, and reads it again before it gets its name.
pub fn back_up(opened: &AppContext, path: &Path, records: u64) -> Result<(), Error> {
    let bar = progress::bar("Backing up", Some(records));
    let totals = writer::write_file(path, Kind::Backup, |writer| read_into(writer, opened, None, &bar))?;
    outln!("{}: {totals}.", path.display())
}

fn read_into<W: io::Write>(
    writer: &mut Writer<W>,
    opened: &AppContext,
    of: Option<AccountId>,
    bar: &indicatif::ProgressBar,
) -> Result<(), Error> {
    let mut failure = None;
    opened.store.bulk.read(of, &mut |record| {
        bar.inc(1);
        match writer.write(record) {
            Ok(()) => std::ops::ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                std::ops::ControlFlow::Break(())
            }
        }
    })?;
    failure.map_or(Ok(()), Err)
}

/// Adds the export's contacts and calls to the account. What stands before a line that cannot be read is imported.
pub async fn import(opened: &AppContext, account: Option<AccountId>, path: &Path, dry_run: bool) -> Result<(), Error> {
    let mut reader = open(path, Kind::Export)?;
    if dry_run && opened.store.accounts.list().await?.is_empty() {
        return Err(Error::Failed("the store is empty: all of it would be added".to_owned()));
    }
    let account = opened.account(account).await?;
    let bar = progress::bar("Importing", reader.size());
    let mut failure = None;
    let mut records = std::iter::from_fn(|| {
        let record = reader.next_record().unwrap_or_else(|error| {
            failure = Some(error);
            None
        });
        bar.set_position(reader.position());
        record.map(Ok)
    })
    // What follows a broken line is not asked for.
    .fuse();
    let imported = opened.store.bulk.import(account, &mut records, dry_run)?;
    bar.finish_and_clear();
    tell(account, &imported, dry_run)?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    if imported.orphans > 0 {
        let left = imported.orphans;
        return Err(Error::Failed(format!("{left} calls were left out: no contact has the UUID that they name")));
    }
    Ok(())
}

/// Says what came of an import.
pub fn tell(account: AccountId, imported: &Imported, dry_run: bool) -> Result<(), Error> {
    let would = if dry_run { " would be" } else { "" };
    let Imported { contacts, calls, .. } = imported;
    outln!(
        "Account {account}: {} contacts and {} calls{would} added, {} contacts and {} calls were there already.",
        contacts.added,
        calls.added,
        contacts.known,
        calls.known
    )
}

/// Fills an empty store from a backup, wholly or not at all.
pub fn restore(opened: &AppContext, path: &Path) -> Result<(), Error> {
    let mut reader = open(path, Kind::Backup)?;
    let bar = progress::bar("Restoring", reader.size());
    let mut failure = None;
    let mut records = std::iter::from_fn(|| {
        let record: Option<ports::Result<Record>> = reader.next_record().map_or_else(
            |error| {
                failure = Some(error);
                Some(Err(ports::Error::fault("the backup cannot be read")))
            },
            |record| record.map(Ok),
        );
        bar.set_position(reader.position());
        record
    });
    let restored = opened.store.bulk.restore(&mut records);
    bar.finish_and_clear();
    if let Some(failure) = failure {
        return Err(failure);
    }
    if !restored? {
        return Err(Error::Failed("the store is not empty; nothing was restored".to_owned()));
    }
    outln!("Restored {}.", reader.totals())
}

fn open(path: &Path, kind: Kind) -> Result<Reader<Box<dyn Read>>, Error> {
    if path == Path::new("-") {
        return Reader::new(Box::new(io::stdin()), "standard input".to_owned(), None, kind);
    }
    let name = path.display().to_string();
    let file = File::open(path).map_err(Error::io(name.clone()))?;
    let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    Reader::new(Box::new(file), name, size, kind)
}
