//! Filtered lists are read by index: `EXPLAIN QUERY PLAN` of the statements that the store runs.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use diesel::connection::SimpleConnection;
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use domain::{
    AccountId, CallDetails, CallFilters, CallQuery, CallSearch, CallSortKey, ContactFieldKind, ContactId, ContactQuery,
    ContactSortKey, Content, Cursor, DeletionQuery, Direction, DueFilter, ItemKey, Name, NewCall, NewContact,
    NewContactField, PageRequest, PageSize, PageStart, PhoneNumber, PhoneSearch, Sort, Timestamp, Uuid,
};
use ports::outbound::Store;

/// The statements of all connections.
static STATEMENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[expect(clippy::unnecessary_wraps, reason = "the type that Diesel takes")]
fn recorder() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            STATEMENTS.lock().unwrap().push(query.to_string());
        }
    }))
}

const CALLS: i64 = 5_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix(second).unwrap()
}

/// Returns a text of 50 words, of which all texts have one, and no other text has another one.
fn content(n: i64) -> String {
    let others = (1..49).map(|word| format!("other{}", (n + 1) * word * 7_919 % 10_007));
    format!("common word{n} {}", others.collect::<Vec<_>>().join(" "))
}

fn number(n: i64) -> String {
    format!("+41 31 {n:07}")
}

/// Call n was called and recorded in second n.
async fn record_calls(store: &Store) -> (AccountId, ContactId) {
    let account = store.accounts.create(Name::parse("plans").unwrap(), at(0)).await.unwrap().id;
    let mut contacts = Vec::new();
    for n in 0..50 {
        let fields = vec![NewContactField { kind: ContactFieldKind::PHONE, data: Name::parse(&number(n)).unwrap() }];
        let contact = NewContact { fields, ..NewContact::new(Name::parse("Leslie").unwrap()) };
        contacts.push(
            store.contacts.create(account, contact, Uuid::nil(), vec![Uuid::nil()], at(0)).await.unwrap().summary.id,
        );
    }
    for n in 0..CALLS {
        let details = CallDetails {
            content: Content::parse(&content(n)).ok(),
            external_id: Name::parse(&format!("pbx-{n}")).ok(),
            phone_number: PhoneNumber::parse(&number(n)).ok(),
            ..CallDetails::at(at(n))
        };
        let call = NewCall { contact: contacts[usize::try_from(n % 50).unwrap()], details };
        store.calls.upsert(account, vec![(Uuid::nil(), call.into())], at(n), None).await.unwrap();
    }
    (account, contacts[0])
}

