//! `GET /calendar/TOKEN.ics`.

use icalendar::parser::{Component, read_calendar, unfold};
use serde_json::json;
use support::{Client, Server, Setup, on_both_stores};

on_both_stores!(
    has_an_event_for_each_call,
    hostile_texts_stay_texts,
    streams_many_calls,
    a_feed_token_opens_nothing_else,
    the_token_is_not_in_the_log,
);

/// Requests the calendar and checks its lines.
fn fetch(server: &Server, token: &str) -> String {
    let response = Client::new(&server.base, None).get(&format!("/calendar/{token}.ics"));
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(response.header("content-type"), Some("text/calendar; charset=utf-8"));
    let body = response.body.strip_suffix("\r\n").unwrap();
    for line in body.split("\r\n") {
        assert!(line.len() <= 75 && !line.contains(['\r', '\n']), "{line:?}");
    }
    response.body
}

/// Parses a calendar with another library than the one that wrote it. Returns its events, whose texts have no escapes.
fn events(unfolded: &str) -> Vec<Component<'_>> {
    let calendar = read_calendar(unfolded).unwrap();
    assert_eq!(calendar.properties.iter().find(|property| property.name == "VERSION").unwrap().val, "2.0");
    assert!(calendar.components.iter().all(|component| component.name == "VEVENT"), "{:?}", calendar.components);
    calendar.components
}

fn value(event: &Component, name: &str) -> Option<String> {
    let mut values = event.properties.iter().filter(|property| property.name == name);
    let value = values.next().map(|property| property.val.to_string());
    assert!(values.next().is_none(), "{name} occurs once");
    value
}

fn has_an_event_for_each_call(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let token = setup.output(&["token", "create", "--feed"]);
    assert_eq!(events(&unfold(&fetch(&server, &token))).len(), 0);
    let leslie = client.create_contact("Leslie");
    let plain = client.create_call(leslie, "2018-02-02 10:15:00");
    let long = json!({"contact_id": leslie, "called_at": "2018-02-03", "content": "Hi", "duration_seconds": 3725});
    let long = client.post("/api/calls", &long).expect(201)["data"].clone();
    let calendar = unfold(&fetch(&server, &token));
    let events = events(&calendar);
    let compact = |time: &serde_json::Value| time.as_str().unwrap().replace(['-', ':'], "");
    for (event, call, start, duration, description) in [
        (&events[0], &long, "20180203T000000Z", "PT3725S", "Hi"),
        (&events[1], &plain, "20180202T101500Z", "PT900S", "We talked."),
    ] {
        assert_eq!(value(event, "UID").as_deref(), call["uuid"].as_str());
        assert_eq!(value(event, "DTSTART").as_deref(), Some(start));
        assert_eq!(value(event, "DURATION").as_deref(), Some(duration));
        assert_eq!(value(event, "SUMMARY").as_deref(), Some("Call with Leslie"));
        assert_eq!(value(event, "DESCRIPTION").as_deref(), Some(description));
        assert_eq!(value(event, "LAST-MODIFIED"), Some(compact(&call["updated_at"])));
        assert_eq!(value(event, "DTSTAMP"), Some(compact(&call["updated_at"])));
    }
    let id = plain["id"].as_i64().unwrap();
    support::wait_for_next_second();
    let changed = client.patch(&format!("/api/calls/{id}"), &json!({"content": "Anew"})).expect(200);
    let calendar = unfold(&fetch(&server, &token));
    let events = self::events(&calendar);
    assert_eq!(value(&events[1], "UID").as_deref(), plain["uuid"].as_str(), "a changed call is the same event");
    assert_eq!(value(&events[1], "LAST-MODIFIED"), Some(compact(&changed["data"]["updated_at"])));
    let account = setup.output(&["account", "create", "Another"]);
    let other = setup.output(&["token", "create", "--feed", "--account", &account]);
    assert_eq!(self::events(&unfold(&fetch(&server, &other))).len(), 0, "the calls of another account");
}

