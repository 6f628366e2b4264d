//! Headers that restrict what browsers and caches do with a response.

use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use actix_web::middleware::Next;

use super::{is_api, is_calendar};

/// Pages load files of this server only and cannot be framed. Swagger UI needs inline styles and icons from `data:`.
const PAGES_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                            img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
                            form-action 'none'; frame-ancestors 'none'";

const API_HEADERS: &[(HeaderName, &str)] = &[(X_CONTENT_TYPE_OPTIONS, "nosniff"), (CACHE_CONTROL, "no-cache, private")];

const PAGE_HEADERS: &[(HeaderName, &str)] = &[
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CONTENT_SECURITY_POLICY, PAGES_POLICY),
    (REFERRER_POLICY, "no-referrer"),
    (X_FRAME_OPTIONS, "DENY"),
];

/// Adds the headers of the API to its responses and to calendars, and those of pages to all others.
pub async fn security_headers(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, Error> {
    let path = request.match_info().as_str();
    let headers = if is_api(path) || is_calendar(path) { API_HEADERS } else { PAGE_HEADERS };
    let mut response = next.call(request).await?;
    for (name, value) in headers {
        response.headers_mut().insert(name.clone(), HeaderValue::from_static(value));
    }
    Ok(response)
}
