//! Lists: pages, order, links and totals.

use serde_json::{Value, json};
use support::{Client, Setup, ids, on_both_stores};

on_both_stores!(
    lists_each_call_on_exactly_one_page_newest_first,
    returns_an_empty_page_after_the_last,
    links_to_the_next_page,
    sorts_lists_in_both_directions,
    counts_calls_per_year,
    rejects_invalid_query_parameters,
);

/// Creates 25 calls of two contacts, some at the same time. Returns the contacts.
fn create_25_calls(client: &Client) -> [i64; 2] {
    let contacts = [client.create_contact("Leslie"), client.create_contact("Henri")];
    for n in 0..25 {
        client.create_call(contacts[n % 2], &format!("201{}-0{}-01", n % 3, n % 4 + 1));
    }
    contacts
}

fn lists_each_call_on_exactly_one_page_newest_first(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let [leslie, _] = create_25_calls(&client);
    for (list, total) in [("/api/calls".to_owned(), 25), (format!("/api/contacts/{leslie}/calls"), 13)] {
        let all = client.get(&format!("{list}?limit=100")).expect(200);
        let key = |call: &Value| (call["called_at"].as_str().unwrap().to_owned(), call["id"].as_i64().unwrap());
        let keys: Vec<_> = all["data"].as_array().unwrap().iter().map(key).collect();
        assert!(keys.is_sorted_by(|a, b| a > b), "newest first, ties by id");
        assert_eq!(keys.len(), total);
        let mut listed = Vec::new();
        for page in 1..=9 {
            let part = client.get(&format!("{list}?limit=3&page={page}")).expect(200);
            let (meta, shown) = (&part["meta"], ids(&part).len());
            assert_eq!(
                (&meta["total"], &meta["per_page"], &meta["current_page"]),
                (&json!(total), &json!(3), &json!(page))
            );
            if shown > 0 {
                assert_eq!((&meta["from"], &meta["to"]), (&json!(listed.len() + 1), &json!(listed.len() + shown)));
            }
            listed.extend(ids(&part));
        }
        assert_eq!(listed, ids(&all));
    }
    assert_eq!(ids(&client.get("/api/calls").expect(200)).len(), 10, "ten by default");
    for limit in ["0", ""] {
        assert_eq!(client.get(&format!("/api/calls?limit={limit}")).expect(200)["meta"]["per_page"], 10);
    }
}

fn returns_an_empty_page_after_the_last(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    create_25_calls(&client);
    for page in ["4", "1000000", "9223372036854775807"] {
        let empty = client.get(&format!("/api/calls?page={page}")).expect(200);
        assert_eq!(empty["data"], json!([]));
        let meta = &empty["meta"];
        assert_eq!(
            (&meta["from"], &meta["to"], &meta["total"], &meta["last_page"]),
            (&Value::Null, &Value::Null, &json!(25), &json!(3))
        );
        assert_eq!(empty["links"]["next"], Value::Null);
    }
    let first = client.get("/api/calls?page=1").expect(200);
    for page in ["0", "-1", "abc", "1.5", "", "99999999999999999999"] {
        let shown = client.get(&format!("/api/calls?page={page}")).expect(200);
        assert_eq!((&shown["data"], &shown["meta"]["current_page"]), (&first["data"], &json!(1)), "{page:?} is page 1");
    }
}

fn links_to_the_next_page(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    create_25_calls(&client);
    let mut next = format!("{}/api/calls?limit=4&sort=called_at&note=a%20b", server.base);
    let mut listed = Vec::new();
    for page in 1..=7 {
        let shown = client.get(next.strip_prefix(&server.base).unwrap()).expect(200);
        listed.extend(ids(&shown));
        assert_eq!(shown["meta"]["links"].as_array().unwrap().len(), 7 + 2);
        assert_eq!(shown["meta"]["links"][page]["active"], true);
        match shown["links"]["next"].as_str() {
            Some(url) => url.clone_into(&mut next),
            None => assert_eq!(page, 7),
        }
        assert!(shown["links"]["first"].as_str().unwrap().contains("note=a+b"));
    }
    assert_eq!(listed, ids(&client.get("/api/calls?limit=100&sort=called_at").expect(200)));
    let plain = client.get("/api/calls").expect(200);
    assert_eq!(plain["links"]["last"], format!("{}/api/calls?page=3", server.base));
}

fn sorts_lists_in_both_directions(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    create_25_calls(&client);
    for sort in ["called_at", "created_at", "updated_at"] {
        let ascending = client.get(&format!("/api/calls?limit=100&sort={sort}")).expect(200);
        let key = |call: &Value| (call[sort].as_str().unwrap().to_owned(), call["id"].as_i64().unwrap());
        assert!(ascending["data"].as_array().unwrap().iter().map(key).is_sorted(), "{sort}");
        let descending = client.get(&format!("/api/calls?limit=100&sort=-{sort}")).expect(200);
        let mut reversed = ids(&descending);
        reversed.reverse();
        assert_eq!(reversed, ids(&ascending), "{sort}");
    }
}

fn counts_calls_per_year(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["statistics"], json!([]));
    let [leslie, _] = create_25_calls(&client);
    let years = r#""statistics":{"2012":8,"2011":8,"2010":9}"#;
    for list in ["/api/calls".to_owned(), "/api/calls?page=9".to_owned(), format!("/api/contacts/{leslie}/calls")] {
        assert!(client.get(&list).body.contains(years), "{list}");
    }
    client.delete(&format!("/api/contacts/{leslie}")).expect(200);
    let remaining = client.get("/api/calls").expect(200);
    assert_eq!(
        (&remaining["meta"]["total"], &remaining["meta"]["statistics"]),
        (&json!(12), &json!({"2012": 4, "2011": 4, "2010": 4}))
    );
}

fn rejects_invalid_query_parameters(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    for list in ["/api/calls".to_owned(), format!("/api/contacts/{contact}/calls"), "/api/contacts".to_owned()] {
        for limit in ["101", "100.5", "abc", "5abc", "null", "0x10", "99999999999999999999"] {
            client.get(&format!("{list}?limit={limit}")).expect_error(400, 30, "The limit parameter is too big");
        }
        client.get(&format!("{list}?limit[]=5")).expect_error(400, 30, "The limit parameter is too big");
        client.get(&format!("{list}?limit=-1")).expect_error(400, 41, "Invalid parameters.");
        for sort in ["", "bogus", "CALLED_AT", "--called_at", "id;drop"] {
            client.get(&format!("{list}?sort={sort}")).expect_error(400, 39, "The sorting criteria is invalid");
        }
        client.get(&format!("{list}?limit=101&sort=bogus")).expect_error(400, 39, "The sorting criteria is invalid");
    }
}
