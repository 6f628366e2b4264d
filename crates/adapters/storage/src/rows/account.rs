//! Rows of accounts and tokens.

use diesel::prelude::*;
use domain::{Account, NewToken, Scope, SecretHash, Timestamp, Token, TokenId};

use super::{account_id, invalid, text};
use crate::columns::DbTimestamp;
use crate::schema::{accounts, tokens};
use crate::{StoreError, StoreResult};

/// An account.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = accounts)]
pub struct AccountRow {
    id: i64,
    name: String,
    created_at: DbTimestamp,
}

impl From<&Account> for AccountRow {
    fn from(account: &Account) -> Self {
        Self { id: account.id.get(), name: account.name.as_str().to_owned(), created_at: account.created_at.into() }
    }
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> StoreResult<Self> {
        let id = account_id(row.id)?;
        Ok(Self { id, name: text(row.name)?, created_at: row.created_at.0 })
    }
}

/// A token.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = tokens, treat_none_as_default_value = false)]
pub struct TokenRow {
    id: i64,
    #[diesel(embed)]
    token: NewTokenRow,
    last_used_at: Option<DbTimestamp>,
    revoked_at: Option<DbTimestamp>,
}

/// A token without an id.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = tokens, treat_none_as_default_value = false)]
pub struct NewTokenRow {
    account_id: i64,
    name: String,
    hash: Vec<u8>,
    read_only: bool,
    feed: bool,
    created_at: DbTimestamp,
    expires_at: Option<DbTimestamp>,
}

impl NewTokenRow {
    /// Returns the row of a token that is created now.
    pub fn new(token: &NewToken, now: Timestamp) -> Self {
        Self {
            account_id: token.account.get(),
            name: token.name.as_str().to_owned(),
            hash: token.hash.0.to_vec(),
            read_only: token.scope != Scope::ReadWrite,
            feed: token.scope == Scope::Feed,
            created_at: now.into(),
            expires_at: token.expires_at.map(DbTimestamp),
        }
    }
}

impl TokenRow {
    /// Returns the row of a stored token.
    pub fn new(token: &Token, hash: SecretHash) -> Self {
        let Token { account, scope, expires_at, .. } = *token;
        let new = NewToken { account, name: token.name.clone(), hash, scope, expires_at };
        Self {
            id: token.id.get(),
            token: NewTokenRow::new(&new, token.created_at),
            last_used_at: token.last_used_at.map(DbTimestamp),
            revoked_at: token.revoked_at.map(DbTimestamp),
        }
    }

    /// Returns the token with its hash.
    pub fn with_hash(self) -> StoreResult<(Token, SecretHash)> {
        let hash = self.token.hash.as_slice().try_into().map_err(|_| invalid("token hash"))?;
        Ok((self.try_into()?, SecretHash(hash)))
    }
}

impl TryFrom<TokenRow> for Token {
    type Error = StoreError;

    fn try_from(TokenRow { id, token, last_used_at, revoked_at }: TokenRow) -> StoreResult<Self> {
        Ok(Self {
            id: TokenId::new(id).ok_or_else(|| invalid("token id"))?,
            account: account_id(token.account_id)?,
            name: text(token.name)?,
            scope: Scope::from_flags(token.read_only, token.feed),
            created_at: token.created_at.0,
            last_used_at: last_used_at.map(|timestamp| timestamp.0),
            expires_at: token.expires_at.map(|timestamp| timestamp.0),
            revoked_at: revoked_at.map(|timestamp| timestamp.0),
        })
    }
}
