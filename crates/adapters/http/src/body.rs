//! Bodies: JSON objects, and forms as browsers and PHP clients send them.

use std::future::{Future, poll_fn};
use std::pin::Pin;

use actix_web::body::{BodyStream, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use actix_web::rt::time::timeout;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::AppState;
use crate::fields::Members;
use crate::middleware::limits::{BODY_TIMEOUT, UndrainedBody};
use crate::query::Query;
use crate::responses::error::{ApiError, BODY_LIMIT};

/// The members of a request's body; those of the query string stand in where the body lacks them, as in v4.1.2.
pub struct Body(pub Members);

impl FromRequest for Body {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let mut payload = BodyStream::new(payload.take());
        let request = request.clone();
        let mut members = pairs(Query::parse(request.query_string()).pairs());
        let is_form = request.headers().get(CONTENT_TYPE).is_some_and(|value| {
            value.as_bytes().to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded")
        });
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
                // What was read is held as long as the request, which may wait for the store.
                request.extensions_mut().insert(shared.budget.reserve_unchecked(bytes.len()));
            }
            members.extend(if is_form && !looks_like_json(&bytes) { form(&bytes)? } else { json(&bytes)? });
            Ok(Self(members))
        })
    }
}

/// The whole body.
async fn read(payload: &mut BodyStream<Payload>) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = poll_fn(|context| Pin::new(&mut *payload).poll_next(context)).await {
        // The client went away, or sent what is not HTTP: whatever is answered, nothing is stored.
        let piece = piece.map_err(|_| ApiError::BadJson)?;
        if bytes.len() + piece.len() > BODY_LIMIT {
            return Err(ApiError::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// How many bytes the body may have: what its length says, and all that is allowed when it says none.
fn announced(request: &HttpRequest) -> usize {
    let headers = request.headers();
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(if headers.contains_key(TRANSFER_ENCODING) { BODY_LIMIT } else { 0 })
}

fn too_many() -> ApiError {
    ApiError::Unavailable(ports::Error::unavailable("too many large bodies arrive at once"))
}

/// What `curl -d` sends when its user forgets the type: no form begins with a brace.
fn looks_like_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

/// No body at all is an empty object, so that the client hears which fields are required.
pub fn json(bytes: &[u8]) -> Result<Members, ApiError> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Members::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(ApiError::BadJson),
    }
}

pub fn form(bytes: &[u8]) -> Result<Members, ApiError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ApiError::BadJson)?;
    percent_decode_str(text).decode_utf8().map_err(|_| ApiError::BadJson)?;
    Ok(pairs(Query::parse(text).pairs()))
}

/// `name=value` is a text, `name[]=value` one item of a list.
pub fn pairs(pairs: &[(String, String)]) -> Members {
    let mut members = Members::new();
    for (name, value) in pairs {
        match name.split_once('[') {
            Some((list, _)) => {
                let items = members.entry(list).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(items) = items {
                    items.push(Value::from(value.as_str()));
                }
            }
            None => drop(members.insert(name.clone(), Value::from(value.as_str()))),
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_json_body_is_an_object() {
        assert_eq!(Value::Object(json(b" {\"a\": 1} ").unwrap()), json!({"a": 1}));
        assert_eq!(json(b"").unwrap(), Members::new());
        for text in [
            &b"null"[..],
            b"[]",
            b"\"x\"",
            b"7",
            b"{",
            b"{\"a\": 1} x",
            b"{\"a\": \"\xff\"}",
            b"{\"a\": \"\\ud800\"}",
            b"a=1",
        ] {
            assert!(matches!(json(text), Err(ApiError::BadJson)), "{}", String::from_utf8_lossy(text));
        }
        let deep = [b"{\"a\":".repeat(10_000), b"1".to_vec(), b"}".repeat(10_000)].concat();
        assert!(matches!(json(&deep), Err(ApiError::BadJson)), "deep nesting is refused, not followed");
    }

    #[test]
    fn a_form_body_has_texts_and_lists() {
        let members = form(b"contact_id=7&content=a+b%21&emotions[]=1&emotions[]=2&content=last").unwrap();
        assert_eq!(Value::Object(members), json!({"contact_id": "7", "content": "last", "emotions": ["1", "2"]}));
        for text in [&b"content=\xff"[..], b"content=%FF", b"content=%C3&a=%A9"] {
            assert!(matches!(form(text), Err(ApiError::BadJson)), "{}", String::from_utf8_lossy(text));
        }
    }
}
