//! Every error of the API: its status, code and message.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use domain::{CallContact, ContactId, TooManyFields};
use ports::Error;
use serde::Serialize;
use utoipa::ToSchema;

use crate::connection::MAX_HEAD_BYTES;
use crate::middleware::limits::{BODY_TIMEOUT, HEAD_TIMEOUT};
use crate::requests::Violation;

/// The maximal length of a body, in bytes. 100,000 characters of content always fit, even if each is escaped as a
/// surrogate pair.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// The time after which a client may retry if the store is not available, in seconds.
const RETRY_AFTER_SECONDS: u32 = 5;

/// The code of an internal error.
const INTERNAL_CODE: u16 = 47;

/// Why a request fails.
#[derive(Debug)]
pub enum ApiError {
    /// `limit` is above 100, or not a number.
    LimitTooBig,
    /// No such call or contact in the caller's account.
    NotFound,
    /// All violations, in the order of the fields.
    Invalid(Vec<String>),
    /// The call or the contact is not in a state that `If-Match` names. Which of them it is.
    PreconditionFailed(&'static str),
    /// The token made too many requests in this minute.
    TooManyRequests {
        /// Seconds until the next request is accepted.
        retry_after: i64,
        /// The Unix time of the next accepted request.
        reset: i64,
    },
    /// The body is not a JSON object.
    BadJson,
    /// `sort` is not a key of the list.
    BadSort,
    /// Another query parameter that cannot be read.
    BadParameters,
    /// The filter or the cursor of this name, which cannot be read.
    BadParameter(&'static str),
    /// The deletions since a time are no longer kept.
    Forgotten,
    /// No valid token.
    Unauthenticated,
    /// A write with a read-only token.
    ReadOnly,
    /// No such route.
    RouteNotFound {
        /// The path, without the leading slash.
        path: String,
    },
    /// The route has no such method.
    MethodNotAllowed {
        /// The method that was used.
        method: String,
        /// The path, without the leading slash.
        path: String,
        /// The supported methods, separated by a comma and a space.
        allow: String,
    },
    /// The body is compressed, in this encoding.
    UnsupportedEncoding(String),
    /// An error with additive members of its response.
    Annotated {
        /// The error.
        error: Box<ApiError>,
        /// What exactly is wrong.
        detail: Option<String>,
        /// The setting that helps.
        hint: Option<&'static str>,
    },
    /// The body is over this limit, in bytes.
    TooLarge(usize),
    /// The body did not arrive in time.
    TooSlow,
    /// The head is too large or has too many headers.
    HeadTooLarge,
    /// The head did not arrive in time.
    HeadTooSlow,
    /// An internal error.
    Internal(ports::Error),
    /// The store is not available or overloaded.
    Unavailable(ports::Error),
}

/// The result of a function that fails with an error response.
pub type ApiResult<T> = Result<T, ApiError>;

/// The body of an error response.
#[derive(Serialize, ToSchema)]
#[schema(as = Error, example = json!({"error": {"message": "The resource has not been found", "error_code": 31}}))]
pub struct ErrorBody {
    /// The message again, as Monica sends it: with 401, unknown routes and wrong methods.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    error: ErrorDetail,
}

/// What is wrong.
#[derive(Serialize, ToSchema)]
pub struct ErrorDetail {
    message: Message,
    /// Monica's number for this kind of error.
    #[schema(example = 31)]
    error_code: u16,
    /// What exactly is wrong: which contact or emotion has not been found, or where the body is not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The setting of the server that helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
}

/// One sentence, or for 422 a list of sentences.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Message {
    One(String),
    Many(Vec<String>),
}

impl ErrorBody {
    /// Returns the body of an internal error. It names the request and nothing else, so that the cause is found in the
    /// log.
    pub fn internal(request_id: &str) -> Self {
        let message = Message::One(format!("Something went wrong with the request {request_id}."));
        Self { message: None, error: ErrorDetail { message, error_code: INTERNAL_CODE, detail: None, hint: None } }
    }
}

impl ApiError {
    /// Returns the status, the code and the message.
    fn row(&self) -> (u16, u16, Message) {
        let one = |text: &str| Message::One(text.to_owned());
        match self {
            Self::LimitTooBig => (400, 30, one("The limit parameter is too big")),
            Self::NotFound => (404, 31, one("The resource has not been found")),
            Self::RouteNotFound { path } => (404, 31, Message::One(format!("The route {path} could not be found."))),
            Self::Invalid(sentences) => (422, 32, Message::Many(sentences.clone())),
            Self::TooManyRequests { .. } => (429, 34, one("Too many attempts, please slow down the request")),
            Self::PreconditionFailed(what) => (412, 48, Message::One(format!("The {what} has changed meanwhile."))),
            Self::BadJson => (400, 37, one("Problems parsing JSON")),
            Self::BadSort => (400, 39, one("The sorting criteria is invalid")),
            Self::BadParameters => (400, 41, one("Invalid parameters.")),
            Self::BadParameter(name) => (400, 41, Message::One(format!("Invalid parameters: {name}."))),
            Self::Forgotten => (410, 49, one("Deletions are kept for 180 days only; start with a new copy.")),
            Self::Unauthenticated => (401, 42, one("Unauthenticated.")),
            Self::MethodNotAllowed { method, path, allow } => {
                let text =
                    format!("The {method} method is not supported for route {path}. Supported methods: {allow}.");
                (405, 43, Message::One(text))
            }
            Self::TooLarge(limit) => {
                (413, 44, Message::One(format!("The request body may not be greater than {limit} bytes.")))
            }
            Self::TooSlow => {
                let seconds = BODY_TIMEOUT.as_secs();
                (408, 37, Message::One(format!("The request body did not arrive within {seconds} seconds.")))
            }
            Self::HeadTooLarge => {
                (431, 44, Message::One(format!("The request head may not be greater than {MAX_HEAD_BYTES} bytes.")))
            }
            Self::HeadTooSlow => {
                let seconds = HEAD_TIMEOUT.as_secs();
                (408, 37, Message::One(format!("The request head did not arrive within {seconds} seconds.")))
            }
            Self::Unavailable(_) => (503, 45, one("The store is not available, please try again later.")),
            Self::ReadOnly => (403, 46, one("This token may only read.")),
            Self::Internal(_) => (500, INTERNAL_CODE, one("Something went wrong.")),
            Self::UnsupportedEncoding(encoding) => {
                (415, 50, Message::One(format!("The content encoding {encoding} is not supported.")))
            }
            Self::Annotated { error, .. } => error.row(),
        }
    }

