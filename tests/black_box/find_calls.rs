//! Search and filters of `GET /calls` and `GET /contacts/:id/calls`.

use serde_json::{Value, json};
use support::{Client, Setup, encode, find, ids, on_both_stores};

on_both_stores!(
    finds_words_and_their_beginnings_without_case_and_accents,
    decodes_a_query_in_every_url_encoding,
    reads_the_syntax_of_databases_as_text,
    limits_the_length_of_a_query,
    finds_contacts_by_the_same_folding,
    finds_calls_of_one_or_several_contacts,
    finds_calls_in_a_period_of_any_dates,
    finds_calls_changed_since_an_instant,
    finds_calls_by_direction_and_outcome,
    finds_the_call_with_an_external_id,
    combines_all_filters_with_sort_limit_and_page,
    keeps_filters_in_all_links,
    reads_empty_values_as_no_filter,
    names_the_parameter_that_cannot_be_read,
);

fn record(client: &Client, contact: i64, called_at: &str, content: &str) -> i64 {
    let body = json!({"contact_id": contact, "called_at": called_at, "content": content});
    client.post("/api/calls", &body).expect(201)["data"]["id"].as_i64().unwrap()
}

#[track_caller]
fn search(client: &Client, query: &str) -> Vec<i64> {
    find(client, &format!("/api/calls?query={}", encode(query)))
}

fn finds_words_and_their_beginnings_without_case_and_accents(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let texts = [
        "Zoë's new flat: Straße 12, fourth floor.",
        "Pojechał do Łodzi. LODZ!",
        "Ο Οδυσσεύς και ο Σίσυφος",
        "Ünïcödé e-mail to zoe@example.org",
        "They talked",
    ];
    let calls = texts.map(|text| record(&client, contact, "2018-02-02", text));
    for (query, found) in [
        ("zoe", &[3, 0][..]),
        ("ZOË'S FLAT", &[0]),
        ("strasse", &[0]),
        ("fl fourth", &[0]),
        ("12", &[0]),
        ("lodz", &[1]),
        ("Łódź", &[1]),
        ("οδυσσευσ", &[2]),
        ("ΟΔΥΣΣΕΎΣ σισυφος", &[2]),
        ("unicode", &[3]),
        ("E-Mail", &[3]),
        ("example.org zoe", &[3]),
        ("talk", &[4]),
        ("t", &[4, 3]),
        // Not the end or the middle of a word, and not a word of another call.
        ("alked", &[]),
        ("oe", &[]),
        ("talked zoe", &[]),
        ("flats", &[]),
    ] {
        let expected: Vec<i64> = found.iter().map(|n| calls[*n]).collect();
        assert_eq!(search(&client, query), expected, "{query}");
        let of_contact = format!("/api/contacts/{contact}/calls?query={}", encode(query));
        assert_eq!(find(&client, &of_contact), expected, "{query}");
    }
    // The index follows changes.
    client.patch(&format!("/api/calls/{}", calls[4]), &json!({"content": "They laughed"})).expect(200);
    assert_eq!((search(&client, "talked"), search(&client, "laughed")), (vec![], vec![calls[4]]));
    client.delete(&format!("/api/calls/{}", calls[4])).expect(200);
    assert_eq!(search(&client, "laughed"), [0; 0]);
    let other = client.with_token(Some(&setup.new_account_token()));
    assert_eq!(search(&other, "zoe"), [0; 0], "another account");
}

fn decodes_a_query_in_every_url_encoding(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = record(&client, contact, "2018-02-02", "Zoë & Łukasz: 1+1 calls");
    for query in [
        "zo%C3%AB+calls",
        "zo%c3%ab%20calls",
        "zoe%CC%88",
        "%5A%4F%C3%8B",
        "zoe%26lukasz",
        "1%2B1",
        "+zoe++",
        "%C2%A0zoe%E2%80%8B",
        "zoe%09calls%0D%0A",
        "lukasz&query=zoe",
    ] {
        assert_eq!(find(&client, &format!("/api/calls?query={query}")), [call], "{query}");
    }
    // The ampersand separates parameters.
    assert_eq!(find(&client, "/api/calls?query=zoe&nothing"), [call]);
    // Bytes that are not UTF-8 are no letters.
    assert_eq!((find(&client, "/api/calls?query=zoe%FF"), find(&client, "/api/calls?query=%FF")), (vec![call], vec![]));
    client.get("/api/calls?query[]=zoe").expect_error(400, 41, "Invalid parameters: query.");
}

