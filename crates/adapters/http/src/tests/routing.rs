//! Routes, and what is served besides the API.

use super::*;

#[actix_web::test]
async fn names_unknown_routes_and_unsupported_methods() {
    for path in ["/api/nope", "/api/calls/1/x", "/API/calls", "/calls", "/api/api/me", "/api/contacts/3/calls/4"] {
        let unknown = Fixture::new().send(get(path)).await;
        let sentence = format!("The route {} could not be found.", path.trim_start_matches('/'));
        assert_eq!(unknown.status, 404);
        assert_eq!(unknown.json(), json!({"message": sentence, "error": {"message": sentence, "error_code": 31}}));
    }
    let wrong = Fixture::new().send(request(Method::PUT, "/api/calls")).await;
    let sentence = "The PUT method is not supported for route api/calls. Supported methods: GET, HEAD, POST.";
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD, POST")));
    assert_eq!(wrong.json(), json!({"message": sentence, "error": {"message": sentence, "error_code": 43}}));
    for (method, path, allow) in [
        ("BREW", "/api/calls", "GET, HEAD, POST"),
        ("POST", "/api/calls/abc", "GET, HEAD, PUT, PATCH, DELETE"),
        ("POST", "/api/c%61lls/1/", "GET, HEAD, PUT, PATCH, DELETE"),
        ("POST", "/api", "GET, HEAD"),
        ("DELETE", "/api/contacts/3/calls", "GET, HEAD"),
    ] {
        let wrong = Fixture::new().send(request(Method::from_bytes(method.as_bytes()).unwrap(), path)).await;
        assert_eq!((wrong.status, wrong.header("allow")), (405, Some(allow)), "{method} {path}");
    }
    let options = Fixture::new().send(request(Method::OPTIONS, "/api/calls/2")).await;
    assert_eq!((options.status, options.body.as_str()), (200, ""));
    assert_eq!(options.header("allow"), Some("GET,HEAD,PUT,PATCH,DELETE"));
    let outside = Fixture::new().send(TestRequest::with_uri("/nope")).await;
    assert_eq!((outside.status, &outside.json()["error"]["error_code"]), (404, &json!(31)));
}

#[actix_web::test]
async fn reads_repeated_slashes_as_one() {
    let mut fixture = Fixture::new();
    fixture.calls.expect_find().times(3).returning(|_, _| Ok(call()));
    let paths = ["//api/calls/5", "/api//calls/5", "///api//calls//5//?a=//"];
    for response in fixture.send_all(paths.map(get)).await {
        assert_eq!(response.status, 200);
    }
    let unknown = Fixture::new().send(get("//api//nope")).await;
    assert_eq!((unknown.status, &unknown.json()["message"]), (404, &json!("The route api/nope could not be found.")));
}

#[actix_web::test]
async fn keeps_an_acceptable_request_id() {
    for (given, kept) in
        [("abc-1.2_3:4", true), ("", false), ("a b", false), ("x\"y", false), (&"x".repeat(129), false)]
    {
        let response =
            Fixture::new().send(TestRequest::with_uri("/healthz").insert_header(("x-request-id", given))).await;
        assert_eq!(response.header("x-request-id") == Some(given), kept, "{given:?}");
        assert!(response.header("x-request-id").is_some_and(|id| id.len() > 9));
    }
}

#[actix_web::test]
async fn serves_head_wherever_get_is_served() {
    let mut fixture = Fixture::new();
    fixture.calls.expect_find().return_once(|_, _| Ok(call()));
    let heads = ["/api/calls/5", "/api", "/healthz", "/"].map(|path| request(Method::HEAD, path));
    for response in fixture.send_all(heads).await {
        assert_eq!(response.status, 200);
    }
    assert_eq!(Fixture::new().send(request(Method::HEAD, "/api/nope")).await.status, 404);
    assert_eq!(Fixture::new().send(request(Method::HEAD, "/nope")).await.status, 404);
}

#[actix_web::test]
async fn distinguishes_the_health_of_process_and_store() {
    for (response, status) in [(Ok(()), 200), (Err(Error::unavailable("gone")), 503)] {
        let mut fixture = Fixture::new();
        fixture.operations.expect_check().return_once(|| response);
        let responses = fixture.send_all(["/healthz", "/readyz"].map(TestRequest::with_uri)).await;
        assert_eq!((responses[0].status, responses[1].status), (200, status));
    }
}

#[actix_web::test]
async fn serves_the_site_swagger_ui_and_the_document() {
    let pages = ["/", "/docs/", "/docs/swagger-ui-bundle.js", "/openapi.json", "/avatars/6a4c93.svg"];
    let responses = Fixture::new().send_all(pages.map(TestRequest::with_uri)).await;
    for (response, page) in responses.iter().zip(pages) {
        assert_eq!(response.status, 200, "{page}");
    }
    assert!(responses[0].body.contains("docs/"));
    assert_eq!(responses[3].json()["info"]["title"], "Callbook");
    assert_eq!(responses[4].header("content-type"), Some("image/svg+xml"));
}

#[actix_web::test]
async fn the_page_of_swagger_ui_has_a_title_and_all_its_files() {
    let page = Fixture::new().send(TestRequest::with_uri("/docs/")).await;
    assert!(page.body.contains("<title>Callbook API</title>") && page.body.contains("width=device-width"));
    let names = page.body.split(['"']).filter(|text| [".css", ".js"].iter().any(|end| text.ends_with(end)));
    let paths: Vec<_> = names.map(|name| format!("/docs/{name}")).collect();
    assert_eq!(paths.len(), 5, "{paths:?}");
    for (response, path) in
        Fixture::new().send_all(paths.iter().map(|path| TestRequest::with_uri(path))).await.iter().zip(&paths)
    {
        assert_eq!(response.status, 200, "{path}");
    }
    let index = Fixture::new().send(TestRequest::with_uri("/docs/index.html")).await;
    assert_eq!(index.body, page.body);
}

#[actix_web::test]
async fn the_start_page_shows_the_address_and_the_version_of_the_server() {
    let fixture = Fixture::new();
    let response = fixture.send(TestRequest::with_uri("/").insert_header(("host", "calls.example:8080"))).await;
    assert!(response.body.contains("curl http://calls.example:8080/api/calls"), "{}", response.body);
    assert!(response.body.contains(concat!("Version ", env!("CARGO_PKG_VERSION"))));
    assert!(!response.body.contains("{{") && !response.body.contains("<script"));
    let mut fixture = Fixture::new();
    fixture.options.public_url = Some("https://example.org/a&b".to_owned());
    let response = fixture.send(TestRequest::with_uri("/")).await;
    assert!(response.body.contains("curl https://example.org/a&amp;b/api/calls"));
}
