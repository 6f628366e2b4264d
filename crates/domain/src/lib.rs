//! What is true of calls and contacts: types that can only exist valid, and the rules between them.
//!
//! No I/O, no serialisation, no async: everything here is decided from its arguments.

mod account;
mod call;
mod contact;
mod contact_field;
mod emotion;
mod id;
mod page;
mod search;
mod text;
mod timestamp;
mod token;

pub use account::Account;
pub use call::{Call, CallPatch, IdempotencyKey, NewCall, Version};
pub use contact::{Contact, ContactPatch, ContactSummary, Gender, ImportantDate, NewContact, Profile, TooManyFields};
pub use contact_field::{ContactField, ContactFieldKind, NewContactField};
pub use emotion::Emotion;
pub use id::{AccountId, CallId, ContactFieldId, ContactId, TokenId, parse_digits};
pub use page::{CallOrder, ContactOrder, Direction, Page, PageRequest, PageSize};
pub use search::{ContactSearch, fold};
pub use text::{Content, Name, Text, TextError, trim};
pub use timestamp::Timestamp;
pub use token::{Caller, NewToken, Scope, Secret, SecretHash, Token};
pub use uuid::Uuid;
