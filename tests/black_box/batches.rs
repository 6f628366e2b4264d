//! `POST /api/calls/batch`.

use serde_json::{Value, json};
use support::{Client, Setup, on_both_stores};

on_both_stores!(
    answers_each_call_in_the_order_sent,
    creates_nothing_if_the_same_batch_is_sent_again,
    changes_only_the_members_that_were_sent,
    records_the_calls_of_a_batch_with_one_external_id_in_order,
    stores_accepted_calls_before_the_answer,
    accepts_1_to_1000_calls,
    rejects_what_is_no_batch,
    accepts_up_to_8_mebibytes,
    needs_a_token_that_may_write,
    creates_each_call_of_concurrent_batches_once,
);

fn call(contact: i64, external_id: &str) -> Value {
    json!({"contact_id": contact, "called_at": "2018-02-02", "content": "We talked.", "external_id": external_id})
}

#[track_caller]
fn send(client: &Client, calls: &Value) -> Value {
    client.post("/api/calls/batch", &json!({"calls": calls})).expect(200)
}

fn total(client: &Client) -> u64 {
    client.get("/api/calls?limit=1").expect(200)["meta"]["total"].as_u64().unwrap()
}

fn answers_each_call_in_the_order_sent(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let (leslie, archived) = (client.create_contact("Leslie"), client.create_contact("Henri"));
    let archive = json!({"first_name": "Henri", "is_active": false});
    client.put(&format!("/api/contacts/{archived}"), &archive).expect(200);
    let other = client.with_token(Some(&setup.new_account_token()));
    let foreign = other.create_contact("Elsewhere");
    let stored = client.post("/api/calls", &call(leslie, "stored")).expect(201)["data"].clone();
    let mut changed = call(leslie, "stored");
    changed["content"] = json!("Changed.");
    let calls = json!([
        call(leslie, "a"),
        {"external_id": "b", "duration_seconds": -1},
        call(999_999, "c"),
        call(archived, "d"),
        changed,
        {"contact_id": leslie, "called_at": "soonish", "content": 5, "external_id": 6},
        {"contact_id": leslie.to_string(), "called_at": "2018-02-03", "content": "Without an id."},
        5,
        call(foreign, "e"),
        {"contact_id": leslie, "called_at": "2018-02-03", "content": "x", "emotions": [999]},
        call(leslie, " a "),
    ]);
    let answer = send(&client, &calls);
    let data = answer["data"].as_array().unwrap();
    let summary: Vec<_> =
        data.iter().map(|item| (item["status"].as_i64().unwrap(), item["external_id"].clone())).collect();
    let expected = [
        (201, json!("a")),
        (422, json!("b")),
        (404, json!("c")),
        (422, json!("d")),
        (200, json!("stored")),
        (422, Value::Null),
        (201, Value::Null),
        (422, Value::Null),
        (404, json!("e")),
        (404, Value::Null),
        (200, json!("a")),
    ];
    assert_eq!(summary, expected);
    assert_eq!(answer["meta"], json!({"created": 2, "updated": 1, "unchanged": 1, "refused": 7}));
    for item in data {
        let is_refused = item["status"].as_i64().unwrap() >= 400;
        assert_eq!((item.get("error").is_some(), item["id"].is_null()), (is_refused, is_refused), "{item}");
        assert!(item.get("id").is_some() && item.get("external_id").is_some(), "{item}");
    }
    let error = |n: usize| (&data[n]["error"]["error_code"], &data[n]["error"]["message"]);
    let required = [&crate::REQUIRED_CALL_FIELDS[..], &["The duration seconds must be between 0 and 604800."]].concat();
    assert_eq!(error(1), (&json!(32), &json!(required)));
    let not_found = json!("The resource has not been found");
    for n in [2, 8, 9] {
        assert_eq!(error(n), (&json!(31), &not_found), "{n}");
    }
    assert_eq!(error(3).1, &json!(["Archived contact can’t be edited, please unarchive it first."]));
    let wrong =
        ["The called at is not a valid date.", "The content must be a string.", "The external id must be a string."];
    assert_eq!(error(5), (&json!(32), &json!(wrong)));
    assert_eq!(error(7), (&json!(32), &json!(["The call must be an object."])));
    assert_eq!((&data[4]["id"], &data[10]["id"]), (&stored["id"], &data[0]["id"]));
    let shown = |n: usize| client.get(&format!("/api/calls/{}", data[n]["id"])).expect(200)["data"].clone();
    assert_eq!((&shown(4)["content"], &shown(6)["content"]), (&json!("Changed."), &json!("Without an id.")));
    assert_eq!(total(&client), 3);
    assert_eq!(total(&other), 0);
}

