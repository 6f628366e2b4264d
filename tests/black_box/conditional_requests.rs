//! Careful clients: requests that are done once, and changes of a known state only.

use serde_json::{Value, json};
use support::{Answer, Client, Setup, on_both_stores};

on_both_stores!(
    a_repeated_request_records_nothing_twice,
    a_change_of_an_unknown_state_is_refused,
    a_known_call_is_not_sent_again
);

fn send(client: &Client, method: &str, path: &str, header: (&str, &str), body: &Value) -> Answer {
    client.send(method, path, &[("content-type", "application/json"), header], body.to_string().as_bytes())
}

fn a_repeated_request_records_nothing_twice(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let body = json!({"contact_id": contact, "called_at": "yesterday noon", "content": "Once."});
    let post = |key: &str, body: &Value| send(&client, "POST", "/api/calls", ("idempotency-key", key), body);
    let first = post("n8n-1", &body).expect(201);
    client.patch(&format!("/api/calls/{}", first["data"]["id"]), &json!({"content": "Changed."})).expect(200);
    assert_eq!(post("n8n-1", &body).expect(201), first, "the same answer, whatever happened since");
    let other = json!({"contact_id": contact, "called_at": "yesterday noon", "content": "Twice."});
    let reused = json!(["The idempotency key was used for another request."]);
    post("n8n-1", &other).expect_error(422, 32, reused);
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 1);
    post("n8n-2", &json!({})).expect_error(
        422,
        32,
        json!([
            "The contact id field is required.",
            "The called at field is required.",
            "The content field is required."
        ]),
    );
    post("n8n-2", &body).expect(201);
    post("", &body).expect_error(422, 32, json!(["The idempotency key must have 1 to 255 visible characters."]));
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..8).map(|_| scope.spawn(|| post("n8n-3", &body).expect(201))).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 3);
    client.post("/api/calls", &body).expect(201);
    client.post("/api/calls", &body).expect(201);
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 5, "without a key each is a request of its own");
}

fn a_change_of_an_unknown_state_is_refused(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let call = client.log(contact, "2018-02-02");
    let path = format!("/api/calls/{}", call["id"]);
    let tag = |answer: &Answer| answer.header("etag").unwrap().to_owned();
    let first = tag(&client.get(&path));
    let changed = send(&client, "PATCH", &path, ("if-match", &first), &json!({"content": "Mine."}));
    assert_eq!(changed.status, 200);
    let body = json!({"contact_id": contact, "called_at": "2018-02-03", "content": "Theirs."});
    for (method, body) in [("PATCH", json!({"content": "Theirs."})), ("PUT", body.clone()), ("DELETE", json!({}))] {
        let stale = send(&client, method, &path, ("if-match", &first), &body);
        stale.expect_error(412, 48, "The call has changed meanwhile.");
    }
    assert_eq!(client.get(&path).expect(200)["data"]["content"], "Mine.");
    let second = send(&client, "PUT", &path, ("if-match", &format!("\"x\", {}", tag(&changed))), &body);
    assert_eq!((second.status, tag(&second) == tag(&client.get(&path))), (200, true));
    assert_eq!(send(&client, "PUT", &path, ("if-match", "*"), &body).status, 200);
    assert_eq!(send(&client, "DELETE", &path, ("if-match", &tag(&second)), &json!({})).status, 200);
    send(&client, "PATCH", &path, ("if-match", "*"), &json!({})).expect_error(
        404,
        31,
        "The resource has not been found",
    );
}

fn a_known_call_is_not_sent_again(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let path = format!("/api/calls/{}", client.log(contact, "2018-02-02")["id"]);
    let tag = client.get(&path).header("etag").unwrap().to_owned();
    for known in [tag.as_str(), "*", &format!("\"x\", W/{tag}")] {
        let answer = client.send("GET", &path, &[("if-none-match", known)], b"");
        assert_eq!((answer.status, answer.body.as_str(), answer.header("etag")), (304, "", Some(tag.as_str())));
    }
    client.put(&format!("/api/contacts/{contact}"), &json!({"first_name": "Leslie", "nickname": "LK"})).expect(200);
    assert_eq!(client.send("GET", &path, &[("if-none-match", &tag)], b"").status, 200, "the contact is a part of it");
}
