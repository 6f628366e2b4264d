//! The members that phones and telephone systems fill in, and upserts by external id.

use serde_json::{Value, json};
use support::{Client, Setup, ids, on_both_stores};

on_both_stores!(
    stores_the_four_members_of_external_systems,
    keeps_absent_members_and_removes_null_ones,
    trims_texts_and_reads_numbers_and_booleans_from_texts,
    accepts_the_limits_of_each_member,
    returns_violations_of_the_new_members_after_the_others,
    changes_the_call_that_has_the_external_id,
    changes_nothing_if_the_same_call_is_sent_again,
    creates_one_call_from_concurrent_requests_with_one_external_id,
    rejects_the_external_id_of_another_call,
    frees_the_external_id_of_a_changed_or_deleted_call,
    separates_external_ids_by_account_and_spelling,
    refuses_an_upsert_that_could_not_be_created_or_changed,
);

const MEMBERS: [&str; 4] = ["duration_seconds", "answered", "phone_number", "external_id"];

/// The four members of a call.
fn members(call: &Value) -> [Value; 4] {
    MEMBERS.map(|name| call.get(name).unwrap_or_else(|| panic!("{name} is missing")).clone())
}

/// The body of a call with more members.
fn body(contact: i64, more: Value) -> Value {
    let mut body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "We talked."});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn create(client: &Client, contact: i64, more: Value) -> Value {
    client.post("/api/calls", &body(contact, more)).expect(201)["data"].clone()
}

fn path(call: &Value) -> String {
    format!("/api/calls/{}", call["id"])
}

fn total(client: &Client) -> u64 {
    client.get("/api/calls?limit=1").expect(200)["meta"]["total"].as_u64().unwrap()
}

fn stores_the_four_members_of_external_systems(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let values =
        json!({"duration_seconds": 61, "answered": false, "phone_number": "+41 31 000 00 00", "external_id": "pbx-1"});
    let call = create(&client, contact, values.clone());
    let expected = [json!(61), json!(false), json!("+41 31 000 00 00"), json!("pbx-1")];
    assert_eq!(members(&call), expected);
    let shown = client.get(&path(&call));
    assert_eq!(shown.json()["data"], call);
    let position = |name: &str| shown.body.find(&format!("\"{name}\":")).unwrap();
    let order = ["emotions", "duration_seconds", "answered", "phone_number", "external_id", "account"];
    assert!(order.map(position).is_sorted(), "after emotions: {}", shown.body);
    for list in ["/api/calls".to_owned(), format!("/api/contacts/{contact}/calls")] {
        assert_eq!(client.get(&list).expect(200)["data"][0], call);
    }
    let plain = client.create_call(contact, "2018-02-02");
    assert_eq!(members(&plain), [Value::Null, Value::Null, Value::Null, Value::Null]);
    // PUT and PATCH take them, too.
    let mut changed = values;
    changed["external_id"] = json!("pbx-2");
    let put = client.put(&path(&plain), &body(contact, changed)).expect(200)["data"].clone();
    assert_eq!(members(&put)[..3], expected[..3]);
    let patched = client.patch(&path(&plain), &json!({"duration_seconds": 0, "answered": true})).expect(200);
    assert_eq!(members(&patched["data"])[..2], [json!(0), json!(true)]);
    let form = format!(
        "contact_id={contact}&called_at=2018-02-02&content=x&duration_seconds=5&answered=1&phone_number=%2B1+555+0100&external_id=form-1"
    );
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let call = client.send("POST", "/api/calls", &headers, form.as_bytes()).expect(201);
    assert_eq!(members(&call["data"]), [json!(5), json!(true), json!("+1 555 0100"), json!("form-1")]);
}

