//! Import of contacts from vCards.

mod cards;
mod contact;

use std::path::Path;

use domain::AccountId;
use ports::inbound::ImportRecord;

use self::cards::Cards;
use crate::context::AppContext;
use crate::error::Error;
use crate::output::outln;
use crate::progress;
use crate::transfer::skipped::Skipped;
use crate::transfer::{account_label, input};

/// Adds the contacts of the file to the account. A card that cannot be read is skipped. What precedes an error of the file
/// is added.
pub async fn import(context: &AppContext, account: Option<AccountId>, path: &Path, dry_run: bool) -> Result<(), Error> {
    let bar = progress::bar("Importing", input::file_size(path));
    let (input, name) = input::open_text(path, &bar)?;
    let account = context.account_to_import(account, dry_run).await?;
    let (mut cards, now) = (Cards::new(input), context.services.http.clock.now());
    let (mut skipped, mut failure, mut has_cards) = (Skipped::default(), None, false);
    let mut records = std::iter::from_fn(|| {
        loop {
            let card = match cards.next_card() {
                Ok(card) => card?,
                Err(error) => {
                    failure = Some(Error::io(name.clone())(error));
                    return None;
                }
            };
            has_cards = true;
            let contact = card.text.map_err(str::to_owned).and_then(|text| contact::contact(&text, now));
            match contact {
                Ok(contact) => return Some(Ok(ImportRecord::Contact(Box::new(contact)))),
                Err(problem) => skipped.add_unreadable(format_args!("{name}, line {}", card.line), &problem),
            }
        }
    })
    .fuse();
    let summary = context.services.transfer.import(account, &mut records, dry_run)?.contacts;
    drop(records);
    bar.finish_and_clear();
    if !has_cards && failure.is_none() {
        return Err(Error::Failed(format!("{name}: it has no vCard")));
    }
    outln!(
        "{}: contacts: {} added, {} known, {} skipped",
        account_label(account, dry_run),
        summary.added,
        summary.known,
        skipped.total()
    )?;
    skipped.print()?;
    failure.map_or_else(|| skipped.check_readable(), Err)
}
