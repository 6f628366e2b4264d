//! Calls: reading and writing single ones.

use domain::{
    Call, CallDetails, CallDuration, CallId, CallPatch, ContactId, ContactPatch, Content, Emotion, IdempotencyKey,
    NewCall, Timestamp,
};

use super::{
    DAY, LATER, NOW, TestAccount, UNKNOWN_ID, UUID, assert_error, at, call, move_to_contact, move_to_time, name, never,
    newest, unchanged_since, unknown_contact,
};
use crate::outbound::Store;

pub async fn reads_a_call_as_it_was_stored(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let texts = ["x".to_owned(), "🎉\"'\\\r\n<b>&".to_owned(), "é".repeat(100_000)];
    let times = [Timestamp::MIN, at(-1), at(NOW), Timestamp::MAX];
    for (content, called_at) in texts.iter().map(|text| Content::parse(text).ok()).chain([None]).zip(times) {
        let contact_called = Some(called_at < at(0));
        let emotions = Emotion::all().skip(100).collect();
        let duration = CallDuration::from_seconds(604_800);
        let details = CallDetails { content, contact_called, emotions, duration, ..CallDetails::at(called_at) };
        let stored = account.create_call(NewCall { contact, details: details.clone() }).await.unwrap();
        assert_eq!(account.find_call(stored.id).await.unwrap(), stored);
        assert_eq!((stored.account, stored.contact.id, stored.uuid), (account.id, contact, UUID));
        assert_eq!((stored.created_at, stored.updated_at), (at(NOW), at(NOW)));
        assert_eq!(stored.details, details);
    }
    let minimal = NewCall { contact, details: CallDetails::at(at(NOW)) };
    let stored = account.create_call(minimal.clone()).await.unwrap();
    assert_eq!(stored.details, minimal.details);
    assert_eq!(stored.contact, account.find_contact(contact).await.summary);
}

pub async fn rejects_a_call_without_contact(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let stored = account.record(contact, NOW).await;
    assert_error!(account.create_call(call(unknown_contact(), NOW)).await, NotFound);
    let patch = CallPatch { contact: Some(unknown_contact()), ..move_to_time(0) };
    assert_error!(account.update_call(stored.id, patch).await, NotFound);
    assert_eq!(account.all_calls(None).await, [stored], "nothing is stored, nothing is changed");
    account.assert_counters_match_calls().await;
}

pub async fn rejects_a_call_with_a_contact_of_another_account(store: &Store) {
    let (account, other) = (TestAccount::create(store).await, TestAccount::create(store).await);
    let (own, foreign) = (account.create_contact("Leslie").await, other.create_contact("Henri").await);
    let stored = account.record(own, NOW).await;
    assert_error!(account.create_call(call(foreign, NOW)).await, NotFound);
    assert_error!(account.update_call(stored.id, move_to_contact(foreign)).await, NotFound);
    assert_eq!(account.all_calls(None).await, [stored]);
    assert_eq!(other.find_contact(foreign).await.last_called, None);
    assert_eq!(other.all_calls(None).await, []);
}

pub async fn rejects_writes_of_the_calls_of_an_archived_contact(store: &Store) {
    let account = TestAccount::create(store).await;
    let (archived, active) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let (locked, free) = (account.record(archived, NOW).await, account.record(active, NOW).await);
    account.update_contact(archived, ContactPatch { is_active: Some(false), ..ContactPatch::default() }).await;
    assert_error!(account.create_call(call(archived, NOW)).await, Archived);
    assert_error!(account.update_call(locked.id, move_to_time(0)).await, Archived);
    assert_error!(account.update_call(free.id, move_to_contact(archived)).await, Archived);
    assert_error!(account.delete_call(locked.id).await, Archived);
    // Another error takes precedence over a precondition that fails.
    let to_unknown = move_to_contact(unknown_contact());
    for (stored, patch) in
        [(&locked, move_to_time(0)), (&locked, to_unknown.clone()), (&free, move_to_contact(archived))]
    {
        assert_error!(account.update_call_if(stored.id, patch, never()).await, Archived);
    }
    assert_error!(account.update_call_if(free.id, to_unknown, never()).await, NotFound);
    assert_error!(store.calls.delete(account.id, locked.id, at(LATER), never()).await, Archived);
    assert_error!(store.calls.delete(account.id, free.id, at(LATER), never()).await, PreconditionFailed);
    assert_eq!(account.all_calls(None).await.len(), 2);
    account.assert_counters_match_calls().await;
}

