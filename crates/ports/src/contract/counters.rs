//! The counters, compared with the calls. What repairs wrong ones is tried from outside, with the store's own SQL.

use domain::{CallPatch, ContactId, Timestamp};

use super::bulk::{contact, import, recorded};
use super::races::{Dice, write_at_random};
use super::{NOW, Scene, at};
use crate::outbound::{Audit, Store};

fn assert_all_true(store: &Store) -> Audit {
    let audit = store.counters.verify().unwrap();
    assert_eq!((audit.contacts.wrong, audit.months.wrong), (0, 0));
    audit
}

pub async fn nothing_is_wrong_with_the_counters_of_a_sound_store(store: &Store) {
    assert_all_true(store);
    for _ in 0..2 {
        let scene = Scene::new(store).await;
        let (leslie, henri, nobody) =
            (scene.meet("Leslie").await, scene.meet("Henri").await, scene.meet("Nobody").await);
        let mut calls = Vec::new();
        for (n, contact) in [leslie, leslie, henri, nobody, nobody].into_iter().enumerate() {
            calls.push(scene.log(contact, NOW - 86_400 * 40 * i64::try_from(n).unwrap()).await.id);
        }
        let older = CallPatch { called_at: Some(at(-1)), ..CallPatch::default() };
        scene.store.calls.update(scene.account, calls[0], older, at(NOW), None).await.unwrap();
        let to_henri = CallPatch { contact: Some(henri), ..CallPatch::default() };
        scene.store.calls.update(scene.account, calls[1], to_henri, at(NOW), None).await.unwrap();
        scene.store.calls.delete(scene.account, calls[2], None).await.unwrap();
        scene.store.contacts.delete(scene.account, nobody).await.unwrap();
        scene.meet("Ann").await;
        let contacts = scene.contacts().await;
        assert_all_true(store);
        assert_eq!(scene.contacts().await, contacts, "what is true is left as it is");
        scene.assert_consistent().await;
    }
    // In each account three contacts are left, one of them without calls, and a call in each of two months.
    let Audit { contacts, months } = assert_all_true(store);
    assert!(contacts.all >= 6 && months.all >= 4, "{contacts:?}, {months:?}");
}

pub async fn every_month_is_counted_as_the_domain_numbers_it(store: &Store) {
    let scene = Scene::new(store).await;
    // The first and the last second of every month of these years.
    let years = (1..=9_999).step_by(101).chain([4, 300, 400, 1582, 1600, 1900, 1969, 1970, 2000, 2024, 9_999]);
    let months = years.flat_map(|year| year * 12..year * 12 + 12).collect::<std::collections::BTreeSet<_>>();
    let edges = months.iter().flat_map(|month| {
        let first = Timestamp::start_of_month(*month).unwrap();
        let last = Timestamp::start_of_month(month + 1).map_or(Timestamp::MAX.unix(), |next| next.unix() - 1);
        [first.unix(), last]
    });
    let records = std::iter::once(contact(1)).chain(edges.zip(1..).map(|(second, n)| recorded(n, 1, second)));
    import(&scene, records.collect(), false).unwrap();
    assert!(assert_all_true(store).months.all >= months.len() as u64);
}

pub async fn nothing_is_wrong_at_any_moment_of_many_writers(store: &Store) {
    let scene = Scene::new(store).await;
    let contacts = [scene.meet("Leslie").await, scene.meet("Henri").await, scene.meet("Ann").await];
    let mut writers: Vec<_> =
        (0..8).map(|seed| tokio::spawn(write_at_random(scene.clone(), contacts, Dice(seed)))).collect();
    let more = scene.clone();
    writers.push(tokio::spawn(async move {
        for n in 0..20 {
            let doomed: ContactId = more.meet("Nobody").await;
            more.log(doomed, n * 86_400 * 11).await;
            import(&more, vec![contact(1), recorded(n, 1, n * 86_400 * 11)], false).unwrap();
            more.store.contacts.delete(more.account, doomed).await.unwrap();
        }
        20
    }));
    let mut left = 0;
    for writer in writers {
        while !writer.is_finished() {
            let store = store.clone();
            tokio::task::spawn_blocking(move || assert_all_true(&store)).await.unwrap();
        }
        left += writer.await.unwrap();
    }
    assert_eq!(scene.all(None).await.len(), left, "every answered write is there, once");
    scene.assert_consistent().await;
}
