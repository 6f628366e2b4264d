//! `callbook import-contacts`.

use std::process::Output;

use serde_json::json;
use support::{Setup, expect_failure, on_both_stores};

use crate::import_calls::data;

on_both_stores!(adds_contacts_once, a_bad_card_never_stops_the_rest,);

fn import(setup: &Setup, file: &str, more: &[&str]) -> Output {
    setup.run(&[&["import-contacts", file], more].concat())
}

#[track_caller]
fn imported(setup: &Setup, file: &str, more: &[&str]) -> String {
    let output = import(setup, file, more);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn adds_contacts_once(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let file = data("contacts.vcf");
    let total = || client.get("/api/contacts").expect(200)["meta"]["total"].clone();
    let dry_run = imported(&setup, &file, &["--dry-run"]);
    assert!(dry_run.contains("dry run") && dry_run.contains("contacts: 2 added, 0 known, 0 skipped"), "{dry_run}");
    assert_eq!(total(), 0);
    let output = imported(&setup, &file, &[]);
    assert!(output.contains("Account 1: contacts: 2 added, 0 known, 0 skipped"), "{output}");
    let contacts = client.get("/api/contacts?with=contactfields").expect(200)["data"].clone();
    support::assert_contains(
        &contacts[0],
        &json!({
            "uuid": "67e55044-10b1-426f-9247-bb680e5fe0c8", "complete_name": "Zoë Brontë (Z)",
            "information": {
                "career": {"job": "Pilot", "company": "Example, Ltd"},
                "dates": {"birthdate": {"is_age_based": false, "is_year_unknown": false, "date": "1985-04-12T00:00:00Z"}},
            },
            "contactFields": [
                {"content": "+41 31 000 00 00"}, {"content": "+41 31 000 00 02"}, {"content": "zoe@example.org"},
            ],
        }),
    );
    support::assert_contains(
        &contacts[1],
        &json!({
            "first_name": "Leslie", "last_name": "Barbara Knope",
            "information": {"dates": {"birthdate": {"is_year_unknown": true}}},
            "contactFields": [{"content": "+1-555-010-0100"}, {"content": "leslie@example.org"}],
        }),
    );
    assert!(imported(&setup, &file, &[]).contains("contacts: 0 added, 2 known, 0 skipped"));
    assert_eq!(total(), 2);
    let calls = setup.run(&["import-calls", &data("android.json"), "--format", "android-json"]);
    assert!(String::from_utf8_lossy(&calls.stdout).contains("calls: 2 added"), "the numbers are found");
    let account = setup.output(&["account", "create", "Another"]);
    assert!(imported(&setup, &file, &["--account", &account]).contains("contacts: 2 added"));
}

fn a_bad_card_never_stops_the_rest(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let output = import(&setup, &data("broken.vcf"), &[]);
    let summary = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(summary.contains("contacts: 2 added, 0 known, 3 skipped"), "{summary}");
    let error = expect_failure(output, 1);
    for problem in [
        "line 6: skipped: it has no name",
        "line 10: skipped: it is not UTF-8",
        "line 14: skipped: END:VCARD is missing",
    ] {
        assert!(error.contains(problem), "{error}");
    }
    let contacts = client.get("/api/contacts").expect(200);
    let names: Vec<_> = contacts["data"].as_array().unwrap().iter().map(|contact| &contact["complete_name"]).collect();
    assert_eq!(names, ["Good", "Also good"]);
    for (name, content, problem) in [
        ("empty.vcf", b"".as_slice(), "it has no vCard"),
        ("other.vcf", b"<html>", "it has no vCard"),
        ("utf16.vcf", b"\xff\xfeB\0E\0", "it is UTF-16"),
    ] {
        let path = setup.folder().join(name);
        std::fs::write(&path, content).unwrap();
        let error = expect_failure(import(&setup, path.to_str().unwrap(), &[]), 1);
        assert!(error.contains(problem), "{error}");
    }
    assert!(setup.expect_failure(&["import-contacts", "nothing.vcf"], 1).contains("No such file"));
}
