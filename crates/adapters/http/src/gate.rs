//! What happens to every request before its handler and after it, in v4.1.2's order: route, method, token, limit
//! of requests, and whether the token may write.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::rt::time::sleep;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use domain::{Caller, Scope};
use uuid::Uuid;

use crate::AppState;
use crate::errors::ApiError;
use crate::limits::{Budget, BudgetedBody, Reservation, UndrainedBody};
use crate::router::{Route, Segment};
use crate::throttle::RateLimitStatus;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

/// What pages may load, and who may frame them: their own files, and nobody. Swagger UI styles its elements in place and
/// draws its icons from `data:`.
const PAGES_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                            img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
                            form-action 'none'; frame-ancestors 'none'";

/// What an answer that is refused at last says all the same.
const KEPT: [HeaderName; 5] = [REQUEST_ID, LIMIT, REMAINING, CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS];

/// The outermost layer: names the request, lets HEAD and trailing slashes through, tells the log what came of it.
pub async fn envelope(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let Some(shared) = request.app_data::<web::Data<AppState>>().cloned() else {
        return Err(ApiError::Fault(ports::Error::fault("no shared state")).into());
    };
    let id = request_id(&request);
    let peer = request.peer_addr().map(|peer| peer.ip());
    let client = shared.options.trusted_proxies.client(peer, request.headers());
    let method = request.method().clone();
    if method == Method::HEAD {
        // The answer to a HEAD is the one to a GET; the connection leaves its body out.
        request.head_mut().method = Method::GET;
    }
    normalize(&mut request, shared.options.path_prefix());
    // Decoded, as the router sees it: `/%61pi/calls` is no way around the gate.
    let path = request.match_info().unprocessed();
    let is_api = is_api(path);
    let found = is_api.then(|| shared.routes.find(path)).flatten();
    let pattern = found.as_ref().map(|(route, _)| route.pattern);
    let response = if is_api {
        gate(request, &shared, found, client).await
    } else {
        leave_unread(&mut request);
        next.call(request).await?.map_into_boxed_body()
    };
    let cause = response.response().error().and_then(|error| error.as_error::<ApiError>());
    match cause {
        Some(ApiError::Fault(cause)) => tracing::error!(request_id = id, %cause, "fault"),
        Some(ApiError::Unavailable(cause)) => tracing::warn!(request_id = id, %cause, "the store is not available"),
        _ => {}
    }
    let is_fault = response.status() == StatusCode::INTERNAL_SERVER_ERROR;
    let mut response = if is_fault { response.into_response(ApiError::fault_response(&id)) } else { response };
    protect(response.headers_mut(), is_api);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let allowance = response.request().extensions().get::<RateLimitStatus>().copied();
    if let Some(RateLimitStatus { limit, remaining }) = allowance {
        response.headers_mut().insert(LIMIT, limit.into());
        response.headers_mut().insert(REMAINING, remaining.into());
    }
    let response = hold(response, &method, &shared.budget);
    let status = response.status().as_u16();
    let beside = if is_api { None } else { response.request().match_pattern() };
    let route = pattern.or(beside.as_deref()).unwrap_or("none");
    let elapsed = started.elapsed();
    let milliseconds = f64::from(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)) / 1000.0;
    if let Some(metrics) = &shared.options.metrics {
        metrics.count(&method, route, status, elapsed);
    }
    let client = client.map(tracing::field::display);
    tracing::info!(request_id = id, client, %method, route, status, milliseconds, "request");
    Ok(response)
}

/// What browsers must be told.
fn protect(headers: &mut HeaderMap, is_api: bool) {
    let mut say = |name, value| headers.insert(name, HeaderValue::from_static(value));
    say(X_CONTENT_TYPE_OPTIONS, "nosniff");
    if is_api {
        say(CACHE_CONTROL, "no-cache, private");
    } else {
        say(CONTENT_SECURITY_POLICY, PAGES_POLICY);
        say(REFERRER_POLICY, "no-referrer");
        say(X_FRAME_OPTIONS, "DENY");
    }
}

