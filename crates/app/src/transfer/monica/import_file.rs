//! Import of the contacts and calls of a file that Monica exported.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc::sync_channel;

use domain::AccountId;
use indicatif::ProgressBar;
use ports::inbound::ImportSummary;

use super::export_file::{ExportFile, Failure, Item, Types, Wanted};
use crate::context::AppContext;
use crate::error::Error;
use crate::output::outln;
use crate::progress;
use crate::transfer::skipped::Skipped;
use crate::transfer::{account_label, input};

/// The number of records that wait between the reader and the store.
const QUEUE: usize = 100;

/// Adds the contacts and calls of the file to the account. What cannot be read is skipped.
pub async fn import_file(
    context: &AppContext,
    account: Option<AccountId>,
    path: &Path,
    dry_run: bool,
) -> Result<(), Error> {
    if path == Path::new("-") {
        return Err(Error::Usage("an export of Monica is read three times: it takes a file, not -".to_owned()));
    }
    let name = path.display().to_string();
    let in_file = |failure| match failure {
        Failure::File(problem) => Error::Failed(format!("{name}: {problem}")),
        Failure::Stopped => Error::Failed(format!("{name}: the import was stopped")),
    };
    // The file is read three times.
    let bar = progress::bar("Importing", input::file_size(path).map(|size| size * 3));
    let types = ExportFile::new(open(path)?, &bar).types().map_err(in_file)?;
    let account = context.account_to_import(account, dry_run).await?;
    let files = [(Wanted::Contacts, open(path)?), (Wanted::Calls, open(path)?)];
    let mut skipped = Skipped::default();
    let (summary, read) = import_records(context, account, dry_run, files, &types, &bar, &name, &mut skipped);
    bar.finish_and_clear();
    print_summary(account, dry_run, &summary?, &mut skipped)?;
    read.map_err(in_file)?;
    skipped.check_readable()
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(Error::io(path.display().to_string()))
}

/// Reads the files on a thread of its own and imports what it sends. Returns the results of both.
#[expect(clippy::too_many_arguments, reason = "it has one caller")]
fn import_records(
    context: &AppContext,
    account: AccountId,
    dry_run: bool,
    files: [(Wanted, File); 2],
    types: &Types,
    bar: &ProgressBar,
    name: &str,
    skipped: &mut Skipped,
) -> (ports::Result<ImportSummary>, Result<(), Failure>) {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Item>(QUEUE);
        let reader = scope.spawn(move || {
            let mut emit = |item| sender.send(item).is_ok();
            files.into_iter().try_for_each(|(wanted, file)| ExportFile::new(file, bar).read(wanted, types, &mut emit))
        });
        let mut records = receiver.into_iter().filter_map(|item| match item {
            Ok(record) => Some(Ok(record)),
            Err(problem) => {
                skipped.add_unreadable(name, &problem);
                None
            }
        });
        let summary = context.services.transfer.import(account, &mut records, dry_run);
        // The reader stops when it cannot send any more.
        drop(records);
        let read = reader.join().unwrap_or_else(|_| Err(Failure::File("the reader failed".to_owned())));
        (summary, read)
    })
}

fn print_summary(
    account: AccountId,
    dry_run: bool,
    summary: &ImportSummary,
    skipped: &mut Skipped,
) -> Result<(), Error> {
    for _ in 0..summary.orphans {
        skipped.add("the call has no contact", None);
    }
    let label = account_label(account, dry_run);
    let ImportSummary { contacts, calls, .. } = summary;
    outln!("{label}: contacts: {} added, {} known", contacts.added, contacts.known)?;
    outln!("{label}: calls: {} added, {} known, {} skipped", calls.added, calls.known, skipped.total())?;
    skipped.print()
}
