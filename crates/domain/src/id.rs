//! Ids: positive integers below 2^53, which every JSON parser represents exactly.

use std::fmt;

/// The first integer that a double cannot distinguish from its successor.
const LIMIT: i64 = 1 << 53;

/// Parses decimal digits. `None` if the text has a sign or any other character.
pub fn parse_digits(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Returns the id with this number. `None` outside 1 to 2^53 - 1.
            pub fn new(number: i64) -> Option<Self> {
                (1..LIMIT).contains(&number).then_some(Self(number))
            }

            /// Parses an id from decimal digits. `None` if the text is not an id.
            pub fn parse(digits: &str) -> Option<Self> {
                parse_digits(digits).and_then(Self::new)
            }

            /// Returns the number.
            pub fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// The id of an account.
    AccountId
);
id!(
    /// The id of a contact.
    ContactId
);
id!(
    /// The id of a contact field.
    ContactFieldId
);
id!(
    /// The id of a call.
    CallId
);
id!(
    /// The id of a token, which is not its secret.
    TokenId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_positive_integer_below_two_to_the_53() {
        assert_eq!(CallId::new(1).map(CallId::get), Some(1));
        assert_eq!(CallId::new((1 << 53) - 1).map(CallId::get), Some((1 << 53) - 1));
        for number in [0, -1, 1 << 53, i64::MAX, i64::MIN] {
            assert_eq!(CallId::new(number), None, "{number}");
        }
    }

    #[test]
    fn parses_an_id_from_digits_only() {
        assert_eq!(ContactId::parse("7").map(ContactId::get), Some(7));
        assert_eq!(ContactId::parse("007").map(ContactId::get), Some(7));
        for text in ["", "abc", "-1", "+1", "1.5", "2abc", " 2", "99999999999999999999", "٣"] {
            assert_eq!(ContactId::parse(text), None, "{text:?}");
        }
    }
}
