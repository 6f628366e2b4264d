//! The calendar of the calls.

use super::*;

fn calendar(token: &str) -> TestRequest {
    TestRequest::with_uri(&format!("/calendar/{token}.ics"))
}

#[actix_web::test]
async fn streams_all_calls_as_events() {
    let mut fixture = Fixture::new();
    let key = |id| ItemKey { value: call().details.called_at, id };
    fixture.calls.expect_keys().times(1).returning(move |of, query, _, _| {
        assert_eq!((of, query.contact, query.filters), (account(), None, CallFilters::default()));
        Ok((1..=60).map(key).collect())
    });
    fixture.calls.expect_find_many().times(3).returning(|_, ids| {
        assert!(ids.len() <= 25, "few calls are in memory at once");
        Ok(ids.into_iter().map(|id| Call { id, ..call() }).collect())
    });
    let response = fixture.send(calendar("feed")).await;
    assert_eq!((response.status, response.header("content-type")), (200, Some("text/calendar; charset=utf-8")));
    assert_eq!(response.header("cache-control"), Some("no-cache, private"));
    assert_eq!(response.body.matches("BEGIN:VEVENT\r\n").count(), 60);
    assert!(response.body.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:"), "{}", response.body);
    assert!(response.body.ends_with("END:VEVENT\r\nEND:VCALENDAR\r\n"), "{}", response.body);
}

#[actix_web::test]
async fn gives_one_answer_for_all_that_is_wrong() {
    let nobody = |path: &str| TestRequest::with_uri(path);
    let with_header = calendar("good").insert_header(("authorization", "Bearer good"));
    let responses = Fixture::new()
        .send_all([
            calendar("bad"),
            calendar("good"),
            with_header,
            calendar(""),
            nobody("/calendar/feed"),
            nobody("/calendar/feed.ics/"),
            nobody("/calendar/"),
            calendar("bad").method(Method::POST),
        ])
        .await;
    let not_found = json!({"error": {"message": "The resource has not been found", "error_code": 31}});
    for response in responses {
        assert_eq!((response.status, response.json()), (404, not_found.clone()));
        assert_eq!(response.header("cache-control"), Some("no-cache, private"));
    }
    let broken = Fixture::new().send(calendar("broken")).await;
    assert_eq!((broken.status, broken.body.contains("10.0.0.7")), (503, false));
}

#[actix_web::test]
async fn opens_nothing_else_and_is_limited_as_the_api() {
    let bearer = get("/api/calls").insert_header(("authorization", "Bearer feed"));
    assert_eq!(Fixture::new().send(bearer).await.status, 401);
    let mut fixture = Fixture::new();
    fixture.options.rate_limit = 2;
    fixture.calls.expect_keys().returning(|_, _, _, _| Ok(vec![]));
    let requests = [calendar("feed"), calendar("bad"), calendar("feed"), calendar("feed")];
    let statuses: Vec<_> = fixture.send_all(requests).await.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [200, 404, 200, 429]);
}
