//! Runs the binary on a temporary store.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use throwaway_postgres::Database;

use crate::Client;

/// The path of the binary. The first call builds it, without features that only tests need.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // The path of the test is target/PROFILE/deps/black_box-…, where `debug` stands for the profile `dev`.
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).unwrap();
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(profile) => profile,
        };
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "callbook", "--profile", profile])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status()
            .unwrap();
        assert!(built.success(), "the binary cannot be built");
        folder.join("callbook")
    })
}

/// Polls until the condition is true. Panics after a minute.
#[track_caller]
pub fn wait_until(event: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !condition() {
        assert!(Instant::now() < deadline, "a minute passed without {event}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a write gets a later timestamp than all writes before. Timestamps have whole seconds.
pub fn wait_for_next_second() {
    std::thread::sleep(Duration::from_millis(1_001));
}

/// The store of a test.
pub enum Store {
    /// A file in the folder of the setup.
    Sqlite,
    /// A temporary database, dropped with this value.
    Postgres(Database),
    /// A store at a URL.
    Url(String),
}

/// A temporary folder, a store and settings, with which commands are run and servers are started.
pub struct Setup {
    folder: TempDir,
    store: Store,
    settings: Vec<(String, String)>,
}

impl Setup {
    /// A setup on SQLite, without a file yet.
    pub fn sqlite() -> Self {
        Self::on(Store::Sqlite)
    }

    /// A setup on PostgreSQL, with an empty database.
    pub fn postgres() -> Self {
        Self::on(Store::Postgres(Database::create()))
    }

    /// A setup on PostgreSQL behind a pooler in transaction mode, with an empty database.
    pub fn pooled_postgres() -> Self {
        let database = Database::create();
        let url = database.pooled_url();
        Self::on(Store::Postgres(database)).set("DATABASE_URL", &url).set("CALLBOOK_POSTGRES_POOLER", "transaction")
    }

    /// A setup on Citus, with distributed tables and no account.
    pub fn citus() -> Self {
        let setup = Self::on(Store::Postgres(Database::create_on_citus()));
        setup.output(&["migrate", "--distribute"]);
        setup
    }

    /// A setup on a store.
    pub fn on(store: Store) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), store, settings: Vec::new() }
    }

    /// Adds a setting.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The working directory of the commands.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The path of the SQLite file.
    pub fn sqlite_file(&self) -> PathBuf {
        self.folder().join("data/callbook.db")
    }

    /// Another setup on the same store, without the settings. This setup must outlive it.
    #[must_use]
    pub fn on_same_store(&self) -> Self {
        Self::on(Store::Url(match &self.store {
            Store::Sqlite => format!("sqlite://{}", self.sqlite_file().display()),
            Store::Postgres(database) => database.url(),
            Store::Url(url) => url.clone(),
        }))
    }

    /// A command with the settings of this setup, not run yet. It inherits no environment variable.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("CALLBOOK_BIND", "127.0.0.1:0");
        // Tests send requests faster than the rate limit allows.
        command.env("CALLBOOK_RATE_LIMIT_PER_MINUTE", "0").env("CALLBOOK_LOG", "warn");
        match &self.store {
            Store::Sqlite => {}
            Store::Postgres(database) => drop(command.env("DATABASE_URL", database.url())),
            Store::Url(url) => drop(command.env("DATABASE_URL", url)),
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command and waits for its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command, asserts that it succeeds and returns its standard output without trailing white space.
    #[track_caller]
    pub fn output(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Runs a command, asserts that it fails with this exit code and returns its standard error.
    #[track_caller]
    pub fn expect_failure(&self, arguments: &[&str], code: i32) -> String {
        expect_failure(self.run(arguments), code)
    }

    /// Creates the store, without an account, unless it exists.
    #[track_caller]
    pub fn migrate(&self) {
        self.output(&["migrate"]);
    }

    /// Starts a server.
    #[track_caller]
    pub fn serve(&self) -> Server {
        Server::start(self.command(&["serve"]))
    }

    /// Starts a server under another program, such as `sh -c '…; exec "$@"' sh`, which gets its command line.
    #[track_caller]
    pub fn serve_under(&self, program: &[&str]) -> Server {
        Server::start(self.serve_command_under(program))
    }

    /// Runs `serve` under another program and waits for its end.
    pub fn run_serve_under(&self, program: &[&str]) -> Output {
        self.serve_command_under(program).output().unwrap()
    }

    fn serve_command_under(&self, program: &[&str]) -> Command {
        let inner = self.command(&["serve"]);
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(inner.get_program()).args(inner.get_args()).current_dir(self.folder());
        command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    /// Creates an account and returns a token of it.
    pub fn new_account_token(&self) -> String {
        self.migrate();
        let account = self.output(&["account", "create", "Another"]);
        self.output(&["token", "create", "--account", &account])
    }

    /// Creates a token of the first account.
    pub fn new_token(&self) -> String {
        self.migrate();
        self.output(&["token", "create"])
    }

    /// Creates a token and revokes it.
    pub fn revoked_token(&self) -> String {
        let token = self.output(&["token", "create", "--name", "revoked"]);
        let list = self.output(&["token", "list"]);
        self.output(&["token", "revoke", list.lines().last().unwrap().split_whitespace().next().unwrap()]);
        token
    }

    /// Creates a token that expires after a second, and waits until the server rejects it.
    pub fn expired_token(&self, client: &Client) -> String {
        let token = self.output(&["token", "create", "--expires", "1s"]);
        wait_until("the token's expiry", || client.with_token(Some(&token)).get("/api/me").status == 401);
        token
    }
}

/// Asserts that a command failed with this exit code and returns its standard error.
#[track_caller]
pub fn expect_failure(output: Output, code: i32) -> String {
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{error}");
    error
}

/// A running server, killed on drop.
pub struct Server {
    process: Child,
    /// Reads standard error, so that a full pipe never blocks the server.
    log: Option<JoinHandle<String>>,
    /// The standard output of the start.
    pub printed: String,
    /// The base URL: `http://127.0.0.1:PORT`.
    pub base: String,
}

impl Server {
    #[track_caller]
    fn start(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = process.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = Vec::new();
            let _ = errors.read_to_end(&mut log);
            String::from_utf8_lossy(&log).into_owned()
        });
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let (mut printed, mut base) = (String::new(), None);
        while !printed.contains("/docs/") && lines.read_line(&mut printed).unwrap() > 0 {
            let address = printed.lines().next().and_then(|line| line.rsplit_once("listens on "));
            base = address.map(|(_, address)| format!("http://{address}"));
        }
        let Some(base) = base else {
            let _ = process.wait();
            panic!("the server did not start: {}", log.join().unwrap());
        };
        Self { process, log: Some(log), printed, base }
    }

    /// The token that the first start on an empty store prints, or `None`.
    pub fn token(&self) -> Option<&str> {
        self.printed_after("Token ")
    }

    /// A client of the metrics' address, or `None` if metrics are off.
    pub fn metrics(&self) -> Option<Client> {
        self.printed_after("Metrics ")?.strip_suffix("/metrics").map(|base| Client::new(base, None))
    }

    fn printed_after(&self, label: &str) -> Option<&str> {
        self.printed.lines().find_map(|line| line.trim().strip_prefix(label)).map(str::trim)
    }

    /// A client with the token that this start printed.
    #[track_caller]
    pub fn client(&self) -> Client {
        Client::new(&self.base, Some(self.token().expect("only the first start prints a token")))
    }

    /// Waits until the server reports that it is ready.
    #[track_caller]
    pub fn wait_until_ready(&self) {
        let client = Client::new(&self.base, None);
        wait_until("the server being ready", || client.get("/readyz").status == 200);
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Stops the server and waits for its end. Returns its exit code and its log.
    pub fn stop(mut self) -> (Option<i32>, String) {
        self.signal("TERM");
        self.wait()
    }

    /// Kills the server and returns its log.
    pub fn kill(mut self) -> String {
        self.process.kill().unwrap();
        self.wait().1
    }

    fn wait(&mut self) -> (Option<i32>, String) {
        let code = self.process.wait().unwrap().code();
        (code, self.log.take().unwrap().join().unwrap())
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The address without the scheme, for raw connections.
    pub fn address(&self) -> &str {
        self.base.strip_prefix("http://").unwrap()
    }

    /// The current and the peak resident memory in bytes (Linux).
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
        };
        (field("VmRSS:"), field("VmHWM:"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(log) = self.log.take().filter(|_| std::thread::panicking()) {
            eprintln!("the server logged:\n{}", log.join().unwrap_or_default());
        }
    }
}
