//! Differences from Monica of `docs/compatibility.md` that no other test covers.

use serde_json::{Value, json};
use support::{Client, Setup, on_both_stores};

on_both_stores!(
    detects_the_format_of_a_body,
    ignores_method_overrides_and_misplaced_parameters,
    ignores_members_that_only_the_server_sets,
    rejects_requests_that_broke_monica,
    accepts_what_get_shows,
    answers_as_monica_4_where_static_types_notice,
);

fn body(contact: i64) -> Value {
    json!({"contact_id": contact, "called_at": "2018-02-02", "content": "x"})
}

fn detects_the_format_of_a_body(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    assert_eq!(client.get("//api//me").status, 200);
    let bearer = format!("bearer {}", client.token().unwrap());
    assert_eq!(client.with_token(None).send("GET", "/api/me", &[("authorization", &bearer)], b"").status, 200);
    let text = body(contact).to_string();
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/vnd.api+json")],
        &[("content-type", "application/x-www-form-urlencoded")],
    ] {
        client.send("POST", "/api/calls", headers, text.as_bytes()).expect(201);
    }
    let (marked, form) = (format!("\u{feff}{text}"), format!("contact_id={contact}&called_at=2018-02-02&content=x"));
    for body in [marked, form] {
        client.send("POST", "/api/calls", &[("content-type", "application/json")], body.as_bytes()).expect(201);
    }
    let compressed = client.send("POST", "/api/calls", &[("content-encoding", "gzip")], b"\x1f\x8b");
    compressed.expect_error(415, 50, "The content encoding gzip is not supported.");
    let latin_1 = [("content-type", "application/json; charset=iso-8859-1")];
    let rejected = client.send("POST", "/api/calls", &latin_1, b"{\"content\": \"Zo\xeb\"}");
    rejected.expect_error(400, 37, "Problems parsing JSON");
    assert!(rejected.json()["error"]["detail"].as_str().unwrap().contains("UTF-8"));
    let broken = client.send("POST", "/api/calls", &[], b"{\n \"content\": x}");
    assert_eq!(broken.json()["error"]["detail"], "expected value at line 2 column 13");
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nhi\r\n--x--\r\n";
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    client.send("POST", "/api/calls", &headers, multipart.as_bytes()).expect_error(400, 37, "Problems parsing JSON");
    let in_the_query = format!("/api/calls?contact_id={contact}&called_at=2018-02-02&content=query");
    assert_eq!(client.post(&in_the_query, &json!({"content": "body"})).expect(201)["data"]["content"], "body");
    assert_eq!(client.send("POST", &in_the_query, &[], b"").expect(201)["data"]["content"], "query");
}

fn ignores_method_overrides_and_misplaced_parameters(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02");
    let path = format!("/api/calls/{}", call["id"]);
    let overridden = client.send("POST", &path, &[("x-http-method-override", "DELETE")], b"{\"_method\": \"DELETE\"}");
    assert_eq!(overridden.status, 405);
    client.get(&path).expect(200);
    let mut with_list_parameters = body(contact);
    with_list_parameters["limit"] = json!(101);
    with_list_parameters["sort"] = json!("bogus");
    client.post("/api/calls", &with_list_parameters).expect(201);
    client.post("/api/calls?lang=fr", &json!({})).expect_violations(&crate::REQUIRED_CALL_FIELDS);
    let html = client.send("GET", "/api/calls", &[("accept", "text/html")], b"");
    assert_eq!((html.status, html.header("content-type")), (200, Some("application/json")));
}

fn ignores_members_that_only_the_server_sets(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
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
    let mut with_boolean_id = body(contact);
    with_boolean_id["contact_id"] = json!(true);
    client.post("/api/calls", &with_boolean_id).expect_violations(&["The contact id must be an integer."]);
}

fn rejects_requests_that_broke_monica(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    for list in ["/api/calls".to_owned(), format!("/api/contacts/{contact}/calls")] {
        for sort in ["completed_at", "-favorited_at"] {
            client.get(&format!("{list}?sort={sort}")).expect_error(400, 39, "The sorting criteria is invalid");
        }
        client.get(&format!("{list}?sort[]=called_at")).expect_error(400, 39, "The sorting criteria is invalid");
    }
    client.get("/api/contacts?sort=called_at").expect_error(400, 39, "The sorting criteria is invalid");
    for path in ["/api/calls/1.5", "/api/calls/abc", "/api/contacts/abc"] {
        client.delete(path).expect_not_found();
    }
    let me = client.get("/api/me").expect(200)["data"].clone();
    assert_eq!((&me["object"], &me["email"], &me["timezone"]), (&json!("user"), &json!(""), &json!("UTC")));
}

