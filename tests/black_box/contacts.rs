//! Contacts, as far as calls need them.

use serde_json::{Value, json};
use support::{Setup, on_both_stores};

on_both_stores!(
    a_contact_is_added_shown_changed_and_deleted,
    a_contact_is_found_by_any_of_its_names,
    deleting_a_contact_deletes_its_calls,
    violations_of_a_contact_are_told,
);

fn a_contact_is_added_shown_changed_and_deleted(setup: Setup) {
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
    client.get(&path).expect_error(404, 31, "The resource has not been found");
    client.delete(&path).expect_error(404, 31, "The resource has not been found");
}

fn a_contact_is_found_by_any_of_its_names(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    for body in [
        json!({"first_name": "Zoë", "last_name": "Brontë", "job": "Pilot"}),
        json!({"first_name": "Leslie", "last_name": "Knope", "nickname": "Deputy", "description": "Likes 100% waffles"}),
    ] {
        client.post("/api/contacts", &body).expect(201);
    }
    let found = |query: &str| -> Vec<String> {
        let list = client.get(&format!("/api/contacts?query={query}")).expect(200);
        let name = |contact: &Value| contact["first_name"].as_str().unwrap().to_owned();
        list["data"].as_array().unwrap().iter().map(name).collect()
    };
    for query in ["zoe", "BRONTE", "Bront%C3%AB+zo", "pilot"] {
        assert_eq!(found(query), ["Zoë"], "{query}");
    }
    for query in ["deputy", "knope", "waffles", "100%25"] {
        assert_eq!(found(query), ["Leslie"], "{query}");
    }
    assert_eq!(found(""), ["Zoë", "Leslie"]);
    for query in ["zoe+knope", "%25", "_", "nobody"] {
        let expected: &[&str] = if query == "%25" { &["Leslie"] } else { &[] };
        assert_eq!(found(query), expected, "{query}");
    }
}

fn deleting_a_contact_deletes_its_calls(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let (leslie, henri) = (client.meet("Leslie"), client.meet("Henri"));
    let (gone, kept) = (client.log(leslie, "2018-02-02"), client.log(henri, "2018-02-02"));
    client.delete(&format!("/api/contacts/{leslie}")).expect(200);
    client.get(&format!("/api/calls/{}", gone["id"])).expect_error(404, 31, "The resource has not been found");
    let left = client.get("/api/calls").expect(200);
    assert_eq!((&left["data"], &left["meta"]["total"]), (&json!([kept]), &json!(1)));
}

fn violations_of_a_contact_are_told(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    client.post("/api/contacts", &json!({})).expect_error(422, 32, json!(["The first name field is required."]));
    let wrong = json!({"first_name": "x".repeat(256), "gender_id": 999, "is_partial": 7});
    let sentences = json!([
        "The first name may not be greater than 255 characters.",
        "The selected gender id is invalid.",
        "The is partial field must be true or false."
    ]);
    client.post("/api/contacts", &wrong).expect_error(422, 32, sentences);
    client.post("/api/contacts", &json!({"first_name": "x".repeat(255)})).expect(201);
    assert_eq!(client.get("/api/contacts").expect(200)["meta"]["total"], 1);
}
