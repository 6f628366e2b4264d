//! The whole application against mocked use cases.

use actix_web::FromRequest;
use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::test::{TestRequest, call_service, init_service};
use domain::{
    Account, AccountId, Call, CallDetails, CallId, CallPatch, CallQuery, CallSortKey, Caller, Contact, ContactField,
    ContactFieldId, ContactFieldKind, ContactId, ContactPatch, ContactQuery, ContactSearch, ContactSummary, Content,
    Direction, IdempotencyKey, Name, NewContactField, Page, PageRequest, PageSize, Profile, Scope, Sort, Timestamp,
    TokenId, Uuid,
};
use mockall::predicate::{always, eq};
use ports::Error;
use ports::inbound::{
    CallPage, MockAuthService, MockCallService, MockContactService, MockOperationsService, Precondition,
};
use ports::outbound::MockClock;
use serde_json::{Value, json};

use super::*;
use crate::app::app;
use crate::requests::{Body, CallRequest};
use crate::responses::error::BODY_LIMIT;
use crate::responses::{CallResponse, Links};

const ACCOUNT: i64 = 5;
const NOW: i64 = 1_709_202_030;

/// The application over mocks without expectations, with a token `good` and a read-only token `reader`.
struct Fixture {
    calls: MockCallService,
    contacts: MockContactService,
    auth: MockAuthService,
    operations: MockOperationsService,
    options: Options,
}

struct TestResponse {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl TestResponse {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Fixture {
    fn new() -> Self {
        let mut auth = MockAuthService::new();
        auth.expect_authenticate().returning(|bearer| match bearer {
            "good" => Ok(Some(caller(Scope::ReadWrite))),
            "reader" => Ok(Some(caller(Scope::ReadOnly))),
            "broken" => Err(Error::unavailable("the database at 10.0.0.7 is gone")),
            _ => Ok(None),
        });
        Self {
            calls: MockCallService::new(),
            contacts: MockContactService::new(),
            auth,
            operations: MockOperationsService::new(),
            options: Options {
                public_url: None,
                compat: Compat::Documented,
                rate_limit: 600,
                trusted_proxies: crate::TrustedProxies::default(),
                metrics: None,
            },
        }
    }

    async fn send(self, request: TestRequest) -> TestResponse {
        self.send_all([request]).await.remove(0)
    }

    fn state(self) -> Data<AppState> {
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_unix(NOW).unwrap());
        let services = Services {
            calls: Arc::new(self.calls),
            contacts: Arc::new(self.contacts),
            auth: Arc::new(self.auth),
            operations: Arc::new(self.operations),
            clock: Arc::new(clock),
        };
        Data::new(AppState::new(services, self.options))
    }

