//! Settings: environment variables, each listed once.

use std::fmt::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use domain::Secret;
use http_adapter::{Compat, TrustedProxies};
use tracing_subscriber::filter::{LevelFilter, Targets};
use url::Url;

/// A setting as `--help` shows it.
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// What it is for, and what it takes.
    pub help: &'static str,
    /// Never shown, and also read from the file that `NAME_FILE` names.
    pub is_secret: bool,
}

impl Setting {
    const fn new(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self { name, default, help, is_secret: false }
    }

    const fn secret(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self { name, default, help, is_secret: true }
    }
}

const DATABASE_URL: &str = "DATABASE_URL";
const DATA_DIR: &str = "CALLBOOK_DATA_DIR";
const BIND: &str = "CALLBOOK_BIND";
const PUBLIC_URL: &str = "CALLBOOK_PUBLIC_URL";
const TRUSTED_PROXIES: &str = "CALLBOOK_TRUSTED_PROXIES";
const COMPAT: &str = "CALLBOOK_COMPAT";
const RATE_LIMIT: &str = "CALLBOOK_RATE_LIMIT_PER_MINUTE";
const TOKEN: &str = "CALLBOOK_TOKEN";
const POOL_SIZE: &str = "CALLBOOK_POOL_SIZE";
const METRICS_BIND: &str = "CALLBOOK_METRICS_BIND";
const MONICA_TOKEN: &str = "MONICA_TOKEN";
const LOG: &str = "CALLBOOK_LOG";
const LOG_FORMAT: &str = "CALLBOOK_LOG_FORMAT";

/// Every setting.
pub const SETTINGS: [Setting; 12] = [
    Setting::secret(DATABASE_URL, "sqlite://DATA_DIR/callbook.db", "The store: sqlite://PATH or postgres://…"),
    Setting::new(DATA_DIR, "./data", "The one folder to keep; created if missing"),
    Setting::new(BIND, "127.0.0.1:8080", "Where to listen, HOST:PORT; port 0 takes a free one"),
    Setting::new(
        PUBLIC_URL,
        "from the request",
        "The base of every link, a path included: https://example.org/callbook",
    ),
    Setting::new(
        TRUSTED_PROXIES,
        "none",
        "Addresses and networks, separated by commas, whose X-Forwarded-Proto, -Host and -For are believed",
    ),
    Setting::new(COMPAT, "documented", "Which clients are served: documented or monica-4"),
    Setting::new(RATE_LIMIT, "600", "Requests per token and minute; 0 = off"),
    Setting::secret(TOKEN, "none", "The first account's token, for images; at least 32 characters"),
    Setting::new(POOL_SIZE, "4 (SQLite), 16 (PostgreSQL)", "Connections to the store, 1 to 1000"),
    Setting::new(METRICS_BIND, "off", "Where to serve /metrics for Prometheus, HOST:PORT; it asks for no token"),
    Setting::new(
        LOG,
        "info",
        "What to log: error, warn, info, debug, trace, or a filter such as warn,http_adapter=info",
    ),
    Setting::new(LOG_FORMAT, "text", "How to log: text or json"),
];

/// The settings in the form of `--help`.
pub fn help() -> String {
    let mut text = String::from("Settings, from environment variables:\n");
    for Setting { name, default, help, is_secret } in &SETTINGS {
        let file = if *is_secret { format!("; or {name}_FILE, a file that holds it") } else { String::new() };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name}\n          {help}{file} [default: {default}]");
    }
    text
}

/// A setting that cannot be read: names it, and what it takes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct SettingError {
    name: String,
    problem: String,
}

/// Which store, and where.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A libpq URL, which may hold a password.
    Postgres(String),
}

impl StoreUrl {
    /// Which store, without user, password and options, any of which may be a secret.
    fn without_secrets(&self) -> String {
        let Self::Postgres(url) = self else { return format!("{self:?}") };
        let Ok(url) = Url::parse(url) else { return format!("{self:?} (the rest is hidden)") };
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("postgres://{}{port}{} (the rest is hidden)", url.host_str().unwrap_or_default(), url.path())
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres://…"),
        }
    }
}

/// How lines are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: an object a line.
    Json,
}

/// Every setting, read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The one folder to keep.
    pub data_dir: String,
    /// The store.
    pub store: StoreUrl,
    /// Where to listen.
    pub bind: SocketAddr,
    /// The base of every link, without a slash at its end.
    pub public_url: Option<String>,
    /// Whose word on whose behalf they ask is believed.
    pub trusted_proxies: TrustedProxies,
    /// Which clients are served.
    pub compat: Compat,
    /// Requests per token and minute; 0 is no limit.
    pub rate_limit: u32,
    /// The first account's token.
    pub token: Option<Secret>,
    /// Connections to the store.
    pub pool_size: u32,
    /// Where to serve metrics.
    pub metrics_bind: Option<SocketAddr>,
    /// What to log.
    pub log: Targets,
    /// How to log it.
    pub log_format: LogFormat,
}

