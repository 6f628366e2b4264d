//! What clients asked and were answered, and what may therefore be in the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use support::{Answer, Client};

/// A small deterministic generator (Knuth's MMIX constants).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

/// A call as its writer knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    contact: i64,
    called_at: String,
    content: String,
}

/// One call of one writer, by the tag that its content begins with.
#[derive(Clone, Debug, Default)]
struct Entry {
    id: Option<i64>,
    /// What may be stored: one thing when the last answer came, more when it did not. None is no call.
    possible: Vec<Option<Written>>,
}

/// All that one writer did.
#[derive(Debug)]
pub struct Journal {
    writer: usize,
    dice: Dice,
    entries: BTreeMap<String, Entry>,
    /// Requests that were answered with success.
    pub answered: usize,
    /// Requests that were refused or cut off.
    pub unanswered: usize,
}

impl std::fmt::Debug for Dice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dice({})", self.0)
    }
}

impl Journal {
    pub fn new(writer: usize) -> Self {
        let dice = Dice(writer as u64 + 1);
        Self { writer, dice, entries: BTreeMap::new(), answered: 0, unanswered: 0 }
    }

    /// Writes until it is told to stop; with `patient`, a server that is away is asked again.
    pub fn write(&mut self, client: &Client, contacts: &[i64], stop: &AtomicBool, patient: bool) {
        while !stop.load(Ordering::Relaxed) {
            let went_on = self.step(client, contacts);
            if !went_on && !patient {
                return;
            }
            if !went_on {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
    }

    /// One write; false when it was not answered.
    fn step(&mut self, client: &Client, contacts: &[i64]) -> bool {
        let contact = contacts[self.dice.below(contacts.len())];
        let year = 2000 + self.dice.below(20);
        let called_at = format!("{year}-0{}-01T00:00:00Z", 1 + self.dice.below(9));
        // Only a call whose state is known is changed, so that what is possible stays small.
        let retry_on_conflict: Vec<String> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.id.is_some() && entry.possible.len() == 1)
            .map(|(tag, _)| tag.clone())
            .collect();
        let choice = self.dice.below(4);
        if choice < 2 || retry_on_conflict.is_empty() {
            let tag = format!("w{}-{}", self.writer, self.entries.len());
            let written = Written { contact, called_at, content: format!("{tag} first") };
            let entry = Entry { id: None, possible: vec![None, Some(written.clone())] };
            self.entries.insert(tag.clone(), entry);
            let Some(answer) = self.send(client, "POST", "/api/calls", &written, 201) else { return false };
            let entry = self.entries.get_mut(&tag).unwrap();
            *entry = Entry { id: answer["data"]["id"].as_i64(), possible: vec![Some(written)] };
            return true;
        }
        let tag = &retry_on_conflict[self.dice.below(retry_on_conflict.len())];
        let entry = self.entries[tag].clone();
        let path = format!("/api/calls/{}", entry.id.unwrap());
        let next = if choice == 2 {
            let content = format!("{tag} change {}", self.dice.below(1_000_000));
            Some(Written { contact, called_at, content })
        } else {
            None
        };
        let uncertain = vec![entry.possible[0].clone(), next.clone()];
        self.entries.get_mut(tag).unwrap().possible = uncertain;
        let answer = match &next {
            Some(written) => self.send(client, "PUT", &path, written, 200),
            None => self.send_body(client, "DELETE", &path, b"", 200),
        };
        if answer.is_none() {
            return false;
        }
        let entry = self.entries.get_mut(tag).unwrap();
        entry.id = entry.id.filter(|_| next.is_some());
        entry.possible = vec![next];
        true
    }

    fn send(&mut self, client: &Client, method: &str, path: &str, written: &Written, status: u16) -> Option<Value> {
        let Written { contact, called_at, content } = written;
        let body = json!({"contact_id": contact, "called_at": called_at, "content": content});
        self.send_body(client, method, path, body.to_string().as_bytes(), status)
    }

    fn send_body(&mut self, client: &Client, method: &str, path: &str, body: &[u8], status: u16) -> Option<Value> {
        match client.try_send(method, path, &[("content-type", "application/json")], body) {
            Ok(answer) if answer.status == status => {
                self.answered += 1;
                Some(answer.json())
            }
            Ok(answer) => {
                assert_away(&answer);
                self.unanswered += 1;
                None
            }
            Err(error) => {
                assert!(!error.contains("timeout"), "{method} {path} hangs: {error}");
                self.unanswered += 1;
                None
            }
        }
    }

    /// Compares what is stored with what may be; what was not certain is then.
    fn settle(&mut self, stored: &mut BTreeMap<String, (i64, Written)>) {
        for (tag, entry) in &mut self.entries {
            let found = stored.remove(tag);
            let call = found.as_ref().map(|(_, written)| written.clone());
            assert!(entry.possible.contains(&call), "{tag} is {call:?}, which was never answered: {entry:?}");
            if let (Some((id, _)), Some(known)) = (&found, entry.id) {
                assert_eq!(*id, known, "{tag} keeps its id");
            }
            *entry = Entry { id: found.map(|(id, _)| id), possible: vec![call] };
        }
    }
}

/// Asserts that the answer is the one of a store that is away.
pub fn assert_away(answer: &Answer) {
    answer.expect_error(503, 45, "The store is not available, please try again later.");
    assert_eq!(answer.header("retry-after"), Some("5"));
}

/// Writers that go on until they are stopped.
pub struct Writers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Journal>>,
}

