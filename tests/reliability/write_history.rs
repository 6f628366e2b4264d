//! Clients that write until they are stopped, the history of their writes, and its comparison with the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use support::Client;

use crate::random::Random;

/// The content of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CallContent {
    contact: i64,
    called_at: String,
    content: String,
}

/// What is known about one call.
#[derive(Clone, Debug, Default)]
struct KnownCall {
    id: Option<i64>,
    /// The states that may be stored; `None` is a call that does not exist. After a successful response there is only
    /// one.
    possible_states: Vec<Option<CallContent>>,
}

/// The writes of one client.
#[derive(Debug)]
pub struct WriteHistory {
    writer: usize,
    random: Random,
    /// The calls by their tag, which is the first word of the content.
    calls: BTreeMap<String, KnownCall>,
    /// The number of successful requests.
    pub succeeded: usize,
    /// The number of requests that were rejected or cut off.
    pub failed: usize,
}

/// What a writer does after a failed request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    Stop,
    Continue,
}

impl WriteHistory {
    fn new(writer: usize) -> Self {
        let random = Random(writer as u64 + 1);
        Self { writer, random, calls: BTreeMap::new(), succeeded: 0, failed: 0 }
    }

    /// Creates the histories of a number of writers.
    pub fn of_writers(writers: usize) -> Vec<Self> {
        (0..writers).map(Self::new).collect()
    }

