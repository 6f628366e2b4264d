//! The one table of errors: status, code and text of every refusal.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use domain::TooManyFields;
use ports::Error;
use serde::Serialize;
use utoipa::ToSchema;

use crate::limits::BODY_PATIENCE;
use crate::requests::Violation;

/// The largest body, in bytes: 100,000 characters of content always fit, also with each escaped as a surrogate pair.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// After how many seconds a client may ask an unavailable store again.
const RETRY_SECONDS: u32 = 5;

/// Why a request was refused.
#[derive(Debug)]
pub enum ApiError {
    /// `limit` is above 100, or not a number.
    LimitTooBig,
    /// No such call or contact in the caller's account.
    NotFound,
    /// Every violation, in the order of the fields.
    Invalid(Vec<String>),
    /// The call has changed since the client saw it.
    Changed,
    /// More requests in a minute than the token may make.
    TooManyRequests {
        /// Seconds until the next one is taken.
        retry_after: i64,
        /// The Unix time of that.
        reset: i64,
    },
    /// The body is not a JSON object.
    BadJson,
    /// `sort` names no order of the list.
    BadSort,
    /// Another query word that cannot be read.
    BadParameters,
    /// No valid token.
    Unauthenticated,
    /// A write with a token that may only read.
    ReadOnly,
    /// No such route.
    NoRoute {
        /// The path, without the leading slash.
        path: String,
    },
    /// The route has no such method.
    NoMethod {
        /// The method that was used.
        method: String,
        /// The path, without the leading slash.
        path: String,
        /// The methods it has, separated by a comma and a space.
        allow: String,
    },
    /// The body is over [`BODY_LIMIT`].
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// Our own mistake.
    Fault(ports::Error),
    /// The store does not answer, or has too much to do.
    Unavailable(ports::Error),
}

/// The body of a refusal.
#[derive(Serialize, ToSchema)]
#[schema(as = Error, example = json!({"error": {"message": "The resource has not been found", "error_code": 31}}))]
pub struct ErrorBody {
    /// The sentence once more, for clients that look here: sent with 401, unknown routes and wrong methods.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    error: ErrorDetail,
}

#[derive(Serialize, ToSchema)]
struct ErrorDetail {
    message: Message,
    /// Monica's number for this kind of error.
    #[schema(example = 31)]
    error_code: u16,
}

/// One sentence; a list of sentences for 422.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Message {
    One(String),
    Many(Vec<String>),
}

impl ApiError {
    /// The table.
    fn row(&self) -> (u16, u16, Message) {
        let one = |text: &str| Message::One(text.to_owned());
        match self {
            Self::LimitTooBig => (400, 30, one("The limit parameter is too big")),
            Self::NotFound => (404, 31, one("The resource has not been found")),
            Self::NoRoute { path } => (404, 31, Message::One(format!("The route {path} could not be found."))),
            Self::Invalid(sentences) => (422, 32, Message::Many(sentences.clone())),
            Self::TooManyRequests { .. } => (429, 34, one("Too many attempts, please slow down the request")),
            Self::Changed => (412, 48, one("The call has changed meanwhile.")),
            Self::BadJson => (400, 37, one("Problems parsing JSON")),
            Self::BadSort => (400, 39, one("The sorting criteria is invalid")),
            Self::BadParameters => (400, 41, one("Invalid parameters.")),
            Self::Unauthenticated => (401, 42, one("Unauthenticated.")),
            Self::NoMethod { method, path, allow } => {
                let text =
                    format!("The {method} method is not supported for route {path}. Supported methods: {allow}.");
                (405, 43, Message::One(text))
            }
            Self::TooLarge => {
                (413, 44, Message::One(format!("The request body may not be greater than {BODY_LIMIT} bytes.")))
            }
            Self::TooSlow => {
                let seconds = BODY_PATIENCE.as_secs();
                (408, 37, Message::One(format!("The request body did not arrive within {seconds} seconds.")))
            }
            Self::Unavailable(_) => (503, 45, one("The store is not available, please try again later.")),
            Self::ReadOnly => (403, 46, one("This token may only read.")),
            Self::Fault(_) => (500, 47, one("Something went wrong.")),
        }
    }

