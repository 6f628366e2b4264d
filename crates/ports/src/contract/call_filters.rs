//! Filters and searches of calls.

use domain::{
    Call, CallDetails, CallFilters, CallPatch, CallQuery, CallSearch, ContactId, Content, Direction, NewCall,
    PhoneNumber, PhoneSearch,
};

use super::upserts::with_external_id;
use super::{DAY, NOW, TestAccount, at, call, name, newest, page, unknown_contact};
use crate::outbound::Store;

fn filtered(filters: CallFilters) -> CallQuery {
    CallQuery { filters, ..CallQuery::newest_first(page(1, 100)) }
}

/// Returns the ids of the calls that the filters find, the newest call first.
async fn find(account: &TestAccount, filters: CallFilters) -> Vec<i64> {
    let listed = account.list_calls(filtered(filters)).await.page;
    assert_eq!(listed.total, listed.items.len() as u64, "the total counts what is found");
    listed.items.iter().map(|call| call.id.get()).collect()
}

async fn record(account: &TestAccount, contact: ContactId, called_at: i64, content: &str) -> Call {
    let details = CallDetails { content: Content::parse(content).ok(), ..CallDetails::at(at(called_at)) };
    account.create_call(NewCall { contact, details }).await.unwrap()
}

fn words(query: &str) -> CallFilters {
    CallFilters { search: CallSearch::parse(query).unwrap(), ..CallFilters::default() }
}

/// Texts in ten languages and scripts, each with queries that find it.
const TEXTS: [(&str, &[&str]); 12] = [
    ("Zoë’s café opens at 8.", &["zoe", "ZOË", "cafe", "caf", "8", "zoë caf"]),
    ("Die Straße ist groß und schön.", &["strasse", "STRASSE", "groß", "gross", "schon"]),
    ("Pojechał do Łodzi, żółw został.", &["lodzi", "ŁODZI", "pojechal", "zolw"]),
    ("Ο Σίσυφος και ο Οδυσσεύς.", &["σισυφοσ", "ΣΊΣΥΦΟΣ", "οδυσσευς"]),
    ("Съешь ещё этих мягких булок.", &["съешь", "СЪЕШЬ", "еще", "булок"]),
    ("Søren spiser ærter i Århus.", &["soren", "aerter", "arhus", "ÅRHUS"]),
    ("Þór býr á Íslandi.", &["thor", "islandi"]),
    ("Işık İstanbul'da ılık su içti.", &["isik", "istanbul", "ilik", "icti"]),
    ("Crème brûlée à Besançon, œuvre", &["creme brulee", "besancon", "oeuvre"]),
    ("Đặng Thị Ngọc ăn phở", &["dang thi", "ngoc", "pho"]),
    ("東京で電話した。", &["東京で電話した", "東京"]),
    ("ｆｕｌｌ ｗｉｄｔｈ ﬁne", &["full width", "fine"]),
];

pub async fn finds_words_and_their_beginnings_in_ten_languages(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let mut ids = Vec::new();
    for (text, _) in TEXTS {
        ids.push(record(&account, contact, 0, text).await.id.get());
    }
    for ((text, queries), id) in TEXTS.iter().zip(&ids) {
        for query in *queries {
            assert_eq!(find(&account, words(query)).await, [*id], "{query:?} finds {text:?}");
        }
    }
    for query in ["trasse", "zoes", "lodzi zoe", "ąą", "x"] {
        assert_eq!(find(&account, words(query)).await, [0; 0], "{query:?} finds nothing");
    }
}

pub async fn the_syntax_of_the_databases_is_text(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let call = record(&account, contact, 0, "near a b or not and c & d | e").await.id.get();
    for query in [
        "near(a b)",
        "NEAR(a, b)",
        "\"a",
        "a\" OR \"b",
        "a:b",
        "-a",
        "a*",
        "*a",
        "a AND b",
        "a OR b",
        "NOT c",
        "^a",
        "{a b}",
        "a+b",
        "a & b",
        "a | b",
        "!a",
        "a <-> b",
        "a:*",
        "'a'",
        "a\\",
        "a\0b",
        "(a",
        "a)",
        "%a",
        "_a",
    ] {
        let expected = CallSearch::parse(query).unwrap();
        assert_eq!(find(&account, words(query)).await, [call], "{query:?} is {expected:?}");
    }
    for query in ["\"", "*", "''", "\0", "()", "-", ":", "☎"] {
        assert_eq!(find(&account, words(query)).await, [0; 0], "{query:?} has no words");
    }
}

