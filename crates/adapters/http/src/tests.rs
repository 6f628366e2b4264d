//! The whole application against mocked use cases: routes, the gate, and what becomes of every answer.

use actix_web::FromRequest;
use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::test::{TestRequest, call_service, init_service};
use domain::{
    Account, AccountId, Call, CallId, CallOrder, CallPatch, Caller, Contact, ContactField, ContactFieldId,
    ContactFieldKind, ContactId, ContactOrder, ContactPatch, ContactSearch, ContactSummary, Content, Direction, Name,
    NewContactField, Page, Profile, Scope, Timestamp, TokenId, Uuid,
};
use mockall::predicate::{always, eq};
use ports::Error;
use ports::inbound::{CallPage, MockAuthService, MockCallService, MockContactService, MockHealthService};
use ports::outbound::MockClock;
use serde_json::{Value, json};

use super::*;
use crate::errors::BODY_LIMIT;
use crate::requests::{Body, CallRequest};
use crate::responses::CallResponse;

const ACCOUNT: i64 = 5;
const NOW: i64 = 1_709_202_030;

/// The application with mocks that expect nothing, a token `good`, and one `reader` that may only read.
struct Stage {
    calls: MockCallService,
    contacts: MockContactService,
    access: MockAuthService,
    readiness: MockHealthService,
    options: Options,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Stage {
    fn new() -> Self {
        let mut access = MockAuthService::new();
        access.expect_authenticate().returning(|bearer| match bearer {
            "good" => Ok(Some(caller(Scope::ReadWrite))),
            "reader" => Ok(Some(caller(Scope::ReadOnly))),
            "broken" => Err(Error::unavailable("the database at 10.0.0.7 is gone")),
            _ => Ok(None),
        });
        Self {
            calls: MockCallService::new(),
            contacts: MockContactService::new(),
            access,
            readiness: MockHealthService::new(),
            options: Options {
                public_url: None,
                compat: Compat::Documented,
                rate_limit: 600,
                trusted_proxies: crate::TrustedProxies::default(),
                metrics: None,
            },
        }
    }

    async fn answer(self, request: TestRequest) -> Answer {
        self.answers([request]).await.remove(0)
    }

    fn shared(self) -> Data<AppState> {
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_unix(NOW).unwrap());
        let services = Services {
            calls: Arc::new(self.calls),
            contacts: Arc::new(self.contacts),
            access: Arc::new(self.access),
            readiness: Arc::new(self.readiness),
            clock: Arc::new(clock),
        };
        Data::new(AppState::new(services, self.options))
    }

    async fn answers(self, requests: impl IntoIterator<Item = TestRequest>) -> Vec<Answer> {
        let app = init_service(application(self.shared())).await;
        let mut answers = Vec::new();
        for request in requests {
            let response = call_service(&app, request.to_request()).await;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = to_bytes(response.into_body()).await.map_err(|_| "the body breaks off").unwrap();
            answers.push(Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() });
        }
        answers
    }
}

fn caller(scope: Scope) -> Caller {
    Caller { account: AccountId::from_store(ACCOUNT), token: TokenId::from_store(1), scope }
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
        id: ContactId::from_store(3),
        uuid: Uuid::from_u128(3),
        account: AccountId::from_store(ACCOUNT),
        profile,
    }
}

