//! Staying in touch: the dates of contacts, compared with the rule of the domain.

use domain::{
    Contact, ContactId, ContactPatch, ContactQuery, ContactSearch, ContactSortKey, Direction, DueFilter, NewContact,
    Sort, StayInTouchFrequency, Timestamp,
};

use super::bulk::{contact, import, recorded};
use super::concurrency::write_at_random;
use super::cursors::walk;
use super::{DAY, DIRECTIONS, NOW, Random, TestAccount, at, move_to_contact, move_to_time, page, person};
use crate::outbound::Store;

/// Creates a contact that is to be called once in so many days. `None` without a frequency.
async fn create(account: &TestAccount, days: Option<i64>) -> ContactId {
    let stay_in_touch_frequency = days.map(|days| StayInTouchFrequency::from_days(days).unwrap());
    account.add_contact(NewContact { stay_in_touch_frequency, ..person("Ann") }).await.summary.id
}

async fn date(account: &TestAccount, contact: ContactId) -> Option<i64> {
    account.find_contact(contact).await.stay_in_touch_trigger_date().map(Timestamp::unix)
}

/// Returns the contacts in the order that the domain defines.
fn sorted(mut contacts: Vec<Contact>, direction: Direction) -> Vec<Contact> {
    contacts.sort_by_key(|contact| (contact.stay_in_touch_trigger_date(), contact.summary.id));
    let has_date = |contact: &Contact| contact.stay_in_touch_trigger_date().is_some();
    let (mut dated, mut undated): (Vec<_>, Vec<_>) = contacts.into_iter().partition(has_date);
    if direction == Direction::Descending {
        dated.reverse();
        undated.reverse();
    }
    [dated, undated].concat()
}

/// Asserts that all lists by date, by number and by cursor, have what the domain says, in its order.
async fn assert_lists_agree(account: &TestAccount) {
    let all = account.all_contacts().await;
    let list = async |query| account.store.contacts.list(account.id, query).await.unwrap();
    let mut times: Vec<_> = all.iter().filter_map(Contact::stay_in_touch_trigger_date).collect();
    times.extend([Timestamp::MIN, at(NOW), Timestamp::MAX]);
    let filters = times.into_iter().flat_map(|now| [true, false].map(|is_due| Some(DueFilter { is_due, now })));
    for due in filters.chain([None]) {
        let is_found = |contact: &&Contact| {
            let is_due = |now| contact.stay_in_touch_trigger_date().is_some_and(|date| date <= now);
            due.is_none_or(|due| is_due(due.now) == due.is_due)
        };
        let found: Vec<_> = all.iter().filter(is_found).cloned().collect();
        for direction in DIRECTIONS {
            let expected = sorted(found.clone(), direction);
            let sort = Sort { key: ContactSortKey::StayInTouchTriggerDate, direction };
            let query = |page| ContactQuery { due, sort, ..ContactQuery::oldest_first(page) };
            let mut listed = Vec::new();
            for number in 1..=all.len() as u64 / 3 + 2 {
                let page = list(query(page(number, 3))).await;
                assert_eq!(page.total, expected.len() as u64, "{due:?}");
                listed.extend(page.items);
            }
            assert_eq!(listed, expected, "{due:?} {direction:?}");
            for size in [1, 4, 100] {
                let load = async |page| list(query(page)).await;
                assert_eq!(walk(size, |contact| sort.key.of(contact), load).await, expected, "{due:?} {direction:?}");
            }
        }
        let by_creation = list(ContactQuery { due, ..ContactQuery::oldest_first(page(1, 100)) }).await;
        assert_eq!((by_creation.total, by_creation.items), (found.len() as u64, found), "{due:?}");
    }
}

