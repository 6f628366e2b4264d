//! Authentication: the client of a request, and whether its token may write.

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use domain::{Caller, Scope};

use super::reject;
use crate::AppState;
use crate::responses::error::ApiError;

/// The caller of an authenticated request.
#[derive(Clone, Copy)]
pub struct Authenticated(pub Caller);

impl FromRequest for Authenticated {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let authenticated = request.extensions().get::<Self>().copied();
        ready(authenticated.ok_or_else(|| ApiError::Internal(ports::Error::internal("a route outside the /api scope"))))
    }
}

/// Rejects requests without a valid token. Handlers extract the caller as [`Authenticated`].
pub async fn authenticate(
    state: Data<AppState>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    match caller(&state, &request).await {
        Ok(caller) => {
            request.extensions_mut().insert(Authenticated(caller));
            next.call(request).await
        }
        Err(error) => Ok(reject(request, error)),
    }
}

/// Rejects requests for a calendar without a valid token in their path, `/TOKEN.ics` within the scope. The response is
/// the same whatever is wrong, so that it does not tell which tokens exist.
pub async fn authenticate_feed(
    state: Data<AppState>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    let secret = request.match_info().unprocessed().strip_prefix('/').and_then(|path| path.strip_suffix(".ics"));
    let caller = match secret.map(str::to_owned) {
        Some(secret) => state.services.auth.authenticate_feed(&secret).await,
        None => Ok(None),
    };
    match caller {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(Authenticated(caller));
            next.call(request).await
        }
        Ok(None) => Ok(reject(request, ApiError::NotFound)),
        Err(error) => Ok(reject(request, error.into())),
    }
}

async fn caller(state: &AppState, request: &ServiceRequest) -> Result<Caller, ApiError> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let credentials = header.and_then(|value| value.split_once(' '));
    let bearer = credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let bearer = bearer.filter(|token| !token.is_empty()).ok_or(ApiError::Unauthenticated)?;
    state.services.auth.authenticate(bearer).await?.ok_or(ApiError::Unauthenticated)
}

/// Rejects writes with a read-only token.
pub async fn enforce_read_only(
    Authenticated(caller): Authenticated,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    if caller.scope == Scope::ReadOnly && !request.method().is_safe() {
        return Ok(reject(request, ApiError::ReadOnly));
    }
    next.call(request).await
}
