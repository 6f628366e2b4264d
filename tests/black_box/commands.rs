//! The command line.

use diesel::connection::{Connection, SimpleConnection};
use serde_json::json;
use support::{Client, Setup, Store, on_both_stores};

on_both_stores!(
    tokens_are_made_listed_and_revoked,
    accounts_are_made_and_listed,
    the_demonstration_is_the_document_s,
    migrations_run_once,
    wrong_counters_are_told_and_repaired,
    counters_are_repaired_while_a_server_writes,
);

fn tokens_are_made_listed_and_revoked(setup: Setup) {
    let token = setup.output(&["token", "create", "--name", "n8n flow", "--expires", "90d", "--read-only"]);
    assert_eq!(token.lines().count(), 1, "the token alone");
    assert!(token.len() >= 64);
    let list = setup.output(&["token", "list"]);
    assert!(list.contains("n8n flow") && list.contains("read-only") && !list.contains(&token));
    let server = setup.serve();
    assert_eq!(server.token(), None, "there is a token already");
    let client = support::Client::new(&server.base, Some(&token));
    client.get("/api/me").expect(200);
    setup.output(&["token", "revoke", "1"]);
    support::wait_until("the revocation", || client.get("/api/me").status == 401);
    for (arguments, problem) in [
        (&["token", "revoke", "99"][..], "there is no token 99"),
        (&["token", "create", "--account", "99"], "there is no account 99"),
    ] {
        let output = setup.run(arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8(output.stderr).unwrap().contains(problem));
    }
}

fn accounts_are_made_and_listed(setup: Setup) {
    let first: i64 = setup.output(&["account", "create", "Parks"]).parse().unwrap();
    let second: i64 = setup.output(&["account", "create", "Recreation"]).parse().unwrap();
    assert!(second > first);
    let list = setup.output(&["account", "list"]);
    assert!(list.contains("Parks") && list.contains("Recreation"));
    let server = setup.serve();
    let me = server.client().get("/api/me").expect(200);
    assert_eq!(
        (&me["data"]["name"], &me["data"]["account"]["id"]),
        (&json!("Parks"), &json!(first)),
        "the first account"
    );
}

fn the_demonstration_is_the_document_s(setup: Setup) {
    setup.output(&["demo"]);
    setup.output(&["demo"]);
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

fn migrations_run_once(setup: Setup) {
    assert!(!setup.output(&["migrate"]).is_empty());
    assert_eq!(setup.output(&["migrate"]), "");
}

fn execute(setup: &Setup, sql: &str) {
    match setup.store() {
        Store::Sqlite => {
            let path = setup.folder().join("data/callbook.db");
            let mut connection = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            connection.batch_execute(&format!("PRAGMA busy_timeout = 5000; {sql}")).unwrap();
        }
        // A server that writes locks contacts by id, an UPDATE as they lie: each would wait for the other.
        Store::Postgres(database) => database.execute(&format!("LOCK TABLE contacts IN EXCLUSIVE MODE; {sql}")),
        Store::Url(_) => unreachable!(),
    }
}

/// The account's total and years, and the calls of each contact and when the newest was.
fn counted(client: &Client) -> [serde_json::Value; 2] {
    let calls = client.get("/api/calls?limit=1").expect(200);
    let contacts = client.get("/api/contacts?limit=100").expect(200);
    let contacts = contacts["data"].as_array().unwrap().iter().map(|contact| {
        let own = client.get(&format!("/api/contacts/{}/calls", contact["id"])).expect(200);
        json!([contact["id"], contact["statistics"], contact["last_called"], own["meta"]["total"]])
    });
    [calls["meta"].clone(), contacts.collect()]
}

fn wrong_counters_are_told_and_repaired(setup: Setup) {
    let told = setup.output(&["migrate", "--verify-counters"]);
    assert!(told.lines().count() > 1, "the migrations first: {told}");
    assert!(told.ends_with("\ncounters: all true (0 contacts, 0 months)"), "{told}");
    setup.output(&["demo", "--contacts", "7", "--calls", "150"]);
    let server = setup.serve();
    let client = server.client();
    let other = client.with_token(Some(&setup.another_account()));
    other.log(other.meet("Elsewhere"), "2017-12-31");
    let all_true = setup.output(&["migrate", "--verify-counters"]);
    assert!(all_true.starts_with("counters: all true (8 contacts, "), "{all_true}");
    let (before, others) = (counted(&client), counted(&other));
    execute(
        &setup,
        "UPDATE contacts SET calls = calls + 5 WHERE id = 1;
        UPDATE contacts SET last_called = NULL WHERE id = 2;
        UPDATE contacts SET last_called = (SELECT min(called_at) FROM calls), calls = 0 WHERE id = 3;
        UPDATE call_counts SET calls = calls + 3 WHERE month = (SELECT min(month) FROM call_counts WHERE account_id = 1);
        UPDATE call_counts SET month = 12 WHERE month = (SELECT max(month) FROM call_counts)",
    );
    assert_ne!(counted(&client)[0]["total"], before[0]["total"]);
    assert_ne!(counted(&client)[0]["statistics"], before[0]["statistics"]);
    assert_ne!(counted(&client)[1], before[1]);
    let told = setup.output(&["migrate", "--verify-counters"]);
    assert_eq!(told, "counters: 3 contacts and 3 months were wrong and are repaired");
    assert_eq!((counted(&client), counted(&other)), (before, others), "and the server shows it");
    assert_eq!(setup.output(&["migrate", "--verify-counters"]), all_true);
    execute(&setup, "DELETE FROM call_counts; UPDATE contacts SET calls = 1 WHERE calls > 1");
    let told = setup.output(&["migrate", "--verify-counters"]);
    assert!(told.ends_with(" were wrong and are repaired"), "{told}");
    client.log(1, "2017-12-31");
    let all_true = setup.output(&["migrate", "--verify-counters"]);
    assert!(all_true.starts_with("counters: all true (8 contacts, "), "{all_true}");
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 151);
}