pub async fn the_date_follows_the_newest_call(store: &Store) {
    let account = TestAccount::create(store).await;
    let (weekly, monthly) = (create(&account, Some(7)).await, create(&account, Some(30)).await);
    let never = create(&account, None).await;
    assert_eq!(date(&account, weekly).await, Some(NOW + 7 * DAY), "without calls");
    let first = account.record(weekly, DAY).await.id;
    account.record(never, DAY).await;
    assert_eq!((date(&account, weekly).await, date(&account, never).await), (Some(8 * DAY), None));
    let second = account.record(weekly, 5 * DAY).await.id;
    assert_lists_agree(&account).await;
    account.update_call(first, move_to_time(9 * DAY)).await.unwrap();
    assert_eq!(date(&account, weekly).await, Some(16 * DAY));
    account.update_call(first, move_to_contact(monthly)).await.unwrap();
    assert_eq!((date(&account, weekly).await, date(&account, monthly).await), (Some(12 * DAY), Some(39 * DAY)));
    assert_lists_agree(&account).await;
    account.delete_call(second).await.unwrap();
    assert_eq!(date(&account, weekly).await, Some(NOW + 7 * DAY));
    let rarely = StayInTouchFrequency::from_days(3_650);
    for frequency in [rarely, None, rarely] {
        let patch = ContactPatch { stay_in_touch_frequency: Some(frequency), ..ContactPatch::default() };
        let updated = account.update_contact(monthly, patch).await;
        assert_eq!(updated.stay_in_touch_frequency, frequency);
        assert_eq!(date(&account, monthly).await, frequency.map(|_| 3_659 * DAY));
        assert_lists_agree(&account).await;
    }
    account.record(weekly, Timestamp::MAX.unix()).await;
    account.record(monthly, Timestamp::MAX.unix() - DAY).await;
    assert_eq!(date(&account, weekly).await, Some(Timestamp::MAX.unix() - 1));
    assert_lists_agree(&account).await;
    account.delete_contact(weekly).await.unwrap();
    assert_lists_agree(&account).await;
}

pub async fn lists_by_date_have_contacts_without_a_date_last(store: &Store) {
    let (account, other) = (TestAccount::create(store).await, TestAccount::create(store).await);
    create(&other, Some(1)).await;
    assert_lists_agree(&account).await;
    for n in 0..13 {
        let contact = create(&account, [Some(7), None, Some(30), None, Some(7)][n % 5]).await;
        if n % 4 == 0 {
            account.record(contact, i64::try_from(n).unwrap() * DAY).await;
        }
    }
    assert_lists_agree(&account).await;
    let overdue = ContactQuery::longest_overdue_first(at(NOW), page(1, 100));
    let listed = store.contacts.list(account.id, overdue.clone()).await.unwrap();
    assert_eq!(listed.total, 3);
    assert!(listed.items.is_sorted_by_key(Contact::stay_in_touch_trigger_date));
    for (words, found) in [("ann", 3), ("zoe", 0)] {
        let search = ContactSearch::parse(words).unwrap();
        let listed = store.contacts.list(account.id, ContactQuery { search, ..overdue.clone() }).await.unwrap();
        assert_eq!((listed.total, listed.items.len()), (found, usize::try_from(found).unwrap()), "{words}");
    }
    let beyond = ContactQuery { page: page(u64::MAX, 100), ..overdue };
    assert_eq!(store.contacts.list(account.id, beyond).await.unwrap().items, []);
}

pub async fn dates_are_exact_under_16_writers(store: &Store) {
    let account = TestAccount::create(store).await;
    let contacts = [create(&account, Some(7)).await, create(&account, Some(30)).await, create(&account, None).await];
    let writers: Vec<_> =
        (0..16).map(|seed| tokio::spawn(write_at_random(account.clone(), contacts, Random(seed)))).collect();
    let changes = {
        let account = account.clone();
        tokio::spawn(async move {
            for n in 1..40 {
                let stay_in_touch_frequency = Some(StayInTouchFrequency::from_days(n % 3 * 100));
                let patch = ContactPatch { stay_in_touch_frequency, ..ContactPatch::default() };
                account.update_contact(contacts[usize::try_from(n % 2).unwrap()], patch).await;
            }
        })
    };
    for writer in writers {
        writer.await.unwrap();
    }
    changes.await.unwrap();
    account.assert_counters_match_calls().await;
    assert_lists_agree(&account).await;
}

pub async fn imported_contacts_and_calls_have_dates(store: &Store) {
    let account = TestAccount::create(store).await;
    let records = vec![contact(1), contact(20), contact(4_000), recorded(1, 20, NOW - 900), recorded(2, 4_000, NOW)];
    import(&account, records, false).unwrap();
    let dates: Vec<_> = account.all_contacts().await.iter().map(Contact::stay_in_touch_trigger_date).collect();
    assert_eq!(dates, [Some(at(NOW - 30 + DAY)), Some(at(NOW - 900 + 20 * DAY)), None]);
    assert_lists_agree(&account).await;
}
