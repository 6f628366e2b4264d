//! PostgreSQL for tests: a new, empty database for each test, on the server of `TEST_DATABASE_URL` or else on a
//! throw-away one, which the first test starts from installed binaries and which ends with the test process.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc)]
// The one setting that tests have.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

/// A database of its own for one test; it goes when this does.
pub struct Database {
    name: String,
}

impl Database {
    /// Makes an empty database.
    pub fn create() -> Self {
        Self::create_with("")
    }

    /// Makes an empty database, with these options of `CREATE DATABASE`.
    pub fn create_with(options: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("callbook_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        administer(&format!("CREATE DATABASE {name} {options}"));
        Self { name }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        server().url(&self.name)
    }

    /// Runs SQL in it.
    pub fn execute(&self, sql: &str) {
        execute(&self.url(), sql);
    }

    /// Locks a table against everyone else until the answer goes.
    pub fn lock(&self, table: &str) -> Lock {
        let mut connection = PgConnection::establish(&self.url()).unwrap();
        connection.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).unwrap();
        Lock { _connection: connection }
    }
}

/// A lock; it ends with its connection.
pub struct Lock {
    _connection: PgConnection,
}

impl Drop for Database {
    fn drop(&mut self) {
        administer(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn administer(sql: &str) {
    execute(&server().url("postgres"), sql);
}

fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::establish(url).unwrap();
    connection.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Where the tests' databases are made.
enum Server {
    Given(String),
    Throwaway(Throwaway),
}

impl Server {
    fn url(&self, database: &str) -> String {
        match self {
            Self::Given(url) => {
                let (base, query) =
                    url.split_once('?').map_or((url.as_str(), String::new()), |(b, q)| (b, format!("?{q}")));
                let host_ends = base.find("://").map_or(0, |scheme| scheme + 3);
                let slash = base[host_ends..].find('/').map_or(base.len(), |slash| host_ends + slash);
                format!("{}/{database}{query}", &base[..slash])
            }
            Self::Throwaway(server) => server.url(database),
        }
    }
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var("TEST_DATABASE_URL") {
        Ok(url) if !url.is_empty() => Server::Given(url),
        _ => Server::Throwaway(Throwaway::start()),
    })
}

/// Names the socket; nothing listens on a port.
const PORT: &str = "5432";

/// A PostgreSQL server of the test's own, on a Unix socket in a folder of its own.
pub struct Throwaway {
    folder: PathBuf,
    bin: PathBuf,
    /// A shell that stops the server and removes the folder when its standard input closes, which it does
    /// however this process ends.
    keeper: Child,
}

impl Throwaway {
    /// Makes a cluster and starts a server on it.
    pub fn start() -> Self {
        let bin = binaries().unwrap_or_else(|| {
            panic!(
                "PostgreSQL is not installed: `apt-get install postgresql` (Debian), `brew install postgresql` \
                 (macOS), or set TEST_DATABASE_URL"
            )
        });
        let folder = tempfile::Builder::new().prefix("callbook-test-pg-").tempdir().unwrap().keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        if let Some((uid, gid)) = unprivileged() {
            chown(&folder, Some(uid), Some(gid)).unwrap();
        }
        let made = as_unprivileged(Command::new(bin.join("initdb")), &folder)
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(folder.join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let keeper = Self::run(&bin, &folder);
        let server = Self { folder, bin, keeper };
        server.wait_until_ready();
        server
    }

    fn run(bin: &Path, folder: &Path) -> Child {
        const KEEP: &str = r#"trap '' INT HUP; folder=$1; shift
            "$@" >>"$folder/log" 2>&1 & server=$!
            read -r last || last=INT; kill -s $last $server; wait $server
            [ "$last" = QUIT ] || rm -rf "$folder""#;
        as_unprivileged(Command::new("sh"), folder)
            .args(["-c", KEEP, "keeper"])
            .arg(folder)
            .arg(bin.join("postgres"))
            .arg("-D")
            .arg(folder.join("data"))
            .arg("-k")
            .arg(folder)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=300"])
            // Whatever PGPORT says, which servers under test do not hear.
            .args(["-p", PORT])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = PgConnection::establish(&self.url("postgres")) {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "PostgreSQL does not start: {error}\n{}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@/{database}?host={}&port={PORT}", self.folder.display())
    }

    /// Stops the server at once, as a crash would; its data stay.
    pub fn stop(&mut self) {
        let _ = self.keeper.stdin.take().map(|mut input| input.write_all(b"QUIT\n"));
        let _ = self.keeper.wait();
    }

    /// Freezes it, as a machine that is gone without a word: connections stay open and are silent.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let pid = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let server = pid.lines().next().unwrap();
        // The server and the processes that serve its clients.
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap();
        let sent = Command::new("kill").args(["-s", name, server]).args(children.split_whitespace()).status().unwrap();
        assert!(sent.success());
    }

    /// Starts it again.
    pub fn restart(&mut self) {
        self.keeper = Self::run(&self.bin, &self.folder);
        self.wait_until_ready();
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// The folder of `initdb` and `postgres`, the newest version first.
fn binaries() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for root in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        let mut found: Vec<_> =
            fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path().join("bin")).collect();
        found.sort_by_key(|folder| std::cmp::Reverse((folder.as_os_str().len(), folder.clone())));
        folders.extend(found);
    }
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// Whom to run as: PostgreSQL refuses root. None when this process is not root.
fn unprivileged() -> Option<(u32, u32)> {
    let me = Command::new("id").arg("-u").output().unwrap();
    if me.stdout.trim_ascii() != b"0" {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let mut fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let user = fields.find(|fields| fields.first() == Some(&name))?;
        Some((user.get(2)?.parse().ok()?, user.get(3)?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody"))
}

fn as_unprivileged(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder);
    if let Some((uid, gid)) = unprivileged() {
        command.uid(uid).gid(gid);
    }
    command
}
