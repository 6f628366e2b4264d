//! Calls: creating, moving, updating, deleting, accounts and concurrent writes.

use serde_json::{Value, json};
use support::{Setup, on_both_stores};

on_both_stores!(
    returns_all_members_of_a_call_in_order,
    parses_called_at_with_strtotime,
    returns_content_unchanged,
    moves_a_call_by_put,
    patches_only_the_given_members,
    changes_updated_at_only_with_the_content,
    rejects_a_call_with_an_unknown_emotion,
    rejects_calls_of_an_archived_contact,
    hides_data_of_other_accounts,
    keeps_last_called_correct_under_concurrent_writes,
    accepts_a_form_like_json,
    accepts_a_call_without_content_in_monica_mode,
);

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn returns_all_members_of_a_call_in_order(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02");
    let text = client.get(&format!("/api/calls/{}", call["id"])).body;
    let position = |name: &str| text.find(&format!("\"{name}\":")).unwrap_or_else(|| panic!("{name} is missing"));
    let order = [
        "id",
        "uuid",
        "object",
        "called_at",
        "content",
        "contact_called",
        "emotions",
        "duration_seconds",
        "answered",
        "phone_number",
        "external_id",
        "account",
        "created_at",
    ];
    assert!(order.map(position).is_sorted());
    let mut expected = [
        "id",
        "uuid",
        "object",
        "called_at",
        "content",
        "contact_called",
        "emotions",
        "duration_seconds",
        "answered",
        "phone_number",
        "external_id",
        "url",
        "account",
        "contact",
        "created_at",
        "updated_at",
    ];
    expected.sort_unstable();
    assert_eq!(members(&call), expected);
    let contact = &call["contact"];
    assert_eq!(
        members(contact).len(),
        19,
        "id, uuid, object, hash_id, names, initials, gender, gender_type, flags, information, url, account"
    );
    assert_eq!(members(&contact["information"]), ["avatar", "birthdate", "dates", "deceased_date"]);
    assert_eq!(call["url"], format!("{}/api/calls/{}", server.base, call["id"]));
    let avatar = contact["information"]["avatar"]["url"].as_str().unwrap();
    let image = client.get(avatar.strip_prefix(&server.base).unwrap());
    assert_eq!((image.status, image.header("content-type")), (200, Some("image/svg+xml")));
}

fn parses_called_at_with_strtotime(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let post = |called_at: Value| {
        client.post("/api/calls", &json!({"contact_id": contact, "called_at": called_at, "content": "x"}))
    };
    for (text, instant) in [
        (json!("2018-02-02"), "2018-02-02T00:00:00Z"),
        (json!("last sat of July 2008"), "2008-07-26T00:00:00Z"),
        (json!("2018-02-02T10:00:00+05:00"), "2018-02-02T05:00:00Z"),
        (json!("2018-02-02 10:00 America/New_York"), "2018-02-02T15:00:00Z"),
        (json!("@1518000000"), "2018-02-07T10:40:00Z"),
        (json!(20_180_202), "2018-02-02T00:00:00Z"),
        (json!("2018-02-30"), "2018-03-02T00:00:00Z"),
        (json!("0001-01-01"), "0001-01-01T00:00:00Z"),
        (json!("9999-12-31 23:59:59"), "9999-12-31T23:59:59Z"),
    ] {
        assert_eq!(post(text.clone()).expect(201)["data"]["called_at"], instant, "{text}");
    }
    let noon = post(json!("yesterday noon")).expect(201)["data"]["called_at"].clone();
    assert!(noon.as_str().unwrap().ends_with("T12:00:00Z"));
    for text in [
        json!("not a date"),
        json!("2018-13-45"),
        json!(86_400),
        json!(1_520_587_800),
        json!("1520587800123"),
        json!(true),
        json!([]),
        json!("10000-01-01 00:00 +1 year -0001"),
    ] {
        post(text).expect_violations(&["The called at is not a valid date."]);
    }
    let long = "2018-02-02 ".repeat(90_000);
    post(json!(long)).expect_violations(&["The called at is not a valid date."]);
}

