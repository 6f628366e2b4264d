//! Calls, and what a patch does to them.

use uuid::Uuid;

use crate::{
    AccountId, CallId, ContactId, ContactSummary, Content, Emotion, Name, PhoneNumber, PhoneRegion, PhoneSearch,
    Timestamp,
};

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
    /// How long the call lasted. `None` if unknown.
    pub duration: Option<CallDuration>,
    /// Whether the call was answered. `None` if unknown.
    pub answered: Option<bool>,
    /// The phone number of the contact, as the client sent it.
    pub phone_number: Option<PhoneNumber>,
    /// The id that the call has in the system from which it comes. No other call of the account has it.
    pub external_id: Option<Name>,
}

impl CallDetails {
    /// Returns the details of a call of which only the time is known.
    pub fn at(called_at: Timestamp) -> Self {
        Self {
            called_at,
            content: None,
            contact_called: None,
            emotions: Vec::new(),
            duration: None,
            answered: None,
            phone_number: None,
            external_id: None,
        }
    }
}

/// The duration of a call, in whole seconds: at most a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallDuration(i32);

impl CallDuration {
    /// The longest duration, in seconds.
    pub const MAX_SECONDS: i32 = 7 * 24 * 60 * 60;

    /// Returns the duration of this many seconds. `None` outside 0 to [`CallDuration::MAX_SECONDS`].
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        i32::try_from(seconds).ok().filter(|seconds| (0..=Self::MAX_SECONDS).contains(seconds)).map(Self)
    }

    /// Returns the number of seconds.
    pub fn seconds(self) -> i32 {
        self.0
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
    /// The new duration. `Some(None)` removes it.
    pub duration: Option<Option<CallDuration>>,
    /// Whether the call was answered. `Some(None)` makes it unknown.
    pub answered: Option<Option<bool>>,
    /// The new phone number. `Some(None)` removes it.
    pub phone_number: Option<Option<PhoneNumber>>,
    /// The new external id. `Some(None)` removes it.
    pub external_id: Option<Option<Name>>,
}

impl CallPatch {
    /// Returns the call with the patch applied.
    pub fn apply(self, call: NewCall) -> NewCall {
        NewCall { contact: self.contact.unwrap_or(call.contact), details: self.apply_to_details(call.details) }
    }

    fn apply_to_details(self, details: CallDetails) -> CallDetails {
        CallDetails {
            called_at: self.called_at.unwrap_or(details.called_at),
            content: self.content.unwrap_or(details.content),
            contact_called: self.contact_called.or(details.contact_called),
            emotions: self.emotions.unwrap_or(details.emotions),
            duration: self.duration.unwrap_or(details.duration),
            answered: self.answered.unwrap_or(details.answered),
            phone_number: self.phone_number.unwrap_or(details.phone_number),
            external_id: self.external_id.unwrap_or(details.external_id),
        }
    }

    /// Returns the request to record a call with the values of the patch. `None` if it lacks the time, or both the contact
    /// and the phone number.
    pub fn into_upsert(self) -> Option<CallUpsert> {
        let details = self.clone().apply_to_details(CallDetails::at(self.called_at?));
        let contact = match (self.contact, &details.phone_number) {
            (Some(contact), _) => CallContact::Id(contact),
            (None, Some(number)) => CallContact::Number(PhoneSearch::new(number.clone())),
            (None, None) => return None,
        };
        Some(CallUpsert { contact, details, patch: self })
    }
}

/// How a request names the contact of a call to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallContact {
    /// By its id.
    Id(ContactId),
    /// By a phone number that no other contact has.
    Number(PhoneSearch),
}

/// A call to record, unless the account has a call with its external id: then the call is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallUpsert {
    /// The contact of the call to record.
    pub contact: CallContact,
    /// The details of the call to record.
    pub details: CallDetails,
    /// The change of the call that has the external id: what the client sent.
    pub patch: CallPatch,
}

impl CallUpsert {
    /// Reads the phone number that names the contact by the rules of the region.
    #[must_use]
    pub fn in_region(self, region: Option<PhoneRegion>) -> Self {
        let contact = match self.contact {
            CallContact::Number(search) => CallContact::Number(search.in_region(region)),
            id @ CallContact::Id(_) => id,
        };
        Self { contact, ..self }
    }
}

impl From<NewCall> for CallUpsert {
    /// Changes all of a stored call.
    fn from(NewCall { contact, details }: NewCall) -> Self {
        let patch = CallPatch {
            contact: Some(contact),
            called_at: Some(details.called_at),
            content: Some(details.content.clone()),
            contact_called: details.contact_called,
            emotions: Some(details.emotions.clone()),
            duration: Some(details.duration),
            answered: Some(details.answered),
            phone_number: Some(details.phone_number.clone()),
            external_id: Some(details.external_id.clone()),
        };
        Self { contact: CallContact::Id(contact), details, patch }
    }
}

/// A call that was recorded or changed, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedCall {
    /// The call.
    pub call: Call,
    /// What happened to it.
    pub outcome: Outcome,
}

/// What a write does to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The call is new.
    Created,
    /// The call was changed.
    Updated,
    /// The call was like that already.
    Unchanged,
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
                duration: CallDuration::from_seconds(60),
                answered: Some(true),
                phone_number: PhoneNumber::parse("+1 555 0100").ok(),
                external_id: Name::parse("pbx-1").ok(),
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
            duration: Some(None),
            answered: Some(None),
            phone_number: Some(None),
            external_id: Some(None),
        };
        let expected = NewCall {
            contact: ContactId::new(4).unwrap(),
            details: CallDetails { contact_called: Some(false), ..CallDetails::at(Timestamp::from_unix(60).unwrap()) },
        };
        assert_eq!(patch.apply(stored()), expected);
    }

    #[test]
    fn a_request_names_the_contact_by_id_or_by_phone_number() {
        let patch = CallPatch { called_at: Some(Timestamp::EPOCH), ..CallPatch::default() };
        assert_eq!(patch.clone().into_upsert(), None);
        let number = PhoneNumber::parse("+1 555 0100").unwrap();
        let patch = CallPatch { phone_number: Some(Some(number.clone())), ..patch };
        let contact = |patch: CallPatch| patch.into_upsert().unwrap().contact;
        assert_eq!(contact(patch.clone()), CallContact::Number(PhoneSearch::new(number)));
        let id = ContactId::new(3).unwrap();
        assert_eq!(contact(CallPatch { contact: Some(id), ..patch.clone() }), CallContact::Id(id));
        assert_eq!(CallPatch { called_at: None, ..patch }.into_upsert(), None);
    }

    #[test]
    fn a_duration_has_0_seconds_to_a_week() {
        let seconds = |seconds| CallDuration::from_seconds(seconds).map(CallDuration::seconds);
        assert_eq!((seconds(0), seconds(604_800)), (Some(0), Some(604_800)));
        assert_eq!((seconds(-1), seconds(604_801), seconds(i64::MAX)), (None, None, None));
    }
}
