//! `callbook import-monica-json`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use support::{Setup, expect_failure, on_both_stores};

use crate::import_calls::data;

on_both_stores!(adds_contacts_and_calls_once, reports_what_it_cannot_read,);

fn import(setup: &Setup, file: &str, more: &[&str]) -> Output {
    setup.run(&[&["import-monica-json", file], more].concat())
}

#[track_caller]
fn imported(setup: &Setup, file: &str, more: &[&str]) -> String {
    let output = import(setup, file, more);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn adds_contacts_and_calls_once(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let file = data("monica-export.json");
    let dry_run = imported(&setup, &file, &["--dry-run"]);
    for part in ["dry run", "contacts: 3 added, 0 known", "calls: 3 added, 0 known, 0 skipped"] {
        assert!(dry_run.contains(part), "{dry_run}");
    }
    assert_eq!(client.get("/api/contacts").expect(200)["meta"]["total"], 0);
    let output = imported(&setup, &file, &[]);
    for part in ["Account 1: contacts: 3 added, 0 known", "Account 1: calls: 3 added, 0 known, 0 skipped"] {
        assert!(output.contains(part), "{output}");
    }
    let exported = setup.output(&["export"]);
    let lines: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let uuid = |n: &str| format!("5f4b1c3e-0000-4000-8000-0000000000{n}");
    let line = |uuid: &str| lines.iter().find(|line| line["uuid"] == uuid).unwrap();
    support::assert_contains(
        line(&uuid("01")),
        &json!({
            "first_name": "Leslie", "middle_name": "Barbara", "last_name": "Knope", "nickname": "Les", "gender": "Woman",
            "description": "A friend\nfrom Pawnee", "is_starred": true, "is_active": true, "job": "Director",
            "company": "Parks and Rec",
            "birthdate": {"date": "2017-01-18T00:00:00Z", "is_age_based": false, "is_year_unknown": true},
            "fields": [{"kind": "Phone", "data": "+1 555 0100"}, {"kind": "Email", "data": "leslie@example.org"}],
        }),
    );
    let stamps = |line: &Value| [line["created_at"].clone(), line["updated_at"].clone()];
    assert_eq!(stamps(line(&uuid("01"))), ["2017-10-01T10:00:00Z", "2017-11-01T10:00:00Z"]);
    assert_eq!((&line(&uuid("02"))["is_active"], &line(&uuid("03"))["is_partial"]), (&json!(false), &json!(true)));
    let emotions = client.get("/api/emotions?limit=100").expect(200);
    let emotion = |name: &str| {
        let known = emotions["data"].as_array().unwrap().iter().find(|emotion| emotion["name"] == name);
        known.unwrap()["id"].clone()
    };
    support::assert_contains(
        line(&uuid("d1")),
        &json!({
            "contact_uuid": uuid("01"), "called_at": "2017-10-07T22:29:21Z", "content": "He called, we had fun.",
            "contact_called": true, "emotions": [emotion("joy"), emotion("delight")],
        }),
    );
    assert_eq!(stamps(line(&uuid("d1"))), ["2017-10-07T22:31:00Z", "2017-10-08T09:00:00Z"]);
    let plain = line(&uuid("d2"));
    assert_eq!((plain.get("content"), &plain["contact_called"]), (None, &json!(false)));
    assert_eq!(line(&uuid("d3"))["contact_uuid"], uuid("02"), "a call of an archived contact");
    let again = imported(&setup, &file, &[]);
    assert!(again.contains("contacts: 0 added, 3 known") && again.contains("calls: 0 added, 3 known"), "{again}");
    assert_eq!(setup.output(&["export"]), exported);
}

fn reports_what_it_cannot_read(setup: Setup) {
    setup.new_token();
    let good = std::fs::read_to_string(data("monica-export.json")).unwrap();
    let write = |content: &str| {
        let path = setup.folder().join("export.json");
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for (content, problem) in [
        (good.replace("1.0-preview.1", "2.0"), "it is of version 2.0, this Callbook reads version 1.0-preview.1"),
        ("{}".to_owned(), "it is no JSON export of Monica"),
        ("[]".to_owned(), "it is no JSON export of Monica"),
        ("<html>".to_owned(), "it is no JSON export of Monica"),
        (good[..good.len() / 2].to_owned(), "it is not JSON, or not complete"),
        (good.replace("\"Leslie\"", &"[".repeat(1_000)), "it is nested too deeply"),
    ] {
        let error = expect_failure(import(&setup, &write(&content), &[]), 1);
        assert!(error.contains(problem), "{error}");
    }
    let accounts = setup.output(&["export"]);
    assert_eq!(accounts.lines().count(), 2, "nothing is imported from a file that is not complete");
    let bad = good.replace("2017-10-09T00:00:00.000000Z", "someday").replace("\"first_name\": \"April\", ", "");
    let output = import(&setup, &write(&bad), &[]);
    let summary = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(
        summary.contains("contacts: 2 added") && summary.contains("calls: 2 added, 0 known, 2 skipped"),
        "{summary}"
    );
    let error = expect_failure(output, 1);
    for problem in ["call \"5f4b1c3e-0000-4000-8000-0000000000d2\": called_at is not a time", "it has no first name"] {
        assert!(error.contains(problem), "{error}");
    }
    assert!(setup.expect_failure(&["import-monica-json", "-"], 2).contains("takes a file"));
    assert!(setup.expect_failure(&["import-monica-json", "nothing.json"], 1).contains("No such file"));
}

/// Writes an export with one contact that has so many calls, of 10 kB each.
fn write_large(setup: &Setup, calls: usize) -> String {
    let path = setup.folder().join("large.json");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    let content = "words of a call ".repeat(640);
    let head = r#"{"version":"1.0-preview.1","account":{"data":[{"type":"contact","values":[{"uuid":"5f4b1c3e-0000-4000-8000-000000000001","properties":{"first_name":"Leslie"},"data":[{"type":"call","values":["#;
    write!(file, "{head}").unwrap();
    for n in 0..calls {
        let comma = if n == 0 { "" } else { "," };
        let uuid = format!("5f4b1c3e-0000-4000-8001-{n:012x}");
        write!(
            file,
            r#"{comma}{{"uuid":"{uuid}","properties":{{"called_at":"2018-02-02T10:00:00Z","content":"{content}"}}}}"#
        )
        .unwrap();
    }
    write!(file, "]}}]}}]}}],\"instance\":{{}}}}}}").unwrap();
    file.flush().unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
#[cfg(target_os = "linux")]
fn needs_little_memory_for_a_large_file() {
    let setup = Setup::sqlite();
    setup.new_token();
    let file = write_large(&setup, 11_000);
    let mut process =
        setup.command(&["import-monica-json", &file, "--dry-run"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut peak = 0;
    while process.try_wait().unwrap().is_none() {
        // The file of a process that has just ended has no such line.
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM"));
        peak = line.map_or(peak, |line| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024);
        std::thread::sleep(Duration::from_millis(10));
    }
    let summary = String::from_utf8(process.wait_with_output().unwrap().stdout).unwrap();
    assert!(summary.contains("calls: 11000 added, 0 known, 0 skipped"), "{summary}");
    assert!((1..100 << 20).contains(&peak), "{peak} bytes");
}
