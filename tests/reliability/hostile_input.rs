//! Texts that mean something elsewhere mean nothing here: they are stored and shown as they are, or refused.

use serde_json::{Value, json};
use support::{Setup, on_both_stores};

use crate::quick_or_long;
use crate::write_history::Dice;

on_both_stores!(
    texts_that_mean_something_to_sql_html_or_a_log_are_only_texts,
    bodies_made_to_break_a_reader_are_refused_or_read,
    arbitrary_requests_are_never_a_fault,
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

fn texts_that_mean_something_to_sql_html_or_a_log_are_only_texts(setup: Setup) {
    let setup = setup.set("CALLBOOK_LOG", "debug");
    let server = setup.serve();
    let client = server.client();
    let mut people = 0;
    for text in TEXTS {
        let person = client.post("/api/contacts", &json!({"first_name": text, "nickname": text, "email": text}));
        let contact = person.expect(201)["data"]["id"].as_i64().unwrap();
        people += 1;
        let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": text});
        let call = client.post("/api/calls", &body).expect(201)["data"].clone();
        let shown = client.get(&format!("/api/calls/{}", call["id"])).expect(200)["data"].clone();
        assert_eq!(shown["content"], text.trim(), "as it is");
        assert_eq!(shown["contact"]["first_name"], text.trim());
        let query = text.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        let found = client.get(&format!("/api/contacts?query={query}&limit=100"));
        let found = found.expect(200)["data"].as_array().unwrap().len();
        assert!(found <= people, "a search finds contacts, not more");
        for word in ["sort", "limit", "page", "with", "cursor", "name"] {
            let answer = client.get(&format!("/api/calls?{word}={query}"));
            assert!(matches!(answer.status, 200 | 400), "{word}={text}: {}", answer.status);
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
        assert!(!line.contains("DROP TABLE") && !line.contains("<script>"), "what people say is in the log: {line}");
    }
}

fn bodies_made_to_break_a_reader_are_refused_or_read(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
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
        let answer = client.send("POST", "/api/calls", &[("content-type", "application/json")], body.as_bytes());
        assert_eq!(answer.status, status, "{}…: {}", &body[..body.len().min(120)], answer.body);
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
        let answer = client.send("POST", "/api/calls", &form, body.as_bytes());
        assert_eq!(answer.status, status, "{}…: {}", &body[..40], answer.body);
    }
    let unread =
        client.send("POST", "/api/calls", &[("content-encoding", "gzip")], b"\x1f\x8b\x08\x00\x00\x00\x00\x00");
    unread.expect_error(400, 37, "Problems parsing JSON");
}

/// A value, seldom a nice one.
fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 9 } else { 11 }) {
        0 => Value::Null,
        1 => json!(dice.below(2) == 0),
        2 => json!(dice.below(5)),
        3 => json!(-(i64::try_from(dice.below(3)).unwrap())),
        4 => json!(u64::MAX - dice.below(9) as u64),
        5 => json!(1.5e300),
        6 => json!(TEXTS[dice.below(TEXTS.len())]),
        7 => json!(["2018-02-02", "yesterday noon", "@1", "now", "0000-00-00", "9999-12-31"][dice.below(6)]),
        8 => json!("\0"),
        9 => Value::Array((0..dice.below(4)).map(|_| value(dice, depth - 1)).collect()),
        _ => members(dice, depth - 1),
    }
}

fn members(dice: &mut Dice, depth: usize) -> Value {
    const NAMES: [&str; 24] = [
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
        "data",
        "description",
    ];
    (0..dice.below(8)).map(|_| (NAMES[dice.below(NAMES.len())].to_owned(), value(dice, depth))).collect()
}

fn arbitrary_requests_are_never_a_fault(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let seed = 2026;
    let mut dice = Dice(seed);
    for _ in 0..5 {
        client.log(client.meet("Leslie"), "2018-02-02");
    }
    for n in 0..quick_or_long(600, 50_000) {
        let id = ["1", "2", "3", "4", "999", "x", "%2e"][dice.below(7)];
        let list = ["calls", "contacts", "genders", "me", "emotions", "contactfieldtypes"][dice.below(6)];
        let path = match dice.below(4) {
            0 => format!("/api/{list}"),
            1 => format!("/api/contacts/{id}/calls"),
            _ => format!("/api/{list}/{id}"),
        };
        let word = ["limit", "page", "sort", "query", "with", "content", "a[b]", "contact_id"][dice.below(8)];
        let value = ["1", "-1", "0", "100", "1e9", "called_at", "-created_at", "%00", "%ff", "%F0%9F%8E%89", ""]
            [dice.below(11)];
        let method = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"][dice.below(7)];
        let body = if method == "GET" { String::new() } else { members(&mut dice, 3).to_string() };
        let path = format!("{path}?{word}={value}");
        let answer = client.send(method, &path, &[], body.as_bytes());
        assert!(
            answer.status < 500,
            "seed {seed}, request {n}: {method} {path} {body}: {} {}",
            answer.status,
            answer.body
        );
    }
}
