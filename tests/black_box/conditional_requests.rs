//! Idempotency keys and conditional requests.

use serde_json::{Value, json};
use support::{Client, Response, Setup, on_both_stores};

on_both_stores!(
    executes_a_request_with_an_idempotency_key_once,
    rejects_a_change_with_an_outdated_etag,
    returns_304_for_a_known_etag,
    protects_a_contact_by_its_etag,
);

fn send(client: &Client, method: &str, path: &str, header: (&str, &str), body: &Value) -> Response {
    client.send(method, path, &[("content-type", "application/json"), header], body.to_string().as_bytes())
}

fn executes_a_request_with_an_idempotency_key_once(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let body = json!({"contact_id": contact, "called_at": "yesterday noon", "content": "Once."});
    let post = |key: &str, body: &Value| send(&client, "POST", "/api/calls", ("idempotency-key", key), body);
    let first = post("n8n-1", &body).expect(201);
    let path = format!("/api/calls/{}", first["data"]["id"]);
    let changed = client.patch(&path, &json!({"content": "Changed."})).expect(200);
    assert_eq!(post("n8n-1", &body).expect(201), changed, "the call as it is now");
    let other = json!({"contact_id": contact, "called_at": "yesterday noon", "content": "Twice."});
    post("n8n-1", &other).expect_violations(&["The idempotency key was used for another request."]);
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 1);
    post("n8n-2", &json!({})).expect_violations(&crate::REQUIRED_CALL_FIELDS);
    post("n8n-2", &body).expect(201);
    post("", &body).expect_violations(&["The idempotency key must have 1 to 255 visible characters."]);
    let responses: Vec<Value> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..8).map(|_| scope.spawn(|| post("n8n-3", &body).expect(201))).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    assert!(responses.iter().all(|response| *response == responses[0]));
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 3);
    client.post("/api/calls", &body).expect(201);
    client.post("/api/calls", &body).expect(201);
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 5, "without a key, each request is executed");
    client.delete(&path).expect(200);
    post("n8n-1", &body).expect_not_found();
}

fn rejects_a_change_with_an_outdated_etag(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02");
    let path = format!("/api/calls/{}", call["id"]);
    let etag = |response: &Response| response.header("etag").unwrap().to_owned();
    let first = etag(&client.get(&path));
    let changed = send(&client, "PATCH", &path, ("if-match", &first), &json!({"content": "Mine."}));
    assert_eq!(changed.status, 200);
    let body = json!({"contact_id": contact, "called_at": "2018-02-03", "content": "Theirs."});
    for (method, body) in [("PATCH", json!({"content": "Theirs."})), ("PUT", body.clone()), ("DELETE", json!({}))] {
        let stale = send(&client, method, &path, ("if-match", &first), &body);
        stale.expect_error(412, 48, "The call has changed meanwhile.");
    }
    assert_eq!(client.get(&path).expect(200)["data"]["content"], "Mine.");
    let second = send(&client, "PUT", &path, ("if-match", &format!("\"x\", {}", etag(&changed))), &body);
    assert_eq!((second.status, etag(&second) == etag(&client.get(&path))), (200, true));
    assert_eq!(send(&client, "PUT", &path, ("if-match", "*"), &body).status, 200);
    assert_eq!(send(&client, "DELETE", &path, ("if-match", &etag(&second)), &json!({})).status, 200);
    send(&client, "PATCH", &path, ("if-match", "*"), &json!({})).expect_not_found();
}

fn returns_304_for_a_known_etag(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let path = format!("/api/calls/{}", client.create_call(contact, "2018-02-02")["id"]);
    let etag = client.get(&path).header("etag").unwrap().to_owned();
    for known in [etag.as_str(), "*", &format!("\"x\", W/{etag}")] {
        let response = client.send("GET", &path, &[("if-none-match", known)], b"");
        assert_eq!((response.status, response.body.as_str(), response.header("etag")), (304, "", Some(etag.as_str())));
    }
    client.put(&format!("/api/contacts/{contact}"), &json!({"first_name": "Leslie", "nickname": "LK"})).expect(200);
    assert_eq!(client.send("GET", &path, &[("if-none-match", &etag)], b"").status, 200, "the ETag covers the contact");
}

fn protects_a_contact_by_its_etag(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let etag = |response: &Response| response.header("etag").unwrap().to_owned();
    let created = client.post("/api/contacts", &json!({"first_name": "Leslie"}));
    let id = created.json()["data"]["id"].as_i64().unwrap();
    let path = format!("/api/contacts/{id}");
    assert_eq!(etag(&client.get(&path)), etag(&created));
    let known = client.send("GET", &path, &[("if-none-match", &etag(&created))], b"");
    assert_eq!((known.status, known.body.as_str(), known.header("etag")), (304, "", Some(etag(&created).as_str())));
    client.create_call(id, "2018-02-02");
    let body = json!({"first_name": "Leslie", "phone": "+1 555 0100"});
    for (method, body) in [("PUT", &body), ("DELETE", &json!({}))] {
        let stale = send(&client, method, &path, ("if-match", &etag(&created)), body);
        stale.expect_error(412, 48, "The contact has changed meanwhile.");
    }
    let called = etag(&client.get(&path));
    let changed = send(&client, "PUT", &path, ("if-match", &called), &body);
    assert_eq!((changed.status, etag(&changed)), (200, etag(&client.get(&path))));
    assert_ne!(etag(&changed), called, "the ETag covers the contact fields");
    assert_eq!(send(&client, "DELETE", &path, ("if-match", &called), &json!({})).status, 412);
    assert_eq!(send(&client, "DELETE", &path, ("if-match", &etag(&changed)), &json!({})).status, 200);
    send(&client, "DELETE", &path, ("if-match", &called), &json!({})).expect_not_found();
}
