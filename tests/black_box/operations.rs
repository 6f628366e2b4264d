//! What an operator sees: settings, health, proxies, metrics, logs.

use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};
use support::{Client, Setup, on_both_stores};

on_both_stores!(
    the_settings_in_force_are_shown_without_secrets,
    a_flag_wins_over_its_variable,
    a_healthcheck_is_of_the_configured_address,
    metrics_are_served_on_their_own_address,
    logs_hold_no_token_and_no_text_of_a_call,
    only_a_trusted_proxy_says_who_asks_and_where,
    a_given_token_that_opens_nothing_starts_no_server,
);

/// The value and source of a setting, as `check-config` shows it.
fn shown(report: &str, name: &str) -> (String, String) {
    let line = report.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{report}"));
    let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty()).skip(1);
    (columns.next().unwrap().to_owned(), columns.next().unwrap().to_owned())
}

fn the_settings_in_force_are_shown_without_secrets(setup: Setup) {
    let secret = "a-secret-of-at-least-32-characters";
    let file = setup.folder().join("token");
    fs::write(&file, format!("{secret}\n")).unwrap();
    let file = file.to_str().unwrap().to_owned();
    let setup = setup
        .set("CALLBOOK_TOKEN_FILE", &file)
        .set("CALLBOOK_BIND", "127.0.0.1:8099")
        .set("CALLBOOK_TRUSTED_PROXIES", "10.0.0.0/8")
        .set("CALLBOOK_POOLSIZE", "3");
    let output = setup.run(&["check-config"]);
    let report = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    let value = |name: &str| shown(&report, name);
    let from = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(value("CALLBOOK_TOKEN"), from("(hidden)", &format!("file {file}")));
    assert_eq!(value("CALLBOOK_BIND"), from("127.0.0.1:8099", "environment"));
    assert_eq!(value("CALLBOOK_TRUSTED_PROXIES"), from("10.0.0.0/8", "environment"));
    assert_eq!(value("CALLBOOK_COMPAT"), from("documented", "default"));
    let (store, source) = value("DATABASE_URL");
    if matches!(setup.store(), support::Store::Sqlite) {
        assert_eq!((store.as_str(), source.as_str()), ("sqlite://./data/callbook.db", "default"));
        assert_eq!(value("CALLBOOK_POOL_SIZE").0, "4");
    } else {
        assert!(store.starts_with("postgres://") && store.contains("hidden") && source == "environment", "{store}");
        assert_eq!(value("CALLBOOK_POOL_SIZE").0, "16");
    }
    assert!(!report.contains(secret));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("CALLBOOK_POOLSIZE is not a setting"), "{error}");
    let wrong = setup.set("CALLBOOK_TRUSTED_PROXIES", "everybody").run(&["check-config"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8(wrong.stderr).unwrap().starts_with("callbook: CALLBOOK_TRUSTED_PROXIES takes "));
}

fn a_flag_wins_over_its_variable(setup: Setup) {
    let secret = "a-secret-of-at-least-32-characters";
    let setup = setup
        .set("CALLBOOK_BIND", "nonsense")
        .set("CALLBOOK_POOL_SIZE", "3")
        .set("CALLBOOK_METRICS_BIND", "127.0.0.1:9090")
        .set("CALLBOOK_TOKEN_FILE", "/no/such/file");
    let flags = ["--bind", "127.0.0.1:8099", "--metrics-bind", "off", "--token", secret];
    let report = setup.output(&[&["check-config"][..], &flags].concat());
    assert_eq!(shown(&report, "CALLBOOK_BIND"), ("127.0.0.1:8099".to_owned(), "command line".to_owned()));
    assert_eq!(shown(&report, "CALLBOOK_METRICS_BIND"), ("off".to_owned(), "command line".to_owned()));
    assert_eq!(shown(&report, "CALLBOOK_TOKEN"), ("(hidden)".to_owned(), "command line".to_owned()));
    assert_eq!(shown(&report, "CALLBOOK_POOL_SIZE"), ("3".to_owned(), "environment".to_owned()));
    assert!(!report.contains(secret));
    let before_the_command = setup.output(&[&flags[..], &["check-config"]].concat());
    assert_eq!(before_the_command, report);
    for (arguments, problem) in [
        (&["check-config", "--bind", "8080"][..], "callbook: --bind takes "),
        (&["--bind", "8080"], "callbook: --bind takes "),
        (&["check-config", "--bind", "127.0.0.1:0"], "callbook: CALLBOOK_TOKEN_FILE cannot be read: /no/such/file"),
        (&["check-config", "--token", "a", "--token-file", "b"], "callbook: CALLBOOK_BIND takes "),
        (&["token", "list", "--database-url", "mysql://u:secret@h/db"], "callbook: --database-url takes "),
    ] {
        let output = setup.run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.lines().count()), (Some(2), 1), "{error}");
        assert!(error.starts_with(problem) && !error.contains("secret"), "{error}");
    }
    assert!(fs::read_dir(setup.folder()).unwrap().next().is_none(), "nothing was made");
}

