//! Passwords in URLs, which no output shows.

use std::process::Command;

use support::Setup;

/// URLs with a password of odd characters, of which each part is looked for. No server listens on the port.
const URLS: [&str; 14] = [
    "postgres://hidden1:hidden2@127.0.0.1:9/db",
    "postgres://hidden1:777hidden2%40hidden3@127.0.0.1:9/db",
    "postgres://hidden1:hidden2@hidden3@127.0.0.1:9/db",
    "postgres://hidden1:hidden2/hidden3@127.0.0.1:9/db",
    "postgres://hidden1:777?hidden2@127.0.0.1:9/db",
    "postgres://hidden1:777#hidden2@127.0.0.1:9/db",
    "postgres://hidden1:777?hidden2/hidden3@127.0.0.1:9/db",
    "postgres://hidden1:hidden2 hidden3@127.0.0.1:9/db",
    "postgres://hidden1:hidden2%hidden3@127.0.0.1:9/db",
    "postgres://hidden1:hidden2%00@127.0.0.1:9/db",
    "postgres://hidden1:hidden2@[::1/db",
    "postgres://127.0.0.1:9/db?password=hidden1&hidden2",
    "postgres://127.0.0.1:9?password=hidden1@hidden2",
    "mysql://hidden1:hidden2@127.0.0.1/db",
];

/// Asserts that the output of the command has no part of the URL's secrets.
#[track_caller]
fn assert_hides_secrets(mut command: Command) {
    let output = command.output().unwrap();
    let shown = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(!shown.is_empty(), "{command:?}");
    assert!(!shown.contains("hidden1") && !shown.contains("hidden2") && !shown.contains("hidden3"), "{shown}");
    assert!(!shown.contains("777"), "{shown}");
}

#[test]
fn shows_no_part_of_a_password() {
    for url in URLS {
        for arguments in [&["check-config"][..], &["account", "list"], &["serve"], &["migrate"]] {
            let setup = Setup::sqlite().set("CALLBOOK_LOG", "trace");
            let mut command = setup.command(arguments);
            command.env("DATABASE_URL", url);
            assert_hides_secrets(command);
            assert_hides_secrets(setup.command(&[arguments, &["--database-url", url]].concat()));
        }
        let setup = Setup::sqlite();
        for name in ["CALLBOOK_BIND", "CALLBOOK_PUBLIC_URL", "CALLBOOK_TRUSTED_PROXIES", "DATABASE_URL_FILE"] {
            let mut command = setup.command(&["serve"]);
            command.env(name, url);
            assert_hides_secrets(command);
        }
        assert_hides_secrets(setup.command(&["token", "list", url]));
    }
}

#[test]
fn shows_no_password_of_the_url_of_monica() {
    let setup = Setup::sqlite();
    setup.migrate();
    for url in [
        "https://hidden1:hidden2@127.0.0.1:9",
        "https://:hidden2@127.0.0.1:9",
        "https://hidden1:hidden2 hidden3@127.0.0.1:9",
        "https://127.0.0.1:9/?token=hidden2",
        "hidden1:hidden2@127.0.0.1:9",
    ] {
        assert_hides_secrets(setup.command(&["import-monica", "--monica-token", "hidden3", "--url", url]));
    }
}
