//! Calls.

use domain::{
    Call, CallId, CallOrder, CallPatch, ContactId, ContactPatch, Content, Direction, Emotion, IdempotencyKey, Name,
    NewCall, Timestamp, Uuid, Version,
};

use super::{NEWEST_CALL_FIRST, NOW, Order, Scene, Stamp, assert_refused, at, call, page};
use crate::outbound::{CallPage, Store};

const NOBODY: i64 = (1 << 53) - 1;

fn called_at(seconds: i64) -> CallPatch {
    CallPatch { called_at: Some(at(seconds)), ..CallPatch::default() }
}

pub async fn a_call_is_read_as_it_was_stored(store: &Store) {
    let scene = Scene::new(store).await;
    let contact = scene.meet("Leslie").await;
    let texts = ["x".to_owned(), "🎉\"'\\\r\n<b>&".to_owned(), "é".repeat(100_000)];
    let dates = [Timestamp::MIN, at(-1), at(NOW), Timestamp::MAX];
    for (text, date) in texts.iter().map(|t| Content::parse(t).ok()).chain([None]).zip(dates) {
        let new = NewCall {
            contact,
            called_at: date,
            content: text,
            contact_called: Some(date < at(0)),
            emotions: Emotion::all().skip(100).collect(),
        };
        let stored = scene.create(new.clone()).await.unwrap();
        assert_eq!(store.calls.find(scene.account, stored.id).await.unwrap(), stored);
        assert_eq!((stored.account, stored.contact.id, stored.uuid), (scene.account, contact, Uuid::from_u128(7)));
        assert_eq!((stored.created_at, stored.updated_at), (at(NOW), at(NOW)));
        let Call { called_at, content, contact_called, emotions, .. } = stored;
        assert_eq!(NewCall { contact, called_at, content, contact_called, emotions }, new);
    }
    let unsaid = scene.log(contact, NOW).await;
    assert_eq!((unsaid.contact_called, unsaid.emotions), (None, vec![]));
    assert_eq!(unsaid.contact, scene.contact(contact).await.summary);
}

pub async fn a_call_cannot_be_orphan(store: &Store) {
    let scene = Scene::new(store).await;
    let contact = scene.meet("Leslie").await;
    let stored = scene.log(contact, NOW).await;
    let nobody = ContactId::from_store(NOBODY);
    assert_refused!(scene.create(call(nobody, NOW)).await, NotFound);
    let away = CallPatch { contact: Some(nobody), called_at: Some(at(0)), ..CallPatch::default() };
    assert_refused!(store.calls.update(scene.account, stored.id, away, at(NOW + 1), None).await, NotFound);
    assert_eq!(scene.all(None).await, [stored], "nothing is stored, nothing is changed");
    scene.assert_consistent().await;
}

pub async fn a_foreign_contact_takes_no_call(store: &Store) {
    let (scene, other) = (Scene::new(store).await, Scene::new(store).await);
    let (own, foreign) = (scene.meet("Leslie").await, other.meet("Henri").await);
    let stored = scene.log(own, NOW).await;
    assert_refused!(scene.create(call(foreign, NOW)).await, NotFound);
    let away = CallPatch { contact: Some(foreign), ..CallPatch::default() };
    assert_refused!(store.calls.update(scene.account, stored.id, away, at(NOW + 1), None).await, NotFound);
    assert_eq!(scene.all(None).await, [stored]);
    assert_eq!(other.contact(foreign).await.last_called, None);
    assert_eq!(other.all(None).await, []);
}