    fn write(&mut self, client: &Client, contacts: &[i64], stop: &AtomicBool, on_failure: OnFailure) {
        while !stop.load(Ordering::Relaxed) {
            if !self.write_once(client, contacts) {
                if on_failure == OnFailure::Stop {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// Creates, updates or deletes a call. Returns whether the request succeeded.
    fn write_once(&mut self, client: &Client, contacts: &[i64]) -> bool {
        let contact = contacts[self.random.below(contacts.len())];
        let year = 2000 + self.random.below(20);
        let called_at = format!("{year}-0{}-01T00:00:00Z", 1 + self.random.below(9));
        // Only calls with a certain state are changed, so that a call never has more than two possible states.
        let certain: Vec<String> = self
            .calls
            .iter()
            .filter(|(_, call)| call.id.is_some() && call.possible_states.len() == 1)
            .map(|(tag, _)| tag.clone())
            .collect();
        let choice = self.random.below(4);
        if choice < 2 || certain.is_empty() {
            let tag = format!("w{}-{}", self.writer, self.calls.len());
            let created = CallContent { contact, called_at, content: format!("{tag} first") };
            let call = KnownCall { id: None, possible_states: vec![None, Some(created.clone())] };
            self.calls.insert(tag.clone(), call);
            let Some(response) = self.send_call(client, "POST", "/api/calls", &created, 201) else { return false };
            let call = KnownCall { id: response["data"]["id"].as_i64(), possible_states: vec![Some(created)] };
            self.calls.insert(tag, call);
            return true;
        }
        let tag = &certain[self.random.below(certain.len())];
        let call = self.calls[tag].clone();
        let path = format!("/api/calls/{}", call.id.unwrap());
        let next = if choice == 2 {
            let content = format!("{tag} change {}", self.random.below(1_000_000));
            Some(CallContent { contact, called_at, content })
        } else {
            None
        };
        self.calls.get_mut(tag).unwrap().possible_states = vec![call.possible_states[0].clone(), next.clone()];
        let response = match &next {
            Some(content) => self.send_call(client, "PUT", &path, content, 200),
            None => self.send(client, "DELETE", &path, b"", 200),
        };
        if response.is_none() {
            return false;
        }
        let call = self.calls.get_mut(tag).unwrap();
        call.id = call.id.filter(|_| next.is_some());
        call.possible_states = vec![next];
        true
    }

    fn send_call(
        &mut self,
        client: &Client,
        method: &str,
        path: &str,
        call: &CallContent,
        status: u16,
    ) -> Option<Value> {
        let CallContent { contact, called_at, content } = call;
        let body = json!({"contact_id": contact, "called_at": called_at, "content": content});
        self.send(client, method, path, body.to_string().as_bytes(), status)
    }

    /// Sends a request. Returns the body of a response with the expected status, or `None` if the store was not
    /// available or the connection broke.
    fn send(&mut self, client: &Client, method: &str, path: &str, body: &[u8], status: u16) -> Option<Value> {
        match client.try_send(method, path, &[("content-type", "application/json")], body) {
            Ok(response) if response.status == status => {
                self.succeeded += 1;
                return Some(response.json());
            }
            Ok(response) => response.expect_unavailable(),
            Err(error) => assert!(!error.contains("timeout"), "{method} {path} timed out: {error}"),
        }
        self.failed += 1;
        None
    }

    /// Asserts that each call is stored in a possible state, and takes it from `stored`. Its state is certain then.
    fn compare(&mut self, stored: &mut BTreeMap<String, (i64, CallContent)>) {
        for (tag, call) in &mut self.calls {
            let found = stored.remove(tag);
            let state = found.as_ref().map(|(_, content)| content.clone());
            assert!(call.possible_states.contains(&state), "{tag} is {state:?}, which is not possible: {call:?}");
            if let (Some((id, _)), Some(known)) = (&found, call.id) {
                assert_eq!(*id, known, "the id of {tag}");
            }
            *call = KnownCall { id: found.map(|(id, _)| id), possible_states: vec![state] };
        }
    }
}

/// Writers in threads of their own.
pub struct BackgroundWriters {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<WriteHistory>>,
}

impl BackgroundWriters {
    /// Starts a writer for each history.
    pub fn start(histories: Vec<WriteHistory>, client: &Client, contacts: &[i64], on_failure: OnFailure) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = histories
            .into_iter()
            .map(|mut history| {
                // A clone would share its connections.
                let client = Client::new(client.base(), client.token());
                let (contacts, stop) = (contacts.to_vec(), stop.clone());
                std::thread::spawn(move || {
                    history.write(&client, &contacts, &stop, on_failure);
                    history
                })
            })
            .collect();
        Self { stop, threads }
    }

    /// Stops the writers and returns their histories.
    pub fn stop(self) -> Vec<WriteHistory> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    }
}

/// Fetches all pages of a list. Returns the items and the `meta` of the last page.
fn fetch_all(client: &Client, list: &str) -> (Vec<Value>, Value) {
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

/// Asserts that every acknowledged write is stored once, that no other call is stored, and that all counters and each
/// `last_called` are correct.
pub fn assert_nothing_lost(client: &Client, histories: &mut [WriteHistory]) {
    let (calls, meta) = fetch_all(client, "/api/calls");
    let mut stored = BTreeMap::new();
    let mut years = BTreeMap::<String, u64>::new();
    for call in &calls {
        let text = |name: &str| call[name].as_str().unwrap().to_owned();
        let (called_at, content) = (text("called_at"), text("content"));
        *years.entry(called_at[..4].to_owned()).or_default() += 1;
        let tag = content.split(' ').next().unwrap().to_owned();
        let content = CallContent { contact: call["contact"]["id"].as_i64().unwrap(), called_at, content };
        let duplicate = stored.insert(tag.clone(), (call["id"].as_i64().unwrap(), content));
        assert!(duplicate.is_none(), "{tag} is stored twice");
    }
    for history in histories {
        history.compare(&mut stored);
    }
    assert!(stored.is_empty(), "calls that no client has written: {stored:?}");
    assert_eq!(meta["total"], calls.len());
    let counted: BTreeMap<String, u64> =
        serde_json::from_value(meta["statistics"].clone()).unwrap_or_else(|_| BTreeMap::new());
    assert_eq!(counted, years);
    for contact in fetch_all(client, "/api/contacts").0 {
        let own: Vec<_> = calls.iter().filter(|call| call["contact"]["id"] == contact["id"]).collect();
        assert_eq!(contact["statistics"]["number_of_calls"], own.len(), "the calls of contact {}", contact["id"]);
        let newest = own.iter().map(|call| call["called_at"].as_str().unwrap()).max();
        assert_eq!(contact["last_called"].as_str(), newest, "last_called of contact {}", contact["id"]);
    }
}