fn reads_the_syntax_of_databases_as_text(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = record(&client, contact, "2018-02-02", "near a b or not and c");
    for query in [
        "\"",
        "*",
        "NEAR(",
        "NEAR(a b)",
        "a:b",
        "-",
        "-a",
        "\0",
        "a\0b",
        "a*",
        "\"a",
        "a\" OR \"b",
        "^a",
        "{a}",
        "(a",
        "a)",
        "NOT c",
        "a AND b",
        "a OR b",
        "a & b",
        "a | b",
        "!a",
        "a <-> b",
        "a:*",
        "'a'",
        "''",
        "'; DROP TABLE calls",
        "a\\",
        "\\",
        "%",
        "_",
        "%a",
        "[a]",
        "☎",
        "\u{301}",
        "\u{202e}a",
    ] {
        let expected = if query.contains(|c: char| c.is_ascii_alphabetic()) && !query.contains("DROP") {
            vec![call]
        } else {
            vec![]
        };
        assert_eq!(search(&client, query), expected, "{query:?}");
        assert_eq!(client.get(&format!("/api/contacts?query={}", encode(query))).status, 200, "{query:?}");
    }
}

fn limits_the_length_of_a_query(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("é");
    let word = "é".repeat(300);
    let call = record(&client, contact, "2018-02-02", &format!("{word} a"));
    assert_eq!(search(&client, &"é".repeat(255)), [call]);
    assert_eq!(search(&client, &format!("  {}  ", "é".repeat(255))), [call], "trimmed");
    assert_eq!(search(&client, &["a"; 32].join("-")), [call]);
    for query in ["é".repeat(256), ["a"; 33].join("-"), "a ".repeat(33)] {
        for list in ["/api/calls", "/api/calls.csv", &format!("/api/contacts/{contact}/calls")] {
            let response = client.get(&format!("{list}?query={}", encode(&query)));
            response.expect_error(400, 41, "Invalid parameters: query.");
        }
        let contacts = client.get(&format!("/api/contacts?query={}", encode(&query)));
        assert_eq!((contacts.status, &contacts.json()["error"]["error_code"]), (400, &json!(41)));
    }
}

fn finds_contacts_by_the_same_folding(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contacts = ["Zoë", "Straßer", "Łódź", "Σίσυφος"].map(|name| client.create_contact(name));
    for (query, n) in
        [("zoe", 0), ("ZOË", 0), ("strasse", 1), ("STRASSER", 1), ("lodz", 2), ("σισυφοσ", 3), ("ΣΊΣΥΦΟΣ", 3)]
    {
        let found = client.get(&format!("/api/contacts?query={}", encode(query))).expect(200);
        assert_eq!((ids(&found), &found["meta"]["total"]), (vec![contacts[n]], &json!(1)), "{query}");
    }
}

fn finds_calls_of_one_or_several_contacts(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contacts = ["Leslie", "Henri", "Ann"].map(|name| client.create_contact(name));
    let calls = [0, 1, 2, 0].map(|n| record(&client, contacts[n], "2018-02-02", "x"));
    let [leslie, henri, _] = contacts;
    for (value, found) in [
        (format!("{leslie}"), &[3, 0][..]),
        (format!("{leslie},{henri}"), &[3, 1, 0]),
        (format!("%20{henri}%20,%20{leslie},{leslie}"), &[3, 1, 0]),
        (format!("{henri},999999"), &[1]),
        ("999999".to_owned(), &[]),
        ("0".to_owned(), &[]),
        ("-1".to_owned(), &[]),
        ("9007199254740993".to_owned(), &[]),
    ] {
        let expected: Vec<i64> = found.iter().map(|n| calls[*n]).collect();
        assert_eq!(find(&client, &format!("/api/calls?contact_id={value}")), expected, "{value}");
    }
    // The path names the contact.
    for value in [henri.to_string(), "x".to_owned()] {
        let of_leslie = format!("/api/contacts/{leslie}/calls?contact_id={value}");
        assert_eq!(find(&client, &of_leslie), [calls[3], calls[0]]);
    }
    client.get("/api/contacts/999999/calls?query=x").expect_not_found();
    let other = client.with_token(Some(&setup.new_account_token()));
    assert_eq!(find(&other, &format!("/api/calls?contact_id={leslie}")), [0; 0], "another account");
}

