//! Conditional requests: `Idempotency-Key`, `If-Match` and `If-None-Match`.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use domain::{Call, IdempotencyKey, Name};

use crate::responses::error::ApiError;
use crate::responses::{CallResponse, Links};

/// The header by which a client repeats a request without repeating its effect.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A condition on the state of a call.
pub type Precondition = Arc<dyn Fn(&Call) -> bool + Send + Sync>;

/// The request's idempotency key with the fingerprint of its body, or `None` if it has no key.
pub fn idempotency_key(request: &HttpRequest, fingerprint: Option<i64>) -> Result<Option<IdempotencyKey>, ApiError> {
    let (Some(key), Some(fingerprint)) = (request.headers().get(IDEMPOTENCY_KEY), fingerprint) else { return Ok(None) };
    let key = key.to_str().ok().and_then(|key| Name::parse(key).ok());
    let key = key.ok_or_else(|| {
        ApiError::Invalid(vec!["The idempotency key must have 1 to 255 visible characters.".to_owned()])
    })?;
    Ok(Some(IdempotencyKey { key, fingerprint }))
}

/// The condition of `If-Match`: the call has one of these tags. `None` if any state will do.
pub fn precondition(request: &HttpRequest, links: Links) -> Option<Precondition> {
    let tags = tags(request, &IF_MATCH).filter(|tags| !tags.iter().any(|tag| tag == "*"))?;
    let matches =
        move |call: &Call| CallResponse::new(call, &links).to_json().is_ok_and(|(_, tag)| tags.contains(&tag));
    Some(Arc::new(matches))
}

/// Whether `If-None-Match` has this tag: the client has this state of the call already.
pub fn is_known(request: &HttpRequest, etag: &str) -> bool {
    // RFC 9110: a weak tag is as good as a strong one here.
    let matches = |tag: &String| tag == "*" || tag.trim_start_matches("W/") == etag;
    tags(request, &IF_NONE_MATCH).is_some_and(|tags| tags.iter().any(matches))
}

/// The tags in all headers of this name, or `None` if there is no such header.
fn tags(request: &HttpRequest, name: &HeaderName) -> Option<Vec<String>> {
    let mut values = request.headers().get_all(name).peekable();
    values.peek()?;
    let texts = values.filter_map(|value| value.to_str().ok());
    Some(texts.flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::requests::CallRequest;
    use crate::requests::body::parse;
    use crate::tests::call;

    #[test]
    fn if_match_accepts_each_of_its_tags() {
        let (call, links) = (call(), Links::under("https://example.org"));
        let tag = CallResponse::new(&call, &links).to_json().unwrap().1;
        let precondition = |request: &HttpRequest| precondition(request, links.clone());
        let request = |name: &'static str, value: &str| {
            TestRequest::default().insert_header((name, value.to_owned())).to_http_request()
        };
        assert!(precondition(&TestRequest::default().to_http_request()).is_none());
        assert!(precondition(&request("if-match", "*")).is_none());
        for matching in [tag.clone(), format!("\"x\", {tag}")] {
            assert!(precondition(&request("if-match", &matching)).unwrap()(&call), "{matching}");
        }
        for other in ["", "\"x\"", tag.trim_matches('"'), &format!("W/{tag}")] {
            assert!(!precondition(&request("if-match", other)).unwrap()(&call), "{other:?}");
        }
    }

    #[test]
    fn a_key_belongs_to_a_body_whatever_the_order_of_its_members() {
        let request =
            |key: &str| TestRequest::default().insert_header(("idempotency-key", key.to_owned())).to_http_request();
        let fingerprint = |text: &str| parse::<CallRequest>("", text, false, true).unwrap().fingerprint;
        let once = |key: &str, text: &str| idempotency_key(&request(key), fingerprint(text)).unwrap().unwrap();
        assert_eq!(once("k", r#"{"a": 1, "b": 2}"#), once("k", r#"{"b": 2, "a": 1}"#));
        assert_ne!(once("k", r#"{"a": 1}"#), once("k", r#"{"a": 2}"#));
        for key in ["", " ", &"x".repeat(256)] {
            assert!(idempotency_key(&request(key), fingerprint("{}")).is_err(), "{key:?}");
        }
        assert_eq!(idempotency_key(&TestRequest::default().to_http_request(), None).unwrap(), None);
    }
}
