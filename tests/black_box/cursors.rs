//! Pages by cursor of every list.

use serde_json::{Value, json};
use support::{Client, Setup, ids, on_both_stores};

on_both_stores!(
    walks_every_list_forwards_and_backwards,
    shows_a_total_but_no_page_numbers,
    repeats_and_skips_nothing_while_calls_are_written,
    reads_a_cursor_of_the_same_filters_and_sort_only,
    rejects_a_page_number_beside_a_cursor,
);

/// Creates 25 calls of two contacts, many at the same time. Returns the contacts.
fn create_calls(client: &Client) -> [i64; 2] {
    let contacts = [client.create_contact("Leslie"), client.create_contact("Henri")];
    let calls: Vec<Value> = (0..25)
        .map(|n| {
            let (contact, called_at) = (contacts[n % 2], format!("201{}-0{}-01", n % 3, n % 4 + 1));
            json!({"contact_id": contact, "called_at": called_at, "content": format!("word{}", n % 2), "answered": n % 5 > 0})
        })
        .collect();
    let batch = client.post("/api/calls/batch", &json!({"calls": calls})).expect(200);
    assert_eq!(batch["meta"]["created"], 25);
    contacts
}

/// Returns the pages of a list by cursor, from the first to the last, and asserts that the way back has the same ones.
fn walk(client: &Client, list: &str) -> Vec<Value> {
    let separator = if list.contains('?') { '&' } else { '?' };
    let load = |cursor: &Value| {
        let cursor = cursor.as_str().unwrap_or_default();
        client.get(&format!("{list}{separator}cursor={cursor}")).expect(200)
    };
    let mut pages = vec![load(&Value::Null)];
    while pages[pages.len() - 1]["meta"]["next_cursor"].is_string() {
        let page = &pages[pages.len() - 1];
        let by_link = page["links"]["next"].as_str().unwrap().strip_prefix(client.base()).unwrap();
        let next = load(&page["meta"]["next_cursor"]);
        assert_eq!(client.get(by_link).expect(200), next, "the link leads to the same page");
        pages.push(next);
    }
    for n in (0..pages.len()).rev() {
        let (links, meta) = (&pages[n]["links"], &pages[n]["meta"]);
        assert_eq!(links["next"].is_string(), n + 1 < pages.len());
        assert_eq!((links["prev"].is_string(), meta["prev_cursor"].is_string()), (n > 0, n > 0), "page {n} of {list}");
        if n > 0 {
            let before = load(&meta["prev_cursor"]);
            assert_eq!(before["data"], pages[n - 1]["data"]);
            assert_eq!((before["links"]["prev"].is_string(), before["links"]["next"].is_string()), (n > 1, true));
            let by_link = links["prev"].as_str().unwrap().strip_prefix(client.base()).unwrap();
            assert_eq!(client.get(by_link).expect(200), before);
        }
    }
    pages
}

fn all_ids(pages: &[Value]) -> Vec<i64> {
    pages.iter().flat_map(ids).collect()
}

fn walks_every_list_forwards_and_backwards(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let [leslie, _] = create_calls(&client);
    for list in ["/api/calls".to_owned(), format!("/api/contacts/{leslie}/calls")] {
        for filters in ["", "&answered=1&query=word0&called_after=2010-02-01", "&query=nobody"] {
            for sort in ["", "&sort=called_at", "&sort=-called_at", "&sort=created_at", "&sort=-updated_at"] {
                let all = ids(&client.get(&format!("{list}?limit=100{filters}{sort}")).expect(200));
                for limit in [1, 4, 25] {
                    let pages = walk(&client, &format!("{list}?limit={limit}{filters}{sort}"));
                    assert_eq!(all_ids(&pages), all, "{list} {filters} {sort}");
                    assert_eq!(pages.len(), all.len().div_ceil(limit).max(1));
                    assert!(pages.iter().all(|page| page["meta"]["total"] == all.len()));
                }
            }
        }
    }
    for n in 0..5 {
        client.create_contact(&format!("Ann {n}"));
    }
    for parameters in ["", "&query=ann", "&sort=-created_at", "&sort=updated_at"] {
        let all = ids(&client.get(&format!("/api/contacts?limit=100{parameters}")).expect(200));
        assert_eq!(all_ids(&walk(&client, &format!("/api/contacts?limit=2{parameters}"))), all);
    }
    for call in 1..=7 {
        client.delete(&format!("/api/calls/{call}")).expect(200);
    }
    let deleted = walk(&client, "/api/deleted?since=-1+day&limit=3");
    assert_eq!((all_ids(&deleted), deleted.len()), ((1..=7).collect(), 3));
    assert_eq!(all_ids(&walk(&client, "/api/calls")).len(), 18, "ten on a page without a limit");
}

fn shows_a_total_but_no_page_numbers(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    create_calls(&client);
    let page = client.get("/api/calls?limit=10&answered=1&cursor=").expect(200);
    let meta = &page["meta"];
    for name in ["current_page", "last_page", "from", "to", "prev_cursor"] {
        assert_eq!(meta.get(name), Some(&Value::Null), "{name}");
    }
    assert_eq!((&meta["total"], &meta["per_page"]), (&json!(20), &json!(10)));
    assert_eq!(meta["statistics"], json!({"2012": 8, "2011": 8, "2010": 9}));
    let links = &page["links"];
    assert_eq!((links.get("last"), links.get("prev")), (Some(&Value::Null), Some(&Value::Null)));
    let next = meta["next_cursor"].as_str().unwrap();
    assert!(next.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b)), "needs no encoding: {next}");
    let stem = format!("{}/api/calls?limit=10&answered=1&cursor=", server.base);
    assert_eq!((&links["first"], &links["next"]), (&json!(stem), &json!(format!("{stem}{next}"))));
    // Without a cursor, the page has numbers and no cursors.
    let numbered = client.get("/api/calls").expect(200);
    let meta = &numbered["meta"];
    assert_eq!((meta.get("next_cursor"), meta.get("prev_cursor")), (Some(&Value::Null), Some(&Value::Null)));
    assert_eq!((&meta["current_page"], &meta["to"]), (&json!(1), &json!(10)));
    let empty = client.get("/api/calls?query=nobody&cursor=").expect(200);
    assert_eq!(
        (&empty["data"], &empty["meta"]["total"], &empty["links"]["next"]),
        (&json!([]), &json!(0), &Value::Null)
    );
}

