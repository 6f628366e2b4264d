//! The OpenAPI document and the table of routes, both read off the handlers.

use actix_web::App;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_actix_web::AppExt;

use crate::errors::ErrorBody;
use crate::routes::{self, API};

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
    /// Its methods, in Laravel's order.
    methods: Vec<&'static str>,
}

impl Route {
    /// Whether it is served with the method.
    pub fn allows(&self, method: &str) -> bool {
        self.methods.contains(&method)
    }

    /// Its methods, put together.
    pub fn allow(&self, separator: &str) -> String {
        self.methods.join(separator)
    }
}

/// Every path of the API. Read off the handlers, not off the document, which takes megabytes to make.
#[derive(Default)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// Adds what the handler serves; it is named as actix's and utoipa's scopes name it.
    pub fn service<H: utoipa::Path>(mut self, _: H) -> Self {
        let pattern = format!("{API}{}", H::path());
        let known = self.0.iter().position(|route| route.pattern == pattern);
        let place = known.unwrap_or_else(|| {
            self.0.push(Route { pattern, methods: Vec::new() });
            self.0.len() - 1
        });
        let methods = &mut self.0[place].methods;
        methods.extend(H::methods().iter().flat_map(names));
        methods.sort_by_key(|method| LARAVEL_S.iter().position(|known| known == method));
        self
    }

    /// The route that the path takes.
    pub fn find(&self, path: &str) -> Option<&Route> {
        self.0.iter().find(|route| is_match(&route.pattern, path))
    }
}

const LARAVEL_S: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

fn names(method: &HttpMethod) -> &'static [&'static str] {
    match method {
        HttpMethod::Get => &["GET", "HEAD"],
        HttpMethod::Post => &["POST"],
        HttpMethod::Put => &["PUT"],
        HttpMethod::Patch => &["PATCH"],
        HttpMethod::Delete => &["DELETE"],
        _ => &[],
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_of_routes_is_the_document_s() {
        let routes = routes::table();
        let allowed = |path| routes.find(path).map(|route| route.allow(", "));
        assert_eq!(allowed("/api").unwrap(), "GET, HEAD");
        assert_eq!(allowed("/api/calls").unwrap(), "GET, HEAD, POST");
        assert_eq!(allowed("/api/calls/abc").unwrap(), "GET, HEAD, PUT, PATCH, DELETE");
        assert_eq!(allowed("/api/contacts/3/calls").unwrap(), "GET, HEAD");
        for path in ["/api/nope", "/api/calls/1/x", "/API/calls", "/calls", "/api//calls"] {
            assert_eq!(allowed(path), None, "{path}");
        }
        let document = serde_json::to_value(document()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        assert_eq!(paths.keys().collect::<BTreeSet<_>>(), routes.0.iter().map(|route| &route.pattern).collect());
        for (path, item) in paths {
            let mut described: Vec<_> = item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
            if item["get"].is_object() {
                described.push("HEAD".to_owned());
            }
            described.sort();
            let mut served = routes.find(path).unwrap().methods.clone();
            served.sort_unstable();
            assert_eq!(described, served, "{path}");
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
