//! Bearer tokens and what they permit.

use std::fmt;

use crate::{AccountId, Name, Timestamp, TokenId};

/// What a token permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Reading and writing the data of the account.
    ReadWrite,
    /// Reading the data of the account.
    ReadOnly,
    /// Reading the calendar of the account, and nothing else. The token is part of the calendar's address.
    Feed,
}

impl Scope {
    /// Returns the scope of a token that only reads, or that is for a calendar. A token for a calendar never writes.
    pub fn from_flags(is_read_only: bool, is_feed: bool) -> Self {
        match (is_feed, is_read_only) {
            (true, _) => Self::Feed,
            (false, true) => Self::ReadOnly,
            (false, false) => Self::ReadWrite,
        }
    }
}

/// The authenticated client of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account that the token gives access to.
    pub account: AccountId,
    /// The token, for the rate limit.
    pub token: TokenId,
    /// What the token permits.
    pub scope: Scope,
}

/// The secret text of a token. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The minimal length of a secret that the operator chooses, in characters.
    pub const MIN: usize = 32;

    /// Returns a secret made of 256 random bits.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        use fmt::Write;
        let mut text = String::from("cb_");
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// Parses a secret that the operator chose. `None` unless it has at least [`Secret::MIN`] visible ASCII characters.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() >= Self::MIN && text.bytes().all(|b| b.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The SHA-256 hash of a secret. Only the hash is stored. A fast hash is sufficient, because secrets are random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

/// A token without an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// The account that it opens.
    pub account: AccountId,
    /// The name that the operator chose.
    pub name: Name,
    /// The hash of the secret.
    pub hash: SecretHash,
    /// What the token permits.
    pub scope: Scope,
    /// When the token expires. `None` if never.
    pub expires_at: Option<Timestamp>,
}

/// A stored token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The id.
    pub id: TokenId,
    /// The account that it opens.
    pub account: AccountId,
    /// The name that the operator chose.
    pub name: Name,
    /// What the token permits.
    pub scope: Scope,
    /// When the token was created.
    pub created_at: Timestamp,
    /// When a request last used the token, recorded at most once every [`Token::USE_INTERVAL_SECONDS`]. `None` if never.
    pub last_used_at: Option<Timestamp>,
    /// When the token expires. `None` if never.
    pub expires_at: Option<Timestamp>,
    /// When the token was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// The time between two recorded uses of a token.
    pub const USE_INTERVAL_SECONDS: i64 = 60;

    /// Returns the client that the token authenticates at `now`. `None` if the token is expired or revoked.
    pub fn caller(&self, now: Timestamp) -> Option<Caller> {
        let valid = self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end);
        valid.then_some(Caller { account: self.account, token: self.id, scope: self.scope })
    }

    /// Returns whether a use at `now` is to be recorded. A recorded time long after `now` comes from a wrong clock, and
    /// is replaced.
    pub fn is_use_due(&self, now: Timestamp) -> bool {
        self.last_used_at.is_none_or(|last| (now.unix() - last.unix()).abs() >= Self::USE_INTERVAL_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(expires_at: Option<i64>, revoked_at: Option<i64>) -> Token {
        Token {
            id: TokenId::new(1).unwrap(),
            account: AccountId::new(5).unwrap(),
            name: Name::parse("n8n").unwrap(),
            scope: Scope::ReadOnly,
            created_at: Timestamp::from_unix(0).unwrap(),
            last_used_at: None,
            expires_at: expires_at.and_then(Timestamp::from_unix),
            revoked_at: revoked_at.and_then(Timestamp::from_unix),
        }
    }

    #[test]
    fn authenticates_until_expired_or_revoked() {
        let now = Timestamp::from_unix(100).unwrap();
        assert_eq!(token(None, None).caller(now).map(|c| c.account.get()), Some(5));
        assert!(token(Some(101), None).caller(now).is_some());
        assert!(token(Some(100), None).caller(now).is_none());
        assert!(token(None, Some(50)).caller(now).is_none());
    }

    #[test]
    fn a_use_is_due_once_a_minute() {
        let now = Timestamp::from_unix(100).unwrap();
        for (last_used_at, is_due) in
            [(None, true), (Some(40), true), (Some(41), false), (Some(159), false), (Some(160), true)]
        {
            let token = Token { last_used_at: last_used_at.and_then(Timestamp::from_unix), ..token(None, None) };
            assert_eq!(token.is_use_due(now), is_due, "{last_used_at:?}");
        }
    }

    #[test]
    fn a_secret_has_a_minimal_length_and_is_hidden_by_debug() {
        let secret = Secret::from_random([0xab; 32]);
        assert_eq!(secret.reveal().len(), 3 + 64);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert!(Secret::parse(&"x".repeat(31)).is_none());
        assert!(Secret::parse(&"x".repeat(32)).is_some());
        assert!(Secret::parse(&format!("{} y", "x".repeat(32))).is_none());
    }
}
