//! Lists, their pages and links.

use super::*;

#[actix_web::test]
async fn lists_the_requested_page() {
    let sort = Sort { key: CallSortKey::CreatedAt, direction: Direction::Descending };
    for (path, contact) in [("/api/calls", None), ("/api/contacts/3/calls", Some(ContactId::new(3).unwrap()))] {
        let mut fixture = Fixture::new();
        fixture
            .calls
            .expect_list()
            .with(
                eq(account()),
                eq(CallQuery {
                    contact,
                    filters: CallFilters::default(),
                    sort,
                    page: PageRequest::numbered(2, PageSize::SMALLEST),
                }),
            )
            .return_once(|_, _| Ok(CallPage { page: Page::new(vec![call()], 3), calls_per_year: vec![(2017, 3)] }));
        let response = fixture.send(get(&format!("{path}?limit=1&page=2&sort=-created_at"))).await.json();
        assert_eq!(response["data"][0]["id"], 5);
        let meta = &response["meta"];
        assert_eq!((&meta["from"], &meta["to"], &meta["total"]), (&json!(2), &json!(2), &json!(3)));
        assert_eq!(meta["statistics"], json!({"2017": 3}));
        let next = format!("http://app.monicahq.com{path}?limit=1&sort=-created_at&page=3");
        assert_eq!(response["links"]["next"], next);
    }
}

#[actix_web::test]
async fn a_call_in_a_list_is_the_same_as_the_single_call() {
    let same = Call { id: CallId::new(6).unwrap(), details: CallDetails::at(call().details.called_at), ..call() };
    let other = Call { contact: ContactSummary { id: ContactId::new(4).unwrap(), ..leslie() }, ..same.clone() };
    for calls in [vec![call()], vec![call(), same.clone()], vec![call(), same, other]] {
        let mut fixture = Fixture::new();
        let page = Page::new(calls.clone(), 3);
        fixture.calls.expect_list().return_once(|_, _| Ok(CallPage { page, calls_per_year: vec![(2017, 3)] }));
        let list = fixture.send(get("/api/calls")).await;
        let mut single = Vec::new();
        for call in calls {
            let mut fixture = Fixture::new();
            fixture.calls.expect_find().return_once(|_, _| Ok(call));
            let alone = fixture.send(get("/api/calls/5")).await.body;
            single.push(alone.strip_prefix("{\"data\":").and_then(|rest| rest.strip_suffix('}')).unwrap().to_owned());
        }
        // Byte for byte: the order of members is part of it.
        let expected = format!("{{\"data\":[{}],\"links\":", single.join(","));
        assert!(list.body.starts_with(&expected), "{}", list.body);
    }
}

#[actix_web::test]
async fn the_default_page_size_depends_on_the_compatibility_mode() {
    for (compat, size) in [(Compat::Documented, 10), (Compat::Monica4, 15)] {
        let mut fixture = Fixture::new();
        fixture.options.compat = compat;
        let empty = CallPage { page: Page::new(vec![], 0), calls_per_year: vec![] };
        fixture.calls.expect_list().withf(move |_, query| query.page.size.get() == size).return_once(|_, _| Ok(empty));
        let response = fixture.send(get("/api/calls?limit=0")).await.json();
        assert_eq!(response["meta"]["per_page"], size);
        assert_eq!((&response["data"], &response["meta"]["statistics"]), (&json!([]), &json!([])));
    }
}

#[actix_web::test]
async fn pages_genders_contact_field_types_and_emotions() {
    let mut fixture = Fixture::new();
    fixture
        .auth
        .expect_account()
        .returning(|id| Ok(Account { id, name: Name::parse("Home").unwrap(), created_at: timestamp("2024-01-01") }));
    let paths = [
        "/api/genders",
        "/api/genders/2",
        "/api/genders/9",
        "/api/contactfieldtypes",
        "/api/emotions?limit=100&page=2",
    ];
    let responses = fixture.send_all(paths.map(get)).await;
    let genders = responses[0].json();
    let names: Vec<_> = genders["data"].as_array().unwrap().iter().map(|gender| gender["name"].clone()).collect();
    assert_eq!(names, ["Man", "Woman", "Rather not say"]);
    assert_eq!(responses[1].json()["data"]["type"], "F");
    assert_eq!(responses[2].status, 404);
    assert_eq!(responses[3].json()["data"][1]["protocol"], "tel:");
    let emotions = responses[4].json();
    assert_eq!(
        (&emotions["meta"]["from"], &emotions["meta"]["to"], &emotions["meta"]["total"]),
        (&json!(101), &json!(135), &json!(135))
    );
}