pub async fn an_archived_contact_s_calls_stay_as_they_are(store: &Store) {
    let scene = Scene::new(store).await;
    let (archived, active) = (scene.meet("Leslie").await, scene.meet("Henri").await);
    let (old, free) = (scene.log(archived, NOW).await, scene.log(active, NOW).await);
    let archive = ContactPatch { is_active: Some(false), ..ContactPatch::default() };
    store.contacts.update(scene.account, archived, archive, at(NOW)).await.unwrap();
    assert_refused!(scene.create(call(archived, NOW)).await, Archived);
    assert_refused!(store.calls.update(scene.account, old.id, called_at(0), at(NOW), None).await, Archived);
    let into = CallPatch { contact: Some(archived), ..CallPatch::default() };
    assert_refused!(store.calls.update(scene.account, free.id, into.clone(), at(NOW), None).await, Archived);
    assert_refused!(store.calls.delete(scene.account, old.id, None).await, Archived);
    // What would be refused anyhow is not refused for its version.
    let nowhere = CallPatch { contact: Some(ContactId::from_store((1 << 53) - 1)), ..CallPatch::default() };
    for (stored, change) in [(&old, called_at(0)), (&old, nowhere.clone()), (&free, into)] {
        let update = store.calls.update(scene.account, stored.id, change, at(NOW), Some(vec![]));
        assert_refused!(update.await, Archived);
    }
    assert_refused!(store.calls.update(scene.account, free.id, nowhere, at(NOW), Some(vec![])).await, NotFound);
    assert_refused!(store.calls.delete(scene.account, old.id, Some(vec![])).await, Archived);
    assert_refused!(store.calls.delete(scene.account, free.id, Some(vec![])).await, Changed);
    assert_eq!(scene.all(None).await.len(), 2);
    scene.assert_consistent().await;
}

pub async fn last_called_is_the_newest_call_at_every_step(store: &Store) {
    let scene = Scene::new(store).await;
    let (leslie, henri) = (scene.meet("Leslie").await, scene.meet("Henri").await);
    let expect = async |of: ContactId, seconds: Option<i64>, step: &str| {
        assert_eq!(scene.contact(of).await.last_called, seconds.map(at), "{step}");
    };
    expect(leslie, None, "no call yet").await;
    let middle = scene.log(leslie, 200).await;
    expect(leslie, Some(200), "the first call").await;
    let older = scene.log(leslie, 100).await;
    expect(leslie, Some(200), "an older call").await;
    let newest = scene.log(leslie, 300).await;
    expect(leslie, Some(300), "a newer call").await;
    store.calls.update(scene.account, newest.id, called_at(150), at(NOW), None).await.unwrap();
    expect(leslie, Some(200), "the newest call made older").await;
    store.calls.update(scene.account, older.id, called_at(400), at(NOW), None).await.unwrap();
    expect(leslie, Some(400), "an older call made the newest").await;
    let to_henri = CallPatch { contact: Some(henri), ..CallPatch::default() };
    store.calls.update(scene.account, older.id, to_henri, at(NOW), None).await.unwrap();
    expect(leslie, Some(200), "the newest call moved away").await;
    expect(henri, Some(400), "a call moved here").await;
    store.calls.delete(scene.account, middle.id, None).await.unwrap();
    expect(leslie, Some(150), "the newest call deleted").await;
    store.calls.delete(scene.account, newest.id, None).await.unwrap();
    expect(leslie, None, "the last call deleted").await;
    scene.log(leslie, -5_000_000_000).await;
    expect(leslie, Some(-5_000_000_000), "a call long before 1970").await;
    scene.assert_consistent().await;
}

pub async fn a_moved_call_counts_for_its_new_contact(store: &Store) {
    let scene = Scene::new(store).await;
    let (leslie, henri) = (scene.meet("Leslie").await, scene.meet("Henri").await);
    let stored = scene.log(leslie, NOW).await;
    let change = CallPatch { contact: Some(henri), called_at: Some(at(0)), ..CallPatch::default() };
    let moved = store.calls.update(scene.account, stored.id, change, at(NOW + 9), None).await.unwrap();
    assert_eq!((moved.id, moved.contact.id, moved.updated_at), (stored.id, henri, at(NOW + 9)));
    assert_eq!(scene.all(Some(leslie)).await, []);
    assert_eq!(scene.all(Some(henri)).await, [moved]);
    scene.assert_consistent().await;
}

