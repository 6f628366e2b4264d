//! Calls, and what a patch does to them.

use uuid::Uuid;

use crate::{AccountId, CallId, ContactId, ContactSummary, Content, Emotion, Name, Timestamp};

/// A recorded call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// The id, unique among all calls and never reused.
    pub id: CallId,
    /// The globally unique id.
    pub uuid: Uuid,
    /// The account that owns the call.
    pub account: AccountId,
    /// The contact of the call, in the same account.
    pub contact: ContactSummary,
    /// The details of the call.
    pub details: CallDetails,
    /// When the call was recorded.
    pub created_at: Timestamp,
    /// When the call last changed.
    pub updated_at: Timestamp,
}

/// The details of a call: everything that its owner can set, except the contact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallDetails {
    /// When the call happened.
    pub called_at: Timestamp,
    /// What the call was about. `None` if a Monica v4 client or an import left it out.
    pub content: Option<Content>,
    /// Whether the contact called. `None` if unknown.
    pub contact_called: Option<bool>,
    /// The emotions felt during the call, without duplicates.
    pub emotions: Vec<Emotion>,
}

impl CallDetails {
    /// Returns the details of a call of which only the time is known.
    pub fn at(called_at: Timestamp) -> Self {
        Self { called_at, content: None, contact_called: None, emotions: Vec::new() }
    }
}

/// Everything that the owner of a call can set: a call to record, or this part of a stored call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCall {
    /// The contact of the call.
    pub contact: ContactId,
    /// The details of the call.
    pub details: CallDetails,
}

/// A partial change of a call. `None` keeps the stored value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallPatch {
    /// Moves the call to this contact.
    pub contact: Option<ContactId>,
    /// The new time of the call.
    pub called_at: Option<Timestamp>,
    /// The new content. `Some(None)` removes it.
    pub content: Option<Option<Content>>,
    /// Whether the contact called.
    pub contact_called: Option<bool>,
    /// The new emotions, which replace the whole list.
    pub emotions: Option<Vec<Emotion>>,
}

impl CallPatch {
    /// Returns the call with the patch applied.
    pub fn apply(self, call: NewCall) -> NewCall {
        let NewCall { contact, details } = call;
        NewCall {
            contact: self.contact.unwrap_or(contact),
            details: CallDetails {
                called_at: self.called_at.unwrap_or(details.called_at),
                content: self.content.unwrap_or(details.content),
                contact_called: self.contact_called.or(details.contact_called),
                emotions: self.emotions.unwrap_or(details.emotions),
            },
        }
    }
}

/// The key by which a client marks repetitions of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key that the client chose.
    pub key: Name,
    /// A hash of the request. The same key with another hash is a client's mistake.
    pub fingerprint: i64,
}

impl IdempotencyKey {
    /// How long a key is kept, in seconds.
    pub const TTL_SECONDS: i64 = 24 * 60 * 60;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> NewCall {
        NewCall {
            contact: ContactId::new(3).unwrap(),
            details: CallDetails {
                content: Content::parse("He called").ok(),
                contact_called: Some(true),
                emotions: Emotion::new(1).into_iter().collect(),
                ..CallDetails::at(Timestamp::from_unix(0).unwrap())
            },
        }
    }

    #[test]
    fn an_empty_patch_changes_nothing() {
        assert_eq!(CallPatch::default().apply(stored()), stored());
    }

    #[test]
    fn a_patch_replaces_the_values_that_it_has() {
        let patch = CallPatch {
            contact: ContactId::new(4),
            called_at: Timestamp::from_unix(60),
            content: Some(None),
            contact_called: Some(false),
            emotions: Some(vec![]),
        };
        let expected = NewCall {
            contact: ContactId::new(4).unwrap(),
            details: CallDetails { contact_called: Some(false), ..CallDetails::at(Timestamp::from_unix(60).unwrap()) },
        };
        assert_eq!(patch.apply(stored()), expected);
    }
}