fn returns_content_unchanged(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Zoë 🎉");
    let post = |content: &str| {
        client.post(
            "/api/calls",
            &json!({"contact_id": contact.to_string(), "called_at": "2018-02-02", "content": content}),
        )
    };
    for content in [
        "x",
        "line\r\nbreak\ttab",
        "<b>&amp;\"'\\</b>",
        "'; DROP TABLE calls; --",
        "مرحبا 你好 🎉",
        "%s {} $1 \u{1}\u{7f}",
    ] {
        let call = post(content).expect(201)["data"].clone();
        assert_eq!(call["content"], content);
        assert_eq!(client.get(&format!("/api/calls/{}", call["id"])).expect(200)["data"], call);
    }
    assert_eq!(post("  padded\u{feff} ").expect(201)["data"]["content"], "padded");
    let longest = "🎉".repeat(100_000);
    assert_eq!(post(&longest).expect(201)["data"]["content"], longest.as_str());
    post(&format!("{longest}x")).expect_violations(&["The content may not be greater than 100000 characters."]);
    // The same characters as surrogate pairs: 1.2 MB.
    let escaped = format!(
        r#"{{"contact_id":{contact},"called_at":"2018-02-02","content":"{}"}}"#,
        r"\ud83c\udf89".repeat(100_000)
    );
    client.send("POST", "/api/calls", &[("content-type", "application/json")], escaped.as_bytes()).expect(201);
    post("a\0b").expect_violations(&["The content may not contain the character U+0000."]);
}

fn moves_a_call_by_put(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let (leslie, henri) = (client.create_contact("Leslie"), client.create_contact("Henri"));
    let call = client.create_call(leslie, "2018-02-02");
    let path = format!("/api/calls/{}", call["id"]);
    let moved =
        client.put(&path, &json!({"contact_id": henri, "called_at": "2019-03-03", "content": "Moved."})).expect(200);
    assert_eq!((&moved["data"]["id"], &moved["data"]["contact"]["id"]), (&call["id"], &json!(henri)));
    let last_called = |id: i64| client.get(&format!("/api/contacts/{id}")).expect(200)["data"]["last_called"].clone();
    assert_eq!((last_called(leslie), last_called(henri)), (Value::Null, json!("2019-03-03T00:00:00Z")));
    let total = |id: i64| client.get(&format!("/api/contacts/{id}/calls")).expect(200)["meta"]["total"].clone();
    assert_eq!((total(leslie), total(henri)), (json!(0), json!(1)));
    let unknown_contact = json!({"contact_id": 999_999, "called_at": "2019-03-03", "content": "Moved."});
    client.put(&path, &unknown_contact).expect_not_found();
    assert_eq!(client.get(&path).expect(200), moved);
}

fn patches_only_the_given_members(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "x", "contact_called": true, "emotions": [1, 2]});
    let call = client.post("/api/calls", &body).expect(201)["data"].clone();
    let path = format!("/api/calls/{}", call["id"]);
    let mut expected = call;
    for (change, member, shown) in [
        (json!({"content": "y"}), "content", json!("y")),
        (json!({"called_at": "2018-02-03"}), "called_at", json!("2018-02-03T00:00:00Z")),
        (json!({"contact_called": false}), "contact_called", json!(false)),
        (json!({"emotions": []}), "emotions", json!([])),
        (json!({}), "object", json!("call")),
    ] {
        let mut shown_call = client.patch(&path, &change).expect(200)["data"].clone();
        expected[member] = shown;
        expected["updated_at"] = shown_call["updated_at"].take();
        shown_call["updated_at"] = expected["updated_at"].clone();
        assert_eq!(shown_call, expected, "{change}");
    }
    client.patch(&path, &json!({"content": null})).expect_violations(&["The content field is required."]);
}

fn changes_updated_at_only_with_the_content(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02");
    let path = format!("/api/calls/{}", call["id"]);
    let same = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "We talked."});
    let updated_at = |value: &Value| value["data"]["updated_at"].as_str().unwrap().to_owned();
    support::wait_until("the next second", || {
        assert_eq!(client.put(&path, &same).expect(200)["data"], call);
        let other = client.create_call(contact, "2018-02-02");
        other["created_at"] != call["created_at"]
    });
    let changed = client.patch(&path, &json!({"content": "More."})).expect(200);
    assert!(updated_at(&changed).as_str() > call["updated_at"].as_str().unwrap());
    assert_eq!(changed["data"]["created_at"], call["created_at"]);
}

fn rejects_a_call_with_an_unknown_emotion(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let post = |emotions: Value| {
        client.post(
            "/api/calls",
            &json!({"contact_id": contact, "called_at": "2018-02-02", "content": "x", "emotions": emotions}),
        )
    };
    let stored = post(json!([1, "2"])).expect(201)["data"]["emotions"].clone();
    let adoration = json!({"id": 1, "object": "emotion", "name": "adoration"});
    assert_eq!(stored, json!([adoration, {"id": 2, "object": "emotion", "name": "affection"}]));
    for none in [Value::Null, json!(""), json!([])] {
        assert_eq!(post(none).expect(201)["data"]["emotions"], json!([]));
    }
    let before = client.get("/api/calls").expect(200)["meta"]["total"].clone();
    for wrong in [json!([1, 999_999]), json!(["abc"]), json!([1, [2]]), json!([{"id": 999}])] {
        post(wrong).expect_not_found();
    }
    post(json!(1)).expect_violations(&["The emotions must be an array."]);
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], before, "nothing is stored");
}

