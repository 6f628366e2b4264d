//! Batches of calls.

use super::*;

fn batch(calls: &Value) -> TestRequest {
    request(Method::POST, "/api/calls/batch").set_json(json!({"calls": calls}))
}

#[actix_web::test]
async fn answers_each_call_of_a_batch_in_order() {
    let mut fixture = Fixture::new();
    fixture.calls.expect_create_many().withf(|of, calls| *of == account() && calls.len() == 4).return_once(|_, _| {
        let updated = RecordedCall { outcome: Outcome::Updated, ..created() };
        let unchanged = RecordedCall { outcome: Outcome::Unchanged, ..created() };
        Ok(vec![Ok(created()), Err(Error::NotFound), Ok(updated), Ok(unchanged)])
    });
    let valid = |external_id: &str| json!({"content": "x", "contact_id": 3, "called_at": "2018-02-02", "external_id": external_id});
    let calls = json!([valid("a"), {"external_id": "b"}, valid("c"), valid("d"), 5, valid("e")]);
    let response = fixture.send(batch(&calls)).await;
    assert_eq!(response.status, 200);
    let body = response.json();
    let required = json!([
        "The contact id field is required.",
        "The called at field is required.",
        "The content field is required."
    ]);
    let hint = &body["data"][1]["error"]["hint"];
    let not_found = json!({
        "message": "The resource has not been found", "error_code": 31, "detail": "The contact 3 has not been found.",
    });
    let not_an_object = json!({"message": ["The call must be an object."], "error_code": 32});
    let expected = json!([
        {"status": 201, "id": 5, "external_id": "a"},
        {"status": 422, "id": null, "external_id": "b", "error": {"message": required, "error_code": 32, "hint": hint}},
        {"status": 404, "id": null, "external_id": "c", "error": not_found},
        {"status": 200, "id": 5, "external_id": "d"},
        {"status": 422, "id": null, "external_id": null, "error": not_an_object},
        {"status": 200, "id": 5, "external_id": "e"},
    ]);
    assert_eq!(body["data"], expected);
    assert_eq!(body["meta"], json!({"created": 1, "updated": 1, "unchanged": 1, "refused": 3}));
}

#[actix_web::test]
async fn rejects_a_batch_without_calls_or_with_too_many() {
    for (calls, message) in [
        (json!([]), "The calls field is required."),
        (json!("x"), "The calls must be an array."),
        (json!(vec![0; 1_001]), "The calls may not have more than 1000 items."),
    ] {
        let response = Fixture::new().send(batch(&calls)).await;
        assert_eq!((response.status, &response.json()["error"]["message"]), (422, &json!([message])));
    }
}

#[actix_web::test]
async fn a_batch_may_have_8_mib() {
    let limit = 8 * 1024 * 1024;
    for (size, status) in [(limit, 422), (limit + 1, 413)] {
        let empty = r#"{"calls":[], "padding": ""}"#;
        let body = empty.replace(r#""padding": """#, &format!(r#""padding": "{}""#, "x".repeat(size - empty.len())));
        assert_eq!(body.len(), size);
        let request = request(Method::POST, "/api/calls/batch");
        let response =
            Fixture::new().send(request.insert_header(("content-type", "application/json")).set_payload(body)).await;
        assert_eq!(response.status, status);
    }
    let response = Fixture::new().send(batch(&json!([])).insert_header(("authorization", "Bearer reader"))).await;
    assert_eq!(response.status, 403);
}