    async fn send_all(self, requests: impl IntoIterator<Item = TestRequest>) -> Vec<TestResponse> {
        let app = init_service(app(self.state())).await;
        let mut responses = Vec::new();
        for request in requests {
            let response = call_service(&app, request.to_request()).await;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = to_bytes(response.into_body()).await.map_err(|_| "the body breaks off").unwrap();
            responses.push(TestResponse { status, headers, body: String::from_utf8(body.to_vec()).unwrap() });
        }
        responses
    }
}

fn caller(scope: Scope) -> Caller {
    Caller { account: AccountId::new(ACCOUNT).unwrap(), token: TokenId::new(1).unwrap(), scope }
}

fn request(method: Method, path: &str) -> TestRequest {
    TestRequest::with_uri(path)
        .method(method)
        .insert_header(("host", "app.monicahq.com"))
        .insert_header(("authorization", "Bearer good"))
}

fn get(path: &str) -> TestRequest {
    request(Method::GET, path)
}

fn timestamp(text: &str) -> Timestamp {
    Timestamp::parse(text, Timestamp::from_unix(NOW).unwrap()).unwrap()
}

fn leslie() -> ContactSummary {
    let profile = Profile { last_name: Name::parse("Knope").ok(), ..Profile::new(Name::parse("Leslie").unwrap()) };
    ContactSummary {
        id: ContactId::new(3).unwrap(),
        uuid: Uuid::from_u128(3),
        account: AccountId::new(ACCOUNT).unwrap(),
        profile,
    }
}

pub fn call() -> Call {
    Call {
        id: CallId::new(5).unwrap(),
        uuid: Uuid::from_u128(5),
        account: AccountId::new(ACCOUNT).unwrap(),
        contact: leslie(),
        details: CallDetails {
            content: Content::parse("He called, we had fun.").ok(),
            ..CallDetails::at(timestamp("2017-10-07T22:29:21Z"))
        },
        created_at: timestamp("2017-10-07T22:29:21Z"),
        updated_at: timestamp("2017-10-07T22:29:56Z"),
    }
}

fn contact() -> Contact {
    Contact {
        summary: leslie(),
        description: None,
        job: None,
        company: None,
        fields: vec![],
        last_called: Some(timestamp("2018-05-05")),
        calls: 7,
        created_at: timestamp("2017-10-07"),
        updated_at: timestamp("2017-10-08"),
    }
}

fn account() -> AccountId {
    AccountId::new(ACCOUNT).unwrap()
}

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
        .withf(|of, new, key| {
            let called_at = new.details.called_at;
            key.is_none() && *of == account() && new.contact.get() == 3 && called_at == timestamp("2018-02-02")
        })
        .return_once(|_, _, _| Ok(call()));
    let body = json!({"content": "He called, we had fun.", "contact_id": 3, "called_at": "2018-02-02"});
    let response = fixture.send(request(Method::POST, "/api/calls/").set_json(body)).await;
    assert_eq!((response.status, &response.json()["data"]["id"]), (201, &json!(5)));
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
    assert_eq!(response.json(), json!({"error": {"message": sentences, "error_code": 32}}));
    assert_eq!(response.status, 422);
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
    let tag = CallResponse::new(&call(), &Links::under("http://app.monicahq.com")).to_json().unwrap().1;
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
async fn lists_the_requested_page() {
    let sort = Sort { key: CallSortKey::CreatedAt, direction: Direction::Descending };
    for (path, contact) in [("/api/calls", None), ("/api/contacts/3/calls", Some(ContactId::new(3).unwrap()))] {
        let mut fixture = Fixture::new();
        fixture
            .calls
            .expect_list()
            .with(
                eq(account()),
                eq(CallQuery { contact, sort, page: PageRequest { number: 2, size: PageSize::SMALLEST } }),
            )
            .return_once(|_, _| {
                Ok(CallPage { page: Page { items: vec![call()], total: 3 }, calls_per_year: vec![(2017, 3)] })
            });
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
        let page = Page { items: calls.clone(), total: 3 };
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
        let empty = CallPage { page: Page { items: vec![], total: 0 }, calls_per_year: vec![] };
        fixture.calls.expect_list().withf(move |_, query| query.page.size.get() == size).return_once(|_, _| Ok(empty));
        let response = fixture.send(get("/api/calls?limit=0")).await.json();
        assert_eq!(response["meta"]["per_page"], size);
        assert_eq!((&response["data"], &response["meta"]["statistics"]), (&json!([]), &json!([])));
    }
}

#[actix_web::test]
async fn lists_finds_creates_updates_and_deletes_contacts() {
    let mut fixture = Fixture::new();
    let (id, search) = (ContactId::new(3).unwrap(), ContactSearch::parse("les").unwrap());
    let page = PageRequest { number: 1, size: PageSize::new(10).unwrap() };
    let query = ContactQuery { search, ..ContactQuery::oldest_first(page) };
    let list = fixture.contacts.expect_list();
    list.with(eq(account()), eq(query)).return_once(|_, _| Ok(Page { items: vec![contact()], total: 1 }));
    fixture.contacts.expect_find().with(eq(account()), eq(id)).return_once(|_, _| Ok(contact()));
    fixture.contacts.expect_create().with(eq(account()), always()).return_once(|_, _| Ok(contact()));
    let change = ContactPatch { first_name: Name::parse("Ann").ok(), nickname: Some(None), ..Default::default() };
    fixture.contacts.expect_update().with(eq(account()), eq(id), eq(change)).return_once(|_, _, _| Ok(contact()));
    fixture.contacts.expect_delete().with(eq(account()), eq(id)).return_once(|_, _| Ok(()));
    let responses = fixture
        .send_all([
            get("/api/contacts?query=les"),
            get("/api/contacts/3"),
            request(Method::POST, "/api/contacts").set_json(json!({"first_name": "Leslie"})),
            request(Method::PUT, "/api/contacts/3").set_json(json!({"first_name": "Ann", "nickname": null})),
            request(Method::DELETE, "/api/contacts/3"),
        ])
        .await;
    let statuses: Vec<_> = responses.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [200, 200, 201, 200, 200]);
    let contact = &responses[1].json()["data"];
    assert_eq!(contact["last_called"], "2018-05-05T00:00:00Z");
    assert_eq!(contact["statistics"]["number_of_calls"], 7);
    assert_eq!(contact["information"]["dates"]["birthdate"]["date"], Value::Null);
    assert_eq!(responses[4].json(), json!({"deleted": true, "id": 3}));
}

