//! Exports as CSV.

use super::*;

fn key(id: i64) -> ItemKey {
    ItemKey { value: call().details.called_at, id }
}

#[actix_web::test]
async fn streams_all_calls_that_the_filters_find() {
    for (path, contact) in [("/api/calls.csv", None), ("/api/contacts/3/calls.csv", ContactId::new(3))] {
        let mut fixture = Fixture::new();
        fixture
            .calls
            .expect_keys()
            .withf(move |of, query, after, _| {
                *of == account() && query.contact == contact && query.filters.answered == Some(true) && after.is_none()
            })
            .times(1)
            .returning(|_, _, _, _| Ok((1..=60).map(key).collect()));
        fixture.calls.expect_find_many().returning(|_, ids| {
            // Call 2 was deleted meanwhile, and so were all of the last ones.
            let is_stored = |id: &CallId| id.get() != 2 && id.get() <= 50;
            Ok(ids.into_iter().filter(is_stored).map(|id| Call { id, ..call() }).collect())
        });
        let response = fixture.send(get(&format!("{path}?answered=1&limit=5&page=2"))).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
        let ids: Vec<&str> = response.body.split("\r\n").map(|row| row.split(',').next().unwrap()).collect();
        let mut expected: Vec<String> = (1..=50).filter(|id| *id != 2).map(|id| id.to_string()).collect();
        expected.insert(0, "id".to_owned());
        expected.push(String::new());
        assert_eq!(ids, expected);
    }
}

#[actix_web::test]
async fn an_export_that_cannot_begin_is_an_error() {
    let mut fixture = Fixture::new();
    fixture.calls.expect_keys().returning(|_, query, _, _| match query.contact {
        Some(_) => Err(Error::NotFound),
        None => Ok(vec![]),
    });
    let paths =
        ["/api/contacts/9/calls.csv", "/api/calls.csv?called_after=soonish", "/api/calls.csv?sort=x", "/api/calls.csv"];
    let responses = fixture.send_all(paths.map(get)).await;
    let statuses: Vec<_> = responses.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [404, 400, 400, 200]);
    assert_eq!(responses[3].body.lines().count(), 1, "the header");
}
