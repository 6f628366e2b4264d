//! The domain: calls, contacts, accounts and tokens, and the rules about them.
//!
//! A value of these types is always valid. The crate has no I/O, no serialisation and no async code: each function
//! depends on its arguments only.
//!
//! - [`CallDetails`] and [`CallPatch`]: the content of a call and its partial change
//! - [`CounterChanges`]: what a write of a call does to the counters of its contact and month
//! - [`CallQuery`] and [`ContactQuery`]: requests for a page of a list

mod account;
mod call;
mod call_log;
mod contact;
mod contact_field;
mod counters;
mod deletion;
mod emotion;
mod id;
mod phone_number;
mod query;
mod search;
mod stay_in_touch;
mod text;
mod time_zone;
mod timestamp;
mod token;

pub use account::Account;
pub use call::{
    Call, CallContact, CallDetails, CallDuration, CallPatch, CallUpsert, IdempotencyKey, NewCall, Outcome, RecordedCall,
};
pub use call_log::LoggedCall;
pub use contact::{
    Archived, Contact, ContactPatch, ContactSummary, Gender, ImportantDate, NewContact, Profile, TooManyFields,
};
pub use contact_field::{ContactField, ContactFieldKind, FieldOfContact, NamedField, NewContactField};
pub use counters::{ContactCounterChange, CounterChanges, LastCalled};
pub use deletion::{DeletedObject, Deletion, DeletionQuery};
pub use emotion::Emotion;
pub use id::{AccountId, CallId, ContactFieldId, ContactId, TokenId, parse_digits};
pub use phone_number::{PhoneNumber, PhoneRegion, PhoneSearch, phone_key};
pub use query::{
    CallFilters, CallQuery, CallSortKey, ContactQuery, ContactSortKey, Cursor, Direction, DueFilter, ItemKey, Page,
    PageRequest, PageSize, PageStart, Sort,
};
pub use search::{CallSearch, ContactSearch, INDEX_VERSION, fold, index_text, words};
pub use stay_in_touch::StayInTouchFrequency;
pub use text::{Content, Name, Text, TextError, trim};
pub use time_zone::TimeZone;
pub use timestamp::Timestamp;
pub use token::{Caller, NewToken, Scope, Secret, SecretHash, Token};
pub use uuid::Uuid;