fn finds_calls_in_a_period_of_any_dates(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let times = ["0001-01-01", "2018-02-01 23:59:59", "2018-02-02", "2018-02-02 12:00", "9999-12-31 23:59:59"];
    let calls = times.map(|time| record(&client, contact, time, "x"));
    let yesterday = record(&client, contact, "yesterday noon", "x");
    let expect = |query: &str, found: &[i64]| {
        let mut found = found.to_vec();
        found.sort_unstable();
        let mut actual = find(&client, &format!("/api/calls?{query}"));
        actual.sort_unstable();
        assert_eq!(actual, found, "{query}");
    };
    let [first, before, at, noon, last] = calls;
    expect("called_after=2018-02-02", &[at, noon, yesterday, last]);
    expect("called_after=2018-02-02T00:00:01Z", &[noon, yesterday, last]);
    expect("called_before=2018-02-02", &[first, before]);
    expect("called_before=2018-02-02%2000:00:01", &[first, before, at]);
    expect("called_after=2018-02-02&called_before=2018-02-02%2012:00", &[at]);
    expect("called_after=2018-02-03&called_before=2018-02-02", &[]);
    // With an offset, as Unix time, and relative to now.
    expect("called_after=2018-02-02T14:00:00%2B02:00&called_before=2018-02-03", &[noon]);
    expect("called_after=@1517572800&called_before=20180203", &[noon]);
    expect("called_after=yesterday&called_before=today", &[yesterday]);
    expect("called_after=-2+days&called_before=tomorrow", &[yesterday]);
    expect("called_before=0001-01-01", &[]);
    expect("called_after=9999-12-31+23:59:59", &[last]);
}

fn finds_calls_changed_since_an_instant(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let calls = ["2018-02-02", "2018-02-03", "2018-02-04"].map(|time| record(&client, contact, time, "x"));
    support::wait_for_next_second();
    let path = |call: i64| format!("/api/calls/{call}");
    let changed = client.patch(&path(calls[0]), &json!({"answered": true})).expect(200);
    client.patch(&path(calls[1]), &json!({"content": "x"})).expect(200);
    let since = |time: &Value| find(&client, &format!("/api/calls?updated_since={}", encode(time.as_str().unwrap())));
    assert_eq!(since(&changed["data"]["updated_at"]), [calls[0]], "from the instant on");
    assert_eq!(since(&changed["data"]["created_at"]).len(), 3);
    assert_eq!(since(&json!("tomorrow")), [0; 0]);
    assert_eq!(since(&json!("-1 hour")).len(), 3);
    let of_contact = format!("/api/contacts/{contact}/calls?updated_since=-1+hour&sort=updated_at");
    assert_eq!(find(&client, &of_contact), [calls[1], calls[2], calls[0]]);
}

