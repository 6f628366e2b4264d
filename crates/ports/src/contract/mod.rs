//! The laws that every store must keep, each written once. A storage adapter's tests run them all:
//!
//! ```text
//! ports::contract_tests!(opened_store());
//! ```
//!
//! Every law makes accounts of its own, so all of them may run on one store at the same time.

// The laws are tests that happen to live in a library.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, missing_docs)]

pub mod accounts;
pub mod bulk;
pub mod calls;
pub mod contacts;
pub mod counters;
pub mod races;

use domain::{
    Account, AccountId, Call, CallOrder, Contact, ContactId, ContactOrder, ContactSearch, Content, Direction, Name,
    NewCall, NewContact, PageRequest, PageSize, Timestamp, Uuid,
};

use crate::outbound::{CallPage, Store};

/// Makes one test of each law; the expression opens the store.
#[macro_export]
macro_rules! contract_tests {
    ($store:expr) => {
        $crate::contract_tests! { $store;
            accounts {
                a_token_is_found_by_its_hash_until_the_end,
                a_token_of_one_hash_is_stored_once,
                a_token_is_revoked_once_and_for_all,
                accounts_are_listed_by_id,
                the_first_account_is_made_once,
                the_store_says_that_it_is_well,
            }
            bulk {
                what_was_imported_is_read_again,
                importing_twice_adds_nothing,
                two_imports_at_once_add_everything_once,
                a_dry_run_tells_the_same_and_changes_nothing,
                a_call_without_its_contact_is_left_out,
                an_import_that_breaks_goes_on_where_it_broke,
                what_is_read_is_of_one_moment,
            }
            counters {
                nothing_is_wrong_with_the_counters_of_a_sound_store,
                every_month_is_counted_as_the_domain_numbers_it,
                nothing_is_wrong_at_any_moment_of_many_writers,
            }
            calls {
                a_call_is_read_as_it_was_stored,
                a_call_cannot_be_orphan,
                a_foreign_contact_takes_no_call,
                an_archived_contact_s_calls_stay_as_they_are,
                last_called_is_the_newest_call_at_every_step,
                a_moved_call_counts_for_its_new_contact,
                an_unchanged_call_keeps_its_updated_at,
                a_deleted_call_is_gone,
                a_change_may_expect_a_version,
                a_request_that_names_itself_is_done_once,
                ids_are_never_used_twice,
                pages_partition_the_list_in_every_order,
                deep_pages_are_found_as_shallow_ones_are,
                totals_and_years_are_exact,
                accounts_see_only_their_own_calls,
            }
            contacts {
                a_contact_is_read_as_it_was_stored,
                a_change_keeps_what_it_does_not_name,
                deleting_a_contact_deletes_and_uncounts_its_calls,
                fields_are_kept_added_and_taken_away,
                a_search_finds_every_word_and_takes_no_wildcards,
                a_search_finds_numbers_and_addresses,
                contacts_are_paged_in_every_order,
                accounts_see_only_their_own_contacts,
            }
            races {
                sixteen_writers_keep_every_count_and_last_called,
                a_contact_deleted_under_load_leaves_no_call,
                of_requests_with_one_key_one_is_done,
                of_changes_that_expect_one_version_one_is_done,
                changes_of_one_call_are_done_one_after_the_other,
                the_store_does_what_a_model_in_memory_does,
                readers_of_one_moment_get_each_their_own,
            }
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn a_whole_store_is_restored_as_it_was() {
            $crate::contract::bulk::a_whole_store_is_restored_as_it_was(&$store, &$store).await;
        }
    };
    ($store:expr; $($module:ident { $($law:ident,)* })*) => {
        $($(
            #[tokio::test(flavor = "multi_thread")]
            async fn $law() {
                $crate::contract::$module::$law(&$store).await;
            }
        )*)*
    };
}

/// The time at which the laws play, in Unix seconds: 2024-02-29T10:20:30Z.
const NOW: i64 = 1_709_202_030;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn person(first_name: &str) -> NewContact {
    NewContact::new(name(first_name))
}

fn call(contact: ContactId, called_at: i64) -> NewCall {
    NewCall {
        contact,
        called_at: at(called_at),
        content: Content::parse("He called, we had fun.").ok(),
        contact_called: None,
        emotions: vec![],
    }
}

fn page(number: u64, size: u32, order: CallOrder) -> PageRequest<CallOrder> {
    PageRequest { number, size: PageSize::new(size).unwrap(), order }
}

/// Where an item of a sorted list stands.
type Stamp<T> = fn(&T) -> Timestamp;

/// An order, once its direction is known.
type Order<T> = fn(Direction) -> T;

const NEWEST_CALL_FIRST: CallOrder = CallOrder::CalledAt(Direction::Descending);

/// One account of a store, and the verbs that the laws use on it.
#[derive(Clone)]
struct Scene {
    store: Store,
    account: AccountId,
}

impl Scene {
    async fn new(store: &Store) -> Self {
        let Account { id, .. } = store.accounts.create(name("contract"), at(NOW)).await.unwrap();
        Self { store: store.clone(), account: id }
    }

    async fn meet(&self, first_name: &str) -> ContactId {
        self.add(person(first_name)).await.summary.id
    }

    async fn add(&self, contact: NewContact) -> Contact {
        self.store.contacts.create(self.account, contact, Uuid::from_u128(7), at(NOW)).await.unwrap()
    }

    async fn contact(&self, id: ContactId) -> Contact {
        self.store.contacts.find(self.account, id).await.unwrap()
    }

    async fn log(&self, contact: ContactId, called_at: i64) -> Call {
        self.create(call(contact, called_at)).await.unwrap()
    }

    async fn create(&self, call: NewCall) -> crate::Result<Call> {
        self.store.calls.create(self.account, call, Uuid::from_u128(7), at(NOW), None).await
    }

    async fn page(&self, of: Option<ContactId>, request: PageRequest<CallOrder>) -> CallPage {
        self.store.calls.list(self.account, of, request).await.unwrap()
    }

    /// Every call of the account, page by page.
    async fn all(&self, of: Option<ContactId>) -> Vec<Call> {
        let mut all = Vec::new();
        for number in 1.. {
            let page = self.page(of, page(number, 100, NEWEST_CALL_FIRST)).await.page;
            if page.items.is_empty() {
                assert_eq!(page.total, all.len() as u64, "the total is the number of calls");
                break;
            }
            all.extend(page.items);
        }
        all
    }

    /// Counts, years and `last_called` say what a count over the calls says.
    async fn assert_consistent(&self) {
        let calls = self.all(None).await;
        let mut years = std::collections::BTreeMap::<i32, u64>::new();
        for call in &calls {
            *years.entry(call.called_at.year()).or_default() += 1;
        }
        let counted = self.page(None, page(1, 1, NEWEST_CALL_FIRST)).await.years;
        assert_eq!(counted, years.into_iter().rev().collect::<Vec<_>>(), "the years");
        for contact in self.contacts().await {
            let own = || calls.iter().filter(|call| call.contact.id == contact.summary.id);
            assert_eq!(contact.calls, own().count() as u64, "the calls of contact {}", contact.summary.id);
            let newest = own().map(|call| call.called_at).max();
            assert_eq!(contact.last_called, newest, "last_called of contact {}", contact.summary.id);
        }
    }

    /// Every contact of the account, page by page.
    async fn contacts(&self) -> Vec<Contact> {
        let order = ContactOrder::CreatedAt(Direction::Ascending);
        let mut all = Vec::new();
        for number in 1.. {
            let request = PageRequest { number, size: PageSize::new(100).unwrap(), order };
            let page = self.store.contacts.list(self.account, ContactSearch::default(), request).await.unwrap();
            if page.items.is_empty() {
                break;
            }
            all.extend(page.items);
        }
        all
    }
}

/// Asserts that the answer is this refusal.
macro_rules! assert_refused {
    ($answer:expr, $refusal:ident $(($cause:pat))?) => {
        let answer = $answer;
        assert!(matches!(answer, Err($crate::Error::$refusal $(($cause))?)), "{answer:?} is not {}", stringify!($refusal));
    };
}
use assert_refused;
