//! The use cases of authentication.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::{Account, AccountId, Caller, Scope, SecretHash, Timestamp, Token, TokenId};
use ports::Result;
use ports::inbound::AuthService;
use ports::outbound::{AccountRepository, Clock, TokenRepository};
use sha2::{Digest, Sha256};

use super::Lease;

/// How long a token that was looked up is cached. A revocation by another process takes effect within this time.
const TOKEN_CACHE_TTL: Duration = Duration::from_secs(1);

/// The maximal number of cached tokens.
const MAX_CACHED_TOKENS: usize = 10_000;

/// The shortest time between two attempts to record a use of a token.
const USE_INTERVAL: Duration = Duration::from_secs(Token::USE_INTERVAL_SECONDS.unsigned_abs());

/// A token that was looked up.
struct CachedToken {
    token: Token,
    found_at: Instant,
    /// When this process last began to record a use. It prevents a second attempt before the first one is stored, and
    /// attempts at every look-up while the store cannot be written.
    use_recorded_at: Option<Instant>,
}

/// Implements [`AuthService`] with the repositories of tokens and accounts, and a cache of tokens.
pub struct Auth {
    tokens: Arc<dyn TokenRepository>,
    accounts: Arc<dyn AccountRepository>,
    clock: Arc<dyn Clock>,
    cache: Mutex<HashMap<SecretHash, CachedToken>>,
    lease: Lease,
}

impl Auth {
    /// Uses the repositories and the clock.
    pub fn new(
        tokens: Arc<dyn TokenRepository>,
        accounts: Arc<dyn AccountRepository>,
        clock: Arc<dyn Clock>,
        lease: Lease,
    ) -> Self {
        Self { tokens, accounts, clock, cache: Mutex::default(), lease }
    }