fn keeps_absent_members_and_removes_null_ones(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let values =
        json!({"duration_seconds": 61, "answered": true, "phone_number": "+1 555 0100", "external_id": "pbx-1"});
    let mut call = create(&client, contact, values);
    let put = client.put(&path(&call), &body(contact, json!({}))).expect(200)["data"].clone();
    assert_eq!(members(&put), members(&call));
    client.patch(&path(&call), &json!({})).expect(200);
    for (n, name) in MEMBERS.into_iter().enumerate() {
        let patched = client.patch(&path(&call), &json!({name: null})).expect(200)["data"].clone();
        call[name] = Value::Null;
        assert_eq!(members(&patched), members(&call), "{n}: {name}");
    }
    let values = json!({"duration_seconds": 1, "answered": false, "phone_number": "1", "external_id": "2"});
    client.patch(&path(&call), &values).expect(200);
    let nulls = json!({"duration_seconds": null, "answered": null, "phone_number": " ", "external_id": ""});
    let put = client.put(&path(&call), &body(contact, nulls)).expect(200)["data"].clone();
    assert_eq!(members(&put), members(&call), "null and blank texts remove a value");
}

fn trims_texts_and_reads_numbers_and_booleans_from_texts(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let values = json!({
        "duration_seconds": " 90 ", "answered": "0", "phone_number": " 031 000-00-00\u{a0}", "external_id": "\t pbx 1\u{feff}",
    });
    let call = create(&client, contact, values);
    assert_eq!(members(&call), [json!(90), json!(false), json!("031 000-00-00"), json!("pbx 1")]);
    for (answered, expected) in [(json!(1), true), (json!("1"), true), (json!(0), false)] {
        let patched = client.patch(&path(&call), &json!({"answered": answered})).expect(200);
        assert_eq!(patched["data"]["answered"], expected);
    }
    assert_eq!(
        client.patch(&path(&call), &json!({"duration_seconds": 7.0})).expect(200)["data"]["duration_seconds"],
        7
    );
}

fn accepts_the_limits_of_each_member(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    for (name, value) in [
        ("duration_seconds", json!(0)),
        ("duration_seconds", json!(604_800)),
        ("phone_number", json!("é".repeat(64))),
        ("phone_number", json!("1")),
        ("external_id", json!("🎉".repeat(255))),
        ("external_id", json!("x")),
    ] {
        assert_eq!(create(&client, contact, json!({name: value}))[name], value);
    }
    let call = client.create_call(contact, "2018-02-02");
    for (name, value, message) in [
        ("duration_seconds", json!(-1), "The duration seconds must be between 0 and 604800."),
        ("duration_seconds", json!(604_801), "The duration seconds must be between 0 and 604800."),
        ("duration_seconds", json!("1e3"), "The duration seconds must be an integer."),
        ("duration_seconds", json!(1.5), "The duration seconds must be an integer."),
        ("duration_seconds", json!(true), "The duration seconds must be an integer."),
        ("answered", json!("yes"), "The answered field must be true or false."),
        ("answered", json!(2), "The answered field must be true or false."),
        ("phone_number", json!(41), "The phone number must be a string."),
        ("phone_number", json!(["1"]), "The phone number must be a string."),
        ("phone_number", json!("é".repeat(65)), "The phone number may not be greater than 64 characters."),
        ("phone_number", json!("1\u{0}2"), "The phone number may not contain the character U+0000."),
        ("external_id", json!(7), "The external id must be a string."),
        ("external_id", json!({}), "The external id must be a string."),
        ("external_id", json!("x".repeat(256)), "The external id may not be greater than 255 characters."),
        ("external_id", json!("1\u{0}2"), "The external id may not contain the character U+0000."),
    ] {
        let wrong = json!({name: value});
        client.post("/api/calls", &body(contact, wrong.clone())).expect_violations(&[message]);
        client.put(&path(&call), &body(contact, wrong.clone())).expect_violations(&[message]);
        client.patch(&path(&call), &wrong).expect_violations(&[message]);
    }
    assert_eq!(client.get(&path(&call)).expect(200)["data"], call);
}

