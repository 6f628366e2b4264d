//! Whole contents, in and out.

use std::ops::ControlFlow;

use domain::{
    AccountId, Contact, ContactField, ContactFieldId, ContactFieldKind, ContactId, ContactSummary, Content, Emotion,
    NewContactField, NewToken, PageRequest, PageSize, Profile, Scope, SecretHash, Uuid,
};

use super::{NOW, Scene, assert_refused, at, call, name};
use crate::Error;
use crate::outbound::{Imported, Record, Store, StoredCall, Tally};

/// Its own name, under any id.
fn uuid(n: i64) -> Uuid {
    Uuid::from_u64_pair(1 << 63, n.unsigned_abs())
}

/// A contact as another store would know it.
pub(super) fn contact(n: i64) -> Record {
    let field = |id, kind, data: &str| ContactField {
        id: ContactFieldId::from_store(id),
        content: NewContactField { kind, data: name(data) },
        created_at: at(NOW - 20),
    };
    let profile = Profile { last_name: Some(name("Knope")), is_active: n % 2 == 1, ..Profile::new(name("Leslie")) };
    Record::Contact(Box::new(Contact {
        summary: ContactSummary {
            id: ContactId::from_store(900 + n),
            uuid: uuid(n),
            account: AccountId::from_store(77),
            profile,
        },
        description: Content::parse("Waffles").ok(),
        job: None,
        company: Some(name("Parks")),
        fields: vec![
            field(900, ContactFieldKind::PHONE, "+1 555 0100"),
            field(901, ContactFieldKind::EMAIL, "leslie@example.org"),
        ],
        // Counted anew: what stands here is not believed.
        last_called: Some(at(NOW)),
        calls: 12,
        created_at: at(NOW - 30),
        updated_at: at(NOW - 10 + n),
    }))
}

/// A call with that contact.
pub(super) fn recorded(n: i64, with: i64, called_at: i64) -> Record {
    let mut call = call(ContactId::from_store(900 + with), called_at);
    call.contact_called = Some(n % 2 == 0);
    call.emotions = Emotion::all().take(2).collect();
    Record::Call(Box::new(StoredCall {
        id: domain::CallId::from_store(500 + n),
        uuid: uuid(n),
        account: AccountId::from_store(77),
        call,
        contact_uuid: uuid(with),
        created_at: at(NOW - 5),
        updated_at: at(NOW - 4),
    }))
}

/// Two contacts, the second archived, and three calls.
fn records() -> Vec<Record> {
    vec![
        contact(1),
        contact(2),
        recorded(1, 1, NOW - 900),
        recorded(2, 2, NOW - 86_400 * 400),
        recorded(3, 1, NOW - 86_400 * 800),
    ]
}

pub(super) fn import(scene: &Scene, records: Vec<Record>, dry_run: bool) -> crate::Result<Imported> {
    scene.store.bulk.import(scene.account, &mut records.into_iter().map(Ok), dry_run)
}

fn read(store: &Store, of: Option<AccountId>) -> Vec<Record> {
    let mut read = Vec::new();
    let visit = &mut |record| {
        read.push(record);
        ControlFlow::Continue(())
    };
    store.bulk.read(of, visit).unwrap();
    read
}

/// The records without what a store gives: ids, the account, and what is counted.
fn plain(records: Vec<Record>) -> Vec<Record> {
    let plain = |record| match record {
        Record::Contact(mut contact) => {
            contact.summary.id = ContactId::from_store(1);
            contact.summary.account = AccountId::from_store(1);
            contact.fields.iter_mut().for_each(|field| field.id = ContactFieldId::from_store(1));
            (contact.last_called, contact.calls) = (None, 0);
            Record::Contact(contact)
        }
        Record::Call(mut call) => {
            call.id = domain::CallId::from_store(1);
            call.account = AccountId::from_store(1);
            call.call.contact = ContactId::from_store(1);
            Record::Call(call)
        }
        other => other,
    };
    records.into_iter().map(plain).collect()
}

