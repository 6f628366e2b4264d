//! Logs every request and its cause of failure, and measures how long it took.

use std::time::Instant;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};

use super::request_id::RequestId;
use crate::AppState;
use crate::responses::error::ApiError;

/// The route of requests that no resource serves.
const NO_ROUTE: &str = "none";

/// Logs the request once its response is known, and counts it in the metrics.
pub async fn access_log(
    state: Data<AppState>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    let started = Instant::now();
    let method = request.method().clone();
    let peer = request.peer_addr().map(|peer| peer.ip());
    let client = state.options.trusted_proxies.client(peer, request.headers());
    let response = next.call(request).await?;
    let status = response.status().as_u16();
    let route = response.request().match_pattern().unwrap_or_else(|| NO_ROUTE.to_owned());
    let elapsed = started.elapsed();
    let extensions = response.request().extensions();
    let request_id = extensions.get().map(RequestId::as_str);
    log_cause(&response, request_id);
    let client = client.map(tracing::field::display);
    let milliseconds = f64::from(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)) / 1000.0;
    tracing::info!(request_id, client, %method, route, status, milliseconds, "request");
    drop(extensions);
    if let Some(metrics) = &state.options.metrics {
        metrics.count(&method, route, status, elapsed);
    }
    Ok(response)
}

/// Logs the cause of an error, which the response does not contain.
fn log_cause(response: &ServiceResponse, request_id: Option<&str>) {
    match response.response().error().and_then(|error| error.as_error()) {
        Some(ApiError::Internal(cause)) => tracing::error!(request_id, %cause, "internal error"),
        Some(ApiError::Unavailable(cause)) => tracing::warn!(request_id, %cause, "the store is not available"),
        _ => {}
    }
}
