//! Who may do what: every operation of the OpenAPI document with every kind of token.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{Client, Setup, on_both_stores};

on_both_stores!(
    every_operation_is_closed_to_those_without_a_right_to_it,
    tokens_are_in_no_log_error_or_link,
    whoever_guesses_tokens_shuts_nobody_out,
);

/// What an operation is tried with: a body that would be accepted, and whether it names something of an account.
struct Row {
    id: &'static str,
    body: Option<Value>,
    /// Named in the path: a contact, a call, something that is the same in every account, or nothing.
    names: Names,
}

#[derive(Clone, Copy, PartialEq)]
enum Names {
    Contact,
    Call,
    Shared,
    Nothing,
}

fn rows(contact: i64) -> Vec<Row> {
    let row = |id, names, body| Row { id, body, names };
    let call = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "Matrix."});
    let person = json!({"first_name": "Matrix"});
    vec![
        row("welcome", Names::Nothing, None),
        row("me", Names::Nothing, None),
        row("listCalls", Names::Nothing, None),
        row("createCall", Names::Nothing, Some(call.clone())),
        row("getCall", Names::Call, None),
        row("updateCall", Names::Call, Some(call.clone())),
        row("changeCall", Names::Call, Some(json!({"content": "Matrix."}))),
        row("deleteCall", Names::Call, None),
        row("listContacts", Names::Nothing, None),
        row("createContact", Names::Nothing, Some(person.clone())),
        row("getContact", Names::Contact, None),
        row("updateContact", Names::Contact, Some(person)),
        row("deleteContact", Names::Contact, None),
        row("listContactCalls", Names::Contact, None),
        row("listGenders", Names::Nothing, None),
        row("getGender", Names::Shared, None),
        row("listContactFieldTypes", Names::Nothing, None),
        row("listEmotions", Names::Nothing, None),
    ]
}

/// An operation of the document, ready to be sent.
struct Operation {
    method: String,
    path: String,
    row: Row,
}

/// Every operation of the document, with its row; one without the other fails.
fn operations(setup: &Setup, contact: i64, call: i64) -> Vec<Operation> {
    let document: Value = serde_json::from_str(&setup.output(&["openapi"])).unwrap();
    let mut rows = rows(contact);
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let place = rows.iter().position(|row| row.id == id);
            let row = rows.swap_remove(place.unwrap_or_else(|| panic!("{id} has no row in the matrix")));
            assert_eq!(operation["requestBody"].is_object(), row.body.is_some(), "the body of {id}");
            assert_eq!(path.contains('{'), row.names != Names::Nothing, "what {id} names");
            let named = match row.names {
                Names::Contact => contact,
                Names::Call => call,
                Names::Shared | Names::Nothing => 1,
            };
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.replace("{id}", &named.to_string()),
                row,
            });
        }
    }
    let left: Vec<_> = rows.iter().map(|row| row.id).collect();
    assert!(left.is_empty(), "the document has no {left:?}");
    operations
}

impl Operation {
    fn send(&self, client: &Client) -> support::Answer {
        match &self.row.body {
            Some(body) => client.json(&self.method, &self.path, body),
            None => client.send(&self.method, &self.path, &[], b""),
        }
    }
}

/// A token that is no more.
fn revoked(setup: &Setup) -> String {
    let token = setup.output(&["token", "create", "--name", "revoked"]);
    let list = setup.output(&["token", "list"]);
    setup.output(&["token", "revoke", list.lines().last().unwrap().split_whitespace().next().unwrap()]);
    token
}

fn expired(setup: &Setup, client: &Client) -> String {
    let token = setup.output(&["token", "create", "--expires", "1s"]);
    support::wait_until("the token's end", || client.with_token(Some(&token)).get("/api/me").status == 401);
    token
}

