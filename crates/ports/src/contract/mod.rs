//! The contract tests: what every store must do. The tests of a storage adapter run all of them:
//!
//! ```text
//! ports::contract_tests!(open_store());
//! ```
//!
//! To add a test, write a `pub async fn name(store: &Store)` in a file of this folder. The build script adds it to
//! `contract_tests!`, which opens an empty store for each test.

// The contract tests are tests, although they are part of a library.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, missing_docs)]

pub mod accounts;
pub mod bulk;
pub mod call_filters;
pub mod call_lists;
pub mod calls;
pub mod concurrency;
pub mod contact_fields;
pub mod contacts;
pub mod cursors;
pub mod deletions;
pub mod model;
pub mod operations;
pub mod phone_numbers;
pub mod stay_in_touch;
pub mod upserts;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{
    Account, AccountId, Call, CallDetails, CallId, CallPatch, CallQuery, Contact, ContactFieldKind, ContactId,
    ContactPatch, ContactQuery, Content, Direction, Name, NewCall, NewContact, NewContactField, PageRequest, PageSize,
    Timestamp, Uuid,
};

use crate::Result;
use crate::outbound::{CallPage, Precondition, Store};

include!(concat!(env!("OUT_DIR"), "/contract_tests.rs"));

/// The time of all creations, in Unix seconds: 2024-02-29T10:20:30Z.
const NOW: i64 = 1_709_202_030;

/// The time of all changes, in Unix seconds.
const LATER: i64 = NOW + 5;

/// The highest possible id, which no record has.
const UNKNOWN_ID: i64 = (1 << 53) - 1;

/// The UUID of all contacts and calls that are not imported.
const UUID: Uuid = Uuid::from_u128(7);

const DAY: i64 = 24 * 60 * 60;

/// A key to sort by, with the value that it stands for.
type SortedBy<Key, Item> = (Key, fn(&Item) -> Timestamp);

const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn person(first_name: &str) -> NewContact {
    NewContact::new(name(first_name))
}

fn phone(number: &str) -> NewContactField {
    NewContactField { kind: ContactFieldKind::PHONE, data: name(number) }
}

fn email(address: &str) -> NewContactField {
    NewContactField { kind: ContactFieldKind::EMAIL, data: name(address) }
}

/// Returns the UUIDs of this number of contact fields that are not imported.
fn field_uuids(count: usize) -> Vec<Uuid> {
    (100..).map(Uuid::from_u128).take(count).collect()
}

fn unknown_contact() -> ContactId {
    ContactId::new(UNKNOWN_ID).unwrap()
}

fn call(contact: ContactId, called_at: i64) -> NewCall {
    let content = Content::parse("He called, we had fun.").ok();
    NewCall { contact, details: CallDetails { content, ..CallDetails::at(at(called_at)) } }
}

/// Returns a patch of `called_at`.
fn move_to_time(called_at: i64) -> CallPatch {
    CallPatch { called_at: Some(at(called_at)), ..CallPatch::default() }
}

/// Returns a patch of the contact.
fn move_to_contact(contact: ContactId) -> CallPatch {
    CallPatch { contact: Some(contact), ..CallPatch::default() }
}

/// Returns the precondition that the stored call or contact equals this one.
#[expect(clippy::unnecessary_wraps, reason = "the ports take an optional precondition")]
fn unchanged_since<T: Clone + PartialEq + Send + Sync + 'static>(seen: &T) -> Option<Precondition<T>> {
    let seen = seen.clone();
    Some(Arc::new(move |stored: &T| *stored == seen))
}

/// Returns a precondition that nothing satisfies.
#[expect(clippy::unnecessary_wraps, reason = "the ports take an optional precondition")]
fn never<T>() -> Option<Precondition<T>> {
    Some(Arc::new(|_: &T| false))
}

fn page(number: u64, size: u32) -> PageRequest {
    PageRequest::numbered(number, PageSize::new(size).unwrap())
}

/// Returns a request for calls, the newest call first.
fn newest(contact: Option<ContactId>, number: u64, size: u32) -> CallQuery {
    CallQuery { contact, ..CallQuery::newest_first(page(number, size)) }
}

/// An account of a store, and shorthands for requests to it.
#[derive(Clone)]
struct TestAccount {
    store: Store,
    id: AccountId,
}

impl TestAccount {
    async fn create(store: &Store) -> Self {
        let Account { id, .. } = store.accounts.create(name("contract"), at(NOW)).await.unwrap();
        Self { store: store.clone(), id }
    }

