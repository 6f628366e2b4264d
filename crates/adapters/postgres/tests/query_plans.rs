//! Filtered lists are read by index: the plans that `auto_explain` logs of the statements that the store runs.
#![allow(clippy::unwrap_used)]

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use domain::{
    AccountId, CallDetails, CallFilters, CallQuery, CallSearch, CallSortKey, CallUpsert, ContactFieldKind, ContactId,
    ContactQuery, ContactSortKey, Content, Cursor, DeletionQuery, Direction, DueFilter, ItemKey, Name, NewCall,
    NewContact, NewContactField, PageRequest, PageSize, PageStart, PhoneNumber, PhoneSearch, Sort, Timestamp, Uuid,
};
use ports::outbound::Store;
use postgres_adapter::Pooler;
use throwaway_postgres::Throwaway;

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

fn search(n: i64) -> PhoneSearch {
    PhoneSearch::new(PhoneNumber::parse(&number(n).replace("+41 ", "0")).unwrap())
}

/// Call n was called in second n, and recorded in the first second of its 50.
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
    for first in (0..CALLS).step_by(50) {
        let calls = contacts.iter().zip(first..).map(|(contact, n)| {
            let details = CallDetails {
                content: Content::parse(&content(n)).ok(),
                external_id: Name::parse(&format!("pbx-{n}")).ok(),
                phone_number: PhoneNumber::parse(&number(n)).ok(),
                ..CallDetails::at(at(n))
            };
            (Uuid::nil(), CallUpsert::from(NewCall { contact: *contact, details }))
        });
        store.calls.upsert(account, calls.collect(), at(first), None).await.unwrap();
    }
    (account, contacts[0])
}

/// Reads the log of a server from where it ended the last time.
struct Log<'a> {
    server: &'a Throwaway,
    read: usize,
}

impl Log<'_> {
    /// Returns the plans of the statements that read calls, contacts or deletions.
    fn plans(&mut self) -> String {
        self.plans_of(&["calls", "contacts", "contact_fields", "deletions"])
    }

    /// Returns the plans of the statements that read one of these tables.
    fn plans_of(&mut self, tables: &[&str]) -> String {
        let log = self.server.log();
        let new = log[self.read..].to_owned();
        self.read = log.len();
        // The lines of a plan begin with a tab.
        let plans = new.split("plan:\n").skip(1).map(|entry| {
            let lines = entry.lines().take_while(|line| line.starts_with('\t'));
            lines.collect::<Vec<_>>().join("\n") + "\n"
        });
        let reads = |plan: &String| {
            let is_named =
                |table| plan.contains(&format!("FROM \"{table}\"")) || plan.contains(&format!("JOIN {table} "));
            tables.iter().any(is_named)
        };
        plans.filter(reads).collect()
    }
}

