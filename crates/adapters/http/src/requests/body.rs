//! Reads the body of a request: a JSON object, or a form as browsers and PHP clients send it.

use std::future::{Future, poll_fn};
use std::pin::Pin;

use actix_web::body::{BodyStream, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use actix_web::rt::time::timeout;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::de::DeserializeOwned;

use super::body_format::{check_headers, is_json, json_problem};
use super::conditions::IDEMPOTENCY_KEY;
use super::deserializer::RequestDeserializer;
use crate::AppState;
use crate::connection::request_body;
use crate::middleware::limits::{BODY_TIMEOUT, UndrainedBody};
use crate::responses::error::{ApiError, ApiResult, BODY_LIMIT};

/// The size up to which a body is parsed on the thread of its connection, in bytes. Parsing a larger one would delay
/// other requests.
const MAX_INLINE_BYTES: usize = 64 * 1024;

/// What a request body is parsed into.
pub trait RequestBody: DeserializeOwned {
    /// The maximal size of the body, in bytes.
    const LIMIT: usize = BODY_LIMIT;
}

/// A parsed request body. Members that it lacks are taken from the query string, as in v4.1.2.
pub struct Body<T> {
    /// The members that `T` declares.
    pub request: T,
    /// A hash of all members, for a request with an idempotency key.
    pub fingerprint: Option<i64>,
}

impl<T: RequestBody + Send + 'static> FromRequest for Body<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let mut payload = BodyStream::new(payload.take());
        let request = request.clone();
        Box::pin(async move {
            let state = request.app_data::<web::Data<AppState>>();
            let reservation = match announced_length(&request, T::LIMIT) {
                length if length > T::LIMIT => Err(ApiError::TooLarge(T::LIMIT)),
                length => state.map(|state| state.budget.reserve(length).ok_or_else(over_budget)).transpose(),
            };
            let bytes = match check_headers(&request).and(reservation) {
                Ok(_reservation) => {
                    request_body(&request).await;
                    timeout(BODY_TIMEOUT, read(&mut payload, T::LIMIT)).await.unwrap_or(Err(ApiError::TooSlow))
                }
                Err(error) => Err(error),
            };
            let bytes = bytes.inspect_err(|_| drop(request.extensions_mut().insert(UndrainedBody::new(payload))))?;
            if let Some(state) = state {
                // Reserved for as long as the request exists: it may wait for the store with the parsed values.
                request.extensions_mut().insert(state.budget.reserve_unchecked(bytes.len()));
            }
            let is_large = bytes.len() > MAX_INLINE_BYTES;
            let text = String::from_utf8(bytes).map_err(|_| not_utf8())?;
            let (is_form, is_keyed) = (is_form(&request), request.headers().contains_key(IDEMPOTENCY_KEY));
            if !is_large {
                return Ok(parse(request.query_string(), &text, is_form, is_keyed)?);
            }
            let query = request.query_string().to_owned();
            Ok(parse_aside(move || parse(&query, &text, is_form, is_keyed)).await?)
        })
    }
}

/// Parses on another thread.
#[expect(clippy::disallowed_methods, reason = "parsing waits for nothing, unlike the stores")]
async fn parse_aside<T: Send + 'static>(parse: impl FnOnce() -> ApiResult<T> + Send + 'static) -> ApiResult<T> {
    let stopped = |_| ApiError::overloaded("the threads that parse bodies are stopped");
    web::block(parse).await.map_err(stopped)?
}

fn is_form(request: &HttpRequest) -> bool {
    const FORM: &[u8] = b"application/x-www-form-urlencoded";
    let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.and_then(|value| value.get(..FORM.len())).is_some_and(|start| start.eq_ignore_ascii_case(FORM))
}

/// Reads the whole body.
async fn read(payload: &mut BodyStream<Payload>, limit: usize) -> ApiResult<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = poll_fn(|context| Pin::new(&mut *payload).poll_next(context)).await {
        // The client closed the connection or broke the protocol. Nothing is stored.
        let chunk = chunk.map_err(|_| ApiError::BadJson)?;
        if bytes.len() + chunk.len() > limit {
            return Err(ApiError::TooLarge(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Returns the maximal length of the body: the announced one, or the limit if it announces none.
fn announced_length(request: &HttpRequest, limit: usize) -> usize {
    let headers = request.headers();
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(if headers.contains_key(TRANSFER_ENCODING) { limit } else { 0 })
}

fn not_utf8() -> ApiError {
    ApiError::BadJson.with_detail("The body is not valid UTF-8.")
}

fn over_budget() -> ApiError {
    ApiError::overloaded("too many large request bodies")
}

/// Parses a body and a query string.
pub fn parse<T: DeserializeOwned>(query: &str, text: &str, is_form: bool, is_keyed: bool) -> ApiResult<Body<T>> {
    // The byte-order mark of some editors.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_json = is_json::<T>(text, is_form);
    let deserializer =
        if is_json { Ok(RequestDeserializer::json(query, text)) } else { RequestDeserializer::form(query, text) };
    let parsed = deserializer.and_then(|deserializer| {
        let request = T::deserialize(deserializer)?;
        let fingerprint = is_keyed.then(|| deserializer.fingerprint()).transpose()?;
        Ok(Body { request, fingerprint })
    });
    parsed.map_err(|_| if is_json { ApiError::BadJson.with_detail(json_problem(text)) } else { not_utf8() })
}