    /// Creates a contact with a first name only.
    async fn create_contact(&self, first_name: &str) -> ContactId {
        self.add_contact(person(first_name)).await.summary.id
    }

    async fn add_contact(&self, contact: NewContact) -> Contact {
        let field_uuids = field_uuids(contact.fields.len());
        self.store.contacts.create(self.id, contact, UUID, field_uuids, at(NOW)).await.unwrap()
    }

    async fn find_contact(&self, id: ContactId) -> Contact {
        self.store.contacts.find(self.id, id).await.unwrap()
    }

    async fn update_contact(&self, id: ContactId, patch: ContactPatch) -> Contact {
        let field_uuids = field_uuids(patch.fields.len());
        self.store.contacts.update(self.id, id, patch, field_uuids, at(LATER), None).await.unwrap()
    }

    /// Returns all contacts, by reading all pages.
    async fn all_contacts(&self) -> Vec<Contact> {
        let mut all = Vec::new();
        for number in 1.. {
            let query = ContactQuery::oldest_first(page(number, 100));
            let page = self.store.contacts.list(self.id, query).await.unwrap();
            if page.items.is_empty() {
                break;
            }
            all.extend(page.items);
        }
        all
    }

    /// Records a call of which only the contact and the time matter.
    async fn record(&self, contact: ContactId, called_at: i64) -> Call {
        self.create_call(call(contact, called_at)).await.unwrap()
    }

    async fn create_call(&self, call: NewCall) -> Result<Call> {
        self.store.calls.create(self.id, call, UUID, at(NOW), None).await
    }

    async fn find_call(&self, id: CallId) -> Result<Call> {
        self.store.calls.find(self.id, id).await
    }

    async fn update_call(&self, id: CallId, patch: CallPatch) -> Result<Call> {
        self.update_call_if(id, patch, None).await
    }

    async fn update_call_if(&self, id: CallId, patch: CallPatch, condition: Option<Precondition>) -> Result<Call> {
        self.store.calls.update(self.id, id, patch, at(LATER), condition).await
    }

    async fn delete_call(&self, id: CallId) -> Result<()> {
        self.store.calls.delete(self.id, id, at(LATER), None).await
    }

    async fn delete_contact(&self, id: ContactId) -> Result<()> {
        self.store.contacts.delete(self.id, id, at(LATER), None).await
    }

    async fn list_calls(&self, query: CallQuery) -> CallPage {
        self.store.calls.list(self.id, query).await.unwrap()
    }

    /// Returns all calls, or those of one contact, by reading all pages.
    async fn all_calls(&self, contact: Option<ContactId>) -> Vec<Call> {
        let mut all = Vec::new();
        for number in 1.. {
            let page = self.list_calls(newest(contact, number, 100)).await.page;
            if page.items.is_empty() {
                assert_eq!(page.total, all.len() as u64, "the total is the number of calls");
                break;
            }
            all.extend(page.items);
        }
        all
    }

    /// Asserts that the numbers of calls and each `last_called` are what the calls say.
    async fn assert_counters_match_calls(&self) {
        let calls = self.all_calls(None).await;
        let mut years = BTreeMap::<i32, u64>::new();
        for call in &calls {
            *years.entry(call.details.called_at.year()).or_default() += 1;
        }
        let counted = self.list_calls(newest(None, 1, 1)).await.calls_per_year;
        assert_eq!(counted, years.into_iter().rev().collect::<Vec<_>>(), "calls per year");
        for contact in self.all_contacts().await {
            let own = || calls.iter().filter(|call| call.contact.id == contact.summary.id);
            assert_eq!(contact.calls, own().count() as u64, "the calls of contact {}", contact.summary.id);
            let newest = own().map(|call| call.details.called_at).max();
            assert_eq!(contact.last_called, newest, "last_called of contact {}", contact.summary.id);
        }
    }
}

/// A deterministic random number generator, with the constants of Knuth's MMIX.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn bool(&mut self) -> bool {
        self.below(2) == 0
    }

    fn called_at(&mut self) -> i64 {
        i64::try_from(self.below(1_000)).unwrap() * DAY * 11
    }
}

/// Asserts that the result is this error.
macro_rules! assert_error {
    ($result:expr, $error:ident $(($cause:pat))?) => {
        {
        let result = $result;
        assert!(matches!(result, Err($crate::Error::$error $(($cause))?)), "{result:?} is not {}", stringify!($error));
        }
    };
}
use assert_error;
