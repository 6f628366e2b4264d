//! Import of the contacts and calls of a live Monica v4 through its API.

mod client;
mod records;

use std::collections::{HashSet, VecDeque};

use domain::AccountId;
use indicatif::ProgressBar;
use ports::inbound::ImportRecord;
use serde_json::Value;

use self::client::Monica;
use crate::context::AppContext;
use crate::error::Error;
use crate::output::outln;
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
    archive::print_summary(account, &summary, false)?;
    for line in &skipped {
        eprintln!("callbook: left out: {line}");
    }
    if let Some(failure) = failure {
        eprintln!(
            "callbook: everything before the failure is imported; --from-page {calls_page} continues with the next calls"
        );
        return Err(failure);
    }
    outln!("{} things of Monica were left out.", skipped.len() as u64 + summary.orphans)
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
                let (items, is_last) = self.fetch_page(&path, page)?;
                for contact in &items {
                    self.add_contact(contact);
                }
                self.phase = if is_last { Phase::Calls } else { Phase::Contacts(page + 1) };
            }
            Phase::Calls => {
                let page = self.calls_page;
                let path = format!("/calls?limit=100&sort=created_at&page={page}");
                let (items, is_last) = self.fetch_page(&path, page)?;
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

    /// Returns the items of a page, and whether it is the last page.
    fn fetch_page(&self, path: &str, number: u64) -> Result<(Vec<Value>, bool), Error> {
        let mut page = self.monica.get(path)?.ok_or_else(|| self.monica.unknown_api())?;
        let Some(Value::Array(items)) = page.get_mut("data").map(Value::take) else {
            return Err(self.monica.unknown_api());
        };
        if number == 1 {
            self.bar.inc_length(page["meta"]["total"].as_u64().unwrap_or_default());
        }
        self.bar.inc(items.len() as u64);
        let is_last = items.is_empty() || page["meta"]["last_page"].as_u64().is_some_and(|last| number >= last);
        Ok((items, is_last))
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
