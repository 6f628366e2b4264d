//! The real binary, on a store that goes with the test.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use throwaway_postgres::Database;

use crate::Client;

/// The binary as it is shipped: built without what only tests switch on.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "callbook"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status()
            .unwrap();
        assert!(built.success(), "the binary cannot be built");
        // This test is target/debug/deps/black_box-….
        let deps = std::env::current_exe().unwrap();
        deps.parent().and_then(Path::parent).unwrap().join("callbook")
    })
}

/// Polls until the condition holds.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come about within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Which store, and what keeps it alive.
pub enum Store {
    /// A file in the setup's folder.
    Sqlite,
    /// A database of its own.
    Postgres(Database),
    /// A database elsewhere.
    Url(String),
}

/// A folder, a store and settings, from which commands are run and servers are started.
pub struct Setup {
    folder: TempDir,
    store: Store,
    settings: Vec<(String, String)>,
}

impl Setup {
    /// On SQLite, in an empty folder.
    pub fn sqlite() -> Self {
        Self::on(Store::Sqlite)
    }

    /// On PostgreSQL, in an empty database.
    pub fn postgres() -> Self {
        Self::on(Store::Postgres(Database::create()))
    }

    /// On this store.
    pub fn on(store: Store) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), store, settings: Vec::new() }
    }

    /// With this setting.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder that commands run in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The command, not yet run: with the setup's settings and none of this process.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("CALLBOOK_BIND", "127.0.0.1:0");
        // A test is no client that must be slowed down.
        command.env("CALLBOOK_RATE_LIMIT_PER_MINUTE", "0").env("CALLBOOK_LOG", "warn");
        match &self.store {
            Store::Sqlite => {}
            Store::Postgres(database) => drop(command.env("DATABASE_URL", database.url())),
            Store::Url(url) => drop(command.env("DATABASE_URL", url)),
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and answers its trimmed standard output.
    #[track_caller]
    pub fn output(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Starts a server.
    #[track_caller]
    pub fn serve(&self) -> Server {
        Server::start(self.command(&["serve"]))
    }

    /// Starts a server by another program, such as `sh -c '…; exec "$@"' sh`, which is given its command line.
    #[track_caller]
    pub fn serve_by(&self, program: &[&str]) -> Server {
        Server::start(self.command_by(program))
    }

    /// Runs `serve` by another program, to its end.
    pub fn run_by(&self, program: &[&str]) -> Output {
        self.command_by(program).output().unwrap()
    }

    fn command_by(&self, program: &[&str]) -> Command {
        let inner = self.command(&["serve"]);
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(inner.get_program()).args(inner.get_args()).current_dir(self.folder());
        command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    /// A token of a new account.
    pub fn another_account(&self) -> String {
        let account = self.output(&["account", "create", "Another"]);
        self.output(&["token", "create", "--account", &account])
    }
}

/// A running server; it is killed when it goes.
pub struct Server {
    process: Child,
    /// Reads what it logs, so that a full pipe never stops it.
    log: Option<JoinHandle<String>>,
    /// What it printed until it listened.
    pub printed: String,
    /// Where it listens: `http://127.0.0.1:PORT`.
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

    /// The token that the first start printed.
    pub fn token(&self) -> Option<&str> {
        self.printed_after("Token ")
    }

    /// A client of the metrics' address, when they are served.
    pub fn metrics(&self) -> Option<Client> {
        self.printed_after("Metrics ")?.strip_suffix("/metrics").map(|base| Client::new(base, None))
    }

    fn printed_after(&self, label: &str) -> Option<&str> {
        self.printed.lines().find_map(|line| line.trim().strip_prefix(label)).map(str::trim)
    }

    /// A client with the token of the first start.
    #[track_caller]
    pub fn client(&self) -> Client {
        Client::new(&self.base, Some(self.token().expect("only the first start prints a token")))
    }

    /// The process.
    pub fn process(&mut self) -> &mut Child {
        &mut self.process
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to stop and waits until it has; answers its exit status and what it logged.
    pub fn stop(mut self) -> (Option<i32>, String) {
        self.signal("TERM");
        self.end()
    }

    /// Kills it at once; answers what it had logged.
    pub fn kill(mut self) -> String {
        self.process.kill().unwrap();
        self.end().1
    }

    fn end(&mut self) -> (Option<i32>, String) {
        let code = self.process.wait().unwrap().code();
        (code, self.log.take().unwrap().join().unwrap())
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its address without the scheme, for raw connections.
    pub fn address(&self) -> &str {
        self.base.strip_prefix("http://").unwrap()
    }

    /// How much memory it holds now and held at most, in bytes (Linux).
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