    /// Returns the error of a request that exceeds a limit which all requests share. The cause is logged.
    pub fn overloaded(cause: &'static str) -> Self {
        Self::Unavailable(Error::unavailable(cause))
    }

    /// Adds what exactly is wrong.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self::Annotated { error: Box::new(self), detail: Some(detail.into()), hint: None }
    }

    /// Adds the setting that helps.
    #[must_use]
    pub fn with_hint(self, hint: &'static str) -> Self {
        Self::Annotated { error: Box::new(self), detail: None, hint: Some(hint) }
    }

    /// Converts an error of a use case of calls. A 404 names what has not been found, such as `call 5`.
    pub fn of_call(error: Error, what: impl fmt::Display) -> Self {
        match error {
            Error::NotFound => Self::NotFound.with_detail(format!("The {what} has not been found.")),
            error => error.into(),
        }
    }

    /// Converts an error of a use case of contacts.
    pub fn of_contact(error: Error, contact: ContactId) -> Self {
        match error {
            Error::PreconditionFailed => Self::PreconditionFailed("contact"),
            error => Self::of_call(error, format_args!("contact {contact}")),
        }
    }

    /// Converts an error of a request to record a call with this contact.
    pub fn of_new_call(error: Error, contact: &CallContact) -> Self {
        match contact {
            CallContact::Id(contact) => Self::of_contact(error, *contact),
            CallContact::Number(search) => {
                Self::of_call(error, format_args!("contact with the phone number {}", search.number()))
            }
        }
    }

