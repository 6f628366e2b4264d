//! The error responses that operations share.

use std::collections::BTreeMap;

use actix_web::ResponseError;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, PartialSchema};

use crate::requests::COMPAT_HINT;
use crate::responses::error::{ApiError, BODY_LIMIT, ErrorBody};

/// An error response that operations share.
pub struct ErrorResponse {
    pub name: &'static str,
    description: &'static str,
    /// Returns the error of the example.
    example: fn() -> ApiError,
}

const fn shared(name: &'static str, description: &'static str, example: fn() -> ApiError) -> ErrorResponse {
    ErrorResponse { name, description, example }
}

const BAD_REQUEST: &str =
    "A query parameter cannot be read (codes 30, 39, 41), or the body is not a JSON object (code 37).";
const UNPROCESSABLE: &str = "All violations, or the contact is archived (code 32).";

pub const ERROR_RESPONSES: [ErrorResponse; 13] = [
    shared("BadRequest", BAD_REQUEST, || ApiError::LimitTooBig),
    shared("Unauthenticated", "The token is missing, unknown, expired or revoked (code 42).", || {
        ApiError::Unauthenticated
    }),
    shared("Forbidden", "The token may only read (code 46).", || ApiError::ReadOnly),
    shared("NotFound", "The account has no such call, contact or contact field (code 31).", || {
        ApiError::of_call(ports::Error::NotFound, "call 1")
    }),
    shared("RequestTimeout", "The body did not arrive within 30 seconds (code 37).", || ApiError::TooSlow),
    shared("Gone", "The deletions since that time are no longer kept (code 49).", || ApiError::Forgotten),
    shared("PreconditionFailed", "`If-Match` names another state of the call or contact (code 48).", || {
        ApiError::PreconditionFailed("call")
    }),
    shared("PayloadTooLarge", "The body is over 2 MiB, or a batch over 8 MiB (code 44).", || {
        ApiError::TooLarge(BODY_LIMIT)
    }),
    shared("UnsupportedMediaType", "The body is compressed (code 50).", || {
        ApiError::UnsupportedEncoding("gzip".to_owned())
    }),
    shared("UnprocessableEntity", UNPROCESSABLE, || {
        ApiError::Invalid(vec!["The content field is required.".to_owned()]).with_hint(COMPAT_HINT)
    }),
    shared("TooManyRequests", "Too many requests in this minute (code 34).", || ApiError::TooManyRequests {
        retry_after: 7,
        reset: 1_795_492_248,
    }),
    shared("InternalServerError", "An internal error. The message contains the id of the request (code 47).", || {
        ApiError::Internal(ports::Error::internal("an example"))
    }),
    shared("ServiceUnavailable", "The store is not available (code 45).", || {
        ApiError::Unavailable(ports::Error::unavailable("an example"))
    }),
];

/// The headers of error responses, with their descriptions.
const ERROR_HEADERS: [(&str, &str); 3] = [
    ("WWW-Authenticate", "`Bearer`"),
    ("Retry-After", "Seconds to wait"),
    ("X-RateLimit-Reset", "Unix time at which requests are accepted again"),
];

impl ErrorResponse {
    /// Returns the response, with an example and headers as the server sends them.
    pub fn response(&self) -> Response {
        let error = (self.example)();
        let body = match error {
            ApiError::Internal(_) => ErrorBody::internal("b3d5c1f0-6f0e-4c0e-9d2a-3f1f5a3c7e11"),
            _ => error.body(),
        };
        let schema = Ref::from_schema_name("Error");
        let content = ContentBuilder::new().schema(Some(schema)).example(serde_json::to_value(body).ok()).build();
        let mut response = ResponseBuilder::new().description(self.description).content("application/json", content);
        let sent = error.error_response();
        for (name, description) in ERROR_HEADERS {
            let Some(value) = sent.headers().get(name) else { continue };
            let is_number = value.as_bytes().iter().all(u8::is_ascii_digit);
            let schema = if is_number { i64::schema() } else { String::schema() };
            let header = HeaderBuilder::new().schema(Some(schema)).description(Some(description));
            response = response.header(name, header.build());
        }
        response.build()
    }

    /// Returns the status of the response, and a reference to it.
    pub fn reference(&self) -> (String, RefOr<Response>) {
        let status = (self.example)().status_code().as_u16().to_string();
        (status, Ref::from_response_name(self.name).into())
    }
}

/// Declares groups of error responses that operations list together.
macro_rules! error_groups {
    ($($(#[$doc:meta])* $group:ident: $names:expr;)*) => {$(
        $(#[$doc])*
        pub struct $group;

        impl IntoResponses for $group {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                let listed = ERROR_RESPONSES.iter().filter(|error| $names.contains(&error.name));
                listed.map(ErrorResponse::reference).collect()
            }
        }
    )*};
}

error_groups! {
    /// The errors of every operation.
    CommonErrors: ["BadRequest", "Unauthenticated", "TooManyRequests", "InternalServerError", "ServiceUnavailable"];
    /// The errors of an operation that names a call or a contact.
    LookupErrors: ["NotFound"];
    /// The errors of an operation that lists what is kept for a time only.
    GoneErrors: ["Gone"];
    /// The errors of an operation that takes `If-Match`.
    PreconditionErrors: ["PreconditionFailed"];
    /// The errors of an operation that writes.
    WriteErrors: ["Forbidden"];
    /// The errors of an operation that takes a body.
    BodyErrors: ["RequestTimeout", "PayloadTooLarge", "UnsupportedMediaType", "UnprocessableEntity"];
    /// The errors of an operation that an archived contact forbids.
    ArchivedErrors: ["UnprocessableEntity"];
}
