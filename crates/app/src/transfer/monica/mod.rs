//! Import of the contacts and calls of a live Monica v4 through its API, and of a file that it exported.

mod client;
mod export_file;
mod export_items;
mod import_file;
mod records;

use std::collections::{HashSet, VecDeque};

use domain::AccountId;
use indicatif::ProgressBar;
use ports::inbound::ImportRecord;
use serde_json::Value;

use self::client::Monica;
pub use self::import_file::import_file;
use crate::context::AppContext;
use crate::error::Error;
use crate::output::{self, outln};
use crate::progress;
use crate::transfer::archive;

/// Imports all contacts, and the calls from this page on. Everything that was read before a failure is imported.
pub async fn import(
    context: &AppContext,
    account: Option<AccountId>,
    url: &str,
    token: &str,
    from_page: u64,
) -> Result<(), Error> {
    let monica = Monica::new(url, token)?;
    let bar = progress::bar("Importing", Some(0));
    let mut source = Source::new(&monica, from_page, &bar);
    // Before the first account may be created: a wrong URL or token changes nothing.
    source.fetch()?;
    let account = context.account(account).await?;
    let summary = context.services.transfer.import(account, &mut (&mut source).map(Ok), false)?;
    bar.finish_and_clear();
    let Source { skipped, failure, calls_page, .. } = source;
    archive::print_summary(Some(account), &summary, false)?;
    for line in &skipped {
        output::message(&format!("left out: {line}"));
    }
    if let Some(failure) = failure {
        output::message(&format!(
            "everything before the failure is imported; --from-page {calls_page} continues with the next calls"
        ));
        return Err(failure);
    }
    outln!("{} things of Monica were left out.", skipped.len() as u64 + summary.orphans)
}

/// The maximal number of items of a list that claims fewer, or claims no number.
const MAX_ITEMS: u64 = 10_000_000;

/// How many pages in a row may have no new items. Monica's order of items with equal times is not stable, so a short
/// page can repeat items.
const MAX_REPEATED_PAGES: u32 = 3;

/// Checks that a list ends: that its pages bring new items, and not many more than it claimed at first.
#[derive(Default)]
struct Progress {
    seen: HashSet<i64>,
    max_items: Option<u64>,
    repeated_pages: u32,
}

impl Progress {
    /// Counts the items of a page. An error if the list does not seem to end.
    fn count(&mut self, items: &[Value], total: Option<u64>) -> Result<(), String> {
        // Contacts and calls may be added meanwhile.
        let claimed = || total.map_or(MAX_ITEMS, |total| total.saturating_mul(2).saturating_add(1_000));
        let max_items = *self.max_items.get_or_insert_with(|| claimed().min(MAX_ITEMS));
        let before = self.seen.len();
        self.seen.extend(items.iter().filter_map(|item| item["id"].as_i64()));
        self.repeated_pages = if self.seen.len() == before { self.repeated_pages + 1 } else { 0 };
        if self.repeated_pages >= MAX_REPEATED_PAGES {
            return Err("its last pages have no new items, and it claims to have more pages".to_owned());
        }
        if self.seen.len() as u64 > max_items {
            return Err(format!(
                "it has more than {max_items} items, and claimed {} at first",
                total.unwrap_or_default()
            ));
        }
        Ok(())
    }
}

/// What [`Source::fetch`] fetches next.
enum Phase {
    /// A page of contacts, by its number.
    Contacts(u64),
    /// The page of calls with the number [`Source::calls_page`].
    Calls,
    /// Nothing.
    End,
}

/// Iterates over the contacts and calls of Monica, which are fetched page by page. A failure ends the iteration.
struct Source<'a> {
    monica: &'a Monica,
    bar: &'a ProgressBar,
    phase: Phase,
    calls_page: u64,
    queue: VecDeque<ImportRecord>,
    contacts: Progress,
    calls: Progress,
    /// Monica's ids of the fetched contacts.
    fetched_contacts: HashSet<i64>,
    /// What cannot be imported, and why.
    skipped: Vec<String>,
    failure: Option<Error>,
}

impl<'a> Source<'a> {
    fn new(monica: &'a Monica, calls_page: u64, bar: &'a ProgressBar) -> Self {
        Self {
            monica,
            bar,
            phase: Phase::Contacts(1),
            calls_page,
            queue: VecDeque::new(),
            contacts: Progress::default(),
            calls: Progress::default(),
            fetched_contacts: HashSet::new(),
            skipped: Vec::new(),
            failure: None,
        }
    }

