//! Conditional requests: `Idempotency-Key`, `If-Match` and `If-None-Match`.

use std::hash::Hash;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use domain::{IdempotencyKey, Name};
use ports::inbound::Precondition;

use crate::responses::error::{ApiError, ApiResult};
use crate::responses::etag;

/// The header that marks repetitions of one request.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Returns the idempotency key with the fingerprint of the body. `None` if the request has no key.
pub fn idempotency_key(request: &HttpRequest, fingerprint: Option<i64>) -> ApiResult<Option<IdempotencyKey>> {
    let (Some(key), Some(fingerprint)) = (request.headers().get(IDEMPOTENCY_KEY), fingerprint) else { return Ok(None) };
    let key = key.to_str().ok().and_then(|key| Name::parse(key).ok());
    let key = key.ok_or_else(|| {
        ApiError::Invalid(vec!["The idempotency key must have 1 to 255 visible characters.".to_owned()])
    })?;
    Ok(Some(IdempotencyKey { key, fingerprint }))
}

/// Returns the condition of `If-Match`: the call or the contact has one of its tags. `None` if the request has no such
/// header, or any state satisfies it.
pub fn precondition<T: Hash>(request: &HttpRequest) -> Option<Precondition<T>> {
    let tags = tags(request, &IF_MATCH).filter(|tags| !tags.iter().any(|tag| tag == "*"))?;
    Some(Arc::new(move |state: &T| tags.contains(&etag(state))))
}

/// Whether `If-None-Match` has this tag, so that the client already has this state.
pub fn matches_if_none_match(request: &HttpRequest, etag: &str) -> bool {
    // RFC 9110 compares weak and strong tags alike here.
    let matches = |tag: &String| tag == "*" || tag.trim_start_matches("W/") == etag;
    tags(request, &IF_NONE_MATCH).is_some_and(|tags| tags.iter().any(matches))
}

/// Returns the tags of all headers of this name. `None` if there is no such header.
fn tags(request: &HttpRequest, name: &HeaderName) -> Option<Vec<String>> {
    let mut values = request.headers().get_all(name).peekable();
    values.peek()?;
    let texts = values.filter_map(|value| value.to_str().ok());
    Some(texts.flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use domain::Call;

    use super::*;
    use crate::requests::CallRequest;
    use crate::requests::body::parse;
    use crate::tests::call;

    #[test]
    fn if_match_accepts_each_of_its_tags() {
        let call = call();
        let tag = etag(&call);
        let request = |name: &'static str, value: &str| {
            TestRequest::default().insert_header((name, value.to_owned())).to_http_request()
        };
        assert!(precondition::<Call>(&TestRequest::default().to_http_request()).is_none());
        assert!(precondition::<Call>(&request("if-match", "*")).is_none());
        for matching in [tag.clone(), format!("\"x\", {tag}")] {
            assert!(precondition(&request("if-match", &matching)).unwrap()(&call), "{matching}");
        }
        for other in ["", "\"x\"", tag.trim_matches('"'), &format!("W/{tag}")] {
            assert!(!precondition(&request("if-match", other)).unwrap()(&call), "{other:?}");
        }
    }

    #[test]
    fn the_fingerprint_of_a_key_ignores_the_order_of_members() {
        let request =
            |key: &str| TestRequest::default().insert_header(("idempotency-key", key.to_owned())).to_http_request();
        let fingerprint = |text: &str| parse::<CallRequest>("", text, false, true).unwrap().fingerprint;
        let keyed = |key: &str, text: &str| idempotency_key(&request(key), fingerprint(text)).unwrap().unwrap();
        assert_eq!(keyed("k", r#"{"a": 1, "b": 2}"#), keyed("k", r#"{"b": 2, "a": 1}"#));
        assert_ne!(keyed("k", r#"{"a": 1}"#), keyed("k", r#"{"a": 2}"#));
        for key in ["", " ", &"x".repeat(256)] {
            assert!(idempotency_key(&request(key), fingerprint("{}")).is_err(), "{key:?}");
        }
        assert_eq!(idempotency_key(&TestRequest::default().to_http_request(), None).unwrap(), None);
    }
}
