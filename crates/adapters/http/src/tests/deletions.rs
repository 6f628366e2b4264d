//! Deletions.

use domain::{DeletedObject, Deletion};

use super::*;

#[actix_web::test]
async fn lists_deletions_by_cursor() {
    let mut fixture = Fixture::new();
    fixture
        .deletions
        .expect_list()
        .withf(|of, query| *of == account() && query.since == timestamp("2024-02-01"))
        .returning(|_, query| {
            let (number, object) =
                if query.cursor == Cursor::First { (1, DeletedObject::Call) } else { (2, DeletedObject::Contact) };
            let deletion = Deletion {
                number,
                object,
                id: 5,
                uuid: Uuid::from_u128(5),
                external_id: Name::parse("pbx-1").ok().filter(|_| number == 1),
                deleted_at: timestamp("2024-02-02"),
            };
            Ok(Some(Page { items: vec![deletion], total: 2, has_more: number == 1 }))
        });
    let state = fixture.state();
    let send = async |path: &str| {
        let app = init_service(app(state.clone())).await;
        let response = call_service(&app, get(path).to_request()).await;
        serde_json::from_slice::<Value>(&to_bytes(response.into_body()).await.map_err(|_| "broken").unwrap()).unwrap()
    };
    let first = send("/api/deleted?since=2024-02-01&limit=1").await;
    let expected = json!([{
        "object": "call", "id": 5, "uuid": "00000000-0000-0000-0000-000000000005", "external_id": "pbx-1",
        "deleted_at": "2024-02-02T00:00:00Z",
    }]);
    assert_eq!(
        (&first["data"], &first["meta"]["total"], &first["meta"]["current_page"]),
        (&expected, &json!(2), &Value::Null)
    );
    let next = first["links"]["next"].as_str().unwrap();
    let second = send(next.trim_start_matches("http://app.monicahq.com")).await;
    assert_eq!(second["data"][0]["object"], "contact");
    assert_eq!(second["meta"]["next_cursor"], Value::Null);
}

#[actix_web::test]
async fn rejects_a_time_before_the_oldest_deletions() {
    let mut fixture = Fixture::new();
    fixture.deletions.expect_list().return_once(|_, _| Ok(None));
    let response = fixture.send(get("/api/deleted?since=2000-01-01")).await;
    assert_eq!((response.status, &response.json()["error"]["error_code"]), (410, &json!(49)));
    let response = Fixture::new().send(get("/api/deleted")).await;
    assert_eq!((response.status, &response.json()["error"]["message"]), (400, &json!("Invalid parameters: since.")));
}
