//! Every example of the published API document: all members, with their values except timestamps of the server.

use serde_json::{Value, json};
use support::{Client, Server, Setup, assert_contains, on_both_stores};

on_both_stores!(
    lists_the_documented_calls,
    shows_the_documented_calls,
    creates_the_documented_call,
    updates_the_documented_call,
    deletes_the_documented_call,
);

/// Starts a server with the data of the document: account 5 with the contacts 1 and 3 and the calls 1, 2, 3 and 5.
fn serve_documented_data(setup: &Setup) -> (Server, Client) {
    let server = setup.serve();
    for name in ["Two", "Three", "Four"] {
        setup.output(&["account", "create", name]);
    }
    let token = setup.new_account_token();
    let client = server.client().with_token(Some(&token));
    let henri = json!({
        "first_name": "Henri", "last_name": "Troyat", "gender": "male",
        "birthdate": "1987-01-01T21:56:44Z", "is_birthdate_approximate": "approximate"
    });
    assert_eq!(client.post("/api/contacts", &henri).expect(201)["data"]["id"], 1);
    assert_eq!(client.create_contact("Nobody"), 2);
    client.delete("/api/contacts/2").expect(200);
    let leslie = json!({"first_name": "Leslie", "last_name": "Knope", "gender": "none"});
    assert_eq!(client.post("/api/contacts", &leslie).expect(201)["data"]["id"], 3);
    for (id, contact, called_at, content) in [
        (1, 3, "2017-10-07T21:00:56Z", "We talked about nice stuff\r\n* And especially about their wedding"),
        (2, 1, "2017-10-07T21:02:57Z", "Just laughed super hard."),
        (3, 3, "2017-10-07T21:17:45Z", "He called, we had fun."),
        (4, 3, "2017-10-07", "Deleted again."),
        (5, 3, "2017-10-07T22:29:21Z", "He called, we had fun and really awesome."),
    ] {
        let body = json!({"contact_id": contact, "called_at": called_at, "content": content});
        assert_eq!(client.post("/api/calls", &body).expect(201)["data"]["id"], id);
    }
    client.delete("/api/calls/4").expect(200);
    (server, client)
}

fn contact(id: i64, first_name: &str, last_name: &str, gender: &str, approximate: &str, birthdate: Value) -> Value {
    json!({
        "id": id, "object": "contact", "first_name": first_name, "last_name": last_name, "gender": gender,
        "is_partial": false,
        "information": {"dates": [
            {"name": "birthdate", "is_birthdate_approximate": approximate, "birthdate": birthdate}
        ]},
        "account": {"id": 5}
    })
}

/// A call of the document.
fn call(id: i64, called_at: &str, content: &str) -> Value {
    let contact = if id == 2 {
        contact(1, "Henri", "Troyat", "male", "approximate", json!("1987-01-01T21:56:44Z"))
    } else {
        contact(3, "Leslie", "Knope", "none", "unknown", Value::Null)
    };
    json!({
        "id": id, "object": "call", "called_at": called_at, "content": content, "account": {"id": 5},
        "contact": contact, "created_at": called_at, "updated_at": called_at
    })
}

fn calls() -> [Value; 4] {
    [
        call(5, "2017-10-07T22:29:21Z", "He called, we had fun and really awesome."),
        call(3, "2017-10-07T21:17:45Z", "He called, we had fun."),
        call(2, "2017-10-07T21:02:57Z", "Just laughed super hard."),
        call(1, "2017-10-07T21:00:56Z", "We talked about nice stuff\r\n* And especially about their wedding"),
    ]
}

/// The only page of a list.
fn page(data: &[Value], path: String) -> Value {
    let total = data.len();
    let first = format!("{path}?page=1");
    json!({
        "data": data,
        "links": {"first": first, "last": first, "prev": null, "next": null},
        "meta": {
            "current_page": 1, "from": 1, "last_page": 1, "path": path, "per_page": 10, "to": total, "total": total
        }
    })
}

fn lists_the_documented_calls(setup: Setup) {
    let (_server, client) = serve_documented_data(&setup);
    let [five, three, two, one] = calls();
    let all_calls = page(&[five.clone(), three.clone(), two, one.clone()], format!("{}/api/calls", client.base()));
    for path in ["/api/calls", "/api/calls/"] {
        assert_contains(&client.get(path).expect(200), &all_calls);
    }
    let calls_of_leslie = page(&[five, three, one], format!("{}/api/contacts/3/calls", client.base()));
    assert_contains(&client.get("/api/contacts/3/calls").expect(200), &calls_of_leslie);
}

fn shows_the_documented_calls(setup: Setup) {
    let (_server, client) = serve_documented_data(&setup);
    for call in calls() {
        let shown = client.get(&format!("/api/calls/{}", call["id"])).expect(200);
        assert_contains(&shown, &json!({"data": call}));
    }
}

fn creates_the_documented_call(setup: Setup) {
    let (_server, client) = serve_documented_data(&setup);
    let body = json!({"content": "He called, we had fun.", "contact_id": 3, "called_at": "2018-02-02"});
    let created = client.post("/api/calls/", &body).expect(201);
    assert_contains(&created, &json!({"data": call(6, "2018-02-02T00:00:00Z", "He called, we had fun.")}));
    assert_eq!(client.get("/api/calls/6").expect(200), created, "the response is what is stored");
}

fn updates_the_documented_call(setup: Setup) {
    let (_server, client) = serve_documented_data(&setup);
    let content = "He called, we had fun and really awesome.";
    let body = json!({"content": content, "contact_id": 3, "called_at": "2018-02-02"});
    let updated = client.put("/api/calls/5", &body).expect(200);
    assert_contains(&updated, &json!({"data": call(5, "2018-02-02T00:00:00Z", content)}));
    assert_eq!(client.get("/api/calls/5").expect(200), updated);
}

fn deletes_the_documented_call(setup: Setup) {
    let (_server, client) = serve_documented_data(&setup);
    assert_eq!(client.delete("/api/calls/3").expect(200), json!({"deleted": true, "id": 3}));
    client.delete("/api/calls/3").expect_not_found();
    client.get("/api/calls/3").expect_not_found();
}
