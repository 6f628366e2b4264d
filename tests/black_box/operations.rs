//! Settings, health checks, metrics, logs, trusted proxies, completions and manual pages.

use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};
use support::{Client, Setup, on_both_stores};

on_both_stores!(
    shows_the_settings_without_secrets,
    prefers_a_flag_to_its_variable,
    checks_the_health_of_the_configured_address,
    serves_metrics_on_their_own_address,
    logs_no_token_and_no_user_input,
    trusts_forwarded_headers_only_of_trusted_proxies,
    starts_no_server_with_a_revoked_token,
);

/// The value and the source of a setting in the report of `check-config`.
fn value_and_source(report: &str, name: &str) -> (String, String) {
    let line = report.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{report}"));
    let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty()).skip(1);
    (columns.next().unwrap().to_owned(), columns.next().unwrap().to_owned())
}

fn shows_the_settings_without_secrets(setup: Setup) {
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
    let value = |name: &str| value_and_source(&report, name);
    let from = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(value("CALLBOOK_TOKEN"), from("(hidden)", &format!("file {file}")));
    assert_eq!(value("CALLBOOK_BIND"), from("127.0.0.1:8099", "environment"));
    assert_eq!(value("CALLBOOK_TRUSTED_PROXIES"), from("10.0.0.0/8", "environment"));
    assert_eq!(value("CALLBOOK_COMPAT"), from("documented", "default"));
    let (store, source) = value("DATABASE_URL");
    if matches!(setup.store(), support::Store::Sqlite) {
        assert_eq!((store.as_str(), source.as_str()), ("sqlite://./data/callbook.db", "default"));
        assert_eq!(value("CALLBOOK_POOL_SIZE").0, "8");
    } else {
        assert!(store.starts_with("postgres://") && store.contains("hidden") && source == "environment", "{store}");
        assert_eq!(value("CALLBOOK_POOL_SIZE").0, "16");
    }
    assert!(!report.contains(secret));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("CALLBOOK_POOLSIZE is not a setting"), "{error}");
    let error = setup.set("CALLBOOK_TRUSTED_PROXIES", "everybody").expect_failure(&["check-config"], 2);
    assert!(error.starts_with("callbook: CALLBOOK_TRUSTED_PROXIES takes "), "{error}");
}

fn prefers_a_flag_to_its_variable(setup: Setup) {
    setup.migrate();
    let secret = "a-secret-of-at-least-32-characters";
    let setup = setup
        .set("CALLBOOK_BIND", "nonsense")
        .set("CALLBOOK_POOL_SIZE", "3")
        .set("CALLBOOK_METRICS_BIND", "127.0.0.1:9090")
        .set("CALLBOOK_TOKEN_FILE", "/no/such/file");
    let flags = ["--bind", "127.0.0.1:8099", "--metrics-bind", "off", "--token", secret];
    let report = setup.output(&[&["check-config"][..], &flags].concat());
    for (name, value, source) in [
        ("CALLBOOK_BIND", "127.0.0.1:8099", "command line"),
        ("CALLBOOK_METRICS_BIND", "off", "command line"),
        ("CALLBOOK_TOKEN", "(hidden)", "command line"),
        ("CALLBOOK_POOL_SIZE", "3", "environment"),
    ] {
        assert_eq!(value_and_source(&report, name), (value.to_owned(), source.to_owned()));
    }
    assert!(!report.contains(secret));
    assert_eq!(setup.output(&[&flags[..], &["check-config"]].concat()), report, "flags before the command");
    for (arguments, problem) in [
        (&["check-config", "--bind", "8080"][..], "callbook: --bind takes "),
        (&["--bind", "8080"], "callbook: --bind takes "),
        (&["check-config", "--bind", "127.0.0.1:0"], "callbook: CALLBOOK_TOKEN_FILE cannot be read: /no/such/file"),
        (&["check-config", "--token", "a", "--token-file", "b"], "callbook: CALLBOOK_BIND takes "),
        (&["token", "list", "--database-url", "mysql://u:secret@h/db"], "callbook: --database-url takes "),
    ] {
        let error = setup.expect_failure(arguments, 2);
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.starts_with(problem) && !error.contains("secret"), "{error}");
    }
}

fn checks_the_health_of_the_configured_address(setup: Setup) {
    // `healthcheck` needs a fixed port. This one is free.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let setup = setup.set("CALLBOOK_BIND", &address).set("CALLBOOK_PUBLIC_URL", "https://example.org/callbook");
    assert!(setup.expect_failure(&["healthcheck"], 1).contains(&address));
    let server = setup.serve();
    assert_eq!(setup.output(&["healthcheck"]), format!("The server on {address} is ready."));
    drop(server);
    setup.expect_failure(&["healthcheck"], 1);
}

