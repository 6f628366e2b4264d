//! Configuration. Every setting is a flag and an environment variable, declared once in [`ConfigArgs`].

#[cfg(test)]
mod tests;
mod values;

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args};
use domain::{PhoneRegion, Secret};
use http_adapter::{Compat, TrustedProxies};
use postgres_adapter::Pooler;
use tracing_subscriber::filter::Targets;

pub use self::values::{LogFormat, StoreUrl, is_url};

/// The default. `DATA_DIR` is replaced by the data folder.
const DEFAULT_DATABASE_URL: &str = "sqlite://DATA_DIR/callbook.db";

/// The text of every setting, from its flag, its variable or its default.
///
/// The name of a variable is the flag's in upper case, after `CALLBOOK_`. Values are parsed by [`Config::read`] and not
/// by clap: its errors quote the value, which may be a secret, and it rejects a wrong variable although a flag replaces
/// it.
#[derive(Args)]
#[command(next_help_heading = "Settings")]
#[expect(clippy::doc_markdown, reason = "`--help` prints the comments of the fields as they are")]
pub struct ConfigArgs {
    /// Store to open: sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, env = "DATABASE_URL", value_name = "URL", default_value = DEFAULT_DATABASE_URL)]
    database_url: String,
    /// File that holds the database URL
    #[arg(long, env = "DATABASE_URL_FILE", value_name = "FILE")]
    database_url_file: Option<PathBuf>,
    /// Folder of the data, the only one to keep; created if missing
    #[arg(long, env = "CALLBOOK_DATA_DIR", value_name = "DIR", default_value = "./data")]
    data_dir: String,
    /// Address to listen on; port 0 picks a free port
    #[arg(long, env = "CALLBOOK_BIND", value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    bind: String,
    /// Base of every link, with scheme, host and path [default: from the request]
    #[arg(long, env = "CALLBOOK_PUBLIC_URL", value_name = "URL")]
    #[arg(default_value = values::DEFAULT_PUBLIC_URL, hide_default_value = true)]
    public_url: String,
    /// Addresses and networks, separated by commas, of which X-Forwarded-Proto, -Host and -For are trusted
    #[arg(long, env = "CALLBOOK_TRUSTED_PROXIES", value_name = "LIST", default_value = values::NONE)]
    trusted_proxies: String,
    /// Clients to serve: documented or monica-4
    #[arg(long, env = "CALLBOOK_COMPAT", value_name = "CLIENTS", default_value = "documented")]
    compat: String,
    /// Region of phone numbers without a country code: an ISO 3166 code of two letters, such as CH
    #[arg(long, env = "CALLBOOK_PHONE_REGION", value_name = "CODE", default_value = values::NONE)]
    phone_region: String,
    /// Requests per token and minute; 0 turns the limit off
    #[arg(long, env = "CALLBOOK_RATE_LIMIT_PER_MINUTE", value_name = "N", default_value = "600")]
    rate_limit_per_minute: String,
    /// Token of the first account, at least 32 characters; for images
    #[arg(long, env = "CALLBOOK_TOKEN", value_name = "TOKEN", default_value = values::NONE)]
    token: String,
    /// File that holds the token
    #[arg(long, env = "CALLBOOK_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Connections to the store, 1 to 1000 [default: 8 (SQLite), 16 (PostgreSQL)]
    #[arg(long, env = "CALLBOOK_POOL_SIZE", value_name = "N")]
    #[arg(default_value = values::DEFAULT_POOL_SIZE, hide_default_value = true)]
    pool_size: String,
    /// Pooler before PostgreSQL: transaction for PgBouncer in transaction mode, else none
    #[arg(long, env = "CALLBOOK_POSTGRES_POOLER", value_name = "MODE", default_value = values::NONE)]
    postgres_pooler: String,
    /// Address of /metrics for Prometheus, served without a token
    #[arg(long, env = "CALLBOOK_METRICS_BIND", value_name = "HOST:PORT", default_value = values::OFF)]
    metrics_bind: String,
    /// Log filter: error, warn, info, debug, trace, or a list such as warn,http_adapter=info
    #[arg(long, env = "CALLBOOK_LOG", value_name = "FILTER", default_value = "info")]
    log: String,
    /// Log format: text or json
    #[arg(long, env = "CALLBOOK_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    log_format: String,
}

/// Returns every setting as an argument of clap.
fn settings() -> Vec<Arg> {
    ConfigArgs::augment_args(clap::Command::new("callbook")).get_arguments().cloned().collect()
}