fn every_operation_is_closed_to_those_without_a_right_to_it(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let call = client.log(contact, "2018-02-02")["id"].as_i64().unwrap();
    let operations = operations(&setup, contact, call);
    let everything = || (client.get("/api/calls").expect(200), client.get("/api/contacts").expect(200));
    let before = everything();

    for (kind, token) in [
        ("no", None),
        ("a bad", Some("cb_0000000000000000000000000000000000000000000000000000000000000000".to_owned())),
        ("an expired", Some(expired(&setup, &client))),
        ("a revoked", Some(revoked(&setup))),
    ] {
        let intruder = client.with_token(token.as_deref());
        for operation in &operations {
            let answer = operation.send(&intruder);
            answer.expect_error(401, 42, "Unauthenticated.");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{} with {kind} token", operation.row.id);
        }
    }
    // In the place of a bearer token nothing else opens.
    let good = client.token().unwrap();
    for header in [format!("Basic {good}"), good.to_owned(), format!("Bearer{good}"), format!("Bearer {good}x")] {
        let answer = client.with_token(None).send("GET", "/api/me", &[("authorization", &header)], b"");
        assert_eq!(answer.status, 401);
    }
    for query in ["access_token", "token", "api_token"] {
        assert_eq!(client.with_token(None).get(&format!("/api/me?{query}={good}")).status, 401);
    }

    let reader = client.with_token(Some(&setup.output(&["token", "create", "--read-only"])));
    for operation in &operations {
        let answer = operation.send(&reader);
        if operation.method == "GET" {
            assert_eq!(answer.status, 200, "{} by a reader", operation.row.id);
        } else {
            answer.expect_error(403, 46, "This token may only read.");
        }
    }

    let stranger = client.with_token(Some(&setup.another_account()));
    for operation in &operations {
        let answer = operation.send(&stranger);
        let id = operation.row.id;
        match operation.row.names {
            Names::Contact | Names::Call => answer.expect_error(404, 31, "The resource has not been found"),
            // A call with a foreign contact is an orphan.
            Names::Nothing if id == "createCall" => answer.expect_error(404, 31, "The resource has not been found"),
            Names::Shared | Names::Nothing => {
                assert!(matches!(answer.status, 200 | 201), "{id} by a stranger: {}", answer.body);
                assert!(!answer.body.contains("Leslie"), "{id} shows a stranger nothing");
            }
        }
    }
    assert_eq!(everything(), before, "nobody changed anything");

    // Deletions last, and the calls before their contact: the owner may do all of it.
    let (last, first): (Vec<_>, Vec<_>) = operations.iter().partition(|operation| operation.method == "DELETE");
    let owned: BTreeSet<_> = first.iter().chain(&last).map(|operation| operation.send(&client).status).collect();
    assert_eq!(owned, BTreeSet::from([200, 201]), "the owner may");
}

fn tokens_are_in_no_log_error_or_link(setup: Setup) {
    let setup = setup.set("CALLBOOK_LOG", "trace").set("CALLBOOK_RATE_LIMIT_PER_MINUTE", "200");
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let call = client.log(contact, "2018-02-02")["id"].as_i64().unwrap();
    let tokens = [client.token().unwrap().to_owned(), revoked(&setup), "a-guess-that-is-no-token-at-all".to_owned()];
    for token in &tokens {
        let client = client.with_token(Some(token));
        for operation in operations(&setup, contact, call).iter().filter(|operation| operation.method != "DELETE") {
            assert!(!operation.send(&client).body.contains(token.as_str()), "{}", operation.row.id);
        }
        client.send("POST", "/api/calls", &[], b"{");
        client.get("/api/nope");
        client.send("FOO", "/api/calls", &[("x-request-id", token)], b"");
    }
    // A client's own name for a request is its own affair; those that a server makes never hold a token.
    let (_, log) = server.stop();
    let log: String = log.lines().filter(|line| !line.contains("FOO")).collect();
    assert!(log.contains("/api/calls"), "there is a log");
    for token in &tokens {
        assert!(!log.contains(token.as_str()), "a token is in the log");
    }
}

fn whoever_guesses_tokens_shuts_nobody_out(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    for n in 0..102 {
        let guess = client.with_token(Some(&format!("guess{n}"))).get("/api/me");
        guess.expect_error(401, 42, "Unauthenticated.");
    }
    let token = setup.output(&["token", "create"]);
    client.with_token(Some(&token)).get("/api/me").expect(200);
    client.get("/api/me").expect(200);
}

#[test]
fn no_other_site_s_script_is_let_in() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let client = server.client();
    let from = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    for (method, path) in
        [("OPTIONS", "/api/calls"), ("GET", "/api/calls"), ("POST", "/api/calls"), ("GET", "/openapi.json")]
    {
        let answer = client.send(method, path, &from, b"");
        let allows = answer.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
        assert_eq!(allows, None, "{method} {path}");
    }
}
