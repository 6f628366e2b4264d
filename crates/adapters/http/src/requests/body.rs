//! Reading a request's body: a JSON object, or a form as browsers and PHP clients send it.

use std::future::{Future, poll_fn};
use std::pin::Pin;

use actix_web::body::{BodyStream, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use actix_web::rt::time::timeout;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::de::DeserializeOwned;

use super::conditions::IDEMPOTENCY_KEY;
use super::members::Members;
use crate::AppState;
use crate::responses::error::{ApiError, BODY_LIMIT};
use crate::middleware::limits::{BODY_TIMEOUT, UndrainedBody};

/// A request's body, parsed. Members that it lacks are taken from the query string, as in v4.1.2.
pub struct Body<T> {
    /// The members that `T` declares.
    pub request: T,
    /// A hash of all members, for a request with an idempotency key.
    pub fingerprint: Option<i64>,
}

impl<T: DeserializeOwned> FromRequest for Body<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let mut payload = BodyStream::new(payload.take());
        let request = request.clone();
        Box::pin(async move {
            let shared = request.app_data::<web::Data<AppState>>();
            let reserve = match announced(&request) {
                length if length > BODY_LIMIT => Err(ApiError::TooLarge),
                length => shared.map(|shared| shared.budget.reserve(length).ok_or_else(too_many)).transpose(),
            };
            let bytes = match reserve {
                Ok(_share) => timeout(BODY_TIMEOUT, read(&mut payload)).await.unwrap_or(Err(ApiError::TooSlow)),
                Err(refusal) => Err(refusal),
            };
            let bytes = bytes.inspect_err(|_| drop(request.extensions_mut().insert(UndrainedBody::new(payload))))?;
            if let Some(shared) = shared {
                // Counted as long as the request lives, which may wait for the store with the values parsed from this.
                request.extensions_mut().insert(shared.budget.reserve_unchecked(bytes.len()));
            }
            let text = std::str::from_utf8(&bytes).map_err(|_| ApiError::BadJson)?;
            let is_keyed = request.headers().contains_key(IDEMPOTENCY_KEY);
            Ok(parse(request.query_string(), text, is_form(&request), is_keyed)?)
        })
    }
}

fn is_form(request: &HttpRequest) -> bool {
    const FORM: &[u8] = b"application/x-www-form-urlencoded";
    let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.and_then(|value| value.get(..FORM.len())).is_some_and(|start| start.eq_ignore_ascii_case(FORM))
}

/// The whole body.
async fn read(payload: &mut BodyStream<Payload>) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = poll_fn(|context| Pin::new(&mut *payload).poll_next(context)).await {
        // The client closed the connection or broke the protocol. Nothing is stored.
        let piece = piece.map_err(|_| ApiError::BadJson)?;
        if bytes.len() + piece.len() > BODY_LIMIT {
            return Err(ApiError::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// The most bytes that the body may have: its announced length, or the limit if it announces none.
fn announced(request: &HttpRequest) -> usize {
    let headers = request.headers();
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(if headers.contains_key(TRANSFER_ENCODING) { BODY_LIMIT } else { 0 })
}

fn too_many() -> ApiError {
    ApiError::Unavailable(ports::Error::unavailable("too many large bodies arrive at once"))
}

/// Parses a body with the query string beside it.
pub fn parse<T: DeserializeOwned>(query: &str, text: &str, is_form: bool, is_keyed: bool) -> Result<Body<T>, ApiError> {
    // What `curl -d` sends when its user forgets the type: no form begins with a brace.
    let is_json = !is_form || text.trim_ascii_start().starts_with('{');
    let members = if is_json { Ok(Members::json(query, text)) } else { Members::form(query, text) };
    let parsed = members.and_then(|members| {
        let request = T::deserialize(members)?;
        let fingerprint = is_keyed.then(|| members.fingerprint()).transpose()?;
        Ok(Body { request, fingerprint })
    });
    parsed.map_err(|_| ApiError::BadJson)
}
