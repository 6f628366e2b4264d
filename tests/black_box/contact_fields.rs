//! Contact fields by their own routes.

use serde_json::{Value, json};
use support::{Client, Setup, ids, on_both_stores, wait_for_next_second};

on_both_stores!(
    creates_lists_updates_and_deletes_contact_fields,
    keeps_contact_fields_that_an_update_of_the_contact_does_not_name,
    updates_the_contact_with_its_fields,
    moves_a_contact_field_to_another_contact,
    rejects_invalid_contact_fields,
    does_not_find_contact_fields_of_another_account,
    does_not_write_contact_fields_of_an_archived_contact,
    keeps_contact_fields_through_export_and_import,
);

const ARCHIVED: &str = "Archived contact can’t be edited, please unarchive it first.";

fn create(client: &Client, contact: i64, data: &str) -> Value {
    let body = json!({"contact_id": contact, "contact_field_type_id": 2, "data": data});
    client.post("/api/contactfields", &body).expect(201)["data"].clone()
}

fn path(field: &Value) -> String {
    format!("/api/contactfields/{}", field["id"])
}

/// The contact fields of a contact, as its list shows them.
fn fields(client: &Client, contact: i64) -> Value {
    client.get(&format!("/api/contacts/{contact}/contactfields")).expect(200)["data"].clone()
}

fn creates_lists_updates_and_deletes_contact_fields(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let created = create(&client, contact, " +1 555 0100 ");
    let members: Vec<_> = created.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "account",
        "contact",
        "contact_field_type",
        "content",
        "created_at",
        "id",
        "labels",
        "object",
        "updated_at",
        "uuid",
    ];
    assert_eq!(members, expected);
    assert_eq!((&created["object"], &created["content"]), (&json!("contactfield"), &json!("+1 555 0100")));
    let types = client.get("/api/contactfieldtypes").expect(200);
    assert_eq!((&created["contact_field_type"], &created["labels"]), (&types["data"][1], &json!([])));
    assert_eq!((&created["contact"]["id"], &created["contact"]["object"]), (&json!(contact), &json!("contact")));
    let uuid = created["uuid"].as_str().unwrap();
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
    assert_eq!(client.get(&path(&created)).expect(200)["data"], created);

    // An equal one is another one.
    let again = create(&client, contact, "+1 555 0100");
    assert_ne!((&created["id"], &created["uuid"]), (&again["id"], &again["uuid"]));
    assert_eq!(fields(&client, contact), json!([created, again]));
    let shown = client.get(&format!("/api/contacts/{contact}?with=contactfields")).expect(200);
    assert_eq!(shown["data"]["contactFields"], json!([created, again]));
    let page = client.get(&format!("/api/contacts/{contact}/contactfields?limit=1&page=2")).expect(200);
    assert_eq!((ids(&page), &page["meta"]["total"]), (vec![again["id"].as_i64().unwrap()], &json!(2)));
    assert_eq!((&page["meta"]["last_page"], &page["links"]["next"]), (&json!(2), &Value::Null));

    let body = json!({"contact_id": contact, "contact_field_type_id": "1", "data": "leslie@pawnee.gov"});
    let updated = client.put(&path(&created), &body).expect(200)["data"].clone();
    assert_eq!((&updated["id"], &updated["uuid"]), (&created["id"], &created["uuid"]));
    assert_eq!(
        (&updated["content"], &updated["contact_field_type"]["type"]),
        (&json!("leslie@pawnee.gov"), &json!("email"))
    );
    assert_eq!(client.put(&path(&updated), &updated).expect(200)["data"], updated, "as GET shows it");
    for (query, found) in [("email:leslie@pawnee.gov", 1), ("phone:5550100", 1), ("leslie", 1), ("phone:pawnee", 0)] {
        assert_eq!(client.get(&format!("/api/contacts?query={query}")).expect(200)["meta"]["total"], found, "{query}");
    }
    assert_eq!(client.delete(&path(&again)).expect(200), json!({"deleted": true, "id": again["id"]}));
    client.delete(&path(&again)).expect_not_found();
    client.get(&path(&again)).expect_not_found();
    assert_eq!(fields(&client, contact), json!([updated]));
    assert_eq!(client.get("/api/contacts?query=phone:5550100").expect(200)["meta"]["total"], 0);
    client.delete(&format!("/api/contacts/{contact}")).expect(200);
    client.get(&path(&updated)).expect_not_found();
}

