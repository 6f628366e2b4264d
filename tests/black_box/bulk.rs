//! Whole contents in and out, by the command line.

use serde_json::Value;
use support::{Client, Setup, on_both_stores};

on_both_stores!(made_up_contacts_and_calls_are_the_same_each_time);

/// Every contact and every call that the server shows, by id, without the links, which name its port.
fn everything(client: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    for list in ["/api/contacts", "/api/calls"] {
        let mut items = Vec::new();
        for page in 1.. {
            let path = format!("{list}?limit=100&sort=created_at&with=contactfields&page={page}");
            let shown = client.get(&path).expect(200)["data"].take();
            match shown.as_array().unwrap().as_slice() {
                [] => break,
                some => items.extend_from_slice(some),
            }
        }
        items.sort_by_key(|item| item["id"].as_i64());
        items.iter_mut().for_each(without_links);
        all.extend(items);
    }
    all
}

fn without_links(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("url");
            members.values_mut().for_each(without_links);
        }
        Value::Array(items) => items.iter_mut().for_each(without_links),
        _ => {}
    }
}

fn made_up_contacts_and_calls_are_the_same_each_time(setup: Setup) {
    let demo = ["demo", "--contacts", "7", "--calls", "150"];
    let said = setup.output(&demo);
    assert!(said.contains("7 made-up contacts and 150 made-up calls"), "{said}");
    let second = setup.run(&demo);
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8(second.stderr).unwrap().contains("nothing was added"));
    let server = setup.serve();
    let shown = everything(&server.client());
    let ids: Vec<_> = shown.iter().map(|item| item["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=7).chain(1..=150).collect::<Vec<_>>(), "ids without gaps");
    let counted: i64 =
        shown[..7].iter().map(|contact| contact["statistics"]["number_of_calls"].as_i64().unwrap()).sum();
    assert_eq!(counted, 150);
    let other = Setup::sqlite();
    other.output(&demo);
    assert_eq!(everything(&other.serve().client()), shown);
}
