//! Contacts.

use domain::{
    AccountId, Contact, ContactPatch, ContactQuery, ContactSearch, ContactSortKey, Content, Gender, ImportantDate,
    NamedField, NewContact, NewContactField, Profile, Sort, StayInTouchFrequency, Timestamp,
};

use super::{
    DIRECTIONS, LATER, NOW, SortedBy, TestAccount, UNKNOWN_ID, UUID, assert_error, at, email, field_uuids, name, never,
    page, person, phone, unchanged_since,
};
use crate::outbound::Store;

/// Returns a contact with a value of each attribute.
fn jane() -> NewContact {
    NewContact {
        profile: Profile {
            first_name: name("Jane"),
            middle_name: Some(name("Q")),
            last_name: Some(name("Doë")),
            nickname: Some(name("JD 🎉")),
            gender: Gender::by_id(2),
            is_starred: true,
            is_partial: true,
            is_active: true,
            is_dead: true,
            birthdate: Some(ImportantDate { date: at(536_536_604), is_age_based: true, is_year_unknown: false }),
            deceased_date: Some(ImportantDate { date: Timestamp::MAX, is_age_based: false, is_year_unknown: true }),
        },
        description: Content::parse(&"long ".repeat(10_000)).ok(),
        job: Some(name("Pilot")),
        company: Some(name("100% Air_Lines")),
        stay_in_touch_frequency: StayInTouchFrequency::from_days(90),
        fields: vec![phone("+1 (555) 0100"), email("Zoë@example.org")],
    }
}

fn star() -> ContactPatch {
    ContactPatch { is_starred: Some(true), ..ContactPatch::default() }
}

/// Returns a patch that adds these contact fields.
fn with_fields(fields: impl IntoIterator<Item = NewContactField>) -> ContactPatch {
    ContactPatch { fields: fields.into_iter().map(NamedField::from).collect(), ..ContactPatch::default() }
}

/// Returns the contact fields without ids and times.
fn fields_of(contact: &Contact) -> Vec<NewContactField> {
    contact.fields.iter().map(|field| field.content.clone()).collect()
}

async fn search(account: &TestAccount, query: &str) -> Vec<Contact> {
    let search = ContactSearch::parse(query).unwrap();
    let query = ContactQuery { search, ..ContactQuery::oldest_first(page(1, 100)) };
    let page = account.store.contacts.list(account.id, query).await.unwrap();
    assert_eq!(page.total, page.items.len() as u64);
    page.items
}

pub async fn reads_a_contact_as_it_was_stored(store: &Store) {
    let account = TestAccount::create(store).await;
    for new in [jane(), person("J")] {
        let stored = account.add_contact(new.clone()).await;
        assert_eq!(account.find_contact(stored.summary.id).await, stored);
        assert_eq!((stored.summary.account, stored.summary.uuid), (account.id, UUID));
        assert_eq!((stored.created_at, stored.updated_at), (at(NOW), at(NOW)));
        assert_eq!((stored.last_called, stored.calls), (None, 0));
        assert_eq!(NewContact::from(stored), new);
    }
}

pub async fn rejects_a_contact_of_an_unknown_account(store: &Store) {
    let unknown = AccountId::new(UNKNOWN_ID).unwrap();
    assert_error!(store.contacts.create(unknown, person("J"), UUID, vec![], at(NOW)).await, NotFound);
}

pub async fn updates_only_what_the_patch_names(store: &Store) {
    let account = TestAccount::create(store).await;
    let stored = account.add_contact(jane()).await;
    let id = stored.summary.id;
    let same = ContactPatch { first_name: Some(name("Jane")), ..ContactPatch::default() };
    assert_eq!(account.update_contact(id, same).await, stored);
    let patch = ContactPatch {
        nickname: Some(None),
        birthdate: Some(None),
        is_starred: Some(false),
        job: Some(Some(name("Baker"))),
        ..ContactPatch::default()
    };
    let updated = account.update_contact(id, patch).await;
    let mut expected = stored.clone();
    expected.summary.profile.nickname = None;
    expected.summary.profile.birthdate = None;
    expected.summary.profile.is_starred = false;
    expected.job = Some(name("Baker"));
    expected.updated_at = at(LATER);
    assert_eq!(updated, expected);
    assert_eq!(account.find_contact(id).await, expected);
    assert_eq!((search(&account, "baker").await.len(), search(&account, "pilot").await.len()), (1, 0));
    account.record(id, NOW).await;
    assert_eq!(account.find_contact(id).await.updated_at, at(LATER), "a call does not change its contact");
}