fn a_healthcheck_is_of_the_configured_address(setup: Setup) {
    // A port that was free a moment ago: the command must be told which it is.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let setup = setup.set("CALLBOOK_BIND", &address).set("CALLBOOK_PUBLIC_URL", "https://example.org/callbook");
    let down = setup.run(&["healthcheck"]);
    assert_eq!(down.status.code(), Some(1));
    assert!(String::from_utf8(down.stderr).unwrap().contains(&address));
    let server = setup.serve();
    assert_eq!(setup.output(&["healthcheck"]), "");
    drop(server);
    assert_eq!(setup.run(&["healthcheck"]).status.code(), Some(1));
}

fn metrics_are_served_on_their_own_address(setup: Setup) {
    let server = setup.serve();
    assert_eq!(server.client().get("/metrics").status, 404, "off by default, and never beside the API");
    drop(server);
    let setup = setup.set("CALLBOOK_METRICS_BIND", "127.0.0.1:0");
    let token = setup.output(&["token", "create"]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&token));
    let call = client.log(client.meet("Leslie"), "2018-02-02");
    for path in [format!("/api/calls/{}", call["id"]), "/api/calls/99".to_owned(), "/api/nowhere/1".to_owned()] {
        client.get(&path);
    }
    let metrics = server.metrics().unwrap();
    let text = metrics.get("/metrics").body;
    for line in [
        r#"callbook_request_duration_seconds_count{method="POST",route="/api/calls",status="201"} 1"#,
        r#"callbook_request_duration_seconds_count{method="GET",route="/api/calls/{id}",status="200"} 1"#,
        r#"callbook_request_duration_seconds_count{method="GET",route="/api/calls/{id}",status="404"} 1"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.contains("callbook_store_connections{state=\"idle\"}") && text.contains("callbook_store_waiting{"));
    assert!(!text.contains("nowhere"), "a path that nothing serves makes no line of its own");
    assert_eq!(metrics.get("/api/calls").status, 404, "nothing else is served there");
    let second = setup.set("CALLBOOK_METRICS_BIND", server.base.strip_prefix("http://").unwrap()).run(&["serve"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8(second.stderr).unwrap().contains("CALLBOOK_METRICS_BIND"));
}

fn logs_hold_no_token_and_no_text_of_a_call(setup: Setup) {
    for format in ["text", "json"] {
        let setup = setup_with_log(&setup, format);
        let token = setup.output(&["token", "create"]);
        let server = setup.serve();
        let client = Client::new(&server.base, Some(&token));
        let contact = client.meet("Xanthippe");
        let call = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "an unheard-of secret"});
        let id = client.post("/api/calls", &call).expect(201)["data"]["id"].clone();
        client.put(&format!("/api/calls/{id}"), &json!({"content": "an unheard-of secret", "called_at": "x"}));
        client.get("/api/contacts?query=Xanthippe").expect(200);
        client.get(&format!("/api/calls?api_token={token}")).expect(200);
        client.with_token(Some("a-wrong-token")).get("/api/calls");
        client.send(
            "POST",
            "/api/calls",
            &[("content-type", "application/json")],
            b"{\"content\": \"an unheard-of sec",
        );
        let (_, log) = server.stop();
        assert!(log.lines().count() > 6, "{log}");
        for secret in [&token, "unheard-of", "Xanthippe", "a-wrong-token"] {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
        if format == "json" {
            let line: Value = log
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .find(|line: &Value| line["message"] == "request")
                .unwrap();
            assert_eq!(line["client"], "127.0.0.1");
        }
    }
}

/// The same store, everything logged.
fn setup_with_log(setup: &Setup, format: &str) -> Setup {
    let store = match setup.store() {
        support::Store::Sqlite => support::Store::Sqlite,
        support::Store::Postgres(database) => support::Store::Url(database.url()),
        support::Store::Url(url) => support::Store::Url(url.clone()),
    };
    Setup::on(store).set("CALLBOOK_LOG", "trace").set("CALLBOOK_LOG_FORMAT", format)
}

