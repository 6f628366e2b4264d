//! Input that attacks SQL, HTML, logs or parsers: it is stored unchanged or rejected.

use serde_json::{Value, json};
use support::{Setup, on_both_stores};

use crate::quick_or_long;
use crate::random::Random;

on_both_stores!(
    stores_sql_html_and_log_syntax_unchanged,
    survives_bodies_that_attack_parsers,
    answers_random_requests_without_5xx,
);

const TEXTS: [&str; 16] = [
    "'; DROP TABLE calls; --",
    "\" OR \"\"=\"",
    "1) UNION SELECT hash FROM tokens --",
    "$1 $2 ? :name @p %s %(x)s {0} ${x}",
    "\\'; \\x27 E'\\047",
    "$$ ; DELETE FROM calls; $$",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "line one\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\n",
    "\u{1b}[31mred\u{1b}[0m\u{7}",
    "2026-01-01T00:00:00Z ERROR forged line",
    "../../../../etc/passwd",
    "%00 %0d%0a %u0000",
    "\u{202e}gnp.exe \u{feff}x \u{fff0} \u{10ffff} 🏳️‍🌈",
    "{\"contact_id\": 1} [] null true NaN",
    "%_%' ESCAPE '",
    "((((((((((a+)+)+)+)+)+)+)+)+)!",
];

fn stores_sql_html_and_log_syntax_unchanged(setup: Setup) {
    let setup = setup.set("CALLBOOK_LOG", "debug");
    let server = setup.serve();
    let client = server.client();
    let mut contacts = 0;
    for text in TEXTS {
        let created = client.post("/api/contacts", &json!({"first_name": text, "nickname": text, "email": text}));
        let contact = created.expect(201)["data"]["id"].as_i64().unwrap();
        contacts += 1;
        let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": text});
        let call = client.post("/api/calls", &body).expect(201)["data"].clone();
        let shown = client.get(&format!("/api/calls/{}", call["id"])).expect(200)["data"].clone();
        assert_eq!(shown["content"], text.trim(), "stored unchanged");
        assert_eq!(shown["contact"]["first_name"], text.trim());
        let query = text.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        let found = client.get(&format!("/api/contacts?query={query}&limit=100"));
        let found = found.expect(200)["data"].as_array().unwrap().len();
        assert!(found <= contacts, "a search finds only contacts");
        for parameter in ["sort", "limit", "page", "with", "cursor", "name"] {
            let response = client.get(&format!("/api/calls?{parameter}={query}"));
            assert!(matches!(response.status, 200 | 400), "{parameter}={text}: {}", response.status);
        }
        for path in [format!("/api/calls/{query}"), format!("/api/contacts/{query}"), format!("/api/{query}")] {
            assert_eq!(client.get(&path).status, 404, "{path}");
        }
        let wrong = json!({"contact_id": text, "called_at": text, "content": "x", "emotions": [text]});
        assert!(matches!(client.post("/api/calls", &wrong).status, 404 | 422), "{text}");
    }
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], TEXTS.len());
    let (_, log) = server.stop();
    for line in log.lines() {
        assert!(!line.starts_with("HTTP/1.1") && !line.starts_with("2026-01-01"), "a forged line: {line}");
        assert!(!line.contains("DROP TABLE") && !line.contains("<script>"), "user input in the log: {line}");
    }
}

