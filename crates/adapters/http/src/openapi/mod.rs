//! The OpenAPI document, collected from the endpoints that `app.rs` registers, with the error responses that they share.

mod errors;
mod examples;
mod refine;
mod version_3_0;

use std::collections::HashMap;

use actix_web::App;
pub use errors::{
    ArchivedErrors, BodyErrors, CommonErrors, ERROR_RESPONSES, GoneErrors, LookupErrors, PreconditionErrors,
    WriteErrors,
};
use utoipa::OpenApi;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_actix_web::{AppExt, scope};
pub use version_3_0::as_version_3_0;

use crate::app::endpoints;
use crate::responses::error::ErrorBody;

/// The base of the server in the document. A running server replaces it by its own.
pub const SERVER: &str = "http://127.0.0.1:8080";

/// Declares the possible texts of a parameter or a member, for the document.
macro_rules! texts {
    ($(#[$doc:meta])* $name:ident: $($text:literal $variant:ident),*) => {
        $(#[$doc])*
        #[derive(utoipa::ToSchema)]
        #[expect(dead_code, reason = "only the document uses it")]
        enum $name {
            $(#[schema(rename = $text)] $variant,)*
        }
    };
}
pub(crate) use texts;

/// The parts of the document that endpoints do not declare.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Callbook",
        description = include_str!("introduction.md"),
        license(name = "MIT OR Apache-2.0", url = "https://github.com/callbook/callbook#licence"),
        contact(name = "Callbook", url = "https://github.com/callbook/callbook"),
    ),
    components(schemas(ErrorBody)),
    modifiers(&SharedComponents),
    servers((url = "http://127.0.0.1:8080", description = "This server")),
    security(("bearer" = [])),
    tags(
        (name = "Calls", description = "Phone calls with contacts."),
        (name = "Contacts", description = "The people that calls are made with."),
        (name = "Reference data", description = "Genders, kinds of contact fields and emotions; the same in every account."),
        (name = "Account", description = "The user, and links to the lists."),
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
    refine::refine(&collect())
}

/// Returns what the registered endpoints declare.
fn collect() -> utoipa::openapi::OpenApi {
    let api = scope("/api").configure(endpoints);
    App::new().into_utoipa_app().openapi(ApiDoc::openapi()).service(api).split_for_parts().1
}

/// Returns the methods of each path of the document, in Laravel's order. HEAD works wherever GET does.
pub fn allowed_methods() -> HashMap<String, Vec<&'static str>> {
    collect().paths.paths.into_iter().map(|(path, item)| (path, methods(&item))).collect()
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
        assert_eq!(document["servers"][0]["url"], SERVER);
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