fn returns_violations_of_the_new_members_after_the_others(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let wrong = json!({
        "external_id": 1, "phone_number": "1".repeat(65), "answered": "maybe", "duration_seconds": "long",
        "emotions": 1, "contact_called": 2, "content": 5, "called_at": "soonish", "contact_id": "x",
    });
    let messages = [
        "The contact id must be an integer.",
        "The called at is not a valid date.",
        "The content must be a string.",
        "The contact called field must be true or false.",
        "The emotions must be an array.",
        "The duration seconds must be an integer.",
        "The answered field must be true or false.",
        "The phone number may not be greater than 64 characters.",
        "The external id must be a string.",
    ];
    client.post("/api/calls", &wrong).expect_violations(&messages);
    client.put("/api/calls/1", &wrong).expect_violations(&messages);
    client.patch("/api/calls/1", &wrong).expect_violations(&messages);
    // The first is of the contact id, which the phone number can stand for.
    let required = [&crate::REQUIRED_CALL_FIELDS[1..], &messages[7..]].concat();
    let wrong = json!({"phone_number": "1".repeat(65), "external_id": 1});
    client.post("/api/calls", &wrong).expect_violations(&required);
}

fn changes_the_call_that_has_the_external_id(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let (leslie, henri) = (client.create_contact("Leslie"), client.create_contact("Henri"));
    let first = json!({"external_id": "pbx-1", "answered": true, "duration_seconds": 5, "emotions": [1, 2], "contact_called": true});
    let created = create(&client, leslie, first);
    let sent = json!({"external_id": " pbx-1 ", "content": "It was Henri.", "duration_seconds": 61, "answered": null});
    let response = client.post("/api/calls", &body(henri, sent));
    let etag = response.header("etag").map(str::to_owned);
    let changed = response.expect(200)["data"].clone();
    let mut expected = created.clone();
    for name in ["content", "duration_seconds", "answered", "contact", "updated_at"] {
        expected[name] = changed[name].clone();
    }
    assert_eq!(changed, expected, "members that were not sent keep their values");
    assert_eq!((&changed["content"], &changed["contact"]["id"]), (&json!("It was Henri."), &json!(henri)));
    assert_eq!(members(&changed)[..2], [json!(61), Value::Null]);
    assert_eq!(client.get(&path(&created)).header("etag").map(str::to_owned), etag);
    assert_eq!(total(&client), 1);
    let last_called = |id: i64| client.get(&format!("/api/contacts/{id}")).expect(200)["data"]["last_called"].clone();
    assert_eq!((last_called(leslie), last_called(henri)), (Value::Null, json!("2018-02-02T00:00:00Z")));
}

fn changes_nothing_if_the_same_call_is_sent_again(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let values = json!({"external_id": "pbx-1", "duration_seconds": 5});
    let created = create(&client, contact, values.clone());
    support::wait_for_next_second();
    for _ in 0..3 {
        let again = client.post("/api/calls", &body(contact, values.clone())).expect(200);
        assert_eq!(again["data"], created, "updated_at, too");
    }
    assert_eq!(total(&client), 1);
}

fn creates_one_call_from_concurrent_requests_with_one_external_id(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contacts = [client.create_contact("Leslie"), client.create_contact("Henri")];
    for round in 0..10 {
        let post = |contact| {
            let client = client.clone();
            move || client.post("/api/calls", &body(contact, json!({"external_id": format!("pbx-{round}")})))
        };
        let statuses = std::thread::scope(|scope| {
            let requests = [0, 1, 0, 1].map(|n| scope.spawn(post(contacts[n])));
            let mut statuses = requests.map(|request| request.join().unwrap().status);
            statuses.sort_unstable();
            statuses
        });
        assert_eq!(statuses, [200, 200, 200, 201]);
    }
    assert_eq!(total(&client), 10);
    let counted = contacts.map(|contact| {
        let contact = client.get(&format!("/api/contacts/{contact}")).expect(200);
        contact["data"]["statistics"]["number_of_calls"].as_u64().unwrap()
    });
    assert_eq!(counted.iter().sum::<u64>(), 10);
}