impl Writers {
    pub fn start(journals: Vec<Journal>, client: &Client, contacts: &[i64], patient: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = journals
            .into_iter()
            .map(|mut journal| {
                // An agent of its own: connections are not shared.
                let client = Client::new(client.base(), client.token());
                let (contacts, stop) = (contacts.to_vec(), stop.clone());
                std::thread::spawn(move || {
                    journal.write(&client, &contacts, &stop, patient);
                    journal
                })
            })
            .collect();
        Self { stop, threads }
    }

    pub fn stop(self) -> Vec<Journal> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    }
}

/// Every item of a list, page by page.
fn all(client: &Client, list: &str) -> (Vec<Value>, Value) {
    let mut items = Vec::new();
    for page in 1.. {
        let body = client.get(&format!("{list}?limit=100&page={page}")).expect(200);
        let data = body["data"].as_array().unwrap();
        if data.is_empty() {
            return (items, body["meta"].clone());
        }
        items.extend(data.iter().cloned());
    }
    unreachable!()
}

/// Everything answered is there, nothing else is, nothing twice, and every count and `last_called` is true.
pub fn assert_nothing_lost(client: &Client, journals: &mut [Journal]) {
    let (calls, meta) = all(client, "/api/calls");
    let mut stored = BTreeMap::new();
    let mut years = BTreeMap::<String, u64>::new();
    for call in &calls {
        let text = |name: &str| call[name].as_str().unwrap().to_owned();
        let (called_at, content) = (text("called_at"), text("content"));
        *years.entry(called_at[..4].to_owned()).or_default() += 1;
        let tag = content.split(' ').next().unwrap().to_owned();
        let written = Written { contact: call["contact"]["id"].as_i64().unwrap(), called_at, content };
        let twice = stored.insert(tag.clone(), (call["id"].as_i64().unwrap(), written));
        assert!(twice.is_none(), "{tag} was done twice");
    }
    for journal in journals {
        journal.settle(&mut stored);
    }
    assert!(stored.is_empty(), "nobody wrote {stored:?}");
    assert_eq!(meta["total"], calls.len());
    let counted: BTreeMap<String, u64> =
        serde_json::from_value(meta["statistics"].clone()).unwrap_or_else(|_| BTreeMap::new());
    assert_eq!(counted, years);
    for contact in all(client, "/api/contacts").0 {
        let own: Vec<_> = calls.iter().filter(|call| call["contact"]["id"] == contact["id"]).collect();
        assert_eq!(contact["statistics"]["number_of_calls"], own.len(), "the calls of contact {}", contact["id"]);
        let newest = own.iter().map(|call| call["called_at"].as_str().unwrap()).max();
        assert_eq!(contact["last_called"].as_str(), newest, "last_called of contact {}", contact["id"]);
    }
}
