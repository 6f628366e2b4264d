//! Accounts and tokens.

use domain::{AccountId, IdempotencyKey, NewToken, Scope, SecretHash, Timestamp, TokenId, Uuid};

use super::{LATER, NOW, TestAccount, UNKNOWN_ID, UUID, assert_error, at, call, name, person};
use crate::outbound::Store;

/// Returns the n-th hash of the account. No other account has it.
fn hash(account: &TestAccount, n: u64) -> SecretHash {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(Uuid::from_u64_pair(account.id.get().unsigned_abs(), n).as_bytes());
    SecretHash(bytes)
}

fn token(account: &TestAccount, n: u64) -> NewToken {
    NewToken {
        account: account.id,
        name: name("n8n"),
        hash: hash(account, n),
        scope: Scope::ReadOnly,
        expires_at: Some(at(NOW + 60)),
    }
}

pub async fn finds_a_token_by_its_hash(store: &Store) {
    let account = TestAccount::create(store).await;
    let stored = store.tokens.create(token(&account, 1), at(NOW)).await.unwrap();
    assert_eq!(store.tokens.find(hash(&account, 1)).await.unwrap(), Some(stored.clone()));
    assert_eq!(store.tokens.find(hash(&account, 2)).await.unwrap(), None);
    assert_eq!((stored.account, stored.scope), (account.id, Scope::ReadOnly));
    assert_eq!((stored.created_at, stored.expires_at), (at(NOW), Some(at(NOW + 60))));
    assert_eq!((stored.last_used_at, stored.revoked_at), (None, None));
    let orphan = NewToken { account: AccountId::new(UNKNOWN_ID).unwrap(), ..token(&account, 3) };
    assert_error!(store.tokens.create(orphan, at(NOW)).await, NotFound);
}

pub async fn stores_one_token_for_each_hash(store: &Store) {
    let account = TestAccount::create(store).await;
    let first = store.tokens.create(token(&account, 1), at(NOW)).await.unwrap();
    let second = NewToken { name: name("another"), ..token(&account, 1) };
    assert_eq!(store.tokens.create(second, at(LATER)).await.unwrap(), first);
}

pub async fn stores_what_a_token_permits(store: &Store) {
    let account = TestAccount::create(store).await;
    for (n, scope) in [(1, Scope::ReadWrite), (2, Scope::ReadOnly), (3, Scope::Feed)] {
        let stored = store.tokens.create(NewToken { scope, ..token(&account, n) }, at(NOW)).await.unwrap();
        assert_eq!(stored.scope, scope);
        assert_eq!(store.tokens.find(hash(&account, n)).await.unwrap(), Some(stored));
    }
}

pub async fn records_a_use_of_a_token_if_one_is_due(store: &Store) {
    let account = TestAccount::create(store).await;
    let stored = store.tokens.create(token(&account, 1), at(NOW)).await.unwrap();
    let other = store.tokens.create(token(&account, 2), at(NOW)).await.unwrap();
    let mut expected = stored.clone();
    // The clock goes forward, and is then set back. The last two times are the first and the last possible one.
    let times = [0, 59, 60, 119, 120, 61, 60, 0].map(|seconds| at(NOW + seconds));
    for now in times.into_iter().chain([Timestamp::MIN, Timestamp::MAX]) {
        if expected.is_use_due(now) {
            expected.last_used_at = Some(now);
        }
        store.tokens.record_use(stored.id, now).await.unwrap();
        assert_eq!(store.tokens.find(hash(&account, 1)).await.unwrap().as_ref(), Some(&expected), "at {now}");
    }
    assert_eq!(store.tokens.find(hash(&account, 2)).await.unwrap(), Some(other), "another token is unchanged");
    store.tokens.record_use(TokenId::new(UNKNOWN_ID).unwrap(), at(NOW)).await.unwrap();
}

pub async fn records_one_of_several_concurrent_uses_of_a_token(store: &Store) {
    let account = TestAccount::create(store).await;
    let stored = store.tokens.create(token(&account, 1), at(NOW)).await.unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|seconds| {
            let tokens = store.tokens.clone();
            let hash = hash(&account, 1);
            tokio::spawn(async move {
                tokens.record_use(stored.id, at(NOW + seconds)).await.unwrap();
                tokens.find(hash).await.unwrap().unwrap().last_used_at
            })
        })
        .collect();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    assert!(seen[0].is_some());
    assert!(seen.iter().all(|last_used_at| *last_used_at == seen[0]), "the first one stays: {seen:?}");
}