fn search(n: i64) -> PhoneSearch {
    PhoneSearch::new(PhoneNumber::parse(&number(n).replace("+41 ", "0")).unwrap())
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// Returns the plans of the statements that were run since the last time and read calls, contacts or deletions.
fn plans(connection: &mut SqliteConnection) -> String {
    plans_of(connection, &["`calls`", "`contacts`", "`contact_fields`", "`deletions`"])
}

/// Returns the plans of the statements that were run since the last time and read one of these tables.
fn plans_of(connection: &mut SqliteConnection, tables: &[&str]) -> String {
    let statements = std::mem::take(&mut *STATEMENTS.lock().unwrap());
    let reads =
        |statement: &&String| statement.contains("SELECT") && tables.iter().any(|table| statement.contains(table));
    let mut plans = String::new();
    // The values are in a comment at the end.
    for statement in statements.iter().filter(reads) {
        let steps = sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load::<Step>(connection).unwrap();
        plans.extend(steps.iter().map(|step| format!("{}\n", step.detail)));
    }
    plans
}

#[track_caller]
fn expect_index(plans: &str, index: &str, query: &str) {
    assert!(plans.contains(index), "{query} does not use {index}:\n{plans}");
    let reads_all = plans.lines().any(|step| {
        let is_of_account = step.starts_with("SEARCH") && step.ends_with("(account_id=?)");
        let is_scan = |table: &&str| step.starts_with(&format!("SCAN {table}"));
        is_of_account && !step.contains("call_counts") || ["calls", "contact", "deletions"].iter().any(is_scan)
    });
    assert!(!reads_all, "{query} reads all calls or deletions:\n{plans}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_is_read_by_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("callbook.db").to_str().unwrap().to_owned();
    sqlite_adapter::migrate(&path, &mut |_, _| ()).unwrap();
    // Opened before, so that it is not recorded.
    let mut connection = SqliteConnection::establish(&path).unwrap();
    set_default_instrumentation(recorder).unwrap();
    let store = sqlite_adapter::open(&path, 4).unwrap();
    let (account, contact) = record_calls(&store).await;
    STATEMENTS.lock().unwrap().clear();

    let all = CallFilters::default;
    let recent = at(CALLS - 20);
    for (index, filters) in [
        (
            "INDEX calls_by_updated_at (account_id=? AND updated_at>?)",
            CallFilters { updated_since: Some(recent), ..all() },
        ),
        (
            "INDEX calls_by_called_at (account_id=? AND called_at>?)",
            CallFilters { called_after: Some(recent), ..all() },
        ),
        (
            "INDEX calls_by_called_at (account_id=? AND called_at>? AND called_at<?)",
            CallFilters { called_after: Some(at(70)), called_before: Some(at(90)), ..all() },
        ),
        (
            "INDEX calls_by_external_id (account_id=? AND external_id=?)",
            CallFilters { external_id: Name::parse("pbx-77").ok(), ..all() },
        ),
        (
            "INDEX calls_by_phone_key (account_id=? AND phone_key=?)",
            CallFilters { phone_number: Some(search(77)), ..all() },
        ),
        ("SCAN call_words VIRTUAL TABLE", CallFilters { search: CallSearch::parse("word77 common").unwrap(), ..all() }),
        (
            "INDEX calls_by_contact (account_id=? AND contact_id=?",
            CallFilters { contacts: Some(vec![contact]), answered: Some(true), ..all() },
        ),
    ] {
        for start in [PageStart::Number(1), PageStart::Cursor(Cursor::First)] {
            let page = PageRequest { start, size: PageSize::new(100).unwrap() };
            let query = CallQuery { filters: filters.clone(), ..CallQuery::newest_first(page) };
            store.calls.list(account, query.clone()).await.unwrap();
            expect_index(&plans(&mut connection), index, &format!("{query:?}"));
        }
    }

    let by_number = "COVERING INDEX calls_by_phone_key (account_id=? AND phone_key>? AND phone_key<?)";
    let filters = CallFilters { phone_number: Some(search(77)), ..all() };
    let query = CallQuery { filters, ..CallQuery::newest_first(PageRequest::SMALLEST) };
    assert_eq!(store.calls.list(account, query).await.unwrap().page.total, 1);
    expect_index(&plans(&mut connection), by_number, "the keys of a number");
    let by_number = "COVERING INDEX contact_fields_by_phone_key (account_id=? AND phone_key>? AND phone_key<?)";
    assert_eq!(store.contacts.find_by_phone(account, vec![search(7)]).await.unwrap()[0].len(), 1);
    expect_index(&plans_of(&mut connection, &["`contact_fields`"]), by_number, "the contacts of a number");
    let query = ContactQuery { phone: Some(search(7)), ..ContactQuery::oldest_first(PageRequest::SMALLEST) };
    assert_eq!(store.contacts.list(account, query).await.unwrap().total, 1);
    expect_index(&plans_of(&mut connection, &["`contact_fields`"]), by_number, "the list of contacts");

    // A deep page by cursor of a sorted list.
    let place = ItemKey { value: at(CALLS / 2), id: CALLS / 2 };
    for (key, index) in [
        (CallSortKey::CalledAt, "INDEX calls_by_called_at (account_id=? AND called_at<?)"),
        (CallSortKey::CreatedAt, "INDEX calls_by_created_at (account_id=? AND created_at<?)"),
        (CallSortKey::UpdatedAt, "INDEX calls_by_updated_at (account_id=? AND updated_at<?)"),
    ] {
        let page = PageRequest { start: PageStart::Cursor(Cursor::After(place)), size: PageSize::new(100).unwrap() };
        let mut query = CallQuery::newest_first(page);
        query.sort.key = key;
        assert_eq!(store.calls.list(account, query.clone()).await.unwrap().page.items.len(), 100);
        let plans_of_list = plans(&mut connection);
        expect_index(&plans_of_list, index, &format!("{query:?}"));
        assert!(!plans_of_list.contains("USE TEMP B-TREE FOR ORDER BY"), "it sorts:\n{plans_of_list}");
        store.calls.keys(account, query.clone(), Some(place), 1_000).await.unwrap();
        expect_index(&plans(&mut connection), index, &format!("the keys of {query:?}"));
    }

    let query = DeletionQuery { since: recent, cursor: Cursor::First, size: PageSize::SMALLEST };
    store.deletions.list(account, query).await.unwrap();
    let index = "INDEX deletions_by_deleted_at (account_id=? AND deleted_at>?";
    expect_index(&plans(&mut connection), index, "the list of deletions");

    expect_dates_by_index(&store, account, &mut connection).await;
}

/// Lists by the date of staying in touch do not sort, with many contacts with and without a date.
async fn expect_dates_by_index(store: &Store, account: AccountId, connection: &mut SqliteConnection) {
    connection
        .batch_execute(&format!(
            "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {CALLS})
             INSERT INTO contacts (account_id, uuid, first_name, is_starred, is_partial, is_active, is_dead,
               birthdate_is_age_based, birthdate_is_year_unknown, deceased_date_is_age_based,
               deceased_date_is_year_unknown, search_text, created_at, updated_at, stay_in_touch_frequency)
             SELECT {account}, randomblob(16), 'A', 0, 0, 1, 0, 0, 0, 0, 0, '', n * 86400, 0, iif(n % 2, 1, NULL)
             FROM number"
        ))
        .unwrap();
    let dated = ItemKey { value: at(CALLS / 2 * 86_400), id: CALLS / 2 };
    let undated = ItemKey { value: ContactSortKey::NO_DATE, id: CALLS / 2 };
    let page = |start| PageRequest { start, size: PageSize::new(100).unwrap() };
    let by_date = |direction, start| {
        let sort = Sort { key: ContactSortKey::StayInTouchTriggerDate, direction };
        ContactQuery { sort, ..ContactQuery::oldest_first(page(start)) }
    };
    let (ascending, descending) = (Direction::Ascending, Direction::Descending);
    let after = |place| PageStart::Cursor(Cursor::After(place));
    let before = |place| PageStart::Cursor(Cursor::Before(place));
    let now = at(90 * 86_400);
    let overdue = |start| ContactQuery::longest_overdue_first(now, page(start));
    let upcoming = |start| ContactQuery { due: Some(DueFilter { is_due: false, now }), ..by_date(ascending, start) };
    for (index, query) in [
        ("contacts_by_trigger_date (account_id=? AND stay_in_touch_trigger_date<?", overdue(PageStart::Number(1))),
        ("contacts_by_trigger_date (account_id=? AND stay_in_touch_trigger_date<?", overdue(before(dated))),
        ("contacts_by_trigger_date (account_id=? AND stay_in_touch_trigger_date>?", upcoming(PageStart::Number(1))),
        ("contacts_without_trigger_date (account_id=? AND rowid<?)", upcoming(before(undated))),
        ("contacts_by_trigger_date (account_id=?)", by_date(ascending, PageStart::Number(2))),
        ("contacts_by_trigger_date (account_id=? AND stay_in_touch_trigger_date>?", by_date(ascending, after(dated))),
        ("contacts_by_trigger_date (account_id=? AND stay_in_touch_trigger_date<?", by_date(descending, after(dated))),
        ("contacts_without_trigger_date (account_id=? AND rowid>?)", by_date(ascending, after(undated))),
        ("contacts_without_trigger_date (account_id=? AND rowid<?)", by_date(descending, after(undated))),
    ] {
        STATEMENTS.lock().unwrap().clear();
        store.contacts.list(account, query.clone()).await.unwrap();
        let plans = plans_of(connection, &["`contacts`"]);
        assert!(plans.contains(index), "{query:?} does not use {index}:\n{plans}");
        assert!(!plans.contains("TEMP B-TREE") && !plans.contains("SCAN contacts"), "{query:?} sorts:\n{plans}");
    }
}