fn rejects_calls_of_an_archived_contact(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02");
    let path = format!("/api/calls/{}", call["id"]);
    client.put(&format!("/api/contacts/{contact}"), &json!({"first_name": "Leslie", "is_active": false})).expect(200);
    let messages = ["Archived contact can’t be edited, please unarchive it first."];
    let body = json!({"contact_id": contact, "called_at": "2019-01-01", "content": "y"});
    client.post("/api/calls", &body).expect_violations(&messages);
    client.put(&path, &body).expect_violations(&messages);
    client.delete(&path).expect_violations(&messages);
    assert_eq!(client.get(&path).expect(200)["data"]["called_at"], call["called_at"]);
}

fn hides_data_of_other_accounts(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let foreign = client.with_token(Some(&setup.new_account_token()));
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02");
    let (call, contact_path) = (format!("/api/calls/{}", call["id"]), format!("/api/contacts/{contact}"));
    let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "Mine."});
    for response in [
        foreign.get(&call),
        foreign.put(&call, &body),
        foreign.patch(&call, &json!({"content": "Mine."})),
        foreign.delete(&call),
        foreign.post("/api/calls", &body),
        foreign.get(&contact_path),
        foreign.put(&contact_path, &json!({"first_name": "Mine"})),
        foreign.delete(&contact_path),
        foreign.get(&format!("{contact_path}/calls")),
    ] {
        response.expect_not_found();
    }
    for list in ["/api/calls", "/api/contacts", "/api/contacts?query=leslie"] {
        assert_eq!(foreign.get(list).expect(200)["meta"]["total"], 0, "{list}");
    }
    assert_eq!(client.get(&call).expect(200)["data"]["content"], "We talked.");
    assert_eq!(client.get(&contact_path).expect(200)["data"]["first_name"], "Leslie");
}

fn keeps_last_called_correct_under_concurrent_writes(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contacts = [client.create_contact("Leslie"), client.create_contact("Henri")];
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let client = client.clone();
            scope.spawn(move || {
                for n in 0..15 {
                    let day = (writer * 7 + n * 5) % 28 + 1;
                    let call = client.create_call(contacts[n % 2], &format!("2018-02-{day:02}"));
                    let path = format!("/api/calls/{}", call["id"]);
                    match n % 3 {
                        0 => drop(
                            client
                                .patch(&path, &json!({"contact_id": contacts[(n + 1) % 2], "called_at": "2017-01-01"}))
                                .expect(200),
                        ),
                        1 => drop(client.delete(&path).expect(200)),
                        _ => {}
                    }
                }
            });
        }
    });
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 8 * 10);
    for contact in contacts {
        let calls = client.get(&format!("/api/contacts/{contact}/calls?limit=100")).expect(200);
        let shown = client.get(&format!("/api/contacts/{contact}")).expect(200)["data"].clone();
        assert_eq!(shown["last_called"], calls["data"][0]["called_at"]);
        assert_eq!(shown["statistics"]["number_of_calls"], calls["meta"]["total"]);
        assert_eq!(calls["data"].as_array().unwrap().len() as u64, calls["meta"]["total"].as_u64().unwrap());
    }
}

fn accepts_a_form_like_json(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let body = format!("contact_id={contact}&called_at=2018-02-02&content=a+b%21&contact_called=1&emotions[]=1");
    let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let call = client.send("POST", "/api/calls", &headers, body.as_bytes()).expect(201)["data"].clone();
    assert_eq!((&call["content"], &call["contact_called"]), (&json!("a b!"), &json!(true)));
    assert_eq!(call["emotions"][0]["id"], 1);
}

fn accepts_a_call_without_content_in_monica_mode(setup: Setup) {
    let setup = setup.set("CALLBOOK_COMPAT", "monica-4");
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.post("/api/calls", &json!({"contact_id": contact, "called_at": "2018-02-02"})).expect(201);
    assert_eq!(call["data"]["content"], Value::Null);
    let path = format!("/api/calls/{}", call["data"]["id"]);
    client.patch(&path, &json!({"content": "x"})).expect(200);
    let updated = client.put(&path, &json!({"called_at": "2018-02-03"})).expect(200);
    assert_eq!((&updated["data"]["content"], &updated["data"]["contact"]["id"]), (&json!("x"), &json!(contact)));
    assert_eq!(
        client.put(&path, &json!({"called_at": "2018-02-03", "content": null})).expect(200)["data"]["content"],
        Value::Null
    );
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["per_page"], 15);
}
