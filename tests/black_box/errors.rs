//! Every row of the error table, and what holds for every answer.

use serde_json::json;
use support::{Setup, Store, on_both_stores};

on_both_stores!(
    bodies_that_are_no_objects_are_refused,
    every_violation_is_told_at_once,
    bodies_over_two_mebibytes_are_refused,
    tokens_are_asked_for,
    a_read_only_token_may_read_only,
    routes_and_methods_that_do_not_exist_are_named,
    ids_that_name_nothing_are_not_found,
    a_token_has_so_many_requests_a_minute,
    head_and_trailing_slashes_are_served,
    requests_are_named,
);

fn bodies_that_are_no_objects_are_refused(setup: Setup) {
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
            let answer = client.send(method, path, &[("content-type", "application/json")], body);
            answer.expect_error(400, 37, "Problems parsing JSON");
        }
    }
}

fn every_violation_is_told_at_once(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let required = json!([
        "The contact id field is required.",
        "The called at field is required.",
        "The content field is required."
    ]);
    for body in [json!({}), json!({"contact_id": null, "called_at": "", "content": " \u{200b}"})] {
        client.post("/api/calls", &body).expect_error(422, 32, required.clone());
        client.put("/api/calls/1", &body).expect_error(422, 32, required.clone());
    }
    client.send("POST", "/api/calls", &[], b"").expect_error(422, 32, required);
    let wrong = json!({"contact_id": "x", "called_at": "soonish", "content": 5, "contact_called": "yes"});
    let sentences = json!([
        "The contact id must be an integer.",
        "The called at is not a valid date.",
        "The content must be a string.",
        "The contact called field must be true or false."
    ]);
    client.post("/api/calls", &wrong).expect_error(422, 32, sentences);
}

fn bodies_over_two_mebibytes_are_refused(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let body = |size: usize| {
        let head = format!(r#"{{"contact_id":{contact},"called_at":"2018-02-02","content":"x","note":""#);
        format!("{head}{}\"}}", "x".repeat(size - head.len() - 2))
    };
    let limit = 2 * 1024 * 1024;
    let json = [("content-type", "application/json")];
    client.send("POST", "/api/calls", &json, body(limit).as_bytes()).expect(201);
    let refused = client.send("POST", "/api/calls", &json, body(limit + 1).as_bytes());
    refused.expect_error(413, 44, "The request body may not be greater than 2097152 bytes.");
}

fn tokens_are_asked_for(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let revoked = setup.output(&["token", "create", "--name", "revoked"]);
    let list = setup.output(&["token", "list"]);
    let id = list.lines().last().unwrap().split_whitespace().next().unwrap();
    setup.output(&["token", "revoke", id]);
    let expired = setup.output(&["token", "create", "--expires", "1s"]);
    // Whether it was ever good cannot be seen on a busy machine; one of an hour shows that the flag itself takes none away.
    let lasting = setup.output(&["token", "create", "--expires", "1h"]);
    client.with_token(Some(&lasting)).get("/api/me").expect(200);
    support::wait_until("the token's end", || client.with_token(Some(&expired)).get("/api/me").status == 401);
    let message = "Unauthenticated.";
    for token in [None, Some(""), Some("bad"), Some(revoked.as_str()), Some(expired.as_str())] {
        for path in ["/api", "/api/me", "/api/calls", "/api/calls/1", "/api/contacts", "/api/calls?limit=999"] {
            let answer = client.with_token(token).get(path);
            assert_eq!(answer.json(), json!({"message": message, "error": {"message": message, "error_code": 42}}));
            assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
        }
        assert_eq!(client.with_token(token).post("/api/calls", &json!({})).status, 401);
    }
}

fn a_read_only_token_may_read_only(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let call = client.log(contact, "2018-02-02");
    let reader = client.with_token(Some(&setup.output(&["token", "create", "--read-only"])));
    let (call, contact) = (format!("/api/calls/{}", call["id"]), format!("/api/contacts/{contact}"));
    for path in ["/api/calls", &call, &contact] {
        reader.get(path).expect(200);
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
        reader.json(method, path, &json!({})).expect_error(403, 46, "This token may only read.");
    }
    client.get(&call).expect(200);
}

fn routes_and_methods_that_do_not_exist_are_named(setup: Setup) {
    let server = setup.serve();
    let nobody = server.client().with_token(None);
    for path in ["api/nope", "api/calls/1/x", "API/CALLS", "nope"] {
        let sentence = format!("The route {path} could not be found.");
        let answer = nobody.get(&format!("/{path}"));
        answer.expect_error(404, 31, sentence.clone());
        assert_eq!(answer.json()["message"], sentence);
    }
    for (method, path, allow) in [
        ("PUT", "api/calls", "GET, HEAD, POST"),
        ("FOO", "api/calls", "GET, HEAD, POST"),
        ("POST", "api/calls/1", "GET, HEAD, PUT, PATCH, DELETE"),
        ("POST", "api", "GET, HEAD"),
        ("DELETE", "api/contacts/1/calls", "GET, HEAD"),
        ("PATCH", "api/contacts/1", "GET, HEAD, PUT, DELETE"),
    ] {
        let sentence = format!("The {method} method is not supported for route {path}. Supported methods: {allow}.");
        let answer = nobody.send(method, &format!("/{path}"), &[], b"");
        answer.expect_error(405, 43, sentence.clone());
        assert_eq!((answer.header("allow"), &answer.json()["message"]), (Some(allow), &json!(sentence)));
    }
}

fn ids_that_name_nothing_are_not_found(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let body = json!({"contact_id": 1, "called_at": "2018-02-02", "content": "x"});
    for id in ["999999", "0", "-1", "abc", "2.5", "2abc", "99999999999999999999", "9007199254740993", "%00", "..%2f"] {
        let (call, contact) = (format!("/api/calls/{id}"), format!("/api/contacts/{id}"));
        let first_name = json!({"first_name": "x"});
        for answer in [
            client.get(&call),
            client.put(&call, &body),
            client.patch(&call, &json!({})),
            client.delete(&call),
            client.get(&contact),
            client.put(&contact, &first_name),
            client.delete(&contact),
            client.get(&format!("{contact}/calls")),
        ] {
            answer.expect_error(404, 31, "The resource has not been found");
        }
    }
    for id in [json!(0), json!(-1), json!(999_999), json!("999999"), json!(9_007_199_254_740_993_i64)] {
        let orphan = json!({"contact_id": id, "called_at": "2018-02-02", "content": "x"});
        client.post("/api/calls", &orphan).expect_error(404, 31, "The resource has not been found");
    }
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 0);
}