fn accepts_what_get_shows(mut setup: Setup) {
    for compat in ["documented", "monica-4"] {
        setup = setup.set("CALLBOOK_COMPAT", compat);
        let server = setup.serve();
        let client = Client::new(&server.base, Some(&setup.new_token()));
        let known = json!({
            "first_name": "Leslie", "last_name": "Knope", "nickname": "LK", "gender": "Woman", "description": "x",
            "birthdate": "1975-01-18T10:00:00Z", "is_birthdate_approximate": "approximate", "is_starred": true,
            "is_deceased": true, "is_deceased_date_known": true, "deceased_date_day": 1, "deceased_date_month": 2,
            "job": "Deputy", "company": "Pawnee", "email": "leslie@example.org", "phone": "+1 555 0100"
        });
        for contact in [known, json!({"first_name": "Henri"})] {
            let id = client.post("/api/contacts", &contact).expect(201)["data"]["id"].clone();
            let mut call = body(id.as_i64().unwrap());
            call["emotions"] = json!([3, 1]);
            call["contact_called"] = json!(true);
            let call = client.post("/api/calls", &call).expect(201)["data"]["id"].clone();
            for path in [
                format!("/api/calls/{call}"),
                format!("/api/contacts/{id}"),
                format!("/api/contacts/{id}?with=contactfields"),
            ] {
                let shown = client.get(&path).expect(200)["data"].clone();
                assert_eq!(client.put(&path, &shown).expect(200)["data"], shown, "{compat} {path}");
                assert_eq!(client.get(&path).expect(200)["data"], shown, "{compat} {path}");
            }
            let path = format!("/api/contacts/{id}?with=contactfields");
            let shown = client.get(&path).expect(200)["data"].clone();
            let parts = json!({
                "first_name": shown["first_name"],
                "birthdate": shown["information"]["dates"]["birthdate"],
                "deceased_date": shown["information"]["dates"]["deceased_date"],
                "contact_fields": shown["contactFields"],
            });
            assert_eq!(client.put(&path, &parts).expect(200)["data"], shown, "{compat}");
        }
    }
}

fn answers_as_monica_4_where_static_types_notice(mut setup: Setup) {
    for (compat, unknown, gender, has_dates) in [
        ("documented", Value::Null, json!(["none", "N"]), true),
        ("monica-4", json!(false), json!([null, null]), false),
    ] {
        setup = setup.set("CALLBOOK_COMPAT", compat);
        let server = setup.serve();
        let client = Client::new(&server.base, Some(&setup.new_token()));
        let contact = client.create_contact("Leslie");
        let written = client.create_call(contact, "2018-02-02");
        assert_eq!(written["contact_called"], Value::Null, "{compat}");
        let path = format!("/api/calls/{}", written["id"]);
        let lists = ["/api/calls".to_owned(), format!("/api/contacts/{contact}/calls")];
        let mut calls = vec![client.get(&path).expect(200)["data"].clone()];
        calls.extend(lists.map(|list| client.get(&list).expect(200)["data"][0].clone()));
        for call in calls {
            assert_eq!(call["contact_called"], unknown, "{compat}");
            let contact = &call["contact"];
            assert_eq!(json!([contact["gender"], contact["gender_type"]]), gender, "{compat}");
            assert_eq!(contact["information"].get("dates").is_some(), has_dates, "{compat}");
        }
        let contact = client.get(&format!("/api/contacts/{contact}")).expect(200)["data"].clone();
        assert_eq!(json!([contact["gender"], contact["gender_type"]]), gender, "{compat}");
        assert!(contact["information"]["dates"]["birthdate"].is_object(), "{compat}");
        let said = client.patch(&path, &json!({"contact_called": true})).expect(200)["data"].clone();
        assert_eq!(client.get(&path).expect(200)["data"]["contact_called"], said["contact_called"]);
        let currency = json!({"id": 2, "object": "currency", "iso": "USD", "name": "US Dollar", "symbol": "$"});
        assert_eq!(client.get("/api/me").expect(200)["data"]["currency"], currency);
    }
}
