//! The lines of accounts and tokens, which only backups have.

use std::fmt::Write;

use domain::{Account, AccountId, Scope, SecretHash, Token, TokenId};
use serde::{Deserialize, Serialize};

use super::{id, text, timestamp};

/// The line of an account.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountLine {
    id: i64,
    name: String,
    created_at: String,
}

impl AccountLine {
    /// Returns the line of the account.
    pub fn new(Account { id, name, created_at }: Account) -> Self {
        Self { id: id.get(), name: name.into(), created_at: created_at.to_string() }
    }

    /// Parses the line.
    pub fn into_account(self) -> Result<Account, String> {
        Ok(Account {
            id: id("id", AccountId::new(self.id))?,
            name: text("name", self.name)?,
            created_at: timestamp("created_at", &self.created_at)?,
        })
    }
}

/// The line of a token.
#[derive(Debug, Serialize, Deserialize)]
pub struct TokenLine {
    id: i64,
    account_id: i64,
    name: String,
    sha256: String,
    read_only: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    feed: bool,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

impl TokenLine {
    /// Returns the line of the token.
    pub fn new(token: Token, hash: SecretHash) -> Self {
        Self {
            id: token.id.get(),
            account_id: token.account.get(),
            name: token.name.into(),
            sha256: to_hex(&hash.0),
            // A version that does not know feeds restores a token for a calendar as one that only reads.
            read_only: token.scope != Scope::ReadWrite,
            feed: token.scope == Scope::Feed,
            created_at: token.created_at.to_string(),
            last_used_at: token.last_used_at.map(|time| time.to_string()),
            expires_at: token.expires_at.map(|time| time.to_string()),
            revoked_at: token.revoked_at.map(|time| time.to_string()),
        }
    }

    /// Parses the line.
    pub fn into_token(self) -> Result<(Token, SecretHash), String> {
        let optional = |name, value: Option<String>| value.map(|value| timestamp(name, &value)).transpose();
        let token = Token {
            id: id("id", TokenId::new(self.id))?,
            account: id("account_id", AccountId::new(self.account_id))?,
            name: text("name", self.name)?,
            scope: Scope::from_flags(self.read_only, self.feed),
            created_at: timestamp("created_at", &self.created_at)?,
            last_used_at: optional("last_used_at", self.last_used_at)?,
            expires_at: optional("expires_at", self.expires_at)?,
            revoked_at: optional("revoked_at", self.revoked_at)?,
        };
        Ok((token, SecretHash(from_hex(&self.sha256).ok_or("sha256 is not 64 hexadecimal digits")?)))
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<u8> = text.chars().map(digit).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}
