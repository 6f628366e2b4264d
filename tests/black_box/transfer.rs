//! Export, import, backup, restore and demo data.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use support::{Client, Setup, Store, expect_failure, on_both_stores};

on_both_stores!(
    creates_the_same_demo_data_each_time,
    keeps_an_export_unchanged_through_the_other_store,
    adds_nothing_on_a_second_import_or_a_dry_run,
    keeps_the_members_of_external_systems_in_exports_and_backups,
    knows_an_imported_call_by_its_external_id,
    imports_the_lines_before_an_invalid_one,
    backs_up_every_acknowledged_call_under_load,
    restores_nothing_from_an_invalid_backup,
    leaves_an_empty_store_empty_after_a_failed_command,
);

/// A setup on the other kind of store.
fn on_other_store(setup: &Setup) -> Setup {
    match setup.store() {
        Store::Sqlite => Setup::postgres(),
        _ => Setup::sqlite(),
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// All contacts and calls by id, without their URLs, which contain the port of the server.
fn fetch_all(client: &Client) -> Vec<Value> {
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
        items.iter_mut().for_each(remove_urls);
        all.extend(items);
    }
    all
}

fn remove_urls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("url");
            members.values_mut().for_each(remove_urls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_urls),
        _ => {}
    }
}

fn creates_the_same_demo_data_each_time(setup: Setup) {
    let demo = ["demo", "--contacts", "7", "--calls", "150"];
    let message = setup.output(&demo);
    assert!(message.contains("7 made-up contacts and 150 made-up calls"), "{message}");
    assert!(setup.expect_failure(&demo, 1).contains("nothing was added"));
    let server = setup.serve();
    let shown = fetch_all(&server.client());
    let ids: Vec<_> = shown.iter().map(|item| item["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=7).chain(1..=150).collect::<Vec<_>>(), "ids without gaps");
    let sum: i64 = shown[..7].iter().map(|contact| contact["statistics"]["number_of_calls"].as_i64().unwrap()).sum();
    assert_eq!(sum, 150);
    for (n, call) in shown[7..].iter().enumerate() {
        assert_eq!(call["external_id"], format!("demo-{}", n + 1));
        assert!(call["phone_number"].is_string() && call["answered"].is_boolean(), "{call}");
        assert_eq!(call["answered"] == true, call["duration_seconds"].as_i64().unwrap() > 0, "{call}");
    }
    let another = Setup::sqlite();
    another.output(&demo);
    assert_eq!(fetch_all(&another.serve().client()), shown);
}

fn keeps_an_export_unchanged_through_the_other_store(setup: Setup) {
    setup.output(&["demo", "--contacts", "30", "--calls", "2500"]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&setup.new_token()));
    let zoe = json!({
        "first_name": "Zoë", "middle_name": "Q", "last_name": "Brontë 🎉", "nickname": "Z", "gender": "Woman",
        "description": "two\nlines", "birthdate": "1987-01-01", "is_birthdate_approximate": "approximate",
        "is_starred": true, "job": "Pilot", "company": "Gryzzl",
    });
    let id = client.post("/api/contacts", &zoe).expect(201)["data"]["id"].as_i64().unwrap();
    let body =
        json!({"contact_id": id, "called_at": "0001-01-01", "content": "\u{2028} \\ \" é 🎉", "emotions": [1, 135]});
    client.post("/api/calls", &body).expect(201);
    let shown = fetch_all(&client);
    let file = setup.folder().join("export.ndjson");
    let message = setup.output(&["export", text(&file)]);
    assert!(message.contains("31 contacts and 2501 calls"), "{message}");
    let exported = fs::read_to_string(&file).unwrap();
    assert_eq!(setup.output(&["export"]), exported.trim_end(), "standard output is the same");
    assert_eq!(setup.output(&["export", "--account", "1", "-"]), exported.trim_end());

    let second = on_other_store(&setup);
    second.migrate();
    second.output(&["import", text(&file)]);
    let second_server = second.serve();
    let second_client = second_server.client();
    let mut imported = fetch_all(&second_client);
    assert_eq!(imported.len(), shown.len());
    for (imported, shown) in imported.iter_mut().zip(&shown) {
        // Contact fields get new ids, and keep their UUIDs.
        let fields = imported.get_mut("contactFields").and_then(Value::as_array_mut).into_iter().flatten();
        for (n, field) in fields.enumerate() {
            field["id"] = shown["contactFields"][n]["id"].clone();
        }
    }
    assert_eq!(imported, shown, "the ids too, as they have no gaps");
    let years = |client: &Client| client.get("/api/calls?limit=1").expect(200)["meta"]["statistics"].clone();
    assert!(years(&client).as_object().is_some_and(|years| years.len() > 5), "{}", years(&client));
    assert_eq!(years(&second_client), years(&client));
    let second_export = second.folder().join("second-export.ndjson");
    second.output(&["export", text(&second_export)]);
    assert_eq!(fs::read_to_string(&second_export).unwrap(), exported);
    let third = Setup::on(Store::Sqlite);
    third.migrate();
    third.output(&["import", text(&second_export)]);
    assert_eq!(third.output(&["export"]), exported.trim_end());
}

fn adds_nothing_on_a_second_import_or_a_dry_run(setup: Setup) {
    let source = on_other_store(&setup);
    source.output(&["demo", "--contacts", "5", "--calls", "40"]);
    let file = source.folder().join("export.ndjson");
    source.output(&["export", text(&file)]);
    let file = text(&file);
    setup.output(&["demo"]);
    let before = setup.output(&["export"]);
    let message = setup.output(&["import", "--dry-run", file]);
    assert!(message.contains("5 contacts and 40 calls would be added"), "{message}");
    assert_eq!(setup.output(&["export"]), before);
    let message = setup.output(&["import", file]);
    assert!(message.contains("5 contacts and 40 calls added, 0 contacts and 0 calls were there already"), "{message}");
    let after = setup.output(&["export"]);
    let message = setup.output(&["import", file]);
    assert!(message.contains("0 contacts and 0 calls added, 5 contacts and 40 calls were there already"), "{message}");
    assert_eq!(setup.output(&["export"]), after);
    let another = setup.output(&["account", "create", "Another"]);
    setup.output(&["import", "--account", &another, file]);
    assert_eq!(setup.output(&["export", "--account", &another]), fs::read_to_string(file).unwrap().trim_end());
    for command in ["import", "export"] {
        let error = setup.expect_failure(&[command, "--account", "99", file], 1);
        assert!(error.contains("there is no account 99"), "{error}");
    }
    // From standard input.
    let mut child = setup.command(&["import", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(file).unwrap()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
}

fn keeps_the_members_of_external_systems_in_exports_and_backups(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let body = |more: Value| {
        let mut body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "Zoë laughed"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for more in [
        json!({"duration_seconds": 604_800, "answered": true, "phone_number": "+1 555 0100", "external_id": "pbx \"é\" 1"}),
        json!({"duration_seconds": 0, "answered": false}),
        json!({}),
    ] {
        client.post("/api/calls", &body(more)).expect(201);
    }
    let shown = fetch_all(&client);
    setup.output(&["export", "export"]);
    setup.output(&["backup", "backup"]);
    for (command, file) in [("import", "export"), ("restore", "backup")] {
        let target = on_other_store(&setup);
        if command == "import" {
            target.migrate();
        }
        target.output(&[command, text(&setup.folder().join(file))]);
        let copy = target.serve();
        let copy = Client::new(&copy.base, Some(&target.new_token()));
        assert_eq!(fetch_all(&copy), shown, "{command}");
        assert_eq!(copy.get("/api/calls?query=zoe+laugh").expect(200)["meta"]["total"], 3, "{command} indexes words");
        let upsert = body(json!({"external_id": "pbx \"é\" 1"}));
        assert_eq!(copy.post("/api/calls", &upsert).expect(200)["data"]["duration_seconds"], 604_800);
    }
}

fn knows_an_imported_call_by_its_external_id(setup: Setup) {
    let source = on_other_store(&setup);
    source.output(&["demo", "--contacts", "3", "--calls", "20"]);
    source.output(&["export", "export"]);
    let file = source.folder().join("export");
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    // Two calls that the account has already, from the telephone system itself.
    for external_id in ["demo-7", "demo-20"] {
        let body =
            json!({"contact_id": contact, "called_at": "2018-02-02", "content": "Mine.", "external_id": external_id});
        client.post("/api/calls", &body).expect(201);
    }
    let message = setup.output(&["import", "--dry-run", text(&file)]);
    assert!(message.contains("3 contacts and 18 calls would be added, 0 contacts and 2 calls"), "{message}");
    let message = setup.output(&["import", text(&file)]);
    assert!(message.contains("3 contacts and 18 calls added, 0 contacts and 2 calls were there already"), "{message}");
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 20);
    let kept = client.get("/api/calls?external_id=demo-7").expect(200);
    assert_eq!((&kept["meta"]["total"], &kept["data"][0]["content"]), (&json!(1), &json!("Mine.")));
    // Of two lines with one external id, the first one is added.
    let lines = fs::read_to_string(&file).unwrap().replace("demo-1\"", "twice\"").replace("demo-2\"", "twice\"");
    fs::write(&file, lines).unwrap();
    let another = setup.output(&["account", "create", "Another"]);
    let message = setup.output(&["import", "--account", &another, text(&file)]);
    assert!(message.contains("3 contacts and 19 calls added, 0 contacts and 1 calls were there already"), "{message}");
}

fn imports_the_lines_before_an_invalid_one(setup: Setup) {
    let source = Setup::sqlite();
    source.output(&["demo", "--contacts", "2", "--calls", "9"]);
    let whole = source.output(&["export"]);
    let lines: Vec<&str> = whole.lines().collect();
    setup.migrate();
    let file = setup.folder().join("invalid.ndjson");
    let import_invalid = |lines: &[&str], problem: &str| {
        fs::write(&file, lines.join("\n")).unwrap();
        let output = setup.run(&["import", text(&file)]);
        let message = String::from_utf8(output.stdout.clone()).unwrap();
        let error = expect_failure(output, 1);
        assert!(error.contains(problem) && error.lines().count() == 1, "{error}");
        message
    };
    // The header, two contacts and three calls.
    assert!(import_invalid(&lines[..6], "line 6: it ends early").contains("2 contacts and 3 calls added"));
    let mut cut = lines[..8].to_vec();
    cut.push(&lines[8][..40]);
    assert!(import_invalid(&cut, "line 9: column").contains("0 contacts and 2 calls added"));
    assert!(
        import_invalid(
            &[lines[0], &lines[1].replace("\"first_name\":\"", "\"first_name\":\" \",\"x\":\"")],
            "line 2: first_name:"
        )
        .contains("0 contacts and 0 calls added")
    );
    let mut incomplete = lines.clone();
    incomplete.remove(10);
    import_invalid(&incomplete, "and says");
    // Without the first contact and with a matching end, calls have no contact.
    let end = lines[12].replace("\"contacts\":2", "\"contacts\":1");
    let without_contact = [&lines[..1], &lines[2..12], &[end.as_str()]].concat();
    let empty = setup.output(&["account", "create", "Empty"]);
    fs::write(&file, without_contact.join("\n")).unwrap();
    let error = setup.expect_failure(&["import", "--account", &empty, text(&file)], 1);
    assert!(error.contains("calls were left out"), "{error}");
    for (line, problem) in [
        ("{}", "not the header"),
        ("not JSON", "not the header"),
        (r#"{"type":"header","format":"callbook","version":2,"content":"export"}"#, "version 2"),
        (r#"{"type":"header","format":"callbook","version":1,"content":"backup"}"#, "`callbook restore` takes it"),
    ] {
        import_invalid(&[line], problem);
    }
    fs::write(&file, whole.as_bytes()).unwrap();
    assert!(setup.output(&["import", text(&file)]).contains("0 contacts and 1 calls added"));
}

fn backs_up_every_acknowledged_call_under_load(setup: Setup) {
    setup.output(&["demo", "--contacts", "20", "--calls", "3000"]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&setup.new_token()));
    let other_account = setup.new_account_token();
    client.with_token(Some(&other_account)).create_contact("Elsewhere");
    let file = setup.folder().join("backup.ndjson");
    let moved =
        [1, 2, 3, 4].map(|contact| (contact, client.create_call(contact, "2018-02-02")["id"].as_i64().unwrap()));
    let write = |&(contact, moved): &_| {
        client.create_call(contact, "2018-02-02");
        // Moving a call also updates the counters of two contacts.
        client.patch(&format!("/api/calls/{moved}"), &json!({"contact_id": contact + 1}));
    };
    let (written, before) = support::run_with_workers(moved, write, || {
        support::wait_until("some writes", || {
            client.get("/api/calls?limit=1").expect(200)["meta"]["total"].as_u64().unwrap() > 3050
        });
        let before = client.get("/api/calls?limit=100&sort=-created_at").expect(200);
        setup.output(&["backup", text(&file)]);
        before
    });
    let max_total = 3000 + moved.len() as u64 + written;
    let min_total = before["meta"]["total"].as_u64().unwrap();
    let backup = fs::read_to_string(&file).unwrap();
    for secret in [&other_account, client.token().unwrap()] {
        assert!(!backup.contains(secret), "a backup has only hashes of tokens");
    }
    for target in [Setup::sqlite(), on_other_store(&Setup::on(Store::Sqlite))] {
        let message = target.output(&["restore", text(&file)]);
        assert!(message.contains("2 accounts, 3 tokens, 21 contacts"), "{message}");
        let error = target.expect_failure(&["restore", text(&file)], 1);
        assert!(error.contains("the store is not empty"), "{error}");
        let restored = target.serve();
        assert_eq!(restored.token(), None, "the tokens are restored");
        let restored = client.with_base(&restored.base);
        let total = restored.get("/api/calls?limit=1").expect(200)["meta"]["total"].as_u64().unwrap();
        assert!((min_total..=max_total).contains(&total), "{min_total} <= {total} <= {max_total}");
        for call in before["data"].as_array().unwrap() {
            let kept = restored.get(&format!("/api/calls/{}", call["id"])).expect(200);
            assert_eq!((&kept["data"]["uuid"], &kept["data"]["created_at"]), (&call["uuid"], &call["created_at"]));
        }
        let contacts = restored.get("/api/contacts?limit=100").expect(200);
        let sum: u64 = contacts["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|contact| contact["statistics"]["number_of_calls"].as_u64().unwrap())
            .sum();
        assert_eq!(sum, total, "the backup is consistent");
        assert_eq!(restored.with_token(Some(&other_account)).get("/api/contacts").expect(200)["meta"]["total"], 1);
        // A backup of the restored store is identical, on either kind of store.
        let copy = target.folder().join("copy.ndjson");
        target.output(&["backup", text(&copy)]);
        assert_eq!(fs::read_to_string(&copy).unwrap(), backup);
    }
}

fn restores_nothing_from_an_invalid_backup(setup: Setup) {
    setup.migrate();
    let source = Setup::sqlite();
    source.output(&["demo"]);
    source.output(&["token", "create"]);
    let file = source.folder().join("backup.ndjson");
    source.output(&["backup", text(&file)]);
    let whole = fs::read_to_string(&file).unwrap();
    let invalid = setup.folder().join("invalid.ndjson");
    let lines: Vec<&str> = whole.lines().collect();
    let duplicated = [&lines[..3], &lines[2..]].concat().join("\n");
    for (contents, problem) in [
        (whole[..whole.len() / 2].to_owned(), "line"),
        (lines[..lines.len() - 1].join("\n"), "it ends early"),
        (duplicated, ""),
        (source.output(&["export"]), "`callbook import` takes it"),
        (String::new(), "not the header"),
    ] {
        fs::write(&invalid, contents).unwrap();
        let error = setup.expect_failure(&["restore", text(&invalid)], 1);
        assert!(error.contains(problem), "{error}");
        assert_eq!(setup.output(&["account", "list"]).lines().count(), 1, "the store is still empty");
    }
    setup.output(&["restore", text(&file)]);
    assert_eq!(setup.output(&["export"]), source.output(&["export"]));
}

fn leaves_an_empty_store_empty_after_a_failed_command(setup: Setup) {
    setup.migrate();
    let source = Setup::sqlite();
    source.output(&["demo"]);
    let (backup, export) = (source.folder().join("backup"), source.folder().join("export"));
    source.output(&["backup", text(&backup)]);
    source.output(&["export", text(&export)]);
    for arguments in [
        &["import", text(&backup)][..],
        &["import", "missing"],
        &["import", "--dry-run", "--account", "1", text(&export)],
        &["token", "create", "--expires", "9000y"],
    ] {
        setup.expect_failure(arguments, 1);
    }
    let message = setup.output(&["import", "--dry-run", text(&export)]);
    assert!(message.starts_with("A new account: 2 contacts and 4 calls would be added, 0 contacts"), "{message}");
    setup.output(&["restore", text(&backup)]);
    assert_eq!(setup.output(&["export"]), source.output(&["export"]));
}

#[test]
fn never_overwrites_a_file_of_the_store() {
    let setup = Setup::sqlite();
    setup.output(&["demo"]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&setup.new_token()));
    client.create_call(1, "2018-02-02");
    let folder = setup.folder();
    symlink("data", folder.join("linked")).unwrap();
    let mut files = Vec::new();
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let name = format!("callbook.db{suffix}");
        if suffix != "-journal" {
            fs::hard_link(folder.join("data").join(&name), folder.join(format!("hard{suffix}"))).unwrap();
            files.push(format!("hard{suffix}"));
        }
        symlink(format!("data/{name}"), folder.join(format!("link{suffix}"))).unwrap();
        let absolute = text(&folder.join("data")).to_owned() + "/" + &name;
        files.extend([format!("link{suffix}"), format!("linked/../linked/./{name}"), format!("data/{name}"), absolute]);
    }
    for file in &files {
        for command in ["backup", "export"] {
            let error = setup.expect_failure(&[command, file], 1);
            assert!(error.contains("the store itself") || error.contains("no plain file"), "{file}: {error}");
        }
        // The store is found through a link, and a file of its own is no link.
        let linked = ["--database-url", "sqlite://linked/callbook.db", "export", file];
        setup.expect_failure(&linked, 1);
    }
    let wal = fs::OpenOptions::new().append(true).open(folder.join("data/callbook.db-wal")).unwrap();
    let error = expect_failure(setup.command(&["export"]).stdout(wal).output().unwrap(), 1);
    assert!(error.contains("standard output is a file of the store itself"), "{error}");
    client.create_call(1, "2018-02-03");
    server.kill();
    let server = setup.serve();
    assert_eq!(client.with_base(&server.base).get("/api/calls").expect(200)["meta"]["total"], 6, "no call is lost");
}

#[test]
fn replaces_a_file_only_by_a_complete_one() {
    let setup = Setup::sqlite();
    setup.output(&["demo", "--contacts", "1", "--calls", "2000"]);
    let file = setup.folder().join("copy");
    symlink("elsewhere", setup.folder().join("link")).unwrap();
    for command in ["backup", "export"] {
        fs::write(&file, "the last copy").unwrap();
        assert!(setup.expect_failure(&[command, "link"], 1).contains("no plain file"));
        // The limit of the file size, 51,200 bytes, makes the command fail after it has begun to write.
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh"]).arg(support::binary());
        let output = limited.args([command, "copy"]).current_dir(setup.folder()).env_clear().output().unwrap();
        let error = expect_failure(output, 1);
        assert!(error.starts_with("callbook: copy: "), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "the last copy");
        assert_eq!(fs::read_dir(setup.folder()).unwrap().count(), 3, "no other file is left");
        setup.output(&[command, "copy"]);
        assert!(fs::read_to_string(&file).unwrap().starts_with('{'));
    }
    setup.expect_failure(&["backup", "-"], 2);
}

#[test]
fn rejects_exports_and_backups_without_a_store() {
    let setup = Setup::sqlite();
    for command in [&["backup", "copy"][..], &["export"], &["export", "copy"]] {
        let error = setup.expect_failure(command, 1);
        assert!(error.contains("there is no store at "), "{error}");
    }
    assert!(fs::read_dir(setup.folder()).unwrap().next().is_none(), "no file is created");
    setup.output(&["migrate"]);
    assert!(setup.expect_failure(&["backup", "copy"], 1).contains("the store is empty"));
    setup.output(&["demo"]);
    let error = setup.expect_failure(&["backup", "no/such/folder/copy"], 1);
    assert!(error.starts_with("callbook: no/such/folder/copy: "), "{error}");
    setup.output(&["backup", "copy"]);
    setup.expect_failure(&["restore", "missing"], 1);
    let files: Vec<_> = fs::read_dir(setup.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files.len(), 2, "only the data and the copy: {files:?}");
}