fn only_a_trusted_proxy_says_who_asks_and_where(setup: Setup) {
    let token = setup.output(&["token", "create"]);
    let headers = [
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "calls.example"),
        ("x-forwarded-for", "198.51.100.7, 203.0.113.9"),
    ];
    let setup = setup.set("CALLBOOK_LOG", "info");
    for (proxies, base, client_address) in [
        (None, None, "client=127.0.0.1"),
        (Some("10.0.0.0/8"), None, "client=127.0.0.1"),
        (Some("127.0.0.0/8, ::1"), Some("https://calls.example"), "client=203.0.113.9"),
    ] {
        let mut command = setup_like(&setup);
        if let Some(proxies) = proxies {
            command = command.set("CALLBOOK_TRUSTED_PROXIES", proxies);
        }
        let server = command.serve();
        let client = Client::new(&server.base, Some(&token));
        let answer = client.send("GET", "/api/calls", &headers, b"").expect(200);
        let expected = base.unwrap_or(&server.base);
        assert_eq!(answer["meta"]["path"], format!("{expected}/api/calls"));
        let (_, log) = server.stop();
        assert!(log.contains(client_address), "{log}");
    }
}

/// The same folder's store under the same settings.
fn setup_like(setup: &Setup) -> Setup {
    let store = match setup.store() {
        support::Store::Sqlite => {
            support::Store::Url(format!("sqlite://{}", setup.folder().join("data/callbook.db").display()))
        }
        support::Store::Postgres(database) => support::Store::Url(database.url()),
        support::Store::Url(url) => support::Store::Url(url.clone()),
    };
    Setup::on(store).set("CALLBOOK_LOG", "info")
}

fn a_given_token_that_opens_nothing_starts_no_server(setup: Setup) {
    let setup = setup.set("CALLBOOK_TOKEN", "a-token-of-at-least-32-characters");
    drop(setup.serve());
    setup.output(&["token", "revoke", "1"]);
    let output = setup.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("CALLBOOK_TOKEN was revoked"));
}

#[test]
fn a_shell_completes_and_a_manual_page_tells_every_command() {
    let setup = Setup::sqlite();
    for shell in ["bash", "zsh", "fish"] {
        assert!(setup.output(&["completions", shell]).contains("import-monica"), "{shell}");
    }
    assert_eq!(setup.run(&["completions", "tcsh"]).status.code(), Some(2));
    let page = setup.output(&["man"]);
    assert!(page.contains(".TH callbook 1") && page.contains("healthcheck") && page.contains("CALLBOOK_BIND"));
    let named: Vec<_> = page.lines().filter_map(|line| Some(line.strip_suffix("(1)")?.replace("\\-", "-"))).collect();
    assert!(named.iter().any(|name| name == "callbook-token-revoke"), "{named:?}");
    for name in named {
        assert!(page.contains(&format!(".TH {name} 1 ")), "{name} has no page");
    }
    assert!(fs::read_dir(setup.folder()).unwrap().next().is_none(), "nothing was made");
}

#[test]
fn a_secret_and_its_file_cannot_both_be_set() {
    let setup = Setup::sqlite().set("DATABASE_URL", "sqlite://a.db").set("DATABASE_URL_FILE", "/no/such/file");
    let output = setup.run(&["check-config"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error, "callbook: DATABASE_URL and DATABASE_URL_FILE cannot both be set\n");
    let setup = setup.set("DATABASE_URL_FILE", "").set("CALLBOOK_BIND", "");
    let report = setup.output(&["check-config"]);
    assert_eq!(shown(&report, "DATABASE_URL"), ("sqlite://a.db".to_owned(), "environment".to_owned()));
    assert_eq!(shown(&report, "CALLBOOK_BIND").1, "default", "an empty variable is not set");
}

#[test]
fn a_stalled_standard_error_blocks_no_request_and_no_shutdown() {
    let setup = Setup::sqlite().set("CALLBOOK_LOG", "info");
    let pipe = setup.folder().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Open for reading and never read. Opened for writing too, so that the opening does not wait for the server.
    let _reader = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let server = setup.serve_by(&["sh", "-c", "exec \"$@\" 2>pipe", "sh"]);
    let client = server.client();
    // More lines than the pipe holds.
    for _ in 0..2_000 {
        client.get("/api/me").expect(200);
    }
    assert_eq!(server.stop().0, Some(0));
    assert!(setup.folder().join("data/callbook.db").is_file());
    assert!(!setup.folder().join("data/callbook.db-wal").exists(), "the store is closed");
}

#[test]
fn a_healthcheck_of_a_free_port_is_refused() {
    let output = Setup::sqlite().run(&["healthcheck"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("CALLBOOK_BIND"));
}

#[test]
fn every_command_is_in_the_help_and_in_the_readme() {
    let help = Setup::sqlite().output(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let readme = include_str!("../../README.md");
    let operations = include_str!("../../docs/operations.md");
    let mut count = 0;
    for command in commands.filter_map(|line| line.split_whitespace().next()).filter(|command| *command != "help") {
        count += 1;
        assert!(readme.contains(&format!("callbook {command}")), "{command} is not in the README");
        assert!(operations.contains(&format!("callbook {command}")), "{command} is not in docs/operations.md");
    }
    assert_eq!(count, 15);
}
