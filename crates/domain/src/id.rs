//! Ids: positive integers below 2^53, so that every JSON reader keeps them exact.

use std::fmt;

/// The first integer that a double cannot tell from its neighbour.
const LIMIT: i64 = 1 << 53;

/// The number that these decimal digits name; none with a sign or anything else.
pub fn parse_digits(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The id with this number; none outside 1 to 2^53 - 1.
            pub fn new(number: i64) -> Option<Self> {
                (1..LIMIT).contains(&number).then_some(Self(number))
            }

            /// The id that these decimal digits name.
            pub fn parse(digits: &str) -> Option<Self> {
                parse_digits(digits).and_then(Self::new)
            }

            /// An id that a store gave out, taken as it is.
            pub fn from_store(number: i64) -> Self {
                Self(number)
            }

            /// The number.
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
    /// Names an account.
    AccountId
);
id!(
    /// Names a contact.
    ContactId
);
id!(
    /// Names a contact field.
    ContactFieldId
);
id!(
    /// Names a call.
    CallId
);
id!(
    /// Names a token (not its secret).
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
    fn only_digits_name_an_id() {
        assert_eq!(ContactId::parse("7").map(ContactId::get), Some(7));
        assert_eq!(ContactId::parse("007").map(ContactId::get), Some(7));
        for text in ["", "abc", "-1", "+1", "1.5", "2abc", " 2", "99999999999999999999", "٣"] {
            assert_eq!(ContactId::parse(text), None, "{text:?}");
        }
    }
}