pub async fn what_was_imported_is_read_again(store: &Store) {
    let scene = Scene::new(store).await;
    let done = import(&scene, records(), false).unwrap();
    assert_eq!(
        (done.contacts, done.calls, done.orphans),
        (Tally { added: 2, known: 0 }, Tally { added: 3, known: 0 }, 0)
    );
    assert_eq!(plain(read(store, Some(scene.account))), plain(records()));
    scene.assert_consistent().await;
    let request = PageRequest {
        number: 1,
        size: PageSize::new(1).unwrap(),
        order: domain::ContactOrder::CreatedAt(domain::Direction::Ascending),
    };
    for words in ["waffles", "555 0100"] {
        let search = domain::ContactSearch::parse(words).unwrap();
        let found = store.contacts.list(scene.account, search, request).await.unwrap();
        assert_eq!(found.total, 2, "an imported contact is found by {words}");
    }
    let nowhere = AccountId::from_store((1 << 53) - 1);
    assert_refused!(store.bulk.import(nowhere, &mut std::iter::empty(), false), NotFound);
    assert_refused!(store.bulk.read(Some(nowhere), &mut |_| ControlFlow::Continue(())), NotFound);
}

pub async fn importing_twice_adds_nothing(store: &Store) {
    let scene = Scene::new(store).await;
    import(&scene, records(), false).unwrap();
    let before = read(store, Some(scene.account));
    let done = import(&scene, records(), false).unwrap();
    assert_eq!((done.contacts, done.calls), (Tally { added: 0, known: 2 }, Tally { added: 0, known: 3 }));
    assert_eq!(read(store, Some(scene.account)), before);
    // One more, told twice in one import, with a contact that was there.
    let more = vec![contact(2), recorded(4, 1, NOW), recorded(4, 1, NOW)];
    let done = import(&scene, more, false).unwrap();
    assert_eq!((done.contacts, done.calls), (Tally { added: 0, known: 1 }, Tally { added: 1, known: 1 }));
    scene.assert_consistent().await;
    assert_eq!(scene.all(None).await.len(), 4);
}

pub async fn two_imports_at_once_add_everything_once(store: &Store) {
    let scene = Scene::new(store).await;
    let mut other = None;
    let mut records = records().into_iter();
    let mut asked = std::iter::from_fn(|| {
        // The first has looked at what is there; now the other does all of it.
        other.get_or_insert_with(|| import(&scene, self::records(), false).unwrap());
        records.next().map(Ok)
    });
    let done = store.bulk.import(scene.account, &mut asked, false).unwrap();
    assert_eq!((done.contacts, done.calls), (Tally { added: 0, known: 2 }, Tally { added: 0, known: 3 }));
    assert_eq!(other.unwrap().calls, Tally { added: 3, known: 0 });
    assert_eq!(scene.all(None).await.len(), 3);
    scene.assert_consistent().await;
}

pub async fn a_dry_run_tells_the_same_and_changes_nothing(store: &Store) {
    let scene = Scene::new(store).await;
    let told = import(&scene, records(), true).unwrap();
    assert_eq!(read(store, Some(scene.account)), []);
    assert_eq!(import(&scene, records(), false).unwrap(), told);
}

pub async fn a_call_without_its_contact_is_left_out(store: &Store) {
    let scene = Scene::new(store).await;
    let done = import(&scene, vec![contact(1), recorded(1, 1, NOW), recorded(2, 9, NOW)], false).unwrap();
    assert_eq!((done.calls, done.orphans), (Tally { added: 1, known: 0 }, 1));
    let other = Scene::new(store).await;
    let done = import(&other, vec![recorded(1, 1, NOW)], false).unwrap();
    assert_eq!((done.calls.added, done.orphans), (0, 1), "another account's contact is none");
}

