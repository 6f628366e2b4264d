//! Imports, exports and backups.

use std::ops::ControlFlow;

use domain::{
    AccountId, CallDetails, CallFilters, CallQuery, CallSearch, ContactField, ContactFieldKind, ContactQuery,
    ContactSearch, Content, Emotion, NewContact, NewContactField, NewToken, Profile, Scope, SecretHash,
    StayInTouchFrequency, Uuid,
};

use super::{DAY, NOW, TestAccount, UNKNOWN_ID, assert_error, at, name, page, person};
use crate::outbound::{
    BackupRecord, FieldIdentity, HighestIds, ImportCall, ImportContact, ImportCount, ImportRecord, ImportSummary, Store,
};
use crate::{Error, Result};

fn uuid(n: i64) -> Uuid {
    Uuid::from_u64_pair(1 << 63, n.unsigned_abs())
}

fn identity(n: i64, created_at: i64, updated_at: i64) -> FieldIdentity {
    FieldIdentity { uuid: uuid(n), created_at: at(created_at), updated_at: at(updated_at) }
}

fn identity_of(field: &ContactField) -> FieldIdentity {
    FieldIdentity { uuid: field.uuid, created_at: field.created_at, updated_at: field.updated_at }
}

/// Returns the n-th contact, with two contact fields. It is archived if `n` is even.
pub(super) fn contact(n: i64) -> ImportRecord {
    let profile = Profile { last_name: Some(name("Knope")), is_active: n % 2 == 1, ..Profile::new(name("Leslie")) };
    let field = |kind, data| NewContactField { kind, data: name(data) };
    ImportRecord::Contact(Box::new(ImportContact {
        uuid: uuid(n),
        contact: NewContact {
            profile,
            description: Content::parse("Waffles").ok(),
            job: None,
            company: Some(name("Parks")),
            stay_in_touch_frequency: StayInTouchFrequency::from_days(n),
            fields: vec![
                field(ContactFieldKind::PHONE, "+1 555 0100"),
                field(ContactFieldKind::EMAIL, "leslie@example.org"),
            ],
        },
        fields: vec![identity(n * 2, NOW - 20, NOW - 15), identity(n * 2 + 1, NOW - 25, NOW - 25)],
        created_at: at(NOW - 30),
        updated_at: at(NOW - 10 + n),
    }))
}

/// Returns the n-th call, which was made with this contact.
pub(super) fn recorded(n: i64, contact: i64, called_at: i64) -> ImportRecord {
    ImportRecord::Call(Box::new(ImportCall {
        uuid: uuid(n),
        contact_uuid: uuid(contact),
        details: CallDetails {
            content: Content::parse("He called, we had fun.").ok(),
            contact_called: Some(n % 2 == 0),
            emotions: Emotion::all().take(2).collect(),
            ..CallDetails::at(at(called_at))
        },
        created_at: at(NOW - 5),
        updated_at: at(NOW - 4),
    }))
}

/// Returns two contacts, the second archived, and three calls.
fn records() -> Vec<ImportRecord> {
    vec![
        contact(1),
        contact(2),
        recorded(1, 1, NOW - 900),
        recorded(2, 2, NOW - DAY * 400),
        recorded(3, 1, NOW - DAY * 800),
    ]
}

pub(super) fn import(account: &TestAccount, records: Vec<ImportRecord>, dry_run: bool) -> Result<ImportSummary> {
    account.store.bulk.import(account.id, &mut records.into_iter().map(Ok), dry_run)
}

fn read(store: &Store, account: Option<AccountId>) -> Vec<BackupRecord> {
    let mut read = Vec::new();
    let visit = &mut |record| {
        read.push(record);
        ControlFlow::Continue(())
    };
    store.bulk.read(account, visit).unwrap();
    read
}

/// Returns the account's contacts and calls as an import takes them.
fn read_for_import(account: &TestAccount) -> Vec<ImportRecord> {
    let without_ids = |record| match record {
        BackupRecord::Contact(contact) => ImportRecord::Contact(Box::new(ImportContact {
            uuid: contact.summary.uuid,
            fields: contact.fields.iter().map(identity_of).collect(),
            created_at: contact.created_at,
            updated_at: contact.updated_at,
            contact: NewContact::from(*contact),
        })),
        BackupRecord::Call(call) => ImportRecord::Call(Box::new(ImportCall {
            uuid: call.uuid,
            contact_uuid: call.contact_uuid,
            details: call.details,
            created_at: call.created_at,
            updated_at: call.updated_at,
        })),
        other => panic!("{other:?} is not a record of an account"),
    };
    read(&account.store, Some(account.id)).into_iter().map(without_ids).collect()
}