pub async fn the_index_of_words_follows_every_write(store: &Store) {
    let account = TestAccount::create(store).await;
    let (leslie, henri) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let call = record(&account, leslie, 0, "wedding").await;
    let set = |content: Option<&str>| CallPatch {
        content: Some(content.and_then(|content| Content::parse(content).ok())),
        ..CallPatch::default()
    };
    account.update_call(call.id, set(Some("funeral"))).await.unwrap();
    assert_eq!(find(&account, words("wedding")).await, [0; 0]);
    assert_eq!(find(&account, words("funeral")).await, [call.id.get()]);
    account.update_call(call.id, CallPatch { contact: Some(henri), ..CallPatch::default() }).await.unwrap();
    assert_eq!(find(&account, words("funeral")).await, [call.id.get()]);
    account.update_call(call.id, set(None)).await.unwrap();
    assert_eq!(find(&account, words("funeral")).await, [0; 0]);
    account.update_call(call.id, set(Some("party"))).await.unwrap();
    account.delete_call(call.id).await.unwrap();
    let upserted = with_external_id(super::call(henri, 0), "a");
    store.calls.upsert(account.id, vec![(super::UUID, upserted.into())], at(NOW), None).await.unwrap();
    assert_eq!(find(&account, words("party")).await, [0; 0]);
    assert_eq!(find(&account, words("he called fun")).await.len(), 1);
    let other = TestAccount::create(store).await;
    assert_eq!(find(&other, words("he called fun")).await, [0; 0], "another account");
    account.delete_contact(henri).await.unwrap();
    assert_eq!(find(&account, words("he called fun")).await, [0; 0]);
    // Calls of a deleted account must not be found under ids that are used again.
    store.accounts.delete(account.id).unwrap();
    let ann = other.create_contact("Ann").await;
    let kept = record(&other, ann, 0, "fun").await;
    assert_eq!(find(&other, words("fun")).await, [kept.id.get()]);
}

pub async fn finds_a_long_content_by_its_words(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let distinct: Vec<String> = (0..9_000).map(|n| format!("word{n}")).collect();
    let long = record(&account, contact, 0, &distinct.join(" ")).await.id.get();
    let one_word = record(&account, contact, 1, &"é".repeat(100_000)).await.id.get();
    assert_eq!(find(&account, words("word0 word8999")).await, [long]);
    assert_eq!(find(&account, words(&"e".repeat(255))).await, [one_word]);
}

/// Whether a filter finds the call.
type Test = fn(&Call) -> bool;