fn hostile_texts_stay_texts(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let token = setup.output(&["token", "create", "--feed"]);
    let name = "Eve\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:1";
    let contact = client.create_contact(name);
    let contents = [
        "a\r\nEND:VEVENT\r\nEND:VCALENDAR\r\nb".to_owned(),
        "one; two, three: \"four\" \\n five \\, six".to_owned(),
        "é🎉".repeat(30_000),
        "x".repeat(100_000),
        " ;,\\".repeat(10_000).trim().to_owned(),
        "\u{feff}tab\there \u{1}\u{7} bell \u{2028} line".to_owned(),
    ];
    for content in &contents {
        let call = json!({"contact_id": contact, "called_at": "2018-02-02", "content": content});
        client.post("/api/calls", &call).expect(201);
    }
    let calendar = unfold(&fetch(&server, &token));
    let events = events(&calendar);
    assert_eq!(events.len(), contents.len());
    for (event, content) in events.iter().rev().zip(&contents) {
        let clean = |text: &str| text.replace("\r\n", "\n").replace(['\u{1}', '\u{7}', '\u{feff}'], "");
        assert_eq!(value(event, "DESCRIPTION").unwrap(), clean(content));
        assert_eq!(value(event, "SUMMARY").unwrap(), format!("Call with {}", clean(name)));
    }
}

fn streams_many_calls(setup: Setup) {
    setup.output(&["demo", "--contacts", "30", "--calls", "3000"]);
    let server = setup.serve();
    let token = setup.output(&["token", "create", "--feed"]);
    let calendar = unfold(&fetch(&server, &token));
    let events = events(&calendar);
    let starts: Vec<_> = events.iter().map(|event| value(event, "DTSTART").unwrap()).collect();
    assert_eq!(starts.len(), 3_000);
    assert!(starts.is_sorted_by(|a, b| a >= b), "the newest call first");
}

fn a_feed_token_opens_nothing_else(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let nobody = client.with_token(None);
    let token = setup.output(&["token", "create", "--feed", "--name", "calendar"]);
    let path = |token: &str| format!("/calendar/{token}.ics");
    for api in ["/api", "/api/me", "/api/calls", "/api/calls.csv"] {
        client.with_token(Some(&token)).get(api).expect_error(401, 42, "Unauthenticated.");
    }
    let list = setup.output(&["token", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let listed = list.as_array().unwrap().iter().find(|listed| listed["name"] == "calendar").unwrap();
    assert_eq!(listed["scope"], "feed");
    assert!(setup.output(&["token", "list"]).lines().last().unwrap().contains(" feed "));
    let read_only = setup.output(&["token", "create", "--read-only"]);
    let expired = setup.output(&["token", "create", "--feed", "--expires", "1s"]);
    support::wait_until("the token's expiry", || nobody.get(&path(&expired)).status == 404);
    fetch(&server, &token);
    for wrong in [client.token().unwrap(), &read_only, &expired, "x", "", &token[1..], "%2e%2e", "%00"] {
        nobody.get(&path(wrong)).expect_not_found();
        client.get(&path(wrong)).expect_not_found();
    }
    nobody.get(&format!("/calendar/{token}")).expect_not_found();
    setup.output(&["token", "revoke", &listed["id"].to_string()]);
    support::wait_until("the token's revocation", || nobody.get(&path(&token)).status == 404);
    let both = setup.expect_failure(&["token", "create", "--feed", "--read-only"], 2);
    assert!(both.contains("--read-only"), "{both}");
}

fn the_token_is_not_in_the_log(setup: Setup) {
    let setup = setup.set("CALLBOOK_LOG", "trace");
    let server = setup.serve();
    let token = setup.output(&["token", "create", "--feed"]);
    fetch(&server, &token);
    let nobody = Client::new(&server.base, None);
    for path in [format!("/calendar/{token}"), format!("/calendar/{token}.ics/"), format!("/calendar/{token}x.ics")] {
        nobody.get(&path).expect_not_found();
    }
    nobody.post(&format!("/calendar/{token}.ics"), &json!({}));
    let (_, log) = server.stop();
    assert!(log.contains("/calendar/{token}.ics"), "the route: {log}");
    assert!(!log.contains(&token), "{log}");
}
