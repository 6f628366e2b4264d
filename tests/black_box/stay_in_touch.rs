//! Staying in touch: when contacts are to be called.

use std::fs;

use serde_json::{Value, json};
use support::{Client, Setup, ids, on_both_stores};

on_both_stores!(
    sets_keeps_and_removes_a_frequency,
    the_date_follows_the_calls,
    lists_who_is_due,
    sorts_by_date_with_contacts_without_a_date_last,
    rejects_invalid_frequencies_and_filters,
    keeps_frequencies_through_export_import_and_backup,
);

/// Creates a contact that is to be called once in so many days, or null.
fn create(client: &Client, days: Value) -> i64 {
    let body = json!({"first_name": "Leslie", "stay_in_touch_frequency": days});
    client.post("/api/contacts", &body).expect(201)["data"]["id"].as_i64().unwrap()
}

fn date(client: &Client, contact: i64) -> Value {
    client.get(&format!("/api/contacts/{contact}")).expect(200)["data"]["stay_in_touch_trigger_date"].clone()
}

/// The ids of the contacts of a list, by all of its pages, once by number and once by cursor.
fn listed(client: &Client, query: &str) -> Vec<i64> {
    let mut by_number = Vec::new();
    for number in 1.. {
        let page = client.get(&format!("/api/contacts?{query}&limit=2&page={number}")).expect(200);
        if page["data"] == json!([]) {
            assert_eq!(page["meta"]["total"], by_number.len());
            break;
        }
        by_number.extend(ids(&page));
    }
    let mut by_cursor = Vec::new();
    let mut next = json!("");
    while let Some(cursor) = next.as_str() {
        let page = client.get(&format!("/api/contacts?{query}&limit=2&cursor={cursor}")).expect(200);
        assert_eq!(page["meta"]["total"], by_number.len());
        by_cursor.extend(ids(&page));
        next = page["meta"]["next_cursor"].clone();
    }
    assert_eq!(by_cursor, by_number, "{query}");
    by_number
}

fn sets_keeps_and_removes_a_frequency(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let body = json!({"first_name": "Leslie", "middle_name": "Barbara", "stay_in_touch_frequency": "3650"});
    let created = client.post("/api/contacts", &body).expect(201)["data"].clone();
    assert_eq!((&created["stay_in_touch_frequency"], &created["middle_name"]), (&json!(3_650), &json!("Barbara")));
    let path = format!("/api/contacts/{}", created["id"]);
    assert_eq!(client.get(&path).expect(200)["data"], created);
    let put = |body: &Value| client.put(&path, body).expect(200)["data"].clone();
    let kept = put(&json!({"first_name": "Lesley"}));
    for member in ["stay_in_touch_frequency", "stay_in_touch_trigger_date", "middle_name"] {
        assert_eq!(kept[member], created[member], "{member}");
    }
    assert_eq!(put(&kept), kept, "as GET shows it");
    let call = client.create_call(created["id"].as_i64().unwrap(), "2018-02-02");
    assert_eq!(call["contact"].get("stay_in_touch_frequency"), None, "the short contact stays as it is");
    let changed = put(&json!({"first_name": "Lesley", "stay_in_touch_frequency": 1}));
    assert_eq!(changed["stay_in_touch_trigger_date"], "2018-02-03T00:00:00Z");
    let removed = put(&json!({"first_name": "Lesley", "stay_in_touch_frequency": null, "middle_name": null}));
    for member in ["stay_in_touch_frequency", "stay_in_touch_trigger_date", "middle_name"] {
        assert_eq!(removed.get(member), Some(&Value::Null), "{member}");
    }
}

fn the_date_follows_the_calls(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let (weekly, monthly) = (create(&client, json!(7)), create(&client, json!(30)));
    let created_at = client.get(&format!("/api/contacts/{weekly}")).expect(200)["data"]["created_at"].clone();
    let before_calls = date(&client, weekly);
    assert_eq!(before_calls.as_str().unwrap()[10..], created_at.as_str().unwrap()[10..], "the time of the day");
    let first = client.create_call(weekly, "2018-02-02T10:00:00Z");
    assert_eq!(date(&client, weekly), "2018-02-09T10:00:00Z");
    let body = |contact: i64, at: &str| json!({"contact_id": contact, "called_at": at, "content": "x"});
    let batch = json!({"calls": [body(weekly, "2018-03-01"), body(weekly, "2018-01-01")]});
    let batch = client.post("/api/calls/batch", &batch).expect(200);
    assert_eq!(date(&client, weekly), "2018-03-08T00:00:00Z");
    let path = format!("/api/calls/{}", batch["data"][0]["id"]);
    client.put(&path, &body(monthly, "2018-03-01")).expect(200);
    assert_eq!(date(&client, weekly), "2018-02-09T10:00:00Z");
    assert_eq!(date(&client, monthly), "2018-03-31T00:00:00Z");
    client.patch(&path, &json!({"called_at": "2018-04-01"})).expect(200);
    assert_eq!(date(&client, monthly), "2018-05-01T00:00:00Z");
    client.delete(&format!("/api/calls/{}", first["id"])).expect(200);
    assert_eq!(date(&client, weekly), "2018-01-08T00:00:00Z");
    client.delete(&format!("/api/calls/{}", batch["data"][1]["id"])).expect(200);
    assert_eq!(date(&client, weekly), before_calls);
    client.create_call(weekly, "9999-12-31T12:00:00Z");
    assert_eq!(date(&client, weekly), "9999-12-31T23:59:58Z");
}

