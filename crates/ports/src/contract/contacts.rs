//! Contacts.

use domain::{
    Contact, ContactFieldKind, ContactOrder, ContactPatch, ContactSearch, Content, Direction, Gender, ImportantDate,
    NewContact, NewContactField, PageRequest, PageSize, Profile, Timestamp, Uuid,
};

use super::{NOW, Order, Scene, Stamp, assert_refused, at, name, person};
use crate::outbound::Store;

/// A contact with every part filled.
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
        fields: vec![phone("+1 (555) 0100"), email("Zoë@example.org")],
    }
}

fn phone(number: &str) -> NewContactField {
    NewContactField { kind: ContactFieldKind::PHONE, data: name(number) }
}

fn email(address: &str) -> NewContactField {
    NewContactField { kind: ContactFieldKind::EMAIL, data: name(address) }
}

fn contents(contact: &Contact) -> Vec<NewContactField> {
    contact.fields.iter().map(|field| field.content.clone()).collect()
}

async fn found(scene: &Scene, query: &str) -> Vec<Contact> {
    let order = ContactOrder::CreatedAt(Direction::Ascending);
    let request = PageRequest { number: 1, size: PageSize::new(100).unwrap(), order };
    let page = scene.store.contacts.list(scene.account, ContactSearch::parse(query).unwrap(), request).await.unwrap();
    assert_eq!(page.total, page.items.len() as u64);
    page.items
}

pub async fn a_contact_is_read_as_it_was_stored(store: &Store) {
    let scene = Scene::new(store).await;
    for new in [jane(), person("J")] {
        let stored = scene.add(new.clone()).await;
        assert_eq!(scene.contact(stored.summary.id).await, stored);
        assert_eq!((stored.summary.account, stored.summary.uuid), (scene.account, Uuid::from_u128(7)));
        assert_eq!((stored.created_at, stored.updated_at), (at(NOW), at(NOW)));
        assert_eq!((stored.last_called, stored.calls), (None, 0));
        let fields = contents(&stored);
        let Contact { summary, description, job, company, .. } = stored;
        assert_eq!(NewContact { profile: summary.profile, description, job, company, fields }, new);
    }
}

pub async fn a_change_keeps_what_it_does_not_name(store: &Store) {
    let scene = Scene::new(store).await;
    let stored = scene.add(jane()).await;
    let id = stored.summary.id;
    let same = ContactPatch { first_name: Some(name("Jane")), ..ContactPatch::default() };
    assert_eq!(store.contacts.update(scene.account, id, same, at(NOW + 5)).await.unwrap(), stored);
    let change = ContactPatch {
        nickname: Some(None),
        birthdate: Some(None),
        is_starred: Some(false),
        job: Some(Some(name("Baker"))),
        ..ContactPatch::default()
    };
    let changed = store.contacts.update(scene.account, id, change, at(NOW + 5)).await.unwrap();
    let mut expected = stored.clone();
    expected.summary.profile.nickname = None;
    expected.summary.profile.birthdate = None;
    expected.summary.profile.is_starred = false;
    expected.job = Some(name("Baker"));
    expected.updated_at = at(NOW + 5);
    assert_eq!(changed, expected);
    assert_eq!(scene.contact(id).await, expected);
    assert_eq!((found(&scene, "baker").await.len(), found(&scene, "pilot").await.len()), (1, 0));
    scene.log(id, NOW).await;
    assert_eq!(scene.contact(id).await.updated_at, at(NOW + 5), "a call is no change of its contact");
}

pub async fn deleting_a_contact_deletes_and_uncounts_its_calls(store: &Store) {
    let scene = Scene::new(store).await;
    let (leslie, henri) = (scene.meet("Leslie").await, scene.meet("Henri").await);
    let kept = scene.log(henri, NOW).await;
    let mut gone = Vec::new();
    for month in 0..30 {
        gone.push(scene.log(leslie, month * 2_700_000).await.id);
    }
    store.contacts.delete(scene.account, leslie).await.unwrap();
    assert_refused!(store.contacts.delete(scene.account, leslie).await, NotFound);
    assert_refused!(store.contacts.find(scene.account, leslie).await, NotFound);
    for call in gone {
        assert_refused!(store.calls.find(scene.account, call).await, NotFound);
    }
    assert_eq!(scene.all(None).await, [kept]);
    scene.assert_consistent().await;
}

pub async fn a_search_finds_every_word_and_takes_no_wildcards(store: &Store) {
    let scene = Scene::new(store).await;
    let jane = scene.add(jane()).await;
    scene.meet("Janet").await;
    for query in ["jane doe", "DOE JANE", "jd", "pilot q", "100%", "air_lines", "long"] {
        assert_eq!(found(&scene, query).await, std::slice::from_ref(&jane), "{query}");
    }
    assert_eq!(found(&scene, "jan").await.len(), 2);
    for query in ["jane smith", "1_0", "%x%", "air%lines", "\\", "'", "airxlines"] {
        assert_eq!(found(&scene, query).await, [], "{query}");
    }
    // The longest, in words and in what is looked for.
    for query in ["jane ".repeat(32), "\u{fdfa}".repeat(8)] {
        assert_eq!(found(&scene, &query).await.len(), if query.contains("jane") { 2 } else { 0 });
    }
    assert_eq!(found(&scene, &"\u{3316}".repeat(255)).await, []);
}

