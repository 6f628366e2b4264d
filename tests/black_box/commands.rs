//! Commands for tokens, accounts, demo data, migrations and counters; usage and settings.

use diesel::connection::{Connection, SimpleConnection};
use serde_json::{Value, json};
use support::{Client, Server, Setup, Store, expect_failure, on_both_stores};

on_both_stores!(
    creates_lists_and_revokes_tokens,
    shows_when_a_token_was_last_used,
    creates_the_demo_data_of_the_published_document,
    indexes_the_contents_of_an_existing_store,
    repairs_counters_while_a_server_writes,
    ; not_on_citus: runs_migrations_once, reports_and_repairs_wrong_counters,
);

fn creates_lists_and_revokes_tokens(setup: Setup) {
    setup.migrate();
    let created = setup.run(&["token", "create", "--name", "n8n flow", "--expires", "90d", "--read-only"]);
    let token = String::from_utf8(created.stdout).unwrap();
    assert_eq!(token.lines().count(), 1, "only the token");
    let token = token.trim_end();
    let message = String::from_utf8(created.stderr).unwrap();
    assert_eq!(message, "callbook: token 1 of account 1 is created\n");
    assert!(token.len() >= 64);
    let list = setup.output(&["token", "list"]);
    assert!(list.contains("n8n flow") && list.contains("read-only") && !list.contains(token));
    let list: Value = serde_json::from_str(&setup.output(&["token", "list", "--json"])).unwrap();
    let expected = json!({
        "id": 1, "account": 1, "name": "n8n flow", "scope": "read-only", "last_used_at": null, "revoked_at": null,
    });
    support::assert_contains(&list, &json!([expected]));
    assert!(list[0]["expires_at"].is_string());
    let server = setup.serve();
    assert_eq!(server.token(), None, "a token exists already");
    let client = Client::new(&server.base, Some(token));
    client.get("/api/me").expect(200);
    assert_eq!(setup.output(&["token", "revoke", "1"]), "Token 1 is revoked.");
    support::wait_until("the revocation", || client.get("/api/me").status == 401);
    for (arguments, problem) in [
        (&["token", "revoke", "99"][..], "there is no token 99"),
        (&["token", "create", "--account", "99"], "there is no account 99"),
    ] {
        assert!(setup.expect_failure(arguments, 1).contains(problem));
    }
}

fn shows_when_a_token_was_last_used(setup: Setup) {
    let [used, unused] = [setup.new_token(), setup.new_token()];
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&used));
    let listed = || serde_json::from_str::<Value>(&setup.output(&["token", "list", "--json"])).unwrap();
    for path in ["/healthz", "/docs/"] {
        client.with_token(Some(&unused)).get(path);
    }
    let use_often = |client: &&Client| drop(client.get("/api/me").expect(200));
    support::run_with_workers([&client; 8], use_often, || {
        support::wait_until("a recorded use", || listed()[0]["last_used_at"].is_string());
    });
    assert_eq!(server.stop().0, Some(0));
    let list = listed();
    let (created, last_used) = (list[0]["created_at"].as_str().unwrap(), list[0]["last_used_at"].as_str().unwrap());
    assert!(created <= last_used, "{list}");
    assert_eq!(list[1]["last_used_at"], Value::Null, "pages need no token");
    let table = setup.output(&["token", "list"]);
    let column: Vec<_> = table.lines().skip(1).map(|line| line.split_whitespace().nth(4).unwrap()).collect();
    assert_eq!(column, [last_used, "never"]);
    setup.output(&["backup", "copy"]);
    let restored = Setup::sqlite();
    restored.output(&["restore", setup.folder().join("copy").to_str().unwrap()]);
    let restored: Value = serde_json::from_str(&restored.output(&["token", "list", "--json"])).unwrap();
    assert_eq!(restored, list);
}

