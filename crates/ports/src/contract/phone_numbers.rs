//! Phone numbers: of calls, of contacts, and as the name of a contact.

use domain::{
    Call, CallContact, CallDetails, CallFilters, CallPatch, CallQuery, CallUpsert, ContactFieldKind, ContactId,
    ContactQuery, ContactSearch, Cursor, NewCall, NewContact, NewContactField, Outcome, PageRequest, PageSize,
    PageStart, PhoneNumber, PhoneRegion, PhoneSearch, Profile, RecordedCall,
};

use super::bulk::{contact as imported_contact, import, recorded};
use super::{DAY, NOW, TestAccount, UUID, assert_error, at, name, page, person};
use crate::Result;
use crate::outbound::{ImportRecord, Store};

fn search(number: &str) -> PhoneSearch {
    PhoneSearch::new(PhoneNumber::parse(number).unwrap())
}

fn fields(numbers: &[&str]) -> Vec<NewContactField> {
    numbers.iter().map(|number| NewContactField { kind: ContactFieldKind::PHONE, data: name(number) }).collect()
}

async fn add_contact(account: &TestAccount, numbers: &[&str]) -> ContactId {
    account.add_contact(NewContact { fields: fields(numbers), ..person("Leslie") }).await.summary.id
}

/// Changes the first number of the contact.
async fn set_number_of(account: &TestAccount, contact: ContactId, number: &str) {
    let stored = account.store.contacts.find(account.id, contact).await.unwrap().fields.remove(0);
    let content = NewContactField { data: name(number), ..stored.content };
    account.store.contact_fields.update(account.id, stored.id, contact, content, at(NOW)).await.unwrap();
}

fn call_from(contact: ContactId, number: &str, called_at: i64) -> NewCall {
    let phone_number = PhoneNumber::parse(number).ok();
    NewCall { contact, details: CallDetails { phone_number, ..CallDetails::at(at(called_at)) } }
}

fn set_number(number: &str) -> CallPatch {
    CallPatch { phone_number: Some(PhoneNumber::parse(number).ok()), ..CallPatch::default() }
}

/// Returns the ids of the calls that have the same number, the newest call first.
async fn calls_with(account: &TestAccount, search: PhoneSearch) -> Vec<i64> {
    let filters = CallFilters { phone_number: Some(search), ..CallFilters::default() };
    let query = CallQuery { filters, ..CallQuery::newest_first(page(1, 100)) };
    let keys = account.store.calls.keys(account.id, query.clone(), None, 100).await.unwrap();
    let listed = account.list_calls(query).await.page;
    let ids: Vec<i64> = listed.items.iter().map(|call| call.id.get()).collect();
    assert_eq!(listed.total, ids.len() as u64);
    assert_eq!(keys.iter().map(|key| key.id).collect::<Vec<_>>(), ids);
    ids
}

/// Returns the contacts that have the same number, by id.
async fn contacts_with(account: &TestAccount, search: PhoneSearch) -> Vec<ContactId> {
    let found = account.store.contacts.find_by_phone(account.id, vec![search.clone()]).await.unwrap().remove(0);
    let all = ContactQuery::oldest_first(page(1, 100));
    let by_search = ContactSearch { phone: Some(search.clone()), ..ContactSearch::default() };
    for query in [ContactQuery { phone: Some(search), ..all.clone() }, ContactQuery { search: by_search, ..all }] {
        let listed = account.store.contacts.list(account.id, query).await.unwrap();
        assert_eq!(listed.total, found.len() as u64);
        assert_eq!(listed.items.iter().map(|contact| contact.summary.id).collect::<Vec<_>>(), found);
    }
    found
}

pub async fn finds_the_same_number_however_it_is_written(store: &Store) {
    let (account, other) = (TestAccount::create(store).await, TestAccount::create(store).await);
    let bern = add_contact(&account, &["+41 31 000 00 00", "100"]).await;
    let springfield = add_contact(&account, &["+1 212 555 0100 x5", "555 0100", "+1 555 0100"]).await;
    let calls = [(bern, "0041310000000"), (springfield, "+1 555 0100"), (bern, "100"), (bern, "1-800-FLOWERS")];
    let mut ids = Vec::new();
    for (contact, number) in calls {
        ids.push(account.create_call(call_from(contact, number, NOW)).await.unwrap().id.get());
    }
    add_contact(&other, &["+41 31 000 00 00", "100"]).await;
    for number in ["0310000000", "0041310000000", "+41 (0)31 000 00 00", "31 000 00 00"] {
        for region in [None, PhoneRegion::parse("CH")] {
            let search = search(number).in_region(region);
            assert_eq!(contacts_with(&account, search.clone()).await, [bern], "{search:?}");
            assert_eq!(calls_with(&account, search.clone()).await, [ids[0]], "{search:?}");
        }
    }
    let in_germany = search("0310000000").in_region(PhoneRegion::parse("DE"));
    assert_eq!(contacts_with(&account, in_germany.clone()).await, []);
    assert_eq!(calls_with(&account, in_germany).await, [0; 0]);
    assert_eq!(contacts_with(&account, search("5550100")).await, [springfield], "each contact once");
    assert_eq!(calls_with(&account, search("5550100")).await, [ids[1]]);
    assert_eq!(contacts_with(&account, search("100")).await, [bern]);
    assert_eq!(calls_with(&account, search("100")).await, [ids[2]]);
    assert_eq!(calls_with(&account, search("1 800 flowers")).await, [ids[3]]);
    for unknown in ["+49 31 000 00 00", "000 00 00", "0100", "+1 212 555 0100 x6", "x", "%", "0", "'"] {
        assert_eq!(contacts_with(&account, search(unknown)).await, [], "{unknown}");
        assert_eq!(calls_with(&account, search(unknown)).await, [0; 0], "{unknown}");
    }
}