/// A setting that cannot be read. The message names the flag or variable and what it takes, and shows no secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct SettingError {
    name: String,
    problem: String,
}

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// The store to open.
    pub store: StoreUrl,
    /// The address to listen on.
    pub bind: SocketAddr,
    /// The base of every link, without a trailing slash. `None` for the host of the request.
    pub public_url: Option<String>,
    /// The proxies whose `X-Forwarded-*` headers are trusted.
    pub trusted_proxies: TrustedProxies,
    /// The clients to serve.
    pub compat: Compat,
    /// The region by whose rules phone numbers without a country code are read. `None` if any.
    pub phone_region: Option<PhoneRegion>,
    /// The maximal number of requests per token and minute. 0 is no limit.
    pub rate_limit: u32,
    /// The configured token of the first account. `None` without one.
    pub token: Option<Secret>,
    /// The number of connections to the store.
    pub pool_size: u32,
    /// The pooler between the server and PostgreSQL.
    pub postgres_pooler: Pooler,
    /// The address of `/metrics`. `None` if metrics are off.
    pub metrics_bind: Option<SocketAddr>,
    /// The log filter.
    pub log: Targets,
    /// The format of log lines.
    pub log_format: LogFormat,
}

impl Config {
    /// Parses the settings. `args` was parsed from `matches`.
    pub fn read(args: &ConfigArgs, matches: &ArgMatches) -> Result<Self, SettingError> {
        let reader = Reader { matches };
        let store = reader.store(args)?;
        let default_pool_size = match store {
            StoreUrl::Sqlite(_) => 8,
            StoreUrl::Postgres(_) => 16,
        };
        let postgres_pooler =
            reader.parse("CALLBOOK_POSTGRES_POOLER", &args.postgres_pooler, values::postgres_pooler)?;
        if matches!(store, StoreUrl::Sqlite(_)) && postgres_pooler != Pooler::None {
            return Err(reader.error("CALLBOOK_POSTGRES_POOLER", "takes none with a store on SQLite"));
        }
        Ok(Self {
            store,
            bind: reader.parse("CALLBOOK_BIND", &args.bind, values::bind)?,
            public_url: reader.parse("CALLBOOK_PUBLIC_URL", &args.public_url, values::public_url)?,
            trusted_proxies: reader.parse(
                "CALLBOOK_TRUSTED_PROXIES",
                &args.trusted_proxies,
                values::trusted_proxies,
            )?,
            compat: reader.parse("CALLBOOK_COMPAT", &args.compat, values::compat)?,
            phone_region: reader.parse("CALLBOOK_PHONE_REGION", &args.phone_region, values::phone_region)?,
            rate_limit: reader.parse(
                "CALLBOOK_RATE_LIMIT_PER_MINUTE",
                &args.rate_limit_per_minute,
                values::rate_limit,
            )?,
            token: reader.token(args)?,
            pool_size: reader
                .parse("CALLBOOK_POOL_SIZE", &args.pool_size, values::pool_size)?
                .unwrap_or(default_pool_size),
            postgres_pooler,
            metrics_bind: reader.parse("CALLBOOK_METRICS_BIND", &args.metrics_bind, values::metrics_bind)?,
            log: reader.parse("CALLBOOK_LOG", &args.log, values::log)?,
            log_format: reader.parse("CALLBOOK_LOG_FORMAT", &args.log_format, values::log_format)?,
        })
    }

    /// Returns the variable, the value and the source of every setting. Secrets are hidden.
    pub fn report(&self, matches: &ArgMatches) -> Vec<[String; 3]> {
        let reader = Reader { matches };
        let names = settings().into_iter().filter_map(|setting| setting.get_env()?.to_str().map(str::to_owned));
        let row = |name: String| {
            let value = match name.as_str() {
                "DATABASE_URL" => self.store.without_secrets(),
                "CALLBOOK_TOKEN" if self.token.is_some() => "(hidden)".to_owned(),
                "CALLBOOK_POOL_SIZE" => self.pool_size.to_string(),
                _ => matches.get_one::<String>(&id(&name)).cloned().unwrap_or_default(),
            };
            let source = reader.shown_source(&name);
            [name, value, source]
        };
        names.filter(|name| !name.ends_with("_FILE")).map(row).collect()
    }
}

/// Returns the argument id of the setting with this variable.
fn id(variable: &str) -> String {
    variable.trim_start_matches("CALLBOOK_").to_lowercase()
}

/// Parses settings and names the flag or variable of one that cannot be parsed.
struct Reader<'a> {
    matches: &'a ArgMatches,
}