pub async fn every_filter_combines_with_the_others(store: &Store) {
    let account = TestAccount::create(store).await;
    let (leslie, henri) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let mut calls = Vec::new();
    for n in 0..48_i64 {
        let contact = if n % 2 == 0 { leslie } else { henri };
        let details = CallDetails {
            contact_called: [None, Some(true), Some(false)][usize::try_from(n % 3).unwrap()],
            answered: [Some(true), Some(false), None, None][usize::try_from(n % 4).unwrap()],
            phone_number: PhoneNumber::parse(if n % 7 < 3 { "+41 31 000 00 00" } else { "0310000001" }).ok(),
            content: Content::parse(if n % 5 == 0 { "a wedding" } else { "nothing" }).ok(),
            ..CallDetails::at(at(n * DAY))
        };
        let new = with_external_id(NewCall { contact, details }, &format!("id-{n}"));
        let created = store.calls.upsert(account.id, vec![(super::UUID, new.into())], at(NOW + n), None).await;
        calls.push(created.unwrap().remove(0).unwrap().call);
    }
    let phone_number = PhoneNumber::parse("031 000 00 00").ok().map(PhoneSearch::new);
    let filters: [(CallFilters, Test); 10] = [
        (CallFilters::default(), |_| true),
        (words("wed"), |call| call.details.content == Content::parse("a wedding").ok()),
        (CallFilters { contacts: Some(vec![leslie, unknown_contact()]), ..CallFilters::default() }, |call| {
            call.contact.profile.first_name.as_str() == "Leslie"
        }),
        (CallFilters { called_after: Some(at(10 * DAY)), ..CallFilters::default() }, |call| {
            call.details.called_at >= at(10 * DAY)
        }),
        (CallFilters { called_before: Some(at(30 * DAY)), ..CallFilters::default() }, |call| {
            call.details.called_at < at(30 * DAY)
        }),
        (CallFilters { updated_since: Some(at(NOW + 20)), ..CallFilters::default() }, |call| {
            call.updated_at >= at(NOW + 20)
        }),
        (CallFilters { contact_called: Some(true), ..CallFilters::default() }, |call| {
            call.details.contact_called == Some(true)
        }),
        (CallFilters { answered: Some(false), ..CallFilters::default() }, |call| call.details.answered == Some(false)),
        (CallFilters { phone_number, ..CallFilters::default() }, |call| {
            call.details.phone_number == PhoneNumber::parse("+41 31 000 00 00").ok()
        }),
        (CallFilters { external_id: Some(name("id-25")), ..CallFilters::default() }, |call| {
            call.details.external_id == Some(name("id-25"))
        }),
    ];
    for (first, is_first) in &filters {
        for (second, is_second) in &filters {
            let expected = calls.iter().rev().filter(|call| is_first(call) && is_second(call));
            let expected: Vec<_> = expected.map(|call| call.id.get()).collect();
            let both = combine(first, second);
            assert_eq!(find(&account, both.clone()).await, expected, "{both:?}");
            let of_leslie = CallQuery { contact: Some(leslie), ..filtered(both) };
            let page = account.list_calls(of_leslie).await.page;
            assert!(page.items.iter().all(|call| call.contact.id == leslie && is_first(call) && is_second(call)));
        }
    }
    let none = CallFilters { contacts: Some(vec![]), ..CallFilters::default() };
    assert_eq!(find(&account, none).await, [0; 0]);
    let statistics = account.list_calls(filtered(words("wedding"))).await.calls_per_year;
    assert_eq!(statistics, [(1970, 48)], "the statistics count all calls");
}

/// Combines filters of which each has one.
fn combine(first: &CallFilters, second: &CallFilters) -> CallFilters {
    let search = if first.search == CallSearch::All { &second.search } else { &first.search };
    CallFilters {
        search: search.clone(),
        contacts: first.contacts.clone().or(second.contacts.clone()),
        called_after: first.called_after.or(second.called_after),
        called_before: first.called_before.or(second.called_before),
        updated_since: first.updated_since.or(second.updated_since),
        contact_called: first.contact_called.or(second.contact_called),
        answered: first.answered.or(second.answered),
        phone_number: first.phone_number.clone().or(second.phone_number.clone()),
        external_id: first.external_id.clone().or(second.external_id.clone()),
    }
}

pub async fn pages_a_filter_that_finds_more_than_a_thousand_calls(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let calls: Vec<_> = (0..1_100_i64).map(|n| (super::UUID, call(contact, n * 7 % 500).into())).collect();
    store.calls.upsert(account.id, calls, at(NOW), None).await.unwrap();
    let mut all = account.all_calls(None).await;
    let filters = CallFilters { called_after: Some(at(0)), ..words("called") };
    for direction in [Direction::Descending, Direction::Ascending] {
        let mut listed = Vec::new();
        for number in 1..=11 {
            let mut query = CallQuery { filters: filters.clone(), ..newest(None, number, 100) };
            query.sort.direction = direction;
            let page = account.list_calls(query).await.page;
            assert_eq!(page.total, 1_100);
            listed.extend(page.items);
        }
        assert_eq!(listed, all);
        all.reverse();
    }
}