fn lists_who_is_due(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let (late, later) = (create(&client, json!(30)), create(&client, json!(7)));
    let (new, never, future) = (create(&client, json!(1)), create(&client, Value::Null), create(&client, json!(1)));
    client.create_call(late, "2018-01-01");
    client.create_call(later, "2018-03-01");
    client.create_call(never, "2018-01-01");
    client.create_call(future, "+1 year");
    for due in ["true", "1"] {
        assert_eq!(listed(&client, &format!("due={due}")), [late, later]);
        assert_eq!(listed(&client, &format!("due={due}&sort=-stay_in_touch_trigger_date")), [later, late]);
        assert_eq!(listed(&client, &format!("due={due}&sort=-created_at")), [later, late]);
    }
    for due in ["false", "0"] {
        assert_eq!(listed(&client, &format!("due={due}")), [new, never, future]);
        assert_eq!(listed(&client, &format!("due={due}&sort=-stay_in_touch_trigger_date")), [future, new, never]);
    }
    assert_eq!(listed(&client, "due=").len(), 5);
    assert_eq!(listed(&client, "due=true&query=leslie"), [late, later]);
    assert_eq!(listed(&client, "due=true&query=henri"), Vec::<i64>::new());
    let page = client.get("/api/contacts?due=true&limit=1").expect(200);
    let next = page["links"]["next"].as_str().unwrap().to_owned();
    assert!(next.contains("due=true"), "{next}");
    client.create_call(late, "now");
    assert_eq!(listed(&client, "due=true"), [later]);
    let cursor = client.get("/api/contacts?due=false&limit=1&cursor=").expect(200)["meta"]["next_cursor"].clone();
    let other_list = client.get(&format!("/api/contacts?due=true&cursor={}", cursor.as_str().unwrap()));
    other_list.expect_error(400, 41, "Invalid parameters: cursor.");
}

fn sorts_by_date_with_contacts_without_a_date_last(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let mut expected = Vec::new();
    for (days, day) in [(7, 5), (1, 1), (30, 3), (7, 5), (2, 9)] {
        let contact = create(&client, json!(days));
        client.create_call(contact, &format!("2018-01-{day:02}"));
        expected.push((days + day, contact));
    }
    let without: Vec<_> = (0..3).map(|_| create(&client, Value::Null)).collect();
    expected.sort_unstable();
    let dated: Vec<_> = expected.into_iter().map(|(_, contact)| contact).collect();
    let reversed = |ids: &[i64]| ids.iter().rev().copied().collect::<Vec<_>>();
    assert_eq!(listed(&client, "sort=stay_in_touch_trigger_date"), [dated.clone(), without.clone()].concat());
    let descending = [reversed(&dated), reversed(&without)].concat();
    assert_eq!(listed(&client, "sort=-stay_in_touch_trigger_date"), descending);
}

fn rejects_invalid_frequencies_and_filters(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = create(&client, json!(7));
    let path = format!("/api/contacts/{contact}");
    let before = client.get(&path).expect(200);
    let range = "The stay in touch frequency must be between 1 and 3650.";
    let integer = "The stay in touch frequency must be an integer.";
    for (days, sentence) in [
        (json!(0), range),
        (json!(-1), range),
        (json!(3_651), range),
        (json!(i64::MAX), range),
        (json!(1.5), integer),
        (json!(1e300), integer),
        (json!("weekly"), integer),
        (json!(true), integer),
        (json!({}), integer),
    ] {
        let body = json!({"first_name": "Leslie", "stay_in_touch_frequency": days});
        client.post("/api/contacts", &body).expect_violations(&[sentence]);
        client.put(&path, &body).expect_violations(&[sentence]);
    }
    assert_eq!(client.get(&path).expect(200), before);
    for due in ["yes", "2", "-1", "True", "%00"] {
        client.get(&format!("/api/contacts?due={due}")).expect_error(400, 41, "Invalid parameters: due.");
    }
    client.get("/api/contacts?due[]=true").expect_error(400, 41, "Invalid parameters: due.");
    for sort in ["stay_in_touch_frequency", "--stay_in_touch_trigger_date", "Stay_in_touch_trigger_date"] {
        client.get(&format!("/api/contacts?sort={sort}")).expect_error(400, 39, "The sorting criteria is invalid");
    }
    client.get("/api/calls?sort=stay_in_touch_trigger_date").expect_error(400, 39, "The sorting criteria is invalid");
}

fn keeps_frequencies_through_export_import_and_backup(setup: Setup) {
    setup.output(&["demo", "--contacts", "40", "--calls", "200"]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&setup.new_token()));
    let shown = |client: &Client| -> Vec<Value> {
        let page = client.get("/api/contacts?sort=stay_in_touch_trigger_date&limit=100").expect(200);
        let part =
            |item: &Value| json!([item["uuid"], item["stay_in_touch_frequency"], item["stay_in_touch_trigger_date"]]);
        page["data"].as_array().unwrap().iter().map(part).collect()
    };
    let expected = shown(&client);
    let dated = expected.iter().filter(|contact| contact[2] != Value::Null).count();
    assert!((1..40).contains(&dated), "some contacts of the demo have a frequency: {dated}");
    let due = client.get("/api/contacts?due=true").expect(200);
    assert!(due["meta"]["total"].as_u64().unwrap() > 0, "and some of them are due");
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
        assert_eq!(shown(&Client::new(&server.base, Some(&other.new_token()))), expected, "{command}");
    }
    let member = "\"stay_in_touch_frequency\":";
    let invalid = fs::read_to_string(&export).unwrap().replacen(member, &format!("{member}9000"), 1);
    let file = setup.folder().join("invalid.ndjson");
    fs::write(&file, invalid).unwrap();
    let other = Setup::sqlite();
    other.migrate();
    let message = other.expect_failure(&["import", file.to_str().unwrap()], 1);
    assert!(message.contains("stay_in_touch_frequency is not between 1 and 3650"), "{message}");
}