    /// Fetches the next page and adds its records to the queue.
    fn fetch(&mut self) -> Result<(), Error> {
        match self.phase {
            Phase::Contacts(page) => {
                let path = format!("/contacts?limit=100&sort=created_at&with=contactfields&page={page}");
                let (items, total, is_last) = self.fetch_page(&path, page)?;
                if !is_last {
                    self.contacts.count(&items, total).map_err(|problem| endless("contacts", page, &problem))?;
                }
                for contact in &items {
                    self.add_contact(contact);
                }
                self.phase = if is_last { Phase::Calls } else { Phase::Contacts(page + 1) };
            }
            Phase::Calls => {
                let page = self.calls_page;
                let path = format!("/calls?limit=100&sort=created_at&page={page}");
                let (items, total, is_last) = self.fetch_page(&path, page)?;
                if !is_last {
                    self.calls.count(&items, total).map_err(|problem| endless("calls", page, &problem))?;
                }
                for call in &items {
                    self.add_unlisted_contact(&call["contact"])?;
                    match records::call(call, self.monica.base()) {
                        Ok(call) => self.queue.push_back(ImportRecord::Call(Box::new(call))),
                        Err(problem) => self.skipped.push(format!("call {}: {problem}", call["id"])),
                    }
                }
                self.calls_page += 1;
                if is_last {
                    self.phase = Phase::End;
                }
            }
            Phase::End => {}
        }
        Ok(())
    }

    /// Returns the items of a page, the number of all items, and whether it is the last page.
    fn fetch_page(&self, path: &str, number: u64) -> Result<(Vec<Value>, Option<u64>, bool), Error> {
        let mut page = self.monica.get(path)?.ok_or_else(|| self.monica.unknown_api())?;
        let Some(Value::Array(items)) = page.get_mut("data").map(Value::take) else {
            return Err(self.monica.unknown_api());
        };
        let total = page["meta"]["total"].as_u64();
        if number == 1 {
            self.bar.inc_length(total.unwrap_or_default());
        }
        self.bar.inc(items.len() as u64);
        let is_last = items.is_empty() || page["meta"]["last_page"].as_u64().is_some_and(|last| number >= last);
        Ok((items, total, is_last))
    }

    fn add_contact(&mut self, contact: &Value) {
        self.fetched_contacts.extend(contact["id"].as_i64());
        match records::contact(contact, self.monica.base(), &mut self.skipped) {
            Ok(contact) => self.queue.push_back(ImportRecord::Contact(Box::new(contact))),
            Err(problem) => self.skipped.push(format!("contact {}: {problem}", contact["id"])),
        }
    }

    /// Adds the contact of a call, unless it was fetched. Monica lists neither archived nor partial contacts, but it
    /// lists their calls.
    fn add_unlisted_contact(&mut self, summary: &Value) -> Result<(), Error> {
        let Some(id) = summary["id"].as_i64().filter(|id| !self.fetched_contacts.contains(id)) else { return Ok(()) };
        let contact = self.monica.get(&format!("/contacts/{id}?with=contactfields"))?;
        self.add_contact(contact.as_ref().map_or(summary, |contact| &contact["data"]));
        Ok(())
    }
}

/// Returns the error of a list that does not end.
fn endless(list: &str, page: u64, problem: &str) -> Error {
    Error::Failed(format!("Monica's list of {list} does not end at page {page}: {problem}"))
}

impl Iterator for Source<'_> {
    type Item = ImportRecord;

    fn next(&mut self) -> Option<ImportRecord> {
        loop {
            if let Some(record) = self.queue.pop_front() {
                return Some(record);
            }
            if self.failure.is_some() || matches!(self.phase, Phase::End) {
                return None;
            }
            self.failure = self.fetch().err();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns the number of pages of 100 items after which the list is rejected.
    fn pages_until_rejected(first_id: impl Fn(i64) -> i64, total: impl Fn(u64) -> Option<u64>) -> u64 {
        let mut progress = Progress::default();
        let page = |n: u64| -> Vec<Value> {
            let first = first_id(i64::try_from(n).unwrap());
            (first..first + 100).map(|id| json!({"id": id})).collect()
        };
        (1..1_000).find(|n| progress.count(&page(*n), total(*n)).is_err()).unwrap()
    }

    #[test]
    fn rejects_a_list_that_does_not_end() {
        assert_eq!(pages_until_rejected(|_| 1, |_| Some(1_000_000)), 4, "the same page again and again");
        assert_eq!(pages_until_rejected(|n| n % 2 * 100, |_| None), 5, "two pages in turn");
        assert_eq!(pages_until_rejected(|n| n * 100, |_| Some(100)), 13, "more items than claimed");
        assert_eq!(pages_until_rejected(|n| n * 100, |n| Some(n * 200)), 15, "a growing number of items");
    }

    #[test]
    fn accepts_a_page_that_repeats_items_and_a_list_that_grows() {
        let mut progress = Progress::default();
        for (items, total) in [(1..101, 250), (60..160, 255), (100..160, 255), (150..260, 260)] {
            let items: Vec<Value> = items.map(|id| json!({"id": id})).collect();
            assert_eq!(progress.count(&items, Some(total)), Ok(()));
        }
    }
}