fn keeps_contact_fields_that_an_update_of_the_contact_does_not_name(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    for data in ["+1 555 0100", "1-555-0100", "+1 555 0100"] {
        create(&client, contact, data);
    }
    let before = fields(&client, contact);
    let put = |body: &Value| client.put(&format!("/api/contacts/{contact}"), body).expect(200);
    for body in [
        json!({"first_name": "Leslie", "job": "Deputy"}),
        json!({"first_name": "Leslie", "contact_fields": null}),
        json!({"first_name": "Leslie", "contact_fields": []}),
        json!({"first_name": "Leslie", "contact_fields": [{"contact_field_type_id": 2, "data": "1-555-0100"}]}),
        json!({"first_name": "Leslie", "phone": "+1 555 0100"}),
        json!({"first_name": "Leslie", "contact_fields": before}),
    ] {
        put(&body);
        assert_eq!(fields(&client, contact), before, "{body}");
    }
    let mut changed = before[1].clone();
    changed["content"] = json!("+1 555 0199");
    put(&json!({"first_name": "Leslie", "contact_fields": [changed, {"contact_field_type_id": 1, "data": "l@x.org"}]}));
    let after = fields(&client, contact);
    assert_eq!((&after[0], &after[2], after.as_array().unwrap().len()), (&before[0], &before[2], 4));
    assert_eq!((&after[1]["id"], &after[1]["uuid"]), (&before[1]["id"], &before[1]["uuid"]));
    assert_eq!((&after[1]["content"], &after[3]["content"]), (&json!("+1 555 0199"), &json!("l@x.org")));
}

fn updates_the_contact_with_its_fields(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let contact_path = format!("/api/contacts/{contact}");
    let updated_at = || client.get(&contact_path).expect(200)["data"]["updated_at"].clone();
    let mut last = updated_at();
    let mut expect_change = |change: &dyn Fn()| {
        wait_for_next_second();
        change();
        assert_ne!(last, updated_at());
        last = updated_at();
    };
    expect_change(&|| drop(create(&client, contact, "1")));
    let field = fields(&client, contact)[0].clone();
    let body = json!({"contact_id": contact, "contact_field_type_id": 2, "data": "2"});
    expect_change(&|| drop(client.put(&path(&field), &body).expect(200)));
    let updated = client.get(&path(&field)).expect(200)["data"].clone();
    assert_eq!(updated["created_at"], field["created_at"]);
    assert_ne!(updated["updated_at"], field["updated_at"]);
    wait_for_next_second();
    let same = updated_at();
    assert_eq!(client.put(&path(&field), &body).expect(200)["data"], updated);
    assert_eq!(updated_at(), same, "nothing has changed");
    let tag = client.get(&contact_path).header("etag").unwrap().to_owned();
    client.delete(&path(&field)).expect(200);
    assert_ne!(updated_at(), same);
    let not_modified = client.send("GET", &contact_path, &[("if-none-match", &tag)], b"");
    assert_eq!(not_modified.status, 200);
}

fn moves_a_contact_field_to_another_contact(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let (leslie, ann) = (client.create_contact("Leslie"), client.create_contact("Ann"));
    let field = create(&client, leslie, "+1 555 0100");
    let body = json!({"contact_id": ann, "contact_field_type_id": 2, "data": "+1 555 0100"});
    let moved = client.put(&path(&field), &body).expect(200)["data"].clone();
    assert_eq!((&moved["id"], &moved["uuid"]), (&field["id"], &field["uuid"]));
    assert_eq!(moved["contact"]["first_name"], "Ann");
    assert_eq!((fields(&client, leslie), fields(&client, ann)), (json!([]), json!([moved])));
    let found = client.get("/api/contacts?query=phone:5550100").expect(200);
    assert_eq!(ids(&found), [ann]);
}