pub fn call() -> Call {
    Call {
        id: CallId::from_store(5),
        uuid: Uuid::from_u128(5),
        account: AccountId::from_store(ACCOUNT),
        called_at: timestamp("2017-10-07T22:29:21Z"),
        content: Content::parse("He called, we had fun.").ok(),
        contact_called: None,
        emotions: vec![],
        contact: leslie(),
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
    AccountId::from_store(ACCOUNT)
}

#[actix_web::test]
async fn a_call_is_shown_member_for_member_in_order() {
    let mut stage = Stage::new();
    stage.calls.expect_find().with(eq(account()), eq(CallId::from_store(5))).return_once(|_, _| Ok(call()));
    let answer = stage.answer(get("/api/calls/5")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("cache-control"), Some("no-cache, private"));
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
    assert_eq!(answer.body, expected);
}

#[actix_web::test]
async fn a_created_call_is_answered_with_201() {
    let mut stage = Stage::new();
    stage
        .calls
        .expect_record()
        .withf(|of, new, once| {
            once.is_none() && *of == account() && new.contact.get() == 3 && new.called_at == timestamp("2018-02-02")
        })
        .return_once(|_, _, _| Ok(call()));
    let body = json!({"content": "He called, we had fun.", "contact_id": 3, "called_at": "2018-02-02"});
    let answer = stage.answer(request(Method::POST, "/api/calls/").set_json(body)).await;
    assert_eq!((answer.status, &answer.json()["data"]["id"]), (201, &json!(5)));
}

#[actix_web::test]
async fn put_and_patch_change_a_call() {
    let body = json!({"content": "x", "contact_id": "4", "called_at": "2018-02-02"});
    for (method, body, moves) in [(Method::PUT, body, true), (Method::PATCH, json!({"content": "x"}), false)] {
        let mut stage = Stage::new();
        let expected = CallPatch {
            contact: moves.then_some(ContactId::from_store(4)),
            called_at: moves.then(|| timestamp("2018-02-02")),
            content: Some(Content::parse("x").ok()),
            ..CallPatch::default()
        };
        let revised = stage.calls.expect_revise();
        revised
            .with(eq(account()), eq(CallId::from_store(5)), eq(expected), eq(None))
            .return_once(|_, _, _, _| Ok(call()));
        let answer = stage.answer(request(method, "/api/calls/5").set_json(body)).await;
        assert_eq!((answer.status, &answer.json()["data"]["object"]), (200, &json!("call")));
    }
}

#[actix_web::test]
async fn a_put_needs_all_three_fields() {
    let answer = Stage::new().answer(request(Method::PUT, "/api/calls/5").set_json(json!({"content": "x"}))).await;
    let sentences = json!(["The contact id field is required.", "The called at field is required."]);
    assert_eq!(answer.json(), json!({"error": {"message": sentences, "error_code": 32}}));
    assert_eq!(answer.status, 422);
}

#[actix_web::test]
async fn a_deleted_call_s_id_is_answered() {
    let mut stage = Stage::new();
    stage.calls.expect_delete().with(eq(account()), eq(CallId::from_store(31)), eq(None)).return_once(|_, _, _| Ok(()));
    let answer = stage.answer(request(Method::DELETE, "/api/calls/31")).await;
    assert_eq!(answer.json(), json!({"deleted": true, "id": 31}));
}

#[actix_web::test]
async fn careful_clients_say_what_they_expect() {
    let tag = CallResponse::new(&call(), &Links::under("http://app.monicahq.com")).to_json().unwrap().1;
    let mut stage = Stage::new();
    stage.calls.expect_find().returning(|_, _| Ok(call()));
    let expected = Some(vec![call().version()]);
    stage
        .calls
        .expect_revise()
        .with(always(), always(), always(), eq(expected.clone()))
        .returning(|_, _, _, _| Ok(call()));
    stage.calls.expect_delete().with(always(), always(), eq(expected)).returning(|_, _, _| Err(Error::Changed));
    let keyed = |once: &Option<domain::IdempotencyKey>| once.as_ref().is_some_and(|once| once.key.as_str() == "n8n-1");
    stage.calls.expect_record().withf(move |_, _, once| keyed(once)).returning(|_, _, _| Err(Error::KeyReused));
    let body = json!({"content": "x", "contact_id": 3, "called_at": "2018-02-02"});
    let answers = stage
        .answers([
            get("/api/calls/5"),
            get("/api/calls/5").insert_header(("if-none-match", format!("\"x\", W/{tag}"))),
            request(Method::PATCH, "/api/calls/5").insert_header(("if-match", tag.clone())).set_json(json!({})),
            request(Method::DELETE, "/api/calls/5").insert_header(("if-match", tag.clone())),
            request(Method::POST, "/api/calls").insert_header(("idempotency-key", "n8n-1")).set_json(body),
        ])
        .await;
    let seen: Vec<_> = answers.iter().map(|answer| (answer.status, answer.header("etag"))).collect();
    let tag = Some(tag.as_str());
    assert_eq!(seen, [(200, tag), (304, tag), (200, tag), (412, None), (422, None)]);
    assert_eq!(answers[1].body, "");
    assert_eq!(answers[3].json()["error"]["error_code"], 48);
    let message = json!(["The idempotency key was used for another request."]);
    assert_eq!(answers[4].json()["error"]["message"], message);
}

#[actix_web::test]
async fn lists_ask_for_the_page_that_the_query_names() {
    let orders = CallOrder::CreatedAt(Direction::Descending);
    for (path, of) in [("/api/calls", None), ("/api/contacts/3/calls", Some(ContactId::from_store(3)))] {
        let mut stage = Stage::new();
        stage
            .calls
            .expect_list()
            .withf(move |a, contact, page| {
                *a == account() && *contact == of && page.number == 2 && page.size.get() == 1 && page.order == orders
            })
            .return_once(|_, _, _| {
                Ok(CallPage { page: Page { items: vec![call()], total: 3 }, years: vec![(2017, 3)] })
            });
        let answer = stage.answer(get(&format!("{path}?limit=1&page=2&sort=-created_at"))).await.json();
        assert_eq!(answer["data"][0]["id"], 5);
        let meta = &answer["meta"];
        assert_eq!((&meta["from"], &meta["to"], &meta["total"]), (&json!(2), &json!(2), &json!(3)));
        assert_eq!(meta["statistics"], json!({"2017": 3}));
        let next = format!("http://app.monicahq.com{path}?limit=1&sort=-created_at&page=3");
        assert_eq!(answer["links"]["next"], next);
    }
}

#[actix_web::test]
async fn a_list_shows_each_call_as_it_is_shown_alone() {
    let same = Call { id: CallId::from_store(6), content: None, ..call() };
    let other = Call { contact: ContactSummary { id: ContactId::from_store(4), ..leslie() }, ..same.clone() };
    for calls in [vec![call()], vec![call(), same.clone()], vec![call(), same, other]] {
        let mut stage = Stage::new();
        let page = Page { items: calls.clone(), total: 3 };
        stage.calls.expect_list().return_once(|_, _, _| Ok(CallPage { page, years: vec![(2017, 3)] }));
        let list = stage.answer(get("/api/calls")).await;
        let mut shown = Vec::new();
        for call in calls {
            let mut stage = Stage::new();
            stage.calls.expect_find().return_once(|_, _| Ok(call));
            let alone = stage.answer(get("/api/calls/5")).await.body;
            shown.push(alone.strip_prefix("{\"data\":").and_then(|rest| rest.strip_suffix('}')).unwrap().to_owned());
        }
        // Byte for byte: the order of members is part of it.
        let expected = format!("{{\"data\":[{}],\"links\":", shown.join(","));
        assert!(list.body.starts_with(&expected), "{}", list.body);
    }
}

#[actix_web::test]
async fn a_page_holds_ten_unless_the_client_is_monica_s() {
    for (compat, size) in [(Compat::Documented, 10), (Compat::Monica4, 15)] {
        let mut stage = Stage::new();
        stage.options.compat = compat;
        let empty = CallPage { page: Page { items: vec![], total: 0 }, years: vec![] };
        stage.calls.expect_list().withf(move |_, _, page| page.size.get() == size).return_once(|_, _, _| Ok(empty));
        let answer = stage.answer(get("/api/calls?limit=0")).await.json();
        assert_eq!(answer["meta"]["per_page"], size);
        assert_eq!((&answer["data"], &answer["meta"]["statistics"]), (&json!([]), &json!([])));
    }
}

#[actix_web::test]
async fn contacts_are_listed_shown_added_changed_and_deleted() {
    let mut stage = Stage::new();
    let (id, search) = (ContactId::from_store(3), ContactSearch::parse("les").unwrap());
    let list = stage.contacts.expect_list();
    let oldest = ContactOrder::CreatedAt(Direction::Ascending);
    list.withf(move |a, asked, page| *a == account() && *asked == search && page.order == oldest)
        .return_once(|_, _, _| Ok(Page { items: vec![contact()], total: 1 }));
    stage.contacts.expect_find().with(eq(account()), eq(id)).return_once(|_, _| Ok(contact()));
    stage.contacts.expect_add().with(eq(account()), always()).return_once(|_, _| Ok(contact()));
    let change = ContactPatch { first_name: Name::parse("Ann").ok(), nickname: Some(None), ..Default::default() };
    stage.contacts.expect_revise().with(eq(account()), eq(id), eq(change)).return_once(|_, _, _| Ok(contact()));
    stage.contacts.expect_delete().with(eq(account()), eq(id)).return_once(|_, _| Ok(()));
    let answers = stage
        .answers([
            get("/api/contacts?query=les"),
            get("/api/contacts/3"),
            request(Method::POST, "/api/contacts").set_json(json!({"first_name": "Leslie"})),
            request(Method::PUT, "/api/contacts/3").set_json(json!({"first_name": "Ann", "nickname": null})),
            request(Method::DELETE, "/api/contacts/3"),
        ])
        .await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 201, 200, 200]);
    let shown = &answers[1].json()["data"];
    assert_eq!(shown["last_called"], "2018-05-05T00:00:00Z");
    assert_eq!(shown["statistics"]["number_of_calls"], 7);
    assert_eq!(shown["information"]["dates"]["birthdate"]["date"], Value::Null);
    assert_eq!(answers[4].json(), json!({"deleted": true, "id": 3}));
}

