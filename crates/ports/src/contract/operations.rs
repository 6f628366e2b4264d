//! Health and the audit of counters. That the audit repairs wrong counters is tested in the adapters, with their SQL.

use std::collections::BTreeSet;

use domain::Timestamp;

use super::bulk::{contact, import, recorded};
use super::concurrency::write_at_random;
use super::{DAY, NOW, Random, TestAccount, move_to_contact, move_to_time};
use crate::outbound::{CounterAudit, Store};

fn assert_no_wrong_counters(store: &Store) -> CounterAudit {
    let audit = store.operations.audit_counters().unwrap();
    assert_eq!((audit.contacts.wrong, audit.months.wrong), (0, 0));
    audit
}

pub async fn reports_a_working_store_and_its_load(store: &Store) {
    store.operations.check().await.unwrap();
    let load = store.operations.load();
    assert!(load.busy + load.idle > 0 && load.waiting.iter().all(|(_, waiting)| *waiting == 0), "{load:?}");
}

pub async fn finds_no_wrong_counters_after_any_write(store: &Store) {
    assert_no_wrong_counters(store);
    for _ in 0..2 {
        let account = TestAccount::create(store).await;
        let leslie = account.create_contact("Leslie").await;
        let henri = account.create_contact("Henri").await;
        let deleted = account.create_contact("Ann").await;
        let mut calls = Vec::new();
        for (n, contact) in [leslie, leslie, henri, deleted, deleted].into_iter().enumerate() {
            calls.push(account.record(contact, NOW - DAY * 40 * i64::try_from(n).unwrap()).await.id);
        }
        account.update_call(calls[0], move_to_time(-1)).await.unwrap();
        account.update_call(calls[1], move_to_contact(henri)).await.unwrap();
        account.delete_call(calls[2]).await.unwrap();
        account.delete_contact(deleted).await.unwrap();
        account.create_contact("Tom").await;
        let contacts = account.all_contacts().await;
        assert_no_wrong_counters(store);
        assert_eq!(account.all_contacts().await, contacts, "an audit keeps right counters");
        account.assert_counters_match_calls().await;
    }
    // Each account has three contacts left, one of them without calls, and calls in two months.
    let CounterAudit { contacts, months } = assert_no_wrong_counters(store);
    assert!(contacts.all >= 6 && months.all >= 4, "{contacts:?}, {months:?}");
}

pub async fn counts_months_as_the_domain_numbers_them(store: &Store) {
    let account = TestAccount::create(store).await;
    let years = (1..=9_999).step_by(101).chain([4, 300, 400, 1582, 1600, 1900, 1969, 1970, 2000, 2024, 9_999]);
    let months = years.flat_map(|year| year * 12..year * 12 + 12).collect::<BTreeSet<_>>();
    let first_and_last_seconds = months.iter().flat_map(|month| {
        let first = Timestamp::start_of_month(*month).unwrap();
        let last = Timestamp::start_of_month(month + 1).map_or(Timestamp::MAX.unix(), |next| next.unix() - 1);
        [first.unix(), last]
    });
    let calls = first_and_last_seconds.zip(1..).map(|(second, n)| recorded(n, 1, second));
    import(&account, std::iter::once(contact(1)).chain(calls).collect(), false).unwrap();
    assert!(assert_no_wrong_counters(store).months.all >= months.len() as u64);
}

pub async fn finds_no_wrong_counters_during_concurrent_writes(store: &Store) {
    let account = TestAccount::create(store).await;
    let contacts = [
        account.create_contact("Leslie").await,
        account.create_contact("Henri").await,
        account.create_contact("Ann").await,
    ];
    let mut writers: Vec<_> =
        (0..8).map(|seed| tokio::spawn(write_at_random(account.clone(), contacts, Random(seed)))).collect();
    let importer = account.clone();
    writers.push(tokio::spawn(async move {
        for n in 0..20 {
            let deleted = importer.create_contact("Tom").await;
            importer.record(deleted, n * DAY * 11).await;
            import(&importer, vec![contact(1), recorded(n, 1, n * DAY * 11)], false).unwrap();
            importer.delete_contact(deleted).await.unwrap();
        }
        20
    }));
    let mut remaining = 0;
    for writer in writers {
        while !writer.is_finished() {
            let store = store.clone();
            tokio::task::spawn_blocking(move || assert_no_wrong_counters(&store)).await.unwrap();
        }
        remaining += writer.await.unwrap();
    }
    assert_eq!(account.all_calls(None).await.len(), remaining, "each successful write is stored once");
    account.assert_counters_match_calls().await;
}
