//! The same laws with many writers at once.

use domain::{CallChange, ContactId, Once, Uuid};

use super::{NOW, Scene, at, call};
use crate::Error;
use crate::outbound::Store;

/// A small deterministic generator (Knuth's MMIX constants): the same law plays the same game each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn called_at(&mut self) -> i64 {
        i64::try_from(self.below(1_000)).unwrap() * 86_400 * 11
    }
}

pub async fn sixteen_writers_keep_every_count_and_last_called(store: &Store) {
    let scene = Scene::new(store).await;
    let contacts = [scene.meet("Leslie").await, scene.meet("Henri").await, scene.meet("Ann").await];
    let writers: Vec<_> =
        (0..16).map(|seed| tokio::spawn(write_at_random(scene.clone(), contacts, Dice(seed)))).collect();
    let mut left = 0;
    for writer in writers {
        left += writer.await.unwrap();
    }
    assert_eq!(scene.all(None).await.len(), left, "every answered write is there, once");
    scene.assert_consistent().await;
}

/// Plays thirty writes and answers how many calls it left behind.
async fn write_at_random(scene: Scene, contacts: [ContactId; 3], mut dice: Dice) -> usize {
    let mut own = Vec::new();
    for _ in 0..30 {
        let contact = contacts[dice.below(3)];
        match dice.below(4) {
            0 | 1 => own.push(scene.log(contact, dice.called_at()).await.id),
            2 if !own.is_empty() => {
                let change =
                    CallChange { contact: Some(contact), called_at: Some(at(dice.called_at())), ..Default::default() };
                let call = own[dice.below(own.len())];
                scene.store.calls.update(scene.account, call, change, at(NOW + 1), None).await.unwrap();
            }
            3 if !own.is_empty() => {
                let call = own.swap_remove(dice.below(own.len()));
                scene.store.calls.delete(scene.account, call, None).await.unwrap();
            }
            _ => {}
        }
    }
    own.len()
}

pub async fn a_contact_deleted_under_load_leaves_no_call(store: &Store) {
    let scene = Scene::new(store).await;
    let (doomed, kept) = (scene.meet("Leslie").await, scene.meet("Henri").await);
    let writers: Vec<_> = (0..8_i64)
        .map(|n| {
            let scene = scene.clone();
            tokio::spawn(async move {
                for round in 0..20 {
                    let contact = if (n + round) % 2 == 0 { doomed } else { kept };
                    let stored = match scene.create(call(contact, n * 86_400 * 40)).await {
                        Err(Error::NotFound) if contact == doomed => continue,
                        answer => answer.unwrap(),
                    };
                    let other = if contact == doomed { kept } else { doomed };
                    let change = CallChange { contact: Some(other), ..CallChange::default() };
                    match scene.store.calls.update(scene.account, stored.id, change, at(NOW), None).await {
                        Ok(_) | Err(Error::NotFound) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    scene.store.contacts.delete(scene.account, doomed).await.unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(scene.all(None).await.iter().all(|call| call.contact.id == kept));
    scene.assert_consistent().await;
}

pub async fn of_requests_with_one_key_one_is_done(store: &Store) {
    let scene = Scene::new(store).await;
    let contact = scene.meet("Leslie").await;
    let once = Once { key: super::name("n8n-42"), fingerprint: 7 };
    let senders: Vec<_> = (0..16)
        .map(|_| {
            let (scene, once) = (scene.clone(), once.clone());
            let create = async move {
                let new = call(contact, 100);
                scene.store.calls.create(scene.account, new, Uuid::from_u128(7), at(NOW), Some(once)).await
            };
            tokio::spawn(create)
        })
        .collect();
    let mut answers = Vec::new();
    for sender in senders {
        answers.push(sender.await.unwrap().unwrap());
    }
    answers.dedup();
    assert_eq!(scene.all(None).await, answers, "one call, and all were answered with it");
    scene.assert_consistent().await;
}

pub async fn of_changes_that_expect_one_version_one_is_done(store: &Store) {
    let scene = Scene::new(store).await;
    let stored = scene.log(scene.meet("Leslie").await, 100).await;
    let writers: Vec<_> = (0..16)
        .map(|n| {
            let (scene, stored) = (scene.clone(), stored.clone());
            tokio::spawn(async move {
                let change = CallChange { called_at: Some(at(1_000 + n)), ..CallChange::default() };
                let expected = Some(vec![stored.version()]);
                scene.store.calls.update(scene.account, stored.id, change, at(NOW), expected).await
            })
        })
        .collect();
    let mut done = Vec::new();
    for writer in writers {
        match writer.await.unwrap() {
            Ok(call) => done.push(call),
            Err(Error::Changed) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(scene.all(None).await, done, "one change, the one that was answered");
    scene.assert_consistent().await;
}