    /// The answer to a fault: it names the request, so that its cause can be found in the log, and nothing else.
    pub fn fault_response(request_id: &str) -> HttpResponse {
        let message = Message::One(format!("Something went wrong with the request {request_id}."));
        HttpResponse::InternalServerError()
            .json(ErrorBody { message: None, error: ErrorDetail { message, error_code: 47 } })
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(cause) | Self::Unavailable(cause) => cause.fmt(f),
            refusal => match refusal.row().2 {
                Message::One(sentence) => f.write_str(&sentence),
                Message::Many(sentences) => f.write_str(&sentences.join(" ")),
            },
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.row().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let (_, error_code, message) = self.row();
        let twice = matches!(self, Self::Unauthenticated | Self::NoRoute { .. } | Self::NoMethod { .. });
        let top = match &message {
            Message::One(sentence) if twice => Some(sentence.clone()),
            _ => None,
        };
        let mut answer = HttpResponse::build(self.status_code());
        match self {
            Self::Unauthenticated => drop(answer.insert_header((WWW_AUTHENTICATE, "Bearer"))),
            Self::NoMethod { allow, .. } => drop(answer.insert_header((ALLOW, allow.as_str()))),
            Self::Unavailable(_) => drop(answer.insert_header((RETRY_AFTER, HeaderValue::from(RETRY_SECONDS)))),
            Self::TooManyRequests { retry_after, reset } => {
                answer.insert_header((RETRY_AFTER, HeaderValue::from(*retry_after)));
                answer.insert_header(("X-RateLimit-Reset", HeaderValue::from(*reset)));
            }
            _ => {}
        }
        answer.json(ErrorBody { message: top, error: ErrorDetail { message, error_code } })
    }
}

impl From<TooManyFields> for ApiError {
    fn from(_: TooManyFields) -> Self {
        Violation::OVER_100_ITEMS.of("contact_fields")
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound,
            Error::Archived => {
                Self::Invalid(vec!["Archived contact can’t be edited, please unarchive it first.".to_owned()])
            }
            Error::TooManyFields(error) => error.into(),
            Error::Changed => Self::Changed,
            Error::KeyReused => Self::Invalid(vec!["The idempotency key was used for another request.".to_owned()]),
            Error::Unavailable(_) => Self::Unavailable(error),
            Error::Fault(_) => Self::Fault(error),
        }
    }
}