pub async fn an_unchanged_call_keeps_its_updated_at(store: &Store) {
    let scene = Scene::new(store).await;
    let contact = scene.meet("Leslie").await;
    let stored = scene.log(contact, 100).await;
    let same = CallPatch {
        contact: Some(contact),
        called_at: Some(at(100)),
        content: Some(stored.content.clone()),
        contact_called: None,
        emotions: Some(vec![]),
    };
    for change in [same, CallPatch::default()] {
        assert_eq!(store.calls.update(scene.account, stored.id, change, at(NOW + 5), None).await.unwrap(), stored);
    }
    let change = CallPatch { contact_called: Some(false), ..CallPatch::default() };
    let changed = store.calls.update(scene.account, stored.id, change, at(NOW + 5), None).await.unwrap();
    assert_eq!((changed.created_at, changed.updated_at), (at(NOW), at(NOW + 5)));
    assert_eq!((changed.contact_called, &changed.content), (Some(false), &stored.content));
    assert_eq!(store.calls.find(scene.account, stored.id).await.unwrap(), changed);
}

pub async fn a_deleted_call_is_gone(store: &Store) {
    let scene = Scene::new(store).await;
    let stored = scene.log(scene.meet("Leslie").await, 100).await;
    store.calls.delete(scene.account, stored.id, None).await.unwrap();
    assert_refused!(store.calls.find(scene.account, stored.id).await, NotFound);
    assert_refused!(store.calls.delete(scene.account, stored.id, None).await, NotFound);
    assert_refused!(store.calls.update(scene.account, stored.id, called_at(5), at(NOW), None).await, NotFound);
    assert_refused!(store.calls.find(scene.account, CallId::from_store(NOBODY)).await, NotFound);
    assert_eq!(scene.all(None).await, []);
    scene.assert_consistent().await;
}

pub async fn a_change_may_expect_a_version(store: &Store) {
    let scene = Scene::new(store).await;
    let (leslie, henri) = (scene.meet("Leslie").await, scene.meet("Henri").await);
    let first = scene.log(leslie, 100).await;
    let update =
        async |change, expected| store.calls.update(scene.account, first.id, change, at(NOW + 1), expected).await;
    let second = update(called_at(200), Some(vec![Version(1), first.version()])).await.unwrap();
    assert_ne!(first.version(), second.version());
    for stale in [vec![], vec![first.version()]] {
        assert_refused!(update(called_at(300), Some(stale.clone())).await, Changed);
        assert_refused!(store.calls.delete(scene.account, first.id, Some(stale)).await, Changed);
    }
    let to_henri = CallPatch { contact: Some(henri), ..CallPatch::default() };
    let moved = update(to_henri, Some(vec![second.version()])).await.unwrap();
    assert_eq!(store.calls.find(scene.account, first.id).await.unwrap().version(), moved.version());
    scene.assert_consistent().await;
    let renamed = ContactPatch { nickname: Some(Name::parse("HT").ok()), ..ContactPatch::default() };
    store.contacts.update(scene.account, henri, renamed, at(NOW)).await.unwrap();
    let shown = store.calls.find(scene.account, first.id).await.unwrap();
    assert_ne!(shown.version(), moved.version(), "the contact is a part of what is shown");
    store.calls.delete(scene.account, first.id, Some(vec![shown.version()])).await.unwrap();
    assert_refused!(update(called_at(300), Some(vec![shown.version()])).await, NotFound);
    scene.assert_consistent().await;
}

pub async fn a_request_that_names_itself_is_done_once(store: &Store) {
    let (scene, other) = (Scene::new(store).await, Scene::new(store).await);
    let contact = scene.meet("Leslie").await;
    let once = |key: &str, fingerprint| Some(IdempotencyKey { key: Name::parse(key).unwrap(), fingerprint });
    let create = async |new, now, once| store.calls.create(scene.account, new, Uuid::from_u128(7), at(now), once).await;
    let first = create(call(contact, 100), NOW, once("k", 1)).await.unwrap();
    // "yesterday noon" is another moment when it is sent again.
    let again = create(call(contact, 100 + 86_400), NOW + 86_399, once("k", 1)).await.unwrap();
    assert_eq!(again, first);
    assert_refused!(create(call(contact, 100), NOW, once("k", 2)).await, KeyReused);
    assert_eq!(scene.all(None).await, std::slice::from_ref(&first));
    let another = create(call(contact, 100), NOW, once("l", 1)).await.unwrap();
    assert_ne!(another.id, first.id);
    let nobody = ContactId::from_store(NOBODY);
    assert_refused!(create(call(nobody, 100), NOW, once("m", 1)).await, NotFound);
    create(call(contact, 100), NOW, once("m", 2)).await.unwrap();
    let stranger = call(other.meet("Henri").await, 100);
    store.calls.create(other.account, stranger, Uuid::from_u128(7), at(NOW), once("k", 9)).await.unwrap();
    let next_day = create(call(contact, 100), NOW + 86_400, once("k", 2)).await.unwrap();
    assert_ne!(next_day.id, first.id);
    assert_eq!(scene.all(None).await.len(), 4);
    scene.assert_consistent().await;
}