fn rejects_the_external_id_of_another_call(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let first = create(&client, contact, json!({"external_id": "pbx-1"}));
    let second = create(&client, contact, json!({"external_id": "pbx-2"}));
    let taken = ["The external id has already been taken."];
    client.patch(&path(&second), &json!({"external_id": "pbx-1"})).expect_violations(&taken);
    client.put(&path(&second), &body(contact, json!({"external_id": " pbx-1"}))).expect_violations(&taken);
    assert_eq!(client.get(&path(&second)).expect(200)["data"], second);
    // Its own id is no conflict.
    assert_eq!(client.patch(&path(&first), &json!({"external_id": "pbx-1"})).expect(200)["data"], first);
    client.patch("/api/calls/999999", &json!({"external_id": "pbx-1"})).expect_not_found();
}

fn frees_the_external_id_of_a_changed_or_deleted_call(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let first = create(&client, contact, json!({"external_id": "pbx-1"}));
    client.patch(&path(&first), &json!({"external_id": "renamed"})).expect(200);
    let second = create(&client, contact, json!({"external_id": "pbx-1"}));
    client.delete(&path(&second)).expect(200);
    let third = create(&client, contact, json!({"external_id": "pbx-1"}));
    client.delete(&format!("/api/contacts/{contact}")).expect(200);
    let contact = client.create_contact("Henri");
    let fourth = create(&client, contact, json!({"external_id": "pbx-1"}));
    let ids: std::collections::BTreeSet<_> = [first, second, third, fourth].map(|call| call["id"].as_i64()).into();
    assert_eq!(ids.len(), 4, "a deleted call stays deleted");
}

fn separates_external_ids_by_account_and_spelling(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let other = client.with_token(Some(&setup.new_account_token()));
    let (contact, elsewhere) = (client.create_contact("Leslie"), other.create_contact("Leslie"));
    let texts = ["pbx-1", "PBX-1", "pbx-1é", "pbx-1e\u{301}", "pbx--1", "%", "_"];
    let calls = texts.map(|text| create(&client, contact, json!({"external_id": text})));
    for (text, call) in texts.iter().zip(&calls) {
        create(&other, elsewhere, json!({"external_id": text}));
        let again = client.post("/api/calls", &body(contact, json!({"external_id": text}))).expect(200);
        assert_eq!(again["data"]["id"], call["id"]);
        let found = client.get(&format!("/api/calls?external_id={}", support::encode(text))).expect(200);
        assert_eq!(ids(&found), [call["id"].as_i64().unwrap()]);
    }
}

fn refuses_an_upsert_that_could_not_be_created_or_changed(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    client.post("/api/calls", &body(999_999, json!({"external_id": "pbx-1"}))).expect_not_found();
    let call = create(&client, contact, json!({"external_id": "pbx-1"}));
    client.post("/api/calls", &body(999_999, json!({"external_id": "pbx-1"}))).expect_not_found();
    client.post("/api/calls", &body(contact, json!({"external_id": "pbx-1", "emotions": [999]}))).expect_not_found();
    let archive = json!({"first_name": "Leslie", "is_active": false});
    client.put(&format!("/api/contacts/{contact}"), &archive).expect(200);
    let archived = ["Archived contact can’t be edited, please unarchive it first."];
    let changed = body(contact, json!({"external_id": "pbx-1", "content": "Changed."}));
    client.post("/api/calls", &changed).expect_violations(&archived);
    assert_eq!(client.get(&path(&call)).expect(200)["data"]["content"], call["content"]);
    let read_only = client.with_token(Some(&setup.output(&["token", "create", "--read-only"])));
    read_only.post("/api/calls", &changed).expect_error(403, 46, "This token may only read.");
}
