//! Whole contents in and out, by the command line.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use support::{Client, Setup, Store, on_both_stores};

on_both_stores!(
    made_up_contacts_and_calls_are_the_same_each_time,
    an_export_is_imported_by_the_other_store_and_comes_back_equal,
    importing_twice_adds_nothing_and_a_dry_run_changes_nothing,
    an_import_takes_what_stands_before_a_broken_line,
    a_backup_under_load_holds_every_call_that_was_answered_before,
    a_broken_backup_restores_nothing,
    what_fails_leaves_an_empty_store_empty,
);

/// A setup on the other store.
fn other(setup: &Setup) -> Setup {
    match setup.store() {
        Store::Sqlite => Setup::postgres(),
        _ => Setup::sqlite(),
    }
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Every contact and every call that the server shows, by id, without the links, which name its port.
fn everything(client: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    for list in ["/api/contacts", "/api/calls"] {
        let mut items = Vec::new();
        for page in 1.. {
            let path = format!("{list}?limit=100&sort=created_at&with=contactfields&page={page}");
            let shown = client.get(&path).expect(200)["data"].take();
            match shown.as_array().unwrap().as_slice() {
                [] => break,
                some => items.extend_from_slice(some),
            }
        }
        items.sort_by_key(|item| item["id"].as_i64());
        items.iter_mut().for_each(without_links);
        all.extend(items);
    }
    all
}

fn without_links(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("url");
            members.values_mut().for_each(without_links);
        }
        Value::Array(items) => items.iter_mut().for_each(without_links),
        _ => {}
    }
}

fn made_up_contacts_and_calls_are_the_same_each_time(setup: Setup) {
    let demo = ["demo", "--contacts", "7", "--calls", "150"];
    let said = setup.output(&demo);
    assert!(said.contains("7 made-up contacts and 150 made-up calls"), "{said}");
    let second = setup.run(&demo);
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8(second.stderr).unwrap().contains("nothing was added"));
    let server = setup.serve();
    let shown = everything(&server.client());
    let ids: Vec<_> = shown.iter().map(|item| item["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=7).chain(1..=150).collect::<Vec<_>>(), "ids without gaps");
    let counted: i64 =
        shown[..7].iter().map(|contact| contact["statistics"]["number_of_calls"].as_i64().unwrap()).sum();
    assert_eq!(counted, 150);
    let other = Setup::sqlite();
    other.output(&demo);
    assert_eq!(everything(&other.serve().client()), shown);
}

fn an_export_is_imported_by_the_other_store_and_comes_back_equal(setup: Setup) {
    setup.output(&["demo", "--contacts", "30", "--calls", "2500"]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&setup.output(&["token", "create"])));
    let zoe = json!({
        "first_name": "Zoë", "middle_name": "Q", "last_name": "Brontë 🎉", "nickname": "Z", "gender": "Woman",
        "description": "two\nlines", "birthdate": "1987-01-01", "is_birthdate_approximate": "approximate",
        "is_starred": true, "job": "Pilot", "company": "Gryzzl",
    });
    let id = client.post("/api/contacts", &zoe).expect(201)["data"]["id"].as_i64().unwrap();
    let body =
        json!({"contact_id": id, "called_at": "0001-01-01", "content": "\u{2028} \\ \" é 🎉", "emotions": [1, 135]});
    client.post("/api/calls", &body).expect(201);
    let shown = everything(&client);
    let file = setup.folder().join("there.ndjson");
    let said = setup.output(&["export", text(&file)]);
    assert!(said.contains("31 contacts and 2501 calls"), "{said}");
    let there = fs::read_to_string(&file).unwrap();
    assert_eq!(setup.output(&["export"]), there.trim_end(), "standard output is the same");
    assert_eq!(setup.output(&["export", "--account", "1", "-"]), there.trim_end());

    let second = other(&setup);
    second.output(&["import", text(&file)]);
    let second_server = second.serve();
    let second_client = second_server.client();
    let mut imported = everything(&second_client);
    assert_eq!(imported.len(), shown.len());
    for (imported, shown) in imported.iter_mut().zip(&shown) {
        // Contact fields get new ids, of which their UUIDs are made.
        let fields = shown["contactFields"].clone();
        if fields.is_array() {
            assert_eq!(imported["contactFields"].as_array().unwrap().len(), fields.as_array().unwrap().len());
            imported["contactFields"] = fields;
        }
    }
    assert_eq!(imported, shown, "ids too, for they had no gaps");
    let years = |client: &Client| client.get("/api/calls?limit=1").expect(200)["meta"]["statistics"].clone();
    assert!(years(&client).as_object().is_some_and(|years| years.len() > 5), "{}", years(&client));
    assert_eq!(years(&second_client), years(&client));
    let back = second.folder().join("back.ndjson");
    second.output(&["export", text(&back)]);
    assert_eq!(fs::read_to_string(&back).unwrap(), there);
    let third = Setup::on(Store::Sqlite);
    third.output(&["import", text(&back)]);
    assert_eq!(third.output(&["export"]), there.trim_end());
}

