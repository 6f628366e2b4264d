//! The budget for large bodies, and the metrics.

use super::*;

#[actix_web::test]
async fn reserves_a_large_body_for_as_long_as_its_request() {
    let state = Fixture::new().state();
    let body = json!({"content": "x".repeat(100_000)});
    let (request, mut payload) = TestRequest::post().app_data(state.clone()).set_json(&body).to_http_parts();
    Body::<CallRequest>::from_request(&request, &mut payload).await.unwrap();
    assert_eq!(state.budget.held(), body.to_string().len());
    drop(request);
    assert_eq!(state.budget.held(), 0);
}

#[actix_web::test]
async fn counts_a_read_over_the_budget_as_503() {
    let metrics = Arc::new(Metrics::new(|| 0));
    let mut fixture = Fixture::new();
    fixture.options.metrics = Some(metrics.clone());
    let content = Content::parse(&"x".repeat(20_000)).ok();
    fixture.calls.expect_find().returning(move |_, _| {
        let details = CallDetails { content: content.clone(), ..call().details };
        Ok(Call { details, ..call() })
    });
    let state = fixture.state();
    let _reservation = state.budget.reserve_unchecked(usize::MAX / 2);
    let app = init_service(app(state)).await;
    let response = call_service(&app, get("/api/calls/5").to_request()).await;
    assert_eq!(response.status(), 503);
    assert_eq!(metrics.counted("GET", "/api/calls/{id}", 503), 1);
    assert_eq!(metrics.counted("GET", "/api/calls/{id}", 200), 0);
}

#[actix_web::test]
async fn counts_rejected_requests_by_their_route() {
    let metrics = Arc::new(Metrics::new(|| 0));
    let mut fixture = Fixture::new();
    fixture.options.metrics = Some(metrics.clone());
    let head = request(Method::HEAD, "/api/calls/5").insert_header(("authorization", "Bearer bad"));
    fixture.send_all([head, request(Method::POST, "/api/calls/5"), get("/api/nope"), get("/healthz")]).await;
    assert_eq!(metrics.counted("HEAD", "/api/calls/{id}", 401), 1);
    assert_eq!(metrics.counted("POST", "/api/calls/{id}", 405), 1);
    assert_eq!(metrics.counted("GET", "none", 404), 1);
    assert_eq!(metrics.counted("GET", "/healthz", 200), 1);
}
