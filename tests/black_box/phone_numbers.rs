//! Phone numbers: filters of calls, searches of contacts, and calls whose contact is named by its number.

use serde_json::{Value, json};
use support::{Client, Setup, encode, find, on_both_stores};

use crate::commands::execute;

on_both_stores!(
    finds_the_same_number_however_it_is_written,
    a_short_code_matches_only_exactly,
    a_region_says_how_numbers_without_country_code_are_read,
    names_the_number_parameter_that_cannot_be_read,
    records_a_call_with_the_contact_that_has_its_number,
    records_a_batch_by_phone_numbers,
    an_upsert_needs_no_contact,
    refuses_an_unknown_region,
    ; not_on_citus: indexes_the_numbers_of_an_existing_store,
);

fn add_contact(client: &Client, first_name: &str, numbers: &[&str]) -> i64 {
    let field = |number: &&str| json!({"contact_field_type_id": 2, "data": number});
    let fields: Vec<Value> = numbers.iter().map(field).collect();
    let body = json!({"first_name": first_name, "contact_fields": fields});
    client.post("/api/contacts", &body).expect(201)["data"]["id"].as_i64().unwrap()
}

fn call(number: &str) -> Value {
    json!({"phone_number": number, "called_at": "2018-02-02", "content": "x"})
}

fn add_call(client: &Client, contact: i64, number: &str) -> i64 {
    let mut body = call(number);
    body["contact_id"] = json!(contact);
    client.post("/api/calls", &body).expect(201)["data"]["id"].as_i64().unwrap()
}