pub async fn reads_records_as_they_were_imported(store: &Store) {
    let account = TestAccount::create(store).await;
    let summary = import(&account, records(), false).unwrap();
    let (contacts, calls) = (ImportCount { added: 2, known: 0 }, ImportCount { added: 3, known: 0 });
    assert_eq!(summary, ImportSummary { contacts, calls, orphans: 0 });
    assert_eq!(read_for_import(&account), records());
    account.assert_counters_match_calls().await;
    for words in ["waffles", "555 0100"] {
        let search = ContactSearch::parse(words).unwrap();
        let query = ContactQuery { search, ..ContactQuery::oldest_first(page(1, 1)) };
        assert_eq!(store.contacts.list(account.id, query).await.unwrap().total, 2, "{words}");
    }
    assert_eq!(found_by_words(&account).await, 3);
    let unknown = AccountId::new(UNKNOWN_ID).unwrap();
    assert_error!(store.bulk.import(unknown, &mut std::iter::empty(), false), NotFound);
    assert_error!(store.bulk.read(Some(unknown), &mut |_| ControlFlow::Continue(())), NotFound);
}

/// Returns the number of calls that a search for their words finds.
async fn found_by_words(account: &TestAccount) -> u64 {
    let filters = CallFilters { search: CallSearch::parse("he called").unwrap(), ..CallFilters::default() };
    let query = CallQuery { filters, ..CallQuery::newest_first(page(1, 1)) };
    account.list_calls(query).await.page.total
}

pub async fn imports_into_another_account_what_it_read(store: &Store) {
    let (account, other) = (TestAccount::create(store).await, TestAccount::create(store).await);
    import(&account, records(), false).unwrap();
    import(&other, read_for_import(&account), false).unwrap();
    assert_eq!(read_for_import(&other), records(), "also the UUID and the times of each contact field");
    other.assert_counters_match_calls().await;
}

pub async fn imports_equal_contact_fields_with_different_uuids(store: &Store) {
    let account = TestAccount::create(store).await;
    let ImportRecord::Contact(mut imported) = contact(1) else { panic!("not a contact") };
    imported.contact.fields[1] = imported.contact.fields[0].clone();
    import(&account, vec![ImportRecord::Contact(imported.clone())], false).unwrap();
    assert_eq!(read_for_import(&account), [ImportRecord::Contact(imported)]);
}

pub async fn adds_nothing_when_records_are_imported_again(store: &Store) {
    let account = TestAccount::create(store).await;
    import(&account, records(), false).unwrap();
    let before = read(store, Some(account.id));
    let summary = import(&account, records(), false).unwrap();
    assert_eq!(summary.contacts, ImportCount { added: 0, known: 2 });
    assert_eq!(summary.calls, ImportCount { added: 0, known: 3 });
    assert_eq!(read(store, Some(account.id)), before);
    // A new call, twice in one import, with a contact that is known.
    let summary = import(&account, vec![contact(2), recorded(4, 1, NOW), recorded(4, 1, NOW)], false).unwrap();
    assert_eq!(summary.contacts, ImportCount { added: 0, known: 1 });
    assert_eq!(summary.calls, ImportCount { added: 1, known: 1 });
    account.assert_counters_match_calls().await;
    assert_eq!(account.all_calls(None).await.len(), 4);
}

pub async fn adds_each_record_once_by_two_imports_at_the_same_time(store: &Store) {
    let account = TestAccount::create(store).await;
    let mut second = None;
    let mut iter = records().into_iter();
    let mut records = std::iter::from_fn(|| {
        // The first import has begun when the second one runs.
        second.get_or_insert_with(|| import(&account, records(), false).unwrap());
        iter.next().map(Ok)
    });
    let first = store.bulk.import(account.id, &mut records, false).unwrap();
    assert_eq!(first.contacts, ImportCount { added: 0, known: 2 });
    assert_eq!(first.calls, ImportCount { added: 0, known: 3 });
    assert_eq!(second.unwrap().calls, ImportCount { added: 3, known: 0 });
    assert_eq!(account.all_calls(None).await.len(), 3);
    account.assert_counters_match_calls().await;
}

pub async fn a_dry_run_returns_the_summary_and_changes_nothing(store: &Store) {
    let account = TestAccount::create(store).await;
    let summary = import(&account, records(), true).unwrap();
    assert_eq!(read(store, Some(account.id)), []);
    assert_eq!(import(&account, records(), false).unwrap(), summary);
}