    /// Returns the status of the response.
    pub fn status(&self) -> u16 {
        self.row().0
    }

    /// Returns what is wrong.
    pub fn detail(&self) -> ErrorDetail {
        let (_, error_code, message) = self.row();
        let (detail, hint) = match self {
            Self::Annotated { detail, hint, .. } => (detail.clone(), *hint),
            _ => (None, None),
        };
        ErrorDetail { message, error_code, detail, hint }
    }

    /// Returns the body of the response.
    pub fn body(&self) -> ErrorBody {
        let error = self.detail();
        let repeats =
            matches!(self, Self::Unauthenticated | Self::RouteNotFound { .. } | Self::MethodNotAllowed { .. });
        let message = match &error.message {
            Message::One(sentence) if repeats => Some(sentence.clone()),
            _ => None,
        };
        ErrorBody { message, error }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal(cause) | Self::Unavailable(cause) => cause.fmt(f),
            Self::Annotated { error, .. } => error.fmt(f),
            error => match error.row().2 {
                Message::One(sentence) => f.write_str(&sentence),
                Message::Many(sentences) => f.write_str(&sentences.join(" ")),
            },
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::Unauthenticated => drop(response.insert_header((WWW_AUTHENTICATE, "Bearer"))),
            Self::MethodNotAllowed { allow, .. } => drop(response.insert_header((ALLOW, allow.as_str()))),
            Self::Unavailable(_) => drop(response.insert_header((RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS)))),
            Self::TooManyRequests { retry_after, reset } => {
                response.insert_header((RETRY_AFTER, HeaderValue::from(*retry_after)));
                response.insert_header(("X-RateLimit-Reset", HeaderValue::from(*reset)));
            }
            _ => {}
        }
        response.json(self.body())
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
            Error::PreconditionFailed => Self::PreconditionFailed("call"),
            Error::SeveralContacts => Self::Invalid(vec!["The phone number belongs to several contacts.".to_owned()]),
            Error::ExternalIdTaken => Self::Invalid(vec!["The external id has already been taken.".to_owned()]),
            Error::KeyReused => Self::Invalid(vec!["The idempotency key was used for another request.".to_owned()]),
            Error::Unavailable(_) => Self::Unavailable(error),
            Error::Internal(_) => Self::Internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;

    use super::*;

    fn body(error: &ApiError) -> String {
        let bytes = error.error_response().into_body().try_into_bytes().unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn every_error_has_its_status_code_and_message() {
        let cause = || Error::internal("secret");
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
            (
                ApiError::PreconditionFailed("call"),
                412,
                r#"{"error":{"message":"The call has changed meanwhile.","error_code":48}}"#,
            ),
            (ApiError::BadJson, 400, r#"{"error":{"message":"Problems parsing JSON","error_code":37}}"#),
            (ApiError::BadSort, 400, r#"{"error":{"message":"The sorting criteria is invalid","error_code":39}}"#),
            (ApiError::BadParameters, 400, r#"{"error":{"message":"Invalid parameters.","error_code":41}}"#),
            (
                ApiError::Unauthenticated,
                401,
                r#"{"message":"Unauthenticated.","error":{"message":"Unauthenticated.","error_code":42}}"#,
            ),
            (
                ApiError::UnsupportedEncoding("gzip".into()),
                415,
                r#"{"error":{"message":"The content encoding gzip is not supported.","error_code":50}}"#,
            ),
            (
                ApiError::NotFound.with_detail("The call 5 has not been found."),
                404,
                r#"{"error":{"message":"The resource has not been found","error_code":31,"detail":"The call 5 has not been found."}}"#,
            ),
            (
                ApiError::Invalid(vec!["A.".into()]).with_hint("A setting."),
                422,
                r#"{"error":{"message":["A."],"error_code":32,"hint":"A setting."}}"#,
            ),
            (ApiError::ReadOnly, 403, r#"{"error":{"message":"This token may only read.","error_code":46}}"#),
            (
                ApiError::RouteNotFound { path: "api/nope".into() },
                404,
                r#"{"message":"The route api/nope could not be found.","error":{"message":"The route api/nope could not be found.","error_code":31}}"#,
            ),
            (
                ApiError::MethodNotAllowed {
                    method: "PUT".into(),
                    path: "api/calls".into(),
                    allow: "GET, HEAD, POST".into(),
                },
                405,
                r#"{"message":"The PUT method is not supported for route api/calls. Supported methods: GET, HEAD, POST.","error":{"message":"The PUT method is not supported for route api/calls. Supported methods: GET, HEAD, POST.","error_code":43}}"#,
            ),
            (
                ApiError::TooLarge(BODY_LIMIT),
                413,
                r#"{"error":{"message":"The request body may not be greater than 2097152 bytes.","error_code":44}}"#,
            ),
            (
                ApiError::TooSlow,
                408,
                r#"{"error":{"message":"The request body did not arrive within 30 seconds.","error_code":37}}"#,
            ),
            (
                ApiError::HeadTooLarge,
                431,
                r#"{"error":{"message":"The request head may not be greater than 32768 bytes.","error_code":44}}"#,
            ),
            (
                ApiError::HeadTooSlow,
                408,
                r#"{"error":{"message":"The request head did not arrive within 10 seconds.","error_code":37}}"#,
            ),
            (
                ApiError::Unavailable(cause()),
                503,
                r#"{"error":{"message":"The store is not available, please try again later.","error_code":45}}"#,
            ),
            (ApiError::Internal(cause()), 500, r#"{"error":{"message":"Something went wrong.","error_code":47}}"#),
        ];
        for (error, status, expected) in rows {
            assert_eq!(error.status_code(), status, "{error:?}");
            assert_eq!(body(&error), expected);
        }
    }

    #[test]
    fn sends_the_headers_of_an_error() {
        let header = |error: &ApiError, name: &str| {
            error.error_response().headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        let too_many = ApiError::TooManyRequests { retry_after: 7, reset: 1_795_492_248 };
        assert_eq!(header(&too_many, "retry-after").as_deref(), Some("7"));
        assert_eq!(header(&too_many, "x-ratelimit-reset").as_deref(), Some("1795492248"));
        assert_eq!(header(&ApiError::Unauthenticated, "www-authenticate").as_deref(), Some("Bearer"));
        let unavailable = ApiError::Unavailable(Error::unavailable("gone"));
        assert_eq!(header(&unavailable, "retry-after").as_deref(), Some("5"));
        let method = ApiError::MethodNotAllowed { method: "PUT".into(), path: "api".into(), allow: "GET, HEAD".into() };
        assert_eq!(header(&method, "allow").as_deref(), Some("GET, HEAD"));
    }

    #[test]
    fn maps_the_errors_of_use_cases() {
        assert!(matches!(ApiError::from(Error::NotFound), ApiError::NotFound));
        let archived = ApiError::from(Error::Archived);
        assert_eq!(
            body(&archived),
            r#"{"error":{"message":["Archived contact can’t be edited, please unarchive it first."],"error_code":32}}"#
        );
        assert_eq!(
            body(&Error::SeveralContacts.into()),
            r#"{"error":{"message":["The phone number belongs to several contacts."],"error_code":32}}"#
        );
        assert!(matches!(ApiError::from(Error::unavailable("x")), ApiError::Unavailable(_)));
        assert!(matches!(ApiError::from(Error::internal("x")), ApiError::Internal(_)));
    }
}