fn creates_nothing_if_the_same_batch_is_sent_again(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let mut calls: Vec<Value> = (0..50).map(|n| call(contact, &format!("pbx-{n}"))).collect();
    calls.push(json!({"external_id": "refused"}));
    let first = send(&client, &json!(calls));
    assert_eq!(first["meta"], json!({"created": 50, "updated": 0, "unchanged": 0, "refused": 1}));
    let before = client.get("/api/calls?limit=100").expect(200);
    support::wait_for_next_second();
    let second = send(&client, &json!(calls));
    assert_eq!(second["meta"], json!({"created": 0, "updated": 0, "unchanged": 50, "refused": 1}));
    let ids =
        |answer: &Value| answer["data"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&second), ids(&first));
    assert!(second["data"].as_array().unwrap()[..50].iter().all(|item| item["status"] == 200));
    assert_eq!(client.get("/api/calls?limit=100").expect(200), before, "updated_at, too");
    calls[3]["answered"] = json!(true);
    let third = send(&client, &json!(calls));
    assert_eq!(third["meta"], json!({"created": 0, "updated": 1, "unchanged": 49, "refused": 1}));
}

fn changes_only_the_members_that_were_sent(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let (leslie, henri) = (client.create_contact("Leslie"), client.create_contact("Henri"));
    let mut first = call(leslie, "pbx-1");
    first.as_object_mut().unwrap().extend(json!({"duration_seconds": 5, "emotions": [1]}).as_object().unwrap().clone());
    let stored = client.post("/api/calls", &first).expect(201)["data"].clone();
    let mut second = call(henri, "pbx-1");
    second["answered"] = json!(true);
    let answer = send(&client, &json!([second]));
    assert_eq!(answer["data"], json!([{"status": 200, "id": stored["id"], "external_id": "pbx-1"}]));
    let shown = client.get(&format!("/api/calls/{}", stored["id"])).expect(200)["data"].clone();
    assert_eq!((&shown["duration_seconds"], &shown["answered"]), (&json!(5), &json!(true)));
    assert_eq!((&shown["emotions"], &shown["contact"]["id"]), (&stored["emotions"], &json!(henri)));
    let contact = client.get(&format!("/api/contacts/{leslie}")).expect(200);
    assert_eq!(contact["data"]["last_called"], Value::Null);
}

fn records_the_calls_of_a_batch_with_one_external_id_in_order(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let calls: Vec<Value> = (0..4)
        .map(|n| {
            let mut call = call(contact, "pbx-1");
            call["content"] = json!(format!("Version {}", n.min(2)));
            call
        })
        .collect();
    let answer = send(&client, &json!(calls));
    assert_eq!(answer["meta"], json!({"created": 1, "updated": 2, "unchanged": 1, "refused": 0}));
    let statuses: Vec<_> = answer["data"].as_array().unwrap().iter().map(|item| item["status"].as_i64()).collect();
    assert_eq!(statuses, [Some(201), Some(200), Some(200), Some(200)]);
    let list = client.get("/api/calls").expect(200);
    assert_eq!((&list["meta"]["total"], &list["data"][0]["content"]), (&json!(1), &json!("Version 2")));
    assert_eq!(client.get("/api/calls?query=0").expect(200)["meta"]["total"], 0, "the index has the last words");
}

fn stores_accepted_calls_before_the_answer(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let calls: Vec<Value> = (0..500).map(|n| call(contact, &format!("pbx-{n}"))).collect();
    send(&client, &json!(calls));
    let token = client.token().unwrap().to_owned();
    // A crash directly after the answer.
    server.kill();
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&token));
    assert_eq!(total(&client), 500);
    let contact = client.get(&format!("/api/contacts/{contact}")).expect(200);
    assert_eq!(contact["data"]["statistics"]["number_of_calls"], 500);
}

fn accepts_1_to_1000_calls(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let calls =
        |n: usize| Value::from(vec![json!({"contact_id": contact, "called_at": "2018-02-02", "content": "x"}); n]);
    let refuse = |calls: &Value, message: &str| {
        client.post("/api/calls/batch", &json!({"calls": calls})).expect_violations(&[message]);
    };
    refuse(&calls(1_001), "The calls may not have more than 1000 items.");
    refuse(&calls(0), "The calls field is required.");
    assert_eq!(total(&client), 0);
    assert_eq!(send(&client, &calls(1))["meta"]["created"], 1);
    let most = send(&client, &calls(1_000));
    assert_eq!((&most["meta"]["created"], most["data"].as_array().unwrap().len()), (&json!(1_000), 1_000));
    assert_eq!(total(&client), 1_001);
    let all_refused = send(&client, &json!([{}, {}]));
    assert_eq!(all_refused["meta"], json!({"created": 0, "updated": 0, "unchanged": 0, "refused": 2}));
}

