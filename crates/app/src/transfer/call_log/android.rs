//! What Android's call log and the programs that export it have in common.

use domain::{CallDetails, LoggedCall, Timestamp};

use super::{Skip, duration, name, phone_number};

/// The members of a call, as a program exports them.
pub struct AndroidCall<'a> {
    /// The number.
    pub number: &'a str,
    /// `CallLog.Calls.TYPE`: a number from 1 on.
    pub kind: i64,
    /// The time, and the instant of the key: Unix milliseconds.
    pub date: (Timestamp, i64),
    /// The duration in seconds. `None` if unknown.
    pub seconds: Option<i64>,
    /// The name in the phone's address book.
    pub name: Option<&'a str>,
}

impl AndroidCall<'_> {
    /// Returns the call.
    ///
    /// The same call has the same key in all programs, which export the same row of the phone.
    pub fn into_logged_call(self) -> Result<LoggedCall, Skip> {
        let phone_number = phone_number(self.number)?;
        let has_lasted = self.seconds.unwrap_or_default() > 0;
        let (contact_called, answered) = match self.kind {
            // Incoming, and answered on another device of the phone's owner.
            1 | 7 => (true, true),
            2 => (false, has_lasted),
            // Missed, voicemail, rejected and blocked.
            3..=6 => (true, false),
            kind => return Err(Skip::unreadable(format!("the type {kind} is unknown"))),
        };
        let (called_at, instant) = self.date;
        let external_id = LoggedCall::derive_key("phone", &phone_number, instant, Some(contact_called))
            .ok_or(Skip::unreadable("its key is too long"))?;
        let details = CallDetails {
            contact_called: Some(contact_called),
            answered: Some(answered),
            duration: self.seconds.map(duration).transpose()?,
            ..CallDetails::at(called_at)
        };
        Ok(LoggedCall { phone_number, external_id, name: self.name.and_then(name), details })
    }
}

#[cfg(test)]
mod tests {
    use super::super::from_millis;
    use super::*;

    fn call(kind: i64, seconds: i64) -> Result<LoggedCall, Skip> {
        let millis = 1_517_566_500_123;
        let date = (from_millis(millis).unwrap(), millis);
        AndroidCall { number: "+41 31 000 00 00", kind, date, seconds: Some(seconds), name: Some("Zoë") }
            .into_logged_call()
    }

    #[test]
    fn a_type_says_who_called_and_whether_the_call_was_answered() {
        for (kind, seconds, contact_called, answered) in [
            (1, 61, true, true),
            (1, 0, true, true),
            (2, 61, false, true),
            (2, 0, false, false),
            (3, 0, true, false),
            (4, 12, true, false),
            (5, 0, true, false),
            (6, 0, true, false),
        ] {
            let details = call(kind, seconds).unwrap().details;
            assert_eq!((details.contact_called, details.answered), (Some(contact_called), Some(answered)), "{kind}");
            assert_eq!(details.called_at.to_string(), "2018-02-02T10:15:00Z");
        }
        assert_eq!(call(1, 61).unwrap().external_id.as_str(), "phone:+41310000000:1517566500123:in");
        assert_eq!(call(2, 61).unwrap().external_id.as_str(), "phone:+41310000000:1517566500123:out");
        for (kind, seconds) in [(0, 1), (8, 1), (-1, 1), (1, -1), (1, i64::MAX)] {
            assert!(matches!(call(kind, seconds), Err(Skip::Unreadable(_))), "{kind} {seconds}");
        }
    }
}