#[track_caller]
fn expect_index(plans: &str, index: &str, query: &str) {
    let uses = |line: &str| line.contains("Index") && line.contains(index);
    assert!(plans.lines().any(uses), "{query} does not use {index}:\n{plans}");
    let reads_all =
        ["Seq Scan on calls", "Seq Scan on call_words", "Seq Scan on deletions", "Seq Scan on contact_fields"];
    assert!(!reads_all.iter().any(|scan| plans.contains(scan)), "{query} reads a whole table:\n{plans}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_is_read_by_its_index() {
    let server = Throwaway::start();
    let url = server.url("postgres");
    postgres_adapter::migrate(&url, &mut |_, _| ()).unwrap();
    let (account, contact) = record_calls(&postgres_adapter::open(&url, Pooler::None, 4).unwrap()).await;
    let mut connection = PgConnection::establish(&url).unwrap();
    connection
        .batch_execute(&format!(
            "INSERT INTO deletions (account_id, object, object_id, uuid, deleted_at)
             SELECT {account}, 1, n, gen_random_uuid(), to_timestamp(n) FROM generate_series(1, {CALLS}) AS n;
             INSERT INTO contact_fields (account_id, contact_id, uuid, kind, data, search_data, phone_key, created_at, updated_at)
             SELECT {account}, {contact}, gen_random_uuid(), 2, 'x', '', n, now(), now() FROM generate_series(1, {CALLS}) AS n"
        ))
        .unwrap();
    // As autovacuum does on a server that runs for more than a minute.
    connection.batch_execute("VACUUM ANALYZE").unwrap();
    connection
        .batch_execute(
            "ALTER DATABASE postgres SET session_preload_libraries = 'auto_explain'; \
             ALTER DATABASE postgres SET auto_explain.log_min_duration = 0",
        )
        .unwrap();
    let store = postgres_adapter::open(&url, Pooler::None, 4).unwrap();
    let mut log = Log { server: &server, read: 0 };
    log.plans();

    let all = CallFilters::default;
    let recent = at(CALLS - 20);
    for (index, filters) in [
        ("calls_by_updated_at", CallFilters { updated_since: Some(at(CALLS - 50)), ..all() }),
        ("calls_by_called_at", CallFilters { called_after: Some(recent), ..all() }),
        ("calls_by_called_at", CallFilters { called_after: Some(at(70)), called_before: Some(at(90)), ..all() }),
        ("calls_by_external_id", CallFilters { external_id: Name::parse("pbx-77").ok(), ..all() }),
        ("call_words_by_word", CallFilters { search: CallSearch::parse("word77 common").unwrap(), ..all() }),
        ("calls_by_phone_key", CallFilters { phone_number: Some(search(77)), ..all() }),
        ("calls_by_contact", CallFilters { contacts: Some(vec![contact]), answered: Some(true), ..all() }),
    ] {
        for start in [PageStart::Number(1), PageStart::Cursor(Cursor::First)] {
            let page = PageRequest { start, size: PageSize::new(100).unwrap() };
            let query = CallQuery { filters: filters.clone(), ..CallQuery::newest_first(page) };
            store.calls.list(account, query.clone()).await.unwrap();
            expect_index(&log.plans(), index, &format!("{query:?}"));
        }
    }

    assert_eq!(store.contacts.find_by_phone(account, vec![search(7)]).await.unwrap()[0].len(), 1);
    expect_index(&log.plans_of(&["contact_fields"]), "contact_fields_by_phone_key", "the contacts of a number");
    let query = ContactQuery { phone: Some(search(7)), ..ContactQuery::oldest_first(PageRequest::SMALLEST) };
    assert_eq!(store.contacts.list(account, query).await.unwrap().total, 1);
    expect_index(&log.plans_of(&["contact_fields"]), "contact_fields_by_phone_key", "the list of contacts");

    // A deep page by cursor of a sorted list.
    let place = ItemKey { value: at(CALLS / 2), id: CALLS / 2 };
    for (key, index) in [
        (CallSortKey::CalledAt, "calls_by_called_at"),
        (CallSortKey::CreatedAt, "calls_by_created_at"),
        (CallSortKey::UpdatedAt, "calls_by_updated_at"),
    ] {
        let page = PageRequest { start: PageStart::Cursor(Cursor::After(place)), size: PageSize::new(100).unwrap() };
        let mut query = CallQuery::newest_first(page);
        query.sort.key = key;
        assert_eq!(store.calls.list(account, query.clone()).await.unwrap().page.items.len(), 100);
        let plans = log.plans();
        expect_index(&plans, index, &format!("{query:?}"));
        assert!(!plans.contains("Sort"), "it sorts:\n{plans}");
        store.calls.keys(account, query.clone(), Some(place), 1_000).await.unwrap();
        expect_index(&log.plans(), index, &format!("the keys of {query:?}"));
    }

    let query = DeletionQuery { since: recent, cursor: Cursor::First, size: PageSize::SMALLEST };
    store.deletions.list(account, query).await.unwrap();
    expect_index(&log.plans(), "deletions_by_deleted_at", "the list of deletions");

    expect_dates_by_index(&store, account, &mut connection, &mut log).await;
}

/// Lists by the date of staying in touch do not sort, with many contacts with and without a date.
async fn expect_dates_by_index(store: &Store, account: AccountId, connection: &mut PgConnection, log: &mut Log<'_>) {
    connection
        .batch_execute(&format!(
            "INSERT INTO contacts (account_id, uuid, first_name, is_starred, is_partial, is_active, is_dead,
               birthdate_is_age_based, birthdate_is_year_unknown, deceased_date_is_age_based,
               deceased_date_is_year_unknown, search_text, created_at, updated_at, stay_in_touch_frequency)
             SELECT {account}, gen_random_uuid(), 'A', false, false, true, false, false, false, false, false, '',
               to_timestamp(n * 86400), to_timestamp(0), CASE WHEN n % 2 = 0 THEN 1 END
             FROM generate_series(1, {CALLS}) AS n"
        ))
        .unwrap();
    connection.batch_execute("VACUUM ANALYZE contacts").unwrap();
    let dated = ItemKey { value: at(CALLS / 2 * 86_400), id: CALLS / 2 };
    let undated = ItemKey { value: ContactSortKey::NO_DATE, id: CALLS / 2 };
    let page = |start| PageRequest { start, size: PageSize::new(100).unwrap() };
    let by_date = |direction, start| {
        let sort = Sort { key: ContactSortKey::StayInTouchTriggerDate, direction };
        ContactQuery { sort, ..ContactQuery::oldest_first(page(start)) }
    };
    let (ascending, descending) = (Direction::Ascending, Direction::Descending);
    let after = |place| PageStart::Cursor(Cursor::After(place));
    let now = at(90 * 86_400);
    let overdue = |start| ContactQuery::longest_overdue_first(now, page(start));
    let upcoming = |start| ContactQuery { due: Some(DueFilter { is_due: false, now }), ..by_date(ascending, start) };
    for (index, query) in [
        ("contacts_by_trigger_date", overdue(PageStart::Number(1))),
        ("contacts_by_trigger_date", overdue(PageStart::Cursor(Cursor::Before(dated)))),
        ("contacts_by_trigger_date", upcoming(PageStart::Number(1))),
        ("contacts_without_trigger_date", upcoming(PageStart::Cursor(Cursor::Before(undated)))),
        ("contacts_by_trigger_date", by_date(ascending, PageStart::Number(2))),
        ("contacts_by_trigger_date", by_date(ascending, after(dated))),
        ("contacts_by_trigger_date", by_date(descending, after(dated))),
        ("contacts_without_trigger_date", by_date(ascending, after(undated))),
        ("contacts_without_trigger_date", by_date(descending, after(undated))),
    ] {
        log.plans();
        store.contacts.list(account, query.clone()).await.unwrap();
        let plans = log.plans_of(&["contacts"]);
        let uses = |line: &str| line.contains("Index") && line.contains(index);
        assert!(plans.lines().any(uses), "{query:?} does not use {index}:\n{plans}");
        assert!(!plans.contains("Sort"), "{query:?} sorts:\n{plans}");
        // Without a filter, the total is the number of all contacts.
        assert!(
            !query.due.is_some_and(|due| due.is_due) || !plans.contains("Seq Scan on contacts"),
            "{query:?} reads all:\n{plans}"
        );
    }
}