impl Settings {
    /// Reads the settings of this process.
    pub fn from_environment() -> Result<Self, SettingError> {
        Self::read(variable)
    }

    /// Every setting as it holds, secrets hidden, and where it came from; a line each.
    pub fn report(&self) -> Vec<[String; 3]> {
        SETTINGS.iter().map(|setting| self.report_of(setting)).collect()
    }

    fn report_of(&self, setting: &Setting) -> [String; 3] {
        let name = setting.name;
        let file = variable(&format!("{name}_FILE")).filter(|path| setting.is_secret && !path.is_empty());
        let source = match (variable(name).filter(|value| !value.is_empty()), file) {
            (Some(_), _) => "environment".to_owned(),
            (None, Some(path)) => format!("file {path}"),
            (None, None) => "default".to_owned(),
        };
        let value = match name {
            DATABASE_URL => self.store.without_secrets(),
            DATA_DIR => self.data_dir.clone(),
            BIND => self.bind.to_string(),
            PUBLIC_URL => self.public_url.clone().unwrap_or_else(|| setting.default.to_owned()),
            POOL_SIZE => self.pool_size.to_string(),
            TOKEN if self.token.is_some() => "(hidden)".to_owned(),
            METRICS_BIND => self.metrics_bind.map_or_else(|| setting.default.to_owned(), |bind| bind.to_string()),
            _ => variable(name).filter(|value| !value.is_empty()).unwrap_or_else(|| setting.default.to_owned()),
        };
        [name.to_owned(), value, source]
    }

    fn read(environment: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let source = Source { environment };
        let data_dir = source.get(DATA_DIR)?.unwrap_or_else(|| "./data".to_owned());
        let store =
            source.parse(DATABASE_URL, "takes sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE", store_url)?;
        let store = store.unwrap_or_else(|| StoreUrl::Sqlite(Path::new(&data_dir).join("callbook.db")));
        let default_pool_size = match store {
            StoreUrl::Sqlite(_) => 4,
            StoreUrl::Postgres(_) => 16,
        };
        let pool_size = |text: &str| text.parse().ok().filter(|size| (1..=1000).contains(size));
        let token = source.parse(TOKEN, "takes at least 32 visible ASCII characters", Secret::parse)?;
        Ok(Self {
            data_dir,
            store,
            bind: source
                .parse(BIND, "takes HOST:PORT, such as 127.0.0.1:8080 or [::]:8080", bind)?
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            public_url: source.parse(
                PUBLIC_URL,
                "takes a URL such as https://example.org or https://example.org/callbook, without the /api that follows it",
                public_url,
            )?,
            trusted_proxies: source
                .parse(TRUSTED_PROXIES, "takes addresses and networks such as 127.0.0.1,10.0.0.0/8,::1", |text| {
                    text.parse().ok()
                })?
                .unwrap_or_default(),
            compat: source.parse(COMPAT, "takes documented or monica-4", compat)?.unwrap_or(Compat::Documented),
            rate_limit: source
                .parse(RATE_LIMIT, "takes a whole number, 0 = off", |text| text.parse().ok())?
                .unwrap_or(600),
            token,
            pool_size: source
                .parse(POOL_SIZE, "takes a whole number from 1 to 1000", pool_size)?
                .unwrap_or(default_pool_size),
            metrics_bind: source.parse(METRICS_BIND, "takes HOST:PORT, such as 127.0.0.1:9090", bind)?,
            log: source
                .parse(LOG, "takes error, warn, info, debug, trace, or a filter such as warn,http_adapter=info", log)?
                .unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO)),
            log_format: source.parse(LOG_FORMAT, "takes text or json", log_format)?.unwrap_or(LogFormat::Text),
        })
    }
}

