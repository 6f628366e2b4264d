//! The examples of the OpenAPI document.

use super::*;

/// Sends a request for each shared error response.
async fn responses() -> Vec<(&'static str, TestResponse)> {
    let post = |body: &Value| request(Method::POST, "/api/calls").set_json(body);
    let complete = json!({"content": "x", "contact_id": 1, "called_at": "2018-02-02"});
    let requests = [
        ("BadRequest", get("/api/calls?limit=101")),
        ("Unauthenticated", TestRequest::with_uri("/api/calls")),
        ("Forbidden", TestRequest::post().uri("/api/calls").insert_header(("authorization", "Bearer reader"))),
        ("NotFound", get("/api/calls/1")),
        ("Gone", get("/api/deleted?since=2000-01-01")),
        ("PreconditionFailed", request(Method::DELETE, "/api/calls/2")),
        ("PayloadTooLarge", post(&complete).insert_header(("content-length", BODY_LIMIT + 1))),
        ("UnsupportedMediaType", post(&complete).insert_header(("content-encoding", "gzip"))),
        ("UnprocessableEntity", post(&json!({"contact_id": 1, "called_at": "2018-02-02"}))),
        ("InternalServerError", get("/api/calls/3")),
        ("ServiceUnavailable", get("/api/calls/4")),
        ("TooManyRequests", get("/api/calls/1")),
    ];
    let mut fixture = Fixture::new();
    fixture.options.rate_limit = 10;
    fixture.deletions.expect_list().returning(|_, _| Ok(None));
    fixture.calls.expect_delete().returning(|_, _, _| Err(Error::PreconditionFailed));
    fixture.calls.expect_find().returning(|_, call| {
        Err(match call.get() {
            1 => Error::NotFound,
            3 => Error::internal("secret"),
            _ => Error::unavailable("secret"),
        })
    });
    let (names, requests): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
    names.into_iter().zip(fixture.send_all(requests).await).collect()
}

#[actix_web::test]
async fn the_examples_of_errors_are_what_the_server_answers() {
    let document = serde_json::to_value(document()).unwrap();
    let shared = &document["components"]["responses"];
    let responses = responses().await;
    assert_eq!(responses.len() + 1, shared.as_object().unwrap().len(), "a slow body takes too long for a unit test");
    for (name, response) in responses {
        let mut body = response.json();
        if name == "InternalServerError" {
            let id = response.header("x-request-id").unwrap();
            let message = body["error"]["message"].as_str().unwrap();
            let example = "b3d5c1f0-6f0e-4c0e-9d2a-3f1f5a3c7e11";
            body["error"]["message"] = message.replace(id, example).into();
        }
        assert_eq!(body, shared[name]["content"]["application/json"]["example"], "{name}");
        for header in shared[name]["headers"].as_object().unwrap().keys() {
            let is_sent = response.header(&header.to_lowercase()).is_some();
            assert!(is_sent, "{name} has {header}");
        }
    }
}

/// Asserts that the schema describes the value exactly: it has the required members, and no others than the listed ones.
fn assert_matches(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        return assert_matches(document, document.pointer(name.strip_prefix('#').unwrap()).unwrap(), value, at);
    }
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{at} is {value}");
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for value in values {
            assert_matches(document, items, value, at);
        }
    }
    let Some(object) = value.as_object() else { return };
    let mut properties = serde_json::Map::new();
    let mut required = Vec::new();
    collect(document, schema, &mut properties, &mut required);
    if properties.is_empty() {
        return;
    }
    for name in required {
        assert!(object.contains_key(&name), "{at} has {name}");
    }
    for (name, value) in object {
        let schema = properties.get(name).unwrap_or_else(|| panic!("{at}.{name} is described"));
        assert_matches(document, schema, value, &format!("{at}.{name}"));
    }
}

fn collect(
    document: &Value,
    schema: &Value,
    properties: &mut serde_json::Map<String, Value>,
    required: &mut Vec<String>,
) {
    if let Some(name) = schema["$ref"].as_str() {
        return collect(document, document.pointer(name.strip_prefix('#').unwrap()).unwrap(), properties, required);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(document, part, properties, required);
    }
    properties.extend(schema["properties"].as_object().cloned().unwrap_or_default());
    required.extend(schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()));
}

#[test]
fn schemas_describe_the_examples_of_responses_exactly() {
    let document = serde_json::to_value(document()).unwrap();
    let mut examples = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let content = &response["content"]["application/json"];
                let Some(example) = content.get("example") else { continue };
                assert_matches(&document, &content["schema"], example, &format!("{method} {path} {status}"));
                examples += 1;
            }
        }
    }
    assert_eq!(
        examples, 20,
        "every response with a call, a contact, a contact field, a page of them, a batch or a deletion"
    );
}

#[actix_web::test]
async fn the_example_of_a_call_is_recorded() {
    let document = serde_json::to_value(document()).unwrap();
    let example = &document["components"]["schemas"]["CallInput"]["example"];
    let mut fixture = Fixture::new();
    fixture.calls.expect_create().returning(|_, _, _| Ok(created()));
    let response = fixture.send(request(Method::POST, "/api/calls").set_json(example)).await;
    assert_eq!(response.status, 201);
}

#[actix_web::test]
async fn the_served_document_has_the_address_of_the_server() {
    let response = Fixture::new().send(get("/openapi.json")).await;
    assert_eq!(response.json()["servers"][0]["url"], "http://app.monicahq.com");
    assert!(!response.body.contains("127.0.0.1"));
}