#[actix_web::test]
async fn contact_fields_are_shown_when_they_are_asked_for() {
    let phone = NewContactField { kind: ContactFieldKind::PHONE, data: Name::parse("+1 555 0100").unwrap() };
    let field = ContactField { id: ContactFieldId::from_store(9), content: phone, created_at: timestamp("2018-01-01") };
    let mut stage = Stage::new();
    stage.contacts.expect_find().returning(move |_, _| Ok(Contact { fields: vec![field.clone()], ..contact() }));
    let answers = stage.answers([get("/api/contacts/3"), get("/api/contacts/3?with=contactfields")]).await;
    assert_eq!(answers[0].json()["data"].get("contactFields"), None);
    let shown = answers[1].json()["data"].clone();
    assert_eq!(shown["notes"], json!([]));
    let field = &shown["contactFields"][0];
    assert_eq!(
        (&field["id"], &field["object"], &field["content"]),
        (&json!(9), &json!("contactfield"), &json!("+1 555 0100"))
    );
    assert_eq!((&field["contact_field_type"]["type"], &field["contact"]["id"]), (&json!("phone"), &json!(3)));
}

#[actix_web::test]
async fn lists_that_are_the_same_for_all_are_paged_too() {
    let mut stage = Stage::new();
    stage
        .access
        .expect_account()
        .returning(|id| Ok(Account { id, name: Name::parse("Home").unwrap(), created_at: timestamp("2024-01-01") }));
    let paths = [
        "/api/genders",
        "/api/genders/2",
        "/api/genders/9",
        "/api/contactfieldtypes",
        "/api/emotions?limit=100&page=2",
    ];
    let answers = stage.answers(paths.map(get)).await;
    let genders = answers[0].json();
    let names: Vec<_> = genders["data"].as_array().unwrap().iter().map(|gender| gender["name"].clone()).collect();
    assert_eq!(names, ["Man", "Woman", "Rather not say"]);
    assert_eq!(answers[1].json()["data"]["type"], "F");
    assert_eq!(answers[2].status, 404);
    assert_eq!(answers[3].json()["data"][1]["protocol"], "tel:");
    let emotions = answers[4].json();
    assert_eq!(
        (&emotions["meta"]["from"], &emotions["meta"]["to"], &emotions["meta"]["total"]),
        (&json!(101), &json!(135), &json!(135))
    );
}

