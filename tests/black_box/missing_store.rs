//! Commands in a place without a store.

use std::fs;

use support::{Setup, Store, on_both_stores};

on_both_stores!(
    warns_of_unknown_variables,
    ; not_on_citus: creates_no_store_by_accident, creates_no_store_for_an_invalid_backup,
);

/// Asserts that there is no store, and for SQLite no file.
fn assert_is_missing(setup: &Setup) {
    let error = setup.expect_failure(&["account", "list"], 1);
    assert!(error.starts_with("callbook: there is no store at "), "{error}");
    if matches!(setup.store(), Store::Sqlite) {
        assert!(!setup.folder().join("data").exists());
    }
}

fn creates_no_store_by_accident(setup: Setup) {
    let source = Setup::sqlite();
    source.output(&["demo"]);
    let export = source.output(&["export"]);
    fs::write(setup.folder().join("export"), export).unwrap();
    for arguments in [
        &["token", "create"][..],
        &["token", "list"],
        &["token", "revoke", "1"],
        &["account", "create", "x"],
        &["account", "list"],
        &["account", "rename", "1", "x"],
        &["account", "delete", "1", "--yes"],
        &["backup", "copy"],
        &["export"],
        &["export", "copy"],
        &["import", "export"],
        &["import", "--dry-run", "export"],
        &["import-monica", "--url", "http://127.0.0.1:9", "--monica-token", "x"],
    ] {
        let error = setup.expect_failure(arguments, 1);
        let place = match setup.store() {
            Store::Sqlite => setup.folder().join("data/callbook.db").to_str().unwrap().to_owned(),
            _ => "postgres://".to_owned(),
        };
        assert!(error.contains(&format!("there is no store at {place}")), "{arguments:?}: {error}");
        assert!(error.contains("--data-dir or --database-url"), "{arguments:?}: {error}");
    }
    // The port is free, and no server listens on it.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let error = setup.expect_failure(&["healthcheck", "--bind", &address], 1);
    assert!(error.contains(&address) && error.contains("--bind"), "{error}");
    assert_is_missing(&setup);
    assert!(!setup.folder().join("copy").exists());
    setup.migrate();
    assert_eq!(setup.output(&["account", "list"]).lines().count(), 1, "a store without an account");
}

fn creates_no_store_for_an_invalid_backup(setup: Setup) {
    let source = Setup::sqlite();
    source.output(&["demo"]);
    source.output(&["backup", "copy"]);
    let backup = fs::read_to_string(source.folder().join("copy")).unwrap();
    let lines: Vec<&str> = backup.lines().collect();
    let file = setup.folder().join("invalid");
    for contents in [lines[..lines.len() - 1].join("\n"), source.output(&["export"]), String::new()] {
        fs::write(&file, contents).unwrap();
        setup.expect_failure(&["restore", "invalid"], 1);
        setup.expect_failure(&["restore", "missing"], 1);
        assert_is_missing(&setup);
    }
    fs::write(&file, backup).unwrap();
    setup.output(&["restore", "invalid"]);
    assert_eq!(setup.output(&["export"]), source.output(&["export"]));
}

fn warns_of_unknown_variables(setup: Setup) {
    let secret = setup.folder().join("token");
    fs::write(&secret, "a-secret-of-at-least-32-characters").unwrap();
    let setup = setup.set("CALLBOOK_POOLSIZE", "3").set("CALLBOOK_TOKEN_FILE", secret.to_str().unwrap());
    for arguments in [&["migrate"][..], &["account", "list"], &["check-config"]] {
        let output = setup.run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains("CALLBOOK_POOLSIZE is not a setting"), "{error}");
    }
    let (_, log) = setup.serve().stop();
    assert!(log.contains("CALLBOOK_POOLSIZE is not a setting") && !log.contains("CALLBOOK_TOKEN_FILE"), "{log}");
}

/// An empty file and a database of another program are no stores.
#[test]
fn leaves_a_file_that_is_no_store_unchanged() {
    let setup = Setup::sqlite().set("DATABASE_URL", "sqlite://file.db");
    let file = setup.folder().join("file.db");
    fs::write(&file, "").unwrap();
    assert!(setup.expect_failure(&["token", "list"], 1).contains("there is no store at "));
    assert_eq!(fs::read(&file).unwrap(), b"");
    fs::write(&file, "some text").unwrap();
    assert!(setup.expect_failure(&["token", "list"], 1).contains("file.db: "));
    assert_eq!(fs::read(&file).unwrap(), b"some text");
    assert_eq!(fs::read_dir(setup.folder()).unwrap().count(), 1);
}
