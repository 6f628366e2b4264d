//! Accounts and their tokens in SQLite.

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{Account, AccountId, Name, NewToken, Scope, SecretHash, Timestamp, Token, TokenId};
use ports::Result;
use ports::outbound::{AccountRepository, StoreHealth, StoreLoad, TokenRepository};
use storage::StoreResult;

use crate::Database;
use crate::rows::{AccountRow, TokenRow};
use crate::schema::{accounts, tokens};

#[async_trait]
impl AccountRepository for Database {
    async fn list(&self) -> Result<Vec<Account>> {
        self.read(|connection| {
            let rows = accounts::table.order(accounts::id).select(AccountRow::as_select()).load(connection)?;
            rows.into_iter().map(Account::try_from).collect()
        })
        .await
    }

    async fn find(&self, account: AccountId) -> Result<Account> {
        self.read(move |connection| find_account(connection, account)).await
    }

    async fn create(&self, name: Name, now: Timestamp) -> Result<Account> {
        self.write(move |connection| create(connection, &name, now)).await
    }

    async fn first(&self, name: Name, now: Timestamp) -> Result<Account> {
        if let Some(first) = self.read(find_first).await? {
            return Ok(first);
        }
        // A write has the file to itself.
        self.write(move |connection| find_first(connection)?.map_or_else(|| create(connection, &name, now), Ok)).await
    }
}

fn create(connection: &mut SqliteConnection, name: &Name, now: Timestamp) -> StoreResult<Account> {
    diesel::insert_into(accounts::table)
        .values((accounts::name.eq(name.as_str()), accounts::created_at.eq(now.unix())))
        .returning(AccountRow::as_returning())
        .get_result(connection)?
        .try_into()
}

fn find_first(connection: &mut SqliteConnection) -> StoreResult<Option<Account>> {
    let query = accounts::table.order(accounts::id).limit(1).select(AccountRow::as_select());
    query.get_result(connection).optional()?.map(Account::try_from).transpose()
}

/// The account. Not found when there is none of this id.
pub fn find_account(connection: &mut SqliteConnection, account: AccountId) -> StoreResult<Account> {
    accounts::table.find(account.get()).select(AccountRow::as_select()).get_result(connection)?.try_into()
}

#[async_trait]
impl TokenRepository for Database {
    async fn list(&self) -> Result<Vec<Token>> {
        self.read(|connection| {
            let rows = tokens::table.order(tokens::id).select(TokenRow::as_select()).load(connection)?;
            rows.into_iter().map(Token::try_from).collect()
        })
        .await
    }

    async fn find(&self, hash: SecretHash) -> Result<Option<Token>> {
        self.read_inline(move |connection| find_token(connection, hash)).await
    }

    async fn create(&self, token: NewToken, now: Timestamp) -> Result<Token> {
        self.write(move |connection| {
            if let Some(stored) = find_token(connection, token.hash)? {
                return Ok(stored);
            }
            find_account(connection, token.account)?;
            diesel::insert_into(tokens::table)
                .values((
                    tokens::account_id.eq(token.account.get()),
                    tokens::name.eq(token.name.as_str()),
                    tokens::hash.eq(&token.hash.0[..]),
                    tokens::read_only.eq(token.scope == Scope::ReadOnly),
                    tokens::created_at.eq(now.unix()),
                    tokens::expires_at.eq(token.expires_at.map(Timestamp::unix)),
                ))
                .returning(TokenRow::as_returning())
                .get_result(connection)?
                .try_into()
        })
        .await
    }

    async fn revoke(&self, token: TokenId, now: Timestamp) -> Result<()> {
        self.write(move |connection| {
            tokens::table.find(token.get()).select(tokens::id).get_result::<i64>(connection)?;
            diesel::update(tokens::table.find(token.get()).filter(tokens::revoked_at.is_null()))
                .set(tokens::revoked_at.eq(now.unix()))
                .execute(connection)?;
            Ok(())
        })
        .await
    }
}

fn find_token(connection: &mut SqliteConnection, hash: SecretHash) -> StoreResult<Option<Token>> {
    let query = tokens::table.filter(tokens::hash.eq(&hash.0[..])).select(TokenRow::as_select());
    query.get_result(connection).optional()?.map(Token::try_from).transpose()
}

#[async_trait]
impl StoreHealth for Database {
    async fn check(&self) -> Result<()> {
        self.read(|connection| Ok(accounts::table.count().get_result::<i64>(connection).map(drop)?)).await
    }

    fn load(&self) -> StoreLoad {
        let (busy, idle) = self.readers.connections();
        StoreLoad { busy, idle, waiting: vec![("read", self.readers.waiting()), ("write", self.writer.waiting())] }
    }
}