pub async fn last_called_is_the_newest_call_after_each_write(store: &Store) {
    let account = TestAccount::create(store).await;
    let (leslie, henri) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let assert_last_called = async |contact: ContactId, seconds: Option<i64>, step: &str| {
        assert_eq!(account.find_contact(contact).await.last_called, seconds.map(at), "{step}");
    };
    assert_last_called(leslie, None, "no call yet").await;
    let middle = account.record(leslie, 200).await;
    assert_last_called(leslie, Some(200), "the first call").await;
    let older = account.record(leslie, 100).await;
    assert_last_called(leslie, Some(200), "an older call").await;
    let newest = account.record(leslie, 300).await;
    assert_last_called(leslie, Some(300), "a newer call").await;
    account.update_call(newest.id, move_to_time(150)).await.unwrap();
    assert_last_called(leslie, Some(200), "the newest call becomes older").await;
    account.update_call(older.id, move_to_time(400)).await.unwrap();
    assert_last_called(leslie, Some(400), "an older call becomes the newest").await;
    account.update_call(older.id, move_to_contact(henri)).await.unwrap();
    assert_last_called(leslie, Some(200), "the newest call moves to another contact").await;
    assert_last_called(henri, Some(400), "a call moves to the contact").await;
    account.delete_call(middle.id).await.unwrap();
    assert_last_called(leslie, Some(150), "the newest call is deleted").await;
    account.delete_call(newest.id).await.unwrap();
    assert_last_called(leslie, None, "the last call is deleted").await;
    account.record(leslie, -5_000_000_000).await;
    assert_last_called(leslie, Some(-5_000_000_000), "a call long before 1970").await;
    account.assert_counters_match_calls().await;
}

pub async fn moves_a_call_to_another_contact(store: &Store) {
    let account = TestAccount::create(store).await;
    let (leslie, henri) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let stored = account.record(leslie, NOW).await;
    let patch = CallPatch { contact: Some(henri), ..move_to_time(0) };
    let moved = account.update_call(stored.id, patch).await.unwrap();
    assert_eq!((moved.id, moved.contact.id, moved.updated_at), (stored.id, henri, at(LATER)));
    assert_eq!(account.all_calls(Some(leslie)).await, []);
    assert_eq!(account.all_calls(Some(henri)).await, [moved]);
    account.assert_counters_match_calls().await;
}

pub async fn keeps_updated_at_of_an_unchanged_call(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let stored = account.record(contact, 100).await;
    let same = CallPatch {
        contact: Some(contact),
        called_at: Some(at(100)),
        content: Some(stored.details.content.clone()),
        emotions: Some(vec![]),
        ..CallPatch::default()
    };
    for patch in [same, CallPatch::default()] {
        assert_eq!(account.update_call(stored.id, patch).await.unwrap(), stored);
    }
    let duration = CallDuration::from_seconds(0);
    let patch = CallPatch { contact_called: Some(false), duration: Some(duration), ..CallPatch::default() };
    let updated = account.update_call(stored.id, patch).await.unwrap();
    let details = CallDetails { contact_called: Some(false), duration, ..stored.details.clone() };
    assert_eq!(updated, Call { details, updated_at: at(LATER), ..stored });
    assert_eq!(account.find_call(updated.id).await.unwrap(), updated);
}

pub async fn deletes_a_call(store: &Store) {
    let account = TestAccount::create(store).await;
    let stored = account.record(account.create_contact("Leslie").await, 100).await;
    account.delete_call(stored.id).await.unwrap();
    assert_error!(account.find_call(stored.id).await, NotFound);
    assert_error!(account.delete_call(stored.id).await, NotFound);
    assert_error!(account.update_call(stored.id, move_to_time(5)).await, NotFound);
    assert_error!(account.find_call(CallId::new(UNKNOWN_ID).unwrap()).await, NotFound);
    assert_eq!(account.all_calls(None).await, []);
    account.assert_counters_match_calls().await;
}

pub async fn writes_a_call_only_if_it_satisfies_the_precondition(store: &Store) {
    let account = TestAccount::create(store).await;
    let (leslie, henri) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let first = account.record(leslie, 100).await;
    let id = first.id;
    let second = account.update_call_if(id, move_to_time(200), unchanged_since(&first)).await.unwrap();
    for failing in [never(), unchanged_since(&first)] {
        assert_error!(account.update_call_if(id, move_to_time(300), failing.clone()).await, PreconditionFailed);
        assert_error!(store.calls.delete(account.id, id, at(LATER), failing).await, PreconditionFailed);
    }
    let moved = account.update_call_if(id, move_to_contact(henri), unchanged_since(&second)).await.unwrap();
    assert_eq!(account.find_call(id).await.unwrap(), moved);
    account.assert_counters_match_calls().await;
    let rename = ContactPatch { nickname: Some(Some(name("HT"))), ..ContactPatch::default() };
    account.update_contact(henri, rename).await;
    // The contact is a part of what is compared.
    let result = account.update_call_if(id, move_to_time(300), unchanged_since(&moved)).await;
    assert_error!(result, PreconditionFailed);
    assert_error!(store.calls.delete(account.id, id, at(LATER), unchanged_since(&moved)).await, PreconditionFailed);
    let renamed = account.find_call(id).await.unwrap();
    store.calls.delete(account.id, id, at(LATER), unchanged_since(&renamed)).await.unwrap();
    assert_error!(account.update_call_if(id, move_to_time(300), unchanged_since(&renamed)).await, NotFound);
    account.assert_counters_match_calls().await;
}

