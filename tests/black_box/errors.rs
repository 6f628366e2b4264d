//! Every documented error, and the properties of all responses.

use serde_json::json;
use support::{Setup, Store, on_both_stores};

on_both_stores!(
    rejects_bodies_that_are_not_objects,
    returns_all_violations_together,
    rejects_bodies_over_two_mebibytes,
    rejects_requests_without_a_valid_token,
    rejects_writes_with_a_read_only_token,
    names_unknown_routes_and_methods,
    returns_404_for_unknown_or_invalid_ids,
    limits_the_requests_of_a_token_per_minute,
    serves_head_requests_and_trailing_slashes,
    returns_a_request_id,
);

fn rejects_bodies_that_are_not_objects(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    for body in [
        &b"{"[..],
        b"null",
        b"[]",
        b"\"text\"",
        b"7",
        b"{\"content\": \"\xff\"}",
        b"{\"content\": \"\\ud800\"}",
        b"a=b",
    ] {
        for (method, path) in
            [("POST", "/api/calls"), ("PUT", "/api/calls/1"), ("PATCH", "/api/calls/1"), ("POST", "/api/contacts")]
        {
            let response = client.send(method, path, &[("content-type", "application/json")], body);
            response.expect_error(400, 37, "Problems parsing JSON");
        }
    }
}

fn returns_all_violations_together(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let required = &crate::REQUIRED_CALL_FIELDS;
    for body in [json!({}), json!({"contact_id": null, "called_at": "", "content": " \u{200b}"})] {
        client.post("/api/calls", &body).expect_violations(required);
        client.put("/api/calls/1", &body).expect_violations(required);
    }
    client.send("POST", "/api/calls", &[], b"").expect_violations(required);
    let wrong = json!({"contact_id": "x", "called_at": "soonish", "content": 5, "contact_called": "yes"});
    client.post("/api/calls", &wrong).expect_violations(&[
        "The contact id must be an integer.",
        "The called at is not a valid date.",
        "The content must be a string.",
        "The contact called field must be true or false.",
    ]);
}

fn rejects_bodies_over_two_mebibytes(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let body = |size: usize| {
        let head = format!(r#"{{"contact_id":{contact},"called_at":"2018-02-02","content":"x","note":""#);
        format!("{head}{}\"}}", "x".repeat(size - head.len() - 2))
    };
    let limit = 2 * 1024 * 1024;
    let json = [("content-type", "application/json")];
    client.send("POST", "/api/calls", &json, body(limit).as_bytes()).expect(201);
    let rejected = client.send("POST", "/api/calls", &json, body(limit + 1).as_bytes());
    rejected.expect_error(413, 44, "The request body may not be greater than 2097152 bytes.");
}

fn rejects_requests_without_a_valid_token(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let (revoked, expired) = (setup.revoked_token(), setup.expired_token(&client));
    // Shows that a token with an expiry is valid before it.
    let expires_later = setup.output(&["token", "create", "--expires", "1h"]);
    client.with_token(Some(&expires_later)).get("/api/me").expect(200);
    let message = "Unauthenticated.";
    for token in [None, Some(""), Some("bad"), Some(revoked.as_str()), Some(expired.as_str())] {
        for path in ["/api", "/api/me", "/api/calls", "/api/calls/1", "/api/contacts", "/api/calls?limit=999"] {
            let response = client.with_token(token).get(path);
            assert_eq!(response.json(), json!({"message": message, "error": {"message": message, "error_code": 42}}));
            assert_eq!((response.status, response.header("www-authenticate")), (401, Some("Bearer")));
        }
        assert_eq!(client.with_token(token).post("/api/calls", &json!({})).status, 401);
    }
}

fn rejects_writes_with_a_read_only_token(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02");
    let read_only = client.with_token(Some(&setup.output(&["token", "create", "--read-only"])));
    let (call, contact) = (format!("/api/calls/{}", call["id"]), format!("/api/contacts/{contact}"));
    for path in ["/api/calls", &call, &contact] {
        read_only.get(path).expect(200);
    }
    for (method, path) in [
        ("POST", "/api/calls"),
        ("PUT", &call),
        ("PATCH", &call),
        ("DELETE", &call),
        ("POST", "/api/contacts"),
        ("PUT", &contact),
        ("DELETE", &contact),
    ] {
        read_only.json(method, path, &json!({})).expect_error(403, 46, "This token may only read.");
    }
    client.get(&call).expect(200);
}

fn names_unknown_routes_and_methods(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let anonymous = client.with_token(None);
    for path in ["api/nope", "api/calls/1/x", "API/CALLS", "nope"] {
        let message = format!("The route {path} could not be found.");
        let response = client.get(&format!("/{path}"));
        response.expect_error(404, 31, message.clone());
        assert_eq!(response.json()["message"], message);
    }
    for (method, path, allow) in [
        ("PUT", "api/calls", "GET, HEAD, POST"),
        ("FOO", "api/calls", "GET, HEAD, POST"),
        ("POST", "api/calls/1", "GET, HEAD, PUT, PATCH, DELETE"),
        ("POST", "api", "GET, HEAD"),
        ("DELETE", "api/contacts/1/calls", "GET, HEAD"),
        ("PATCH", "api/contacts/1", "GET, HEAD, PUT, DELETE"),
    ] {
        let message = format!("The {method} method is not supported for route {path}. Supported methods: {allow}.");
        let response = client.send(method, &format!("/{path}"), &[], b"");
        response.expect_error(405, 43, message.clone());
        assert_eq!((response.header("allow"), &response.json()["message"]), (Some(allow), &json!(message)));
        let unauthenticated = anonymous.send(method, &format!("/{path}"), &[], b"");
        unauthenticated.expect_error(401, 42, "Unauthenticated.");
    }
    anonymous.get("/api/nope").expect_error(401, 42, "Unauthenticated.");
    anonymous.get("/nope").expect_error(404, 31, "The route nope could not be found.");
}

fn returns_404_for_unknown_or_invalid_ids(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let body = json!({"contact_id": 1, "called_at": "2018-02-02", "content": "x"});
    for id in ["999999", "0", "-1", "abc", "2.5", "2abc", "99999999999999999999", "9007199254740993", "%00", "..%2f"] {
        let (call, contact) = (format!("/api/calls/{id}"), format!("/api/contacts/{id}"));
        let first_name = json!({"first_name": "x"});
        for response in [
            client.get(&call),
            client.put(&call, &body),
            client.patch(&call, &json!({})),
            client.delete(&call),
            client.get(&contact),
            client.put(&contact, &first_name),
            client.delete(&contact),
            client.get(&format!("{contact}/calls")),
        ] {
            response.expect_not_found();
        }
    }
    for id in [json!(0), json!(-1), json!(999_999), json!("999999"), json!(9_007_199_254_740_993_i64)] {
        let body = json!({"contact_id": id, "called_at": "2018-02-02", "content": "x"});
        client.post("/api/calls", &body).expect_not_found();
    }
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 0);
}