fn rejects_invalid_contact_fields(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let field = create(&client, contact, "1");
    let required = [
        "The contact id field is required.",
        "The contact field type id field is required.",
        "The data field is required.",
    ];
    let unknown_type = ["The selected contact field type id is invalid."];
    let wrong = [
        "The contact id must be an integer.",
        "The contact field type id must be an integer.",
        "The data must be a string.",
    ];
    let long = ["The data may not be greater than 255 characters."];
    let nul = ["The data may not contain the character U+0000."];
    let invalid: [(Value, &[&str]); 7] = [
        (json!({}), &required),
        (json!({"contact_id": null, "contact_field_type_id": "", "data": " "}), &required),
        (json!({"contact_id": contact, "contact_field_type_id": 8, "data": "x"}), &unknown_type),
        (json!({"contact_id": contact, "contact_field_type_id": 0, "data": "x"}), &unknown_type),
        (json!({"contact_id": "x", "contact_field_type_id": [2], "data": 5}), &wrong),
        (json!({"contact_id": contact, "contact_field_type_id": 2, "data": "é".repeat(256)}), &long),
        (json!({"contact_id": contact, "contact_field_type_id": 2, "data": "a\0b"}), &nul),
    ];
    for (body, sentences) in &invalid {
        client.post("/api/contactfields", body).expect_violations(sentences);
        client.put(&path(&field), body).expect_violations(sentences);
        client.put("/api/contactfields/999", body).expect_violations(sentences);
    }
    for id in [json!(0), json!(-1), json!(999), json!(i64::MAX)] {
        let body = json!({"contact_id": id, "contact_field_type_id": 2, "data": "x"});
        client.post("/api/contactfields", &body).expect_not_found();
        client.put(&path(&field), &body).expect_not_found();
    }
    let body = json!({"contact_id": contact, "contact_field_type_id": 2, "data": "x"});
    for id in ["0", "999", "x", "1.5", "+1", "9007199254740993"] {
        let path = format!("/api/contactfields/{id}");
        client.get(&path).expect_not_found();
        client.put(&path, &body).expect_not_found();
        client.delete(&path).expect_not_found();
        client.get(&format!("/api/contacts/{id}/contactfields", id = id.replace('1', "7"))).expect_not_found();
    }
    client.send("POST", "/api/contactfields", &[], b"{").expect_error(400, 37, "Problems parsing JSON");
    client.get(&format!("/api/contacts/{contact}/contactfields?limit=101")).expect_error(
        400,
        30,
        "The limit parameter is too big",
    );
    assert_eq!(client.get("/api/contactfields").status, 405);
    assert_eq!(fields(&client, contact), json!([field]), "nothing has changed");
    for n in 1..100 {
        create(&client, contact, &n.to_string());
    }
    let full = ["The contact fields may not have more than 100 items."];
    client.post("/api/contactfields", &body).expect_violations(&full);
}

fn does_not_find_contact_fields_of_another_account(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let field = create(&client, contact, "1");
    let other = client.with_token(Some(&setup.new_account_token()));
    let own_contact = other.create_contact("Henri");
    let own = create(&other, own_contact, "2");
    for contact in [contact, own_contact] {
        let body = json!({"contact_id": contact, "contact_field_type_id": 2, "data": "x"});
        other.put(&path(&field), &body).expect_not_found();
    }
    let body = json!({"contact_id": contact, "contact_field_type_id": 2, "data": "x"});
    other.post("/api/contactfields", &body).expect_not_found();
    other.put(&path(&own), &body).expect_not_found();
    other.get(&path(&field)).expect_not_found();
    other.delete(&path(&field)).expect_not_found();
    other.get(&format!("/api/contacts/{contact}/contactfields")).expect_not_found();
    assert_eq!((fields(&client, contact), fields(&other, own_contact)), (json!([field]), json!([own])));
}

fn does_not_write_contact_fields_of_an_archived_contact(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let (archived, active) = (client.create_contact("Leslie"), client.create_contact("Ann"));
    let (field, other) = (create(&client, archived, "1"), create(&client, active, "2"));
    let contact_path = format!("/api/contacts/{archived}");
    client.put(&contact_path, &json!({"first_name": "Leslie", "is_active": false})).expect(200);
    let body = |contact: i64| json!({"contact_id": contact, "contact_field_type_id": 2, "data": "3"});
    client.post("/api/contactfields", &body(archived)).expect_violations(&[ARCHIVED]);
    client.put(&path(&field), &body(archived)).expect_violations(&[ARCHIVED]);
    client.put(&path(&field), &body(active)).expect_violations(&[ARCHIVED]);
    client.put(&path(&other), &body(archived)).expect_violations(&[ARCHIVED]);
    client.delete(&path(&field)).expect_violations(&[ARCHIVED]);
    client.put(&contact_path, &json!({"first_name": "Leslie", "is_active": true})).expect(200);
    client.delete(&path(&field)).expect(200);
}

fn keeps_contact_fields_through_export_and_import(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    for data in ["+1 555 0100", "+1 555 0100"] {
        create(&client, contact, data);
    }
    let shown = fields(&client, contact);
    wait_for_next_second();
    let body = json!({"contact_id": contact, "contact_field_type_id": 2, "data": "+1 555 0199"});
    client.put(&path(&shown[1]), &body).expect(200);
    let parts = |fields: Value| -> Vec<Value> {
        let part = |field: &Value| json!([field["uuid"], field["content"], field["created_at"], field["updated_at"]]);
        fields.as_array().unwrap().iter().map(part).collect()
    };
    let expected = parts(fields(&client, contact));
    let (export, backup) = (setup.folder().join("export.ndjson"), setup.folder().join("backup.ndjson"));
    setup.output(&["export", export.to_str().unwrap()]);
    setup.output(&["backup", backup.to_str().unwrap()]);
    for (command, file) in [("import", &export), ("restore", &backup)] {
        let other = Setup::sqlite();
        if command == "import" {
            other.migrate();
        }
        other.output(&[command, file.to_str().unwrap()]);
        let server = other.serve();
        let client = Client::new(&server.base, Some(&other.new_token()));
        assert_eq!(parts(fields(&client, 1)), expected, "{command}");
    }
}