pub async fn an_import_that_breaks_goes_on_where_it_broke(store: &Store) {
    let scene = Scene::new(store).await;
    // More than one batch, then an error.
    let all = || std::iter::once(contact(1)).chain((1..=10_500).map(|n| recorded(n, 1, NOW - n))).map(Ok);
    let broken = Err(Error::fault("cut"));
    let answer = store.bulk.import(scene.account, &mut all().take(10_200).chain([broken]), false);
    assert_refused!(answer, Fault(_));
    scene.assert_consistent().await;
    let done = store.bulk.import(scene.account, &mut all(), false).unwrap();
    assert!(done.calls.known > 0 && done.contacts.known == 1, "{done:?}");
    assert_eq!(done.calls.known + done.calls.added, 10_500);
    let (calls, last_called) = {
        let contacts = read(store, Some(scene.account));
        let Some(Record::Contact(contact)) = contacts.first() else { panic!("{:?}", contacts.first()) };
        (contact.calls, contact.last_called)
    };
    assert_eq!((calls, last_called), (10_500, Some(at(NOW - 1))));
}

pub async fn what_is_read_is_of_one_moment(store: &Store) {
    let scene = Scene::new(store).await;
    import(&scene, records(), false).unwrap();
    let reader = scene.clone();
    let runtime = tokio::runtime::Handle::current();
    let read = tokio::task::spawn_blocking(move || {
        let mut calls = 0;
        let visit = &mut |record| {
            match record {
                // A request is served meanwhile; its call is not of the moment that is read.
                Record::Contact(contact) if contact.summary.profile.is_active => {
                    runtime.block_on(reader.log(contact.summary.id, NOW));
                }
                Record::Call(_) => calls += 1,
                _ => {}
            }
            ControlFlow::Continue(())
        };
        reader.store.bulk.read(Some(reader.account), visit).unwrap();
        calls
    });
    assert_eq!(read.await.unwrap(), 3);
    assert_eq!(scene.all(None).await.len(), 4);
    let mut seen = 0;
    let visit = &mut |_| {
        seen += 1;
        ControlFlow::Break(())
    };
    store.bulk.read(Some(scene.account), visit).unwrap();
    assert_eq!(seen, 1, "a visitor may break");
}

/// The second store is empty.
pub async fn a_whole_store_is_restored_as_it_was(store: &Store, empty: &Store) {
    let scenes = [Scene::new(store).await, Scene::new(store).await];
    for scene in &scenes {
        import(scene, records(), false).unwrap();
        let call = scene.log(scene.meet("Ann").await, NOW).await;
        // Ids that were given out and are gone.
        store.calls.delete(scene.account, call.id, None).await.unwrap();
        let gone = scene.meet("Nobody").await;
        store.contacts.delete(scene.account, gone).await.unwrap();
    }
    let account = scenes[0].account;
    let token = |n| NewToken {
        account,
        name: name("n8n"),
        hash: SecretHash([n; 32]),
        scope: Scope::ReadOnly,
        expires_at: Some(at(NOW + 60)),
    };
    let revoked = store.tokens.create(token(1), at(NOW)).await.unwrap();
    store.tokens.revoke(revoked.id, at(NOW)).await.unwrap();
    store.tokens.create(token(2), at(NOW)).await.unwrap();
    let whole = read(store, None);
    // An error half way leaves it empty.
    let cut = whole.iter().take(whole.len() - 3).cloned().map(Ok).chain([Err(Error::fault("cut"))]);
    assert_refused!(empty.bulk.restore(&mut { cut }), Fault(_));
    assert_eq!(empty.accounts.list().await.unwrap(), []);
    assert!(empty.bulk.restore(&mut whole.iter().cloned().map(Ok)).unwrap());
    assert_eq!(read(empty, None), whole);
    let restored = Scene { store: empty.clone(), account };
    restored.assert_consistent().await;
    let (here, there) = (scenes[0].meet("Tom").await, restored.meet("Tom").await);
    assert_eq!(here, there, "no id is used twice");
    assert_eq!(scenes[0].log(here, NOW).await.id, restored.log(there, NOW).await.id);
    assert!(!empty.bulk.restore(&mut whole.into_iter().map(Ok)).unwrap(), "it is not empty any more");
}
