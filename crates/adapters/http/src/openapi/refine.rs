//! Completes the collected document with what follows from the whole of it: required members, constants, formats,
//! headers, examples of responses and snippets.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use super::{SERVER, examples};

/// Members that a response has only on request or after an error.
const OPTIONAL: [&str; 3] = ["contactFields", "notes", "error"];

/// Headers of every response, with type and description. The first one is also sent without a token.
const HEADERS: [(&str, &str, &str); 3] = [
    ("X-Request-Id", "string", "The id of the request, as in the log of the server"),
    ("X-RateLimit-Limit", "integer", "The number of requests of the token per minute"),
    ("X-RateLimit-Remaining", "integer", "The number of requests left in this minute"),
];

/// Returns the completed document.
pub fn refine(document: &OpenApi) -> OpenApi {
    let refined = serde_json::to_value(document).and_then(|mut json| {
        refine_schemas(&mut json["components"]["schemas"]);
        for (name, response) in members(&mut json["components"]["responses"]) {
            add_headers(response, if name == "Unauthenticated" { &HEADERS[..1] } else { &HEADERS });
        }
        let schemas = json["components"]["schemas"].clone();
        let mut examples = examples::responses();
        for (path, item) in members(&mut json["paths"]) {
            for (method, operation) in members(item) {
                let body = operation.get("requestBody").map(|body| example(body, &schemas));
                let response = operation["operationId"].as_str().and_then(|id| examples.remove(id));
                let snippets = snippets(path, &required_query(operation), method, body);
                refine_operation(operation, response.as_ref(), &snippets);
            }
        }
        serde_json::from_value(json)
    });
    refined.unwrap_or_else(|_| document.clone())
}

fn members(object: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    object.as_object_mut().into_iter().flat_map(Map::iter_mut)
}

/// Marks the members that responses always have, constants and links. Requests declare theirs.
fn refine_schemas(schemas: &mut Value) {
    let is_request = |name: &str| name.ends_with("Input") || name.ends_with("Patch");
    for (_, schema) in members(schemas).filter(|(name, _)| !is_request(name) && !name.starts_with("Error")) {
        refine_response(schema);
    }
}

fn refine_response(schema: &mut Value) {
    for part in schema["allOf"].as_array_mut().into_iter().flatten() {
        refine_response(part);
    }
    let Some(properties) = schema.get_mut("properties") else { return };
    for (name, property) in members(properties) {
        let is_text = property["type"] == "string" || property["type"] == json!(["string", "null"]);
        if name == "object" && property.get("example").is_some() {
            let constant = property["example"].take();
            *property = json!({"type": "string", "enum": [constant]});
        } else if is_text && is_link(name) {
            property["format"] = "uri".into();
        }
    }
    let required: Vec<_> = members(properties).map(|(name, _)| name.clone()).collect();
    schema["required"] = required.into_iter().filter(|name| !OPTIONAL.contains(&name.as_str())).collect();
}

fn is_link(member: &str) -> bool {
    matches!(member, "url" | "first" | "last" | "prev" | "next" | "path") || member.ends_with("_url")
}

fn refine_operation(operation: &mut Value, example: Option<&Value>, snippets: &str) {
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        // An optional parameter may be absent, but it is never null.
        if let Some(kind) = parameter["schema"]["type"].as_array().and_then(|kinds| kinds.first()).cloned() {
            parameter["schema"]["type"] = kind;
        }
    }
    let description = operation["description"].as_str().map(|text| format!("{text}\n\n")).unwrap_or_default();
    operation["description"] = format!("{description}{snippets}").into();
    for (_, response) in members(&mut operation["responses"]).filter(|(status, _)| status.starts_with(['2', '3'])) {
        add_headers(response, &HEADERS);
        if let (Some(content), Some(example)) = (response.pointer_mut("/content/application~1json"), example) {
            content["example"] = example.clone();
        }
    }
}

fn add_headers(response: &mut Value, headers: &[(&str, &str, &str)]) {
    for (name, kind, description) in headers {
        response["headers"][name] = json!({"description": description, "schema": {"type": kind}});
    }
}

/// Returns the example of a request body: of its schema, or an empty object.
fn example(body: &Value, schemas: &Value) -> Value {
    let schema = body.pointer("/content/application~1json/schema/$ref").and_then(Value::as_str).unwrap_or_default();
    let name = schema.rsplit('/').next().unwrap_or_default();
    schemas.get(name).and_then(|schema| schema.get("example")).cloned().unwrap_or_else(|| json!({}))
}

/// Returns the query string of the required parameters, with their examples. Empty if there are none.
fn required_query(operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let required = parameters.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
    let mut query = form_urlencoded::Serializer::new(String::new());
    for parameter in required {
        let text = |member: &str| parameter[member].as_str().unwrap_or_default();
        query.append_pair(text("name"), text("example"));
    }
    query.finish()
}

/// Returns the request as a command and as programs.
fn snippets(path: &str, query: &str, method: &str, body: Option<Value>) -> String {
    let separator = if query.is_empty() { "" } else { "?" };
    let url = format!("{SERVER}{}{separator}{query}", path.replace("{id}", "1"));
    let method = method.to_uppercase();
    let (curl_body, js_body, python_body) = body.map_or_else(Default::default, |body| {
        let body = body.to_string();
        (
            format!(" \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"),
            format!(",\n  body: JSON.stringify({body})"),
            format!(", json={}", body.replace("true", "True").replace("false", "False")),
        )
    });
    let js_type = if js_body.is_empty() { "" } else { ", \"Content-Type\": \"application/json\"" };
    let python = method.to_lowercase();
    // Some shells expand a question mark.
    let quote = if query.is_empty() { "" } else { "'" };
    format!(
        "```sh\ncurl -X {method} {quote}{url}{quote} \\\n  -H \"Authorization: Bearer $TOKEN\"{curl_body}\n```\n\n\
         ```js\nawait fetch(\"{url}\", {{\n  method: \"{method}\",\n  \
         headers: {{ Authorization: `Bearer ${{token}}`{js_type} }}{js_body}\n}});\n```\n\n\
         ```python\nrequests.{python}(\"{url}\", headers={{\"Authorization\": f\"Bearer {{token}}\"}}{python_body})\n```"
    )
}
