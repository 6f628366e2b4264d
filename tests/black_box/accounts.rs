//! Commands for accounts.

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use support::{Client, Setup, expect_failure, on_both_stores};

on_both_stores!(
    creates_and_lists_accounts,
    gives_each_account_a_name_of_its_own,
    deletes_an_account_with_everything_that_it_owns,
    asks_for_the_name_of_the_account_to_delete,
    adds_demo_data_to_an_account,
);

fn creates_and_lists_accounts(setup: Setup) {
    setup.migrate();
    let first: i64 = setup.output(&["account", "create", "Parks"]).parse().unwrap();
    let second: i64 = setup.output(&["account", "create", "Recreation"]).parse().unwrap();
    assert!(second > first);
    let list = setup.output(&["account", "list"]);
    assert!(list.contains("Parks") && list.contains("Recreation"));
    let list: Value = serde_json::from_str(&setup.output(&["account", "list", "--json"])).unwrap();
    let expected = json!([{"id": first, "name": "Parks"}, {"id": second, "name": "Recreation"}]);
    support::assert_contains(&list, &expected);
    let server = setup.serve();
    let me = server.client().get("/api/me").expect(200);
    assert_eq!(
        (&me["data"]["name"], &me["data"]["account"]["id"]),
        (&json!("Parks"), &json!(first)),
        "the first account"
    );
}

fn gives_each_account_a_name_of_its_own(setup: Setup) {
    setup.migrate();
    let first = setup.output(&["account", "create", "Parks"]);
    let second = setup.output(&["account", "create", "Recreation"]);
    for arguments in [&["account", "create", "Parks"][..], &["account", "rename", &second, "Parks"]] {
        let error = setup.expect_failure(arguments, 1);
        assert!(error.contains(&format!("account {first} has the name Parks already")), "{error}");
    }
    assert!(setup.expect_failure(&["account", "rename", "99", "x"], 1).contains("there is no account 99"));
    let message = setup.output(&["account", "rename", &first, "Forests"]);
    assert_eq!(message, format!("Account {first} has the name Forests."));
    setup.output(&["account", "rename", &first, "Forests"]);
    setup.output(&["account", "rename", &second, "Parks"]);
    let list = setup.output(&["account", "list"]);
    assert!(list.contains("Forests") && list.contains("Parks") && !list.contains("Recreation"), "{list}");
}

fn deletes_an_account_with_everything_that_it_owns(setup: Setup) {
    setup.output(&["demo"]);
    let kept = setup.output(&["export"]);
    let account = setup.output(&["account", "create", "Another"]);
    let token = setup.output(&["token", "create", "--account", &account]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&token));
    client.create_call(client.create_contact("Leslie"), "2018-02-02");
    let message = setup.output(&["account", "delete", &account, "--yes"]);
    assert_eq!(message, format!("Account {account}, Another, is deleted."));
    support::wait_until("the end of the token", || client.get("/api/me").status == 401);
    assert_eq!(setup.output(&["export"]), kept, "the other account is unchanged");
    assert!(setup.output(&["migrate", "--verify-counters"]).starts_with("counters: all true (2 contacts, "));
    let error = setup.expect_failure(&["account", "delete", &account, "--yes"], 1);
    assert!(error.contains(&format!("there is no account {account}")), "{error}");
}

/// Runs a command with this standard input.
fn run_with_input(setup: &Setup, arguments: &[&str], input: &str) -> Output {
    let mut command = setup.command(arguments);
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = pipes.spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    process.wait_with_output().unwrap()
}

fn asks_for_the_name_of_the_account_to_delete(setup: Setup) {
    setup.output(&["demo"]);
    setup.output(&["account", "rename", "1", "Parks and Recreation"]);
    for answer in ["", "\n", "yes\n", "1\n", "parks and recreation\n"] {
        let error = expect_failure(run_with_input(&setup, &["account", "delete", "1"], answer), 1);
        assert!(error.contains("6 contacts and calls") && error.contains("nothing was deleted"), "{error}");
    }
    assert_eq!(setup.output(&["account", "list"]).lines().count(), 2);
    let output = run_with_input(&setup, &["account", "delete", "1"], "Parks and Recreation\n");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(setup.output(&["account", "list"]).lines().count(), 1, "only the heading");
}

fn adds_demo_data_to_an_account(setup: Setup) {
    setup.migrate();
    setup.output(&["account", "create", "First"]);
    let second = setup.output(&["account", "create", "Second"]);
    setup.output(&["demo", "--account", &second]);
    assert_eq!(setup.output(&["export", "--account", &second]).lines().count(), 8);
    assert_eq!(setup.output(&["export"]).lines().count(), 2, "only the header and the end");
    let error = setup.expect_failure(&["demo", "--account", "99"], 1);
    assert!(error.contains("there is no account 99"), "{error}");
}

#[test]
fn escapes_control_characters_of_names() {
    let setup = Setup::sqlite();
    setup.migrate();
    let name = "\u{1b}[2J\u{202e}x\ny";
    setup.output(&["account", "create", name]);
    setup.output(&["token", "create", "--name", name]);
    let error = setup.expect_failure(&["account", "create", name], 1);
    for shown in [setup.output(&["account", "list"]), setup.output(&["token", "list"]), error] {
        assert!(shown.contains("\\u{1b}[2J\\u{202e}x") && !shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
    }
}
