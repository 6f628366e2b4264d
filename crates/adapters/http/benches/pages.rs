//! `cargo bench -p callbook-http --features measuring`: the cost of calls as JSON.
#![allow(clippy::unwrap_used)]

use divan::Bencher;
use domain::{
    AccountId, Call, CallDetails, CallId, ContactId, ContactSummary, Content, Name, NewContact, Page, Timestamp, Uuid,
};
use http_adapter::measuring::{call_with_etag, page_of_calls};
use ports::inbound::CallPage;

fn main() {
    divan::main();
}

fn call(id: i64, contact: i64) -> Call {
    let (account, at) = (AccountId::new(1).unwrap(), Timestamp::from_unix(1_517_529_600 + id * 86_400).unwrap());
    let profile = NewContact::new(Name::parse("Leslie").unwrap()).profile;
    let contact = ContactSummary { id: ContactId::new(contact).unwrap(), uuid: Uuid::from_u128(7), account, profile };
    Call {
        id: CallId::new(id).unwrap(),
        uuid: Uuid::from_u128(id.unsigned_abs().into()),
        account,
        contact,
        details: CallDetails {
            content: Content::parse("We talked about nice stuff, and the wedding. He called, we had fun.").ok(),
            contact_called: Some(true),
            ..CallDetails::at(at)
        },
        created_at: at,
        updated_at: at,
    }
}

#[divan::bench(args = [1, 10, 100])]
fn of_one_contact(bencher: Bencher, calls: i64) {
    page(bencher, (1..=calls).map(|id| call(id, 3)).collect());
}

#[divan::bench(args = [1, 10, 100])]
fn of_many_contacts(bencher: Bencher, calls: i64) {
    page(bencher, (1..=calls).map(|id| call(id, id)).collect());
}

#[divan::bench]
fn one_call(bencher: Bencher) {
    let call = call(1, 3);
    bencher.bench_local(|| call_with_etag(&call));
}

fn page(bencher: Bencher, items: Vec<Call>) {
    let calls_per_year = (2015..=2025).rev().map(|year| (year, 90_000)).collect();
    let page = CallPage { page: Page::new(items, 1_000_000), calls_per_year };
    bencher.bench_local(|| page_of_calls(&page));
}
