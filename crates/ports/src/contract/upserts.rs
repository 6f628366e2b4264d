//! Upserts by external id.

use domain::{CallDetails, CallPatch, CallUpsert, IdempotencyKey, NewCall, Outcome, RecordedCall};

use super::{DAY, LATER, NOW, TestAccount, UNKNOWN_ID, UUID, assert_error, at, call, name, unknown_contact};
use crate::Result;
use crate::outbound::Store;

/// Returns a call with this external id.
pub(super) fn with_external_id(call: NewCall, external_id: &str) -> NewCall {
    let details = CallDetails { external_id: Some(name(external_id)), ..call.details };
    NewCall { details, ..call }
}

async fn upsert(account: &TestAccount, calls: Vec<CallUpsert>) -> Vec<Result<RecordedCall>> {
    let calls = calls.into_iter().map(|call| (UUID, call)).collect();
    account.store.calls.upsert(account.id, calls, at(LATER), None).await.unwrap()
}

async fn upsert_one(account: &TestAccount, call: CallUpsert) -> RecordedCall {
    upsert(account, vec![call]).await.remove(0).unwrap()
}

pub async fn an_upsert_creates_a_call_once_and_then_changes_what_was_sent(store: &Store) {
    let account = TestAccount::create(store).await;
    let (leslie, henri) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let new = with_external_id(call(leslie, 0), "pbx-1");
    let created = upsert_one(&account, new.clone().into()).await;
    assert_eq!(created.outcome, Outcome::Created);
    assert_eq!(created.call.details, new.details);
    assert_eq!((created.call.uuid, created.call.created_at), (UUID, at(LATER)));
    let again = upsert_one(&account, new.clone().into()).await;
    assert_eq!(again, RecordedCall { call: created.call.clone(), outcome: Outcome::Unchanged });
    let external_id = Some(new.details.external_id);
    let sent = CallPatch { contact: Some(henri), called_at: Some(at(DAY)), external_id, ..CallPatch::default() };
    let changed = upsert_one(&account, sent.into_upsert().unwrap()).await;
    assert_eq!((changed.outcome, changed.call.id), (Outcome::Updated, created.call.id));
    assert_eq!(changed.call.contact.id, henri);
    assert_eq!(changed.call.details, CallDetails { called_at: at(DAY), ..created.call.details });
    assert_eq!(account.all_calls(None).await, [changed.call]);
    account.assert_counters_match_calls().await;
}

pub async fn a_batch_is_in_order_and_a_refused_call_does_not_affect_the_others(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let stored = upsert_one(&account, with_external_id(call(contact, 0), "old").into()).await.call;
    let calls = vec![
        with_external_id(call(contact, DAY), "a"),
        call(unknown_contact(), 0),
        call(contact, 2 * DAY),
        with_external_id(call(contact, 3 * DAY), "old"),
        with_external_id(call(contact, 4 * DAY), "a"),
        with_external_id(call(unknown_contact(), 4 * DAY), "old"),
    ];
    let mut results = upsert(&account, calls.into_iter().map(CallUpsert::from).collect()).await;
    assert_error!(results.remove(5), NotFound);
    assert_error!(results.remove(1), NotFound);
    let recorded: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    let outcomes: Vec<_> = recorded.iter().map(|recorded| recorded.outcome).collect();
    assert_eq!(outcomes, [Outcome::Created, Outcome::Created, Outcome::Updated, Outcome::Updated]);
    assert_eq!((recorded[0].call.id, recorded[2].call.id), (recorded[3].call.id, stored.id));
    let times = recorded.iter().map(|recorded| recorded.call.details.called_at.unix() / DAY);
    assert_eq!(times.collect::<Vec<_>>(), [1, 2, 3, 4]);
    let expected = [&recorded[3].call, &recorded[2].call, &recorded[1].call].map(Clone::clone);
    assert_eq!(account.all_calls(None).await, expected);
    account.assert_counters_match_calls().await;
    assert_eq!(upsert(&account, vec![]).await.len(), 0);
}