pub async fn finds_the_contacts_of_many_numbers_at_once(store: &Store) {
    let account = TestAccount::create(store).await;
    let first = add_contact(&account, &["+41 31 000 00 00"]).await;
    let second = add_contact(&account, &["031 000 00 00", "+41 31 000 00 01"]).await;
    let numbers = ["0310000001", "0310000009", "0310000000"].map(search).to_vec();
    let found = store.contacts.find_by_phone(account.id, numbers).await.unwrap();
    assert_eq!(found, [vec![second], vec![], vec![first, second]]);
    assert_eq!(store.contacts.find_by_phone(account.id, vec![]).await.unwrap(), Vec::<Vec<ContactId>>::new());
}

pub async fn the_index_of_numbers_follows_every_write(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = add_contact(&account, &["+41 31 000 00 00"]).await;
    set_number_of(&account, contact, "+41 31 000 00 01").await;
    assert_eq!(contacts_with(&account, search("0310000000")).await, []);
    assert_eq!(contacts_with(&account, search("0310000001")).await, [contact]);

    let call = account.create_call(call_from(contact, "0310000000", NOW)).await.unwrap();
    account.update_call(call.id, set_number("0310000001")).await.unwrap();
    assert_eq!(calls_with(&account, search("0310000000")).await, [0; 0]);
    assert_eq!(calls_with(&account, search("0310000001")).await, [call.id.get()]);
    account.update_call(call.id, set_number("")).await.unwrap();
    assert_eq!(calls_with(&account, search("0310000001")).await, [0; 0]);
    let keyed = CallDetails { external_id: Some(name("a")), ..call_from(contact, "0310000002", NOW).details };
    let upserted = upsert(&account, vec![NewCall { contact, details: keyed }.into()]).await.remove(0).unwrap().call;
    assert_eq!(calls_with(&account, search("0310000002")).await, [upserted.id.get()]);

    let ImportRecord::Call(mut imported) = recorded(1, 1, NOW) else { panic!("not a call") };
    imported.details.phone_number = PhoneNumber::parse("+1 555 0100").ok();
    import(&account, vec![imported_contact(1), ImportRecord::Call(imported)], false).unwrap();
    assert_eq!(contacts_with(&account, search("555 0100")).await.len(), 1);
    assert_eq!(calls_with(&account, search("555 0100")).await.len(), 1);

    account.delete_contact(contact).await.unwrap();
    assert_eq!(contacts_with(&account, search("0310000001")).await, []);
    assert_eq!(calls_with(&account, search("0310000002")).await, [0; 0]);
}

pub async fn pages_by_cursor_have_each_call_of_a_number_once(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let mut expected = Vec::new();
    for n in 0..25 {
        let number = ["+41 31 000 00 00", "0310000000", "0310000001"][n % 3];
        let call = account.create_call(call_from(contact, number, i64::try_from(n * 7 % 11).unwrap() * DAY)).await;
        let call: Call = call.unwrap();
        expected.extend((n % 3 < 2).then_some((call.details.called_at, call.id.get())));
    }
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let filters = CallFilters { phone_number: Some(search("031 000 00 00")), ..CallFilters::default() };
    let (mut cursor, mut listed) = (Cursor::First, Vec::new());
    loop {
        let page = PageRequest { start: PageStart::Cursor(cursor), size: PageSize::new(4).unwrap() };
        let query = CallQuery { filters: filters.clone(), ..CallQuery::newest_first(page) };
        let key = query.sort.key;
        let page = account.list_calls(query).await.page;
        assert_eq!(page.total, expected.len() as u64);
        listed.extend(page.items.iter().map(|call| (call.details.called_at, call.id.get())));
        match page.items.last().filter(|_| page.has_more) {
            Some(last) => cursor = Cursor::After(key.of(last)),
            None => break,
        }
    }
    assert_eq!(listed, expected);
}

