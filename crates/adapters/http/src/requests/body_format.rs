//! The format of a body: its encoding and character set, and whether it is JSON or a form.

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use serde::de::DeserializeOwned;

use super::deserializer::{Skipped, member_names};
use crate::responses::error::{ApiError, ApiResult};

/// Checks that the headers announce neither a compressed body nor another character set than UTF-8.
pub fn check_headers(request: &HttpRequest) -> ApiResult<()> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    for encoding in request.headers().get_all(CONTENT_ENCODING).map(text) {
        let mut codings = encoding.split(',').map(str::trim);
        if !codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case("identity")) {
            return Err(ApiError::UnsupportedEncoding(encoding));
        }
    }
    let content_type = request.headers().get(CONTENT_TYPE).map(text).unwrap_or_default();
    match charset(&content_type) {
        Some(charset) if !["utf-8", "utf8", "us-ascii"].contains(&charset.to_ascii_lowercase().as_str()) => {
            Err(ApiError::BadJson.with_detail(format!("The body must be in UTF-8, not in {charset}.")))
        }
        _ => Ok(()),
    }
}

/// Returns the parameter `charset` of a content type. `None` if it has none.
fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let charset = parameters.map(|(name, value)| (name.trim(), value.trim().trim_matches('"')));
    charset.filter(|(name, _)| name.eq_ignore_ascii_case("charset")).map(|(_, value)| value).next()
}

/// Whether a body is JSON. Clients send JSON with the type of a form (`curl -d`), and forms with the type of JSON.
pub fn is_json<T: DeserializeOwned>(text: &str, has_form_type: bool) -> bool {
    match text.trim_ascii_start().as_bytes().first() {
        // No form begins with a brace.
        Some(b'{') => true,
        Some(b'[' | b'"') => !has_form_type,
        _ => !has_form_type && !is_form::<T>(text),
    }
}

/// Whether the text has `name=value` with the name of a member of `T`.
fn is_form<T: DeserializeOwned>(text: &str) -> bool {
    let names = member_names::<T>();
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, _)| name.trim().split(['[', '%']).next().unwrap_or_default()).any(|name| names.contains(&name))
}

/// Returns what is wrong with a body that is not a JSON object, with the line and the column.
pub fn json_problem(text: &str) -> String {
    match serde_json::from_str::<Skipped>(text) {
        Err(error) => error.to_string(),
        Ok(Skipped) => "The body is not a JSON object.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::requests::{Body, CallRequest, ContactRequest, parse};

    fn detail<T>(result: ApiResult<T>) -> Option<String> {
        let body = serde_json::to_value(result.err()?.body()).unwrap();
        assert_eq!(
            (&body["error"]["message"], &body["error"]["error_code"]),
            (&"Problems parsing JSON".into(), &37.into())
        );
        body["error"]["detail"].as_str().map(str::to_owned)
    }

    fn body(text: &str) -> ApiResult<Body<CallRequest>> {
        parse::<CallRequest>("", text, false, false)
    }

    #[test]
    fn names_the_line_and_the_column_of_a_syntax_error() {
        assert_eq!(detail(body("{\n  \"a\": }")).as_deref(), Some("expected value at line 2 column 8"));
        let in_a_member = detail(body("{\"content\":\n \"\\ud800\"}")).unwrap();
        assert!(in_a_member.ends_with("at line 2 column 9"), "{in_a_member}");
        assert_eq!(detail(body("[]")).as_deref(), Some("The body is not a JSON object."));
        assert_eq!(detail(body("{}")), None);
    }

    #[test]
    fn skips_a_byte_order_mark() {
        for text in ["\u{feff}{\"content\": \"x\"}", "\u{feff}content=x"] {
            let rules = crate::requests::CallRules::patch(domain::Timestamp::EPOCH);
            let patch = body(text).unwrap().request.into_patch(rules).unwrap();
            assert_eq!(patch.content, Some(domain::Content::parse("x").ok()), "{text}");
        }
    }

    #[test]
    fn reads_a_form_whatever_its_type() {
        for text in ["contact_id=3&content=x", " called_at=now", "emotions%5B%5D=1", "x=1&emotions[]=1"] {
            assert!(!is_json::<CallRequest>(text, false), "{text}");
        }
        for text in ["a=b", "{\"content\": \"a=b\"}", "[1]", "\"content=x\"", "content", "first_name=x", "7", ""] {
            assert!(is_json::<CallRequest>(text, false), "{text}");
        }
        assert!(!is_json::<ContactRequest>("first_name=x", false));
        assert!(!is_json::<CallRequest>("a=b", true));
    }

    #[test]
    fn rejects_compressed_bodies_and_other_character_sets() {
        let check = |name: &'static str, value: &'static str| {
            check_headers(&TestRequest::default().insert_header((name, value)).to_http_request())
        };
        for encoding in ["gzip", "identity, br", "GZIP"] {
            let error = check("content-encoding", encoding).unwrap_err();
            assert_eq!(error.to_string(), format!("The content encoding {encoding} is not supported."));
        }
        assert!(check("content-encoding", "identity").is_ok());
        for charset in
            ["application/json; charset=latin1", "application/json;charset=\"UTF-16\"", "text/plain; a=b; CHARSET=x"]
        {
            assert!(detail(check("content-type", charset)).unwrap().contains("UTF-8"), "{charset}");
        }
        for charset in ["application/json", "application/json; charset=UTF-8", "text/plain; charset=\"us-ascii\"", "x"]
        {
            assert!(check("content-type", charset).is_ok(), "{charset}");
        }
    }
}
