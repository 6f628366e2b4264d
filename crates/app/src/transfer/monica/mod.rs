//! Contacts and calls of a live Monica v4, taken through its API.

mod client;
mod records;

use std::collections::{HashSet, VecDeque};

use domain::AccountId;
use indicatif::ProgressBar;
use ports::outbound::Record;
use serde_json::Value;

use self::client::Monica;
use crate::context::AppContext;
use crate::error::Error;
use crate::output::outln;
use crate::progress;
use crate::transfer::archive;

/// Takes the contacts, then the calls from this page on. What was read before a failure is imported.
pub async fn import(
    opened: &AppContext,
    account: Option<AccountId>,
    url: &str,
    token: &str,
    from_page: u64,
) -> Result<(), Error> {
    let monica = Monica::new(url, token)?;
    let bar = progress::bar("Asking Monica", Some(0));
    let mut source = Source::new(&monica, from_page, &bar);
    // Before an account is made: where nothing answers, nothing is to be left.
    source.ask().inspect_err(|_| bar.finish_and_clear())?;
    let account = opened.account(account).await?;
    let imported = opened.store.bulk.import(account, &mut (&mut source).map(Ok), false)?;
    bar.finish_and_clear();
    let Source { left, failure, calls_page, .. } = source;
    archive::tell(account, &imported, false)?;
    for line in &left {
        eprintln!("callbook: left out: {line}");
    }
    if let Some(failure) = failure {
        eprintln!(
            "callbook: what was read until then is imported; --from-page {calls_page} goes on with the calls from there"
        );
        return Err(failure);
    }
    outln!("{} things of Monica were left out.", left.len() as u64 + imported.orphans)
}

enum Phase {
    ContactUseCases(u64),
    Calls,
    End,
}

/// Monica's contacts and calls, asked for page by page.
struct Source<'a> {
    monica: &'a Monica,
    bar: &'a ProgressBar,
    phase: Phase,
    calls_page: u64,
    queue: VecDeque<Record>,
    /// The contacts that were asked for, by Monica's ids.
    seen: HashSet<i64>,
    left: Vec<String>,
    failure: Option<Error>,
}

impl<'a> Source<'a> {
    fn new(monica: &'a Monica, calls_page: u64, bar: &'a ProgressBar) -> Self {
        Self {
            monica,
            bar,
            phase: Phase::ContactUseCases(1),
            calls_page,
            queue: VecDeque::new(),
            seen: HashSet::new(),
            left: Vec::new(),
            failure: None,
        }
    }

    fn ask(&mut self) -> Result<(), Error> {
        match self.phase {
            Phase::ContactUseCases(page) => {
                let path = format!("/contacts?limit=100&sort=created_at&with=contactfields&page={page}");
                let (items, is_last) = self.page(&path, page)?;
                for contact in &items {
                    self.take_contact(contact);
                }
                self.phase = if is_last { Phase::Calls } else { Phase::ContactUseCases(page + 1) };
            }
            Phase::Calls => {
                let page = self.calls_page;
                let (items, is_last) = self.page(&format!("/calls?limit=100&sort=created_at&page={page}"), page)?;
                for call in &items {
                    self.take_unlisted_contact(&call["contact"])?;
                    match records::call(call, self.monica.base()) {
                        Ok(call) => self.queue.push_back(Record::Call(Box::new(call))),
                        Err(problem) => self.left.push(format!("call {}: {problem}", call["id"])),
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

    /// The items of a page, and whether it is the last.
    fn page(&self, path: &str, number: u64) -> Result<(Vec<Value>, bool), Error> {
        let mut page = self.monica.get(path)?.ok_or_else(|| self.monica.is_none())?;
        let Some(Value::Array(items)) = page.get_mut("data").map(Value::take) else {
            return Err(self.monica.is_none());
        };
        if number == 1 {
            self.bar.inc_length(page["meta"]["total"].as_u64().unwrap_or_default());
        }
        self.bar.inc(items.len() as u64);
        let is_last = items.is_empty() || page["meta"]["last_page"].as_u64().is_some_and(|last| number >= last);
        Ok((items, is_last))
    }

    fn take_contact(&mut self, contact: &Value) {
        self.seen.extend(contact["id"].as_i64());
        match records::contact(contact, self.monica.base(), &mut self.left) {
            Ok(contact) => self.queue.push_back(Record::Contact(Box::new(contact))),
            Err(problem) => self.left.push(format!("contact {}: {problem}", contact["id"])),
        }
    }

    /// Monica lists no archived and no partial contacts, but their calls.
    fn take_unlisted_contact(&mut self, short: &Value) -> Result<(), Error> {
        let Some(id) = short["id"].as_i64().filter(|id| !self.seen.contains(id)) else { return Ok(()) };
        let whole = self.monica.get(&format!("/contacts/{id}?with=contactfields"))?;
        self.take_contact(whole.as_ref().map_or(short, |whole| &whole["data"]));
        Ok(())
    }
}

impl Iterator for Source<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            if let Some(record) = self.queue.pop_front() {
                return Some(record);
            }
            if self.failure.is_some() || matches!(self.phase, Phase::End) {
                return None;
            }
            if let Err(error) = self.ask() {
                self.failure = Some(error);
            }
        }
    }
}