#[actix_web::test]
async fn includes_contact_fields_on_request() {
    let phone = NewContactField { kind: ContactFieldKind::PHONE, data: Name::parse("+1 555 0100").unwrap() };
    let field =
        ContactField { id: ContactFieldId::new(9).unwrap(), content: phone, created_at: timestamp("2018-01-01") };
    let mut fixture = Fixture::new();
    fixture.contacts.expect_find().returning(move |_, _| Ok(Contact { fields: vec![field.clone()], ..contact() }));
    let responses = fixture.send_all([get("/api/contacts/3"), get("/api/contacts/3?with=contactfields")]).await;
    assert_eq!(responses[0].json()["data"].get("contactFields"), None);
    let contact = responses[1].json()["data"].clone();
    assert_eq!(contact["notes"], json!([]));
    let field = &contact["contactFields"][0];
    assert_eq!(
        (&field["id"], &field["object"], &field["content"]),
        (&json!(9), &json!("contactfield"), &json!("+1 555 0100"))
    );
    assert_eq!((&field["contact_field_type"]["type"], &field["contact"]["id"]), (&json!("phone"), &json!(3)));
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
async fn returns_the_user_and_the_welcome() {
    let mut fixture = Fixture::new();
    fixture
        .auth
        .expect_account()
        .with(eq(account()))
        .return_once(|id| Ok(Account { id, name: Name::parse("Home").unwrap(), created_at: timestamp("2024-01-01") }));
    let me = fixture.send(get("/api/me")).await.json();
    assert_eq!((&me["data"]["object"], &me["data"]["name"]), (&json!("user"), &json!("Home")));
    assert_eq!(me["data"]["account"], json!({"id": ACCOUNT}));
    let welcome = Fixture::new().send(get("/api/")).await.json();
    assert_eq!(welcome["links"]["calls_url"], "http://app.monicahq.com/api/calls");
}

#[actix_web::test]
async fn refuses_requests_without_a_valid_token() {
    let unauthenticated = json!({
        "message": "Unauthenticated.",
        "error": {"message": "Unauthenticated.", "error_code": 42}
    });
    let bearers = [None, Some("Bearer bad"), Some("Bearer "), Some("Basic good"), Some("bearer good"), Some("good")];
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
async fn refuses_writes_with_a_read_only_token() {
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
async fn names_unknown_routes_and_unsupported_methods() {
    for path in ["/api/nope", "/api/calls/1/x", "/API/calls", "/calls", "/api//calls", "/api/contacts/3/calls/4"] {
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
    let large = format!(r#"{{"content": "{}"}}"#, "x".repeat(BODY_LIMIT));
    let response = Fixture::new().send(post(&large)).await;
    assert_eq!((response.status, &response.json()["error"]["error_code"]), (413, &json!(44)));
}

#[actix_web::test]
async fn accepts_a_form_as_body() {
    let mut fixture = Fixture::new();
    fixture.calls.expect_create().withf(|_, new, _| new.contact.get() == 3).return_once(|_, _, _| Ok(call()));
    let write = request(Method::POST, "/api/calls")
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload("contact_id=3&called_at=2018-02-02&content=hi");
    assert_eq!(fixture.send(write).await.status, 201);
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
async fn limits_the_requests_of_a_token_per_minute() {
    let mut fixture = Fixture::new();
    fixture.options.rate_limit = 2;
    fixture.calls.expect_find().returning(|_, _| Err(Error::NotFound));
    let find = || get("/api/calls/5");
    let responses = fixture.send_all([find(), get("/api/nope"), find()]).await;
    let results: Vec<_> = responses.iter().map(|a| (a.status, a.header("x-ratelimit-remaining"))).collect();
    assert_eq!(results, [(404, Some("1")), (404, Some("0")), (429, Some("0"))]);
    let refused = &responses[2];
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(refused.header("x-ratelimit-reset"), Some((NOW + 60).to_string().as_str()));
    assert_eq!(refused.json()["error"]["message"], "Too many attempts, please slow down the request");
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
    assert_eq!(responses[3].json(), serde_json::to_value(document()).unwrap());
    assert_eq!(responses[4].header("content-type"), Some("image/svg+xml"));
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
    ] {
        assert_eq!(Fixture::new().send(nobody(path)).await.status, 401, "{path}");
    }
    for path in ["/%61pi%2fcalls", "/api%2fcalls", "//api/calls"] {
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
async fn refuses_before_the_handler_in_order() {
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

#[actix_web::test]
async fn counts_refused_requests_by_their_route() {
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