pub async fn skips_imported_calls_without_contact(store: &Store) {
    let account = TestAccount::create(store).await;
    let summary = import(&account, vec![contact(1), recorded(1, 1, NOW), recorded(2, 9, NOW)], false).unwrap();
    assert_eq!((summary.calls, summary.orphans), (ImportCount { added: 1, known: 0 }, 1));
    let other = TestAccount::create(store).await;
    let summary = import(&other, vec![recorded(1, 1, NOW)], false).unwrap();
    assert_eq!((summary.calls.added, summary.orphans), (0, 1), "the contact belongs to another account");
}

pub async fn continues_an_import_that_failed(store: &Store) {
    let account = TestAccount::create(store).await;
    // More than one batch, then an error.
    let all = || std::iter::once(contact(1)).chain((1..=10_500).map(|n| recorded(n, 1, NOW - n))).map(Ok);
    let error = Err(Error::internal("cut"));
    let result = store.bulk.import(account.id, &mut all().take(10_200).chain([error]), false);
    assert_error!(result, Internal(_));
    account.assert_counters_match_calls().await;
    let summary = store.bulk.import(account.id, &mut all(), false).unwrap();
    assert!(summary.calls.known > 0 && summary.contacts.known == 1, "{summary:?}");
    assert_eq!(summary.calls.known + summary.calls.added, 10_500);
    let records = read(store, Some(account.id));
    let Some(BackupRecord::Contact(contact)) = records.first() else { panic!("{:?}", records.first()) };
    assert_eq!((contact.calls, contact.last_called), (10_500, Some(at(NOW - 1))));
}

pub async fn reads_records_of_one_snapshot(store: &Store) {
    let account = TestAccount::create(store).await;
    import(&account, records(), false).unwrap();
    let reader = account.clone();
    let runtime = tokio::runtime::Handle::current();
    let read = tokio::task::spawn_blocking(move || {
        let mut calls = 0;
        let visit = &mut |record| {
            match record {
                // A call that is recorded after the snapshot.
                BackupRecord::Contact(contact) if contact.summary.profile.is_active => {
                    runtime.block_on(reader.record(contact.summary.id, NOW));
                }
                BackupRecord::Call(_) => calls += 1,
                _ => {}
            }
            ControlFlow::Continue(())
        };
        reader.store.bulk.read(Some(reader.id), visit).unwrap();
        calls
    });
    assert_eq!(read.await.unwrap(), 3);
    assert_eq!(account.all_calls(None).await.len(), 4);
}

pub async fn stops_reading_when_the_visitor_breaks(store: &Store) {
    let account = TestAccount::create(store).await;
    import(&account, records(), false).unwrap();
    let mut visited = 0;
    let visit = &mut |_| {
        visited += 1;
        ControlFlow::Break(())
    };
    store.bulk.read(Some(account.id), visit).unwrap();
    assert_eq!(visited, 1);
}

pub async fn restores_a_whole_store(store: &Store, empty: &Store) {
    let accounts = [TestAccount::create(store).await, TestAccount::create(store).await];
    for account in &accounts {
        import(account, records(), false).unwrap();
        // Ids that were assigned, and whose records are deleted.
        let call = account.record(account.create_contact("Ann").await, NOW).await;
        account.delete_call(call.id).await.unwrap();
        let contact = account.create_contact("Henri").await;
        account.delete_contact(contact).await.unwrap();
    }
    let account = accounts[0].id;
    let token = |n| NewToken {
        account,
        name: name("n8n"),
        hash: SecretHash([n; 32]),
        scope: Scope::ReadOnly,
        expires_at: Some(at(NOW + 60)),
    };
    let revoked = store.tokens.create(token(1), at(NOW)).await.unwrap();
    store.tokens.revoke(revoked.id, at(NOW)).await.unwrap();
    let used = store.tokens.create(NewToken { scope: Scope::Feed, ..token(2) }, at(NOW)).await.unwrap();
    store.tokens.record_use(used.id, at(NOW)).await.unwrap();
    let whole = read(store, None);

    let failing = whole.iter().take(whole.len() - 3).cloned().map(Ok).chain([Err(Error::internal("cut"))]);
    assert_error!(empty.bulk.restore(&mut { failing }), Internal(_));
    assert_eq!(empty.accounts.list().await.unwrap(), [], "an error leaves the store empty");

    assert!(empty.bulk.restore(&mut whole.iter().cloned().map(with_wrong_counters).map(Ok)).unwrap());
    assert_eq!(read(empty, None), whole);
    let restored = TestAccount { store: empty.clone(), id: account };
    restored.assert_counters_match_calls().await;
    assert_eq!(found_by_words(&restored).await, 3);
    let (original, copy) = (accounts[0].create_contact("Tom").await, restored.create_contact("Tom").await);
    assert_eq!(original, copy, "no id is assigned twice");
    assert_eq!(accounts[0].record(original, NOW).await.id, restored.record(copy, NOW).await.id);
    assert!(!empty.bulk.restore(&mut whole.into_iter().map(Ok)).unwrap(), "the store is not empty");
}

