//! The use cases of operators: accounts and tokens.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Account, AccountId, Name, NewToken, Secret, Token, TokenId};
use ports::inbound::{AdminService, TokenRequest};
use ports::outbound::{AccountRepository, Clock, TokenRepository};
use ports::{Error, Result};

use super::auth::hash;

/// The name of the account that the first start creates.
const FIRST_ACCOUNT: &str = "My account";

/// Implements [`AdminService`] with the repositories of accounts and tokens.
pub struct Admin {
    accounts: Arc<dyn AccountRepository>,
    tokens: Arc<dyn TokenRepository>,
    clock: Arc<dyn Clock>,
}

impl Admin {
    /// Uses the repositories and the clock.
    pub fn new(accounts: Arc<dyn AccountRepository>, tokens: Arc<dyn TokenRepository>, clock: Arc<dyn Clock>) -> Self {
        Self { accounts, tokens, clock }
    }
}

/// Returns a secret of 256 random bits.
fn random_secret() -> Result<Secret> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(Secret::from_random(bytes))
}

#[async_trait]
impl AdminService for Admin {
    async fn accounts(&self) -> Result<Vec<Account>> {
        self.accounts.list().await
    }

    async fn account(&self, account: AccountId) -> Result<Account> {
        self.accounts.find(account).await
    }

    async fn first_account(&self) -> Result<Account> {
        let name = Name::parse(FIRST_ACCOUNT).map_err(Error::internal)?;
        self.accounts.first(name, self.clock.now()).await
    }

    async fn create_account(&self, name: Name) -> Result<Account> {
        self.accounts.create(name, self.clock.now()).await
    }

    async fn rename_account(&self, account: AccountId, name: Name) -> Result<()> {
        self.accounts.rename(account, name).await
    }

    fn delete_account(&self, account: AccountId) -> Result<()> {
        self.accounts.delete(account)
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        self.tokens.list().await
    }

    async fn create_token(&self, token: TokenRequest) -> Result<(Token, Secret)> {
        let secret = random_secret()?;
        let token = self.register_token(token, secret.clone()).await?;
        Ok((token, secret))
    }

    async fn register_token(&self, token: TokenRequest, secret: Secret) -> Result<Token> {
        let TokenRequest { account, name, scope, expires_at } = token;
        let token = NewToken { account, name, hash: hash(secret.reveal()), scope, expires_at };
        self.tokens.create(token, self.clock.now()).await
    }

    async fn revoke_token(&self, token: TokenId) -> Result<()> {
        self.tokens.revoke(token, self.clock.now()).await
    }
}

#[cfg(test)]
mod tests {
    use domain::{Scope, Timestamp};
    use ports::outbound::{MockAccountRepository, MockClock, MockTokenRepository};

    use super::*;

    #[actix_web::test]
    async fn stores_only_the_hash_of_a_new_secret() {
        let mut tokens = MockTokenRepository::new();
        tokens.expect_create().times(1).returning(|new, now| {
            assert_eq!((new.account.get(), new.scope, now.unix()), (5, Scope::ReadOnly, 100));
            Ok(Token {
                id: TokenId::new(1).unwrap(),
                account: new.account,
                name: new.name,
                scope: new.scope,
                created_at: now,
                last_used_at: None,
                expires_at: None,
                revoked_at: None,
            })
        });
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_unix(100).unwrap());
        let admin = Admin::new(Arc::new(MockAccountRepository::new()), Arc::new(tokens), Arc::new(clock));
        let (account, name) = (AccountId::new(5).unwrap(), Name::parse("n8n").unwrap());
        let request = TokenRequest { account, name, scope: Scope::ReadOnly, expires_at: None };
        let (token, secret) = admin.create_token(request).await.unwrap();
        assert_eq!(token.id.get(), 1);
        assert_eq!(secret.reveal().len(), 67);
        assert_ne!(secret, random_secret().unwrap());
    }
}
