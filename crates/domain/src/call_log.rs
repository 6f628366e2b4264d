//! Calls of call logs, whose contacts are known by their phone numbers only.

use std::collections::HashMap;
use std::fmt::Display;

use crate::{
    CallContact, CallDetails, CallPatch, CallUpsert, ContactFieldKind, Name, NewContact, NewContactField, PhoneNumber,
    PhoneSearch, Profile,
};

/// A call of a call log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedCall {
    /// The number of the contact.
    pub phone_number: PhoneNumber,
    /// The key of the call. It is the same whenever the log is read.
    pub external_id: Name,
    /// The name that the log has for the number.
    pub name: Option<Name>,
    /// The other details. Their phone number and external id are ignored.
    pub details: CallDetails,
}

impl LoggedCall {
    /// Returns the key of a call whose log has none: of the source, the number, the instant as the log has it, and the
    /// direction. The punctuation of the number does not matter.
    pub fn derive_key(
        source: &str,
        phone_number: &PhoneNumber,
        instant: impl Display,
        contact_called: Option<bool>,
    ) -> Option<Name> {
        let number: String =
            phone_number.as_str().chars().filter(|c| c.is_alphanumeric() || matches!(c, '+' | '*' | '#')).collect();
        let direction = match contact_called {
            Some(true) => "in",
            Some(false) => "out",
            None => "unknown",
        };
        Name::parse(&format!("{source}:{number}:{instant}:{direction}")).ok()
    }

    /// Returns a contact with the number and the name that the log has for it. Without a name, the number is the name.
    /// `None` if the number is longer than a name can be.
    pub fn new_contact(&self) -> Option<NewContact> {
        let data = Name::parse(self.phone_number.as_str()).ok()?;
        let profile = self.name.clone().map_or_else(|| Profile::new(data.clone()), Profile::from_full_name);
        let fields = vec![NewContactField { kind: ContactFieldKind::PHONE, data }];
        Some(NewContact { fields, ..NewContact::with_profile(profile) })
    }

    /// Moves the answered one of the calls with the same key to the place of the first one, which is recorded. A
    /// telephone system logs a call once for each phone that rang.
    pub fn put_answered_first(calls: &mut [Self]) {
        let mut first_of_key = HashMap::new();
        let mut swaps = Vec::new();
        for (place, call) in calls.iter().enumerate() {
            let is_answered = call.details.answered == Some(true);
            let (first, has_answered) = first_of_key.entry(call.external_id.as_str()).or_insert((place, is_answered));
            if is_answered && !*has_answered {
                *has_answered = true;
                swaps.push((*first, place));
            }
        }
        for (first, place) in swaps {
            calls.swap(first, place);
        }
    }
}

impl From<LoggedCall> for CallUpsert {
    /// Records the call with the contact that has the number. A call that has the external id stays unchanged, because
    /// its owner may have changed it since.
    fn from(call: LoggedCall) -> Self {
        let LoggedCall { phone_number, external_id, details, .. } = call;
        Self {
            contact: CallContact::Number(PhoneSearch::new(phone_number.clone())),
            details: CallDetails { phone_number: Some(phone_number), external_id: Some(external_id), ..details },
            patch: CallPatch::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    #[test]
    fn a_derived_key_has_number_instant_and_direction() {
        let key = |text, instant: i64, direction| LoggedCall::derive_key("phone", &number(text), instant, direction);
        let expected = Name::parse("phone:+41310000000:1517566500123:in").ok();
        assert_eq!(key("+41 31 000-00-00", 1_517_566_500_123, Some(true)), expected);
        assert_eq!(key("+41 (31) 000 00 00", 1_517_566_500_123, Some(true)), expected, "other punctuation");
        for other in [
            key("+41 31 000 00 01", 1_517_566_500_123, Some(true)),
            key("+41 31 000 00 00", 1_517_566_500_124, Some(true)),
            key("+41 31 000 00 00", 1_517_566_500_123, Some(false)),
            key("+41 31 000 00 00", 1_517_566_500_123, None),
        ] {
            assert!(other.is_some() && other != expected, "{other:?}");
        }
        assert!(key(&"9".repeat(64), i64::MIN, None).is_some(), "the longest key");
    }

    fn call(external_id: &str, answered: bool) -> LoggedCall {
        LoggedCall {
            phone_number: number("+41 31 000 00 00"),
            external_id: Name::parse(external_id).unwrap(),
            name: None,
            details: CallDetails { answered: Some(answered), ..CallDetails::at(Timestamp::EPOCH) },
        }
    }

    #[test]
    fn the_answered_call_of_a_key_is_recorded() {
        let mut calls = [call("a", false), call("b", false), call("a", true), call("a", true), call("b", false)];
        LoggedCall::put_answered_first(&mut calls);
        let order: Vec<_> =
            calls.iter().map(|call| (call.external_id.as_str(), call.details.answered.unwrap())).collect();
        assert_eq!(order, [("a", true), ("b", false), ("a", false), ("a", true), ("b", false)]);
    }

    #[test]
    fn a_new_contact_has_the_name_of_the_log_or_the_number() {
        let named = LoggedCall { name: Name::parse("Leslie Knope").ok(), ..call("a", true) };
        let contact = named.new_contact().unwrap();
        assert_eq!(contact.profile.complete_name(), "Leslie Knope");
        assert_eq!(
            (contact.fields[0].kind, contact.fields[0].data.as_str()),
            (ContactFieldKind::PHONE, "+41 31 000 00 00")
        );
        assert_eq!(call("a", true).new_contact().unwrap().profile.complete_name(), "+41 31 000 00 00");
    }

    #[test]
    fn a_recorded_call_is_not_changed() {
        let upsert = CallUpsert::from(call("pbx-1", true));
        assert_eq!(upsert.patch, CallPatch::default());
        assert_eq!(upsert.details.external_id, Name::parse("pbx-1").ok());
        assert_eq!(upsert.details.phone_number, Some(number("+41 31 000 00 00")));
        assert_eq!(upsert.contact, CallContact::Number(PhoneSearch::new(number("+41 31 000 00 00"))));
    }
}
