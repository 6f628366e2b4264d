//! Calls.

use super::*;

#[actix_web::test]
async fn a_call_has_its_members_in_order() {
    let mut fixture = Fixture::new();
    fixture.calls.expect_find().with(eq(account()), eq(CallId::new(5).unwrap())).return_once(|_, _| Ok(call()));
    let response = fixture.send(get("/api/calls/5")).await;
    assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
    assert_eq!(response.header("cache-control"), Some("no-cache, private"));
    let expected = concat!(
        r#"{"data":{"id":5,"uuid":"00000000-0000-0000-0000-000000000005","object":"call","#,
        r#""called_at":"2017-10-07T22:29:21Z","content":"He called, we had fun.","contact_called":null,"emotions":[],"#,
        r#""duration_seconds":null,"answered":null,"phone_number":null,"external_id":null,"#,
        r#""url":"http://app.monicahq.com/api/calls/5","account":{"id":5},"contact":{"id":3,"#,
        r#""uuid":"00000000-0000-0000-0000-000000000003","object":"contact","hash_id":"h:000000000000000000","#,
        r#""first_name":"Leslie","last_name":"Knope","nickname":null,"complete_name":"Leslie Knope","initials":"LK","#,
        r#""gender":"none","gender_type":"N","is_starred":false,"is_partial":false,"is_active":true,"is_dead":false,"#,
        r#""is_me":false,"information":{"dates":[{"name":"birthdate","is_birthdate_approximate":"unknown","#,
        r#""birthdate":null}],"birthdate":{"is_age_based":null,"is_year_unknown":null,"date":null},"#,
        r#""deceased_date":{"is_age_based":null,"is_year_unknown":null,"date":null},"#,
        r##""avatar":{"url":"http://app.monicahq.com/avatars/2f6690.svg","source":"default","##,
        r##""default_avatar_color":"#2f6690"}},"url":"http://app.monicahq.com/api/contacts/3","account":{"id":5}},"##,
        r#""created_at":"2017-10-07T22:29:21Z","updated_at":"2017-10-07T22:29:56Z"}}"#,
    );
    assert_eq!(response.body, expected);
}

#[actix_web::test]
async fn responds_to_a_created_call_with_201() {
    let mut fixture = Fixture::new();
    fixture
        .calls
        .expect_create()
        .withf(|of, call, key| {
            let called_at = call.details.called_at;
            key.is_none()
                && *of == account()
                && call.contact == CallContact::Id(leslie().id)
                && called_at == timestamp("2018-02-02")
        })
        .return_once(|_, _, _| Ok(created()));
    let body = json!({"content": "He called, we had fun.", "contact_id": 3, "called_at": "2018-02-02"});
    let response = fixture.send(request(Method::POST, "/api/calls/").set_json(body)).await;
    assert_eq!((response.status, &response.json()["data"]["id"]), (201, &json!(5)));
}

#[actix_web::test]
async fn monica_4_shows_false_when_a_call_is_read() {
    for (compat, read) in [(Compat::Documented, Value::Null), (Compat::Monica4, json!(false))] {
        let mut fixture = Fixture::new();
        fixture.options.compat = compat;
        fixture.calls.expect_find().return_once(|_, _| Ok(call()));
        fixture.calls.expect_create().return_once(|_, _, _| Ok(created()));
        let body = json!({"content": "x", "contact_id": 3, "called_at": "2018-02-02"});
        let requests = [get("/api/calls/5"), request(Method::POST, "/api/calls").set_json(body)];
        let responses = fixture.send_all(requests).await;
        assert_eq!(responses[0].json()["data"]["contact_called"], read);
        assert_eq!(responses[1].json()["data"]["contact_called"], Value::Null);
        let contact = &responses[0].json()["data"]["contact"];
        let is_documented = compat == Compat::Documented;
        assert_eq!(contact["gender"] == json!("none"), is_documented);
        assert_eq!(contact["gender_type"] == Value::Null, !is_documented);
        assert_eq!(contact["information"].get("dates").is_some(), is_documented);
    }
}

#[actix_web::test]
async fn put_and_patch_change_a_call() {
    let body = json!({"content": "x", "contact_id": "4", "called_at": "2018-02-02"});
    for (method, body, moves) in [(Method::PUT, body, true), (Method::PATCH, json!({"content": "x"}), false)] {
        let mut fixture = Fixture::new();
        let expected = CallPatch {
            contact: moves.then_some(ContactId::new(4).unwrap()),
            called_at: moves.then(|| timestamp("2018-02-02")),
            content: Some(Content::parse("x").ok()),
            ..CallPatch::default()
        };
        fixture
            .calls
            .expect_update()
            .withf(move |of, id, patch, precondition| {
                *of == account() && id.get() == 5 && *patch == expected && precondition.is_none()
            })
            .return_once(|_, _, _, _| Ok(call()));
        let response = fixture.send(request(method, "/api/calls/5").set_json(body)).await;
        assert_eq!((response.status, &response.json()["data"]["object"]), (200, &json!("call")));
    }
}