pub async fn deletes_a_contact_with_its_calls(store: &Store) {
    let account = TestAccount::create(store).await;
    let (leslie, henri) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let kept = account.record(henri, NOW).await;
    let mut deleted = Vec::new();
    for month in 0..30 {
        deleted.push(account.record(leslie, month * 2_700_000).await.id);
    }
    account.delete_contact(leslie).await.unwrap();
    assert_error!(account.delete_contact(leslie).await, NotFound);
    assert_error!(store.contacts.find(account.id, leslie).await, NotFound);
    for call in deleted {
        assert_error!(account.find_call(call).await, NotFound);
    }
    assert_eq!(account.all_calls(None).await, [kept]);
    account.assert_counters_match_calls().await;
}

pub async fn writes_a_contact_only_if_it_satisfies_the_precondition(store: &Store) {
    let account = TestAccount::create(store).await;
    let first = account.add_contact(jane()).await;
    let id = first.summary.id;
    let update = |patch, condition| store.contacts.update(account.id, id, patch, vec![], at(LATER), condition);
    let second = update(ContactPatch { job: Some(None), ..ContactPatch::default() }, unchanged_since(&first)).await;
    let second = second.unwrap();
    for failing in [never(), unchanged_since(&first)] {
        assert_error!(update(star(), failing.clone()).await, PreconditionFailed);
        assert_error!(store.contacts.delete(account.id, id, at(LATER), failing).await, PreconditionFailed);
    }
    // A call changes `last_called` and the number of calls, which are parts of what is compared.
    account.record(id, NOW).await;
    assert_error!(store.contacts.delete(account.id, id, at(LATER), unchanged_since(&second)).await, PreconditionFailed);
    let called = account.find_contact(id).await;
    account.update_contact(id, with_fields([phone("+44 20 7946")])).await;
    assert_error!(update(star(), unchanged_since(&called)).await, PreconditionFailed);
    let last = account.find_contact(id).await;
    store.contacts.delete(account.id, id, at(LATER), unchanged_since(&last)).await.unwrap();
    assert_error!(update(star(), never()).await, NotFound);
    assert_error!(store.contacts.delete(account.id, id, at(LATER), never()).await, NotFound);
}

pub async fn searches_the_beginning_of_each_word_without_syntax(store: &Store) {
    let account = TestAccount::create(store).await;
    let jane = account.add_contact(jane()).await;
    account.create_contact("Janet").await;
    for query in ["jane doe", "DOE JANE", "jd", "pilot q", "100%", "air_lines", "air%lines", "long", "☎ jd", "pil do"]
    {
        assert_eq!(search(&account, query).await, std::slice::from_ref(&jane), "{query}");
    }
    assert_eq!(search(&account, "jan").await.len(), 2);
    for query in ["jane smith", "airxlines", "%x%", "ane", "ilot"] {
        assert_eq!(search(&account, query).await, [], "{query}");
    }
    // What databases read as syntax is text, or separates words.
    for query in ["\\", "'", "\"", "*", "-", "(", "::", "\\' & !", "☎"] {
        assert_eq!(search(&account, query).await, [], "{query}");
    }
    for query in [
        "\"jan\"",
        "jan*",
        "-jan",
        "(jan",
        "'jan'",
        "search_text:jan",
        "!jan",
        "jan & (",
        "NEAR(jan)",
        "jan OR x",
        "jan\0",
    ] {
        let with_other_words = query.contains("search") || query.contains("NEAR") || query.contains("OR");
        assert_eq!(search(&account, query).await.len(), if with_other_words { 0 } else { 2 }, "{query}");
    }
    // The maximal number of words, and characters that become many words or the longest pattern when they are folded.
    assert_eq!(search(&account, &"jane ".repeat(32)).await.len(), 2);
    for query in ["\u{fdfa}".repeat(8), "\u{3316}".repeat(255)] {
        assert_eq!(search(&account, &query).await, []);
    }
}