/// Variables that look like settings and are none: a misspelt one would change nothing, in silence.
pub fn unknown() -> Vec<String> {
    let is_known = |name: &str| {
        SETTINGS.iter().any(|setting| {
            name == setting.name || (setting.is_secret && name.strip_suffix("_FILE") == Some(setting.name))
        })
    };
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<_> = names.filter(|name| name.starts_with("CALLBOOK_") && !is_known(name)).collect();
    unknown.sort_unstable();
    unknown
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The token of the Monica that contacts and calls are taken from.
pub fn monica_token() -> Result<String, SettingError> {
    let token = Source { environment: variable }.secret(MONICA_TOKEN)?;
    token.ok_or_else(|| SettingError {
        name: MONICA_TOKEN.to_owned(),
        problem: format!("takes a token of Monica's API (Settings, API); or {MONICA_TOKEN}_FILE, a file that holds it"),
    })
}

struct Source<E> {
    environment: E,
}

impl<E: Fn(&str) -> Option<String>> Source<E> {
    /// The value, from the variable or, for a secret, from the file that its `_FILE` variable names.
    /// An empty value is none.
    fn get(&self, name: &str) -> Result<Option<String>, SettingError> {
        if SETTINGS.iter().any(|setting| setting.name == name && setting.is_secret) {
            self.secret(name)
        } else {
            Ok((self.environment)(name).filter(|value| !value.is_empty()))
        }
    }

    fn secret(&self, name: &str) -> Result<Option<String>, SettingError> {
        let value = (self.environment)(name).filter(|value| !value.is_empty());
        let file_name = format!("{name}_FILE");
        match (value, (self.environment)(&file_name).filter(|path| !path.is_empty())) {
            (Some(_), Some(_)) => {
                Err(SettingError { name: name.to_owned(), problem: format!("and {file_name} cannot both be set") })
            }
            (value, None) => Ok(value),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Ok(Some(text.trim().to_owned())),
                Err(error) => {
                    Err(SettingError { name: file_name, problem: format!("cannot be read: {path}: {error}") })
                }
            },
        }
    }

    fn parse<T>(
        &self,
        name: &str,
        takes: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, SettingError> {
        let Some(text) = self.get(name)? else { return Ok(None) };
        let is_secret = SETTINGS.iter().any(|setting| setting.name == name && setting.is_secret);
        let problem = || match scheme(&text).filter(|_| name == DATABASE_URL) {
            Some(scheme) => format!("{takes}, not this {scheme}://…"),
            None if is_secret => takes.to_owned(),
            None => format!("{takes}, not {text:?}"),
        };
        parse(&text).ok_or_else(|| SettingError { name: name.to_owned(), problem: problem() }).map(Some)
    }
}

/// What stands before `://`, when that is no secret.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(scheme)
}

fn store_url(text: &str) -> Option<StoreUrl> {
    match text.split_once("://")? {
        // Each connection would have a memory of its own.
        ("sqlite", ":memory:") => None,
        ("sqlite", path) if !path.is_empty() => Some(StoreUrl::Sqlite(PathBuf::from(path))),
        ("postgres" | "postgresql", rest) if is_plain(rest) => Some(StoreUrl::Postgres(text.to_owned())),
        _ => None,
    }
}

/// Whether libpq takes this for user, password and host as its writer does: of what it takes for something else it tells,
/// and that may be a part of the password. There, `@`, `/`, `?`, spaces and what is not ASCII stand in percent signs.
fn is_plain(rest: &str) -> bool {
    let place = rest.split('?').next().unwrap_or_default();
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let is_encoded = |piece: &str| piece.len() >= 2 && piece.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    authority.matches('@').count() <= 1
        && !path.contains('@')
        && rest.bytes().all(|byte| byte.is_ascii_graphic())
        && rest.split('%').skip(1).all(is_encoded)
}

fn bind(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| text.to_socket_addrs().ok()?.next())
}

fn public_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        // The API is at /api below it: by this one nobody could tell its paths from the server's own.
        && url.path_segments().is_none_or(|mut segments| segments.next() != Some("api"));
    plain.then(|| url.as_str().trim_end_matches('/').to_owned())
}

fn compat(text: &str) -> Option<Compat> {
    match text {
        "documented" => Some(Compat::Documented),
        "monica-4" => Some(Compat::Monica4),
        _ => None,
    }
}

/// A level for all, or for what a name begins with. `Targets` takes any other word for a name, and logs that alone.
fn log(text: &str) -> Option<Targets> {
    let is_level = |text: &str| !text.is_empty() && text.parse::<LevelFilter>().is_ok();
    let is_part = |part: &str| match part.split_once('=') {
        Some((name, level)) => !name.is_empty() && !name.contains(char::is_whitespace) && is_level(level),
        None => is_level(part),
    };
    text.split(',').all(is_part).then(|| text.parse().ok()).flatten()
}

