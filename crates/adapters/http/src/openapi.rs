//! The OpenAPI document, collected from the endpoints that `app.rs` registers, with the error responses that they share.

use std::collections::{BTreeMap, HashMap};

use actix_web::App;
use actix_web::ResponseError;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, OpenApi, PartialSchema};
use utoipa_actix_web::{AppExt, scope};

use crate::app::endpoints;
use crate::responses::error::{ApiError, ErrorBody};

/// The parts of the document that endpoints do not declare.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Callbook",
        description = "Monica's Calls API: record phone calls made with contacts, list them, change them, delete them.\n\n\
                       Every request carries `Authorization: Bearer TOKEN`. Timestamps are UTC, \
                       `YYYY-MM-DDTHH:MM:SSZ`. HEAD works wherever GET does; a trailing slash is served.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(ErrorBody)),
    modifiers(&SharedComponents),
    // Relative to the document, so that it also works under the path of a public URL.
    servers((url = ".")),
    security(("bearer" = [])),
    tags(
        (name = "calls", description = "Phone calls made with contacts."),
        (name = "contacts", description = "The people that calls are made with."),
        (name = "lists", description = "Genders, kinds of contact fields and emotions; the same in every account."),
        (name = "account", description = "The user, and links to the lists."),
    ),
)]
struct ApiDoc;

/// The security scheme and the error responses that operations refer to.
struct SharedComponents;

impl utoipa::Modify for SharedComponents {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A token of `callbook token create`."));
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme.build()));
        let responses = ERROR_RESPONSES.iter().map(|error| (error.name.to_owned(), error.response().into()));
        components.responses.extend(responses);
    }
}

/// Returns the OpenAPI document.
pub fn document() -> utoipa::openapi::OpenApi {
    let api = scope("/api").configure(endpoints);
    App::new().into_utoipa_app().openapi(ApiDoc::openapi()).service(api).split_for_parts().1
}

/// Returns the methods of each path of the document, in Laravel's order. HEAD works wherever GET does.
pub fn allowed_methods() -> HashMap<String, Vec<&'static str>> {
    document().paths.paths.into_iter().map(|(path, item)| (path, methods(&item))).collect()
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    let operations = [
        ("GET", &item.get),
        ("HEAD", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    operations.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method).collect()
}

/// An error response that operations share.
struct ErrorResponse {
    name: &'static str,
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

const ERROR_RESPONSES: [ErrorResponse; 12] = [
    shared("BadRequest", BAD_REQUEST, || ApiError::LimitTooBig),
    shared("Unauthenticated", "The token is missing, unknown, expired or revoked (code 42).", || {
        ApiError::Unauthenticated
    }),
    shared("Forbidden", "The token may only read (code 46).", || ApiError::ReadOnly),
    shared("NotFound", "The account has no such call or contact (code 31).", || ApiError::NotFound),
    shared("RequestTimeout", "The body did not arrive within 30 seconds (code 37).", || ApiError::TooSlow),
    shared("PreconditionFailed", "`If-Match` names another state of the call or contact (code 48).", || {
        ApiError::PreconditionFailed("call")
    }),
    shared("PayloadTooLarge", "The body is over 2 MiB (code 44).", || ApiError::TooLarge),
    shared("UnsupportedMediaType", "The body is compressed (code 50).", || {
        ApiError::UnsupportedEncoding("gzip".to_owned())
    }),
    shared("UnprocessableEntity", UNPROCESSABLE, || {
        ApiError::Invalid(vec!["The content field is required.".to_owned()])
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
    fn response(&self) -> Response {
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
    fn reference(&self) -> (String, RefOr<Response>) {
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
    /// The errors of an operation that takes `If-Match`.
    PreconditionErrors: ["PreconditionFailed"];
    /// The errors of an operation that writes.
    WriteErrors: ["Forbidden"];
    /// The errors of an operation that takes a body.
    BodyErrors: ["RequestTimeout", "PayloadTooLarge", "UnsupportedMediaType", "UnprocessableEntity"];
    /// The errors of an operation that an archived contact forbids.
    ArchivedErrors: ["UnprocessableEntity"];
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document_as_json() -> Value {
        serde_json::to_value(document()).unwrap()
    }

    fn operations(document: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
        document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| (format!("{method} {path}"), method.as_str(), operation))
        })
    }

    #[test]
    fn describes_and_secures_every_operation() {
        let document = document_as_json();
        assert_eq!(document["security"][0]["bearer"], json!([]));
        assert_eq!(document["servers"], json!([{"url": "."}]));
        let mut ids = Vec::new();
        for (at, method, operation) in operations(&document) {
            assert!(operation["summary"].is_string(), "{at} has a summary");
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
            for status in ["400", "401", "429", "500", "503"] {
                assert!(operation["responses"][status].is_object(), "{at} answers {status}");
            }
            assert_eq!(operation["responses"]["403"].is_object(), method != "get", "{at} rejects read-only tokens");
            if operation["requestBody"].is_object() {
                assert!(operation["responses"]["422"].is_object(), "{at} reports violations of its body");
                assert!(operation["responses"]["413"].is_object(), "{at} limits its body");
            }
        }
        ids.sort();
        let unique = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), unique, "operation ids are unique");
    }

    #[test]
    fn refers_to_one_shared_response_for_each_error() {
        let document = document_as_json();
        let shared = document["components"]["responses"].as_object().unwrap();
        assert_eq!(shared.len(), ERROR_RESPONSES.len());
        for (at, _, operation) in operations(&document) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                if status.as_str() < "400" {
                    continue;
                }
                let name = response["$ref"].as_str().unwrap().strip_prefix("#/components/responses/").unwrap();
                let error = ERROR_RESPONSES.iter().find(|error| error.name == name).unwrap();
                assert_eq!(&error.reference().0, status, "{at}");
                assert!(shared.contains_key(name), "{at} {name}");
            }
        }
        let example = &shared["NotFound"]["content"]["application/json"]["example"];
        assert_eq!(*example, json!({"error": {"message": "The resource has not been found", "error_code": 31}}));
        assert!(shared["TooManyRequests"]["headers"]["Retry-After"].is_object());
    }

    #[test]
    fn lists_the_methods_of_a_path_in_laravels_order() {
        let allowed = allowed_methods();
        assert_eq!(allowed["/api"], ["GET", "HEAD"]);
        assert_eq!(allowed["/api/calls"], ["GET", "HEAD", "POST"]);
        assert_eq!(allowed["/api/calls/{id}"], ["GET", "HEAD", "PUT", "PATCH", "DELETE"]);
    }
}