/// Words in many languages, each with queries that find it.
const WORDS: [(&str, &[&str]); 16] = [
    ("Zoë's", &["zoe", "ZOË", "zoë’s", "zo"]),
    ("Straße", &["strasse", "STRASSE", "straß", "STRAẞE"]),
    ("Łódź", &["lodz", "ŁÓDŹ", "łód"]),
    ("Ὀδυσσεύς", &["οδυσσευς", "ΟΔΥΣΣΕΥΣ", "οδυσσευσ"]),
    ("Søren Kierkegård", &["soren", "SØREN", "kierkegard"]),
    ("Đorđe", &["dorde", "ĐORĐE"]),
    ("Ísafjörður", &["isafjordur", "ÍSAFJÖRÐUR"]),
    ("İstanbul", &["istanbul", "ISTANBUL", "ıstanbul"]),
    ("Фёдор", &["федор", "ФЁДОР", "фёд"]),
    ("Nguyễn", &["nguyen", "NGUYỄN"]),
    ("김치", &["김치", "김"]),
    ("北京", &["北京", "北"]),
    ("ﾊﾟﾝ", &["パン"]),
    ("שָׁלוֹם", &["שלום"]),
    ("مُحَمَّد", &["محمد"]),
    ("हिन्दी", &["हिन्दी", "हिन"]),
];

pub async fn finds_words_in_many_languages(store: &Store) {
    let account = TestAccount::create(store).await;
    for (word, _) in WORDS {
        let description = Content::parse(&format!("({word})")).ok();
        account.add_contact(NewContact { description, ..person(word) }).await;
    }
    for (word, queries) in WORDS {
        for query in queries {
            let found = search(&account, query).await;
            let found: Vec<_> = found.iter().map(|contact| contact.summary.profile.first_name.as_str()).collect();
            assert_eq!(found, [word], "{query}");
        }
    }
}

pub async fn finds_the_words_of_the_contact_as_it_is_now(store: &Store) {
    let account = TestAccount::create(store).await;
    let id = account.add_contact(NewContact { job: Some(name("Pilot")), ..person("Ann") }).await.summary.id;
    let found = async |query| search(&account, query).await.len();
    let baker = ContactPatch { job: Some(Some(name("Baker"))), ..with_fields([email("ann@work.example")]) };
    let updated = account.update_contact(id, baker).await;
    assert_eq!((found("pilot").await, found("baker").await, found("work").await), (0, 1, 1));
    account.update_contact(id, ContactPatch { job: Some(None), ..ContactPatch::default() }).await;
    store.contact_fields.delete(account.id, updated.fields[0].id, at(LATER)).await.unwrap();
    assert_eq!((found("baker").await, found("work").await, found("ann").await), (0, 0, 1));
    account.record(id, NOW).await;
    account.delete_contact(id).await.unwrap();
    assert_eq!(found("ann").await, 0);
    account
        .add_contact(NewContact { description: Content::parse(&"word ".repeat(20_000)).ok(), ..person("Tom") })
        .await;
    let long = Content::parse(&"\u{3316}".repeat(100_000)).ok();
    account.add_contact(NewContact { description: long, ..person("Tom") }).await;
    assert_eq!((found("tom").await, found("tom word").await), (2, 1));
}

pub async fn keeps_every_contact_field_that_an_update_does_not_name(store: &Store) {
    let account = TestAccount::create(store).await;
    let fields = || vec![phone("+1 555 0100"), phone("1-555-0100"), email("zoë@x.org"), email("zoe@x.org")];
    let stored = account.add_contact(NewContact { fields: fields(), ..person("Leslie") }).await;
    let id = stored.summary.id;
    let again = store.contact_fields.create(account.id, id, phone("+1 555 0100"), UUID, at(NOW)).await.unwrap();
    let stored = [stored.fields, vec![again.field]].concat();
    let rename = ContactPatch { first_name: Some(name("Lesley")), ..ContactPatch::default() };
    for patch in [rename, with_fields([email("zoe@x.org")]), with_fields([fields(), fields()].concat())] {
        assert_eq!(account.update_contact(id, patch).await.fields, stored, "with their ids, UUIDs and times");
    }
    let added = account.update_contact(id, with_fields([phone("+1 555 01005"), phone("+1 555 0100")])).await;
    assert_eq!(added.fields[..5], stored);
    assert_eq!(fields_of(&added)[5..], [phone("+1 555 01005")]);
}