pub async fn executes_a_request_with_an_idempotency_key_once(store: &Store) {
    let (account, other) = (TestAccount::create(store).await, TestAccount::create(store).await);
    let contact = account.create_contact("Leslie").await;
    let key = |key: &str, fingerprint| Some(IdempotencyKey { key: name(key), fingerprint });
    let create = async |new, now, key| store.calls.create(account.id, new, UUID, at(now), key).await;
    let first = create(call(contact, 100), NOW, key("k", 1)).await.unwrap();
    // A relative date such as "yesterday noon" is another time when the request is repeated.
    let repeated = create(call(contact, 100 + DAY), NOW + DAY - 1, key("k", 1)).await.unwrap();
    assert_eq!(repeated, first);
    assert_error!(create(call(contact, 100), NOW, key("k", 2)).await, KeyReused);
    assert_eq!(account.all_calls(None).await, std::slice::from_ref(&first));
    let with_another_key = create(call(contact, 100), NOW, key("l", 1)).await.unwrap();
    assert_ne!(with_another_key.id, first.id);
    assert_error!(create(call(unknown_contact(), 100), NOW, key("m", 1)).await, NotFound);
    create(call(contact, 100), NOW, key("m", 2)).await.unwrap();
    let of_another_account = call(other.create_contact("Henri").await, 100);
    store.calls.create(other.id, of_another_account, UUID, at(NOW), key("k", 9)).await.unwrap();
    let rename = ContactPatch { nickname: Some(Some(name("LK"))), ..ContactPatch::default() };
    let renamed = account.update_contact(contact, rename).await.summary;
    let repeated = create(call(contact, 100), NOW, key("k", 1)).await.unwrap();
    assert_eq!(repeated, Call { contact: renamed, ..first.clone() }, "the contact is as it is now");
    let next_day = create(call(contact, 100), NOW + DAY, key("k", 2)).await.unwrap();
    assert_ne!(next_day.id, first.id);
    assert_eq!(account.all_calls(None).await.len(), 4);
    account.assert_counters_match_calls().await;
}

pub async fn repeats_a_request_with_the_call_as_it_is_now(store: &Store) {
    let account = TestAccount::create(store).await;
    let (leslie, henri) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let key = || Some(IdempotencyKey { key: name("k"), fingerprint: 1 });
    let create = async || store.calls.create(account.id, call(leslie, 100), UUID, at(NOW), key()).await;
    let first = create().await.unwrap();
    let updated = account.update_call(first.id, move_to_time(200)).await.unwrap();
    assert_eq!(create().await.unwrap(), updated, "the call was changed");
    let moved = account.update_call(first.id, move_to_contact(henri)).await.unwrap();
    assert_eq!(create().await.unwrap(), moved, "the call was moved");
    account.delete_contact(leslie).await.unwrap();
    assert_eq!(create().await.unwrap(), moved, "the first contact was deleted");
    account.delete_call(first.id).await.unwrap();
    assert_error!(create().await, NotFound);
    assert_eq!(account.all_calls(None).await, [], "nothing is recorded again");
}

pub async fn assigns_no_id_twice(store: &Store) {
    let account = TestAccount::create(store).await;
    let mut last = 0;
    for _ in 0..5 {
        let contact = account.create_contact("Leslie").await;
        let stored = account.record(contact, NOW).await;
        assert!(stored.id.get() > last, "{} follows {last}", stored.id);
        last = stored.id.get();
        account.delete_call(stored.id).await.unwrap();
        account.delete_contact(contact).await.unwrap();
        assert!(account.create_contact("Henri").await > contact);
    }
}

pub async fn isolates_calls_of_accounts(store: &Store) {
    let (account, other) = (TestAccount::create(store).await, TestAccount::create(store).await);
    let foreign = other.record(other.create_contact("Henri").await, NOW).await;
    assert_error!(account.find_call(foreign.id).await, NotFound);
    assert_error!(account.update_call(foreign.id, move_to_time(0)).await, NotFound);
    assert_error!(account.delete_call(foreign.id).await, NotFound);
    assert_error!(store.calls.list(account.id, newest(Some(foreign.contact.id), 1, 10)).await, NotFound);
    assert_eq!(account.all_calls(None).await, []);
    assert_eq!(other.all_calls(None).await, [foreign]);
}
