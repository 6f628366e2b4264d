//! Authentication, the rate limit, and what responses reveal.

use super::*;

#[actix_web::test]
async fn rejects_requests_without_a_valid_token() {
    let unauthenticated = json!({
        "message": "Unauthenticated.",
        "error": {"message": "Unauthenticated.", "error_code": 42}
    });
    let bearers = [None, Some("Bearer bad"), Some("Bearer "), Some("Basic good"), Some("Bearergood"), Some("good")];
    for bearer in bearers {
        let mut request = TestRequest::with_uri("/api/calls?limit=999");
        if let Some(bearer) = bearer {
            request = request.insert_header(("authorization", bearer));
        }
        let response = Fixture::new().send(request).await;
        assert_eq!((response.status, response.json()), (401, unauthenticated.clone()), "{bearer:?}");
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
        assert_eq!(response.header("x-ratelimit-limit"), None);
        assert!(response.header("x-request-id").is_some());
    }
}

#[actix_web::test]
async fn accepts_the_scheme_of_a_token_in_any_case() {
    for bearer in ["bearer good", "BEARER good", "Bearer  good"] {
        let request = TestRequest::with_uri("/api").insert_header(("authorization", bearer));
        assert_eq!(Fixture::new().send(request).await.status, 200, "{bearer}");
    }
}

#[actix_web::test]
async fn rejects_writes_with_a_read_only_token() {
    for (method, path) in [
        (Method::POST, "/api/calls"),
        (Method::PUT, "/api/calls/5"),
        (Method::PATCH, "/api/calls/5"),
        (Method::DELETE, "/api/calls/5"),
        (Method::POST, "/api/contacts"),
        (Method::PUT, "/api/contacts/3"),
        (Method::DELETE, "/api/contacts/3"),
    ] {
        let write = request(method.clone(), path).insert_header(("authorization", "Bearer reader"));
        let response = Fixture::new().send(write).await;
        assert_eq!((response.status, &response.json()["error"]["error_code"]), (403, &json!(46)), "{method} {path}");
    }
    let mut fixture = Fixture::new();
    fixture.calls.expect_find().return_once(|_, _| Ok(call()));
    let read = get("/api/calls/5").insert_header(("authorization", "Bearer reader"));
    assert_eq!(fixture.send(read).await.status, 200);
}

#[actix_web::test]
async fn never_reveals_the_cause_of_an_error() {
    let mut fixture = Fixture::new();
    fixture.calls.expect_find().times(2).returning(|_, id| match id.get() {
        1 => Err(Error::unavailable("the database at 10.0.0.7 is gone")),
        _ => Err(Error::internal("SQLSTATE secret")),
    });
    let named = get("/api/calls/2").insert_header(("x-request-id", "my-request.7"));
    let responses = fixture.send_all([get("/api/calls/1"), named]).await;
    assert_eq!((responses[0].status, responses[0].header("retry-after")), (503, Some("5")));
    assert_eq!(responses[0].json()["error"]["error_code"], 45);
    assert!(!responses[0].body.contains("10.0.0.7"));
    let message = "Something went wrong with the request my-request.7.";
    assert_eq!(responses[1].json(), json!({"error": {"message": message, "error_code": 47}}));
    assert_eq!((responses[1].status, responses[1].header("x-request-id")), (500, Some("my-request.7")));
    assert_eq!(responses[1].header("content-type"), Some("application/json"));
    let unchecked = get("/api/me").insert_header(("authorization", "Bearer broken"));
    assert_eq!(Fixture::new().send(unchecked).await.status, 503);
}

#[actix_web::test]
async fn limits_the_requests_of_a_token_per_minute() {
    let mut fixture = Fixture::new();
    fixture.options.rate_limit = 2;
    fixture.calls.expect_find().returning(|_, _| Err(Error::NotFound));
    let find = || get("/api/calls/5");
    let responses = fixture.send_all([find(), get("/api/nope"), find()]).await;
    let results: Vec<_> = responses.iter().map(|a| (a.status, a.header("x-ratelimit-remaining"))).collect();
    assert_eq!(results, [(404, Some("1")), (404, Some("0")), (429, Some("0"))]);
    let rejected = &responses[2];
    assert_eq!(rejected.header("retry-after"), Some("60"));
    assert_eq!(rejected.header("x-ratelimit-reset"), Some((NOW + 60).to_string().as_str()));
    assert_eq!(rejected.json()["error"]["message"], "Too many attempts, please slow down the request");
}

#[actix_web::test]
async fn authenticates_encoded_paths() {
    let nobody = |path: &str| TestRequest::with_uri(path);
    for path in [
        "/%61pi/calls",
        "/api/%63alls",
        "/%61%70%69/me",
        "/%61pi",
        "/api/nope",
        "/%61pi/nope",
        "/api/../calls",
        "/api/./calls",
        "//api/calls",
        "/api//calls",
    ] {
        assert_eq!(Fixture::new().send(nobody(path)).await.status, 401, "{path}");
    }
    for path in ["/%61pi%2fcalls", "/api%2fcalls"] {
        assert_eq!(Fixture::new().send(nobody(path)).await.status, 404, "{path}");
    }
    let mut fixture = Fixture::new();
    fixture.calls.expect_find().times(2).returning(|_, _| Ok(call()));
    let responses = fixture.send_all([get("/%61pi/calls/5"), get("/api/c%61lls/%35")]).await;
    assert!(responses.iter().all(|response| response.status == 200));
}

#[actix_web::test]
async fn sends_security_headers_with_pages() {
    for path in ["/", "/docs/", "/docs/swagger-ui-bundle.js", "/nope", "/healthz"] {
        let response = Fixture::new().send(TestRequest::with_uri(path)).await;
        let policy = response.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("script-src 'self' '"), "no script in place: {path}");
        assert_eq!(response.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
    let api = Fixture::new().send(get("/api")).await;
    assert_eq!(api.header("x-content-type-options"), Some("nosniff"));
}

#[actix_web::test]
async fn rejects_before_the_handler_in_order() {
    // Token, rate limit, read-only, route and method.
    let reader = |method, path| request(method, path).insert_header(("authorization", "Bearer reader"));
    let mut fixture = Fixture::new();
    fixture.options.rate_limit = 3;
    let responses = fixture
        .send_all([
            TestRequest::with_uri("/api/calls").method(Method::PUT),
            reader(Method::PUT, "/api/calls"),
            reader(Method::OPTIONS, "/api/calls"),
            request(Method::PUT, "/api/calls"),
            reader(Method::PUT, "/api/calls"),
        ])
        .await;
    let results: Vec<_> = responses.iter().map(|a| (a.status, a.header("x-ratelimit-remaining"))).collect();
    assert_eq!(results, [(401, None), (403, Some("2")), (200, Some("1")), (405, Some("0")), (429, Some("0"))]);
}