#[actix_web::test]
async fn me_is_the_account_s_user() {
    let mut stage = Stage::new();
    stage
        .access
        .expect_account()
        .with(eq(account()))
        .return_once(|id| Ok(Account { id, name: Name::parse("Home").unwrap(), created_at: timestamp("2024-01-01") }));
    let me = stage.answer(get("/api/me")).await.json();
    assert_eq!((&me["data"]["object"], &me["data"]["name"]), (&json!("user"), &json!("Home")));
    assert_eq!(me["data"]["account"], json!({"id": ACCOUNT}));
    let welcome = Stage::new().answer(get("/api/")).await.json();
    assert_eq!(welcome["links"]["calls_url"], "http://app.monicahq.com/api/calls");
}

#[actix_web::test]
async fn without_a_good_token_nobody_is_let_in() {
    let unauthenticated = json!({
        "message": "Unauthenticated.",
        "error": {"message": "Unauthenticated.", "error_code": 42}
    });
    let bearers = [None, Some("Bearer bad"), Some("Bearer "), Some("Basic good"), Some("bearer good"), Some("good")];
    for bearer in bearers {
        let mut asked = TestRequest::with_uri("/api/calls?limit=999");
        if let Some(bearer) = bearer {
            asked = asked.insert_header(("authorization", bearer));
        }
        let answer = Stage::new().answer(asked).await;
        assert_eq!((answer.status, answer.json()), (401, unauthenticated.clone()), "{bearer:?}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(answer.header("x-ratelimit-limit"), None);
        assert!(answer.header("x-request-id").is_some());
    }
}

#[actix_web::test]
async fn a_reader_may_not_write() {
    for (method, path) in [
        (Method::POST, "/api/calls"),
        (Method::PUT, "/api/calls/5"),
        (Method::PATCH, "/api/calls/5"),
        (Method::DELETE, "/api/calls/5"),
        (Method::POST, "/api/contacts"),
        (Method::PUT, "/api/contacts/3"),
        (Method::DELETE, "/api/contacts/3"),
    ] {
        let asked = request(method.clone(), path).insert_header(("authorization", "Bearer reader"));
        let answer = Stage::new().answer(asked).await;
        assert_eq!((answer.status, &answer.json()["error"]["error_code"]), (403, &json!(46)), "{method} {path}");
    }
    let mut stage = Stage::new();
    stage.calls.expect_find().return_once(|_, _| Ok(call()));
    let asked = get("/api/calls/5").insert_header(("authorization", "Bearer reader"));
    assert_eq!(stage.answer(asked).await.status, 200);
}

#[actix_web::test]
async fn routes_and_methods_are_told_before_the_token() {
    let nowhere = Stage::new().answer(TestRequest::with_uri("/api/nope")).await;
    let sentence = "The route api/nope could not be found.";
    assert_eq!(nowhere.status, 404);
    assert_eq!(nowhere.json(), json!({"message": sentence, "error": {"message": sentence, "error_code": 31}}));
    let wrong = Stage::new().answer(TestRequest::with_uri("/api/calls").method(Method::PUT)).await;
    let sentence = "The PUT method is not supported for route api/calls. Supported methods: GET, HEAD, POST.";
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD, POST")));
    assert_eq!(wrong.json(), json!({"message": sentence, "error": {"message": sentence, "error_code": 43}}));
    let options = Stage::new().answer(TestRequest::with_uri("/api/calls/2").method(Method::OPTIONS)).await;
    assert_eq!((options.status, options.body.as_str()), (200, ""));
    assert_eq!(options.header("allow"), Some("GET,HEAD,PUT,PATCH,DELETE"));
    let beside = Stage::new().answer(TestRequest::with_uri("/nope")).await;
    assert_eq!((beside.status, &beside.json()["error"]["error_code"]), (404, &json!(31)));
}

#[actix_web::test]
async fn a_large_body_is_counted_as_long_as_its_request() {
    let shared = Stage::new().shared();
    let body = json!({"content": "x".repeat(100_000)});
    let (request, mut payload) = TestRequest::post().app_data(shared.clone()).set_json(&body).to_http_parts();
    Body::<CallRequest>::from_request(&request, &mut payload).await.unwrap();
    assert_eq!(shared.budget.held(), body.to_string().len());
    drop(request);
    assert_eq!(shared.budget.held(), 0);
}

#[actix_web::test]
async fn a_read_that_is_refused_at_last_is_counted_as_refused() {
    let metrics = Arc::new(Metrics::default());
    let mut stage = Stage::new();
    stage.options.metrics = Some(metrics.clone());
    let content = Content::parse(&"x".repeat(20_000)).ok();
    stage.calls.expect_find().returning(move |_, _| Ok(Call { content: content.clone(), ..call() }));
    let shared = stage.shared();
    let _untaken = shared.budget.reserve_unchecked(usize::MAX / 2);
    let app = init_service(application(shared)).await;
    let answer = call_service(&app, get("/api/calls/5").to_request()).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(metrics.counted(), [("/api/calls/{id}".to_owned(), 503)]);
}

#[actix_web::test]
async fn lists_check_sort_before_limit_and_other_routes_ignore_them() {
    for path in ["/api/calls", "/api/contacts/3/calls", "/api/contacts"] {
        for (query, code) in [("limit=101", 30), ("limit=-1", 41), ("sort=bogus", 39), ("limit=101&sort=bogus", 39)] {
            let answer = Stage::new().answer(get(&format!("{path}?{query}"))).await;
            assert_eq!((answer.status, &answer.json()["error"]["error_code"]), (400, &json!(code)), "{path}?{query}");
        }
    }
    for (path, status) in
        [("/api?sort=bogus&limit=101", 200), ("/api/emotions?sort=bogus", 200), ("/api/emotions?limit=101", 400)]
    {
        assert_eq!(Stage::new().answer(get(path)).await.status, status, "{path}");
    }
    let long = format!("/api/contacts?query={}", "x".repeat(256));
    let answer = Stage::new().answer(get(&long)).await;
    assert_eq!((answer.status, &answer.json()["error"]["error_code"]), (400, &json!(41)));
}

#[actix_web::test]
async fn what_is_no_id_is_not_found() {
    for id in ["abc", "0", "-1", "2.5", "2abc", "99999999999999999999", "9007199254740992", "%00", "x%2Fy"] {
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            let asked = request(method.clone(), &format!("/api/calls/{id}")).set_json(json!({"content": 5}));
            let answer = Stage::new().answer(asked).await;
            assert_eq!((answer.status, &answer.json()["error"]["error_code"]), (404, &json!(31)), "{method} {id}");
        }
        assert_eq!(Stage::new().answer(get(&format!("/api/contacts/{id}/calls"))).await.status, 404, "{id}");
    }
}

