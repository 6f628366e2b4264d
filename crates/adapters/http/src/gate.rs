//! What happens to every request before its handler and after it, in v4.1.2's order: route, method, token, limit
//! of requests, query words, and whether the token may write.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use domain::{Caller, Scope};
use uuid::Uuid;

use crate::Shared;
use crate::errors::Refusal;
use crate::query::Query;
use crate::throttle::Allowance;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

/// The outermost layer: names the request, lets HEAD and trailing slashes through, tells the log what came of it.
pub async fn envelope(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let id = request_id(&request);
    let peer = request.peer_addr().map(|peer| peer.ip());
    let method = request.method().clone();
    if method == Method::HEAD {
        // The answer to a HEAD is the one to a GET; the connection leaves its body out.
        request.head_mut().method = Method::GET;
    }
    if let Some(shared) = request.app_data::<web::Data<Shared>>().cloned() {
        normalize(&mut request, shared.options.path_prefix());
    }
    let response = next.call(request).await?;
    let cause = response.response().error().and_then(|error| error.as_error::<Refusal>());
    match cause {
        Some(Refusal::Fault(cause)) => tracing::error!(request_id = id, %cause, "fault"),
        Some(Refusal::Unavailable(cause)) => tracing::warn!(request_id = id, %cause, "the store is not available"),
        _ => {}
    }
    let status = response.status();
    let mut response = if status.as_u16() == 500 {
        let request = response.request().clone();
        ServiceResponse::new(request, Refusal::fault_response(&id)).map_into_right_body()
    } else {
        response.map_into_left_body()
    };
    if is_api(response.request().path()) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    }
    let route = response.request().match_pattern().unwrap_or_else(|| "none".to_owned());
    let elapsed = started.elapsed();
    let milliseconds = elapsed.as_secs_f64() * 1000.0;
    let shared = response.request().app_data::<web::Data<Shared>>();
    let client = shared.and_then(|shared| shared.options.trusted_proxies.client(peer, response.request().headers()));
    if let Some(metrics) = shared.and_then(|shared| shared.options.metrics.as_ref()) {
        metrics.count(&method, &route, status.as_u16(), elapsed);
    }
    let client = client.map(tracing::field::display);
    tracing::info!(request_id = id, client, %method, route, status = status.as_u16(), milliseconds, "request");
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let allowance = response.request().extensions().get::<Allowance>().copied();
    if let Some(Allowance { limit, remaining }) = allowance {
        response.headers_mut().insert(LIMIT, limit.into());
        response.headers_mut().insert(REMAINING, remaining.into());
    }
    Ok(response)
}

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
pub async fn gate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let Some(shared) = request.app_data::<web::Data<Shared>>().cloned() else {
        return Err(Refusal::Fault(ports::Error::fault("no shared state")).into());
    };
    if !is_api(request.path()) {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let path = request.path().trim_start_matches('/').to_owned();
    let Some(allow) = shared.routes.allowed(request.path()) else {
        return Ok(refuse(request, Refusal::NoRoute { path }).map_into_right_body());
    };
    let method = request.method().clone();
    if method == Method::OPTIONS {
        let answer = HttpResponse::Ok().insert_header((ALLOW, allow.replace(' ', ""))).finish();
        return Ok(request.into_response(answer).map_into_right_body());
    }
    if !allow.split(", ").any(|allowed| allowed == method.as_str()) {
        let refusal = Refusal::NoMethod { method: method.to_string(), path, allow: allow.to_owned() };
        return Ok(refuse(request, refusal).map_into_right_body());
    }
    match admit(&request, &shared).await {
        Ok(caller) => {
            request.extensions_mut().insert(Known(caller));
            next.call(request).await.map(ServiceResponse::map_into_left_body)
        }
        Err(refusal) => Ok(refuse(request, refusal).map_into_right_body()),
    }
}

fn refuse(request: ServiceRequest, refusal: Refusal) -> ServiceResponse {
    let (request, _) = request.into_parts();
    ServiceResponse::from_err(refusal, request)
}

async fn admit(request: &ServiceRequest, shared: &Shared) -> Result<Caller, Refusal> {
    let bearer = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim).filter(|text| !text.is_empty());
    let bearer = bearer.ok_or(Refusal::Unauthenticated)?;
    let caller = shared.services.access.authenticate(bearer).await?.ok_or(Refusal::Unauthenticated)?;
    let (allowance, taken) = shared.throttle.take(caller.token, shared.services.clock.now());
    if let Some(allowance) = allowance {
        request.extensions_mut().insert(allowance);
    }
    taken?;
    // v4.1.2 refuses these words on every route, also where they mean nothing.
    let query = Query::parse(request.query_string());
    query.call_order()?;
    query.limit()?;
    if caller.scope == Scope::ReadOnly && request.method() != Method::GET {
        return Err(Refusal::ReadOnly);
    }
    Ok(caller)
}

/// The caller that the gate let through.
#[derive(Clone, Copy)]
pub struct Known(pub Caller);

impl FromRequest for Known {
    type Error = Refusal;
    type Future = std::future::Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let known = request.extensions().get::<Self>().copied();
        std::future::ready(known.ok_or_else(|| Refusal::Fault(ports::Error::fault("a route beside the gate"))))
    }
}
