//! Opening accounts to those who hold a token of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::{Account, AccountId, Caller, NewToken, Secret, SecretHash, Token};
use ports::inbound::{AuthService, TokenRequest};
use ports::outbound::{AccountRepository, Clock, TokenRepository};
use ports::{Error, Result};
use sha2::{Digest, Sha256};

use super::Lease;

/// How long a token that was looked up is believed: a revocation by another process holds within this time.
const TOKEN_CACHE_TTL: Duration = Duration::from_secs(1);

/// More tokens than this are not remembered at once.
const MAX_REMEMBERED: usize = 10_000;

/// Who knows the tokens.
pub struct TokenAuthenticator {
    tokens: Arc<dyn TokenRepository>,
    accounts: Arc<dyn AccountRepository>,
    clock: Arc<dyn Clock>,
    seen: Mutex<HashMap<SecretHash, (Instant, Token)>>,
    _lease: Lease,
}

impl TokenAuthenticator {
    /// Over these repositories.
    pub fn new(
        tokens: Arc<dyn TokenRepository>,
        accounts: Arc<dyn AccountRepository>,
        clock: Arc<dyn Clock>,
        lease: Lease,
    ) -> Self {
        Self { tokens, accounts, clock, seen: Mutex::default(), _lease: lease }
    }

    async fn authenticate_at(&self, instant: Instant, bearer: &str) -> Result<Option<Caller>> {
        let (hash, now) = (hash(bearer), self.clock.now());
        if let Some((seen, token)) = self.seen().get(&hash)
            && instant.duration_since(*seen) < TOKEN_CACHE_TTL
        {
            return Ok(token.caller(now));
        }
        let Some(token) = self.tokens.find(hash).await? else { return Ok(None) };
        let caller = token.caller(now);
        let mut seen = self.seen();
        if seen.len() >= MAX_REMEMBERED {
            seen.clear();
        }
        seen.insert(hash, (instant, token));
        Ok(caller)
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<SecretHash, (Instant, Token)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that is stored of a secret.
pub fn hash(secret: &str) -> SecretHash {
    SecretHash(Sha256::digest(secret.as_bytes()).into())
}

/// A secret that nobody can guess.
fn fresh_secret() -> Result<Secret> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(Error::fault)?;
    Ok(Secret::from_random(bytes))
}

#[async_trait]
impl AuthService for TokenAuthenticator {
    async fn authenticate(&self, bearer: &str) -> Result<Option<Caller>> {
        self.authenticate_at(Instant::now(), bearer).await
    }

    async fn account(&self, account: AccountId) -> Result<Account> {
        self.accounts.find(account).await
    }

    async fn issue(&self, TokenRequest { account, name, scope, expires_at }: TokenRequest) -> Result<Secret> {
        let secret = fresh_secret()?;
        let token = NewToken { account, name, hash: hash(secret.reveal()), scope, expires_at };
        self.tokens.create(token, self.clock.now()).await?;
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use domain::{Name, Scope, Timestamp, TokenId};
    use ports::outbound::{MockAccountRepository, MockClock, MockTokenRepository};

    use super::*;

    fn token(expires_at: Option<i64>) -> Token {
        Token {
            id: TokenId::from_store(1),
            account: AccountId::from_store(5),
            name: Name::parse("n8n").unwrap(),
            scope: Scope::ReadWrite,
            created_at: Timestamp::MIN,
            expires_at: expires_at.and_then(Timestamp::from_unix),
            revoked_at: None,
        }
    }

    fn doorkeeper(tokens: MockTokenRepository) -> TokenAuthenticator {
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_unix(100).unwrap());
        TokenAuthenticator::new(
            Arc::new(tokens),
            Arc::new(MockAccountRepository::new()),
            Arc::new(clock),
            Lease::new().0,
        )
    }

    #[actix_web::test]
    async fn a_token_is_found_by_its_hash_and_believed_for_a_second() {
        let mut tokens = MockTokenRepository::new();
        tokens.expect_find().withf(|asked| *asked == hash("good")).times(1).return_once(|_| Ok(Some(token(None))));
        let revoked = Token { revoked_at: Timestamp::from_unix(99), ..token(None) };
        tokens.expect_find().times(1).return_once(|_| Ok(Some(revoked)));
        let doorkeeper = doorkeeper(tokens);
        let first = Instant::now();
        for later in [Duration::ZERO, Duration::from_millis(999)] {
            let caller = doorkeeper.authenticate_at(first + later, "good").await.unwrap().unwrap();
            assert_eq!(caller.account.get(), 5);
        }
        assert_eq!(
            doorkeeper.authenticate_at(first + TOKEN_CACHE_TTL, "good").await.unwrap(),
            None,
            "revoked meanwhile"
        );
    }

    #[actix_web::test]
    async fn an_unknown_text_is_asked_for_each_time() {
        let mut tokens = MockTokenRepository::new();
        tokens.expect_find().times(2).returning(|_| Ok(None));
        let doorkeeper = doorkeeper(tokens);
        assert_eq!(doorkeeper.authenticate("bad").await.unwrap(), None);
        assert_eq!(doorkeeper.authenticate("bad").await.unwrap(), None);
    }

    #[actix_web::test]
    async fn an_expired_token_opens_nothing() {
        for (expires_at, opens) in [(100, false), (101, true)] {
            let mut tokens = MockTokenRepository::new();
            tokens.expect_find().returning(move |_| Ok(Some(token(Some(expires_at)))));
            assert_eq!(doorkeeper(tokens).authenticate("x").await.unwrap().is_some(), opens);
        }
    }

    #[actix_web::test]
    async fn an_issued_secret_is_stored_as_its_hash_only() {
        let mut tokens = MockTokenRepository::new();
        tokens.expect_create().times(1).returning(|new, now| {
            assert_eq!((new.account.get(), new.scope, now.unix()), (5, Scope::ReadOnly, 100));
            Ok(token(None))
        });
        let name = Name::parse("n8n").unwrap();
        let request =
            TokenRequest { account: AccountId::from_store(5), name, scope: Scope::ReadOnly, expires_at: None };
        let secret = doorkeeper(tokens).issue(request).await.unwrap();
        assert_eq!(secret.reveal().len(), 67);
        assert_ne!(secret, fresh_secret().unwrap());
    }

    #[test]
    fn a_hash_is_sha_256() {
        // The first and the last bytes of FIPS 180-2's example.
        let SecretHash(bytes) = hash("abc");
        assert_eq!(bytes[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(bytes[28..], [0xf2, 0x00, 0x15, 0xad]);
    }
}