#[actix_web::test]
async fn a_body_that_is_no_object_or_too_large_is_refused() {
    let post = |body: &str| request(Method::POST, "/api/calls").set_payload(body.to_owned());
    for body in ["{", "null", "[]", "nonsense"] {
        let answer = Stage::new().answer(post(body)).await;
        assert_eq!((answer.status, &answer.json()["error"]["error_code"]), (400, &json!(37)), "{body}");
    }
    let large = format!(r#"{{"content": "{}"}}"#, "x".repeat(BODY_LIMIT));
    let answer = Stage::new().answer(post(&large)).await;
    assert_eq!((answer.status, &answer.json()["error"]["error_code"]), (413, &json!(44)));
}

#[actix_web::test]
async fn a_form_is_a_body_too() {
    let mut stage = Stage::new();
    stage.calls.expect_record().withf(|_, new, _| new.contact.get() == 3).return_once(|_, _, _| Ok(call()));
    let asked = request(Method::POST, "/api/calls")
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload("contact_id=3&called_at=2018-02-02&content=hi");
    assert_eq!(stage.answer(asked).await.status, 201);
}

#[actix_web::test]
async fn the_store_s_inside_is_never_shown() {
    let mut stage = Stage::new();
    stage.calls.expect_find().times(2).returning(|_, id| match id.get() {
        1 => Err(Error::unavailable("the database at 10.0.0.7 is gone")),
        _ => Err(Error::fault("SQLSTATE secret")),
    });
    let named = get("/api/calls/2").insert_header(("x-request-id", "my-request.7"));
    let answers = stage.answers([get("/api/calls/1"), named]).await;
    assert_eq!((answers[0].status, answers[0].header("retry-after")), (503, Some("5")));
    assert_eq!(answers[0].json()["error"]["error_code"], 45);
    assert!(!answers[0].body.contains("10.0.0.7"));
    let message = "Something went wrong with the request my-request.7.";
    assert_eq!(answers[1].json(), json!({"error": {"message": message, "error_code": 47}}));
    assert_eq!((answers[1].status, answers[1].header("x-request-id")), (500, Some("my-request.7")));
    assert_eq!(answers[1].header("content-type"), Some("application/json"));
    let at_the_gate = get("/api/me").insert_header(("authorization", "Bearer broken"));
    assert_eq!(Stage::new().answer(at_the_gate).await.status, 503);
}

#[actix_web::test]
async fn a_request_s_own_name_is_kept_when_it_is_sane() {
    for (given, kept) in
        [("abc-1.2_3:4", true), ("", false), ("a b", false), ("x\"y", false), (&"x".repeat(129), false)]
    {
        let answer =
            Stage::new().answer(TestRequest::with_uri("/healthz").insert_header(("x-request-id", given))).await;
        assert_eq!(answer.header("x-request-id") == Some(given), kept, "{given:?}");
        assert!(answer.header("x-request-id").is_some_and(|id| id.len() > 9));
    }
}

#[actix_web::test]
async fn a_token_has_so_many_requests_a_minute() {
    let mut stage = Stage::new();
    stage.options.rate_limit = 2;
    stage.calls.expect_find().returning(|_, _| Err(Error::NotFound));
    let asked = || get("/api/calls/5");
    let unknown = || TestRequest::with_uri("/api/nope").insert_header(("authorization", "Bearer good"));
    let answers = stage.answers([asked(), unknown(), asked(), asked()]).await;
    let seen: Vec<_> = answers.iter().map(|a| (a.status, a.header("x-ratelimit-remaining"))).collect();
    assert_eq!(seen, [(404, Some("1")), (404, None), (404, Some("0")), (429, Some("0"))]);
    let refused = &answers[3];
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(refused.header("x-ratelimit-reset"), Some((NOW + 60).to_string().as_str()));
    assert_eq!(refused.json()["error"]["message"], "Too many attempts, please slow down the request");
}

#[actix_web::test]
async fn a_public_url_is_the_base_of_links_and_its_path_is_served() {
    let mut stage = Stage::new();
    stage.options.public_url = Some("https://example.org/callbook".to_owned());
    stage.calls.expect_find().returning(|_, _| Ok(call()));
    let answers = stage.answers([get("/callbook/api/calls/5"), get("/api/calls/5"), get("/callbooks/api")]).await;
    for answer in &answers[..2] {
        assert_eq!(answer.json()["data"]["url"], "https://example.org/callbook/api/calls/5");
    }
    assert_eq!(answers[2].status, 404);
}

#[actix_web::test]
async fn head_is_answered_wherever_get_is() {
    let mut stage = Stage::new();
    stage.calls.expect_find().return_once(|_, _| Ok(call()));
    let heads = ["/api/calls/5", "/api", "/healthz", "/"].map(|path| request(Method::HEAD, path));
    for answer in stage.answers(heads).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(Stage::new().answer(request(Method::HEAD, "/api/nope")).await.status, 404);
}

#[actix_web::test]
async fn health_tells_the_process_from_the_store() {
    for (answer, status) in [(Ok(()), 200), (Err(Error::unavailable("gone")), 503)] {
        let mut stage = Stage::new();
        stage.readiness.expect_check().return_once(|| answer);
        let answers = stage.answers(["/healthz", "/readyz"].map(TestRequest::with_uri)).await;
        assert_eq!((answers[0].status, answers[1].status), (200, status));
    }
}

#[actix_web::test]
async fn the_site_links_swagger_ui_and_its_document() {
    let pages = ["/", "/docs/", "/docs/swagger-ui-bundle.js", "/openapi.json", "/avatars/6a4c93.svg"];
    let answers = Stage::new().answers(pages.map(TestRequest::with_uri)).await;
    for (answer, page) in answers.iter().zip(pages) {
        assert_eq!(answer.status, 200, "{page}");
    }
    assert!(answers[0].body.contains("docs/"));
    assert_eq!(answers[3].json(), serde_json::to_value(document()).unwrap());
    assert_eq!(answers[4].header("content-type"), Some("image/svg+xml"));
}

#[actix_web::test]
async fn an_encoded_path_passes_the_same_gate() {
    let nobody = |path: &str| TestRequest::with_uri(path);
    for path in ["/%61pi/calls", "/api/%63alls", "/%61%70%69/me", "/%61pi"] {
        assert_eq!(Stage::new().answer(nobody(path)).await.status, 401, "{path}");
    }
    for path in ["/%61pi/nope", "/%61pi%2fcalls", "/api%2fcalls", "/api/../calls", "/api/./calls", "//api/calls"] {
        assert_eq!(Stage::new().answer(nobody(path)).await.status, 404, "{path}");
    }
    let mut stage = Stage::new();
    stage.calls.expect_find().times(2).returning(|_, _| Ok(call()));
    let answers = stage.answers([get("/%61pi/calls/5"), get("/api/c%61lls/%35")]).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
}

#[actix_web::test]
async fn browsers_are_told_what_pages_may_do() {
    for path in ["/", "/docs/", "/docs/swagger-ui-bundle.js", "/nope", "/healthz"] {
        let answer = Stage::new().answer(TestRequest::with_uri(path)).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("script-src 'self' '"), "no script in place: {path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
    let api = Stage::new().answer(get("/api")).await;
    assert_eq!(api.header("x-content-type-options"), Some("nosniff"));
}

#[actix_web::test]
async fn who_guesses_hears_401_and_shuts_nobody_out() {
    let from = |bearer: &str| {
        TestRequest::with_uri("/api")
            .peer_addr("192.0.2.1:4000".parse().unwrap())
            .insert_header(("authorization", format!("Bearer {bearer}")))
    };
    let guesses = (0..101).map(|_| from("guess")).chain([from("good")]);
    let statuses: Vec<_> = Stage::new().answers(guesses).await.iter().map(|answer| answer.status).collect();
    assert!(statuses[..101].iter().all(|status| *status == 401));
    assert_eq!(statuses[101], 200);
}
