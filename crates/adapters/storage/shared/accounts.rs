//! The repositories of accounts and tokens.

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{Account, AccountId, Name, NewToken, SecretHash, Timestamp, Token, TokenId};
use ports::outbound::{AccountRepository, TokenRepository};
use ports::{Error, Result};
use storage::StoreResult;
use storage::columns::DbTimestamp;
use storage::rows::{AccountRow, NewTokenRow, TokenRow};
use storage::schema::{accounts, tokens};

use crate::{Database, DbConnection, call_words, lock_accounts, lock_call_writers};

#[async_trait]
impl AccountRepository for Database {
    async fn list(&self) -> Result<Vec<Account>> {
        self.read(all_accounts).await
    }

    async fn find(&self, account: AccountId) -> Result<Account> {
        self.read(move |connection| find_account(connection, account)).await
    }

    async fn create(&self, name: Name, now: Timestamp) -> Result<Account> {
        self.write(move |connection| create_account(connection, &name, now)).await
    }

    async fn first(&self, name: Name, now: Timestamp) -> Result<Account> {
        if let Some(first) = self.read(first_account).await? {
            return Ok(first);
        }
        self.write(move |connection| {
            lock_accounts(connection)?;
            first_account(connection)?.map_or_else(|| create_account(connection, &name, now), Ok)
        })
        .await
    }

    async fn rename(&self, account: AccountId, name: Name) -> Result<()> {
        self.write(move |connection| {
            let renamed = diesel::update(accounts::table.find(account.get())).set(accounts::name.eq(name.as_str()));
            if renamed.execute(connection)? == 0 { Err(Error::NotFound.into()) } else { Ok(()) }
        })
        .await
    }

    fn delete(&self, account: AccountId) -> Result<()> {
        self.bulk.delete_account(account)
    }
}

/// Deletes the account, within the caller's transaction. Foreign keys delete everything that it owns, except
/// the index of words.
pub fn delete_account(connection: &mut DbConnection, account: AccountId) -> StoreResult<()> {
    // Without the lock, a writer that holds a contact and the deletion could wait for each other.
    lock_call_writers(connection)?;
    call_words::delete_of_account(connection, account)?;
    let deleted = diesel::delete(accounts::table.find(account.get())).execute(connection)?;
    if deleted == 0 { Err(Error::NotFound.into()) } else { Ok(()) }
}

/// Returns all accounts, by id.
pub fn all_accounts(connection: &mut DbConnection) -> StoreResult<Vec<Account>> {
    let rows = accounts::table.order(accounts::id).select(AccountRow::as_select()).load(connection)?;
    rows.into_iter().map(Account::try_from).collect()
}

/// Returns the account. `NotFound` if there is none with this id.
pub fn find_account(connection: &mut DbConnection, account: AccountId) -> StoreResult<Account> {
    let query = accounts::table.find(account.get()).select(AccountRow::as_select());
    query.get_result(connection).optional()?.ok_or(Error::NotFound)?.try_into()
}

fn first_account(connection: &mut DbConnection) -> StoreResult<Option<Account>> {
    let query = accounts::table.order(accounts::id).limit(1).select(AccountRow::as_select());
    query.get_result(connection).optional()?.map(Account::try_from).transpose()
}

fn create_account(connection: &mut DbConnection, name: &Name, now: Timestamp) -> StoreResult<Account> {
    diesel::insert_into(accounts::table)
        .values((accounts::name.eq(name.as_str()), accounts::created_at.eq(DbTimestamp(now))))
        .returning(AccountRow::as_returning())
        .get_result(connection)?
        .try_into()
}

#[async_trait]
impl TokenRepository for Database {
    async fn list(&self) -> Result<Vec<Token>> {
        self.read(|connection| {
            let tokens = all_tokens(connection)?;
            Ok(tokens.into_iter().map(|(token, _)| token).collect())
        })
        .await
    }

    async fn find(&self, hash: SecretHash) -> Result<Option<Token>> {
        self.read_short(move |connection| find_token(connection, hash)).await
    }

    async fn create(&self, token: NewToken, now: Timestamp) -> Result<Token> {
        self.write(move |connection| {
            find_account(connection, token.account)?;
            diesel::insert_into(tokens::table)
                .values(NewTokenRow::new(&token, now))
                .on_conflict(tokens::hash)
                .do_nothing()
                .execute(connection)?;
            Ok(find_token(connection, token.hash)?.ok_or_else(|| Error::internal("a stored token is missing"))?)
        })
        .await
    }

    async fn record_use(&self, token: TokenId, now: Timestamp) -> Result<()> {
        self.write(move |connection| {
            // As `Token::is_use_due`. The condition is part of the statement, so that concurrent servers record one use.
            let seconds_from_now = |seconds| Timestamp::from_unix(now.unix() + seconds).map(DbTimestamp);
            let before = seconds_from_now(-Token::USE_INTERVAL_SECONDS);
            let after = seconds_from_now(Token::USE_INTERVAL_SECONDS);
            let last_used_at = tokens::last_used_at;
            let is_due = last_used_at.is_null().or(last_used_at.le(before)).or(last_used_at.ge(after));
            diesel::update(tokens::table.find(token.get()).filter(is_due))
                .set(last_used_at.eq(DbTimestamp(now)))
                .execute(connection)?;
            Ok(())
        })
        .await
    }

    async fn revoke(&self, token: TokenId, now: Timestamp) -> Result<()> {
        self.write(move |connection| {
            let id: Option<i64> =
                tokens::table.find(token.get()).select(tokens::id).get_result(connection).optional()?;
            id.ok_or(Error::NotFound)?;
            diesel::update(tokens::table.find(token.get()).filter(tokens::revoked_at.is_null()))
                .set(tokens::revoked_at.eq(DbTimestamp(now)))
                .execute(connection)?;
            Ok(())
        })
        .await
    }
}

/// Returns all tokens with their hashes, by id.
pub fn all_tokens(connection: &mut DbConnection) -> StoreResult<Vec<(Token, SecretHash)>> {
    let rows = tokens::table.order(tokens::id).select(TokenRow::as_select()).load(connection)?;
    rows.into_iter().map(TokenRow::with_hash).collect()
}

fn find_token(connection: &mut DbConnection, hash: SecretHash) -> StoreResult<Option<Token>> {
    let query = tokens::table.filter(tokens::hash.eq(&hash.0[..])).select(TokenRow::as_select());
    query.get_result(connection).optional()?.map(Token::try_from).transpose()
}