fn a_token_has_so_many_requests_a_minute(setup: Setup) {
    let setup = setup.set("CALLBOOK_RATE_LIMIT_PER_MINUTE", "3");
    let server = setup.serve();
    let client = server.client();
    for (path, remaining) in [("/api/calls", "2"), ("/api/calls/1", "1"), ("/api/calls?limit=101", "0")] {
        let answer = client.get(path);
        assert_eq!(
            (answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")),
            (Some("3"), Some(remaining))
        );
    }
    let refused = client.post("/api/calls", &json!({}));
    refused.expect_error(429, 34, "Too many attempts, please slow down the request");
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert!(refused.header("x-ratelimit-reset").is_some_and(|reset| reset.parse::<i64>().is_ok()));
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    let other = client.with_token(Some(&setup.output(&["token", "create"])));
    assert_eq!(other.get("/api/calls").header("x-ratelimit-remaining"), Some("2"), "tokens are counted apart");
    assert_eq!(client.with_token(None).get("/api/calls").status, 401);
}

fn head_and_trailing_slashes_are_served(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let call = client.log(contact, "2018-02-02");
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

fn requests_are_named(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let named = client.send("GET", "/api/me", &[("x-request-id", "n8n-42")], b"");
    assert_eq!(named.header("x-request-id"), Some("n8n-42"));
    for (path, status) in [("/api/me", 200), ("/api/calls/1", 404), ("/nope", 404), ("/healthz", 200)] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.header("x-request-id").map(str::len)), (status, Some(36)), "{path}");
    }
}

#[test]
fn a_fault_names_the_request_and_nothing_else() {
    let setup = Setup::postgres();
    let server = setup.serve();
    let client = server.client();
    let Store::Postgres(database) = setup.store() else { panic!("on PostgreSQL") };
    database.execute("ALTER TABLE calls RENAME COLUMN content TO sabotaged");
    let answer = client.send("GET", "/api/calls/1", &[("x-request-id", "n8n-42")], b"");
    answer.expect_error(500, 47, "Something went wrong with the request n8n-42.");
    let (_, log) = server.stop();
    assert!(log.contains("n8n-42") && log.contains("content"), "the cause is in the log: {log}");
}

#[test]
fn a_database_that_is_away_is_503_until_it_is_back() {
    let mut postgres = throwaway_postgres::Throwaway::start();
    let setup = Setup::on(Store::Url(postgres.url("postgres")));
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let call = client.log(contact, "2018-02-02");
    postgres.stop();
    let away = "The store is not available, please try again later.";
    let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "x"});
    for _ in 0..3 {
        for answer in [client.get("/api/calls"), client.post("/api/calls", &body)] {
            answer.expect_error(503, 45, away);
            assert_eq!(answer.header("retry-after"), Some("5"));
        }
    }
    assert_eq!((client.get("/healthz").status, client.get("/readyz").status), (200, 503));
    postgres.restart();
    support::wait_until("the server's recovery", || client.get("/readyz").status == 200);
    assert_eq!(client.get(&format!("/api/calls/{}", call["id"])).expect(200)["data"], call);
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 1, "no refused write was done");
    client.post("/api/calls", &body).expect(201);
}
