//! Middleware, one file for each concern. `app.rs` lists it in its order.

pub mod access_log;
pub mod authenticate;
pub mod limits;
pub mod normalize;
pub mod rate_limit;
pub mod request_id;
pub mod security_headers;

use actix_web::dev::{ServiceRequest, ServiceResponse};

use crate::responses::error::ApiError;

/// Responds with an error, without calling the next service.
pub fn reject(mut request: ServiceRequest, error: ApiError) -> ServiceResponse {
    limits::set_body_aside(&mut request);
    request.error_response(error)
}

/// Whether a path, decoded and without the path of the public URL, is that of a calendar.
fn is_calendar(path: &str) -> bool {
    path.starts_with("/calendar/")
}

/// Whether a path, decoded and without the path of the public URL, belongs to the API.
fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}
