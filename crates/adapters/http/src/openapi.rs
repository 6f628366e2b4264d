//! The OpenAPI document, read off the handlers.

use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::errors::ErrorBody;
use crate::routes::ApiDoc;

/// What the handlers do not say.
#[derive(OpenApi)]
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
    // Relative to the document: under the path of a public URL, too, what is tried out goes to this server.
    servers((url = ".")),
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
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A token of `callbook token create`."));
        document.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme.build()));
    }
}

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    Base::openapi().merge_from(ApiDoc::openapi())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::routes;

    #[test]
    fn what_is_served_is_what_is_described() {
        let document = serde_json::to_value(document()).unwrap();
        let described = document["paths"].as_object().unwrap().iter().map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().map(|method| method.to_uppercase());
            (path.as_str(), methods.collect::<BTreeSet<_>>())
        });
        let table = routes::table();
        let served = table.routes().map(|route| {
            let methods = route.allow(" ");
            (route.pattern, methods.split(' ').filter(|method| *method != "HEAD").map(str::to_owned).collect())
        });
        assert_eq!(served.collect::<BTreeMap<_, _>>(), described.collect());
    }

    #[test]
    fn every_operation_is_described_and_secured() {
        let document = serde_json::to_value(document()).unwrap();
        assert_eq!(document["security"][0]["bearer"], serde_json::json!([]));
        assert_eq!(document["servers"], serde_json::json!([{"url": "."}]));
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
