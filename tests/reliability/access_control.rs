//! Access control: every operation of the OpenAPI document with every kind of token.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{Client, Setup, on_both_stores};

on_both_stores!(
    rejects_every_operation_without_permission,
    writes_no_token_to_logs_errors_or_links,
    accepts_valid_tokens_after_many_invalid_ones,
);

/// A valid request of an operation.
struct Example {
    operation_id: &'static str,
    body: Option<Value>,
    target: Target,
}

/// What the id in the path refers to.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    Contact,
    Call,
    ContactField,
    /// Reference data, which is the same in every account.
    Shared,
    /// There is no id in the path.
    Nothing,
}

fn examples(contact: i64) -> Vec<Example> {
    let example = |operation_id, target, body| Example { operation_id, body, target };
    let call = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "Matrix."});
    let field = json!({"contact_id": contact, "contact_field_type_id": 2, "data": "Matrix."});
    let contact_body = json!({"first_name": "Matrix"});
    vec![
        example("welcome", Target::Nothing, None),
        example("me", Target::Nothing, None),
        example("listCalls", Target::Nothing, None),
        example("createCall", Target::Nothing, Some(call.clone())),
        example("createCalls", Target::Nothing, Some(json!({"calls": [call.clone()]}))),
        example("exportCalls", Target::Nothing, None),
        example("exportContactCalls", Target::Contact, None),
        example("listDeleted", Target::Nothing, None),
        example("getCall", Target::Call, None),
        example("updateCall", Target::Call, Some(call.clone())),
        example("changeCall", Target::Call, Some(json!({"content": "Matrix."}))),
        example("deleteCall", Target::Call, None),
        example("listContacts", Target::Nothing, None),
        example("createContact", Target::Nothing, Some(contact_body.clone())),
        example("getContact", Target::Contact, None),
        example("updateContact", Target::Contact, Some(contact_body)),
        example("deleteContact", Target::Contact, None),
        example("listContactCalls", Target::Contact, None),
        example("listContactFields", Target::Contact, None),
        example("createContactField", Target::Nothing, Some(field.clone())),
        example("getContactField", Target::ContactField, None),
        example("updateContactField", Target::ContactField, Some(field)),
        example("deleteContactField", Target::ContactField, None),
        example("listGenders", Target::Nothing, None),
        example("getGender", Target::Shared, None),
        example("listContactFieldTypes", Target::Nothing, None),
        example("listEmotions", Target::Nothing, None),
    ]
}

/// An operation of the document with its example.
struct Operation {
    method: String,
    path: String,
    example: Example,
}

/// Every operation of the document with its example. Panics if one is without the other.
fn operations(setup: &Setup, contact: i64, call: i64, field: i64) -> Vec<Operation> {
    let document: Value = serde_json::from_str(&setup.output(&["openapi"])).unwrap();
    let mut examples = examples(contact);
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let operation_id = operation["operationId"].as_str().unwrap();
            let position = examples.iter().position(|example| example.operation_id == operation_id);
            let example = examples.swap_remove(position.unwrap_or_else(|| panic!("{operation_id} has no example")));
            assert_eq!(operation["requestBody"].is_object(), example.body.is_some(), "the body of {operation_id}");
            assert_eq!(path.contains('{'), example.target != Target::Nothing, "the path of {operation_id}");
            let id = match example.target {
                Target::Contact => contact,
                Target::Call => call,
                Target::ContactField => field,
                Target::Shared | Target::Nothing => 1,
            };
            let query = if operation_id == "listDeleted" { "?since=-1%20day" } else { "" };
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.replace("{id}", &id.to_string()) + query,
                example,
            });
        }
    }
    let unused: Vec<_> = examples.iter().map(|example| example.operation_id).collect();
    assert!(unused.is_empty(), "the document has no {unused:?}");
    operations
}

/// Creates a contact field and returns its id.
fn create_field(client: &Client, contact: i64) -> i64 {
    let body = json!({"contact_id": contact, "contact_field_type_id": 2, "data": "+1 555 0100"});
    client.post("/api/contactfields", &body).expect(201)["data"]["id"].as_i64().unwrap()
}

impl Operation {
    fn send(&self, client: &Client) -> support::Response {
        match &self.example.body {
            Some(body) => client.json(&self.method, &self.path, body),
            None => client.send(&self.method, &self.path, &[], b""),
        }
    }
}

