//! The contacts and calls of an export, brought into the form of Monica's API.

use ports::inbound::ImportRecord;
use serde_json::{Value, json};

use super::export_file::{Item, Types};
use super::records;

/// Parses a contact: brings it into the form of Monica's API.
pub fn contact(mut contact: Value, fields: Vec<Value>, types: &Types, skipped: &mut Vec<String>) -> Item {
    let (uuid, mut json) = (contact["uuid"].take(), contact["properties"].take());
    let what = format!("contact {uuid}");
    if !uuid.is_string() {
        return Err(format!("{what}: it has no uuid"));
    }
    let fields: Vec<Value> = fields.into_iter().map(|field| contact_field(field, types)).collect();
    let mut moved = |name: &str| json.get_mut(name).map(Value::take).unwrap_or_default();
    let gender = moved("gender");
    let information = json!({
        "birthdate": moved("birthdate"),
        "deceased_date": moved("deceased_date"),
        "career": {"job": moved("job"), "company": moved("company")},
    });
    if let Value::Object(members) = &mut json {
        let gender = gender.as_str().and_then(|uuid| types.genders.get(uuid)).cloned();
        members.insert("gender".to_owned(), gender.into());
        members.insert("information".to_owned(), information);
        members.insert("contactFields".to_owned(), fields.into());
        members.insert("id".to_owned(), uuid.clone());
        members.insert("uuid".to_owned(), uuid);
        for name in ["created_at", "updated_at"] {
            members.insert(name.to_owned(), contact[name].take());
        }
        for name in ["is_starred", "is_partial", "is_active", "is_dead"] {
            make_boolean(members.get_mut(name));
        }
    }
    let contact = records::contact(&json, "", skipped);
    contact.map(|contact| ImportRecord::Contact(Box::new(contact))).map_err(|problem| format!("{what}: {problem}"))
}

/// Makes 0 and 1 of the database a boolean.
fn make_boolean(value: Option<&mut Value>) {
    if let Some(value) = value
        && let Some(number) = value.as_i64()
    {
        *value = (number != 0).into();
    }
}

fn contact_field(mut field: Value, types: &Types) -> Value {
    let kind = field["properties"]["type"].as_str().and_then(|uuid| types.fields.get(uuid)).cloned();
    json!({
        "id": field["uuid"],
        "content": field["properties"]["data"].take(),
        "contact_field_type": kind,
        "created_at": field["created_at"].take(),
    })
}

/// Parses a call of the contact with this UUID: brings it into the form of Monica's API.
pub fn call(mut call: Value, contact: &Value) -> Item {
    let (uuid, mut json) = (call["uuid"].take(), call["properties"].take());
    let what = format!("call {uuid}");
    if !uuid.is_string() || !contact.is_string() {
        return Err(format!("{what}: it or its contact has no uuid"));
    }
    let emotions = json.get_mut("emotions").map(Value::take).unwrap_or_default();
    let emotions: Vec<Value> = emotions.as_array().into_iter().flatten().map(|name| json!({"name": name})).collect();
    if let Value::Object(members) = &mut json {
        members.insert("emotions".to_owned(), emotions.into());
        members.insert("contact".to_owned(), json!({"uuid": contact}));
        members.insert("uuid".to_owned(), uuid);
        for name in ["created_at", "updated_at"] {
            members.insert(name.to_owned(), call[name].take());
        }
        make_boolean(members.get_mut("contact_called"));
    }
    let call = records::call(&json, "");
    call.map(|call| ImportRecord::Call(Box::new(call))).map_err(|problem| format!("{what}: {problem}"))
}