fn limits_the_requests_of_a_token_per_minute(setup: Setup) {
    let setup = setup.set("CALLBOOK_RATE_LIMIT_PER_MINUTE", "3");
    let server = setup.serve();
    let client = server.client();
    for (path, remaining) in [("/api/calls", "2"), ("/api/calls/1", "1"), ("/api/calls?limit=101", "0")] {
        let response = client.get(path);
        assert_eq!(
            (response.header("x-ratelimit-limit"), response.header("x-ratelimit-remaining")),
            (Some("3"), Some(remaining))
        );
    }
    let rejected = client.post("/api/calls", &json!({}));
    rejected.expect_error(429, 34, "Too many attempts, please slow down the request");
    let wait: i64 = rejected.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert!(rejected.header("x-ratelimit-reset").is_some_and(|reset| reset.parse::<i64>().is_ok()));
    assert_eq!(rejected.header("x-ratelimit-remaining"), Some("0"));
    let other = client.with_token(Some(&setup.new_token()));
    assert_eq!(other.get("/api/calls").header("x-ratelimit-remaining"), Some("2"), "each token has its own limit");
    assert_eq!(client.with_token(None).get("/api/calls").status, 401);
}

fn serves_head_requests_and_trailing_slashes(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02");
    let paths = [
        "/api".to_owned(),
        "/api/me".to_owned(),
        "/api/calls".to_owned(),
        format!("/api/calls/{}", call["id"]),
        format!("/api/contacts/{contact}"),
        format!("/api/contacts/{contact}/calls"),
    ];
    for path in paths {
        let plain = client.get(&path);
        let slashed = client.get(&format!("{path}/"));
        assert_eq!((plain.status, slashed.status), (200, 200), "{path}");
        assert_eq!(plain.body, slashed.body, "{path}");
        let head = client.send("HEAD", &path, &[("accept", "text/html")], b"");
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-type"), Some("application/json"));
        assert_eq!(head.header("content-length"), Some(plain.body.len().to_string().as_str()), "{path}");
    }
    assert_eq!(client.send("HEAD", "/api/calls/999", &[], b"").status, 404);
    let options = client.send("OPTIONS", "/api/calls", &[], b"");
    assert_eq!((options.status, options.header("allow")), (200, Some("GET,HEAD,POST")));
}

fn returns_a_request_id(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let response = client.send("GET", "/api/me", &[("x-request-id", "n8n-42")], b"");
    assert_eq!(response.header("x-request-id"), Some("n8n-42"));
    for (path, status) in [("/api/me", 200), ("/api/calls/1", 404), ("/nope", 404), ("/healthz", 200)] {
        let response = client.get(path);
        assert_eq!((response.status, response.header("x-request-id").map(str::len)), (status, Some(36)), "{path}");
    }
}

#[test]
fn returns_only_the_request_id_of_an_internal_error() {
    let setup = Setup::postgres();
    let server = setup.serve();
    let client = server.client();
    let Store::Postgres(database) = setup.store() else { unreachable!() };
    database.execute("ALTER TABLE calls RENAME COLUMN content TO sabotaged");
    let response = client.send("GET", "/api/calls/1", &[("x-request-id", "n8n-42")], b"");
    response.expect_error(500, 47, "Something went wrong with the request n8n-42.");
    let (_, log) = server.stop();
    assert!(log.contains("n8n-42") && log.contains("content"), "the cause is in the log: {log}");
}

#[test]
fn returns_503_until_the_database_is_back() {
    let mut postgres = throwaway_postgres::Throwaway::start();
    let setup = Setup::on(Store::Url(postgres.url("postgres")));
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02");
    postgres.stop();
    let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "x"});
    for _ in 0..3 {
        for response in [client.get("/api/calls"), client.post("/api/calls", &body)] {
            response.expect_unavailable();
        }
    }
    assert_eq!((client.get("/healthz").status, client.get("/readyz").status), (200, 503));
    postgres.restart();
    server.wait_until_ready();
    assert_eq!(client.get(&format!("/api/calls/{}", call["id"])).expect(200)["data"], call);
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 1, "rejected writes are not executed");
    client.post("/api/calls", &body).expect(201);
}