fn serves_metrics_on_their_own_address(setup: Setup) {
    let server = setup.serve();
    assert_eq!(server.client().get("/metrics").status, 404, "off by default, and never on the address of the API");
    drop(server);
    let setup = setup.set("CALLBOOK_METRICS_BIND", "127.0.0.1:0");
    let token = setup.new_token();
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&token));
    let call = client.create_call(client.create_contact("Leslie"), "2018-02-02");
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
    assert!(text.contains("\ncallbook_log_lines_dropped_total 0\n"), "{text}");
    assert!(!text.contains("nowhere"), "an unknown path has no label");
    assert_eq!(metrics.get("/api/calls").status, 404, "only metrics are served there");
    let error = setup.set("CALLBOOK_METRICS_BIND", server.address()).expect_failure(&["serve"], 1);
    assert!(error.contains(": in use; try CALLBOOK_METRICS_BIND=127.0.0.1:"), "{error}");
}

fn logs_no_token_and_no_user_input(setup: Setup) {
    for format in ["text", "json"] {
        let setup = setup.on_same_store().set("CALLBOOK_LOG", "trace").set("CALLBOOK_LOG_FORMAT", format);
        let token = setup.new_token();
        let server = setup.serve();
        let client = Client::new(&server.base, Some(&token));
        let contact = client.create_contact("Xanthippe");
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

fn trusts_forwarded_headers_only_of_trusted_proxies(setup: Setup) {
    let token = setup.new_token();
    let headers = [
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "calls.example"),
        ("x-forwarded-for", "198.51.100.7, 203.0.113.9"),
    ];
    for (proxies, base, client_address) in [
        (None, None, "client=127.0.0.1"),
        (Some("10.0.0.0/8"), None, "client=127.0.0.1"),
        (Some("127.0.0.0/8, ::1"), Some("https://calls.example"), "client=203.0.113.9"),
    ] {
        let mut setup = setup.on_same_store().set("CALLBOOK_LOG", "info");
        if let Some(proxies) = proxies {
            setup = setup.set("CALLBOOK_TRUSTED_PROXIES", proxies);
        }
        let server = setup.serve();
        let client = Client::new(&server.base, Some(&token));
        let response = client.send("GET", "/api/calls", &headers, b"").expect(200);
        let expected = base.unwrap_or(&server.base);
        assert_eq!(response["meta"]["path"], format!("{expected}/api/calls"));
        let (_, log) = server.stop();
        assert!(log.contains(client_address), "{log}");
    }
}

fn starts_no_server_with_a_revoked_token(setup: Setup) {
    let setup = setup.set("CALLBOOK_TOKEN", "a-token-of-at-least-32-characters");
    drop(setup.serve());
    setup.output(&["token", "revoke", "1"]);
    assert!(setup.expect_failure(&["serve"], 1).contains("CALLBOOK_TOKEN was revoked"));
}

#[test]
fn generates_completions_and_manual_pages_of_every_command() {
    let setup = Setup::sqlite();
    for shell in ["bash", "zsh", "fish"] {
        assert!(setup.output(&["completions", shell]).contains("import-monica"), "{shell}");
    }
    setup.expect_failure(&["completions", "tcsh"], 2);
    let page = setup.output(&["man"]);
    assert!(page.contains(".TH callbook 1") && page.contains("healthcheck") && page.contains("CALLBOOK_BIND"));
    let named: Vec<_> = page.lines().filter_map(|line| Some(line.strip_suffix("(1)")?.replace("\\-", "-"))).collect();
    assert!(named.iter().any(|name| name == "callbook-token-revoke"), "{named:?}");
    for name in named {
        assert!(page.contains(&format!(".TH {name} 1 ")), "{name} has no page");
    }
    assert!(fs::read_dir(setup.folder()).unwrap().next().is_none(), "no file is created");
}

#[test]
fn rejects_a_secret_that_is_set_twice() {
    let setup = Setup::sqlite().set("DATABASE_URL", "sqlite://a.db").set("DATABASE_URL_FILE", "/no/such/file");
    let error = setup.expect_failure(&["check-config"], 2);
    assert_eq!(error, "callbook: DATABASE_URL and DATABASE_URL_FILE cannot both be set\n");
    let setup = setup.set("DATABASE_URL_FILE", "").set("CALLBOOK_BIND", "");
    setup.migrate();
    let report = setup.output(&["check-config"]);
    let (value, source) = value_and_source(&report, "DATABASE_URL");
    assert_eq!((value.as_str(), source.as_str()), ("sqlite://a.db", "environment"));
    assert_eq!(value_and_source(&report, "CALLBOOK_BIND").1, "default", "an empty variable is not set");
}

#[test]
fn rejects_a_healthcheck_of_port_0() {
    assert!(Setup::sqlite().expect_failure(&["healthcheck"], 1).contains("CALLBOOK_BIND"));
}

#[test]
fn documents_every_command() {
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
    assert_eq!(count, 18);
}