/// The refusals that every operation can answer, for the OpenAPI document.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "read by the derive only")]
pub enum Refusals {
    /// `limit`, `sort` or another query word cannot be read (codes 30, 39, 41).
    #[response(status = 400)]
    BadRequest(#[to_schema] ErrorBody),
    /// The token is missing, unknown, expired or revoked (code 42).
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Bearer`")))]
    Unauthenticated(#[to_schema] ErrorBody),
    /// Too many requests in this minute (code 34).
    #[response(status = 429, headers(
        ("Retry-After" = i64, description = "Seconds to wait"),
        ("X-RateLimit-Reset" = i64, description = "Unix time at which requests are taken again")
    ))]
    TooManyRequests(#[to_schema] ErrorBody),
    /// A fault of the server; the message names the request's id (code 47).
    #[response(status = 500)]
    Fault(#[to_schema] ErrorBody),
    /// The store is not available (code 45).
    #[response(status = 503, headers(("Retry-After" = i64, description = "Seconds to wait")))]
    Unavailable(#[to_schema] ErrorBody),
}

/// The refusals of an operation that names a call or a contact.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "read by the derive only")]
pub enum Missing {
    /// The account has no such call or contact (code 31).
    #[response(status = 404)]
    NotFound(#[to_schema] ErrorBody),
}

/// The refusals of an operation that takes `If-Match`.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "read by the derive only")]
pub enum ConditionRefusals {
    /// The call is not in a state that `If-Match` names (code 48).
    #[response(status = 412)]
    Changed(#[to_schema] ErrorBody),
}

/// The refusals of an operation that writes.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "read by the derive only")]
pub enum WriteRefusals {
    /// The token may only read (code 46).
    #[response(status = 403)]
    ReadOnly(#[to_schema] ErrorBody),
}

/// The refusals of an operation that takes a body; its 400 may also say that the body is not a JSON object (code 37).
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "read by the derive only")]
pub enum BodyRefusals {
    /// The body did not arrive within 30 seconds (code 37).
    #[response(status = 408)]
    TooSlow(#[to_schema] ErrorBody),
    /// The body is over 2 MiB (code 44).
    #[response(status = 413)]
    TooLarge(#[to_schema] ErrorBody),
    /// The fields that are not valid, all at once (code 32).
    #[response(status = 422, example = json!({"error": {"message": ["The content field is required."], "error_code": 32}}))]
    Invalid(#[to_schema] ErrorBody),
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;

    use super::*;

    fn body(refusal: &ApiError) -> String {
        let bytes = refusal.error_response().into_body().try_into_bytes().unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn every_row_of_the_table_is_answered_as_the_contract_says() {
        let cause = || Error::fault("secret");
        let rows = [
            (ApiError::LimitTooBig, 400, r#"{"error":{"message":"The limit parameter is too big","error_code":30}}"#),
            (ApiError::NotFound, 404, r#"{"error":{"message":"The resource has not been found","error_code":31}}"#),
            (
                ApiError::Invalid(vec!["A.".into(), "B.".into()]),
                422,
                r#"{"error":{"message":["A.","B."],"error_code":32}}"#,
            ),
            (
                ApiError::TooManyRequests { retry_after: 7, reset: 9 },
                429,
                r#"{"error":{"message":"Too many attempts, please slow down the request","error_code":34}}"#,
            ),
            (ApiError::Changed, 412, r#"{"error":{"message":"The call has changed meanwhile.","error_code":48}}"#),
            (ApiError::BadJson, 400, r#"{"error":{"message":"Problems parsing JSON","error_code":37}}"#),
            (ApiError::BadSort, 400, r#"{"error":{"message":"The sorting criteria is invalid","error_code":39}}"#),
            (ApiError::BadParameters, 400, r#"{"error":{"message":"Invalid parameters.","error_code":41}}"#),
            (
                ApiError::Unauthenticated,
                401,
                r#"{"message":"Unauthenticated.","error":{"message":"Unauthenticated.","error_code":42}}"#,
            ),
            (ApiError::ReadOnly, 403, r#"{"error":{"message":"This token may only read.","error_code":46}}"#),
            (
                ApiError::NoRoute { path: "api/nope".into() },
                404,
                r#"{"message":"The route api/nope could not be found.","error":{"message":"The route api/nope could not be found.","error_code":31}}"#,
            ),
            (
                ApiError::NoMethod { method: "PUT".into(), path: "api/calls".into(), allow: "GET, HEAD, POST".into() },
                405,
                r#"{"message":"The PUT method is not supported for route api/calls. Supported methods: GET, HEAD, POST.","error":{"message":"The PUT method is not supported for route api/calls. Supported methods: GET, HEAD, POST.","error_code":43}}"#,
            ),
            (
                ApiError::TooLarge,
                413,
                r#"{"error":{"message":"The request body may not be greater than 2097152 bytes.","error_code":44}}"#,
            ),
            (
                ApiError::TooSlow,
                408,
                r#"{"error":{"message":"The request body did not arrive within 30 seconds.","error_code":37}}"#,
            ),
            (
                ApiError::Unavailable(cause()),
                503,
                r#"{"error":{"message":"The store is not available, please try again later.","error_code":45}}"#,
            ),
            (ApiError::Fault(cause()), 500, r#"{"error":{"message":"Something went wrong.","error_code":47}}"#),
        ];
        for (refusal, status, expected) in rows {
            assert_eq!(refusal.status_code(), status, "{refusal:?}");
            assert_eq!(body(&refusal), expected);
        }
    }

    #[test]
    fn headers_tell_what_to_do_next() {
        let header = |refusal: &ApiError, name: &str| {
            refusal.error_response().headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        let too_many = ApiError::TooManyRequests { retry_after: 7, reset: 1_795_492_248 };
        assert_eq!(header(&too_many, "retry-after").as_deref(), Some("7"));
        assert_eq!(header(&too_many, "x-ratelimit-reset").as_deref(), Some("1795492248"));
        assert_eq!(header(&ApiError::Unauthenticated, "www-authenticate").as_deref(), Some("Bearer"));
        let unavailable = ApiError::Unavailable(Error::unavailable("gone"));
        assert_eq!(header(&unavailable, "retry-after").as_deref(), Some("5"));
        let method = ApiError::NoMethod { method: "PUT".into(), path: "api".into(), allow: "GET, HEAD".into() };
        assert_eq!(header(&method, "allow").as_deref(), Some("GET, HEAD"));
    }

    #[test]
    fn the_store_s_refusals_are_the_table_s() {
        assert!(matches!(ApiError::from(Error::NotFound), ApiError::NotFound));
        let archived = ApiError::from(Error::Archived);
        assert_eq!(
            body(&archived),
            r#"{"error":{"message":["Archived contact can’t be edited, please unarchive it first."],"error_code":32}}"#
        );
        assert!(matches!(ApiError::from(Error::unavailable("x")), ApiError::Unavailable(_)));
        assert!(matches!(ApiError::from(Error::fault("x")), ApiError::Fault(_)));
    }
}