#[actix_web::test]
async fn rejects_a_put_without_required_fields() {
    let response = Fixture::new().send(request(Method::PUT, "/api/calls/5").set_json(json!({"content": "x"}))).await;
    let sentences = json!(["The contact id field is required.", "The called at field is required."]);
    let error = response.json()["error"].clone();
    assert_eq!((response.status, &error["message"], &error["error_code"]), (422, &sentences, &json!(32)));
    assert!(error["hint"].as_str().unwrap().contains("CALLBOOK_COMPAT=monica-4"));
}

#[actix_web::test]
async fn responds_with_the_id_of_a_deleted_call() {
    let mut fixture = Fixture::new();
    fixture
        .calls
        .expect_delete()
        .withf(|of, id, precondition| *of == account() && id.get() == 31 && precondition.is_none())
        .return_once(|_, _, _| Ok(()));
    let response = fixture.send(request(Method::DELETE, "/api/calls/31")).await;
    assert_eq!(response.json(), json!({"deleted": true, "id": 31}));
}

#[actix_web::test]
async fn honours_etags_and_idempotency_keys() {
    let tag = etag(&call());
    let mut fixture = Fixture::new();
    fixture.calls.expect_find().returning(|_, _| Ok(call()));
    let satisfied_by = |precondition: &Option<Precondition>, call: &Call| precondition.as_ref().unwrap()(call);
    fixture
        .calls
        .expect_update()
        .withf(move |_, _, _, precondition| satisfied_by(precondition, &call()))
        .returning(|_, _, _, _| Ok(call()));
    let other = Call { details: CallDetails { contact_called: Some(true), ..call().details }, ..call() };
    fixture
        .calls
        .expect_delete()
        .withf(move |_, _, precondition| satisfied_by(precondition, &call()) && !satisfied_by(precondition, &other))
        .returning(|_, _, _| Err(Error::PreconditionFailed));
    let has_key = |key: &Option<IdempotencyKey>| key.as_ref().is_some_and(|key| key.key.as_str() == "n8n-1");
    fixture.calls.expect_create().withf(move |_, _, key| has_key(key)).returning(|_, _, _| Err(Error::KeyReused));
    let body = json!({"content": "x", "contact_id": 3, "called_at": "2018-02-02"});
    let responses = fixture
        .send_all([
            get("/api/calls/5"),
            get("/api/calls/5").insert_header(("if-none-match", format!("\"x\", W/{tag}"))),
            request(Method::PATCH, "/api/calls/5").insert_header(("if-match", tag.clone())).set_json(json!({})),
            request(Method::DELETE, "/api/calls/5").insert_header(("if-match", tag.clone())),
            request(Method::POST, "/api/calls").insert_header(("idempotency-key", "n8n-1")).set_json(body),
        ])
        .await;
    let results: Vec<_> = responses.iter().map(|response| (response.status, response.header("etag"))).collect();
    let tag = Some(tag.as_str());
    assert_eq!(results, [(200, tag), (304, tag), (200, tag), (412, None), (422, None)]);
    assert_eq!(responses[1].body, "");
    assert_eq!(responses[3].json()["error"]["error_code"], 48);
    let message = json!(["The idempotency key was used for another request."]);
    assert_eq!(responses[4].json()["error"]["message"], message);
}

#[actix_web::test]
async fn names_what_has_not_been_found() {
    let mut fixture = Fixture::new();
    fixture.calls.expect_find().returning(|_, _| Err(Error::NotFound));
    fixture.calls.expect_create().returning(|_, _, _| Err(Error::NotFound));
    fixture.calls.expect_update().returning(|_, _, _, _| Err(Error::NotFound));
    fixture.calls.expect_delete().returning(|_, _, _| Err(Error::NotFound));
    fixture.calls.expect_list().returning(|_, _| Err(Error::NotFound));
    let body =
        |emotion: i64| json!({"content": "x", "contact_id": 3, "called_at": "2018-02-02", "emotions": [emotion]});
    let requests = [
        get("/api/calls/5"),
        request(Method::POST, "/api/calls").set_json(body(1)),
        request(Method::POST, "/api/calls").set_json(body(999)),
        request(Method::PUT, "/api/calls/5").set_json(body(1)),
        request(Method::PATCH, "/api/calls/5").set_json(json!({})),
        request(Method::DELETE, "/api/calls/5"),
        get("/api/contacts/3/calls"),
    ];
    let responses = fixture.send_all(requests).await;
    let details: Vec<_> = responses.iter().map(|response| response.json()["error"]["detail"].clone()).collect();
    let expected = [
        "The call 5 has not been found.",
        "The contact 3 has not been found.",
        "The emotion 999 has not been found.",
        "The call 5 or the contact 3 has not been found.",
        "The call 5 has not been found.",
        "The call 5 has not been found.",
        "The contact 3 has not been found.",
    ];
    assert_eq!(details, expected);
    assert!(responses.iter().all(|response| response.status == 404));
}