#[actix_web::test]
async fn lists_check_sort_before_limit_and_other_routes_ignore_them() {
    for path in ["/api/calls", "/api/contacts/3/calls", "/api/contacts"] {
        for (query, code) in [("limit=101", 30), ("limit=-1", 41), ("sort=bogus", 39), ("limit=101&sort=bogus", 39)] {
            let response = Fixture::new().send(get(&format!("{path}?{query}"))).await;
            assert_eq!(
                (response.status, &response.json()["error"]["error_code"]),
                (400, &json!(code)),
                "{path}?{query}"
            );
        }
    }
    for (path, status) in
        [("/api?sort=bogus&limit=101", 200), ("/api/emotions?sort=bogus", 200), ("/api/emotions?limit=101", 400)]
    {
        assert_eq!(Fixture::new().send(get(path)).await.status, status, "{path}");
    }
    let long = format!("/api/contacts?query={}", "x".repeat(256));
    let response = Fixture::new().send(get(&long)).await;
    assert_eq!((response.status, &response.json()["error"]["error_code"]), (400, &json!(41)));
}

#[actix_web::test]
async fn links_to_the_public_url_and_serves_its_path() {
    let mut fixture = Fixture::new();
    fixture.options.public_url = Some("https://example.org/callbook".to_owned());
    fixture.calls.expect_find().returning(|_, _| Ok(call()));
    let responses = fixture.send_all([get("/callbook/api/calls/5"), get("/api/calls/5"), get("/callbooks/api")]).await;
    for response in &responses[..2] {
        assert_eq!(response.json()["data"]["url"], "https://example.org/callbook/api/calls/5");
    }
    assert_eq!(responses[2].status, 404);
}

#[actix_web::test]
async fn a_page_by_cursor_leads_to_its_neighbours() {
    let mut fixture = Fixture::new();
    let key = ItemKey { value: call().details.called_at, id: 5 };
    let places = [Cursor::First, Cursor::After(key), Cursor::Before(key)];
    let mut seen = places.into_iter();
    fixture.calls.expect_list().times(3).returning(move |_, query| {
        assert_eq!(query.filters.answered, Some(true));
        assert_eq!(seen.next().map(PageStart::Cursor), Some(query.page.start));
        let page = Page { items: vec![call()], total: 3, has_more: true };
        Ok(CallPage { page, calls_per_year: vec![(2017, 3)] })
    });
    let state = fixture.state();
    let send = async |path: &str| {
        let app = init_service(app(state.clone())).await;
        let response = call_service(&app, get(path).to_request()).await;
        serde_json::from_slice::<Value>(&to_bytes(response.into_body()).await.map_err(|_| "broken").unwrap()).unwrap()
    };
    let first = send("/api/calls?limit=1&answered=1&cursor=").await;
    let (links, meta) = (&first["links"], &first["meta"]);
    for name in ["current_page", "last_page", "from", "to", "prev_cursor"] {
        assert_eq!(meta[name], Value::Null, "{name}");
    }
    assert_eq!((&meta["total"], &meta["per_page"], &meta["links"]), (&json!(3), &json!(1), &json!([])));
    let url = |cursor: &Value| {
        format!("http://app.monicahq.com/api/calls?limit=1&answered=1&cursor={}", cursor.as_str().unwrap_or_default())
    };
    assert_eq!((&links["prev"], &links["last"]), (&Value::Null, &Value::Null));
    assert_eq!((&links["first"], &links["next"]), (&json!(url(&json!(""))), &json!(url(&meta["next_cursor"]))));
    let second = send(links["next"].as_str().unwrap().trim_start_matches("http://app.monicahq.com")).await;
    assert_eq!(second["links"]["prev"], url(&second["meta"]["prev_cursor"]));
    assert_ne!(second["links"]["next"], Value::Null);
    let previous = send(second["links"]["prev"].as_str().unwrap().trim_start_matches("http://app.monicahq.com")).await;
    assert_ne!((&previous["links"]["prev"], &previous["links"]["next"]), (&Value::Null, &Value::Null));
}
