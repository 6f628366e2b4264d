//! Contacts, contact fields, search and reference data.

use serde_json::{Value, json};
use support::{Client, Setup, on_both_stores};

on_both_stores!(
    creates_shows_updates_and_deletes_a_contact,
    finds_a_contact_by_any_name,
    deletes_the_calls_of_a_deleted_contact,
    rejects_an_invalid_contact,
    stores_and_finds_contact_fields,
    returns_all_members_of_a_monica_contact,
    lists_reference_data,
);

/// A text member of each item of a list.
fn texts(client: &Client, list: &str, member: &str) -> Vec<String> {
    let list = client.get(list).expect(200);
    list["data"].as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

fn creates_shows_updates_and_deletes_a_contact(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let body = json!({
        "first_name": "Jane", "middle_name": "Q", "last_name": "Doe", "nickname": "JD", "email": null, "gender_id": 1,
        "description": "A friend", "is_partial": false, "is_birthdate_known": true, "birthdate_day": 12,
        "birthdate_month": 3, "birthdate_year": 1985, "birthdate_is_age_based": false, "birthdate_add_reminder": false,
        "is_deceased": false, "is_deceased_date_known": false
    });
    let contact = client.post("/api/contacts", &body).expect(201)["data"].clone();
    assert_eq!((&contact["complete_name"], &contact["initials"]), (&json!("Jane Q Doe (JD)"), &json!("JQD")));
    assert_eq!((&contact["gender"], &contact["gender_type"]), (&json!("Man"), &json!("M")));
    let birthdate = json!({"is_age_based": false, "is_year_unknown": false, "date": "1985-03-12T00:00:00Z"});
    assert_eq!(contact["information"]["dates"]["birthdate"], birthdate);
    assert_eq!((&contact["last_called"], &contact["statistics"]["number_of_calls"]), (&Value::Null, &json!(0)));
    let path = format!("/api/contacts/{}", contact["id"]);
    assert_eq!(client.get(&path).expect(200)["data"], contact);
    let changed = client.put(&path, &json!({"first_name": "Janet", "nickname": null})).expect(200)["data"].clone();
    assert_eq!((&changed["complete_name"], &changed["description"]), (&json!("Janet Q Doe"), &json!("A friend")));
    assert_eq!(client.delete(&path).expect(200), json!({"deleted": true, "id": contact["id"]}));
    client.get(&path).expect_not_found();
    client.delete(&path).expect_not_found();
}

fn finds_a_contact_by_any_name(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    for body in [
        json!({"first_name": "Zoë", "last_name": "Brontë", "job": "Pilot"}),
        json!({"first_name": "Leslie", "last_name": "Knope", "nickname": "Deputy", "description": "Likes 100% waffles"}),
    ] {
        client.post("/api/contacts", &body).expect(201);
    }
    let found = |query: &str| texts(&client, &format!("/api/contacts?query={query}"), "first_name");
    for query in ["zoe", "BRONTE", "Bront%C3%AB+zo", "pilot"] {
        assert_eq!(found(query), ["Zoë"], "{query}");
    }
    for query in ["deputy", "knope", "waffles", "100%25"] {
        assert_eq!(found(query), ["Leslie"], "{query}");
    }
    assert_eq!(found(""), ["Zoë", "Leslie"]);
    for query in ["zoe+knope", "%25", "_", "%22", "*", "nobody", "oe", "%CC%81", "email:%CC%81"] {
        assert_eq!(found(query), Vec::<String>::new(), "{query}");
    }
}

fn deletes_the_calls_of_a_deleted_contact(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let (leslie, henri) = (client.create_contact("Leslie"), client.create_contact("Henri"));
    let (deleted, kept) = (client.create_call(leslie, "2018-02-02"), client.create_call(henri, "2018-02-02"));
    client.delete(&format!("/api/contacts/{leslie}")).expect(200);
    client.get(&format!("/api/calls/{}", deleted["id"])).expect_not_found();
    let remaining = client.get("/api/calls").expect(200);
    assert_eq!((&remaining["data"], &remaining["meta"]["total"]), (&json!([kept]), &json!(1)));
}

fn rejects_an_invalid_contact(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    client.post("/api/contacts", &json!({})).expect_violations(&["The first name field is required."]);
    let wrong = json!({"first_name": "x".repeat(256), "gender_id": 999, "is_partial": 7});
    client.post("/api/contacts", &wrong).expect_violations(&[
        "The first name may not be greater than 255 characters.",
        "The selected gender id is invalid.",
        "The is partial field must be true or false.",
    ]);
    client.post("/api/contacts", &json!({"first_name": "x".repeat(255)})).expect(201);
    assert_eq!(client.get("/api/contacts").expect(200)["meta"]["total"], 1);
}

fn stores_and_finds_contact_fields(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let body = json!({"first_name": "Leslie", "email": "Leslie@Pawnee.gov", "phone": "+1 (555) 0100"});
    let id = client.post("/api/contacts", &body).expect(201)["data"]["id"].as_i64().unwrap();
    client.post("/api/contacts", &json!({"first_name": "Ann", "phone": "+1 555 0199"})).expect(201);
    let path = format!("/api/contacts/{id}");
    assert_eq!(client.get(&path).expect(200)["data"].get("contactFields"), None);
    let fields = |path: &str| {
        let shown = client.get(&format!("{path}?with=contactfields")).expect(200);
        let field = |field: &Value| (field["contact_field_type"]["name"].clone(), field["content"].clone());
        shown["data"]["contactFields"].as_array().unwrap().iter().map(field).collect::<Vec<_>>()
    };
    let (email, phone) = ((json!("Email"), json!("Leslie@Pawnee.gov")), (json!("Phone"), json!("+1 (555) 0100")));
    assert_eq!(fields(&path), [email.clone(), phone.clone()]);
    let found = |query: &str| texts(&client, &format!("/api/contacts?query={query}"), "first_name");
    for query in
        ["phone:%2B1+555+0100", "phone:1-555-0100", "%2B15550100", "555+0100", "email:leslie@", "leslie@pawnee.gov"]
    {
        assert_eq!(found(query), ["Leslie"], "{query}");
    }
    assert_eq!(found("%2B1+555+01"), ["Leslie", "Ann"], "a part of a number");
    assert_eq!(found("phone:%2B1+555+01"), Vec::<String>::new());
    assert_eq!(found("phone:5550101"), Vec::<String>::new());
    let list = json!([{"contact_field_type_id": 2, "data": "+1 (555) 0100"}]);
    client.put(&path, &json!({"first_name": "Leslie", "contact_fields": list})).expect(200);
    assert_eq!(fields(&path), [email, phone], "the list does not name the other one");
    let types = client.get("/api/contactfieldtypes").expect(200);
    let shown = client.get(&format!("{path}?with=contactfields")).expect(200);
    assert_eq!(
        shown["data"]["contactFields"][1]["contact_field_type"], types["data"][1],
        "with the same UUID and times"
    );
    assert_ne!(types["data"][0]["uuid"], types["data"][1]["uuid"]);
    assert_eq!((&types["data"][1]["name"], &types["data"][1]["type"]), (&json!("Phone"), &json!("phone")));
}

fn returns_all_members_of_a_monica_contact(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let id = client.create_contact("Leslie");
    client.create_call(id, "2018-02-02");
    client.create_call(id, "2019-03-03");
    let contact = client.get(&format!("/api/contacts/{id}?with=contactfields")).expect(200)["data"].clone();
    let number = "number";
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => number,
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    for (pointer, expected) in [
        ("/id", number),
        ("/uuid", "string"),
        ("/object", "string"),
        ("/hash_id", "string"),
        ("/first_name", "string"),
        ("/middle_name", "null"),
        ("/last_name", "null"),
        ("/nickname", "null"),
        ("/complete_name", "string"),
        ("/initials", "string"),
        ("/description", "null"),
        ("/gender", "string"),
        ("/gender_type", "string"),
        ("/is_starred", "boolean"),
        ("/is_partial", "boolean"),
        ("/is_active", "boolean"),
        ("/is_dead", "boolean"),
        ("/is_me", "boolean"),
        ("/last_called", "string"),
        ("/last_activity_together", "null"),
        ("/stay_in_touch_frequency", "null"),
        ("/stay_in_touch_trigger_date", "null"),
        ("/information/relationships/love/total", number),
        ("/information/relationships/love/contacts", "array"),
        ("/information/relationships/family/total", number),
        ("/information/relationships/friend/total", number),
        ("/information/relationships/work/total", number),
        ("/information/dates/birthdate/is_age_based", "null"),
        ("/information/dates/birthdate/is_year_unknown", "null"),
        ("/information/dates/birthdate/date", "null"),
        ("/information/dates/deceased_date/date", "null"),
        ("/information/career/job", "null"),
        ("/information/career/company", "null"),
        ("/information/avatar/url", "string"),
        ("/information/avatar/source", "string"),
        ("/information/avatar/default_avatar_color", "string"),
        ("/information/food_preferences", "null"),
        ("/information/how_you_met/general_information", "null"),
        ("/information/how_you_met/first_met_date/date", "null"),
        ("/information/how_you_met/first_met_through_contact", "null"),
        ("/addresses", "array"),
        ("/tags", "array"),
        ("/statistics/number_of_calls", number),
        ("/statistics/number_of_notes", number),
        ("/statistics/number_of_activities", number),
        ("/statistics/number_of_reminders", number),
        ("/statistics/number_of_tasks", number),
        ("/statistics/number_of_gifts", number),
        ("/statistics/number_of_debts", number),
        ("/contactFields", "array"),
        ("/notes", "array"),
        ("/url", "string"),
        ("/account/id", number),
        ("/created_at", "string"),
        ("/updated_at", "string"),
    ] {
        let value = contact.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is missing"));
        assert_eq!(kind(value), expected, "{pointer}");
    }
    assert_eq!(contact["statistics"]["number_of_calls"], 2);
    assert_eq!(contact["last_called"], "2019-03-03T00:00:00Z");
}

fn lists_reference_data(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let names = |path: &str| texts(&client, path, "name");
    assert_eq!(names("/api/genders"), ["Man", "Woman", "Rather not say"]);
    assert_eq!(client.get("/api/genders/2").expect(200)["data"]["type"], "F");
    client.get("/api/genders/4").expect_not_found();
    for id in ["x", "+2", "-2"] {
        client.get(&format!("/api/genders/{id}")).expect_not_found();
    }
    assert_eq!(names("/api/contactfieldtypes")[..2], ["Email", "Phone"]);
    assert_eq!(names("/api/emotions?limit=2"), ["adoration", "affection"]);
    let emotions = client.get("/api/emotions?limit=100&page=2").expect(200);
    assert_eq!((&emotions["meta"]["total"], &emotions["meta"]["to"]), (&json!(135), &json!(135)));
    let welcome = client.get("/api").expect(200);
    for (name, url) in welcome["links"].as_object().unwrap() {
        let path = url.as_str().unwrap().strip_prefix(&server.base).unwrap();
        assert_eq!(client.get(path).status, 200, "{name}");
    }
}
