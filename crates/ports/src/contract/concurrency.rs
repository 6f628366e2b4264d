//! Many concurrent readers and writers.

use domain::{CallPatch, CallQuery, CallSortKey, ContactId, Direction, IdempotencyKey, Page, Sort};

use super::call_lists::sum;
use super::{
    DAY, NOW, Random, TestAccount, UUID, assert_error, at, call, move_to_contact, move_to_time, name, newest,
    unchanged_since, unknown_contact,
};
use crate::Error;
use crate::outbound::Store;

pub async fn keeps_counters_exact_under_16_writers(store: &Store) {
    let account = TestAccount::create(store).await;
    let contacts = [
        account.create_contact("Leslie").await,
        account.create_contact("Henri").await,
        account.create_contact("Ann").await,
    ];
    let writers: Vec<_> =
        (0..16).map(|seed| tokio::spawn(write_at_random(account.clone(), contacts, Random(seed)))).collect();
    let mut remaining = 0;
    for writer in writers {
        remaining += writer.await.unwrap();
    }
    assert_eq!(account.all_calls(None).await.len(), remaining, "each successful write is stored once");
    account.assert_counters_match_calls().await;
}

/// Executes 30 random writes and returns the number of calls that remain.
pub(super) async fn write_at_random(account: TestAccount, contacts: [ContactId; 3], mut random: Random) -> usize {
    let mut own = Vec::new();
    for _ in 0..30 {
        let contact = contacts[random.below(3)];
        match random.below(4) {
            0 | 1 => own.push(account.record(contact, random.called_at()).await.id),
            2 if !own.is_empty() => {
                let patch = CallPatch { contact: Some(contact), ..move_to_time(random.called_at()) };
                account.update_call(own[random.below(own.len())], patch).await.unwrap();
            }
            3 if !own.is_empty() => account.delete_call(own.swap_remove(random.below(own.len()))).await.unwrap(),
            _ => {}
        }
    }
    own.len()
}

/// A store can execute concurrent requests in one batch.
pub async fn returns_to_each_concurrent_reader_its_own_result(store: &Store) {
    let mut accounts = Vec::new();
    for calls in [0, 3, 40] {
        let account = TestAccount::create(store).await;
        let contact = account.create_contact("Leslie").await;
        let mut own = Vec::new();
        for n in 0..calls {
            own.push(account.record(contact, n * DAY * 11).await);
        }
        accounts.push((account, contact, own));
    }
    let ids: Vec<_> = accounts.iter().flat_map(|(_, _, own)| own.iter().map(|call| call.id)).collect();
    let readers: Vec<_> = (0..240)
        .map(|n| {
            let (account, contact, own) = accounts[n % 3].clone();
            let id = ids[n % ids.len()];
            tokio::spawn(async move {
                let found = account.find_call(id).await;
                if let Some(call) = own.iter().find(|call| call.id == id) {
                    assert_eq!(found.unwrap(), *call);
                } else {
                    assert_error!(found, NotFound);
                }
                let direction = if n % 2 == 0 { Direction::Ascending } else { Direction::Descending };
                let sort = Sort { key: CallSortKey::CalledAt, direction };
                let contact = (n % 5 < 2).then_some(contact);
                let query = CallQuery { sort, ..newest(contact, 1 + n as u64 % 4, 7) };
                let listed = account.list_calls(query.clone()).await;
                let (mut expected, total) = (own.clone(), own.len() as u64);
                if direction == Direction::Descending {
                    expected.reverse();
                }
                let items = expected.into_iter().skip(n % 4 * 7).take(7).collect();
                assert_eq!(listed.page, Page::new(items, total));
                assert_eq!(sum(&listed), total);
                let unknown = CallQuery { contact: Some(unknown_contact()), ..query };
                assert_error!(account.store.calls.list(account.id, unknown).await, NotFound);
            })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap();
    }
}

pub async fn deletes_a_contact_with_calls_that_are_written_meanwhile(store: &Store) {
    let account = TestAccount::create(store).await;
    let (deleted, kept) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let writers: Vec<_> = (0..8_i64)
        .map(|n| {
            let account = account.clone();
            tokio::spawn(async move {
                for round in 0..20 {
                    let (from, to) = if (n + round) % 2 == 0 { (deleted, kept) } else { (kept, deleted) };
                    let stored = match account.create_call(call(from, n * DAY * 40)).await {
                        Err(Error::NotFound) if from == deleted => continue,
                        result => result.unwrap(),
                    };
                    match account.update_call(stored.id, move_to_contact(to)).await {
                        Ok(_) | Err(Error::NotFound) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    account.delete_contact(deleted).await.unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(account.all_calls(None).await.iter().all(|call| call.contact.id == kept));
    account.assert_counters_match_calls().await;
}

pub async fn executes_one_of_16_requests_with_the_same_idempotency_key(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let key = IdempotencyKey { key: name("n8n-42"), fingerprint: 7 };
    let writers: Vec<_> = (0..16)
        .map(|_| {
            let (calls, id, key) = (account.store.calls.clone(), account.id, key.clone());
            tokio::spawn(async move { calls.create(id, call(contact, 100), UUID, at(NOW), Some(key)).await })
        })
        .collect();
    let mut results = Vec::new();
    for writer in writers {
        results.push(writer.await.unwrap().unwrap());
    }
    results.dedup();
    assert_eq!(account.all_calls(None).await, results, "all requests return the one call");
    account.assert_counters_match_calls().await;
}

pub async fn executes_one_of_16_updates_with_the_same_precondition(store: &Store) {
    let account = TestAccount::create(store).await;
    let stored = account.record(account.create_contact("Leslie").await, 100).await;
    let writers: Vec<_> = (0..16)
        .map(|n| {
            let (account, stored) = (account.clone(), stored.clone());
            let patch = move_to_time(1_000 + n);
            tokio::spawn(async move { account.update_call_if(stored.id, patch, unchanged_since(&stored)).await })
        })
        .collect();
    let mut updated = Vec::new();
    for writer in writers {
        match writer.await.unwrap() {
            Ok(call) => updated.push(call),
            Err(Error::PreconditionFailed) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(account.all_calls(None).await, updated, "the call is as the one successful update returned it");
    account.assert_counters_match_calls().await;
}

pub async fn serialises_updates_of_one_call(store: &Store) {
    let account = TestAccount::create(store).await;
    let contacts = [account.create_contact("Leslie").await, account.create_contact("Henri").await];
    let id = account.record(contacts[0], DAY).await.id;
    account.record(contacts[1], DAY * 40).await;
    let writers: Vec<_> = (0..24_usize)
        .map(|n| {
            let account = account.clone();
            let contact = contacts[n % 2];
            let called_at = DAY * 11 * i64::try_from(n).unwrap();
            tokio::spawn(async move {
                let patch = CallPatch { contact: Some(contact), ..move_to_time(called_at) };
                let updated = account.update_call(id, patch).await.unwrap();
                assert_eq!((updated.contact.id, updated.details.called_at), (contact, at(called_at)));
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(account.all_calls(None).await.len(), 2);
    account.assert_counters_match_calls().await;
}