pub async fn fields_are_kept_added_and_taken_away(store: &Store) {
    let scene = Scene::new(store).await;
    let stored = scene.add(jane()).await;
    let id = stored.summary.id;
    let update = async |change| store.contacts.update(scene.account, id, change, at(NOW + 5)).await.unwrap();
    let added =
        update(ContactPatch { more_fields: vec![phone("+44 20 7946"), phone("15550100")], ..Default::default() }).await;
    assert_eq!(contents(&added), [phone("+1 (555) 0100"), email("Zoë@example.org"), phone("+44 20 7946")]);
    assert_eq!(added.fields[..2], stored.fields, "what stays keeps its id");
    assert_eq!((added.updated_at, added.fields[2].created_at), (at(NOW + 5), at(NOW + 5)));
    let fields = Some(vec![phone("+44 20 7946"), email("jane@example.org")]);
    let replaced = update(ContactPatch { fields, ..Default::default() }).await;
    assert_eq!(contents(&replaced), [phone("+44 20 7946"), email("jane@example.org")]);
    assert_eq!(replaced.fields[0], added.fields[2]);
    assert_eq!(scene.contact(id).await, replaced);
    let many = (0..NewContact::MAX_FIELDS).map(|n| phone(&n.to_string())).collect();
    let full = update(ContactPatch { fields: Some(many), ..Default::default() }).await;
    assert_eq!(full.fields.len(), NewContact::MAX_FIELDS);
    let more = ContactPatch { more_fields: vec![phone("15550100")], ..Default::default() };
    assert_refused!(store.contacts.update(scene.account, id, more, at(NOW + 9)).await, TooManyFields(_));
    assert_eq!(scene.contact(id).await, full);
    let emptied = update(ContactPatch { fields: Some(vec![]), ..Default::default() }).await;
    assert_eq!(emptied.fields, []);
    scene.add(jane()).await;
    store.contacts.delete(scene.account, id).await.unwrap();
}

pub async fn a_search_finds_numbers_and_addresses(store: &Store) {
    let (scene, other) = (Scene::new(store).await, Scene::new(store).await);
    let jane = scene.add(jane()).await;
    let ann = scene.add(NewContact { fields: vec![phone("+1 555 0199")], ..person("Ann") }).await;
    other.add(self::jane()).await;
    for query in
        ["phone:+1 555 0100", "Phone: 1-555-0100", "+1 5550100", "0100", "email:zoe@", "ZOE@EXAMPLE.ORG", "jane 0100"]
    {
        assert_eq!(found(&scene, query).await, std::slice::from_ref(&jane), "{query}");
    }
    assert_eq!(found(&scene, "phone:1555").await, [jane, ann]);
    for query in ["phone:+1 555 0101", "email:0100", "phone:zoe", "5550101", "facebook:zoe"] {
        assert_eq!(found(&scene, query).await, [], "{query}");
    }
}

pub async fn contacts_are_paged_in_every_order(store: &Store) {
    let scene = Scene::new(store).await;
    let mut contacts = Vec::new();
    for n in 0..11 {
        let stored = store.contacts.create(scene.account, person("J"), Uuid::from_u128(7), at(NOW + n % 3)).await;
        let change = ContactPatch { is_starred: Some(true), ..ContactPatch::default() };
        let id = stored.unwrap().summary.id;
        contacts.push(store.contacts.update(scene.account, id, change, at(NOW + 10 + n * 7 % 4)).await.unwrap());
    }
    let orders: [(Order<ContactOrder>, Stamp<Contact>); 2] =
        [(ContactOrder::CreatedAt, |c| c.created_at), (ContactOrder::UpdatedAt, |c| c.updated_at)];
    for (order, stamp) in orders {
        let mut expected = contacts.clone();
        expected.sort_by_key(|contact| (stamp(contact), contact.summary.id));
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut listed = Vec::new();
            for number in 1..=3 {
                let request = PageRequest { number, size: PageSize::new(5).unwrap(), order: order(direction) };
                let page = store.contacts.list(scene.account, ContactSearch::default(), request).await.unwrap();
                assert_eq!(page.total, 11);
                listed.extend(page.items);
            }
            assert_eq!(listed, expected, "{:?}", order(direction));
            expected.reverse();
        }
    }
}

pub async fn accounts_see_only_their_own_contacts(store: &Store) {
    let (scene, other) = (Scene::new(store).await, Scene::new(store).await);
    let foreign = other.meet("Henri").await;
    assert_refused!(store.contacts.find(scene.account, foreign).await, NotFound);
    let change = ContactPatch { is_starred: Some(true), ..ContactPatch::default() };
    assert_refused!(store.contacts.update(scene.account, foreign, change, at(NOW)).await, NotFound);
    assert_refused!(store.contacts.delete(scene.account, foreign).await, NotFound);
    assert_eq!(found(&scene, "henri").await, []);
    assert!(!other.contact(foreign).await.summary.profile.is_starred);
}