pub async fn ids_are_never_used_twice(store: &Store) {
    let scene = Scene::new(store).await;
    let mut last = 0;
    for _ in 0..5 {
        let contact = scene.meet("Leslie").await;
        let stored = scene.log(contact, NOW).await;
        assert!(stored.id.get() > last, "{} comes after {last}", stored.id);
        last = stored.id.get();
        store.calls.delete(scene.account, stored.id, None).await.unwrap();
        store.contacts.delete(scene.account, contact).await.unwrap();
        assert!(scene.meet("Henri").await > contact);
    }
}

pub async fn pages_partition_the_list_in_every_order(store: &Store) {
    let scene = Scene::new(store).await;
    let (leslie, henri) = (scene.meet("Leslie").await, scene.meet("Henri").await);
    let mut calls = Vec::new();
    for n in 0..23 {
        let contact = if n % 3 == 0 { henri } else { leslie };
        // Many ties, in each of the three stamps.
        let new = call(contact, 1_000 * (n * 7 % 5));
        let created =
            store.calls.create(scene.account, new, Uuid::from_u128(7), at(NOW + n * 5 % 4), None).await.unwrap();
        let change = CallPatch { contact_called: Some(true), ..CallPatch::default() };
        calls
            .push(store.calls.update(scene.account, created.id, change, at(NOW + 10 + n * 3 % 4), None).await.unwrap());
    }
    let orders: [(Order<CallOrder>, Stamp<Call>); 3] = [
        (CallOrder::CalledAt, |call| call.called_at),
        (CallOrder::CreatedAt, |call| call.created_at),
        (CallOrder::UpdatedAt, |call| call.updated_at),
    ];
    for (order, stamp) in orders {
        for of in [None, Some(leslie), Some(henri)] {
            let mut expected: Vec<_> = calls.iter().filter(|c| of.is_none_or(|of| c.contact.id == of)).collect();
            expected.sort_by_key(|call| (stamp(call), call.id));
            for direction in [Direction::Ascending, Direction::Descending] {
                for size in [1, 7, 23, 100] {
                    let mut listed = Vec::new();
                    for number in 1..=u64::from(23 / size + 1) {
                        let page = scene.page(of, page(number, size, order(direction))).await.page;
                        assert_eq!(page.total, expected.len() as u64);
                        listed.extend(page.items);
                    }
                    assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{:?} in {size}s", order(direction));
                }
                expected.reverse();
            }
        }
    }
    for number in [100, u64::MAX] {
        let beyond = scene.page(None, page(number, 10, NEWEST_CALL_FIRST)).await.page;
        assert_eq!((beyond.items, beyond.total), (vec![], 23));
    }
}

