//! The real binary, on a store that goes with the test.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
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
        Server::start(self)
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
    /// What it printed until it listened.
    pub printed: String,
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub base: String,
}

impl Server {
    #[track_caller]
    fn start(setup: &Setup) -> Self {
        let mut process = setup.command(&["serve"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let (mut printed, mut base) = (String::new(), None);
        while !printed.contains("/docs/") && lines.read_line(&mut printed).unwrap() > 0 {
            let address = printed.lines().next().and_then(|line| line.rsplit_once("listens on "));
            base = address.map(|(_, address)| format!("http://{address}"));
        }
        let Some(base) = base else {
            let mut error = String::new();
            let _ = process.stderr.take().unwrap().read_to_string(&mut error);
            panic!("the server did not start: {error}");
        };
        Self { process, printed, base }
    }

    /// The token that the first start printed.
    pub fn token(&self) -> Option<&str> {
        self.printed.lines().find_map(|line| line.trim().strip_prefix("Token ")).map(str::trim)
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
        let mut log = String::new();
        let _ = self.process.stderr.take().unwrap().read_to_string(&mut log);
        (self.process.wait().unwrap().code(), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