fn log_format(text: &str) -> Option<LogFormat> {
    match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::read(find).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.store, StoreUrl::Sqlite("./data/callbook.db".into()));
        assert_eq!(settings.bind.to_string(), "127.0.0.1:8080");
        assert_eq!((settings.public_url, settings.compat), (None, Compat::Documented));
        assert_eq!((settings.rate_limit, settings.pool_size), (600, 4));
        assert_eq!((settings.token, settings.log_format), (None, LogFormat::Text));
    }

    #[test]
    fn the_store_is_chosen_by_the_url_s_scheme() {
        let store = |url| read(&[(DATABASE_URL, url)]).map(|settings| settings.store);
        assert_eq!(store("sqlite:///var/lib/c.db"), Ok(StoreUrl::Sqlite("/var/lib/c.db".into())));
        assert_eq!(store("sqlite://c.db"), Ok(StoreUrl::Sqlite("c.db".into())));
        let url = "postgres://u:secret@h/db";
        assert_eq!(store(url), Ok(StoreUrl::Postgres(url.to_owned())));
        for url in
            ["postgres:///db?host=/run", "postgresql://h1:5432,h2:5433/db?user=u", "postgres://u:%40%2f@[::1]/db"]
        {
            assert_eq!(store(url), Ok(StoreUrl::Postgres(url.to_owned())));
        }
        let refused = store("mysql://root:secret@h/db").unwrap_err();
        assert!(refused.ends_with("not this mysql://…"), "{refused}");
        assert_eq!(read(&[(DATABASE_URL, url)]).unwrap().pool_size, 16);
        assert!(!format!("{:?}", store(url)).contains("secret"));
        let moved = read(&[(DATA_DIR, "/srv/callbook")]).unwrap().store;
        assert_eq!(moved, StoreUrl::Sqlite("/srv/callbook/callbook.db".into()));
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_named_with_what_it_takes() {
        for (name, value) in [
            (DATABASE_URL, "mysql://root:secret@h/db"),
            (DATABASE_URL, "callbook.db"),
            (DATABASE_URL, "sqlite://:memory:"),
            (DATABASE_URL, "postgres://u:secret%et@h/db"),
            (DATABASE_URL, "postgres://u:a secret@h/db"),
            (DATABASE_URL, "postgres://u:a/secret@h/db"),
            (DATABASE_URL, "postgres://u:a@secret@h/db"),
            (BIND, "8080"),
            (PUBLIC_URL, "example.org"),
            (PUBLIC_URL, "ftp://example.org"),
            (PUBLIC_URL, "https://example.org/?a=b"),
            (PUBLIC_URL, "https://example.org/api"),
            (PUBLIC_URL, "https://example.org/api/"),
            (COMPAT, "monica-5"),
            (RATE_LIMIT, "-1"),
            (RATE_LIMIT, "many"),
            (TOKEN, "secret"),
            (POOL_SIZE, "0"),
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
            assert!(error.starts_with(name) && error.contains("takes"), "{error}");
            assert!(!error.contains("secret"), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_log_has_levels_for_all_and_for_some() {
        for filter in ["warn", "off", "WARN,http_adapter=info", "http_adapter::gate=off,debug"] {
            assert!(read(&[(LOG, filter)]).is_ok(), "{filter}");
        }
    }

    #[test]
    fn the_store_is_shown_without_its_secrets() {
        let shown = |url: &str| StoreUrl::Postgres(url.to_owned()).without_secrets();
        assert_eq!(shown("postgres://u:secret@h:5433/db?password=secret"), "postgres://h:5433/db (the rest is hidden)");
        assert!(!shown("postgres://u:secret@/db?host=/run").contains("secret"));
        assert_eq!(StoreUrl::Sqlite("c.db".into()).without_secrets(), "sqlite://c.db");
    }

    #[test]
    fn a_secret_may_stand_in_a_file() {
        let file = format!("{TOKEN}_FILE");
        let error = read(&[(&file, "/no/such/file")]).unwrap_err();
        assert!(error.starts_with(&file), "{error}");
        let both = read(&[(TOKEN, "x"), (&file, "/no/such/file")]).unwrap_err();
        assert!(both.contains("cannot both be set"), "{both}");
        assert!(read(&[("CALLBOOK_BIND_FILE", "/no/such/file")]).is_ok(), "only secrets have one");
    }

    #[test]
    fn a_public_url_has_no_slash_at_its_end() {
        let url = |url| read(&[(PUBLIC_URL, url)]).unwrap().public_url.unwrap();
        assert_eq!(url("https://example.org/"), "https://example.org");
        assert_eq!(url("https://example.org/callbook/"), "https://example.org/callbook");
    }

    #[test]
    fn help_readme_and_operations_list_every_setting_with_its_default() {
        let help = help();
        let readme = include_str!("../../../README.md");
        let operations = include_str!("../../../docs/operations.md");
        for Setting { name, default, .. } in &SETTINGS {
            assert!(help.contains(name) && help.contains(&format!("[default: {default}]")), "{name}");
            for table in [readme, operations] {
                let row = table.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
                assert!(row.is_some_and(|row| row.contains(default)), "{name} with {default}");
            }
        }
        for table in [readme, operations] {
            let rows =
                table.lines().filter(|line| line.starts_with("| `CALLBOOK_") || line.starts_with("| `DATABASE_"));
            assert_eq!(rows.count(), SETTINGS.len(), "no row of a setting that is none");
        }
    }
}