fn finds_calls_by_direction_and_outcome(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let mut calls = Vec::new();
    for contact_called in [None, Some(true), Some(false)] {
        for answered in [None, Some(true), Some(false)] {
            let body = json!({
                "contact_id": contact, "called_at": "2018-02-02", "content": "x", "contact_called": contact_called,
                "answered": answered,
            });
            calls.insert(0, client.post("/api/calls", &body).expect(201)["data"].clone());
        }
    }
    for (text, value) in [("true", true), ("1", true), ("%201%20", true), ("false", false), ("0", false)] {
        // Calls of which the value is unknown are found by neither.
        let with = |names: &[&str]| {
            let found = calls.iter().filter(|call| names.iter().all(|name| call[name] == value));
            found.map(|call| call["id"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        for name in ["contact_called", "answered"] {
            assert_eq!(find(&client, &format!("/api/calls?{name}={text}")), with(&[name]));
        }
        let both = find(&client, &format!("/api/contacts/{contact}/calls?answered={text}&contact_called={text}"));
        assert_eq!(both, with(&["contact_called", "answered"]));
    }
}

fn finds_the_call_with_an_external_id(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let create = |external_id: &str| {
        let body =
            json!({"contact_id": contact, "called_at": "2018-02-02", "content": "x", "external_id": external_id});
        client.post("/api/calls", &body).expect(201)["data"]["id"].as_i64().unwrap()
    };
    let (first, second) = (create("pbx:1 & é"), create("pbx:1 & É"));
    client.create_call(contact, "2018-02-02");
    let by_id = |external_id: &str| find(&client, &format!("/api/calls?external_id={}", encode(external_id)));
    assert_eq!((by_id("pbx:1 & é"), by_id("  pbx:1 & É ")), (vec![first], vec![second]));
    assert_eq!((by_id("pbx:1"), by_id("pbx%"), by_id(&"x".repeat(255))), (vec![], vec![], vec![]));
    let other = client.create_contact("Henri");
    let elsewhere = format!("/api/contacts/{other}/calls?external_id={}", encode("pbx:1 & é"));
    assert_eq!(find(&client, &elsewhere), [0; 0]);
}

fn combines_all_filters_with_sort_limit_and_page(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contacts = [client.create_contact("Leslie"), client.create_contact("Henri")];
    let mut calls = Vec::new();
    for n in 0..60 {
        let body = json!({
            "contact_id": contacts[n % 2],
            "called_at": format!("20{:02}-01-01", n % 20),
            "content": if n % 3 == 0 { "A wedding" } else { "Nothing" },
            "contact_called": n % 4 < 2,
            "answered": n % 5 != 0,
            "external_id": format!("id-{n}"),
        });
        calls.push(client.post("/api/calls", &body).expect(201)["data"].clone());
    }
    let is_found = |call: &&Value| {
        call["content"] == "A wedding"
            && call["contact"]["id"] == contacts[0]
            && call["contact_called"] == true
            && call["answered"] == true
            && call["called_at"].as_str().unwrap() >= "2002"
            && call["called_at"].as_str().unwrap() < "2016"
    };
    let filters = format!(
        "query=wed&contact_id={},999&contact_called=1&answered=true&called_after=2002-01-01&called_before=2016-01-01\
         &updated_since=-1+day",
        contacts[0]
    );
    let mut expected: Vec<&Value> = calls.iter().filter(is_found).collect();
    assert!(expected.len() >= 3, "the test finds several calls: {}", expected.len());
    let newest_first = |call: &&Value| (call["called_at"].as_str().unwrap().to_owned(), call["id"].as_i64().unwrap());
    expected.sort_by_key(newest_first);
    let mut expected: Vec<i64> = expected.iter().map(|call| call["id"].as_i64().unwrap()).collect();
    assert_eq!(find(&client, &format!("/api/calls?{filters}&sort=called_at")), expected);
    expected.reverse();
    assert_eq!(find(&client, &format!("/api/calls?{filters}")), expected);
    for (n, id) in expected.iter().enumerate() {
        let page = client.get(&format!("/api/calls?{filters}&limit=1&page={}", n + 1)).expect(200);
        assert_eq!(ids(&page), [*id]);
        let meta = &page["meta"];
        assert_eq!(
            [&meta["total"], &meta["last_page"], &meta["from"], &meta["to"], &meta["current_page"]],
            [&json!(expected.len()), &json!(expected.len()), &json!(n + 1), &json!(n + 1), &json!(n + 1)]
        );
        let years = meta["statistics"].as_object().unwrap();
        assert_eq!(years.values().map(|calls| calls.as_i64().unwrap()).sum::<i64>(), 60, "of the whole account");
    }
    let beyond = client.get(&format!("/api/calls?{filters}&limit=1&page=99")).expect(200);
    assert_eq!((&beyond["data"], &beyond["meta"]["total"]), (&json!([]), &json!(expected.len())));
    let first = calls.iter().find(|call| call["id"] == expected[0]).unwrap();
    let external_id = first["external_id"].as_str().unwrap();
    assert_eq!(find(&client, &format!("/api/calls?{filters}&external_id={external_id}")), [expected[0]]);
    assert_eq!(find(&client, &format!("/api/calls?{filters}&external_id=id-5")), [0; 0]);
}

fn keeps_filters_in_all_links(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let calls: Vec<i64> = (1..=9).map(|n| record(&client, contact, &format!("2018-02-0{n}"), "Zoë & Ann")).collect();
    record(&client, contact, "2018-02-05", "Nobody");
    for list in ["/api/calls".to_owned(), format!("/api/contacts/{contact}/calls")] {
        let mut next = format!("{}{list}?query=zo%C3%AB+%26&called_after=2018-02-02&limit=3", server.base);
        let mut found = Vec::new();
        loop {
            let page = client.get(next.strip_prefix(&server.base).unwrap()).expect(200);
            found.extend(ids(&page));
            let buttons = page["meta"]["links"].as_array().unwrap().iter().map(|button| &button["url"]);
            let links = ["first", "last", "prev", "next"].map(|name| &page["links"][name]).into_iter().chain(buttons);
            for link in links.filter_map(Value::as_str) {
                let filters = "?query=zo%C3%AB+%26&called_after=2018-02-02&limit=3&page=";
                assert!(link.contains(filters), "{link}");
            }
            match page["links"]["next"].as_str() {
                Some(url) => url.clone_into(&mut next),
                None => break,
            }
        }
        assert_eq!(found, calls[1..].iter().rev().copied().collect::<Vec<_>>());
    }
}

fn reads_empty_values_as_no_filter(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    client.create_call(contact, "2018-02-02");
    let names = [
        "query",
        "contact_id",
        "called_after",
        "called_before",
        "updated_since",
        "contact_called",
        "answered",
        "external_id",
    ];
    for name in names {
        for value in ["=", "", "=%20", "=+"] {
            assert_eq!(find(&client, &format!("/api/calls?{name}{value}")).len(), 1, "{name}{value}");
        }
    }
    let all: Vec<String> = names.iter().map(|name| format!("{name}=")).collect();
    assert_eq!(find(&client, &format!("/api/contacts/{contact}/calls?{}", all.join("&"))).len(), 1);
    assert_eq!(find(&client, "/api/calls?answered=0&answered=").len(), 1, "the last value of a name is read");
    assert_eq!(find(&client, "/api/calls?unknown=1&Query=x&calledAfter=x").len(), 1, "unknown names are ignored");
}

fn names_the_parameter_that_cannot_be_read(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let long = "x".repeat(256);
    for (name, values) in [
        ("called_after", &["soonish", "2018-13-45", "1520587800", "@253402300800"][..]),
        ("called_before", &["soonish", "2018-02-02T25:00"]),
        ("updated_since", &["soonish", "2018-02-02 soonish"]),
        ("contact_called", &["yes", "2", "TRUE", "-1", "null"]),
        ("answered", &["no", "01", "True"]),
        ("external_id", &[&long, "a\0b"]),
        ("query", &[&long]),
    ] {
        let message = format!("Invalid parameters: {name}.");
        for value in values {
            for list in ["/api/calls", "/api/calls.csv", &format!("/api/contacts/{contact}/calls")] {
                client.get(&format!("{list}?{name}={}", encode(value))).expect_error(400, 41, message.clone());
                client.get(&format!("{list}?{name}[]=1")).expect_error(400, 41, message.clone());
            }
        }
    }
    for value in ["x", "1,x", "1,", ",1", "1,,2", "1;2", "1.5", "99999999999999999999", "0x1"] {
        let response = client.get(&format!("/api/calls?contact_id={value}"));
        response.expect_error(400, 41, "Invalid parameters: contact_id.");
    }
    client.get("/api/calls?answered=x&limit=101").expect_error(400, 30, "The limit parameter is too big");
    client.get("/api/calls?answered=x&sort=x").expect_error(400, 39, "The sorting criteria is invalid");
}