pub async fn adds_and_changes_contact_fields_with_the_contact(store: &Store) {
    let account = TestAccount::create(store).await;
    let stored = account.add_contact(jane()).await;
    let id = stored.summary.id;
    assert_eq!(stored.fields.iter().map(|field| field.uuid).collect::<Vec<_>>(), field_uuids(2));
    let added = account.update_contact(id, with_fields([phone("+44 20 7946"), phone("+1 (555) 0100")])).await;
    assert_eq!(fields_of(&added), [phone("+1 (555) 0100"), email("Zoë@example.org"), phone("+44 20 7946")]);
    assert_eq!(added.fields[..2], stored.fields);
    let new = &added.fields[2];
    assert_eq!((new.uuid, new.created_at, new.updated_at), (field_uuids(1)[0], at(LATER), at(LATER)));
    assert_eq!(added.updated_at, at(LATER));
    let named = NamedField { id: Some(stored.fields[1].id), content: email("jane@example.org") };
    let changed = account.update_contact(id, ContactPatch { fields: vec![named], ..ContactPatch::default() }).await;
    let mut expected = added.fields.clone();
    (expected[1].content, expected[1].updated_at) = (email("jane@example.org"), at(LATER));
    assert_eq!(changed.fields, expected, "it keeps its id, UUID and creation");
    assert_eq!(account.find_contact(id).await, changed);
    assert_eq!((search(&account, "email:jane@").await.len(), search(&account, "email:zoe@").await.len()), (1, 0));
    let full =
        account.update_contact(id, with_fields((3..NewContact::MAX_FIELDS).map(|n| phone(&n.to_string())))).await;
    assert_eq!(full.fields.len(), NewContact::MAX_FIELDS);
    let one_more = with_fields([phone("15550100")]);
    let updated = store.contacts.update(account.id, id, one_more, field_uuids(1), at(LATER + 1), None).await;
    assert_error!(updated, TooManyFields(_));
    assert_eq!(account.find_contact(id).await, full);
    account.add_contact(jane()).await;
    account.delete_contact(id).await.unwrap();
}

pub async fn searches_phone_numbers_and_addresses(store: &Store) {
    let (account, other) = (TestAccount::create(store).await, TestAccount::create(store).await);
    let jane = account.add_contact(jane()).await;
    let ann = account.add_contact(NewContact { fields: vec![phone("+1 555 0199")], ..person("Ann") }).await;
    other.add_contact(self::jane()).await;
    for query in
        ["phone:+1 555 0100", "Phone: 1-555-0100", "+1 5550100", "0100", "email:zoe@", "ZOE@EXAMPLE.ORG", "jane 0100"]
    {
        assert_eq!(search(&account, query).await, std::slice::from_ref(&jane), "{query}");
    }
    assert_eq!(search(&account, "1 555 01").await, [jane.clone(), ann], "parts of numbers");
    assert_eq!(search(&account, "phone:555 0100").await, [jane]);
    for query in ["phone:+1 555 0101", "phone:1555", "phone:0100", "email:0100", "phone:zoe", "5550101", "facebook:zoe"]
    {
        assert_eq!(search(&account, query).await, [], "{query}");
    }
}

pub async fn pages_partition_the_list_in_every_sort(store: &Store) {
    let account = TestAccount::create(store).await;
    let mut contacts = Vec::new();
    for n in 0..11 {
        let stored = store.contacts.create(account.id, person("J"), UUID, vec![], at(NOW + n % 3)).await;
        let id = stored.unwrap().summary.id;
        contacts
            .push(store.contacts.update(account.id, id, star(), vec![], at(NOW + 10 + n * 7 % 4), None).await.unwrap());
    }
    let keys: [SortedBy<ContactSortKey, Contact>; 2] =
        [(ContactSortKey::CreatedAt, |c| c.created_at), (ContactSortKey::UpdatedAt, |c| c.updated_at)];
    for (key, value) in keys {
        let mut expected = contacts.clone();
        expected.sort_by_key(|contact| (value(contact), contact.summary.id));
        for direction in DIRECTIONS {
            let sort = Sort { key, direction };
            let mut listed = Vec::new();
            for number in 1..=3 {
                let query = ContactQuery { sort, ..ContactQuery::oldest_first(page(number, 5)) };
                let page = store.contacts.list(account.id, query).await.unwrap();
                assert_eq!(page.total, 11);
                listed.extend(page.items);
            }
            assert_eq!(listed, expected, "{sort:?}");
            expected.reverse();
        }
    }
}

pub async fn isolates_contacts_of_accounts(store: &Store) {
    let (account, other) = (TestAccount::create(store).await, TestAccount::create(store).await);
    let foreign = other.create_contact("Henri").await;
    assert_error!(store.contacts.find(account.id, foreign).await, NotFound);
    assert_error!(store.contacts.update(account.id, foreign, star(), vec![], at(NOW), None).await, NotFound);
    assert_error!(account.delete_contact(foreign).await, NotFound);
    assert_eq!(search(&account, "henri").await, []);
    assert!(!other.find_contact(foreign).await.summary.profile.is_starred);
}
