//! Single contact fields.

use domain::{
    Contact, ContactField, ContactFieldId, ContactPatch, ContactQuery, ContactSearch, NewContact, NewContactField, Uuid,
};

use super::{LATER, NOW, TestAccount, UNKNOWN_ID, UUID, assert_error, at, email, page, person, phone, unknown_contact};
use crate::outbound::Store;

const FIELD_UUID: Uuid = Uuid::from_u128(8);

fn unknown_field() -> ContactFieldId {
    ContactFieldId::new(UNKNOWN_ID).unwrap()
}

/// Adds a phone number to a new contact, at [`NOW`].
async fn create(account: &TestAccount, first_name: &str, number: &str) -> (Contact, ContactField) {
    let contact = account.create_contact(first_name).await;
    let create = account.store.contact_fields.create(account.id, contact, phone(number), FIELD_UUID, at(NOW));
    let field = create.await.unwrap().field;
    (account.find_contact(contact).await, field)
}

/// Returns the first names of the contacts that a search finds.
async fn found(account: &TestAccount, query: &str) -> Vec<String> {
    let query =
        ContactQuery { search: ContactSearch::parse(query).unwrap(), ..ContactQuery::oldest_first(page(1, 100)) };
    let contacts = account.store.contacts.list(account.id, query).await.unwrap().items;
    contacts.into_iter().map(|contact| contact.summary.profile.first_name.to_string()).collect()
}

pub async fn adds_a_field_to_its_contact(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.add_contact(NewContact { fields: vec![email("a@x.org")], ..person("Ann") }).await;
    let id = contact.summary.id;
    for n in 1..=2 {
        let create = store.contact_fields.create(account.id, id, phone("+1 555 0100"), FIELD_UUID, at(LATER));
        let created = create.await.unwrap();
        assert_eq!(created.contact, contact.summary);
        assert_eq!((&created.field.content, created.field.uuid), (&phone("+1 555 0100"), FIELD_UUID));
        assert_eq!((created.field.created_at, created.field.updated_at), (at(LATER), at(LATER)));
        assert_eq!(store.contact_fields.find(account.id, created.field.id).await.unwrap(), created);
        let changed = account.find_contact(id).await;
        assert_eq!((changed.fields.len(), changed.fields.last()), (1 + n, Some(&created.field)), "an equal one too");
        assert_eq!(changed.updated_at, at(LATER));
    }
    assert_eq!(found(&account, "phone:15550100").await, ["Ann"]);
    assert_eq!(found(&account, "0100").await, ["Ann"]);
}

pub async fn changes_a_field_in_its_place(store: &Store) {
    let account = TestAccount::create(store).await;
    let (contact, field) = create(&account, "Ann", "+1 555 0100").await;
    let id = contact.summary.id;
    let update =
        async |content, now| store.contact_fields.update(account.id, field.id, id, content, at(now)).await.unwrap();
    assert_eq!(update(phone("+1 555 0100"), LATER).await.field, field);
    assert_eq!(account.find_contact(id).await, contact, "nothing has changed");
    let changed = update(email("ann@x.org"), LATER).await;
    let expected = ContactField { content: email("ann@x.org"), updated_at: at(LATER), ..field.clone() };
    assert_eq!(changed.field, expected);
    let changed = account.find_contact(id).await;
    assert_eq!((changed.fields, changed.updated_at), (vec![expected], at(LATER)));
    assert_eq!(found(&account, "email:ann@x.org").await, ["Ann"]);
    assert_eq!(found(&account, "phone:0100").await, Vec::<String>::new());
    assert_eq!(found(&account, "555").await, Vec::<String>::new());
}

pub async fn moves_a_field_to_another_contact(store: &Store) {
    let account = TestAccount::create(store).await;
    for (from, to) in [("Ann", "Ben"), ("Zoe", "Yan")] {
        // To a contact with a higher id, and to one with a lower id.
        let (first, second) = (create(&account, from, "+1 555 0100").await, create(&account, to, "+1 555 0199").await);
        let ((old, field), (new, kept)) = if from == "Ann" { (first, second) } else { (second, first) };
        let update = store.contact_fields.update(account.id, field.id, new.summary.id, phone("7777777"), at(LATER));
        let moved = update.await.unwrap();
        assert_eq!(moved.contact, new.summary);
        assert_eq!((moved.field.id, moved.field.uuid, &moved.field.content), (field.id, FIELD_UUID, &phone("7777777")));
        let (old, new) = (account.find_contact(old.summary.id).await, account.find_contact(new.summary.id).await);
        assert_eq!((old.fields, old.updated_at), (vec![], at(LATER)));
        let mut expected = vec![kept, moved.field];
        expected.sort_by_key(|field| field.id);
        assert_eq!((new.fields, new.updated_at), (expected, at(LATER)));
        assert_eq!(found(&account, "7777777").await, [new.summary.profile.first_name.to_string()]);
        account.delete_contact(new.summary.id).await.unwrap();
    }
}

