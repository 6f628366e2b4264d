//! The use cases of authentication.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::{Account, AccountId, Caller, SecretHash, Token};
use ports::Result;
use ports::inbound::AuthService;
use ports::outbound::{AccountRepository, Clock, TokenRepository};
use sha2::{Digest, Sha256};

use super::Lease;

/// How long a token that was looked up is cached. A revocation by another process takes effect within this time.
const TOKEN_CACHE_TTL: Duration = Duration::from_secs(1);

/// The maximal number of cached tokens.
const MAX_CACHED_TOKENS: usize = 10_000;

/// Implements [`AuthService`] with the repositories of tokens and accounts, and a cache of tokens.
pub struct Auth {
    tokens: Arc<dyn TokenRepository>,
    accounts: Arc<dyn AccountRepository>,
    clock: Arc<dyn Clock>,
    cache: Mutex<HashMap<SecretHash, (Instant, Token)>>,
    _lease: Lease,
}

impl Auth {
    /// Uses the repositories and the clock.
    pub fn new(
        tokens: Arc<dyn TokenRepository>,
        accounts: Arc<dyn AccountRepository>,
        clock: Arc<dyn Clock>,
        lease: Lease,
    ) -> Self {
        Self { tokens, accounts, clock, cache: Mutex::default(), _lease: lease }
    }

    async fn authenticate_at(&self, instant: Instant, bearer: &str) -> Result<Option<Caller>> {
        let (hash, now) = (hash(bearer), self.clock.now());
        if let Some((cached_at, token)) = self.cache().get(&hash)
            && instant.duration_since(*cached_at) < TOKEN_CACHE_TTL
        {
            return Ok(token.caller(now));
        }
        let Some(token) = self.tokens.find(hash).await? else { return Ok(None) };
        let caller = token.caller(now);
        let mut cache = self.cache();
        if cache.len() >= MAX_CACHED_TOKENS {
            cache.clear();
        }
        cache.insert(hash, (instant, token));
        Ok(caller)
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<SecretHash, (Instant, Token)>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the hash of a secret.
pub fn hash(secret: &str) -> SecretHash {
    SecretHash(Sha256::digest(secret.as_bytes()).into())
}

#[async_trait]
impl AuthService for Auth {
    async fn authenticate(&self, bearer: &str) -> Result<Option<Caller>> {
        self.authenticate_at(Instant::now(), bearer).await
    }

    async fn account(&self, account: AccountId) -> Result<Account> {
        self.accounts.find(account).await
    }
}

#[cfg(test)]
mod tests {
    use domain::{Name, Scope, Timestamp, TokenId};
    use ports::outbound::{MockAccountRepository, MockClock, MockTokenRepository};

    use super::*;

    fn token(expires_at: Option<i64>) -> Token {
        Token {
            id: TokenId::new(1).unwrap(),
            account: AccountId::new(5).unwrap(),
            name: Name::parse("n8n").unwrap(),
            scope: Scope::ReadWrite,
            created_at: Timestamp::MIN,
            expires_at: expires_at.and_then(Timestamp::from_unix),
            revoked_at: None,
        }
    }

    fn service(tokens: MockTokenRepository) -> Auth {
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_unix(100).unwrap());
        Auth::new(Arc::new(tokens), Arc::new(MockAccountRepository::new()), Arc::new(clock), Lease::new().0)
    }

    #[actix_web::test]
    async fn finds_a_token_by_its_hash_and_caches_it_for_a_second() {
        let mut tokens = MockTokenRepository::new();
        tokens.expect_find().withf(|found| *found == hash("good")).times(1).return_once(|_| Ok(Some(token(None))));
        let revoked = Token { revoked_at: Timestamp::from_unix(99), ..token(None) };
        tokens.expect_find().times(1).return_once(|_| Ok(Some(revoked)));
        let auth = service(tokens);
        let first = Instant::now();
        for later in [Duration::ZERO, Duration::from_millis(999)] {
            let caller = auth.authenticate_at(first + later, "good").await.unwrap().unwrap();
            assert_eq!(caller.account.get(), 5);
        }
        assert_eq!(auth.authenticate_at(first + TOKEN_CACHE_TTL, "good").await.unwrap(), None, "revoked meanwhile");
    }

    #[actix_web::test]
    async fn does_not_cache_unknown_tokens() {
        let mut tokens = MockTokenRepository::new();
        tokens.expect_find().times(2).returning(|_| Ok(None));
        let auth = service(tokens);
        assert_eq!(auth.authenticate("bad").await.unwrap(), None);
        assert_eq!(auth.authenticate("bad").await.unwrap(), None);
    }

    #[actix_web::test]
    async fn rejects_an_expired_token() {
        for (expires_at, is_valid) in [(100, false), (101, true)] {
            let mut tokens = MockTokenRepository::new();
            tokens.expect_find().returning(move |_| Ok(Some(token(Some(expires_at)))));
            assert_eq!(service(tokens).authenticate("x").await.unwrap().is_some(), is_valid);
        }
    }

    #[test]
    fn hashes_with_sha_256() {
        // The first and the last bytes of the example of FIPS 180-2.
        let SecretHash(bytes) = hash("abc");
        assert_eq!(bytes[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(bytes[28..], [0xf2, 0x00, 0x15, 0xad]);
    }
}
