//! Monica's JSON as records.

use domain::{
    AccountId, CallId, Contact, ContactField, ContactFieldId, ContactFieldKind, ContactId, ContactSummary, Emotion,
    Gender, ImportantDate, NewCall, NewContactField, Profile, Text, Timestamp, Uuid,
};
use ports::outbound::{Clock, StoredCall};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::clock::SystemClock;

/// A contact, whole or as it stands inside a call. Fields that cannot be kept are told in `left`.
pub fn contact(json: &Value, base: &str, left: &mut Vec<String>) -> Result<Contact, String> {
    let information = &json["information"];
    let career = &information["career"];
    let flag = |name: &str, otherwise| json[name].as_bool().unwrap_or(otherwise);
    let created_at = timestamp(json, "created_at").unwrap_or_else(|_| SystemClock.now());
    let first_name = text(json, "first_name")?.ok_or("it has no first name")?;
    let profile = Profile {
        middle_name: text(json, "middle_name")?,
        last_name: text(json, "last_name")?,
        nickname: text(json, "nickname")?,
        gender: text(json, "gender")?.and_then(Gender::named),
        is_starred: flag("is_starred", false),
        is_partial: flag("is_partial", false),
        is_active: flag("is_active", true),
        is_dead: flag("is_dead", false),
        birthdate: date(information, "birthdate")?,
        deceased_date: date(information, "deceased_date")?,
        ..Profile::new(first_name)
    };
    let mut fields: Vec<ContactField> = Vec::new();
    for item in json["contactFields"].as_array().into_iter().flatten() {
        let kind = &item["contact_field_type"];
        let named = kind["name"].as_str().and_then(ContactFieldKind::named);
        // An account may have renamed its kinds; what they are they keep.
        let kind = named.or_else(|| kind["type"].as_str().and_then(ContactFieldKind::named));
        match (kind, text::<255>(item, "content")) {
            (Some(kind), Ok(Some(data))) => {
                let created_at = timestamp(item, "created_at").unwrap_or(created_at);
                let content = NewContactField { kind, data };
                if !fields.iter().any(|field| field.content == content) {
                    fields.push(ContactField { id: ContactFieldId::from_store(0), content, created_at });
                }
            }
            _ => left.push(format!("contact field {} of contact {}", item["id"], json["id"])),
        }
    }
    Ok(Contact {
        summary: ContactSummary {
            id: ContactId::from_store(0),
            uuid: uuid(json, base, "contacts")?,
            account: AccountId::from_store(0),
            profile,
        },
        description: text(json, "description")?,
        job: text(career, "job")?,
        company: text(career, "company")?,
        fields,
        last_called: None,
        calls: 0,
        created_at,
        updated_at: timestamp(json, "updated_at").unwrap_or(created_at),
    })
}

/// A call.
pub fn call(json: &Value, base: &str) -> Result<StoredCall, String> {
    let called_at = timestamp(json, "called_at")?;
    let created_at = timestamp(json, "created_at").unwrap_or(called_at);
    let emotion = |item: &Value| item["name"].as_str().and_then(|name| Emotion::all().find(|e| e.name() == name));
    Ok(StoredCall {
        id: CallId::from_store(0),
        uuid: uuid(json, base, "calls")?,
        account: AccountId::from_store(0),
        call: NewCall {
            contact: ContactId::from_store(0),
            called_at,
            content: text(json, "content")?,
            contact_called: json["contact_called"].as_bool(),
            emotions: json["emotions"].as_array().into_iter().flatten().filter_map(emotion).collect(),
        },
        contact_uuid: uuid(&json["contact"], base, "contacts")?,
        created_at,
        updated_at: timestamp(json, "updated_at").unwrap_or(created_at),
    })
}

/// The thing's UUID; where Monica gives none, one made of where it is, the same each time.
fn uuid(json: &Value, base: &str, list: &str) -> Result<Uuid, String> {
    if let Some(uuid) = json["uuid"].as_str().and_then(|text| text.parse().ok()) {
        return Ok(uuid);
    }
    let id = json["id"].as_i64().ok_or("it has no id")?;
    let hash: [u8; 32] = Sha256::digest(format!("{base}/api/{list}/{id}")).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Ok(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// A text; none when it is absent, null or blank.
fn text<const MAX: usize>(json: &Value, name: &str) -> Result<Option<Text<MAX>>, String> {
    match json[name].as_str() {
        Some(text) if !domain::trim(text).is_empty() => {
            Text::parse(text).map(Some).map_err(|error| format!("{name}: {error}"))
        }
        _ => Ok(None),
    }
}

fn timestamp(json: &Value, name: &str) -> Result<Timestamp, String> {
    let read = json[name].as_str().and_then(|text| Timestamp::parse(text, SystemClock.now()));
    read.ok_or_else(|| format!("{name} is no instant"))
}

/// A date, in a whole contact under `dates`, in a short one beside it.
fn date(information: &Value, name: &str) -> Result<Option<ImportantDate>, String> {
    let json = if information["dates"][name].is_object() { &information["dates"][name] } else { &information[name] };
    if json["date"].is_null() {
        return Ok(None);
    }
    let flag = |name: &str| json[name].as_bool().unwrap_or_default();
    let date = timestamp(json, "date").map_err(|_| format!("{name} is no date"))?;
    let (is_age_based, is_year_unknown) = (flag("is_age_based"), flag("is_year_unknown"));
    Ok(Some(ImportantDate { date, is_age_based, is_year_unknown }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_thing_without_a_uuid_gets_the_same_one_each_time() {
        let of = |base, id| uuid(&json!({"id": id}), base, "calls").unwrap();
        assert_eq!(of("https://a.example", 1), of("https://a.example", 1));
        assert_ne!(of("https://a.example", 1), of("https://a.example", 2));
        assert_ne!(of("https://a.example", 1), of("https://b.example", 1));
        let contact = json!({"id": 1, "contact": {"id": 1}, "called_at": "2018-02-02T00:00:00Z"});
        let call = call(&contact, "https://a.example").unwrap();
        assert_ne!(call.uuid, call.contact_uuid, "a call is no contact");
        assert_eq!(call.contact_uuid, uuid(&json!({"id": 1}), "https://a.example", "contacts").unwrap());
    }

    #[test]
    fn what_cannot_be_kept_is_told() {
        let mut left = Vec::new();
        let json = json!({
            "id": 4, "first_name": "Leslie", "gender": "none",
            "information": {"birthdate": {"is_age_based": true, "is_year_unknown": false, "date": "1987-01-01T00:00:00Z"}},
            "contactFields": [
                {"id": 1, "content": "+1 555 0100", "contact_field_type": {"name": "Telefon", "type": "phone"}},
                {"id": 2, "content": "leslie", "contact_field_type": {"name": "Mastodon", "type": null}},
            ],
        });
        let contact = contact(&json, "https://a.example", &mut left).unwrap();
        assert_eq!(contact.fields.len(), 1);
        assert_eq!(left, ["contact field 2 of contact 4"]);
        assert!(contact.summary.profile.birthdate.unwrap().is_age_based && contact.summary.profile.gender.is_none());
        assert!(super::contact(&json!({"id": 5}), "https://a.example", &mut left).is_err());
        assert!(call(&json!({"id": 5, "contact": {"id": 4}, "called_at": "someday"}), "https://a.example").is_err());
    }
}