fn creates_the_demo_data_of_the_published_document(setup: Setup) {
    setup.output(&["demo"]);
    assert!(setup.output(&["demo"]).ends_with("nothing was added."));
    let server = setup.serve();
    let client = server.client();
    assert_eq!(client.get("/api/contacts").expect(200)["meta"]["total"], 2, "a second run adds nothing");
    let calls = client.get("/api/calls").expect(200);
    let shown: Vec<_> = calls["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["contact"]["last_name"].as_str().unwrap(), c["called_at"].as_str().unwrap()))
        .collect();
    let expected = [
        ("Knope", "2017-10-07T22:29:21Z"),
        ("Knope", "2017-10-07T21:17:45Z"),
        ("Troyat", "2017-10-07T21:02:57Z"),
        ("Knope", "2017-10-07T21:00:56Z"),
    ];
    assert_eq!(shown, expected);
    let henri = &calls["data"][2]["contact"];
    assert_eq!(henri["gender"], "male");
    let birthdate =
        json!({"name": "birthdate", "is_birthdate_approximate": "approximate", "birthdate": "1987-01-01T21:56:44Z"});
    assert_eq!(henri["information"]["dates"], json!([birthdate]));
}

fn runs_migrations_once(setup: Setup) {
    assert!(setup.output(&["migrate"]).lines().all(|line| line.starts_with("migration ") && line.ends_with(": done")));
    assert_eq!(setup.output(&["migrate"]), "The store is up to date.");
}

fn indexes_the_contents_of_an_existing_store(setup: Setup) {
    setup.output(&["demo", "--contacts", "60", "--calls", "300"]);
    let token = setup.new_token();
    let found = |server: &Server| {
        let client = Client::new(&server.base, Some(&token));
        ["/api/calls?query=laugh+hard", "/api/contacts?query=leslie"]
            .map(|list| client.get(list).expect(200)["meta"]["total"].as_u64().unwrap())
    };
    let before = found(&setup.serve());
    assert!(before[0] > 10 && before[1] > 0, "{before:?}");
    // The state that the migration leaves: an index without words and without a version.
    let empty_index = match setup.store() {
        Store::Sqlite => "INSERT INTO call_words (call_words) VALUES ('delete-all')",
        _ => "DELETE FROM call_words",
    };
    execute(&setup, &format!("{empty_index}; DELETE FROM search_index; UPDATE contacts SET search_text = ''"));
    // Servers that start together wait until the index is complete.
    std::thread::scope(|scope| {
        let starts = [0; 3].map(|_| scope.spawn(|| found(&setup.serve())));
        for start in starts {
            assert_eq!(start.join().unwrap(), before);
        }
    });
}

/// Executes statements on the store.
pub fn execute(setup: &Setup, sql: &str) {
    match setup.store() {
        Store::Sqlite => {
            let path = setup.sqlite_file();
            let mut connection = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            connection.batch_execute(&format!("PRAGMA busy_timeout = 5000; {sql}")).unwrap();
        }
        // The table lock prevents a deadlock: the server locks contacts by id, an UPDATE in the order of the rows.
        Store::Postgres(database) => database.execute(&format!("LOCK TABLE contacts IN EXCLUSIVE MODE; {sql}")),
        Store::Url(_) => unreachable!(),
    }
}

/// The counters of the account, and those of each contact with `last_called`.
fn counters(client: &Client) -> [serde_json::Value; 2] {
    let calls = client.get("/api/calls?limit=1").expect(200);
    let contacts = client.get("/api/contacts?limit=100").expect(200);
    let contacts = contacts["data"].as_array().unwrap().iter().map(|contact| {
        let own = client.get(&format!("/api/contacts/{}/calls", contact["id"])).expect(200);
        json!([contact["id"], contact["statistics"], contact["last_called"], own["meta"]["total"]])
    });
    [calls["meta"].clone(), contacts.collect()]
}

fn reports_and_repairs_wrong_counters(setup: Setup) {
    let report = setup.output(&["migrate", "--verify-counters"]);
    assert!(report.lines().count() > 1, "the migrations come first: {report}");
    assert!(report.ends_with("\ncounters: all true (0 contacts, 0 months)"), "{report}");
    setup.output(&["demo", "--contacts", "7", "--calls", "150"]);
    let server = setup.serve();
    let client = server.client();
    let other = client.with_token(Some(&setup.new_account_token()));
    other.create_call(other.create_contact("Elsewhere"), "2017-12-31");
    let correct = setup.output(&["migrate", "--verify-counters"]);
    assert!(correct.starts_with("counters: all true (8 contacts, "), "{correct}");
    let (before, other_before) = (counters(&client), counters(&other));
    execute(
        &setup,
        "UPDATE contacts SET calls = calls + 5 WHERE id = 1;
        UPDATE contacts SET last_called = NULL WHERE id = 2;
        UPDATE contacts SET last_called = (SELECT min(called_at) FROM calls), calls = 0 WHERE id = 3;
        UPDATE call_counts SET calls = calls + 3 WHERE month = (SELECT min(month) FROM call_counts WHERE account_id = 1);
        UPDATE call_counts SET month = 12 WHERE month = (SELECT max(month) FROM call_counts)",
    );
    assert_ne!(counters(&client)[0]["total"], before[0]["total"]);
    assert_ne!(counters(&client)[0]["statistics"], before[0]["statistics"]);
    assert_ne!(counters(&client)[1], before[1]);
    let report = setup.output(&["migrate", "--verify-counters"]);
    assert_eq!(report, "counters: 3 contacts and 3 months were wrong and are repaired");
    assert_eq!(
        (counters(&client), counters(&other)),
        (before, other_before),
        "the server returns the repaired counters"
    );
    assert_eq!(setup.output(&["migrate", "--verify-counters"]), correct);
    execute(&setup, "DELETE FROM call_counts; UPDATE contacts SET calls = 1 WHERE calls > 1");
    let report = setup.output(&["migrate", "--verify-counters"]);
    assert!(report.ends_with(" were wrong and are repaired"), "{report}");
    client.create_call(1, "2017-12-31");
    let correct = setup.output(&["migrate", "--verify-counters"]);
    assert!(correct.starts_with("counters: all true (8 contacts, "), "{correct}");
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 151);
}

