//! Bearer tokens: who may do what.

use std::fmt;

use crate::{AccountId, Name, Timestamp, TokenId};

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything in its account.
    ReadWrite,
    /// Reading its account.
    ReadOnly,
}

/// Who is asking: what a verified token says of its bearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account that the token opens.
    pub account: AccountId,
    /// The token itself, for limits and logs.
    pub token: TokenId,
    /// What it allows.
    pub scope: Scope,
}

/// A token's secret text. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The fewest characters of a secret that an operator chooses.
    pub const MIN: usize = 32;

    /// A secret made of 256 random bits.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        use fmt::Write;
        let mut text = String::from("cb_");
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// A secret that an operator chose: at least [`Secret::MIN`] visible ASCII characters.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() >= Self::MIN && text.bytes().all(|b| b.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// The text, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of a secret: all that is stored. The secret has 256 random bits, so a fast hash is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

/// A token to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// The account that it opens.
    pub account: AccountId,
    /// What its operator calls it.
    pub name: Name,
    /// The hash of its secret.
    pub hash: SecretHash,
    /// What it allows.
    pub scope: Scope,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// A stored token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// The account that it opens.
    pub account: AccountId,
    /// What its operator calls it.
    pub name: Name,
    /// What it allows.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// The caller that the token stands for at the time `now`; none when it is expired or revoked.
    pub fn caller(&self, now: Timestamp) -> Option<Caller> {
        let valid = self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end);
        valid.then_some(Caller { account: self.account, token: self.id, scope: self.scope })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(expires_at: Option<i64>, revoked_at: Option<i64>) -> Token {
        Token {
            id: TokenId::from_store(1),
            account: AccountId::from_store(5),
            name: Name::parse("n8n").unwrap(),
            scope: Scope::ReadOnly,
            created_at: Timestamp::from_unix(0).unwrap(),
            expires_at: expires_at.and_then(Timestamp::from_unix),
            revoked_at: revoked_at.and_then(Timestamp::from_unix),
        }
    }

    #[test]
    fn a_token_opens_its_account_until_it_expires_or_is_revoked() {
        let now = Timestamp::from_unix(100).unwrap();
        assert_eq!(token(None, None).caller(now).map(|c| c.account.get()), Some(5));
        assert!(token(Some(101), None).caller(now).is_some());
        assert!(token(Some(100), None).caller(now).is_none());
        assert!(token(None, Some(50)).caller(now).is_none());
    }

    #[test]
    fn a_secret_is_long_enough_and_never_shown_by_debug() {
        let secret = Secret::from_random([0xab; 32]);
        assert_eq!(secret.reveal().len(), 3 + 64);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert!(Secret::parse(&"x".repeat(31)).is_none());
        assert!(Secret::parse(&"x".repeat(32)).is_some());
        assert!(Secret::parse(&format!("{} y", "x".repeat(32))).is_none());
    }
}