fn counters_are_repaired_while_a_server_writes(setup: Setup) {
    setup.output(&["demo", "--contacts", "2", "--calls", "3000"]);
    let server = setup.serve();
    let client = server.client();
    let write = |&contact: &_| drop(client.log(contact, "2017-12-31"));
    let (written, ()) = support::beside([1, 2, 1, 2], write, || {
        for _ in 0..8 {
            execute(&setup, "UPDATE contacts SET calls = calls + 5; UPDATE call_counts SET calls = calls + 1");
            let told = setup.output(&["migrate", "--verify-counters"]);
            assert!(told.starts_with("counters: 2 contacts and "), "{told}");
            let told = setup.output(&["migrate", "--verify-counters"]);
            assert!(told.starts_with("counters: all true (2 contacts, "), "a write slipped in between: {told}");
        }
    });
    assert_eq!(client.get("/api/calls?limit=1").expect(200)["meta"]["total"], 3_000 + written);
}

#[test]
fn help_and_version_are_told() {
    let setup = Setup::sqlite();
    let help = setup.output(&["--help"]);
    for word in
        ["serve", "token", "account", "demo", "migrate", "openapi", "DATABASE_URL", "CALLBOOK_BIND", "127.0.0.1:8080"]
    {
        assert!(help.contains(word), "{word}");
    }
    assert!(setup.output(&["--version"]).starts_with("callbook "));
    assert!(std::fs::read_dir(setup.folder()).unwrap().next().is_none(), "nothing was made");
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_told_is_a_failure_and_no_panic() {
    let setup = Setup::sqlite();
    for arguments in [&["account", "create", "x"][..], &["account", "list"], &["token", "list"], &["check-config"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = setup.command(arguments).stdout(full).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
        assert!(error.starts_with("callbook: standard output: "), "{error}");
    }
}

#[test]
fn the_store_s_file_is_its_owner_s_alone_in_any_folder() {
    use std::os::unix::fs::PermissionsExt;
    let setup = Setup::sqlite().set("DATABASE_URL", "sqlite://here.db");
    setup.output(&["demo"]);
    let mode = std::fs::metadata(setup.folder().join("here.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn wrong_usage_is_2() {
    let setup = Setup::sqlite();
    for arguments in [
        &["nonsense"][..],
        &["token"],
        &["token", "revoke", "x"],
        &["account", "create"],
        &["token", "create", "--expires", "soon"],
    ] {
        assert_eq!(setup.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_wrong_setting_never_starts_a_server() {
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
        let output = setup.run(&["serve"]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.starts_with(&format!("callbook: {name} takes ")) && error.lines().count() == 1, "{error}");
        assert!(std::fs::read_dir(setup.folder()).unwrap().next().is_none(), "nothing was made");
    }
}
