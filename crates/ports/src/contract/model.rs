//! Random requests, compared with a model in memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use domain::{
    Call, CallDetails, CallDuration, CallId, CallPatch, CallQuery, CallSortKey, ContactId, ContactPatch, Content,
    Direction, Emotion, NewCall, PhoneNumber, Sort,
};

use super::call_lists::sum;
use super::{LATER, NOW, Random, TestAccount, UUID, assert_error, at, call, newest, unknown_contact};
use crate::outbound::Store;

/// The number of runs, each with another seed.
const RUNS: u64 = if cfg!(feature = "long") { 60 } else { 2 };

/// The rounds of a run. After each, the account is compared with the model.
const ROUNDS: usize = 3;

/// The number of concurrent clients.
const CLIENTS: u64 = 8;

/// The requests of a client in a round.
const REQUESTS: usize = if cfg!(feature = "long") { 60 } else { 25 };

/// Each client knows its own calls and contacts exactly, whatever the others do. Together they know the account.
pub async fn agrees_with_a_model_in_memory(store: &Store) {
    for seed in 1..=RUNS {
        let seed_on_panic = SeedOnPanic(seed);
        let account = TestAccount::create(store).await;
        let shared = [account.create_contact("Leslie").await, account.create_contact("Henri").await];
        let mut clients: Vec<_> = (0..CLIENTS)
            .map(|n| ModelClient {
                account: account.clone(),
                random: Random(seed * 1_000 + n),
                shared,
                own_contacts: Vec::new(),
                calls: BTreeMap::new(),
            })
            .collect();
        for _ in 0..ROUNDS {
            let watcher = tokio::spawn(watch(account.clone()));
            let running: Vec<_> = clients.drain(..).map(|client| tokio::spawn(client.run())).collect();
            for client in running {
                clients.push(client.await.unwrap());
            }
            watcher.abort();
            if let Err(error) = watcher.await {
                assert!(error.is_cancelled(), "{error}");
            }
            compare(&account, &clients).await;
        }
        drop(seed_on_panic);
    }
}

/// Prints the seed of a run that panics.
struct SeedOnPanic(u64);

impl Drop for SeedOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the run with seed {} failed", self.0);
        }
    }
}

/// A client that sends random requests and compares the results with its model.
struct ModelClient {
    account: TestAccount,
    random: Random,
    /// Contacts that all clients have calls with.
    shared: [ContactId; 2],
    /// Contacts that no other client knows.
    own_contacts: Vec<ContactId>,
    /// The model: the calls of this client, as they were last returned.
    calls: BTreeMap<CallId, Call>,
}

impl ModelClient {
    async fn run(mut self) -> Self {
        for _ in 0..REQUESTS {
            self.send_request().await;
        }
        self
    }

    async fn send_request(&mut self) {
        let account = self.account.clone();
        let known = (!self.calls.is_empty()).then(|| {
            let n = self.random.below(self.calls.len());
            *self.calls.keys().nth(n).unwrap()
        });
        match (self.random.below(10), known) {
            (0..=2, _) | (3..=8, None) => {
                let new = self.new_call();
                let stored = account.create_call(new.clone()).await.unwrap();
                assert_matches(&stored, &new);
                assert!(self.calls.insert(stored.id, stored).is_none(), "the id is new");
            }
            (3 | 4, Some(id)) => self.update(id).await,
            (5, Some(id)) => {
                account.delete_call(id).await.unwrap();
                assert_error!(account.delete_call(id).await, NotFound);
                assert_error!(account.find_call(id).await, NotFound);
                self.calls.remove(&id);
            }
            (6, Some(id)) => assert_eq!(account.find_call(id).await.unwrap(), self.calls[&id]),
            (7, Some(id)) => {
                let contact = self.calls[&id].contact.id;
                if self.own_contacts.contains(&contact) {
                    self.compare_own_contact(contact).await;
                }
            }
            (8, Some(id)) => {
                let patch = CallPatch { contact: Some(unknown_contact()), ..self.patch() };
                assert_error!(account.update_call(id, patch).await, NotFound);
            }
            _ if self.own_contacts.len() > 2 => {
                let contact = self.own_contacts.swap_remove(0);
                account.delete_contact(contact).await.unwrap();
                self.calls.retain(|_, call| call.contact.id != contact);
                assert_error!(account.create_call(call(contact, NOW)).await, NotFound);
            }
            _ => {
                let contact = account.create_contact("Ann").await;
                account
                    .update_contact(contact, ContactPatch { is_starred: Some(true), ..ContactPatch::default() })
                    .await;
                self.own_contacts.push(contact);
            }
        }
    }

