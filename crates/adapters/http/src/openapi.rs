//! The OpenAPI document, generated from the handlers, and the table of routes, read off it.

use actix_web::App;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_actix_web::AppExt;

use crate::errors::ErrorBody;
use crate::routes;

/// What the handlers do not say.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Callbook",
        description = "Monica's Calls API: record phone calls made with contacts, list them, change them, delete them.\n\n\
                       Every request carries `Authorization: Bearer TOKEN`. Instants are UTC, \
                       `YYYY-MM-DDTHH:MM:SSZ`. HEAD works wherever GET does; a trailing slash is served.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(ErrorBody)),
    modifiers(&Bearer),
    security(("bearer" = [])),
    tags(
        (name = "calls", description = "Phone calls made with contacts."),
        (name = "contacts", description = "The people that calls are made with."),
        (name = "lists", description = "What contacts and calls are told with; the same in every account."),
        (name = "account", description = "Who you are and what there is."),
    ),
)]
struct Base;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A token of `callbook token create`."));
        document.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme.build()));
    }
}

/// The document.
pub fn document() -> OpenApi {
    let base = <Base as utoipa::OpenApi>::openapi();
    let (_, document) = App::new().into_utoipa_app().openapi(base).configure(routes::describe).split_for_parts();
    document
}

/// A path of the API.
pub struct Route {
    /// The path, with a name in braces for what varies.
    pub pattern: String,
    /// Its methods, separated by a comma and a space.
    pub allow: String,
}

/// Every path of the API.
pub struct Routes(Vec<Route>);

impl Routes {
    /// The routes of the document.
    pub fn of(document: &OpenApi) -> Self {
        let route = |(path, item): (&String, &PathItem)| Route { pattern: path.clone(), allow: allow(item) };
        Self(document.paths.paths.iter().map(route).collect())
    }

    /// The route that the path takes.
    pub fn find(&self, path: &str) -> Option<&Route> {
        self.0.iter().find(|route| is_match(&route.pattern, path))
    }
}

/// Segment by segment; `{id}` stands for any that is not empty.
fn is_match(route: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    let fits = |wanted: &str| match segments.next() {
        Some(segment) if wanted.starts_with('{') => !segment.is_empty(),
        segment => segment == Some(wanted),
    };
    route.split('/').all(fits) && segments.next().is_none()
}

/// In Laravel's order.
fn allow(item: &PathItem) -> String {
    let methods = [
        ("GET", item.get.is_some()),
        ("HEAD", item.get.is_some()),
        ("POST", item.post.is_some()),
        ("PUT", item.put.is_some()),
        ("PATCH", item.patch.is_some()),
        ("DELETE", item.delete.is_some()),
    ];
    methods.iter().filter(|(_, has)| *has).map(|(method, _)| *method).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_routes_is_the_document_s() {
        let routes = Routes::of(&document());
        let allowed = |path| routes.find(path).map(|route| route.allow.as_str());
        assert_eq!(allowed("/api"), Some("GET, HEAD"));
        assert_eq!(allowed("/api/calls"), Some("GET, HEAD, POST"));
        assert_eq!(allowed("/api/calls/abc"), Some("GET, HEAD, PUT, PATCH, DELETE"));
        assert_eq!(allowed("/api/contacts/3/calls"), Some("GET, HEAD"));
        for path in ["/api/nope", "/api/calls/1/x", "/API/calls", "/calls", "/api//calls"] {
            assert_eq!(allowed(path), None, "{path}");
        }
    }

    #[test]
    fn every_operation_is_described_and_secured() {
        let document = serde_json::to_value(document()).unwrap();
        assert_eq!(document["security"][0]["bearer"], serde_json::json!([]));
        let mut ids = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let at = format!("{method} {path}");
                assert!(operation["summary"].is_string(), "{at} has a summary");
                ids.push(operation["operationId"].as_str().unwrap().to_owned());
                for status in ["400", "401", "429", "500", "503"] {
                    assert!(operation["responses"][status].is_object(), "{at} answers {status}");
                }
                assert_eq!(
                    operation["responses"]["403"].is_object(),
                    method != "get",
                    "{at} may be refused to readers"
                );
                if operation["requestBody"].is_object() {
                    assert!(operation["responses"]["422"].is_object(), "{at} tells violations of its body");
                    assert!(operation["responses"]["413"].is_object(), "{at} may be sent too much");
                }
            }
        }
        ids.sort();
        let unique = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), unique, "operation ids are unique");
    }
}