/// The answer, counted until its client has taken it. When too much is counted already, a read is refused; a write
/// was done, so its answer must go out.
fn hold(response: ServiceResponse<BoxBody>, method: &Method, budget: &Budget) -> ServiceResponse<BoxBody> {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    let bytes = match response.response().body().size() {
        BodySize::Sized(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
        BodySize::None | BodySize::Stream => 0,
    };
    let unread = response.request().extensions_mut().remove::<UndrainedBody>();
    let reserve = if is_read { budget.reserve(bytes) } else { Some(budget.reserve_unchecked(bytes)) };
    let Some(reserve) = reserve else {
        let cause = ports::Error::unavailable("too many large answers wait for their clients");
        let (request, refused) = response.into_parts();
        let mut answer = ApiError::Unavailable(cause).error_response();
        for (name, value) in refused.headers().iter().filter(|(name, _)| KEPT.contains(name)) {
            answer.headers_mut().insert(name.clone(), value.clone());
        }
        return wrap(ServiceResponse::new(request, answer), budget.reserve_unchecked(0), unread);
    };
    wrap(response, reserve, unread)
}

fn wrap(
    response: ServiceResponse<BoxBody>,
    reserve: Reservation,
    unread: Option<UndrainedBody>,
) -> ServiceResponse<BoxBody> {
    response.map_body(|_, body| match body.try_into_bytes() {
        Ok(bytes) => BoxBody::new(BudgetedBody::new(bytes, reserve, unread)),
        Err(body) => body.boxed(),
    })
}

/// How long whoever fails too often waits for each 401.
const GUESSER_WAITS: Duration = Duration::from_secs(1);

fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// The client's own name for the request when it is a sane one, else a new one.
fn request_id(request: &ServiceRequest) -> String {
    let sane = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
    };
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(sane);
    given.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

/// Takes the public URL's path off the front, and trailing slashes of the API off the end.
fn normalize(request: &mut ServiceRequest, prefix: &str) {
    let path = request.path();
    let inner = path.strip_prefix(prefix).filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let inner = if is_api(inner) { inner.trim_end_matches('/') } else { inner };
    if inner.len() == path.len() {
        return;
    }
    let path_and_query = match request.query_string() {
        "" => inner.to_owned(),
        query => format!("{inner}?{query}"),
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = path_and_query.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

/// Lets a request to the API through to its handler, with its [`Caller`], or refuses it.
async fn gate(
    mut request: ServiceRequest,
    shared: &AppState,
    found: Option<(&Route, Segment)>,
    client: Option<IpAddr>,
) -> ServiceResponse {
    let path = |request: &ServiceRequest| request.match_info().unprocessed().trim_start_matches('/').to_owned();
    let Some((route, segment)) = found else {
        let path = path(&request);
        return refuse(request, ApiError::NoRoute { path });
    };
    let method = request.method().clone();
    if method == Method::OPTIONS {
        let answer = HttpResponse::Ok().insert_header((ALLOW, route.allow(","))).finish();
        return request.into_response(answer);
    }
    let Some(endpoint) = route.endpoint(&method) else {
        let path = path(&request);
        let allow = route.allow(", ");
        return refuse(request, ApiError::NoMethod { method: method.to_string(), path, allow });
    };
    match admit(&request, shared, client).await {
        Ok(caller) => {
            request.extensions_mut().insert(Authenticated(caller));
            request.extensions_mut().insert(segment);
            if !takes_body(&method) {
                leave_unread(&mut request);
            }
            endpoint(request).await
        }
        Err(refusal) => refuse(request, refusal),
    }
}

/// Whether the handlers of the method read a body; see `body.rs`.
fn takes_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

fn leave_unread(request: &mut ServiceRequest) {
    let payload = request.take_payload();
    request.extensions_mut().insert(UndrainedBody::new(payload));
}

fn refuse(mut request: ServiceRequest, refusal: ApiError) -> ServiceResponse {
    leave_unread(&mut request);
    let (request, _) = request.into_parts();
    ServiceResponse::from_err(refusal, request)
}

async fn admit(request: &ServiceRequest, shared: &AppState, client: Option<IpAddr>) -> Result<Caller, ApiError> {
    let bearer = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim).filter(|text| !text.is_empty());
    let bearer = bearer.ok_or(ApiError::Unauthenticated)?;
    let now = shared.services.clock.now();
    let Some(caller) = shared.services.access.authenticate(bearer).await? else {
        if shared.doorstep.failed(client, now) {
            sleep(GUESSER_WAITS).await;
        }
        return Err(ApiError::Unauthenticated);
    };
    let (allowance, taken) = shared.throttle.take(caller.token, now);
    if let Some(allowance) = allowance {
        request.extensions_mut().insert(allowance);
    }
    taken?;
    if caller.scope == Scope::ReadOnly && request.method() != Method::GET {
        return Err(ApiError::ReadOnly);
    }
    Ok(caller)
}

/// The caller that the gate let through.
#[derive(Clone, Copy)]
pub struct Authenticated(pub Caller);

impl FromRequest for Authenticated {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let known = request.extensions().get::<Self>().copied();
        std::future::ready(known.ok_or_else(|| ApiError::Fault(ports::Error::fault("a route beside the gate"))))
    }
}
