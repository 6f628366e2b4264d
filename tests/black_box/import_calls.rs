//! `callbook import-calls`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use support::{Client, Setup, expect_failure, on_both_stores};

on_both_stores!(
    records_the_calls_of_a_phone_once,
    reads_every_format,
    creates_contacts_for_unknown_numbers,
    a_bad_row_never_stops_the_rest,
    records_what_precedes_an_error_of_the_file,
    keeps_what_the_owner_changed,
    records_many_calls_from_standard_input,
);

/// The path of a file beside the tests.
pub fn data(name: &str) -> String {
    format!("{}/black_box/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn import(setup: &Setup, format: &str, file: &str, more: &[&str]) -> Output {
    setup.run(&[&["import-calls", file, "--format", format], more].concat())
}

/// The standard output of a successful import.
#[track_caller]
fn imported(setup: &Setup, format: &str, file: &str, more: &[&str]) -> String {
    let output = import(setup, format, file, more);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn assert_has(text: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
}

fn contact(client: &Client, name: &str, phone: &str) -> i64 {
    let body = json!({"first_name": name, "phone": phone});
    client.post("/api/contacts", &body).expect(201)["data"]["id"].as_i64().unwrap()
}

fn total(client: &Client) -> u64 {
    client.get("/api/calls?limit=1").expect(200)["meta"]["total"].as_u64().unwrap()
}

/// The call with this external id.
#[track_caller]
fn call(client: &Client, external_id: &str) -> Value {
    let path = format!("/api/calls?external_id={}", support::encode(external_id));
    let page = client.get(&path).expect(200);
    assert_eq!(page["meta"]["total"], 1, "{external_id}");
    page["data"][0].clone()
}

fn write(setup: &Setup, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = setup.folder().join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

fn records_the_calls_of_a_phone_once(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let zoe = contact(&client, "Zoë", "+41 (0)31 000 00 00");
    contact(&client, "Reception", "+41 31 000 00 01");
    contact(&client, "Accounting", "0041310000001");
    let (format, file) = ("sms-backup-restore", data("sms-backup-restore.xml"));
    let dry_run = imported(&setup, format, &file, &["--dry-run"]);
    assert_has(&dry_run, &["dry run", "calls: 7 added, 0 known, 4 skipped"]);
    assert_eq!(total(&client), 0, "a dry run changes nothing");
    let output = imported(&setup, format, &file, &[]);
    assert_has(
        &output,
        &[
            "Account 1: calls: 7 added, 0 known, 4 skipped",
            "2 skipped: no contact has the number",
            "+41319999999 (2)",
            "1 skipped: several contacts have the number",
            "+41310000001 (1)",
            "1 skipped: the number is hidden",
        ],
    );
    let calls = client.get("/api/calls?sort=called_at&limit=100").expect(200);
    let of = |call: &Value| {
        (call["contact_called"].as_bool(), call["answered"].as_bool(), call["duration_seconds"].as_i64())
    };
    let found: Vec<_> = calls["data"].as_array().unwrap().iter().map(of).collect();
    let (incoming, outgoing) = (Some(true), Some(false));
    let expected = [
        (incoming, Some(true), Some(61)),
        (outgoing, Some(false), Some(0)),
        (outgoing, Some(true), Some(125)),
        (incoming, Some(false), Some(0)),
        (incoming, Some(false), Some(12)),
        (incoming, Some(false), Some(0)),
        (incoming, Some(false), Some(0)),
    ];
    assert_eq!(found, expected);
    let first = &calls["data"][0];
    assert_eq!((&first["called_at"], &first["phone_number"]), (&json!("2018-02-02T10:15:00Z"), &json!("+41310000000")));
    assert_eq!((&first["content"], &first["contact"]["id"]), (&Value::Null, &json!(zoe)));
    assert_has(&imported(&setup, format, &file, &[]), &["calls: 0 added, 7 known, 4 skipped"]);
    assert_has(&imported(&setup, format, &file, &["--dry-run"]), &["calls: 0 added, 7 known, 4 skipped"]);
    assert_eq!(total(&client), 7);
    let account = setup.output(&["account", "create", "Another"]);
    let other = imported(&setup, format, &file, &["--account", &account]);
    assert_has(&other, &[&format!("Account {account}: calls: 0 added, 0 known, 11 skipped")]);
}

fn reads_every_format(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    contact(&client, "Zoë", "+41310000000");
    contact(&client, "Plumber", "+41319999999");
    let zurich: &[&str] = &["--timezone", "Europe/Zurich"];
    let map =
        "called_at=Date,phone_number=Number,contact_name=Who,direction=Direction,duration_seconds=Length,content=Notes";
    let csv: &[&str] = &["--timezone", "Europe/Zurich", "--map", map];
    // The calls of android.json are in the XML too, from another program of the same phone.
    for (format, file, more, expected) in [
        ("sms-backup-restore", "sms-backup-restore.xml", &[][..], "calls: 9 added, 0 known, 2 skipped"),
        ("android-json", "android.json", &[], "calls: 0 added, 3 known, 1 skipped"),
        ("android-json", "android.ndjson", &[], "calls: 1 added, 1 known, 0 skipped"),
        ("asterisk-cdr", "Master.csv", zurich, "calls: 3 added, 1 known, 2 skipped"),
        ("fritzbox-csv", "fritzbox.csv", zurich, "calls: 3 added, 0 known, 2 skipped"),
        ("fritzbox-csv", "fritzbox-latin1.csv", zurich, "calls: 1 added, 0 known, 0 skipped"),
        ("csv", "calls.csv", csv, "calls: 2 added, 0 known, 0 skipped"),
    ] {
        let dry_run = imported(&setup, format, &data(file), &[more, &["--dry-run"]].concat());
        assert_has(&dry_run, &[expected]);
        assert_has(&imported(&setup, format, &data(file), more), &[expected]);
        assert_has(&imported(&setup, format, &data(file), more), &["calls: 0 added, "]);
    }
    for (external_id, called_at, contact_called, answered, seconds) in [
        // Both legs of the call have the key; the one that was answered counts.
        ("asterisk:1517566500.1", "2018-02-02T10:15:00Z", true, true, 61),
        ("asterisk:1530526500.4", "2018-07-02T10:15:00Z", false, true, 125),
        ("asterisk:1517580900.9", "2018-02-02T14:15:00Z", true, false, 0),
        ("fritzbox:0310000000:1530526500:out", "2018-07-02T10:15:00Z", false, true, 120),
        ("fritzbox:0319999999:1517562900:in", "2018-02-02T09:15:00Z", true, false, 0),
        ("csv:+41310000000:1517566500:in", "2018-02-02T10:15:00Z", true, true, 61),
    ] {
        let call = call(&client, external_id);
        assert_eq!(call["called_at"], called_at, "{external_id}");
        assert_eq!((&call["contact_called"], &call["duration_seconds"]), (&json!(contact_called), &json!(seconds)));
        let answered = if external_id.starts_with("csv") { Value::Null } else { json!(answered) };
        assert_eq!(call["answered"], answered, "{external_id}");
    }
    let noted = call(&client, "csv:+41310000000:1517566500:in");
    assert_eq!(noted["content"], "Lunch;\ntomorrow at \"Zum Löwen\"");
}

fn creates_contacts_for_unknown_numbers(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let file = data("sms-backup-restore.xml");
    let create = &["--create-contacts"][..];
    let dry_run = imported(&setup, "sms-backup-restore", &file, &["--create-contacts", "--dry-run"]);
    assert_has(&dry_run, &["calls: 10 added, 0 known, 1 skipped"]);
    let contacts =
        |client: &Client| client.get("/api/contacts?with=contactfields&limit=100").expect(200)["data"].clone();
    assert_eq!(contacts(&client), json!([]), "a dry run creates no contact");
    let output = imported(&setup, "sms-backup-restore", &file, create);
    assert_has(&output, &["calls: 10 added, 0 known, 1 skipped", "contacts: 3 added"]);
    let created = contacts(&client);
    let names: Vec<&str> = created.as_array().unwrap().iter().map(|c| c["complete_name"].as_str().unwrap()).collect();
    // `+41310000000`, `0310000000` and `+41 31 000 00 00` are one number.
    assert_eq!(names, ["Zoë Brontë", "Plumber Ltd", "The office"]);
    assert_eq!(created[1]["contactFields"][0]["content"], "+41319999999");
    let again = imported(&setup, "sms-backup-restore", &file, create);
    assert_has(&again, &["calls: 0 added, 10 known, 1 skipped", "contacts: 0 added"]);
    assert_eq!(contacts(&client).as_array().unwrap().len(), 3);
}

fn a_bad_row_never_stops_the_rest(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    contact(&client, "Zoë", "+41310000000");
    let xml = |date: &str| format!("<call number=\"+41310000000\" date=\"{date}\" duration=\"1\" type=\"1\"/>\n");
    let cdr = |start: &str| format!("\"\",\"+41310000000\",\"100\",,,,,,,\"{start}\",,,1,1,\"ANSWERED\",\n");
    let files = [
        ("sms-backup-restore", format!("<calls>\n{}{}{}</calls>", xml("1000000000001"), xml("x"), xml("1000000000002")), 3),
        (
            "android-json",
            "{\"number\":\"+41310000000\",\"date\":1100000000001,\"type\":1}\n{\"number\":\n\
             {\"number\":\"+41310000000\",\"date\":1100000000002,\"type\":1}\n"
                .to_owned(),
            2,
        ),
        ("asterisk-cdr", format!("{}a,b,c\n{}", cdr("2001-01-01 10:00:00"), cdr("2001-01-01 11:00:00")), 2),
        (
            "fritzbox-csv",
            "sep=;\nTyp;Datum;Name;Rufnummer;Nebenstelle;Eigene Rufnummer;Dauer\n1;01.01.01 10:00;;+41310000000;;;0:01\n\
             1;soon;;+41310000000;;;0:01\n1;01.01.01 11:00;;+41310000000;;;0:01\n"
                .to_owned(),
            4,
        ),
        (
            "csv",
            format!(
                "called_at,phone_number,content\n2001-01-01 10:00,+41310000000,\"{}\"\n2001-01-01 10:30,+41310000000,\"{}\"\n\
                 2001-01-01 11:00,+41310000000,\n",
                "fine".repeat(10),
                "x".repeat(2 << 20)
            ),
            3,
        ),
    ];
    for (number, (format, content, line)) in (1..).zip(files) {
        let output = import(&setup, format, &write(&setup, "calls", content), &[]);
        let summary = String::from_utf8(output.stdout.clone()).unwrap();
        assert_has(&summary, &["calls: 2 added, 0 known, 1 skipped", "1 skipped: unreadable"]);
        let error = expect_failure(output, 1);
        assert_has(&error, &[&format!("line {line}: skipped: "), "could not be read"]);
        assert_eq!(total(&client), 2 * number, "{format}");
    }
}

fn records_what_precedes_an_error_of_the_file(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    contact(&client, "Zoë", "+41310000000");
    let call = "<call number=\"+41310000000\" date=\"1000000000001\" duration=\"1\" type=\"1\"/>\n";
    for (rest, problem) in [
        ("", "line 3: it ends early"),
        ("<call number=\"", "line 3: it is not XML"),
        (&*format!("<call number=\"{}\"/>", "9".repeat(2 << 20)), "line 3: an element has more than 1 MiB"),
    ] {
        let output =
            import(&setup, "sms-backup-restore", &write(&setup, "calls.xml", format!("<calls>\n{call}{rest}")), &[]);
        assert_has(&String::from_utf8_lossy(&output.stdout), &["Account 1: calls: ", " 0 skipped"]);
        assert_has(&expect_failure(output, 1), &[problem]);
        assert_eq!(total(&client), 1, "{problem}");
    }
    let bomb = format!(
        "<!DOCTYPE calls [<!ENTITY a \"{}\"><!ENTITY b \"&a;&a;&a;\">]>\n<calls>\n<call number=\"&b;\" date=\"1\" type=\"1\"/></calls>",
        "ha".repeat(1_000)
    );
    let error = expect_failure(import(&setup, "sms-backup-restore", &write(&setup, "bomb.xml", bomb), &[]), 1);
    assert_has(&error, &["line 3: skipped: `number` has an entity that is unknown"]);
    assert!(error.len() < 1_000, "{error}");
    let utf16: Vec<u8> = "\u{feff}<calls/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (format, content, problem) in [
        ("sms-backup-restore", b"<smses count=\"0\"></smses>".as_slice(), "it begins with <smses>"),
        ("sms-backup-restore", &utf16, "it is UTF-16; save it as UTF-8"),
        ("sms-backup-restore", b"<?xml version=\"1.0\" encoding=\"UTF-16\"?><calls/>", "it is in UTF-16"),
        ("sms-backup-restore", b"", "it has no XML element"),
        ("fritzbox-csv", b"a;b\n", "the call list of a FRITZ!Box"),
        ("csv", b"Date,Number\n", "it has no column called_at"),
        ("csv", b"called_at,phone_number\n2018,\xff", "is not UTF-8"),
    ] {
        let error = expect_failure(import(&setup, format, &write(&setup, "other", content), &[]), 1);
        assert_has(&error, &[problem]);
    }
    for (arguments, code, problem) in [
        (&["import-calls", "nothing.xml", "--format", "csv"][..], 1, "nothing.xml: No such file"),
        (&["import-calls", "other", "--format", "xls"], 2, "sms-backup-restore"),
        (&["import-calls", "other"], 2, "--format"),
        (&["import-calls", "other", "--format", "csv", "--timezone", "Europe/Atlantis"], 2, "a time zone, such as"),
        (&["import-calls", "other", "--format", "csv", "--map", "when=Date"], 2, "it is none of called_at"),
        (&["import-calls", "other", "--format", "android-json", "--map", "called_at=Date"], 2, "--map is for"),
        (&["import-calls", "other", "--format", "android-json", "--account", "99"], 1, "there is no account 99"),
    ] {
        assert_has(&setup.expect_failure(arguments, code), &[problem]);
    }
    assert_eq!(total(&client), 1);
}

fn keeps_what_the_owner_changed(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let zoe = contact(&client, "Zoë", "+41310000000");
    let file = data("android.ndjson");
    imported(&setup, "android-json", &file, &[]);
    let imported_call = call(&client, "phone:+41310000000:1517566500123:in");
    let path = format!("/api/calls/{}", imported_call["id"]);
    let changed = client.patch(&path, &json!({"content": "We had fun.", "duration_seconds": 70})).expect(200);
    assert_has(&imported(&setup, "android-json", &file, &[]), &["calls: 0 added, 2 known, 0 skipped"]);
    assert_eq!(client.get(&path).expect(200)["data"], changed["data"]);
    client.put(&format!("/api/contacts/{zoe}"), &json!({"first_name": "Zoë", "is_active": false})).expect(200);
    let missed = write(&setup, "missed.json", r#"{"number": "+41310000000", "date": 1600000000000, "type": 3}"#);
    let output = imported(&setup, "android-json", &missed, &[]);
    assert_has(&output, &["calls: 0 added, 0 known, 1 skipped", "1 skipped: the contact with the number is archived"]);
}

fn records_many_calls_from_standard_input(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    contact(&client, "Zoë", "+41310000000");
    // More than two batches.
    let rows = (0..2_500).fold(String::new(), |mut rows, n| {
        let date = 1_500_000_000_000_i64 + n * 60_000;
        writeln!(rows, "{{\"number\":\"+41310000000\",\"date\":{date},\"duration\":{n},\"type\":1}}").unwrap();
        rows
    });
    let mut process = setup
        .command(&["import-calls", "-", "--format", "android-json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(rows.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_has(&String::from_utf8(output.stdout).unwrap(), &["calls: 2500 added, 0 known, 0 skipped"]);
    assert_eq!(total(&client), 2_500);
}

/// Reads the beginning, then many times the repeated part, then the end from standard input. Returns the peak memory.
#[cfg(target_os = "linux")]
fn peak_memory(setup: &Setup, format: &str, parts: [&str; 3], repetitions: usize) -> u64 {
    let mut process = setup
        .command(&["import-calls", "-", "--format", format])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    let [beginning, repeated, end] = parts;
    let chunk = repeated.repeat(1_000);
    input.write_all(beginning.as_bytes()).unwrap();
    for _ in 0..repetitions / 1_000 {
        // The command ends early if an element of XML is too long.
        if input.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let _ = input.write_all(end.as_bytes());
    drop(input);
    process.wait().unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: 0 kB");
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
}

#[test]
#[cfg(target_os = "linux")]
fn needs_little_memory_for_large_files() {
    let setup = Setup::sqlite();
    setup.new_token();
    let hidden =
        "<call number=\"-1\" duration=\"0\" date=\"1517591700000\" type=\"3\" readable_date=\"02.02.2018 18:15:00\"/>";
    let row = "{\"number\":null,\"date\":1517591700000,\"type\":3,\"duration\":0,\"name\":\"a name of some length\"}";
    for (format, parts, repetitions) in [
        // Many calls on one line, one row that never ends, and one cell that never ends.
        ("sms-backup-restore", ["<calls>", hidden, "</calls>"], 1_200_000),
        ("android-json", ["[", row, "]"], 1_200_000),
        ("android-json", ["{\"number\":\"", "0123456789", "\"}"], 12_000_000),
        ("asterisk-cdr", ["\"", "0123456789\n", "\""], 12_000_000),
        ("csv", ["called_at,phone_number\n\"", "0123456789,", "\""], 12_000_000),
        ("sms-backup-restore", ["<calls><call number=\"", "0123456789", "\"/></calls>"], 12_000_000),
    ] {
        let peak = peak_memory(&setup, format, parts, repetitions);
        assert!(peak < 100 << 20, "{format}: {peak} bytes");
    }
}