/// Returns the request to record a call with the contact that has the number.
fn from_number(number: &str) -> CallUpsert {
    let patch = CallPatch { called_at: Some(at(NOW)), ..set_number(number) };
    patch.into_upsert().unwrap()
}

async fn upsert(account: &TestAccount, calls: Vec<CallUpsert>) -> Vec<Result<RecordedCall>> {
    let calls = calls.into_iter().map(|call| (UUID, call)).collect();
    account.store.calls.upsert(account.id, calls, at(NOW), None).await.unwrap()
}

pub async fn a_call_belongs_to_the_only_contact_that_has_its_number(store: &Store) {
    let (account, other) = (TestAccount::create(store).await, TestAccount::create(store).await);
    let leslie = add_contact(&account, &["+41 31 000 00 00", "0041310000000", "+41 31 000 00 01"]).await;
    add_contact(&account, &["+41 31 000 00 01"]).await;
    add_contact(&other, &["+41 31 000 00 00", "+41 31 000 00 02"]).await;
    let profile = Profile { is_active: false, ..person("Henri").profile };
    let archived = NewContact { profile, fields: fields(&["+41 31 000 00 03"]), ..person("Henri") };
    account.add_contact(archived).await;

    let numbers = ["0310000000", "0310000001", "0310000002", "0310000003", "+41 31 000 00 00", "+49 31 000 00 00"];
    let mut results = upsert(&account, numbers.map(from_number).to_vec()).await;
    assert_error!(results.remove(5), NotFound);
    let recorded = results.remove(4).unwrap();
    assert_eq!(recorded.call.contact.id, leslie);
    assert_error!(results.remove(3), Archived);
    assert_error!(results.remove(2), NotFound);
    assert_error!(results.remove(1), SeveralContacts);
    let recorded = results.remove(0).unwrap();
    assert_eq!((recorded.outcome, recorded.call.contact.id), (Outcome::Created, leslie));
    assert_eq!(recorded.call.details, from_number("0310000000").details);
    assert_eq!(account.all_calls(None).await.len(), 2);
    account.assert_counters_match_calls().await;

    let in_germany = CallUpsert { contact: CallContact::Number(search("0310000000")), ..from_number("0310000000") }
        .in_region(PhoneRegion::parse("DE"));
    assert_error!(upsert(&account, vec![in_germany]).await.remove(0), NotFound);
}

pub async fn a_call_is_recorded_only_while_its_contact_has_the_number(store: &Store) {
    let account = TestAccount::create(store).await;
    let leslie = add_contact(&account, &["+41 31 000 00 00"]).await;
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let account = account.clone();
            tokio::spawn(async move {
                let mut recorded = 0;
                for _ in 0..30 {
                    match upsert(&account, vec![from_number("0310000000")]).await.remove(0) {
                        Ok(call) => {
                            assert_eq!(call.call.contact.id, leslie);
                            recorded += 1;
                        }
                        other => {
                            assert_error!(other, NotFound);
                        }
                    }
                }
                recorded
            })
        })
        .collect();
    for n in 0..30 {
        set_number_of(&account, leslie, ["+41 31 000 00 01", "+41 31 000 00 00"][n % 2]).await;
    }
    let mut recorded = 0;
    for writer in writers {
        recorded += writer.await.unwrap();
    }
    assert_eq!(account.find_contact(leslie).await.calls, recorded);
    account.assert_counters_match_calls().await;
}

pub async fn an_upsert_of_a_stored_call_needs_no_contact(store: &Store) {
    let account = TestAccount::create(store).await;
    let leslie = add_contact(&account, &["+41 31 000 00 00"]).await;
    let keyed = |number: &str| {
        let patch = CallPatch { external_id: Some(Some(name("pbx-1"))), ..from_number(number).patch };
        patch.into_upsert().unwrap()
    };
    assert_error!(upsert(&account, vec![keyed("0310000009")]).await.remove(0), NotFound);
    let batch = vec![keyed("0310000009"), keyed("0310000000"), keyed("0310000008")];
    let mut results = upsert(&account, batch).await;
    assert_error!(results.remove(0), NotFound);
    let recorded: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    let outcomes: Vec<_> = recorded.iter().map(|recorded| recorded.outcome).collect();
    assert_eq!(outcomes, [Outcome::Created, Outcome::Updated]);
    let again = upsert(&account, vec![keyed("0310000007")]).await.remove(0).unwrap();
    assert_eq!((again.outcome, again.call.id, again.call.contact.id), (Outcome::Updated, recorded[0].call.id, leslie));
    assert_eq!(calls_with(&account, search("0310000007")).await, [again.call.id.get()]);
}
