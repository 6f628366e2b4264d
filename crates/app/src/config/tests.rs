use clap::FromArgMatches;

use super::*;

const DATABASE_URL: &str = "DATABASE_URL";
const DATA_DIR: &str = "CALLBOOK_DATA_DIR";
const BIND: &str = "CALLBOOK_BIND";
const PUBLIC_URL: &str = "CALLBOOK_PUBLIC_URL";
const TRUSTED_PROXIES: &str = "CALLBOOK_TRUSTED_PROXIES";
const COMPAT: &str = "CALLBOOK_COMPAT";
const PHONE_REGION: &str = "CALLBOOK_PHONE_REGION";
const RATE_LIMIT: &str = "CALLBOOK_RATE_LIMIT_PER_MINUTE";
const TOKEN: &str = "CALLBOOK_TOKEN";
const TOKEN_FILE: &str = "CALLBOOK_TOKEN_FILE";
const POOL_SIZE: &str = "CALLBOOK_POOL_SIZE";
const POSTGRES_POOLER: &str = "CALLBOOK_POSTGRES_POOLER";
const METRICS_BIND: &str = "CALLBOOK_METRICS_BIND";
const LOG: &str = "CALLBOOK_LOG";
const LOG_FORMAT: &str = "CALLBOOK_LOG_FORMAT";

fn flag(variable: &str) -> String {
    format!("--{}", id(variable).replace('_', "-"))
}

/// Parses the settings of the variables, given as flags: a test cannot change its environment.
fn parse(variables: &[(&str, &str)]) -> (Result<Config, String>, ArgMatches) {
    let flags = variables.iter().map(|(name, value)| format!("{}={value}", flag(name)));
    let command = clap::Command::new("callbook").no_binary_name(true);
    let command = ConfigArgs::augment_args(command).mut_args(|setting| setting.env(None));
    let matches = command.get_matches_from(flags);
    let args = ConfigArgs::from_arg_matches(&matches).unwrap();
    (Config::read(&args, &matches).map_err(|error| error.to_string()), matches)
}

fn read(variables: &[(&str, &str)]) -> Result<Config, String> {
    parse(variables).0
}

#[test]
fn every_setting_has_a_default() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.store, StoreUrl::Sqlite("./data/callbook.db".into()));
    assert_eq!(settings.bind.to_string(), "127.0.0.1:8080");
    assert_eq!((settings.public_url, settings.compat, settings.phone_region), (None, Compat::Documented, None));
    assert_eq!((settings.rate_limit, settings.pool_size), (600, 8));
    assert_eq!(settings.postgres_pooler, Pooler::None);
    assert_eq!((settings.token, settings.metrics_bind, settings.log_format), (None, None, LogFormat::Text));
}

#[test]
fn the_scheme_of_the_url_chooses_the_store() {
    let store = |url| read(&[(DATABASE_URL, url)]).map(|settings| settings.store);
    assert_eq!(store("sqlite:///var/lib/c.db"), Ok(StoreUrl::Sqlite("/var/lib/c.db".into())));
    assert_eq!(store("sqlite://c.db"), Ok(StoreUrl::Sqlite("c.db".into())));
    let url = "postgres://u:secret@h/db";
    assert_eq!(store(url), Ok(StoreUrl::Postgres(url.to_owned())));
    for url in ["postgres:///db?host=/run", "postgresql://h1:5432,h2:5433/db?user=u", "postgres://u:%40%2f@[::1]/db"] {
        assert_eq!(store(url), Ok(StoreUrl::Postgres(url.to_owned())));
    }
    let error = store("mysql://root:secret@h/db").unwrap_err();
    assert!(error.ends_with("not this mysql://…"), "{error}");
    assert_eq!(read(&[(DATABASE_URL, url)]).unwrap().pool_size, 16);
    assert!(!format!("{:?}", store(url)).contains("secret"));
    let moved = read(&[(DATA_DIR, "/srv/callbook")]).unwrap().store;
    assert_eq!(moved, StoreUrl::Sqlite("/srv/callbook/callbook.db".into()));
}

