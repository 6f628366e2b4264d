//! The document in version 3.0, for generators that do not read 3.1.

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

/// Returns the document in version 3.0.
pub fn as_version_3_0(document: &OpenApi) -> serde_json::Result<Value> {
    let mut json = serde_json::to_value(document)?;
    json["openapi"] = "3.0.3".into();
    convert(&mut json);
    Ok(json)
}

/// Replaces `"type": ["string", "null"]` by `"type": "string", "nullable": true`, everywhere. Removes the descriptions
/// beside `$ref`, which version 3.0 does not allow there.
fn convert(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(convert),
        Value::Object(object) => {
            if object.contains_key("$ref") {
                object.retain(|name, _| name == "$ref");
            }
            if let Some(Value::Array(kinds)) = object.get("type")
                && let [kind, null] = &kinds[..]
                && *null == json!("null")
            {
                let kind = kind.clone();
                object.insert("type".to_owned(), kind);
                object.insert("nullable".to_owned(), true.into());
            }
            object.values_mut().for_each(convert);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::document;

    #[test]
    fn version_3_0_has_no_lists_of_types() {
        let document = as_version_3_0(&document()).unwrap();
        assert!(!document.to_string().contains("\"null\""), "no type is null");
        let content = &document["components"]["schemas"]["Call"]["properties"]["content"];
        assert_eq!((&content["type"], &content["nullable"]), (&json!("string"), &json!(true)));
    }

    #[test]
    fn version_3_0_has_nothing_beside_a_reference() {
        let document = as_version_3_0(&document()).unwrap();
        let body = &document["components"]["schemas"]["CallBody"];
        assert_eq!(body["properties"]["data"], json!({"$ref": "#/components/schemas/Call"}));
    }
}
