//! What careful clients send: `Idempotency-Key`, `If-Match`, `If-None-Match`; and the `ETag` that they need.

use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use domain::{Call, IdempotencyKey, Name, Version};

use crate::fields::Members;
use crate::responses::error::ApiError;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The entity tag of a call in its present state.
pub fn etag(call: &Call) -> String {
    tag(call.version())
}

fn tag(Version(number): Version) -> String {
    format!("\"{number:016x}\"")
}

/// The request's own name, with a hash of its body.
pub fn once(request: &HttpRequest, members: &Members) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(key) = request.headers().get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = key.to_str().ok().and_then(|key| Name::parse(key).ok());
    let key = key.ok_or_else(|| {
        ApiError::Invalid(vec!["The idempotency key must have 1 to 255 visible characters.".to_owned()])
    })?;
    let mut hasher = DefaultHasher::new();
    // The members are sorted by name: their order in the body does not matter.
    serde_json::Value::Object(members.clone()).to_string().hash(&mut hasher);
    Ok(Some(IdempotencyKey { key, fingerprint: hasher.finish().cast_signed() }))
}

/// The versions of which a call must have one; none when any will do. What is no tag of ours matches no version.
pub fn expected(request: &HttpRequest) -> Option<Vec<Version>> {
    let tags = tags(request, &IF_MATCH)?;
    (!tags.iter().any(|tag| tag == "*")).then(|| tags.iter().filter_map(|tag| version(tag)).collect())
}

fn version(tag: &str) -> Option<Version> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    u64::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 16).map(Version)
}

/// The client has this state of the call already.
pub fn is_known(request: &HttpRequest, call: &Call) -> bool {
    let Some(tags) = tags(request, &IF_NONE_MATCH) else { return false };
    let own = etag(call);
    // Here a weak tag is as good as a strong one.
    tags.iter().any(|tag| tag == "*" || tag.trim_start_matches("W/") == own)
}

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

    #[test]
    fn tags_are_read_as_they_are_written() {
        let version = Version(0x00ab_cdef_0123_4567);
        let request = |name: &'static str, value: &str| {
            TestRequest::default().insert_header((name, value.to_owned())).to_http_request()
        };
        assert_eq!(expected(&TestRequest::default().to_http_request()), None);
        assert_eq!(expected(&request("if-match", "*")), None);
        assert_eq!(expected(&request("if-match", &tag(version))), Some(vec![version]));
        let many = format!("\"x\", {}", tag(version));
        assert_eq!(expected(&request("if-match", &many)), Some(vec![version]));
        for none in ["", "\"x\"", "00abcdef01234567", &format!("W/{}", tag(version))] {
            assert_eq!(expected(&request("if-match", none)), Some(vec![]), "{none:?}");
        }
    }

    #[test]
    fn a_key_belongs_to_a_body_whatever_the_order_of_its_members() {
        let request =
            |key: &str| TestRequest::default().insert_header(("idempotency-key", key.to_owned())).to_http_request();
        let body = |text: &str| serde_json::from_str(text).unwrap();
        let once = |key: &str, text: &str| once(&request(key), &body(text)).unwrap().unwrap();
        assert_eq!(once("k", r#"{"a": 1, "b": 2}"#), once("k", r#"{"b": 2, "a": 1}"#));
        assert_ne!(once("k", r#"{"a": 1}"#), once("k", r#"{"a": 2}"#));
        for key in ["", " ", &"x".repeat(256)] {
            assert!(super::once(&request(key), &Members::new()).is_err(), "{key:?}");
        }
    }
}
