//! Pages by cursor.

use domain::{
    Call, CallFilters, CallQuery, CallSearch, CallSortKey, ContactQuery, ContactSearch, ContactSortKey, Cursor,
    ItemKey, Page, PageRequest, PageSize, PageStart, Sort,
};

use super::{DAY, DIRECTIONS, NOW, TestAccount, UUID, at, call, newest, person};
use crate::outbound::Store;

pub(super) fn by_cursor(cursor: Cursor, size: u32) -> PageRequest {
    PageRequest { start: PageStart::Cursor(cursor), size: PageSize::new(size).unwrap() }
}

/// Returns the pages from the start to the end, and asserts that the way back has the same pages.
pub(super) async fn walk<T: Clone + PartialEq + std::fmt::Debug>(
    size: u32,
    key: impl Fn(&T) -> ItemKey,
    load: impl AsyncFn(PageRequest) -> Page<T>,
) -> Vec<T> {
    let mut pages = vec![load(by_cursor(Cursor::First, size)).await];
    while pages[pages.len() - 1].has_more {
        let last = pages[pages.len() - 1].items.last().unwrap();
        pages.push(load(by_cursor(Cursor::After(key(last)), size)).await);
    }
    for n in (1..pages.len()).rev() {
        let first = pages[n].items.first().unwrap();
        let before = load(by_cursor(Cursor::Before(key(first)), size)).await;
        assert_eq!(before.items, pages[n - 1].items);
        assert_eq!(before.has_more, n > 1);
        assert_eq!(before.total, pages[0].total);
    }
    pages.into_iter().flat_map(|page| page.items).collect()
}

pub async fn pages_by_cursor_partition_every_list_of_calls(store: &Store) {
    let account = TestAccount::create(store).await;
    let (leslie, henri) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let mut calls = Vec::new();
    for n in 0..23_i64 {
        // Each of the times has many duplicates.
        let new = call(if n % 3 == 0 { henri } else { leslie }, 1_000 * (n * 7 % 5));
        calls.push(store.calls.create(account.id, new, UUID, at(NOW + n * 5 % 4), None).await.unwrap());
    }
    let filters = [
        CallFilters::default(),
        CallFilters { called_after: Some(at(1_000)), ..CallFilters::default() },
        CallFilters { search: CallSearch::parse("called").unwrap(), ..CallFilters::default() },
    ];
    for key in [CallSortKey::CalledAt, CallSortKey::CreatedAt, CallSortKey::UpdatedAt] {
        for (contact, filters) in [None, Some(leslie)].into_iter().flat_map(|c| filters.iter().map(move |f| (c, f))) {
            let is_found = |call: &&Call| {
                contact.is_none_or(|contact| call.contact.id == contact)
                    && filters.called_after.is_none_or(|time| call.details.called_at >= time)
            };
            let mut expected: Vec<_> = calls.iter().filter(is_found).cloned().collect();
            expected.sort_by_key(|call| (key.of(call).value, call.id));
            for direction in DIRECTIONS {
                let query = |page| {
                    let sort = Sort { key, direction };
                    CallQuery { contact, filters: filters.clone(), sort, page }
                };
                for size in [1, 7, 23, 100] {
                    let load = async |page| account.list_calls(query(page)).await.page;
                    assert_eq!(
                        walk(size, |call| key.of(call), load).await,
                        expected,
                        "{:?}",
                        query(by_cursor(Cursor::First, size))
                    );
                }
                let all = query(PageRequest::SMALLEST);
                let mut keys = store.calls.keys(account.id, all.clone(), None, 5).await.unwrap();
                loop {
                    let more = store.calls.keys(account.id, all.clone(), keys.last().copied(), 5).await.unwrap();
                    if more.is_empty() {
                        break;
                    }
                    keys.extend(more);
                }
                assert_eq!(keys, expected.iter().map(|call| key.of(call)).collect::<Vec<_>>());
                expected.reverse();
            }
        }
    }
}

pub async fn writes_between_pages_repeat_and_skip_nothing(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    for filters in
        [CallFilters::default(), CallFilters { called_before: Some(at(1_000 * DAY)), ..CallFilters::default() }]
    {
        let mut calls = Vec::new();
        for n in 0..20 {
            calls.push(account.record(contact, n * DAY).await);
        }
        let first = CallQuery { filters: filters.clone(), ..newest(None, 1, 5) };
        let query = |cursor| CallQuery { page: by_cursor(cursor, 5), ..first.clone() };
        let mut listed = account.list_calls(query(Cursor::First)).await.page.items;
        let mut added = Vec::new();
        while let Some(last) = listed.last().cloned() {
            // Before the cursor, after it, and the item of the cursor itself.
            added.push(account.record(contact, 500 * DAY).await.id);
            added.push(account.record(contact, 3 * DAY + 1).await.id);
            account.delete_call(last.id).await.unwrap();
            let next = account.list_calls(query(Cursor::After(CallSortKey::CalledAt.of(&last)))).await.page;
            listed.extend(next.items);
            if !next.has_more {
                break;
            }
        }
        listed.retain(|call| !added.contains(&call.id));
        calls.reverse();
        let ids = |calls: &[Call]| calls.iter().map(|call| call.id).collect::<Vec<_>>();
        assert_eq!(ids(&listed), ids(&calls));
        for call in account.all_calls(None).await {
            account.delete_call(call.id).await.unwrap();
        }
        let empty = account.list_calls(query(Cursor::First)).await.page;
        assert_eq!(empty, Page::new(vec![], 0));
    }
}

pub async fn pages_by_cursor_partition_the_list_of_contacts(store: &Store) {
    let account = TestAccount::create(store).await;
    let mut contacts = Vec::new();
    for n in 0..23 {
        let now = at(NOW + n * 5 % 4);
        contacts.push(store.contacts.create(account.id, person("Ann"), UUID, vec![], now).await.unwrap());
    }
    for key in [ContactSortKey::CreatedAt, ContactSortKey::UpdatedAt] {
        for search in ["", "ann"] {
            let mut expected = contacts.clone();
            expected.sort_by_key(|contact| (key.of(contact).value, contact.summary.id));
            for direction in DIRECTIONS {
                let load = async |page| {
                    let search = ContactSearch::parse(search).unwrap();
                    let query =
                        ContactQuery { search, sort: Sort { key, direction }, ..ContactQuery::oldest_first(page) };
                    store.contacts.list(account.id, query).await.unwrap()
                };
                for size in [1, 7, 23] {
                    assert_eq!(walk(size, |contact| key.of(contact), load).await, expected);
                }
                expected.reverse();
            }
        }
    }
}
