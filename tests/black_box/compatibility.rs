//! The lines of `docs/compatibility.md` that no other test holds to.

use serde_json::{Value, json};
use support::{Setup, on_both_stores};

on_both_stores!(
    bodies_are_read_for_what_they_are,
    what_no_api_should_obey_is_ignored,
    what_a_client_may_not_decide_is_ignored,
    what_was_a_fault_is_a_refusal,
);

fn body(contact: i64) -> Value {
    json!({"contact_id": contact, "called_at": "2018-02-02", "content": "x"})
}

fn bodies_are_read_for_what_they_are(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let text = body(contact).to_string();
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/vnd.api+json")],
        &[("content-type", "application/x-www-form-urlencoded")],
    ] {
        client.send("POST", "/api/calls", headers, text.as_bytes()).expect(201);
    }
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nhi\r\n--x--\r\n";
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    client.send("POST", "/api/calls", &headers, multipart.as_bytes()).expect_error(400, 37, "Problems parsing JSON");
    let in_the_query = format!("/api/calls?contact_id={contact}&called_at=2018-02-02&content=query");
    assert_eq!(client.post(&in_the_query, &json!({"content": "body"})).expect(201)["data"]["content"], "body");
    assert_eq!(client.send("POST", &in_the_query, &[], b"").expect(201)["data"]["content"], "query");
}

fn what_no_api_should_obey_is_ignored(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let call = client.log(contact, "2018-02-02");
    let path = format!("/api/calls/{}", call["id"]);
    let disguised = client.send("POST", &path, &[("x-http-method-override", "DELETE")], b"{\"_method\": \"DELETE\"}");
    assert_eq!(disguised.status, 405);
    client.get(&path).expect(200);
    let mut crowded = body(contact);
    crowded["limit"] = json!(101);
    crowded["sort"] = json!("bogus");
    client.post("/api/calls", &crowded).expect(201);
    let required = json!([
        "The contact id field is required.",
        "The called at field is required.",
        "The content field is required."
    ]);
    client.post("/api/calls?lang=fr", &json!({})).expect_error(422, 32, required);
    let html = client.send("GET", "/api/calls", &[("accept", "text/html")], b"");
    assert_eq!((html.status, html.header("content-type")), (200, Some("application/json")));
}

fn what_a_client_may_not_decide_is_ignored(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let mut sent = body(contact);
    let uuid = "11111111-1111-4111-8111-111111111111";
    for (name, value) in [
        ("id", json!(77)),
        ("uuid", json!(uuid)),
        ("created_at", json!("2000-01-01")),
        ("account_id", json!(9)),
        ("account", json!({"id": 9})),
    ] {
        sent[name] = value;
    }
    let call = client.post("/api/calls", &sent).expect(201)["data"].clone();
    assert!(call["id"] != 77 && call["uuid"] != uuid && call["account"]["id"] == 1);
    assert!(!call["created_at"].as_str().unwrap().starts_with("2000"));
    let null = json!({"contact_called": null});
    assert_eq!(
        client.patch(&format!("/api/calls/{}", call["id"]), &null).expect(200)["data"]["contact_called"],
        Value::Null
    );
    let mut truth = body(contact);
    truth["contact_id"] = json!(true);
    client.post("/api/calls", &truth).expect_error(422, 32, json!(["The contact id must be an integer."]));
}

fn what_was_a_fault_is_a_refusal(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    for list in ["/api/calls".to_owned(), format!("/api/contacts/{contact}/calls")] {
        for sort in ["completed_at", "-favorited_at"] {
            client.get(&format!("{list}?sort={sort}")).expect_error(400, 39, "The sorting criteria is invalid");
        }
        client.get(&format!("{list}?sort[]=called_at")).expect_error(400, 39, "The sorting criteria is invalid");
    }
    client.get("/api/contacts?sort=called_at").expect_error(400, 39, "The sorting criteria is invalid");
    for path in ["/api/calls/1.5", "/api/calls/abc", "/api/contacts/abc"] {
        client.delete(path).expect_error(404, 31, "The resource has not been found");
    }
    let me = client.get("/api/me").expect(200)["data"].clone();
    assert_eq!((&me["object"], &me["email"], &me["timezone"]), (&json!("user"), &json!(""), &json!("UTC")));
}