fn repeats_and_skips_nothing_while_calls_are_written(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    for filters in ["", "&query=talked", "&called_after=2000-01-01"] {
        let stored: Vec<i64> = (1..=20)
            .map(|day| client.create_call(contact, &format!("2018-02-{day:02}"))["id"].as_i64().unwrap())
            .collect();
        let mut cursor = String::new();
        let mut listed = Vec::new();
        loop {
            let page = client.get(&format!("/api/calls?limit=5{filters}&cursor={cursor}")).expect(200);
            listed.extend(ids(&page));
            // Before the cursor, behind it, and the call at the cursor itself.
            client.create_call(contact, "2019-01-01");
            client.create_call(contact, "2018-02-01 12:00");
            let last = *listed.last().unwrap();
            client.delete(&format!("/api/calls/{last}")).expect(200);
            match page["meta"]["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        listed.retain(|id| stored.contains(id));
        assert_eq!(listed, stored.iter().rev().copied().collect::<Vec<_>>(), "{filters}");
        for id in all_ids(&walk(&client, "/api/calls?limit=100")) {
            client.delete(&format!("/api/calls/{id}")).expect(200);
        }
    }
}

fn reads_a_cursor_of_the_same_filters_and_sort_only(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let [leslie, henri] = create_calls(&client);
    let cursor_of = |list: &str| {
        let page = client.get(&format!("{list}&limit=2&cursor=")).expect(200);
        page["meta"]["next_cursor"].as_str().unwrap().to_owned()
    };
    let cursor = cursor_of("/api/calls?answered=1&query=word1&sort=called_at");
    for same in [
        "answered=1&query=word1&sort=called_at",
        "sort=called_at&query=word1&answered=1&limit=7",
        "answered=1&query=word1&sort=called_at&limit=100&unknown=1&contact_id=&page=",
    ] {
        client.get(&format!("/api/calls?{same}&cursor={cursor}")).expect(200);
    }
    let expect_refused = |path: &str| client.get(path).expect_error(400, 41, "Invalid parameters: cursor.");
    for other in [
        "answered=1&query=word1",
        "answered=1&query=word1&sort=-called_at",
        "answered=1&query=word1&sort=updated_at",
        "answered=0&query=word1&sort=called_at",
        "answered=1&query=word0&sort=called_at",
        "answered=1&sort=called_at",
        "answered=1&query=word1&sort=called_at&called_after=2000-01-01",
        "answered=1&query=word1&sort=called_at&contact_id=1",
        "",
    ] {
        expect_refused(&format!("/api/calls?{other}&cursor={cursor}"));
    }
    expect_refused(&format!("/api/contacts/{leslie}/calls?answered=1&query=word1&sort=called_at&cursor={cursor}"));
    let of_leslie = cursor_of(&format!("/api/contacts/{leslie}/calls?sort=created_at"));
    expect_refused(&format!("/api/contacts/{henri}/calls?sort=created_at&cursor={of_leslie}"));
    expect_refused(&format!("/api/contacts?sort=created_at&cursor={of_leslie}"));
    let unfiltered = cursor_of("/api/calls?");
    for text in [
        "x".to_owned(),
        "0".to_owned(),
        "null".to_owned(),
        unfiltered[1..].to_owned(),
        format!("{unfiltered}0"),
        unfiltered.repeat(2),
        "%00".to_owned(),
        "%F0%9F%8E%89".to_owned(),
        "f".repeat(unfiltered.len()),
    ] {
        for list in ["/api/calls?", "/api/contacts?", "/api/deleted?since=-1+day"] {
            expect_refused(&format!("{list}&cursor={text}"));
        }
    }
    expect_refused("/api/calls?cursor[]=");
    client.get(&format!("/api/calls?cursor={unfiltered}&limit=101")).expect_error(
        400,
        30,
        "The limit parameter is too big",
    );
    for call in 1..=3 {
        client.delete(&format!("/api/calls/{call}")).expect(200);
    }
    let deleted = cursor_of("/api/deleted?since=-2+days");
    client.get(&format!("/api/deleted?since=-2+days&limit=5&cursor={deleted}")).expect(200);
    expect_refused(&format!("/api/deleted?since=-1+day&cursor={deleted}"));
}

fn rejects_a_page_number_beside_a_cursor(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    create_calls(&client);
    let page = client.get("/api/calls?limit=5&cursor=").expect(200);
    let cursor = page["meta"]["next_cursor"].as_str().unwrap();
    for list in ["/api/calls?limit=5", "/api/contacts?", "/api/deleted?since=-1+day"] {
        for page in ["1", "2", "0", "x"] {
            let refused = client.get(&format!("{list}&page={page}&cursor="));
            refused.expect_error(400, 41, "Invalid parameters: cursor.");
        }
    }
    let refused = client.get(&format!("/api/calls?limit=5&page=1&cursor={cursor}"));
    refused.expect_error(400, 41, "Invalid parameters: cursor.");
}