impl Reader<'_> {
    fn store(&self, args: &ConfigArgs) -> Result<StoreUrl, SettingError> {
        let url = self.secret("DATABASE_URL", Some(&args.database_url), args.database_url_file.as_deref())?;
        match url.filter(|url| url != DEFAULT_DATABASE_URL) {
            None => Ok(StoreUrl::Sqlite(Path::new(&args.data_dir).join("callbook.db"))),
            Some(url) => values::store_url(&url).map_err(|problem| self.error("DATABASE_URL", problem)),
        }
    }

    fn token(&self, args: &ConfigArgs) -> Result<Option<Secret>, SettingError> {
        match self.secret("CALLBOOK_TOKEN", Some(&args.token), args.token_file.as_deref())? {
            None => Ok(None),
            Some(token) => {
                values::token(&token).map_err(|takes| self.error("CALLBOOK_TOKEN", format!("takes {takes}")))
            }
        }
    }

    /// Returns the text of a secret, from the setting or from its file. A flag takes precedence over a variable.
    fn secret(&self, name: &str, text: Option<&str>, file: Option<&Path>) -> Result<Option<String>, SettingError> {
        let file_name = format!("{name}_FILE");
        match (self.source(name), self.source(&file_name), file) {
            (source, file_source, Some(_)) if source.is_some() && source == file_source => {
                let problem = format!("and {} cannot both be set", self.shown_name(&file_name));
                Err(self.error(name, problem))
            }
            (source, file_source, Some(path)) if file_source > source => match std::fs::read_to_string(path) {
                Ok(text) => Ok(Some(text.trim().to_owned())),
                // A URL that was set as the name of its file is not shown.
                Err(error) if is_url(&path.to_string_lossy()) => {
                    Err(self.error(&file_name, format!("cannot be read: {error}")))
                }
                Err(error) => Err(self.error(&file_name, format!("cannot be read: {}: {error}", path.display()))),
            },
            _ => Ok(text.map(str::to_owned)),
        }
    }

    /// Parses a setting that is not a secret. The error of the parser says what the setting takes.
    fn parse<T>(&self, name: &str, text: &str, parser: values::Parser<T>) -> Result<T, SettingError> {
        parser(text).map_err(|takes| {
            let not = values::quote(text).map_or_else(String::new, |text| format!(", not {text}"));
            self.error(name, format!("takes {takes}{not}"))
        })
    }

    /// Returns the source of a setting. `None` for the default.
    fn source(&self, name: &str) -> Option<ValueSource> {
        let source = self.matches.try_contains_id(&id(name)).is_ok().then(|| self.matches.value_source(&id(name)));
        source.flatten().filter(|source| *source != ValueSource::DefaultValue)
    }

    fn shown_source(&self, name: &str) -> String {
        let file_name = format!("{name}_FILE");
        if self.source(&file_name) > self.source(name)
            && let Some(path) = self.matches.get_one::<PathBuf>(&id(&file_name))
        {
            return format!("file {}", path.display());
        }
        let source = match self.source(name) {
            Some(ValueSource::CommandLine) => "command line",
            Some(_) => "environment",
            None => "default",
        };
        source.to_owned()
    }

    /// Returns the name of the flag if it is given, else of the variable.
    fn shown_name(&self, name: &str) -> String {
        match self.source(name) {
            Some(ValueSource::CommandLine) => format!("--{}", id(name).replace('_', "-")),
            _ => name.to_owned(),
        }
    }

    fn error(&self, name: &str, problem: impl Into<String>) -> SettingError {
        SettingError { name: self.shown_name(name), problem: problem.into() }
    }
}

/// Returns the token of Monica's API. `matches` are those of `import-monica`.
pub fn monica_token(matches: &ArgMatches, text: Option<&str>, file: Option<&Path>) -> Result<String, SettingError> {
    let reader = Reader { matches };
    reader.secret("MONICA_TOKEN", text, file)?.ok_or_else(|| {
        let problem = "takes a token of Monica's API (Settings, API); or MONICA_TOKEN_FILE, a file that holds it";
        reader.error("MONICA_TOKEN", problem)
    })
}

/// Makes the arguments of the command and of its subcommands ignore empty variables and hide the values of variables.
pub fn with_environment(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| match arg.get_env().map(is_empty) {
        Some(true) => arg.env(None),
        Some(false) => arg.hide_env_values(true),
        None => arg,
    });
    command.mut_subcommands(with_environment)
}

#[expect(clippy::disallowed_methods, reason = "settings are read here")]
fn is_empty(variable: &OsStr) -> bool {
    std::env::var_os(variable).is_some_and(|value| value.is_empty())
}

/// Returns the variables that begin with `CALLBOOK_` and are not settings, such as misspelt ones.
pub fn unknown_variables() -> Vec<String> {
    let settings = settings();
    let is_known = |name: &str| settings.iter().any(|setting| setting.get_env() == Some(OsStr::new(name)));
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<_> = names.filter(|name| name.starts_with("CALLBOOK_") && !is_known(name)).collect();
    unknown.sort_unstable();
    unknown
}
