//! The same laws with many writers at once.

use std::collections::BTreeMap;

use domain::{
    Call, CallId, CallOrder, CallPatch, ContactId, ContactPatch, Content, Direction, Emotion, IdempotencyKey, NewCall,
    Page, Uuid,
};

use super::{NEWEST_CALL_FIRST, NOW, Scene, assert_refused, at, call, page};
use crate::Error;
use crate::outbound::{CallPage, Store};

/// A small deterministic generator (Knuth's MMIX constants): the same law plays the same game each time.
pub(super) struct Dice(pub(super) u64);

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

/// What a store may read for many at once must come to the one who asked.
pub async fn readers_of_one_moment_get_each_their_own(store: &Store) {
    let mut scenes = Vec::new();
    for calls in [0, 3, 40] {
        let scene = Scene::new(store).await;
        let contact = scene.meet("Leslie").await;
        let mut own = Vec::new();
        for n in 0..calls {
            own.push(scene.log(contact, n * 86_400 * 11).await);
        }
        scenes.push((scene, contact, own));
    }
    let strangers: Vec<_> = scenes.iter().flat_map(|(_, _, own)| own.iter().map(|call| call.id)).collect();
    let readers: Vec<_> = (0..240)
        .map(|n| {
            let (scene, contact, own) = scenes[n % 3].clone();
            let stranger = strangers[n % strangers.len()];
            tokio::spawn(async move {
                let found = scene.store.calls.find(scene.account, stranger).await;
                if let Some(call) = own.iter().find(|call| call.id == stranger) {
                    assert_eq!(found.unwrap(), *call);
                } else {
                    assert_refused!(found, NotFound);
                }
                let direction = if n % 2 == 0 { Direction::Ascending } else { Direction::Descending };
                let of = (n % 5 < 2).then_some(contact);
                let request = page(1 + n as u64 % 4, 7, CallOrder::CalledAt(direction));
                let CallPage { page: Page { items, total }, years } = scene.page(of, request).await;
                let mut expected = own.clone();
                if direction == Direction::Descending {
                    expected.reverse();
                }
                assert_eq!(items, expected.into_iter().skip(n % 4 * 7).take(7).collect::<Vec<_>>());
                assert_eq!(total, own.len() as u64);
                assert_eq!(years.iter().map(|(_, calls)| calls).sum::<u64>(), total);
                let nobody = scene.store.calls.list(scene.account, Some(ContactId::from_store(i64::MAX)), request);
                assert_refused!(nobody.await, NotFound);
            })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap();
    }
}

/// Plays thirty writes and answers how many calls it left behind.
pub(super) async fn write_at_random(scene: Scene, contacts: [ContactId; 3], mut dice: Dice) -> usize {
    let mut own = Vec::new();
    for _ in 0..30 {
        let contact = contacts[dice.below(3)];
        match dice.below(4) {
            0 | 1 => own.push(scene.log(contact, dice.called_at()).await.id),
            2 if !own.is_empty() => {
                let change =
                    CallPatch { contact: Some(contact), called_at: Some(at(dice.called_at())), ..Default::default() };
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
                    let change = CallPatch { contact: Some(other), ..CallPatch::default() };
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
    let once = IdempotencyKey { key: super::name("n8n-42"), fingerprint: 7 };
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
                let change = CallPatch { called_at: Some(at(1_000 + n)), ..CallPatch::default() };
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

pub async fn changes_of_one_call_are_done_one_after_the_other(store: &Store) {
    let scene = Scene::new(store).await;
    let contacts = [scene.meet("Leslie").await, scene.meet("Henri").await];
    let target = scene.log(contacts[0], 86_400).await.id;
    scene.log(contacts[1], 86_400 * 40).await;
    let writers: Vec<_> = (0..24_usize)
        .map(|n| {
            let scene = scene.clone();
            let called_at = at(86_400 * 11 * i64::try_from(n).unwrap());
            let change =
                CallPatch { contact: Some(contacts[n % 2]), called_at: Some(called_at), ..CallPatch::default() };
            tokio::spawn(async move {
                let changed = scene.store.calls.update(scene.account, target, change, at(NOW), None).await.unwrap();
                assert_eq!((changed.contact.id, changed.called_at), (contacts[n % 2], called_at));
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(scene.all(None).await.len(), 2);
    scene.assert_consistent().await;
}

/// How many games the law of the model plays, each from a seed of its own.
const GAMES: u64 = if cfg!(feature = "long") { 60 } else { 2 };

/// Rounds of one game: after each, the whole store is compared with the model.
const ROUNDS: usize = 3;

const PLAYERS: u64 = 8;

const MOVES: usize = if cfg!(feature = "long") { 60 } else { 25 };

/// Random operations of many players against the store and a model in memory. A player knows its own calls and
/// contacts wholly, whatever the others do; together they know the account.
pub async fn the_store_does_what_a_model_in_memory_does(store: &Store) {
    for seed in 1..=GAMES {
        let told = Told(seed);
        let scene = Scene::new(store).await;
        let shared = [scene.meet("Leslie").await, scene.meet("Henri").await];
        let mut players: Vec<_> = (0..PLAYERS)
            .map(|n| Player {
                scene: scene.clone(),
                dice: Dice(seed * 1_000 + n),
                shared,
                own_contacts: Vec::new(),
                calls: BTreeMap::new(),
            })
            .collect();
        for _ in 0..ROUNDS {
            let watcher = tokio::spawn(watch(scene.clone()));
            let playing: Vec<_> = players.drain(..).map(|player| tokio::spawn(player.play())).collect();
            for player in playing {
                players.push(player.await.unwrap());
            }
            watcher.abort();
            if let Err(error) = watcher.await {
                assert!(error.is_cancelled(), "{error}");
            }
            compare(&scene, &players).await;
        }
        drop(told);
    }
}

/// Tells the seed of a game that fails.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the game of seed {} failed", self.0);
        }
    }
}

struct Player {
    scene: Scene,
    dice: Dice,
    /// Contacts that all players have calls with.
    shared: [ContactId; 2],
    /// Contacts that nobody else knows.
    own_contacts: Vec<ContactId>,
    /// The model: what was answered last of each call.
    calls: BTreeMap<CallId, Call>,
}

impl Player {
    async fn play(mut self) -> Self {
        for _ in 0..MOVES {
            self.play_once().await;
        }
        self
    }

    async fn play_once(&mut self) {
        let calls = self.scene.store.calls.clone();
        let account = self.scene.account;
        let known = (!self.calls.is_empty()).then(|| {
            let n = self.dice.below(self.calls.len());
            *self.calls.keys().nth(n).unwrap()
        });
        match (self.dice.below(10), known) {
            (0..=2, _) | (3..=8, None) => {
                let new = self.new_call();
                let stored = self.scene.create(new.clone()).await.unwrap();
                assert_holds(&stored, &new);
                assert!(self.calls.insert(stored.id, stored).is_none(), "a new id");
            }
            (3 | 4, Some(id)) => {
                let change = self.change();
                let before = &self.calls[&id];
                let expected = change.clone().apply(parts(before));
                let changed = calls.update(account, id, change, at(NOW + 1), None).await.unwrap();
                let is_same = expected == parts(before);
                assert_eq!(changed.updated_at, if is_same { before.updated_at } else { at(NOW + 1) });
                assert_holds(&changed, &expected);
                self.calls.insert(id, changed);
            }
            (5, Some(id)) => {
                calls.delete(account, id, None).await.unwrap();
                assert_refused!(calls.delete(account, id, None).await, NotFound);
                assert_refused!(calls.find(account, id).await, NotFound);
                self.calls.remove(&id);
            }
            (6, Some(id)) => assert_eq!(calls.find(account, id).await.unwrap(), self.calls[&id]),
            (7, Some(id)) => {
                let contact = self.calls[&id].contact.id;
                if self.own_contacts.contains(&contact) {
                    self.assert_own(contact).await;
                }
            }
            (8, Some(id)) => {
                let away = CallPatch { contact: Some(ContactId::from_store((1 << 53) - 1)), ..self.change() };
                assert_refused!(calls.update(account, id, away, at(NOW + 2), None).await, NotFound);
            }
            _ if self.own_contacts.len() > 2 => {
                let contact = self.own_contacts.swap_remove(0);
                self.scene.store.contacts.delete(account, contact).await.unwrap();
                self.calls.retain(|_, call| call.contact.id != contact);
                assert_refused!(self.scene.create(call(contact, NOW)).await, NotFound);
            }
            _ => {
                let contact = self.scene.meet("Ann").await;
                let change = ContactPatch { is_starred: Some(true), ..ContactPatch::default() };
                self.scene.store.contacts.update(account, contact, change, at(NOW + 1)).await.unwrap();
                self.own_contacts.push(contact);
            }
        }
    }

    /// Nobody else has calls with this contact: what the model says of it is exact at any moment.
    async fn assert_own(&self, contact: ContactId) {
        let own: Vec<_> = self.calls.values().filter(|call| call.contact.id == contact).collect();
        let stored = self.scene.contact(contact).await;
        assert_eq!(stored.calls, own.len() as u64);
        assert_eq!(stored.last_called, own.iter().map(|call| call.called_at).max());
        assert_eq!(self.scene.page(Some(contact), page(1, 1, NEWEST_CALL_FIRST)).await.page.total, own.len() as u64);
    }

    fn contact(&mut self) -> ContactId {
        let n = self.dice.below(2 + self.own_contacts.len());
        if n < 2 { self.shared[n] } else { self.own_contacts[n - 2] }
    }

    fn new_call(&mut self) -> NewCall {
        let text = "x".repeat(1 + self.dice.below(50));
        NewCall {
            contact: self.contact(),
            called_at: at(self.dice.called_at()),
            content: Content::parse(&text).ok(),
            contact_called: [None, Some(true), Some(false)][self.dice.below(3)],
            emotions: Emotion::all().skip(self.dice.below(100)).take(self.dice.below(3)).collect(),
        }
    }

    fn change(&mut self) -> CallPatch {
        let NewCall { contact, called_at, content, contact_called, emotions } = self.new_call();
        CallPatch {
            contact: (self.dice.below(2) == 0).then_some(contact),
            called_at: (self.dice.below(2) == 0).then_some(called_at),
            content: (self.dice.below(2) == 0).then_some(content),
            contact_called,
            emotions: (self.dice.below(2) == 0).then_some(emotions),
        }
    }
}

/// What of a call its writer says.
fn parts(call: &Call) -> NewCall {
    let Call { called_at, content, contact_called, emotions, contact, .. } = call.clone();
    NewCall { contact: contact.id, called_at, content, contact_called, emotions }
}

fn assert_holds(stored: &Call, expected: &NewCall) {
    assert_eq!(parts(stored), *expected);
    assert_eq!((stored.uuid, stored.created_at), (Uuid::from_u128(7), at(NOW)));
}

/// Looks at the account while it is written to: every page is of one moment.
async fn watch(scene: Scene) {
    loop {
        let list = scene.page(None, page(1, 100, NEWEST_CALL_FIRST)).await;
        let counted: u64 = list.years.iter().map(|(_, calls)| calls).sum();
        assert_eq!(list.page.total, counted, "the total is the years' sum at any moment");
        if list.page.total <= 100 {
            assert_eq!(list.page.items.len() as u64, list.page.total, "the items are all there at any moment");
        }
        assert!(list.page.items.is_sorted_by(|a, b| (a.called_at, a.id) > (b.called_at, b.id)));
        tokio::task::yield_now().await;
    }
}

/// Between the rounds nobody writes: the account is all that the players know.
async fn compare(scene: &Scene, players: &[Player]) {
    let mut expected: Vec<_> = players.iter().flat_map(|player| player.calls.values().cloned()).collect();
    expected.sort_by_key(|call| std::cmp::Reverse((call.called_at, call.id)));
    assert_eq!(scene.all(None).await, expected);
    scene.assert_consistent().await;
    expected.sort_by_key(|call| (call.updated_at, call.id));
    let oldest = scene.page(None, page(1, 100, CallOrder::UpdatedAt(Direction::Ascending))).await;
    assert_eq!(oldest.page.items, expected[..expected.len().min(100)]);
}