fn rejects_what_is_no_batch(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let post = |body: &Value| client.post("/api/calls/batch", body);
    for body in [json!({}), json!({"calls": null}), json!({"calls": " "}), json!({"call": []})] {
        post(&body).expect_violations(&["The calls field is required."]);
    }
    for calls in [json!("x"), json!(1), json!(true), json!({"0": {}})] {
        post(&json!({"calls": calls})).expect_violations(&["The calls must be an array."]);
    }
    let json = [("content-type", "application/json")];
    for body in ["[]", "{", "null", "{\"calls\": [{]}", "{\"calls\": [}", "{\"calls\": [{\"content\": \"\\ud800\"}]}"] {
        let response = client.send("POST", "/api/calls/batch", &json, body.as_bytes());
        response.expect_error(400, 37, "Problems parsing JSON");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(client.send("POST", "/api/calls/batch", &form, b"calls=x").status, 422);
    let gzip = [("content-type", "application/json"), ("content-encoding", "gzip")];
    client.send("POST", "/api/calls/batch", &gzip, b"{}").expect_error(
        415,
        50,
        "The content encoding gzip is not supported.",
    );
    // As for any other path of a call.
    client.get("/api/calls/batch").expect_not_found();
    assert_eq!(total(&client), 0);
}

fn accepts_up_to_8_mebibytes(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let limit = 8 * 1024 * 1024;
    let body = |size: usize| {
        // The longest contents, and a member that is skipped.
        let content = "é".repeat(100_000);
        let call = format!(r#"{{"contact_id":{contact},"called_at":"2018-02-02","content":"{content}"}}"#);
        let head = format!(r#"{{"calls":[{}],"note":""#, vec![call; 40].join(","));
        format!("{head}{}\"}}", "x".repeat(size - head.len() - 2))
    };
    let json = [("content-type", "application/json")];
    let rejected = client.send("POST", "/api/calls/batch", &json, body(limit + 1).as_bytes());
    rejected.expect_error(413, 44, "The request body may not be greater than 8388608 bytes.");
    assert_eq!(total(&client), 0);
    let accepted = client.send("POST", "/api/calls/batch", &json, body(limit).as_bytes()).expect(200);
    assert_eq!(accepted["meta"]["created"], 40);
    // Each byte of the longest body may stand in a content.
    let words = "word ".repeat(1_600);
    let calls = vec![json!({"contact_id": contact, "called_at": "2018-02-02", "content": words}); 1_000];
    assert_eq!(send(&client, &json!(calls))["meta"]["created"], 1_000);
    assert_eq!(total(&client), 1_040);
}

fn needs_a_token_that_may_write(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let body = json!({"calls": [call(contact, "a")]});
    let read_only = client.with_token(Some(&setup.output(&["token", "create", "--read-only"])));
    read_only.post("/api/calls/batch", &body).expect_error(403, 46, "This token may only read.");
    client.with_token(None).post("/api/calls/batch", &body).expect_error(401, 42, "Unauthenticated.");
    assert_eq!(total(&client), 0);
    client.post("/api/calls/batch/", &body).expect(200);
    assert_eq!(total(&client), 1, "a trailing slash is served");
}

fn creates_each_call_of_concurrent_batches_once(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contacts = [client.create_contact("Leslie"), client.create_contact("Henri")];
    let created: Vec<u64> = std::thread::scope(|scope| {
        let batches = (0..6).map(|writer| {
            let client = client.clone();
            scope.spawn(move || {
                let mut calls: Vec<Value> = (0..100).map(|n| call(contacts[writer % 2], &format!("pbx-{n}"))).collect();
                if writer % 3 == 0 {
                    calls.reverse();
                }
                let meta = send(&client, &json!(calls))["meta"].clone();
                assert_eq!(meta["refused"], 0);
                meta["created"].as_u64().unwrap()
            })
        });
        let batches: Vec<_> = batches.collect();
        batches.into_iter().map(|batch| batch.join().unwrap()).collect()
    });
    assert_eq!(created.iter().sum::<u64>(), 100, "{created:?}");
    assert_eq!(total(&client), 100);
    let counted = contacts.map(|contact| {
        let contact = client.get(&format!("/api/contacts/{contact}")).expect(200);
        contact["data"]["statistics"]["number_of_calls"].as_u64().unwrap()
    });
    assert_eq!(counted.iter().sum::<u64>(), 100);
}
