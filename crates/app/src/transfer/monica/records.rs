//! Parsing Monica's JSON.

use domain::{
    CallDetails, CallDuration, ContactFieldKind, Emotion, Gender, ImportantDate, NewContact, NewContactField, Profile,
    StayInTouchFrequency, Text, Timestamp, Uuid,
};
use ports::outbound::{Clock, FieldIdentity, ImportCall, ImportContact};
use serde_json::Value;

use crate::clock::SystemClock;
use crate::transfer::derived_uuid;

/// Parses a contact, or the summary of a contact in a call. Contact fields of unknown
/// kinds, and those beyond the maximal number, are added to `skipped`.
pub fn contact(json: &Value, base: &str, skipped: &mut Vec<String>) -> Result<ImportContact, String> {
    let information = &json["information"];
    let career = &information["career"];
    let flag = |name: &str, default| json[name].as_bool().unwrap_or(default);
    let created_at = timestamp(json, "created_at").unwrap_or_else(|_| SystemClock.now());
    let profile = Profile {
        first_name: text(json, "first_name")?.ok_or("it has no first name")?,
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
    };
    let (mut fields, mut identities) = (Vec::new(), Vec::new());
    for item in json["contactFields"].as_array().into_iter().flatten() {
        match contact_field(item).zip(uuid(item, base, "contactfields").ok()) {
            Some((field, uuid)) if fields.len() < NewContact::MAX_FIELDS => {
                fields.push(field);
                let created_at = timestamp(item, "created_at").unwrap_or(created_at);
                let updated_at = timestamp(item, "updated_at").unwrap_or(created_at);
                identities.push(FieldIdentity { uuid, created_at, updated_at });
            }
            _ => skipped.push(format!("contact field {} of contact {}", item["id"], json["id"])),
        }
    }
    Ok(ImportContact {
        uuid: uuid(json, base, "contacts")?,
        contact: NewContact {
            profile,
            description: text(json, "description")?,
            job: text(career, "job")?,
            company: text(career, "company")?,
            stay_in_touch_frequency: json["stay_in_touch_frequency"].as_i64().and_then(StayInTouchFrequency::from_days),
            fields,
        },
        fields: identities,
        created_at,
        updated_at: timestamp(json, "updated_at").unwrap_or(created_at),
    })
}

/// Parses a contact field. `None` if its kind is unknown, or its data is not valid.
fn contact_field(json: &Value) -> Option<NewContactField> {
    let kind = &json["contact_field_type"];
    // Users can rename a kind. Its type stays.
    let mut names = [&kind["name"], &kind["type"]].into_iter().filter_map(Value::as_str);
    let kind = names.find_map(ContactFieldKind::named)?;
    Some(NewContactField { kind, data: text(json, "content").ok()?? })
}

/// Parses a call.
pub fn call(json: &Value, base: &str) -> Result<ImportCall, String> {
    let called_at = timestamp(json, "called_at")?;
    let created_at = timestamp(json, "created_at").unwrap_or(called_at);
    let emotion = |item: &Value| item["name"].as_str().and_then(|name| Emotion::all().find(|e| e.name() == name));
    Ok(ImportCall {
        uuid: uuid(json, base, "calls")?,
        contact_uuid: uuid(&json["contact"], base, "contacts")?,
        details: CallDetails {
            content: text(json, "content")?,
            contact_called: json["contact_called"].as_bool(),
            emotions: json["emotions"].as_array().into_iter().flatten().filter_map(emotion).collect(),
            // Monica has none of these, another Callbook has.
            duration: json["duration_seconds"].as_i64().and_then(CallDuration::from_seconds),
            answered: json["answered"].as_bool(),
            phone_number: text(json, "phone_number")?,
            external_id: text(json, "external_id")?,
            called_at,
        },
        created_at,
        updated_at: timestamp(json, "updated_at").unwrap_or(created_at),
    })
}

/// Returns the UUID of an item. If Monica has none, it is derived from the URL of the item, so that it is always the same.
fn uuid(json: &Value, base: &str, list: &str) -> Result<Uuid, String> {
    if let Some(uuid) = json["uuid"].as_str().and_then(|text| text.parse().ok()) {
        return Ok(uuid);
    }
    let id = json["id"].as_i64().ok_or("it has no id")?;
    Ok(derived_uuid(&format!("{base}/api/{list}/{id}")))
}

/// Parses a text. `None` if it is absent, null or blank.
fn text<const MAX: usize>(json: &Value, name: &str) -> Result<Option<Text<MAX>>, String> {
    match json[name].as_str() {
        Some(text) if !domain::trim(text).is_empty() => {
            Text::parse(text).map(Some).map_err(|error| format!("{name}: {error}"))
        }
        _ => Ok(None),
    }
}

fn timestamp(json: &Value, name: &str) -> Result<Timestamp, String> {
    let timestamp = json[name].as_str().and_then(|text| Timestamp::parse(text, SystemClock.now()));
    timestamp.ok_or_else(|| format!("{name} is not a time"))
}

/// Parses a birthdate or a date of death. It is in `dates` of a contact, or in the summary of a contact itself.
fn date(information: &Value, name: &str) -> Result<Option<ImportantDate>, String> {
    let json = if information["dates"][name].is_object() { &information["dates"][name] } else { &information[name] };
    if json["date"].is_null() {
        return Ok(None);
    }
    let flag = |name: &str| json[name].as_bool().unwrap_or_default();
    let date = timestamp(json, "date").map_err(|_| format!("{name} is not a date"))?;
    let (is_age_based, is_year_unknown) = (flag("is_age_based"), flag("is_year_unknown"));
    Ok(Some(ImportantDate { date, is_age_based, is_year_unknown }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn derives_a_missing_uuid_from_the_url() {
        let derived = |base, id| uuid(&json!({"id": id}), base, "calls").unwrap();
        assert_eq!(derived("https://a.example", 1), derived("https://a.example", 1));
        assert_ne!(derived("https://a.example", 1), derived("https://a.example", 2));
        assert_ne!(derived("https://a.example", 1), derived("https://b.example", 1));
        let json = json!({"id": 1, "contact": {"id": 1}, "called_at": "2018-02-02T00:00:00Z"});
        let call = call(&json, "https://a.example").unwrap();
        assert_ne!(call.uuid, call.contact_uuid, "a call and a contact with the same id");
        assert_eq!(call.contact_uuid, uuid(&json!({"id": 1}), "https://a.example", "contacts").unwrap());
    }

    #[test]
    fn reports_what_cannot_be_imported() {
        let mut skipped = Vec::new();
        let json = json!({
            "id": 4, "first_name": "Leslie", "gender": "none",
            "information": {"birthdate": {"is_age_based": true, "is_year_unknown": false, "date": "1987-01-01T00:00:00Z"}},
            "contactFields": [
                {"id": 1, "content": "+1 555 0100", "contact_field_type": {"name": "Telefon", "type": "phone"}},
                {"id": 2, "content": "leslie", "contact_field_type": {"name": "Mastodon", "type": null}},
            ],
        });
        let new = contact(&json, "https://a.example", &mut skipped).unwrap().contact;
        assert_eq!(new.fields.len(), 1);
        assert_eq!(skipped, ["contact field 2 of contact 4"]);
        assert!(new.profile.birthdate.unwrap().is_age_based && new.profile.gender.is_none());
        assert!(contact(&json!({"id": 5}), "https://a.example", &mut skipped).is_err());
        assert!(call(&json!({"id": 5, "contact": {"id": 4}, "called_at": "someday"}), "https://a.example").is_err());
    }
}
