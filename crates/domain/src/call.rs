//! Calls: what was talked about with whom, and when.

use std::hash::{DefaultHasher, Hash, Hasher};

use uuid::Uuid;

use crate::{AccountId, CallId, ContactId, ContactSummary, Content, Emotion, Name, Timestamp};

/// A recorded call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// Its id, unique among all calls and never used twice.
    pub id: CallId,
    /// Its name for other systems.
    pub uuid: Uuid,
    /// The account that owns it.
    pub account: AccountId,
    /// When it happened.
    pub called_at: Timestamp,
    /// What it was about; only Monica's clients may leave it out.
    pub content: Option<Content>,
    /// Whether the contact called; none when never said.
    pub contact_called: Option<bool>,
    /// What was felt.
    pub emotions: Vec<Emotion>,
    /// With whom: a call is never an orphan.
    pub contact: ContactSummary,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Call {
    /// What tells this state of the call, its contact included, from every other.
    pub fn version(&self) -> Version {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        Version(hasher.finish())
    }
}

/// A state of a call. Opaque: another release of the server may number states otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u64);

/// A client's own name for a request, by which a repetition is told from a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The name.
    pub key: Name,
    /// A hash of what was asked: the same key with another one is a mistake.
    pub fingerprint: i64,
}

impl IdempotencyKey {
    /// How long a key is remembered, in seconds.
    pub const TTL_SECONDS: i64 = 24 * 60 * 60;
}

/// A call that may be recorded: every part is already valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCall {
    /// With whom.
    pub contact: ContactId,
    /// When it happened.
    pub called_at: Timestamp,
    /// What it was about.
    pub content: Option<Content>,
    /// Whether the contact called.
    pub contact_called: Option<bool>,
    /// What was felt.
    pub emotions: Vec<Emotion>,
}

impl NewCall {
    /// The call that was recorded from this.
    pub fn answered_as(
        self,
        id: CallId,
        uuid: Uuid,
        called_at: Timestamp,
        created_at: Timestamp,
        contact: ContactSummary,
    ) -> Call {
        Call {
            id,
            uuid,
            account: contact.account,
            called_at,
            content: self.content,
            contact_called: self.contact_called,
            emotions: self.emotions,
            contact,
            created_at,
            updated_at: created_at,
        }
    }
}

/// What changes in a call; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallPatch {
    /// Moves the call to this contact.
    pub contact: Option<ContactId>,
    /// When it happened.
    pub called_at: Option<Timestamp>,
    /// What it was about; `Some(None)` takes it away.
    pub content: Option<Option<Content>>,
    /// Whether the contact called.
    pub contact_called: Option<bool>,
    /// What was felt; replaces the whole list.
    pub emotions: Option<Vec<Emotion>>,
}

impl CallPatch {
    /// The call as it will be: the stored parts, overlaid with the changed ones.
    pub fn apply(self, stored: NewCall) -> NewCall {
        NewCall {
            contact: self.contact.unwrap_or(stored.contact),
            called_at: self.called_at.unwrap_or(stored.called_at),
            content: self.content.unwrap_or(stored.content),
            contact_called: self.contact_called.or(stored.contact_called),
            emotions: self.emotions.unwrap_or(stored.emotions),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> NewCall {
        NewCall {
            contact: ContactId::from_store(3),
            called_at: Timestamp::from_unix(0).unwrap(),
            content: Content::parse("He called").ok(),
            contact_called: Some(true),
            emotions: Emotion::new(1).into_iter().collect(),
        }
    }

    #[test]
    fn an_absent_part_stays_as_it_is() {
        assert_eq!(CallPatch::default().apply(stored()), stored());
    }

    #[test]
    fn a_present_part_replaces_the_stored_one() {
        let change = CallPatch {
            contact: Some(ContactId::from_store(4)),
            called_at: Timestamp::from_unix(60),
            content: Some(None),
            contact_called: Some(false),
            emotions: Some(vec![]),
        };
        let expected = NewCall {
            contact: ContactId::from_store(4),
            called_at: Timestamp::from_unix(60).unwrap(),
            content: None,
            contact_called: Some(false),
            emotions: vec![],
        };
        assert_eq!(change.apply(stored()), expected);
    }
}