pub async fn concurrent_upserts_of_the_same_ids_create_each_call_once(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let other = account.create_contact("Henri").await;
    let upserts: Vec<_> = (0..16)
        .map(|client| {
            let account = account.clone();
            let contact = if client % 2 == 0 { contact } else { other };
            // Half of the clients send the calls in the reverse order.
            let mut calls: Vec<_> = (0..10).map(|n| with_external_id(call(contact, n), &format!("id-{n}"))).collect();
            if client % 4 < 2 {
                calls.reverse();
            }
            tokio::spawn(async move { upsert(&account, calls.into_iter().map(CallUpsert::from).collect()).await })
        })
        .collect();
    let mut created = 0;
    for upserts in upserts {
        let results = upserts.await.unwrap();
        let outcomes = results.into_iter().map(|result| result.unwrap().outcome);
        created += outcomes.filter(|outcome| *outcome == Outcome::Created).count();
    }
    assert_eq!(created, 10);
    assert_eq!(account.all_calls(None).await.len(), 10);
    account.assert_counters_match_calls().await;
}

pub async fn an_external_id_is_unique_in_its_account_only(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let first = upsert_one(&account, with_external_id(call(contact, 0), "pbx-1").into()).await.call;
    let second = account.record(contact, 1).await;
    let take = |external_id| CallPatch { external_id: Some(Some(name(external_id))), ..CallPatch::default() };
    assert_error!(account.update_call(second.id, take("pbx-1")).await, ExternalIdTaken);
    assert_eq!(account.find_call(second.id).await.unwrap(), second);
    assert_eq!(account.update_call(first.id, take("pbx-1")).await.unwrap(), first);
    // A removed external id is free, and so is that of a deleted call.
    let removed = CallPatch { external_id: Some(None), ..CallPatch::default() };
    account.update_call(first.id, removed).await.unwrap();
    let taken = account.update_call(second.id, take("pbx-1")).await.unwrap();
    assert_eq!(taken.details.external_id, Some(name("pbx-1")));
    account.delete_call(second.id).await.unwrap();
    let again = upsert_one(&account, with_external_id(call(contact, 2), "pbx-1").into()).await;
    assert_eq!(again.outcome, Outcome::Created);
    let other = TestAccount::create(store).await;
    let elsewhere = other.create_contact("Ann").await;
    let of_other = upsert_one(&other, with_external_id(call(elsewhere, 3), "pbx-1").into()).await;
    assert_eq!(of_other.outcome, Outcome::Created);
    let foreign = upsert(&other, vec![with_external_id(call(contact, 4), "pbx-2").into()]).await.remove(0);
    assert_error!(foreign, NotFound);
}

pub async fn a_key_makes_an_upsert_run_once(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let key = |fingerprint| Some(IdempotencyKey { key: name("key"), fingerprint });
    let send = async |called_at, key| {
        let call = with_external_id(call(contact, called_at), "pbx-1").into();
        store.calls.upsert(account.id, vec![(UUID, call)], at(NOW), key).await
    };
    let first = send(0, key(1)).await.unwrap().remove(0).unwrap();
    account.update_call(first.call.id, super::move_to_time(DAY)).await.unwrap();
    let repeated = send(0, key(1)).await.unwrap().remove(0).unwrap().call;
    assert_eq!(repeated.details.called_at, at(DAY), "the repetition changes nothing");
    assert_error!(send(0, key(2)).await, KeyReused);
}

pub async fn finds_many_calls_in_the_given_order(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let calls = [account.record(contact, 0).await, account.record(contact, 1).await, account.record(contact, 2).await];
    let other = TestAccount::create(store).await;
    let foreign = other.record(other.create_contact("Ann").await, 0).await;
    let unknown = domain::CallId::new(UNKNOWN_ID).unwrap();
    let ids = vec![calls[2].id, foreign.id, calls[0].id, unknown];
    assert_eq!(store.calls.find_many(account.id, ids).await.unwrap(), [calls[2].clone(), calls[0].clone()]);
    assert_eq!(store.calls.find_many(account.id, vec![]).await.unwrap(), []);
}