pub async fn an_imported_call_with_a_known_external_id_is_known(store: &Store) {
    let account = TestAccount::create(store).await;
    let keyed = |n, external_id| match recorded(n, 1, NOW + n) {
        ImportRecord::Call(mut call) => {
            call.details.external_id = Some(name(external_id));
            ImportRecord::Call(call)
        }
        ImportRecord::Contact(contact) => ImportRecord::Contact(contact),
    };
    let first = import(&account, vec![contact(1), keyed(1, "a"), keyed(2, "a")], false).unwrap();
    assert_eq!(first.calls, ImportCount { added: 1, known: 1 });
    let second = import(&account, vec![keyed(3, "a"), keyed(4, "b")], false).unwrap();
    assert_eq!(second.calls, ImportCount { added: 1, known: 1 });
    let times: Vec<_> = account.all_calls(None).await.iter().map(|call| call.details.called_at).collect();
    assert_eq!(times, [at(NOW + 4), at(NOW + 1)], "the stored call stays as it is");
}

/// Returns the record with counters that a restore must ignore.
fn with_wrong_counters(record: BackupRecord) -> BackupRecord {
    match record {
        BackupRecord::Contact(mut contact) => {
            (contact.last_called, contact.calls) = (Some(at(NOW)), 12);
            BackupRecord::Contact(contact)
        }
        other => other,
    }
}

pub async fn imports_each_emotion_and_each_uuid_of_a_contact_field_once(store: &Store, empty: &Store) {
    let account = TestAccount::create(store).await;
    let (ImportRecord::Contact(mut leslie), ImportRecord::Call(mut call)) = (contact(1), recorded(1, 1, NOW)) else {
        panic!("not a contact and a call")
    };
    leslie.contact.fields.extend(leslie.contact.fields.clone());
    leslie.fields.extend(leslie.fields.clone());
    call.details.emotions.extend(call.details.emotions.clone());
    import(&account, vec![ImportRecord::Contact(leslie), ImportRecord::Call(call)], false).unwrap();
    assert_eq!(read_for_import(&account), [contact(1), recorded(1, 1, NOW)]);
    let whole = read(store, None);
    let repeated = whole.iter().cloned().map(|record| match record {
        BackupRecord::Call(mut call) => {
            call.details.emotions.extend(call.details.emotions.clone());
            Ok(BackupRecord::Call(call))
        }
        record => Ok(record),
    });
    assert!(empty.bulk.restore(&mut { repeated }).unwrap());
    assert_eq!(read(empty, None), whole);
}

pub async fn rejects_imported_contacts_with_too_many_fields(store: &Store) {
    let account = TestAccount::create(store).await;
    let with_fields = |count: usize| {
        let ImportRecord::Contact(mut leslie) = contact(1) else { panic!("not a contact") };
        let phone = |n: usize| NewContactField { kind: ContactFieldKind::PHONE, data: name(&n.to_string()) };
        leslie.contact.fields = (0..count).map(phone).collect();
        leslie.fields = (0..).map(|n| identity(n, NOW, NOW)).take(count).collect();
        vec![ImportRecord::Contact(leslie)]
    };
    assert_error!(import(&account, with_fields(101), false), TooManyFields(_));
    assert_eq!(account.all_contacts().await, []);
    import(&account, with_fields(100), false).unwrap();
    assert_eq!(account.all_contacts().await[0].fields.len(), 100);
}

pub async fn assigns_new_ids_after_a_restore_with_wrong_highest_ids(store: &Store, empty: &Store) {
    let account = TestAccount::create(store).await;
    import(&account, records(), false).unwrap();
    let lowered = read(store, None).into_iter().map(|record| match record {
        BackupRecord::HighestIds(_) => Ok(BackupRecord::HighestIds(HighestIds { calls: 1, ..HighestIds::default() })),
        record => Ok(record),
    });
    assert!(empty.bulk.restore(&mut { lowered }).unwrap());
    let restored = TestAccount { store: empty.clone(), id: account.id };
    let fields = vec![NewContactField { kind: ContactFieldKind::PHONE, data: name("1") }];
    let tom = restored.add_contact(NewContact { fields, ..person("Tom") }).await;
    restored.record(tom.summary.id, NOW).await;
    TestAccount::create(empty).await;
    restored.assert_counters_match_calls().await;
}