pub async fn deletes_a_field(store: &Store) {
    let account = TestAccount::create(store).await;
    let (contact, field) = create(&account, "Ann", "+1 555 0100").await;
    store.contact_fields.delete(account.id, field.id, at(LATER)).await.unwrap();
    let changed = account.find_contact(contact.summary.id).await;
    assert_eq!((changed.fields, changed.updated_at), (vec![], at(LATER)));
    assert_eq!(found(&account, "555").await, Vec::<String>::new());
    assert_error!(store.contact_fields.find(account.id, field.id).await, NotFound);
    assert_error!(store.contact_fields.delete(account.id, field.id, at(LATER)).await, NotFound);
    let (_, new) = create(&account, "Ben", "1").await;
    assert!(new.id > field.id, "ids are not reused");
    account.delete_contact(new_contact(&account, "Ben").await.summary.id).await.unwrap();
    assert_error!(store.contact_fields.find(account.id, new.id).await, NotFound);
}

/// Returns the contact of this name.
async fn new_contact(account: &TestAccount, first_name: &str) -> Contact {
    let contacts = account.all_contacts().await;
    contacts.into_iter().find(|contact| contact.summary.profile.first_name.as_str() == first_name).unwrap()
}

pub async fn does_not_write_fields_of_archived_or_full_contacts(store: &Store) {
    let account = TestAccount::create(store).await;
    let ((archived, field), (active, other)) = (create(&account, "Ann", "1").await, create(&account, "Ben", "2").await);
    let (archived, active) = (archived.summary.id, active.summary.id);
    account.update_contact(archived, ContactPatch { is_active: Some(false), ..ContactPatch::default() }).await;
    let fields = &store.contact_fields;
    assert_error!(fields.create(account.id, archived, phone("3"), UUID, at(LATER)).await, Archived);
    for (field, contact) in [(field.id, archived), (field.id, active), (other.id, archived)] {
        assert_error!(fields.update(account.id, field, contact, phone("3"), at(LATER)).await, Archived);
    }
    assert_error!(fields.delete(account.id, field.id, at(LATER)).await, Archived);
    assert_eq!(fields.find(account.id, field.id).await.unwrap().field, field);

    let numbers = (0..NewContact::MAX_FIELDS).map(|n| phone(&n.to_string())).collect();
    let full = account.add_contact(NewContact { fields: numbers, ..person("Tom") }).await;
    let id = full.summary.id;
    assert_error!(fields.create(account.id, id, phone("x"), UUID, at(LATER)).await, TooManyFields(_));
    assert_error!(fields.update(account.id, other.id, id, phone("x"), at(LATER)).await, TooManyFields(_));
    assert_eq!(account.find_contact(id).await, full);
    fields.update(account.id, full.fields[0].id, id, phone("x"), at(LATER)).await.unwrap();
}

pub async fn isolates_contact_fields_of_accounts(store: &Store) {
    let (account, other) = (TestAccount::create(store).await, TestAccount::create(store).await);
    let ((own_contact, own), (contact, foreign)) =
        (create(&account, "Ann", "1").await, create(&other, "Henri", "2").await);
    let (own_contact, contact_id) = (own_contact.summary.id, contact.summary.id);
    let fields = &store.contact_fields;
    for contact in [contact_id, unknown_contact()] {
        assert_error!(fields.create(account.id, contact, phone("3"), UUID, at(LATER)).await, NotFound);
        assert_error!(fields.update(account.id, own.id, contact, phone("3"), at(LATER)).await, NotFound);
    }
    for field in [foreign.id, unknown_field()] {
        assert_error!(fields.find(account.id, field).await, NotFound);
        assert_error!(fields.update(account.id, field, own_contact, phone("3"), at(LATER)).await, NotFound);
        assert_error!(fields.update(account.id, field, contact_id, phone("3"), at(LATER)).await, NotFound);
        assert_error!(fields.delete(account.id, field, at(LATER)).await, NotFound);
    }
    assert_eq!(other.find_contact(contact_id).await, contact);
    assert_eq!(fields.find(account.id, own.id).await.unwrap().field, own);
}

pub async fn keeps_fields_that_many_writers_move(store: &Store) {
    let account = TestAccount::create(store).await;
    let contacts = [
        create(&account, "Ann", "1000001").await,
        create(&account, "Ben", "1000002").await,
        create(&account, "Zoe", "1000003").await,
    ];
    let ids: Vec<_> = contacts.iter().map(|(contact, _)| contact.summary.id).collect();
    let writers: Vec<_> = (0..16_usize)
        .map(|n| {
            let (account, ids, field) = (account.clone(), ids.clone(), contacts[n % 3].1.clone());
            tokio::spawn(async move {
                for round in 0..10 {
                    let contact = ids[(n + round) % 3];
                    let fields = &account.store.contact_fields;
                    fields.update(account.id, field.id, contact, field.content.clone(), at(LATER)).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut listed = Vec::new();
    for contact in account.all_contacts().await {
        for field in contact.fields {
            let query = field.content.data.to_string();
            assert_eq!(found(&account, &query).await, [contact.summary.profile.first_name.to_string()]);
            listed.push(field.content);
        }
    }
    listed.sort_by_key(|field: &NewContactField| field.data.to_string());
    assert_eq!(listed, [phone("1000001"), phone("1000002"), phone("1000003")]);
}
