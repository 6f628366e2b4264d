//! The values of settings, parsed from text.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use domain::{PhoneRegion, Secret};
use http_adapter::{Compat, TrustedProxies};
use postgres_adapter::Pooler;
use tracing_subscriber::filter::{LevelFilter, Targets};
use url::Url;

// Defaults that mean that there is no value.
pub const DEFAULT_PUBLIC_URL: &str = "from the request";
pub const DEFAULT_POOL_SIZE: &str = "8 (SQLite), 16 (PostgreSQL)";
pub const NONE: &str = "none";
pub const OFF: &str = "off";

/// Parses a setting. The error completes "takes …".
pub type Parser<T> = fn(&str) -> Result<T, &'static str>;

/// The kind and the location of a store.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A URL of libpq, which may contain a password.
    Postgres(String),
}

impl StoreUrl {
    /// Returns the location without user, password and options, each of which may be a secret.
    pub fn without_secrets(&self) -> String {
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

/// The format of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Plain text.
    Text,
    /// One JSON object.
    Json,
}

/// Parses a database URL. The error shows at most the scheme, because the rest may hold a password.
pub fn store_url(text: &str) -> Result<StoreUrl, String> {
    let store = match text.split_once("://") {
        // Each connection would open a database of its own.
        Some(("sqlite", ":memory:")) => None,
        Some(("sqlite", path)) if !path.is_empty() => Some(StoreUrl::Sqlite(PathBuf::from(path))),
        Some(("postgres" | "postgresql", rest)) if is_plain(rest) => Some(StoreUrl::Postgres(text.to_owned())),
        _ => None,
    };
    store.ok_or_else(|| {
        let scheme = scheme(text).map_or_else(String::new, |scheme| format!(", not this {scheme}://…"));
        format!("takes sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE{scheme}")
    })
}

/// Returns the scheme of a URL, if the part before `://` can be one.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(scheme)
}

/// Returns whether libpq and [`Url`] split the URL into user, password and host alike. If they do not, errors and reports
/// can show a part of the password. `@`, `/`, `?`, `#`, spaces and non-ASCII characters of the parts must be
/// percent-encoded.
fn is_plain(rest: &str) -> bool {
    let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = location.split_once('/').unwrap_or((location, ""));
    let is_encoded = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    authority.matches('@').count() <= 1
        && !path.contains('@')
        && !query.contains('@')
        && !rest.contains('#')
        && rest.bytes().all(|byte| byte.is_ascii_graphic())
        && rest.split('%').skip(1).all(is_encoded)
}

/// Quotes a value for an error. `None` for a URL.
pub fn quote(text: &str) -> Option<String> {
    (!is_url(text)).then(|| format!("{text:?}"))
}

/// Returns whether the text looks like a URL, which may contain a password.
pub fn is_url(text: &str) -> bool {
    text.contains("://") || text.contains('@')
}

pub fn token(text: &str) -> Result<Option<Secret>, &'static str> {
    unless_default(NONE, text, |text| Secret::parse(text).ok_or("at least 32 visible ASCII characters"))
}

pub fn bind(text: &str) -> Result<SocketAddr, &'static str> {
    let address = text.parse().ok().or_else(|| text.to_socket_addrs().ok()?.next());
    address.ok_or("HOST:PORT, such as 127.0.0.1:8080 or [::]:8080")
}

pub fn metrics_bind(text: &str) -> Result<Option<SocketAddr>, &'static str> {
    unless_default(OFF, text, bind)
}

pub fn public_url(text: &str) -> Result<Option<String>, &'static str> {
    let takes = "a URL such as https://example.org or https://example.org/callbook, without the /api that follows it";
    unless_default(DEFAULT_PUBLIC_URL, text, |text| {
        let url = Url::parse(text).map_err(|_| takes)?;
        let is_base = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            // The API is served at /api below this URL, so that the paths would be ambiguous.
            && url.path_segments().is_none_or(|mut segments| segments.next() != Some("api"));
        if is_base { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(takes) }
    })
}

pub fn trusted_proxies(text: &str) -> Result<TrustedProxies, &'static str> {
    let takes = "addresses and networks such as 127.0.0.1,10.0.0.0/8,::1";
    unless_default(NONE, text, |text| text.parse().map_err(|_| takes)).map(Option::unwrap_or_default)
}

pub fn compat(text: &str) -> Result<Compat, &'static str> {
    match text {
        "documented" => Ok(Compat::Documented),
        "monica-4" => Ok(Compat::Monica4),
        _ => Err("documented or monica-4"),
    }
}

pub fn phone_region(text: &str) -> Result<Option<PhoneRegion>, &'static str> {
    let takes = "a code of ISO 3166 with two letters, such as CH";
    unless_default(NONE, text, |text| PhoneRegion::parse(text).ok_or(takes))
}

pub fn rate_limit(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "a whole number, 0 = off")
}

pub fn pool_size(text: &str) -> Result<Option<u32>, &'static str> {
    let parse = |text: &str| text.parse().ok().filter(|size| (1..=1000).contains(size));
    unless_default(DEFAULT_POOL_SIZE, text, |text| parse(text).ok_or("a whole number from 1 to 1000"))
}

pub fn postgres_pooler(text: &str) -> Result<Pooler, &'static str> {
    match text {
        NONE => Ok(Pooler::None),
        "transaction" => Ok(Pooler::Transaction),
        _ => Err("none or transaction"),
    }
}

/// Parses a list of levels and of targets with their level. `Targets` alone reads a misspelt level as a target, and then
/// logs nothing else.
pub fn log(text: &str) -> Result<Targets, &'static str> {
    let is_level = |text: &str| !text.is_empty() && text.parse::<LevelFilter>().is_ok();
    let is_part = |part: &str| match part.split_once('=') {
        Some((name, level)) => !name.is_empty() && !name.contains(char::is_whitespace) && is_level(level),
        None => is_level(part),
    };
    let targets = text.split(',').all(is_part).then(|| text.parse().ok()).flatten();
    targets.ok_or("error, warn, info, debug, trace, or a filter such as warn,http_adapter=info")
}

pub fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("text or json"),
    }
}

/// Parses the text. `None` if it is the default.
fn unless_default<T>(
    default: &str,
    text: &str,
    parser: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Result<Option<T>, &'static str> {
    if text == default { Ok(None) } else { parser(text).map(Some) }
}