fn rejects_every_operation_without_permission(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02")["id"].as_i64().unwrap();
    let field = create_field(&client, contact);
    let operations = operations(&setup, contact, call, field);
    let snapshot = || (client.get("/api/calls").expect(200), client.get("/api/contacts").expect(200));
    let before = snapshot();

    for (kind, token) in [
        ("no", None),
        ("a bad", Some("cb_0000000000000000000000000000000000000000000000000000000000000000".to_owned())),
        ("an expired", Some(setup.expired_token(&client))),
        ("a revoked", Some(setup.revoked_token())),
        ("a calendar's", Some(setup.output(&["token", "create", "--feed"]))),
    ] {
        let unauthenticated = client.with_token(token.as_deref());
        for operation in &operations {
            let response = operation.send(&unauthenticated);
            response.expect_error(401, 42, "Unauthenticated.");
            assert_eq!(
                response.header("www-authenticate"),
                Some("Bearer"),
                "{} with {kind} token",
                operation.example.operation_id
            );
        }
    }
    // The token is accepted only as a bearer token.
    let valid = client.token().unwrap();
    for header in [format!("Basic {valid}"), valid.to_owned(), format!("Bearer{valid}"), format!("Bearer {valid}x")] {
        let response = client.with_token(None).send("GET", "/api/me", &[("authorization", &header)], b"");
        assert_eq!(response.status, 401);
    }
    for query in ["access_token", "token", "api_token"] {
        assert_eq!(client.with_token(None).get(&format!("/api/me?{query}={valid}")).status, 401);
    }

    let read_only = client.with_token(Some(&setup.output(&["token", "create", "--read-only"])));
    for operation in &operations {
        let response = operation.send(&read_only);
        if operation.method == "GET" {
            assert_eq!(response.status, 200, "{} with a read-only token", operation.example.operation_id);
        } else {
            response.expect_error(403, 46, "This token may only read.");
        }
    }

    let foreign = client.with_token(Some(&setup.new_account_token()));
    for operation in &operations {
        let response = operation.send(&foreign);
        let id = operation.example.operation_id;
        match operation.example.target {
            Target::Contact | Target::Call | Target::ContactField => response.expect_not_found(),
            // The contact of the new call or contact field belongs to another account.
            Target::Nothing if id == "createCall" || id == "createContactField" => response.expect_not_found(),
            Target::Shared | Target::Nothing => {
                assert!(matches!(response.status, 200 | 201), "{id} with a foreign token: {}", response.body);
                assert!(!response.body.contains("Leslie"), "{id} shows data of another account");
            }
        }
    }
    assert_eq!(snapshot(), before, "nothing has changed");

    // Deletions come last, of calls and contact fields before their contact.
    let (deletions, others): (Vec<_>, Vec<_>) = operations.iter().partition(|operation| operation.method == "DELETE");
    let statuses: BTreeSet<_> =
        others.iter().chain(&deletions).map(|operation| operation.send(&client).status).collect();
    assert_eq!(statuses, BTreeSet::from([200, 201]), "the owner has permission");
}

fn writes_no_token_to_logs_errors_or_links(setup: Setup) {
    let setup = setup.set("CALLBOOK_LOG", "trace").set("CALLBOOK_RATE_LIMIT_PER_MINUTE", "200");
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02")["id"].as_i64().unwrap();
    let field = create_field(&client, contact);
    let tokens = [client.token().unwrap().to_owned(), setup.revoked_token(), "an-invalid-token".to_owned()];
    for token in &tokens {
        let client = client.with_token(Some(token));
        for operation in
            operations(&setup, contact, call, field).iter().filter(|operation| operation.method != "DELETE")
        {
            assert!(!operation.send(&client).body.contains(token.as_str()), "{}", operation.example.operation_id);
        }
        client.send("POST", "/api/calls", &[], b"{");
        client.get("/api/nope");
        client.send("FOO", "/api/calls", &[("x-request-id", token)], b"");
    }
    // The request id that a client sends is logged unchanged, here a token.
    let (_, log) = server.stop();
    let log: String = log.lines().filter(|line| !line.contains("FOO")).collect();
    assert!(log.contains("/api/calls"), "requests are logged");
    for token in &tokens {
        assert!(!log.contains(token.as_str()), "a token is in the log");
    }
}

fn accepts_valid_tokens_after_many_invalid_ones(setup: Setup) {
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
fn sends_no_cors_headers() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let client = server.client();
    let headers = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    for (method, path) in
        [("OPTIONS", "/api/calls"), ("GET", "/api/calls"), ("POST", "/api/calls"), ("GET", "/openapi.json")]
    {
        let response = client.send(method, path, &headers, b"");
        let cors_header = response.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
        assert_eq!(cors_header, None, "{method} {path}");
    }
}