pub async fn keeps_the_first_revocation_of_a_token(store: &Store) {
    let account = TestAccount::create(store).await;
    let stored = store.tokens.create(token(&account, 1), at(NOW)).await.unwrap();
    store.tokens.revoke(stored.id, at(NOW + 1)).await.unwrap();
    store.tokens.revoke(stored.id, at(NOW + 2)).await.unwrap();
    let revoked = store.tokens.find(hash(&account, 1)).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(at(NOW + 1)));
    assert!(store.tokens.list().await.unwrap().contains(&revoked), "a revoked token is listed");
    assert_error!(store.tokens.revoke(TokenId::new(UNKNOWN_ID).unwrap(), at(NOW)).await, NotFound);
}

pub async fn lists_accounts_by_id(store: &Store) {
    let (first, second) = (TestAccount::create(store).await.id, TestAccount::create(store).await.id);
    let ids: Vec<_> = store.accounts.list().await.unwrap().iter().map(|account| account.id).collect();
    assert!(ids.is_sorted());
    assert!(ids.contains(&first) && ids.contains(&second));
    assert_eq!(store.accounts.find(first).await.unwrap().name, name("contract"));
    assert_error!(store.accounts.find(AccountId::new(UNKNOWN_ID).unwrap()).await, NotFound);
}

pub async fn renames_an_account(store: &Store) {
    let account = TestAccount::create(store).await.id;
    store.accounts.rename(account, name("renamed")).await.unwrap();
    assert_eq!(store.accounts.find(account).await.unwrap().name, name("renamed"));
    assert_error!(store.accounts.rename(AccountId::new(UNKNOWN_ID).unwrap(), name("x")).await, NotFound);
}

pub async fn deletes_an_account_with_everything_that_it_owns(store: &Store) {
    let (deleted, other) = (TestAccount::create(store).await, TestAccount::create(store).await);
    let mut kept = Vec::new();
    for account in [&deleted, &other] {
        let contact = account.create_contact("Leslie").await;
        let key = IdempotencyKey { key: name("key"), fingerprint: 7 };
        let call = store.calls.create(account.id, call(contact, NOW), UUID, at(NOW), Some(key)).await.unwrap();
        kept.push(call);
        store.tokens.create(token(account, 1), at(NOW)).await.unwrap();
    }
    store.accounts.delete(deleted.id).unwrap();
    assert_error!(store.accounts.find(deleted.id).await, NotFound);
    assert_error!(store.accounts.delete(deleted.id), NotFound);
    assert_eq!(store.tokens.find(hash(&deleted, 1)).await.unwrap(), None);
    assert!(deleted.all_contacts().await.is_empty() && deleted.all_calls(None).await.is_empty());
    deleted.assert_counters_match_calls().await;
    assert_error!(store.contacts.create(deleted.id, person("Ann"), UUID, vec![], at(NOW)).await, NotFound);
    assert_error!(deleted.create_call(call(kept[0].contact.id, NOW)).await, NotFound);
    assert_eq!(other.all_calls(None).await, kept[1..], "the other account is unchanged");
    assert!(store.tokens.find(hash(&other, 1)).await.unwrap().is_some());
    other.assert_counters_match_calls().await;
    assert!(TestAccount::create(store).await.id > other.id, "ids are not reused");
}

pub async fn creates_the_first_account_once(store: &Store) {
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let accounts = store.accounts.clone();
            tokio::spawn(async move { accounts.first(name("first"), at(NOW)).await.unwrap() })
        })
        .collect();
    for task in tasks {
        let first = task.await.unwrap();
        assert_eq!(store.accounts.list().await.unwrap(), [first]);
    }
    store.accounts.create(name("second"), at(NOW)).await.unwrap();
    assert_eq!(store.accounts.first(name("third"), at(NOW)).await.unwrap().name, name("first"));
}