#[actix_web::test]
async fn responds_to_an_invalid_id_with_404() {
    for id in ["abc", "0", "-1", "2.5", "2abc", "99999999999999999999", "9007199254740992", "%00", "x%2Fy"] {
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            let write = request(method.clone(), &format!("/api/calls/{id}")).set_json(json!({"content": 5}));
            let response = Fixture::new().send(write).await;
            assert_eq!((response.status, &response.json()["error"]["error_code"]), (404, &json!(31)), "{method} {id}");
        }
        assert_eq!(Fixture::new().send(get(&format!("/api/contacts/{id}/calls"))).await.status, 404, "{id}");
    }
}

#[actix_web::test]
async fn rejects_a_body_that_is_too_large_or_not_an_object() {
    let post = |body: &str| request(Method::POST, "/api/calls").set_payload(body.to_owned());
    for body in ["{", "null", "[]", "nonsense"] {
        let response = Fixture::new().send(post(body)).await;
        assert_eq!((response.status, &response.json()["error"]["error_code"]), (400, &json!(37)), "{body}");
    }
    for (name, value, status, code) in
        [("content-encoding", "gzip", 415, 50), ("content-type", "application/json; charset=latin1", 400, 37)]
    {
        let response = Fixture::new().send(post("{}").insert_header((name, value))).await;
        assert_eq!((response.status, &response.json()["error"]["error_code"]), (status, &json!(code)), "{value}");
    }
    let large = format!(r#"{{"content": "{}"}}"#, "x".repeat(BODY_LIMIT));
    let response = Fixture::new().send(post(&large)).await;
    assert_eq!((response.status, &response.json()["error"]["error_code"]), (413, &json!(44)));
}

#[actix_web::test]
async fn accepts_a_form_as_body() {
    let mut fixture = Fixture::new();
    fixture
        .calls
        .expect_create()
        .withf(|_, call, _| call.contact == CallContact::Id(leslie().id))
        .return_once(|_, _, _| Ok(created()));
    let write = request(Method::POST, "/api/calls")
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload("contact_id=3&called_at=2018-02-02&content=hi");
    assert_eq!(fixture.send(write).await.status, 201);
}

#[actix_web::test]
async fn a_call_with_a_known_external_id_is_answered_with_200() {
    let mut fixture = Fixture::new();
    fixture
        .calls
        .expect_create()
        .withf(|_, call, _| {
            let sent = CallPatch {
                contact: ContactId::new(3),
                called_at: Some(timestamp("2018-02-02")),
                content: Some(Content::parse("x").ok()),
                answered: Some(None),
                external_id: Some(Name::parse("pbx-1").ok()),
                ..CallPatch::default()
            };
            call.patch == sent && call.details.external_id == Name::parse("pbx-1").ok()
        })
        .return_once(|_, _, _| Ok(RecordedCall { outcome: Outcome::Unchanged, ..created() }));
    let body =
        json!({"content": "x", "contact_id": 3, "called_at": "2018-02-02", "answered": null, "external_id": " pbx-1 "});
    let response = fixture.send(request(Method::POST, "/api/calls").set_json(body)).await;
    assert_eq!((response.status, &response.json()["data"]["id"]), (200, &json!(5)));
}

#[actix_web::test]
async fn a_taken_external_id_is_a_violation() {
    let mut fixture = Fixture::new();
    fixture.calls.expect_update().return_once(|_, _, _, _| Err(Error::ExternalIdTaken));
    let response = fixture.send(request(Method::PATCH, "/api/calls/5").set_json(json!({"external_id": "a"}))).await;
    let message = json!(["The external id has already been taken."]);
    assert_eq!((response.status, &response.json()["error"]["message"]), (422, &message));
}

#[actix_web::test]
async fn a_phone_number_names_the_contact_of_a_new_call() {
    let mut fixture = Fixture::new();
    let number = PhoneSearch::new(PhoneNumber::parse("031 000 00 00").unwrap());
    let mut results =
        vec![Ok(created()), Err(Error::NotFound), Err(Error::SeveralContacts), Err(Error::Archived)].into_iter();
    fixture
        .calls
        .expect_create()
        .withf(move |_, call, _| call.contact == CallContact::Number(number.clone()) && call.patch.contact.is_none())
        .returning(move |_, _, _| results.next().unwrap());
    let body = json!({"content": "x", "phone_number": "031 000 00 00", "called_at": "2018-02-02"});
    let write = || request(Method::POST, "/api/calls").set_json(&body);
    let responses = fixture.send_all([write(), write(), write(), write()]).await;
    let statuses: Vec<_> = responses.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [201, 404, 422, 422]);
    let not_found = "The contact with the phone number 031 000 00 00 has not been found.";
    let error = &responses[1].json()["error"];
    assert_eq!((&error["error_code"], &error["detail"]), (&json!(31), &json!(not_found)));
    let several = json!(["The phone number belongs to several contacts."]);
    assert_eq!(responses[2].json()["error"]["message"], several);
}
