//! Accounts and tokens.

use domain::{AccountId, NewToken, Scope, SecretHash, TokenId, Uuid};

use super::{NOW, Scene, assert_refused, at, name};
use crate::outbound::Store;

/// A hash that no other law or run uses: the account's id is new each time.
fn hash(scene: &Scene, n: u64) -> SecretHash {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(Uuid::from_u64_pair(scene.account.get().unsigned_abs(), n).as_bytes());
    SecretHash(bytes)
}

fn token(scene: &Scene, n: u64) -> NewToken {
    NewToken {
        account: scene.account,
        name: name("n8n"),
        hash: hash(scene, n),
        scope: Scope::ReadOnly,
        expires_at: Some(at(NOW + 60)),
    }
}

pub async fn a_token_is_found_by_its_hash_until_the_end(store: &Store) {
    let scene = Scene::new(store).await;
    let stored = store.tokens.create(token(&scene, 1), at(NOW)).await.unwrap();
    assert_eq!(store.tokens.find(hash(&scene, 1)).await.unwrap(), Some(stored.clone()));
    assert_eq!(store.tokens.find(hash(&scene, 2)).await.unwrap(), None);
    assert_eq!((stored.account, stored.scope), (scene.account, Scope::ReadOnly));
    assert_eq!((stored.created_at, stored.expires_at, stored.revoked_at), (at(NOW), Some(at(NOW + 60)), None));
    let nowhere = NewToken { account: AccountId::from_store((1 << 53) - 1), ..token(&scene, 3) };
    assert_refused!(store.tokens.create(nowhere, at(NOW)).await, NotFound);
}

pub async fn a_token_of_one_hash_is_stored_once(store: &Store) {
    let scene = Scene::new(store).await;
    let first = store.tokens.create(token(&scene, 1), at(NOW)).await.unwrap();
    let again = NewToken { name: name("another"), ..token(&scene, 1) };
    assert_eq!(store.tokens.create(again, at(NOW + 5)).await.unwrap(), first);
}

pub async fn a_token_is_revoked_once_and_for_all(store: &Store) {
    let scene = Scene::new(store).await;
    let stored = store.tokens.create(token(&scene, 1), at(NOW)).await.unwrap();
    store.tokens.revoke(stored.id, at(NOW + 1)).await.unwrap();
    store.tokens.revoke(stored.id, at(NOW + 2)).await.unwrap();
    let revoked = store.tokens.find(hash(&scene, 1)).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(at(NOW + 1)));
    assert!(store.tokens.list().await.unwrap().contains(&revoked), "a revoked token is still listed");
    assert_refused!(store.tokens.revoke(TokenId::from_store((1 << 53) - 1), at(NOW)).await, NotFound);
}

pub async fn accounts_are_listed_by_id(store: &Store) {
    let (first, second) = (Scene::new(store).await.account, Scene::new(store).await.account);
    let ids: Vec<_> = store.accounts.list().await.unwrap().iter().map(|account| account.id).collect();
    assert!(ids.is_sorted());
    assert!(ids.contains(&first) && ids.contains(&second));
    assert_eq!(store.accounts.find(first).await.unwrap().name, name("contract"));
    assert_refused!(store.accounts.find(AccountId::from_store((1 << 53) - 1)).await, NotFound);
}

pub async fn the_first_account_is_made_once(store: &Store) {
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let accounts = store.accounts.clone();
            tokio::spawn(async move { accounts.first(name("first"), at(NOW)).await.unwrap() })
        })
        .collect();
    for start in starts {
        let first = start.await.unwrap();
        assert_eq!(store.accounts.list().await.unwrap(), [first]);
    }
    store.accounts.create(name("second"), at(NOW)).await.unwrap();
    assert_eq!(store.accounts.first(name("third"), at(NOW)).await.unwrap().name, name("first"));
}

pub async fn the_store_says_that_it_is_well(store: &Store) {
    store.health.check().await.unwrap();
    let load = store.health.load();
    assert!(load.busy + load.idle > 0 && load.waiting.iter().all(|(_, waiting)| *waiting == 0), "{load:?}");
}
