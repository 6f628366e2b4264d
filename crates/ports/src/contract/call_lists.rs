//! Lists of calls.

use domain::{Call, CallPatch, CallQuery, CallSortKey, ContactId, Page, Sort, Timestamp};

use super::{DAY, DIRECTIONS, NOW, SortedBy, TestAccount, UUID, assert_error, at, call, newest};
use crate::outbound::{CallPage, Store};

const SORT_KEYS: [SortedBy<CallSortKey, Call>; 3] = [
    (CallSortKey::CalledAt, |call| call.details.called_at),
    (CallSortKey::CreatedAt, |call| call.created_at),
    (CallSortKey::UpdatedAt, |call| call.updated_at),
];

pub async fn pages_partition_the_list_in_every_sort(store: &Store) {
    let account = TestAccount::create(store).await;
    let (leslie, henri) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let mut calls = Vec::new();
    for n in 0..23 {
        let contact = if n % 3 == 0 { henri } else { leslie };
        // Each of the three times has many duplicates.
        let new = call(contact, 1_000 * (n * 7 % 5));
        let created = store.calls.create(account.id, new, UUID, at(NOW + n * 5 % 4), None).await.unwrap();
        let patch = CallPatch { contact_called: Some(true), ..CallPatch::default() };
        let updated_at = at(NOW + 10 + n * 3 % 4);
        calls.push(store.calls.update(account.id, created.id, patch, updated_at, None).await.unwrap());
    }
    for (key, value) in SORT_KEYS {
        for contact in [None, Some(leslie), Some(henri)] {
            let of_contact = |call: &&Call| contact.is_none_or(|contact| call.contact.id == contact);
            let mut expected: Vec<_> = calls.iter().filter(of_contact).collect();
            expected.sort_by_key(|call| (value(call), call.id));
            for direction in DIRECTIONS {
                let sort = Sort { key, direction };
                for size in [1, 7, 23, 100] {
                    let mut listed = Vec::new();
                    for number in 1..=u64::from(23 / size + 1) {
                        let query = CallQuery { sort, ..newest(contact, number, size) };
                        let page = account.list_calls(query).await.page;
                        assert_eq!(page.total, expected.len() as u64);
                        listed.extend(page.items);
                    }
                    assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{sort:?}, {size} per page");
                }
                expected.reverse();
            }
        }
    }
    for number in [100, u64::MAX] {
        let beyond_the_end = account.list_calls(newest(None, number, 10)).await.page;
        assert_eq!((beyond_the_end.items, beyond_the_end.total), (vec![], 23));
    }
}

pub async fn reads_deep_pages_as_shallow_ones(store: &Store) {
    let account = TestAccount::create(store).await;
    let (leslie, henri) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let calls = create_many_calls(&account, [leslie, henri]).await;
    let total = calls.len() as u64;
    let other = TestAccount::create(store).await;
    other.record(other.create_contact("Ann").await, DAY).await;
    // All at the same time, because a store can execute concurrent requests in one batch.
    let mut readers = Vec::new();
    for (key, value) in &SORT_KEYS[..2] {
        for contact in [None, Some(leslie)] {
            let of_contact = |call: &&Call| contact.is_none_or(|contact| call.contact.id == contact);
            let mut expected: Vec<_> = calls.iter().filter(of_contact).cloned().collect();
            expected.sort_by_key(|call| (value(call), call.id));
            for direction in DIRECTIONS {
                for (number, size) in
                    [(1, 100), (2, 100), (6, 100), (12, 100), (13, 100), (14, 100), (172, 7), (185, 7), (9_000, 7)]
                {
                    let sort = Sort { key: *key, direction };
                    let query = CallQuery { sort, ..newest(contact, number, size) };
                    let start = usize::try_from(query.page.offset().unwrap()).unwrap();
                    let items: Vec<_> = expected.iter().skip(start).take(size as usize).cloned().collect();
                    let page = Page::new(items, expected.len() as u64);
                    let (account, other) = (account.clone(), other.clone());
                    readers.push(tokio::spawn(async move {
                        let listed = account.list_calls(query.clone()).await;
                        assert_eq!(listed.page, page, "{query:?}");
                        assert_eq!(sum(&listed), total);
                        let all = CallQuery { contact: None, ..query.clone() };
                        let of_other = other.list_calls(all).await;
                        assert_eq!(of_other.page.items.len(), usize::from(number == 1));
                        assert_eq!((of_other.page.total, of_other.calls_per_year), (1, vec![(1970, 1)]));
                        let foreign = CallQuery { contact: Some(leslie), ..query };
                        assert_error!(other.store.calls.list(other.id, foreign).await, NotFound);
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

/// Creates 1,300 calls in months of different sizes, with duplicate times. The second contact has every 13th.
async fn create_many_calls(account: &TestAccount, [leslie, henri]: [ContactId; 2]) -> Vec<Call> {
    let writers: Vec<_> = (0..26)
        .map(|writer| {
            let account = account.clone();
            tokio::spawn(async move {
                let mut created = Vec::new();
                for n in (writer..1_300_i64).step_by(26) {
                    let new = call(if n % 13 == 0 { henri } else { leslie }, n * n % 977 / 3 * DAY);
                    let call = account.store.calls.create(account.id, new, UUID, at(NOW + n % 5), None).await;
                    created.push(call.unwrap());
                }
                created
            })
        })
        .collect();
    let mut calls = Vec::new();
    for writer in writers {
        calls.extend(writer.await.unwrap());
    }
    calls
}

/// Returns the number of calls in all years.
pub(super) fn sum(page: &CallPage) -> u64 {
    page.calls_per_year.iter().map(|(_, calls)| calls).sum()
}

pub async fn counts_the_calls_of_each_year(store: &Store) {
    let account = TestAccount::create(store).await;
    let empty = account.list_calls(newest(None, 1, 10)).await;
    assert_eq!((empty.page.items, empty.page.total, empty.calls_per_year), (vec![], 0, vec![]));
    let contact = account.create_contact("Leslie").await;
    // 2018-12-31, 2019-01-01, 2019-12-31 and the years 1 and 9999.
    for seconds in [1_546_214_400, 1_546_214_400 + DAY, 1_577_750_400, Timestamp::MIN.unix(), Timestamp::MAX.unix()] {
        account.record(contact, seconds).await;
    }
    let years = account.list_calls(newest(Some(contact), 1, 10)).await.calls_per_year;
    assert_eq!(years, [(9999, 1), (2019, 2), (2018, 1), (1, 1)]);
    let other = account.create_contact("Henri").await;
    let of_other = account.list_calls(newest(Some(other), 1, 10)).await;
    assert_eq!((of_other.page.total, of_other.calls_per_year), (0, years), "all calls of the account are counted");
    let latest = account.all_calls(None).await.remove(0);
    account.delete_call(latest.id).await.unwrap();
    let years = account.list_calls(newest(None, 1, 10)).await.calls_per_year;
    assert_eq!(years, [(2019, 2), (2018, 1), (1, 1)], "a year without calls is left out");
    account.assert_counters_match_calls().await;
}