fn importing_twice_adds_nothing_and_a_dry_run_changes_nothing(setup: Setup) {
    let source = other(&setup);
    source.output(&["demo", "--contacts", "5", "--calls", "40"]);
    let file = source.folder().join("export.ndjson");
    source.output(&["export", text(&file)]);
    let file = text(&file);
    setup.output(&["demo"]);
    let before = setup.output(&["export"]);
    let said = setup.output(&["import", "--dry-run", file]);
    assert!(said.contains("5 contacts and 40 calls would be added"), "{said}");
    assert_eq!(setup.output(&["export"]), before);
    let said = setup.output(&["import", file]);
    assert!(said.contains("5 contacts and 40 calls added, 0 contacts and 0 calls were there already"), "{said}");
    let after = setup.output(&["export"]);
    let said = setup.output(&["import", file]);
    assert!(said.contains("0 contacts and 0 calls added, 5 contacts and 40 calls were there already"), "{said}");
    assert_eq!(setup.output(&["export"]), after);
    let another = setup.output(&["account", "create", "Another"]);
    setup.output(&["import", "--account", &another, file]);
    assert_eq!(setup.output(&["export", "--account", &another]), fs::read_to_string(file).unwrap().trim_end());
    for command in ["import", "export"] {
        let output = setup.run(&[command, "--account", "99", file]);
        assert_eq!(output.status.code(), Some(1));
        assert!(error(&output).contains("there is no account 99"), "{}", error(&output));
    }
    // Standard input.
    let mut child = setup.command(&["import", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(file).unwrap()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
}

fn an_import_takes_what_stands_before_a_broken_line(setup: Setup) {
    let source = Setup::sqlite();
    source.output(&["demo", "--contacts", "2", "--calls", "9"]);
    let whole = source.output(&["export"]);
    let lines: Vec<&str> = whole.lines().collect();
    let file = setup.folder().join("broken.ndjson");
    let broken = |lines: &[&str], problem: &str| {
        fs::write(&file, lines.join("\n")).unwrap();
        let output = setup.run(&["import", text(&file)]);
        assert_eq!(output.status.code(), Some(1));
        assert!(error(&output).contains(problem) && error(&output).lines().count() == 1, "{}", error(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    // The header, two contacts and three calls, then nothing.
    assert!(broken(&lines[..6], "line 6: it ends early").contains("2 contacts and 3 calls added"));
    let mut cut = lines[..8].to_vec();
    cut.push(&lines[8][..40]);
    assert!(broken(&cut, "line 9: column").contains("0 contacts and 2 calls added"));
    assert!(
        broken(
            &[lines[0], &lines[1].replace("\"first_name\":\"", "\"first_name\":\" \",\"x\":\"")],
            "line 2: first_name:"
        )
        .contains("0 contacts and 0 calls added")
    );
    let mut wrong = lines.clone();
    wrong.remove(10);
    broken(&wrong, "and says");
    let orphan: Vec<&str> =
        lines.iter().enumerate().filter(|(n, _)| *n != 1 && *n != 12).map(|(_, line)| *line).collect();
    let end = lines[12].replace("\"contacts\":2", "\"contacts\":1");
    let mut orphan = orphan;
    orphan.push(&end);
    let empty = setup.output(&["account", "create", "Empty"]);
    fs::write(&file, orphan.join("\n")).unwrap();
    let output = setup.run(&["import", "--account", &empty, text(&file)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).contains("calls were left out"), "{}", error(&output));
    for (line, problem) in [
        ("{}", "not the header"),
        ("not JSON", "not the header"),
        (r#"{"type":"header","format":"callbook","version":2,"content":"export"}"#, "version 2"),
        (r#"{"type":"header","format":"callbook","version":1,"content":"backup"}"#, "`callbook restore` takes it"),
    ] {
        broken(&[line], problem);
    }
    fs::write(&file, whole.as_bytes()).unwrap();
    assert!(setup.output(&["import", text(&file)]).contains("0 contacts and 1 calls added"));
}

fn a_backup_under_load_holds_every_call_that_was_answered_before(setup: Setup) {
    setup.output(&["demo", "--contacts", "20", "--calls", "3000"]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&setup.output(&["token", "create"])));
    let other_account = setup.another_account();
    client.with_token(Some(&other_account)).meet("Elsewhere");
    let file = setup.folder().join("backup.ndjson");
    let moved = [1, 2, 3, 4].map(|contact| (contact, client.log(contact, "2018-02-02")["id"].as_i64().unwrap()));
    let write = |&(contact, moved): &_| {
        client.log(contact, "2018-02-02");
        // A call that is moved is written as well.
        client.patch(&format!("/api/calls/{moved}"), &json!({"contact_id": contact + 1}));
    };
    let (written, before) = support::beside(moved, write, || {
        support::wait_until("some writes", || {
            client.get("/api/calls?limit=1").expect(200)["meta"]["total"].as_u64().unwrap() > 3050
        });
        let before = client.get("/api/calls?limit=100&sort=-created_at").expect(200);
        setup.output(&["backup", text(&file)]);
        before
    });
    let all = 3000 + moved.len() as u64 + written;
    let before_total = before["meta"]["total"].as_u64().unwrap();
    let backup = fs::read_to_string(&file).unwrap();
    for secret in [&other_account, client.token().unwrap()] {
        assert!(!backup.contains(secret), "only hashes");
    }
    for target in [Setup::sqlite(), other(&Setup::on(Store::Sqlite))] {
        let said = target.output(&["restore", text(&file)]);
        assert!(said.contains("2 accounts, 3 tokens, 21 contacts"), "{said}");
        let again = target.run(&["restore", text(&file)]);
        assert_eq!(again.status.code(), Some(1));
        assert!(error(&again).contains("the store is not empty"), "{}", error(&again));
        let restored = target.serve();
        assert_eq!(restored.token(), None, "the tokens are there");
        let restored = client.at(&restored.base);
        let total = restored.get("/api/calls?limit=1").expect(200)["meta"]["total"].as_u64().unwrap();
        assert!((before_total..=all).contains(&total), "{before_total} <= {total} <= {all}");
        for call in before["data"].as_array().unwrap() {
            let kept = restored.get(&format!("/api/calls/{}", call["id"])).expect(200);
            assert_eq!((&kept["data"]["uuid"], &kept["data"]["created_at"]), (&call["uuid"], &call["created_at"]));
        }
        let contacts = restored.get("/api/contacts?limit=100").expect(200);
        let counted: u64 = contacts["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|contact| contact["statistics"]["number_of_calls"].as_u64().unwrap())
            .sum();
        assert_eq!(counted, total, "the counts are of the same moment as the calls");
        assert_eq!(restored.with_token(Some(&other_account)).get("/api/contacts").expect(200)["meta"]["total"], 1);
        // A backup of what was restored is the same again, whichever store it is.
        let copy = target.folder().join("copy.ndjson");
        target.output(&["backup", text(&copy)]);
        assert_eq!(fs::read_to_string(&copy).unwrap(), backup);
    }
}

fn a_broken_backup_restores_nothing(setup: Setup) {
    let source = Setup::sqlite();
    source.output(&["demo"]);
    source.output(&["token", "create"]);
    let file = source.folder().join("backup.ndjson");
    source.output(&["backup", text(&file)]);
    let whole = fs::read_to_string(&file).unwrap();
    let broken = setup.folder().join("broken.ndjson");
    let lines: Vec<&str> = whole.lines().collect();
    let doubled = [&lines[..3], &lines[2..]].concat().join("\n");
    for (contents, problem) in [
        (whole[..whole.len() / 2].to_owned(), "line"),
        (lines[..lines.len() - 1].join("\n"), "it ends early"),
        (doubled, ""),
        (source.output(&["export"]), "`callbook import` takes it"),
        (String::new(), "not the header"),
    ] {
        fs::write(&broken, contents).unwrap();
        let output = setup.run(&["restore", text(&broken)]);
        assert_eq!(output.status.code(), Some(1));
        assert!(error(&output).contains(problem), "{}", error(&output));
        assert_eq!(setup.output(&["account", "list"]).lines().count(), 1, "the store is still empty");
    }
    setup.output(&["restore", text(&file)]);
    assert_eq!(setup.output(&["export"]), source.output(&["export"]));
}

fn what_fails_leaves_an_empty_store_empty(setup: Setup) {
    let source = Setup::sqlite();
    source.output(&["demo"]);
    let (backup, export) = (source.folder().join("backup"), source.folder().join("export"));
    source.output(&["backup", text(&backup)]);
    source.output(&["export", text(&export)]);
    for arguments in [
        &["import", text(&backup)][..],
        &["import", "missing"],
        &["import", "--dry-run", text(&export)],
        &["token", "create", "--expires", "9000y"],
    ] {
        assert_eq!(setup.run(arguments).status.code(), Some(1), "{arguments:?}");
    }
    setup.output(&["restore", text(&backup)]);
    assert_eq!(setup.output(&["export"]), source.output(&["export"]));
}

#[test]
fn a_copy_replaces_neither_the_store_nor_a_link() {
    let setup = Setup::sqlite();
    setup.output(&["demo"]);
    let export = setup.output(&["export"]);
    std::os::unix::fs::symlink("elsewhere", setup.folder().join("link")).unwrap();
    for command in ["backup", "export"] {
        let output = setup.run(&[command, "data/callbook.db"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(error(&output).contains("the store itself"), "{}", error(&output));
        assert!(error(&setup.run(&[command, "link"])).contains("no plain file"));
    }
    assert_eq!(setup.run(&["backup", "-"]).status.code(), Some(2));
    assert_eq!(setup.output(&["export"]), export);
}

#[test]
fn nothing_is_copied_from_nowhere() {
    let setup = Setup::sqlite();
    for command in [&["backup", "copy"][..], &["export"], &["export", "copy"]] {
        let output = setup.run(command);
        assert_eq!(output.status.code(), Some(1));
        assert!(error(&output).contains("there is no store at ./data/callbook.db"), "{}", error(&output));
    }
    assert!(fs::read_dir(setup.folder()).unwrap().next().is_none(), "nothing was made");
    setup.output(&["migrate"]);
    assert!(error(&setup.run(&["backup", "copy"])).contains("the store is empty"));
    setup.output(&["demo"]);
    let output = setup.run(&["backup", "no/such/folder/copy"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).starts_with("callbook: no/such/folder/copy: "), "{}", error(&output));
    setup.output(&["backup", "copy"]);
    assert_eq!(setup.run(&["restore", "missing"]).status.code(), Some(1));
    let left: Vec<_> = fs::read_dir(setup.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the data and the copy, nothing half made: {left:?}");
}