fn repairs_counters_while_a_server_writes(setup: Setup) {
    setup.output(&["demo", "--contacts", "2", "--calls", "3000"]);
    let server = setup.serve();
    let client = server.client();
    let write = |&contact: &_| drop(client.create_call(contact, "2017-12-31"));
    let (written, ()) = support::run_with_workers([1, 2, 1, 2], write, || {
        for _ in 0..8 {
            execute(&setup, "UPDATE contacts SET calls = calls + 5; UPDATE call_counts SET calls = calls + 1");
            let report = setup.output(&["migrate", "--verify-counters"]);
            assert!(report.starts_with("counters: 2 contacts and "), "{report}");
            let report = setup.output(&["migrate", "--verify-counters"]);
            assert!(
                report.starts_with("counters: all true (2 contacts, "),
                "a write between repair and check: {report}"
            );
        }
    });
    assert_eq!(client.get("/api/calls?limit=1").expect(200)["meta"]["total"], 3_000 + written);
}

#[test]
fn prints_help_and_version() {
    let setup = Setup::sqlite();
    let help = setup.output(&["--help"]);
    for word in
        ["serve", "token", "account", "demo", "migrate", "openapi", "DATABASE_URL", "CALLBOOK_BIND", "127.0.0.1:8080"]
    {
        assert!(help.contains(word), "{word}");
    }
    assert!(setup.output(&["--version"]).starts_with("callbook "));
    assert!(std::fs::read_dir(setup.folder()).unwrap().next().is_none(), "no file is created");
}

#[test]
#[cfg(target_os = "linux")]
fn fails_without_a_panic_if_standard_output_is_full() {
    let setup = Setup::sqlite();
    setup.migrate();
    for arguments in [&["account", "create", "x"][..], &["account", "list"], &["token", "list"], &["check-config"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = expect_failure(setup.command(arguments).stdout(full).output().unwrap(), 1);
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.starts_with("callbook: standard output: "), "{error}");
    }
}

#[test]
fn creates_the_database_file_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let setup = Setup::sqlite().set("DATABASE_URL", "sqlite://here.db");
    setup.output(&["demo"]);
    let mode = std::fs::metadata(setup.folder().join("here.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn exits_with_2_on_wrong_usage() {
    let setup = Setup::sqlite();
    for arguments in [
        &["nonsense"][..],
        &["token"],
        &["token", "revoke", "x"],
        &["account", "create"],
        &["token", "create", "--expires", "soon"],
        &["token", "create", "--expires", "0d"],
    ] {
        setup.expect_failure(arguments, 2);
    }
    let error = setup.expect_failure(&["token", "create", "--expires", "0d"], 2);
    assert!(error.contains("a number and a unit, such as 90d"), "{error}");
}

#[test]
fn a_closed_reader_is_no_error() {
    let setup = Setup::sqlite();
    setup.output(&["demo"]);
    for arguments in [&["token", "list"][..], &["export"], &["migrate"], &["openapi"], &["man"], &["--help"], &["-x"]] {
        let mut command = setup.command(arguments);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = command.stdout(writer.try_clone().unwrap()).stderr(writer).status().unwrap();
        let expected = if arguments == ["-x"] { 2 } else { 0 };
        assert_eq!(status.code(), Some(expected), "{arguments:?}");
    }
}

#[test]
fn starts_no_server_with_an_invalid_setting() {
    for (name, value) in [
        ("DATABASE_URL", "mysql://root@localhost/db"),
        ("DATABASE_URL", "postgres://root:se%cret@localhost/db"),
        ("CALLBOOK_BIND", "nonsense"),
        ("CALLBOOK_PUBLIC_URL", "example"),
        ("CALLBOOK_COMPAT", "monica-5"),
        ("CALLBOOK_RATE_LIMIT_PER_MINUTE", "-1"),
        ("CALLBOOK_TOKEN", "short"),
        ("CALLBOOK_POOL_SIZE", "none"),
        ("CALLBOOK_LOG_FORMAT", "xml"),
    ] {
        let setup = Setup::sqlite().set(name, value);
        let error = setup.expect_failure(&["serve"], 2);
        assert!(error.starts_with(&format!("callbook: {name} takes ")) && error.lines().count() == 1, "{error}");
        assert!(std::fs::read_dir(setup.folder()).unwrap().next().is_none(), "no file is created");
    }
}

#[test]
fn distributes_only_tables_on_citus() {
    for (setup, reason) in [(Setup::sqlite(), "SQLite"), (Setup::postgres(), "does not have the extension citus")] {
        let error = setup.expect_failure(&["migrate", "--distribute"], 1);
        assert!(error.contains(reason), "{error}");
        let missing = setup.expect_failure(&["token", "list"], 1);
        assert!(missing.contains("there is no store"), "the refused command created a store: {missing}");
    }
}
