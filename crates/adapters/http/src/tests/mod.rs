//! Tests of the whole application with mocked use cases.

mod batch;
mod calendar;
mod calls;
mod contact_fields;
mod contacts;
mod csv;
mod deletions;
mod limits;
mod lists;
mod openapi;
mod routing;
mod security;

use actix_web::FromRequest;
use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::test::{TestRequest, call_service, init_service};
use domain::{
    Account, AccountId, Call, CallContact, CallDetails, CallFilters, CallId, CallPatch, CallQuery, CallSortKey, Caller,
    Contact, ContactField, ContactFieldId, ContactFieldKind, ContactId, ContactPatch, ContactQuery, ContactSearch,
    ContactSummary, Content, Cursor, Direction, FieldOfContact, IdempotencyKey, ItemKey, Name, NewContactField,
    Outcome, Page, PageRequest, PageSize, PageStart, PhoneNumber, PhoneSearch, Profile, RecordedCall, Scope, Sort,
    Timestamp, TokenId, Uuid,
};
use mockall::predicate::{always, eq};
use ports::Error;
use ports::inbound::{
    CallPage, MockAuthService, MockCallService, MockContactFieldService, MockContactService, MockDeletionService,
    MockOperationsService, Precondition,
};
use ports::outbound::MockClock;
use serde_json::{Value, json};

use super::*;
use crate::app::app;
use crate::requests::{Body, CallRequest};
use crate::responses::error::BODY_LIMIT;
use crate::responses::etag;

const ACCOUNT: i64 = 5;
const NOW: i64 = 1_709_202_030;

/// The application over mocks without expectations, with a token `good` and a read-only token `reader`.
struct Fixture {
    calls: MockCallService,
    contacts: MockContactService,
    contact_fields: MockContactFieldService,
    deletions: MockDeletionService,
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
        auth.expect_authenticate_feed().returning(|secret| match secret {
            "feed" => Ok(Some(caller(Scope::Feed))),
            "broken" => Err(Error::unavailable("the database at 10.0.0.7 is gone")),
            _ => Ok(None),
        });
        Self {
            calls: MockCallService::new(),
            contacts: MockContactService::new(),
            contact_fields: MockContactFieldService::new(),
            deletions: MockDeletionService::new(),
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
            contact_fields: Arc::new(self.contact_fields),
            deletions: Arc::new(self.deletions),
            auth: Arc::new(self.auth),
            operations: Arc::new(self.operations),
            clock: Arc::new(clock),
        };
        Data::new(AppState::new(services, self.options))
    }

    /// Sends the requests in their order. The future is boxed, because the mocks are large.
    fn send_all(self, requests: impl IntoIterator<Item = TestRequest>) -> impl Future<Output = Vec<TestResponse>> {
        Box::pin(async move {
            let app = init_service(app(self.state())).await;
            let mut responses = Vec::new();
            for request in requests {
                let response = call_service(&app, request.to_request()).await;
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                let body = to_bytes(response.into_body()).await.map_err(|_| "the body breaks off").unwrap();
                responses.push(TestResponse { status, headers, body: String::from_utf8(body.to_vec()).unwrap() });
            }
            responses
        })
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

pub fn leslie() -> ContactSummary {
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

/// Returns the call as newly recorded.
fn created() -> RecordedCall {
    RecordedCall { call: call(), outcome: Outcome::Created }
}

pub fn contact() -> Contact {
    Contact {
        summary: leslie(),
        description: None,
        job: None,
        company: None,
        stay_in_touch_frequency: None,
        fields: vec![],
        last_called: Some(timestamp("2018-05-05")),
        calls: 7,
        created_at: timestamp("2017-10-07"),
        updated_at: timestamp("2017-10-08"),
    }
}

/// Returns a phone number with the id 9.
pub fn field() -> ContactField {
    ContactField {
        id: ContactFieldId::new(9).unwrap(),
        uuid: Uuid::from_u128(9),
        content: NewContactField { kind: ContactFieldKind::PHONE, data: Name::parse("+1 555 0100").unwrap() },
        created_at: timestamp("2018-01-01"),
        updated_at: timestamp("2018-01-02"),
    }
}

fn account() -> AccountId {
    AccountId::new(ACCOUNT).unwrap()
}