pub async fn deep_pages_are_found_as_shallow_ones_are(store: &Store) {
    const CALLS: i64 = 1_300;
    let scene = Scene::new(store).await;
    let (leslie, henri) = (scene.meet("Leslie").await, scene.meet("Henri").await);
    let writers: Vec<_> = (0..26)
        .map(|writer| {
            let scene = scene.clone();
            tokio::spawn(async move {
                let mut own = Vec::new();
                for n in (writer..CALLS).step_by(26) {
                    // A few months, of different sizes, with ties.
                    let seconds = n * n % 977 / 3 * 86_400;
                    let contact = if n % 13 == 0 { henri } else { leslie };
                    let call = call(contact, seconds);
                    let made = scene.store.calls.create(scene.account, call, Uuid::from_u128(7), at(NOW + n % 5), None);
                    own.push(made.await.unwrap());
                }
                own
            })
        })
        .collect();
    let mut calls = Vec::new();
    for writer in writers {
        calls.extend(writer.await.unwrap());
    }
    let stranger = Scene::new(store).await;
    stranger.log(stranger.meet("Ann").await, 86_400).await;
    let orders: [(Order<CallOrder>, Stamp<Call>); 2] =
        [(CallOrder::CalledAt, |call| call.called_at), (CallOrder::CreatedAt, |call| call.created_at)];
    // All at once: what is asked together may be read together.
    let mut readers = Vec::new();
    for (order, stamp) in orders {
        for of in [None, Some(leslie)] {
            let mut expected: Vec<_> =
                calls.iter().filter(|c| of.is_none_or(|of| c.contact.id == of)).cloned().collect();
            expected.sort_by_key(|call| (stamp(call), call.id));
            for direction in [Direction::Ascending, Direction::Descending] {
                for (number, size) in
                    [(1, 100), (2, 100), (6, 100), (12, 100), (13, 100), (14, 100), (172, 7), (185, 7), (9_000, 7)]
                {
                    let start = usize::try_from(number - 1).unwrap() * usize::try_from(size).unwrap();
                    let slice: Vec<_> = expected.iter().skip(start).take(size.try_into().unwrap()).cloned().collect();
                    let (total, scene, stranger) = (expected.len() as u64, scene.clone(), stranger.clone());
                    readers.push(tokio::spawn(async move {
                        let page = page(number, size, order(direction));
                        let CallPage { page: shown, years } = scene.page(of, page).await;
                        assert_eq!((shown.items, shown.total), (slice, total), "{page:?} of {of:?}");
                        assert_eq!(years.iter().map(|(_, calls)| calls).sum::<u64>(), CALLS.unsigned_abs());
                        let other = stranger.page(None, page).await;
                        assert_eq!((other.page.items.len(), other.page.total), (usize::from(number == 1), 1));
                        assert_eq!(other.years, [(1970, 1)], "of the stranger's calls only");
                        let foreign = stranger.store.calls.list(stranger.account, Some(leslie), page).await;
                        assert_refused!(foreign, NotFound);
                    }));
                }
                expected.reverse();
            }
        }
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

pub async fn totals_and_years_are_exact(store: &Store) {
    let scene = Scene::new(store).await;
    let none = scene.page(None, page(1, 10, NEWEST_CALL_FIRST)).await;
    assert_eq!((none.page.items, none.page.total, none.years), (vec![], 0, vec![]));
    let contact = scene.meet("Leslie").await;
    let day = 86_400;
    // 2018-12-31, 2019-01-01, 2019-12-31 and the years 1 and 9999.
    for seconds in [1_546_214_400, 1_546_214_400 + day, 1_577_750_400, Timestamp::MIN.unix(), Timestamp::MAX.unix()] {
        scene.log(contact, seconds).await;
    }
    let years = scene.page(Some(contact), page(1, 10, NEWEST_CALL_FIRST)).await.years;
    assert_eq!(years, [(9999, 1), (2019, 2), (2018, 1), (1, 1)]);
    let other = scene.meet("Henri").await;
    let of_other = scene.page(Some(other), page(1, 10, NEWEST_CALL_FIRST)).await;
    assert_eq!((of_other.page.total, of_other.years), (0, years), "the years are the account's");
    let newest = scene.all(None).await.remove(0);
    store.calls.delete(scene.account, newest.id, None).await.unwrap();
    let years = scene.page(None, page(1, 10, NEWEST_CALL_FIRST)).await.years;
    assert_eq!(years, [(2019, 2), (2018, 1), (1, 1)], "a year without calls is not shown");
    scene.assert_consistent().await;
}

pub async fn accounts_see_only_their_own_calls(store: &Store) {
    let (scene, other) = (Scene::new(store).await, Scene::new(store).await);
    let foreign = other.log(other.meet("Henri").await, NOW).await;
    assert_refused!(store.calls.find(scene.account, foreign.id).await, NotFound);
    assert_refused!(store.calls.update(scene.account, foreign.id, called_at(0), at(NOW), None).await, NotFound);
    assert_refused!(store.calls.delete(scene.account, foreign.id, None).await, NotFound);
    let request = page(1, 10, NEWEST_CALL_FIRST);
    assert_refused!(store.calls.list(scene.account, Some(foreign.contact.id), request).await, NotFound);
    assert_eq!(scene.all(None).await, []);
    assert_eq!(other.all(None).await, [foreign]);
}