#[test]
fn names_an_invalid_setting_and_what_it_takes() {
    for (name, value) in [
        (DATABASE_URL, "mysql://root:secret@h/db"),
        (DATABASE_URL, "callbook.db"),
        (DATABASE_URL, "sqlite://:memory:"),
        (DATABASE_URL, "postgres://u:secret%et@h/db"),
        (DATABASE_URL, "postgres://u:a secret@h/db"),
        (DATABASE_URL, "postgres://u:a/secret@h/db"),
        (DATABASE_URL, "postgres://u:a@secret@h/db"),
        (DATABASE_URL, "postgres://u:1#secret@h/db"),
        (DATABASE_URL, "postgres://u:1?secret@h/db"),
        (DATABASE_URL, "postgres://u:1?2/secret@h/db"),
        (DATABASE_URL, "postgres://h?password=a@secret"),
        (BIND, "8080"),
        (BIND, "postgres://u:secret@h/db"),
        (COMPAT, "u:secret@h"),
        (PUBLIC_URL, "example.org"),
        (PUBLIC_URL, "ftp://example.org"),
        (PUBLIC_URL, "https://example.org/?a=b"),
        (PUBLIC_URL, "https://u:secret@example.org"),
        (PUBLIC_URL, "https://:secret@example.org"),
        (PUBLIC_URL, "https://u:se cret@example.org:secret"),
        (PUBLIC_URL, "https://example.org/api"),
        (PUBLIC_URL, "https://example.org/api/"),
        (COMPAT, "monica-5"),
        (PHONE_REGION, "ZZ"),
        (PHONE_REGION, "Switzerland"),
        (RATE_LIMIT, "-1"),
        (RATE_LIMIT, "many"),
        (TOKEN, "secret"),
        (POOL_SIZE, "0"),
        (POSTGRES_POOLER, "session"),
        (POSTGRES_POOLER, "transaction"),
        (TRUSTED_PROXIES, "everybody"),
        (TRUSTED_PROXIES, "10.0.0.0/33"),
        (METRICS_BIND, "9090"),
        (LOG, "loud=very"),
        (LOG, "warning"),
        (LOG, "info,"),
        (LOG, "warn http_adapter=info"),
        (LOG, "info;debug"),
        (LOG, "9"),
        (LOG_FORMAT, "xml"),
    ] {
        let error = read(&[(name, value)]).unwrap_err();
        assert!(error.starts_with(&format!("{} takes ", flag(name))), "{error}");
        assert!(!error.contains("secret"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn only_postgresql_has_a_pooler() {
    let pooler = |url| read(&[(DATABASE_URL, url), (POSTGRES_POOLER, "transaction")]);
    assert_eq!(pooler("postgres://u@h:6432/db").unwrap().postgres_pooler, Pooler::Transaction);
    let error = pooler("sqlite://c.db").unwrap_err();
    assert_eq!(error, "--postgres-pooler takes none with a store on SQLite");
}

#[test]
fn a_log_filter_has_a_level_and_levels_of_targets() {
    for filter in ["warn", "off", "WARN,http_adapter=info", "http_adapter::gate=off,debug"] {
        assert!(read(&[(LOG, filter)]).is_ok(), "{filter}");
    }
}

#[test]
fn shows_the_store_without_secrets() {
    let shown = |url: &str| StoreUrl::Postgres(url.to_owned()).without_secrets();
    assert_eq!(shown("postgres://u:secret@h:5433/db?password=secret"), "postgres://h:5433/db (the rest is hidden)");
    assert!(!shown("postgres://u:secret@/db?host=/run").contains("secret"));
    assert_eq!(StoreUrl::Sqlite("c.db".into()).without_secrets(), "sqlite://c.db");
}

#[test]
fn reads_a_secret_from_its_file_only() {
    let error = read(&[(TOKEN_FILE, "/no/such/file")]).unwrap_err();
    assert!(error.starts_with("--token-file cannot be read: /no/such/file"), "{error}");
    let swapped = read(&[("DATABASE_URL_FILE", "postgres://u:secret@h/db")]).unwrap_err();
    assert!(swapped.starts_with("--database-url-file cannot be read: ") && !swapped.contains("secret"), "{swapped}");
    let both = read(&[(TOKEN, "x"), (TOKEN_FILE, "/no/such/file")]).unwrap_err();
    assert!(both.contains("cannot both be set"), "{both}");
    let names: Vec<_> = settings().iter().filter_map(|setting| setting.get_env().map(OsStr::to_owned)).collect();
    let files = names.iter().filter(|name| name.to_string_lossy().ends_with("_FILE"));
    assert!(files.eq(["DATABASE_URL_FILE", TOKEN_FILE]), "only secrets have a file");
}

#[test]
fn accepts_each_default_as_a_value() {
    for setting in settings() {
        let Some(default) = setting.get_default_values().first().and_then(|default| default.to_str()) else {
            continue;
        };
        let name = setting.get_env().unwrap().to_str().unwrap();
        assert!(read(&[(name, default)]).is_ok(), "{name} {default}");
    }
}

#[test]
fn the_report_shows_sources_and_hides_secrets() {
    let (config, matches) =
        parse(&[(DATABASE_URL, "postgres://u:secret@h/db"), (TOKEN, "a-secret-of-at-least-32-characters")]);
    let report = config.unwrap().report(&matches);
    let row = |name: &str| report.iter().find(|row| row[0] == name).map(|row| [&*row[1], &*row[2]]).unwrap();
    assert_eq!(row(DATABASE_URL), ["postgres://h/db (the rest is hidden)", "command line"]);
    assert_eq!(row(TOKEN), ["(hidden)", "command line"]);
    assert_eq!(row(POOL_SIZE), ["16", "default"]);
    assert_eq!(row(BIND), ["127.0.0.1:8080", "default"]);
    assert_eq!(report.len(), 14);
}

#[test]
fn a_public_url_loses_its_trailing_slash() {
    let url = |url| read(&[(PUBLIC_URL, url)]).unwrap().public_url.unwrap();
    assert_eq!(url("https://example.org/"), "https://example.org");
    assert_eq!(url("https://example.org/callbook/"), "https://example.org/callbook");
}

#[test]
fn help_readme_and_operations_list_every_setting_with_its_default() {
    let help = ConfigArgs::augment_args(clap::Command::new("callbook")).render_long_help().to_string();
    let readme = include_str!("../../../../README.md");
    let operations = include_str!("../../../../docs/operations.md");
    let settings = settings();
    let settings: Vec<_> = settings.iter().filter(|setting| !setting.get_default_values().is_empty()).collect();
    for setting in &settings {
        let name = setting.get_env().unwrap().to_str().unwrap();
        let default = setting.get_default_values()[0].to_str().unwrap();
        assert_eq!(setting.get_id().as_str(), id(name), "the flag is named like the variable");
        assert!(help.contains(name) && help.contains(&format!("[default: {default}]")), "{name}");
        for table in [readme, operations] {
            let row = table.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            assert!(row.is_some_and(|row| row.contains(default)), "{name} with {default}");
        }
    }
    for table in [readme, operations] {
        let rows = table.lines().filter(|line| line.starts_with("| `CALLBOOK_") || line.starts_with("| `DATABASE_"));
        assert_eq!(rows.count(), settings.len(), "no row of an unknown setting");
    }
}