    /// Returns the client with this token, if the token has one of the scopes that `is_accepted` accepts.
    async fn authenticate_at(
        &self,
        instant: Instant,
        secret: &str,
        is_accepted: fn(Scope) -> bool,
    ) -> Result<Option<Caller>> {
        let (hash, now) = (hash(secret), self.clock.now());
        let caller = |token: &Token| token.caller(now).filter(|caller| is_accepted(caller.scope));
        if let Some(cached) = self.cache().get(&hash)
            && instant.duration_since(cached.found_at) < TOKEN_CACHE_TTL
        {
            return Ok(caller(&cached.token));
        }
        let Some(token) = self.tokens.find(hash).await? else { return Ok(None) };
        let caller = caller(&token);
        let mut cache = self.cache();
        let mut use_recorded_at = cache.get(&hash).and_then(|cached| cached.use_recorded_at);
        let may_record = use_recorded_at.is_none_or(|last| instant.duration_since(last) >= USE_INTERVAL);
        if caller.is_some() && token.is_use_due(now) && may_record {
            use_recorded_at = Some(instant);
            // A task of its own, so that the request does not wait for the write.
            actix_web::rt::spawn(record_use(self.lease.clone(), self.tokens.clone(), token.id, now));
        }
        if cache.len() >= MAX_CACHED_TOKENS {
            cache.clear();
        }
        cache.insert(hash, CachedToken { token, found_at: instant, use_recorded_at });
        Ok(caller)
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<SecretHash, CachedToken>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records a use of the token. A failure is no error of a request: a store that is read-only or full serves reads.
///
/// The repository is dropped before the lease, because parameters are dropped in reverse order.
async fn record_use(_lease: Lease, tokens: Arc<dyn TokenRepository>, token: TokenId, now: Timestamp) {
    if let Err(error) = tokens.record_use(token, now).await {
        tracing::debug!(%error, %token, "the use of a token was not recorded");
    }
}

/// Returns the hash of a secret.
pub fn hash(secret: &str) -> SecretHash {
    SecretHash(Sha256::digest(secret.as_bytes()).into())
}

fn is_for_api(scope: Scope) -> bool {
    scope != Scope::Feed
}

#[async_trait]
impl AuthService for Auth {
    async fn authenticate(&self, bearer: &str) -> Result<Option<Caller>> {
        self.authenticate_at(Instant::now(), bearer, is_for_api).await
    }

    async fn authenticate_feed(&self, secret: &str) -> Result<Option<Caller>> {
        self.authenticate_at(Instant::now(), secret, |scope| !is_for_api(scope)).await
    }

    async fn account(&self, account: AccountId) -> Result<Account> {
        self.accounts.find(account).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use domain::Name;
    use ports::Error;
    use ports::outbound::{MockAccountRepository, MockClock, MockTokenRepository};

    use super::*;

    fn token(expires_at: Option<i64>) -> Token {
        Token {
            id: TokenId::new(1).unwrap(),
            account: AccountId::new(5).unwrap(),
            name: Name::parse("n8n").unwrap(),
            scope: Scope::ReadWrite,
            created_at: Timestamp::MIN,
            last_used_at: None,
            expires_at: expires_at.and_then(Timestamp::from_unix),
            revoked_at: None,
        }
    }

    /// Returns a service at the time 100, and a counter of the uses that it records.
    fn service_and_uses(mut tokens: MockTokenRepository) -> (Auth, Arc<AtomicUsize>) {
        let uses = Arc::new(AtomicUsize::new(0));
        let recorded = uses.clone();
        tokens.expect_record_use().returning(move |token, now| {
            assert_eq!((token.get(), now.unix()), (1, 100));
            recorded.fetch_add(1, Ordering::Relaxed);
            Err(Error::unavailable("the disk is full"))
        });
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_unix(100).unwrap());
        let accounts = Arc::new(MockAccountRepository::new());
        (Auth::new(Arc::new(tokens), accounts, Arc::new(clock), Lease::new().0), uses)
    }

    fn service(tokens: MockTokenRepository) -> Auth {
        service_and_uses(tokens).0
    }

    /// Waits until the spawned tasks have run.
    async fn run_spawned_tasks() {
        actix_web::rt::task::yield_now().await;
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
            let caller = auth.authenticate_at(first + later, "good", is_for_api).await.unwrap().unwrap();
            assert_eq!(caller.account.get(), 5);
        }
        let later = auth.authenticate_at(first + TOKEN_CACHE_TTL, "good", is_for_api).await;
        assert_eq!(later.unwrap(), None, "revoked meanwhile");
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

    #[actix_web::test]
    async fn a_token_opens_either_the_api_or_the_calendar() {
        for (scope, opens_api) in [(Scope::ReadWrite, true), (Scope::ReadOnly, true), (Scope::Feed, false)] {
            let mut tokens = MockTokenRepository::new();
            tokens.expect_find().returning(move |_| Ok(Some(Token { scope, ..token(None) })));
            let (auth, uses) = service_and_uses(tokens);
            // The second time, the token is in the cache.
            for _ in 0..2 {
                assert_eq!(auth.authenticate("x").await.unwrap().is_some(), opens_api, "{scope:?}");
                assert_eq!(auth.authenticate_feed("x").await.unwrap().is_some(), !opens_api, "{scope:?}");
            }
            run_spawned_tasks().await;
            assert_eq!(uses.load(Ordering::Relaxed), usize::from(opens_api), "a rejected request is no use");
        }
    }

    #[actix_web::test]
    async fn records_a_use_once_a_minute_also_if_that_fails() {
        let mut tokens = MockTokenRepository::new();
        // A use is always due, because none is ever stored.
        tokens.expect_find().times(6).returning(|_| Ok(Some(token(None))));
        let (auth, uses) = service_and_uses(tokens);
        let first = Instant::now();
        for (millis, expected) in [(0, 1), (999, 1), (1_000, 1), (58_999, 1), (60_000, 2), (61_000, 2), (119_999, 2)] {
            let before = uses.load(Ordering::Relaxed);
            let caller = auth.authenticate_at(first + Duration::from_millis(millis), "x", is_for_api).await.unwrap();
            assert!(caller.is_some(), "after {millis} ms");
            assert_eq!(uses.load(Ordering::Relaxed), before, "the request does not wait for the recording");
            run_spawned_tasks().await;
            assert_eq!(uses.load(Ordering::Relaxed), expected, "after {millis} ms");
        }
    }

    #[actix_web::test]
    async fn records_no_use_that_is_recorded_already_or_not_permitted() {
        let at = Timestamp::from_unix;
        let used = |last| Token { last_used_at: at(last), ..token(None) };
        let revoked = Token { revoked_at: at(99), ..token(None) };
        for (found, expected) in [(used(40), 1), (used(41), 0), (token(Some(100)), 0), (revoked, 0)] {
            let mut tokens = MockTokenRepository::new();
            let stored = found.clone();
            tokens.expect_find().return_once(|_| Ok(Some(stored)));
            let (auth, uses) = service_and_uses(tokens);
            auth.authenticate("x").await.unwrap();
            run_spawned_tasks().await;
            assert_eq!(uses.load(Ordering::Relaxed), expected, "{found:?}");
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