/// Returns the calls and the contacts that have the number, by every parameter and route that finds them.
#[track_caller]
fn found(client: &Client, number: &str) -> (Vec<i64>, Vec<i64>) {
    let number = encode(number);
    let calls = find(client, &format!("/api/calls?phone_number={number}"));
    assert_eq!(find(client, &format!("/api/calls?phone_number={number}&cursor=")), calls);
    let csv = client.get(&format!("/api/calls.csv?phone_number={number}")).body;
    let in_csv: Vec<i64> = csv.lines().skip(1).map(|row| row.split(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(in_csv, calls);
    let contacts = find(client, &format!("/api/contacts?phone={number}"));
    assert_eq!(find(client, &format!("/api/contacts?query=phone:{number}")), contacts);
    assert_eq!(find(client, &format!("/api/contacts?phone={number}&cursor=")), contacts);
    (calls, contacts)
}

fn finds_the_same_number_however_it_is_written(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let leslie = add_contact(&client, "Leslie", &["+41 31 000 00 00"]);
    let ann = add_contact(&client, "Ann", &["031 000 00 01 ext. 5", "+41 31 000 00 02"]);
    let (first, second) = (add_call(&client, leslie, "+41 31 000 00 00"), add_call(&client, ann, "0310000001x5"));
    for number in [
        "0310000000",
        "0041310000000",
        "+41 (0)31 000 00 00",
        "+41 31 000 00 00",
        "tel:+41-31-000-00-00",
        "031/000.00.00",
    ] {
        assert_eq!(found(&client, number), (vec![first], vec![leslie]), "{number}");
    }
    assert_eq!(found(&client, "+41 31 000 00 01;ext=5"), (vec![second], vec![ann]));
    for number in ["+41 31 000 00 01", "+49 31 000 00 00", "031 000 00", "000 00 00", "+", "'", "%", "é"] {
        assert_eq!(found(&client, number), (vec![], vec![]), "{number}");
    }
    // With the routes of one contact and with other parameters.
    let number = encode("031 000 00 00");
    assert_eq!(find(&client, &format!("/api/contacts/{leslie}/calls?phone_number={number}&answered=")), [first]);
    assert_eq!(find(&client, &format!("/api/contacts/{ann}/calls?phone_number={number}")), [0; 0]);
    let csv = client.get(&format!("/api/contacts/{ann}/calls.csv?phone_number={number}"));
    assert_eq!((csv.status, csv.body.lines().count()), (200, 1));
    assert_eq!(find(&client, &format!("/api/calls?phone_number={number}&answered=true")), [0; 0]);
    assert_eq!(find(&client, &format!("/api/contacts?phone={number}&query=leslie")), [leslie]);
    assert_eq!(find(&client, &format!("/api/contacts?phone={number}&query=ann")), [0; 0]);
    assert_eq!(find(&client, "/api/calls?phone_number=").len(), 2, "an empty value is no filter");
    assert_eq!(find(&client, "/api/contacts?phone=").len(), 2);
    // Another account has none of it.
    let other = client.with_token(Some(&setup.new_account_token()));
    assert_eq!(found(&other, "+41 31 000 00 00"), (vec![], vec![]));
    // The numbers follow changes.
    let fields = client.get(&format!("/api/contacts/{leslie}/contactfields")).expect(200);
    client.delete(&format!("/api/contactfields/{}", fields["data"][0]["id"])).expect(200);
    client.patch(&format!("/api/calls/{first}"), &json!({"phone_number": "+1 555 0100"})).expect(200);
    assert_eq!(found(&client, "+41 31 000 00 00"), (vec![], vec![]));
    assert_eq!(found(&client, "555 0100").0, [first]);
    client.delete(&format!("/api/contacts/{ann}")).expect(200);
    assert_eq!(found(&client, "+41 31 000 00 01 x5"), (vec![], vec![]));
}

fn a_short_code_matches_only_exactly(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = add_contact(&client, "Leslie", &["+1 555 0100", "1-800-FLOWERS"]);
    let long = add_call(&client, contact, "+1 555 0100");
    assert_eq!(found(&client, "100"), (vec![], vec![]));
    let emergency = add_contact(&client, "Police", &["1 00"]);
    let short = add_call(&client, emergency, "100");
    assert_eq!(found(&client, "100"), (vec![short], vec![emergency]));
    assert_eq!(found(&client, "555 0100"), (vec![long], vec![contact]));
    assert_eq!(found(&client, "50100"), (vec![], vec![]));
    assert_eq!(found(&client, "1 800 flowers"), (vec![], vec![contact]), "a number with letters");
}

fn a_region_says_how_numbers_without_country_code_are_read(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let german = add_contact(&client, "Henri", &["+49 31 000 00 00"]);
    let swiss = add_contact(&client, "Leslie", &["0310000000"]);
    let call = add_call(&client, swiss, "031 000 00 00");
    assert_eq!(found(&client, "031 000 00 00"), (vec![call], vec![german, swiss]));
    assert_eq!(found(&client, "+49 31 000 00 00"), (vec![call], vec![german, swiss]));
    drop(server);
    // Another region needs no migration.
    let setup = setup.set("CALLBOOK_PHONE_REGION", "CH");
    let server = setup.serve();
    let client = client.with_base(&server.base);
    for number in ["031 000 00 00", "+41 31 000 00 00", "0041 31 000 00 00"] {
        assert_eq!(found(&client, number), (vec![call], vec![swiss]), "{number}");
    }
    assert_eq!(found(&client, "+49 31 000 00 00"), (vec![], vec![german]));
    let recorded = client.post("/api/calls", &self::call("+41 31 000 00 00")).expect(201);
    assert_eq!(recorded["data"]["contact"]["id"], swiss);
}

fn names_the_number_parameter_that_cannot_be_read(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let long = "1".repeat(65);
    for (list, name) in [
        ("/api/calls", "phone_number"),
        ("/api/calls.csv", "phone_number"),
        (&format!("/api/contacts/{contact}/calls"), "phone_number"),
        (&format!("/api/contacts/{contact}/calls.csv"), "phone_number"),
        ("/api/contacts", "phone"),
    ] {
        for query in [&format!("{name}={long}"), &format!("{name}=1%00"), &format!("{name}[]=1")] {
            let message = format!("Invalid parameters: {name}.");
            client.get(&format!("{list}?{query}")).expect_error(400, 41, message);
        }
        client.get(&format!("{list}?{name}={}", "1".repeat(64)));
    }
    client.get(&format!("/api/contacts?query=phone:{long}")).expect_error(400, 41, "Invalid parameters.");
    let cursor = client.get("/api/calls?cursor=&phone_number=1&limit=1").expect(200)["meta"]["next_cursor"].clone();
    assert_eq!(cursor, json!(null), "nothing is found");
}

fn records_a_call_with_the_contact_that_has_its_number(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let leslie = add_contact(&client, "Leslie", &["+41 31 000 00 00", "0041310000000"]);
    add_contact(&client, "Ann", &["+41 31 000 00 01"]);
    add_contact(&client, "Ben", &["0041310000001"]);
    let other = client.with_token(Some(&setup.new_account_token()));
    add_contact(&other, "Henri", &["+41 31 000 00 00", "+41 31 000 00 02"]);

    let recorded = client.post("/api/calls", &call("031 000 00 00")).expect(201)["data"].clone();
    assert_eq!((&recorded["contact"]["id"], &recorded["phone_number"]), (&json!(leslie), &json!("031 000 00 00")));
    assert_eq!(
        client.get(&format!("/api/contacts/{leslie}")).expect(200)["data"]["last_called"],
        "2018-02-02T00:00:00Z"
    );
    client.post("/api/calls", &call("+41 31 000 00 02")).expect_not_found();
    client.post("/api/calls", &call("100")).expect_not_found();
    let several = ["The phone number belongs to several contacts."];
    client.post("/api/calls", &call("+41 31 000 00 01")).expect_violations(&several);
    for body in [json!({}), json!({"contact_id": null, "phone_number": null}), json!({"phone_number": " "})] {
        client.post("/api/calls", &body).expect_violations(&crate::REQUIRED_CALL_FIELDS);
    }
    let long = json!({"phone_number": "1".repeat(65), "called_at": "2018-02-02", "content": "x"});
    client.post("/api/calls", &long).expect_violations(&["The phone number may not be greater than 64 characters."]);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let form = b"phone_number=0041310000000&called_at=2018-02-02&content=x";
    assert_eq!(client.send("POST", "/api/calls", &headers, form).expect(201)["data"]["contact"]["id"], leslie);
    // A contact that the request names takes precedence.
    let other_contact = client.create_contact("Henri");
    let mut named = call("031 000 00 00");
    named["contact_id"] = json!(other_contact);
    assert_eq!(client.post("/api/calls", &named).expect(201)["data"]["contact"]["id"], other_contact);
    // PUT needs its contact.
    let path = format!("/api/calls/{}", recorded["id"]);
    client.put(&path, &call("031 000 00 00")).expect_violations(&["The contact id field is required."]);
    // An archived contact accepts no calls, however it is named.
    client.put(&format!("/api/contacts/{leslie}"), &json!({"first_name": "Leslie", "is_active": false})).expect(200);
    let archived = ["Archived contact can’t be edited, please unarchive it first."];
    client.post("/api/calls", &call("031 000 00 00")).expect_violations(&archived);
    // A repeated request gets the call of the first one.
    let key = [("idempotency-key", "n8n-1"), ("content-type", "application/json")];
    client.put(&format!("/api/contacts/{leslie}"), &json!({"first_name": "Leslie", "is_active": true})).expect(200);
    let body = call("031 000 00 00").to_string();
    let [first, again] = [0; 2].map(|_| client.send("POST", "/api/calls", &key, body.as_bytes()).json());
    assert_eq!(first["data"]["id"], again["data"]["id"]);
}

fn records_a_batch_by_phone_numbers(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let leslie = add_contact(&client, "Leslie", &["+41 31 000 00 00", "+41 31 000 00 01"]);
    add_contact(&client, "Ann", &["+41 31 000 00 01"]);
    let mut neither = call("");
    neither["external_id"] = json!("pbx-1");
    let calls = [call("0310000000"), call("0310000001"), call("0310000009"), neither, call("+41 31 000 00 00")];
    let answer = client.post("/api/calls/batch", &json!({"calls": calls})).expect(200);
    let statuses: Vec<&Value> = answer["data"].as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!(statuses, [201, 422, 404, 422, 201]);
    let message = |n: usize| answer["data"][n]["error"]["message"].clone();
    assert_eq!(message(1), json!(["The phone number belongs to several contacts."]));
    assert_eq!(message(2), "The resource has not been found");
    assert_eq!(message(3), json!(["The contact id field is required."]));
    assert_eq!(answer["meta"], json!({"created": 2, "updated": 0, "unchanged": 0, "refused": 3}));
    assert_eq!(find(&client, &format!("/api/contacts/{leslie}/calls")).len(), 2);
}

fn an_upsert_needs_no_contact(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let leslie = add_contact(&client, "Leslie", &["+41 31 000 00 00"]);
    let keyed = |number: &str| {
        let mut body = call(number);
        body["external_id"] = json!("pbx-1");
        body
    };
    client.post("/api/calls", &keyed("0310000009")).expect_not_found();
    let id = client.post("/api/calls", &keyed("0310000000")).expect(201)["data"]["id"].clone();
    // No contact has this number, but the call is known.
    let changed = client.post("/api/calls", &keyed("0310000009")).expect(200)["data"].clone();
    assert_eq!((&changed["id"], &changed["contact"]["id"]), (&id, &json!(leslie)));
    assert_eq!(changed["phone_number"], "0310000009");
    assert_eq!(find(&client, "/api/calls?phone_number=0310000009").len(), 1);
}

fn indexes_the_numbers_of_an_existing_store(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = add_contact(&client, "Leslie", &["+41 31 000 00 00"]);
    let call = add_call(&client, contact, "0041310000000");
    drop(server);
    // The store of a version before the migration, which is reverted by the same statements on both stores.
    let down = include_str!("../../migrations/sqlite/2026-11-27-000300_find_phone_numbers/down.sql");
    let forget = "DELETE FROM __diesel_schema_migrations WHERE version = '20261127000300'";
    execute(&setup, &format!("{down}; {forget}; UPDATE search_index SET version = 2"));
    let server = setup.serve();
    let client = client.with_base(&server.base);
    server.wait_until_ready();
    assert_eq!(found(&client, "031 000 00 00"), (vec![call], vec![contact]));
    assert_eq!(find(&client, "/api/contacts?query=leslie"), [contact]);
}

fn refuses_an_unknown_region(setup: Setup) {
    let setup = setup.set("CALLBOOK_PHONE_REGION", "ZZ");
    let error = setup.expect_failure(&["serve"], 2);
    let takes = r#"callbook: CALLBOOK_PHONE_REGION takes a code of ISO 3166 with two letters, such as CH, not "ZZ""#;
    assert_eq!(error.trim_end(), takes);
    let report = setup.output(&["check-config", "--phone-region", "ch"]);
    let line = report.lines().find(|line| line.contains("CALLBOOK_PHONE_REGION")).unwrap();
    assert!(line.contains("ch") && line.contains("command line"), "{line}");
}