    async fn update(&mut self, id: CallId) {
        let patch = self.patch();
        let before = &self.calls[&id];
        let expected = patch.clone().apply(without_identity(before));
        let updated = self.account.update_call(id, patch).await.unwrap();
        let is_same = expected == without_identity(before);
        assert_eq!(updated.updated_at, if is_same { before.updated_at } else { at(LATER) });
        assert_matches(&updated, &expected);
        self.calls.insert(id, updated);
    }

    /// Compares the counters of a contact that no other client has calls with.
    async fn compare_own_contact(&self, contact: ContactId) {
        let own: Vec<_> = self.calls.values().filter(|call| call.contact.id == contact).collect();
        let stored = self.account.find_contact(contact).await;
        assert_eq!(stored.calls, own.len() as u64);
        assert_eq!(stored.last_called, own.iter().map(|call| call.details.called_at).max());
        assert_eq!(self.account.list_calls(newest(Some(contact), 1, 1)).await.page.total, own.len() as u64);
    }

    fn contact(&mut self) -> ContactId {
        let n = self.random.below(2 + self.own_contacts.len());
        if n < 2 { self.shared[n] } else { self.own_contacts[n - 2] }
    }

    fn new_call(&mut self) -> NewCall {
        let text = "x".repeat(1 + self.random.below(50));
        NewCall {
            contact: self.contact(),
            details: CallDetails {
                content: Content::parse(&text).ok(),
                contact_called: [None, Some(true), Some(false)][self.random.below(3)],
                emotions: Emotion::all().skip(self.random.below(100)).take(self.random.below(3)).collect(),
                duration: CallDuration::from_seconds(i64::try_from(self.random.below(100)).unwrap()),
                answered: [None, Some(true), Some(false)][self.random.below(3)],
                phone_number: PhoneNumber::parse(&format!("+1 555 01{:02}", self.random.below(100))).ok(),
                ..CallDetails::at(at(self.random.called_at()))
            },
        }
    }

    fn patch(&mut self) -> CallPatch {
        let NewCall { contact, details } = self.new_call();
        CallPatch {
            contact: self.random.bool().then_some(contact),
            called_at: self.random.bool().then_some(details.called_at),
            content: self.random.bool().then_some(details.content),
            contact_called: details.contact_called,
            emotions: self.random.bool().then_some(details.emotions),
            duration: self.random.bool().then_some(details.duration),
            answered: self.random.bool().then_some(details.answered),
            phone_number: self.random.bool().then_some(details.phone_number),
            ..CallPatch::default()
        }
    }
}

fn without_identity(call: &Call) -> NewCall {
    NewCall { contact: call.contact.id, details: call.details.clone() }
}

fn assert_matches(stored: &Call, expected: &NewCall) {
    assert_eq!(without_identity(stored), *expected);
    assert_eq!((stored.uuid, stored.created_at), (UUID, at(NOW)));
}

/// Reads pages during the writes, and asserts that each is of one snapshot.
async fn watch(account: TestAccount) {
    loop {
        let listed = account.list_calls(newest(None, 1, 100)).await;
        let total = listed.page.total;
        assert_eq!(total, sum(&listed), "the total is the number of calls in all years");
        if total <= 100 {
            assert_eq!(listed.page.items.len() as u64, total, "the page has all calls");
        }
        let key = |call: &Call| (call.details.called_at, call.id);
        assert!(listed.page.items.is_sorted_by(|a, b| key(a) > key(b)), "the newest call is first, no call is twice");
        tokio::task::yield_now().await;
    }
}

/// Compares the account with what all clients know. No client writes at this time.
async fn compare(account: &TestAccount, clients: &[ModelClient]) {
    let mut expected: Vec<_> = clients.iter().flat_map(|client| client.calls.values().cloned()).collect();
    expected.sort_by_key(|call| Reverse((call.details.called_at, call.id)));
    assert_eq!(account.all_calls(None).await, expected);
    account.assert_counters_match_calls().await;
    expected.sort_by_key(|call| (call.updated_at, call.id));
    let sort = Sort { key: CallSortKey::UpdatedAt, direction: Direction::Ascending };
    let first = account.list_calls(CallQuery { sort, ..newest(None, 1, 100) }).await;
    assert_eq!(first.page.items, expected[..expected.len().min(100)]);
}