fn survives_bodies_that_attack_parsers(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let deep = |open: &str, close: &str| format!("{{\"content\":{}1{}}}", open.repeat(100_000), close.repeat(100_000));
    let call = |member: &str| format!(r#"{{"contact_id":{contact},"called_at":"2018-02-02","content":"x",{member}}}"#);
    for (body, status) in [
        (deep("[", "]"), 400),
        (deep("{\"a\":", "}"), 400),
        (format!("[{}", "[".repeat(1_000_000)), 400),
        ("{\"content\":\"\\ud800\"}".to_owned(), 400),
        ("{\"content\":\"\\udc00\\ud800\"}".to_owned(), 400),
        (call("\"n\":1e400"), 400),
        (call("\"n\":-"), 400),
        (call("\"n\":NaN"), 400),
        (call("\"n\":Infinity"), 400),
        (call(&format!("\"n\":{}", "9".repeat(100_000))), 400),
        (call("\"content\":\"a\\u0000b\""), 422),
        (call("\"content\":null"), 422),
        (call("\"contact_id\":1e999"), 400),
        (call("\"contact_id\":9223372036854775808"), 422),
        (call("\"contact_id\":1.0000000000000001e0"), 201),
        (call("\"called_at\":\"@99999999999999999999\""), 422),
        (call("\"content\":\"the last one wins\""), 201),
        (call("\"\\u0000\":\"\\u0000\""), 201),
        (call(&format!("\"{}\":1", "k".repeat(1_000_000))), 201),
        (call(&format!("\"n\":[{}0]", "[],".repeat(300_000))), 201),
        (format!("{{{}\"z\":1}}", "\"a\":1,".repeat(200_000)), 422),
    ] {
        let response = client.send("POST", "/api/calls", &[("content-type", "application/json")], body.as_bytes());
        assert_eq!(response.status, status, "{}…: {}", &body[..body.len().min(120)], response.body);
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for (body, status) in [
        ("a[".repeat(500_000), 422),
        ("emotions[]=1&".repeat(100_000), 422),
        (format!("contact_id={contact}&called_at=2018-02-02&content=x&contact_id[]=7"), 201),
        ("%".repeat(1_000_000), 422),
        ("&=&=".repeat(400_000), 422),
        (format!("contact_id={contact}&called_at=2018-02-02&content=%00"), 422),
    ] {
        let response = client.send("POST", "/api/calls", &form, body.as_bytes());
        assert_eq!(response.status, status, "{}…: {}", &body[..40], response.body);
    }
    let compressed =
        client.send("POST", "/api/calls", &[("content-encoding", "gzip")], b"\x1f\x8b\x08\x00\x00\x00\x00\x00");
    compressed.expect_error(415, 50, "The content encoding gzip is not supported.");
}

/// A random value, mostly an invalid one.
fn random_value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 9 } else { 11 }) {
        0 => Value::Null,
        1 => json!(random.below(2) == 0),
        2 => json!(random.below(5)),
        3 => json!(-(i64::try_from(random.below(3)).unwrap())),
        4 => json!(u64::MAX - random.below(9) as u64),
        5 => json!(1.5e300),
        6 => json!(TEXTS[random.below(TEXTS.len())]),
        7 => json!(["2018-02-02", "yesterday noon", "@1", "now", "0000-00-00", "9999-12-31"][random.below(6)]),
        8 => json!("\0"),
        9 => Value::Array((0..random.below(4)).map(|_| random_value(random, depth - 1)).collect()),
        _ => random_members(random, depth - 1),
    }
}

/// An object with random members.
fn random_members(random: &mut Random, depth: usize) -> Value {
    const NAMES: [&str; 25] = [
        "contact_id",
        "called_at",
        "content",
        "contact_called",
        "emotions",
        "first_name",
        "last_name",
        "nickname",
        "gender",
        "gender_id",
        "birthdate",
        "is_birthdate_known",
        "birthdate_day",
        "birthdate_month",
        "birthdate_year",
        "birthdate_is_age_based",
        "birthdate_age",
        "is_partial",
        "is_deceased",
        "email",
        "phone",
        "contact_fields",
        "contact_field_type_id",
        "data",
        "description",
    ];
    (0..random.below(8)).map(|_| (NAMES[random.below(NAMES.len())].to_owned(), random_value(random, depth))).collect()
}

fn answers_random_requests_without_5xx(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let seed = 2026;
    let mut random = Random(seed);
    for _ in 0..5 {
        client.create_call(client.create_contact("Leslie"), "2018-02-02");
    }
    for n in 0..quick_or_long(600, 50_000) {
        let id = ["1", "2", "3", "4", "999", "x", "%2e"][random.below(7)];
        let list =
            ["calls", "contacts", "genders", "me", "emotions", "contactfieldtypes", "contactfields"][random.below(7)];
        let path = match random.below(4) {
            0 => format!("/api/{list}"),
            1 => format!("/api/contacts/{id}/calls"),
            _ => format!("/api/{list}/{id}"),
        };
        let parameter = ["limit", "page", "sort", "query", "with", "content", "a[b]", "contact_id"][random.below(8)];
        let value = ["1", "-1", "0", "100", "1e9", "called_at", "-created_at", "%00", "%ff", "%F0%9F%8E%89", ""]
            [random.below(11)];
        let method = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"][random.below(7)];
        let body = if method == "GET" { String::new() } else { random_members(&mut random, 3).to_string() };
        let path = format!("{path}?{parameter}={value}");
        let response = client.send(method, &path, &[], body.as_bytes());
        assert!(
            response.status < 500,
            "seed {seed}, request {n}: {method} {path} {body}: {} {}",
            response.status,
            response.body
        );
    }
}
