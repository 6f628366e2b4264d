//! Gives every request an id: the client's when it is acceptable, else a new UUID.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ContentType, HeaderName, HeaderValue, TryIntoHeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use uuid::Uuid;

use crate::responses::error::ErrorBody;

/// The header that carries the id in both directions.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The maximal length of an id that a client chose.
const MAX_LENGTH: usize = 128;

/// The id of a request, found in its extensions.
pub struct RequestId(String);

impl RequestId {
    fn of(request: &ServiceRequest) -> Self {
        let acceptable = |id: &&str| {
            (1..=MAX_LENGTH).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
        };
        let sent = request.headers().get(X_REQUEST_ID).and_then(|id| id.to_str().ok()).filter(acceptable);
        Self(sent.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Sends the id back. A response with status 500 contains it and nothing else, so that the cause is found in the log.
pub async fn request_id(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, Error> {
    let RequestId(id) = RequestId::of(&request);
    let header = HeaderValue::from_str(&id);
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.call(request).await?;
    if let Ok(id) = header {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    Ok(if response.status() == StatusCode::INTERNAL_SERVER_ERROR { name_request(response)? } else { response })
}

/// Replaces the body of an internal error by one that names the request.
fn name_request(mut response: ServiceResponse) -> Result<ServiceResponse, Error> {
    let body = response.request().extensions().get().map(|id: &RequestId| ErrorBody::internal(id.as_str()));
    let body = serde_json::to_vec(&body)?;
    response.headers_mut().insert(CONTENT_TYPE, ContentType::json().try_into_value()?);
    Ok(response.map_body(|_, _| body.boxed()))
}
