//! What remains known of deleted calls and contacts.

use domain::{Cursor, DeletedObject, Deletion, DeletionQuery, ItemKey, Page, PageSize, Timestamp};

use super::upserts::with_external_id;
use super::{NOW, TestAccount, UUID, assert_error, at, call, name, never};
use crate::outbound::Store;

async fn list(account: &TestAccount, since: Timestamp, cursor: Cursor, size: u32) -> Page<Deletion> {
    let query = DeletionQuery { since, cursor, size: PageSize::new(size).unwrap() };
    account.store.deletions.list(account.id, query).await.unwrap()
}

/// Returns the kinds and ids of all deletions, the oldest first.
async fn all(account: &TestAccount) -> Vec<(DeletedObject, i64)> {
    let page = list(account, Timestamp::MIN, Cursor::First, 100).await;
    page.items.into_iter().map(|deletion| (deletion.object, deletion.id)).collect()
}

pub async fn a_deletion_is_recorded_with_everything_that_it_deletes(store: &Store) {
    let account = TestAccount::create(store).await;
    let (leslie, henri) = (account.create_contact("Leslie").await, account.create_contact("Henri").await);
    let keyed = with_external_id(call(leslie, 0), "pbx-1");
    let upserted = store.calls.upsert(account.id, vec![(UUID, keyed.into())], at(NOW), None).await.unwrap();
    let keyed = upserted.into_iter().next().unwrap().unwrap().call.id;
    let (kept, other) = (account.record(henri, 0).await.id, account.record(leslie, 1).await.id);
    assert_error!(store.calls.delete(account.id, keyed, at(NOW), never()).await, PreconditionFailed);
    assert_error!(store.contacts.delete(account.id, leslie, at(NOW), never()).await, PreconditionFailed);
    assert_eq!(all(&account).await, []);
    store.calls.delete(account.id, keyed, at(NOW), None).await.unwrap();
    let expected = Deletion {
        number: 0,
        object: DeletedObject::Call,
        id: keyed.get(),
        uuid: UUID,
        external_id: Some(name("pbx-1")),
        deleted_at: at(NOW),
    };
    let page = list(&account, at(NOW), Cursor::First, 100).await;
    assert_eq!(page.items.into_iter().map(|item| Deletion { number: 0, ..item }).collect::<Vec<_>>(), [expected]);
    account.delete_contact(leslie).await.unwrap();
    let call = |id: domain::CallId| (DeletedObject::Call, id.get());
    assert_eq!(all(&account).await, [call(keyed), call(other), (DeletedObject::Contact, leslie.get())]);
    account.find_call(kept).await.unwrap();
    assert_eq!(all(&TestAccount::create(store).await).await, [], "another account");
    store.accounts.delete(account.id).unwrap();
}

pub async fn deletions_are_paged_by_cursor(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let mut ids = Vec::new();
    for n in 0..10 {
        let call = account.record(contact, 0).await.id;
        store.calls.delete(account.id, call, at(NOW + n / 3), None).await.unwrap();
        ids.push(call.get());
    }
    let key = |deletion: &Deletion| ItemKey { value: deletion.deleted_at, id: deletion.number };
    let mut page = list(&account, at(NOW + 1), Cursor::First, 3).await;
    let mut listed = page.items.clone();
    while page.has_more {
        assert_eq!(page.total, 7);
        page = list(&account, at(NOW + 1), Cursor::After(key(listed.last().unwrap())), 3).await;
        listed.extend(page.items.clone());
    }
    assert_eq!(listed.iter().map(|deletion| deletion.id).collect::<Vec<_>>(), ids[3..]);
    let before = list(&account, at(NOW + 1), Cursor::Before(key(&listed[3])), 3).await;
    assert_eq!((before.items, before.has_more), (listed[..3].to_vec(), false));
}

pub async fn forgets_deletions_before_a_time(store: &Store) {
    let account = TestAccount::create(store).await;
    let contact = account.create_contact("Leslie").await;
    let mut ids = Vec::new();
    for n in 0..4 {
        let call = account.record(contact, 0).await.id;
        store.calls.delete(account.id, call, at(NOW + n), None).await.unwrap();
        ids.push((DeletedObject::Call, call.get()));
    }
    store.deletions.forget(at(NOW + 2)).await.unwrap();
    assert_eq!(all(&account).await, ids[2..]);
}
