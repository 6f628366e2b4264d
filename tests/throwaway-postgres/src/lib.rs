//! PostgreSQL for tests: a new, empty database for each test.
//!
//! The databases are on the server of `TEST_DATABASE_URL`. Without it, the first test starts a temporary server from
//! installed binaries, which stops with the test process.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc)]
// Tests read `TEST_DATABASE_URL` from the environment.
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

/// A database for one test, dropped with this value.
pub struct Database {
    name: String,
}

impl Database {
    /// Creates an empty database.
    pub fn create() -> Self {
        Self::create_with("")
    }

    /// Creates an empty database with options of `CREATE DATABASE`.
    pub fn create_with(options: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("callbook_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        execute_as_admin(&format!("CREATE DATABASE {name} {options}"));
        Self { name }
    }

    /// The URL of the database.
    pub fn url(&self) -> String {
        server().url(&self.name)
    }

    /// Runs SQL statements in the database.
    pub fn execute(&self, sql: &str) {
        execute(&self.url(), sql);
    }

    /// Locks a table exclusively until the lock is dropped.
    pub fn lock(&self, table: &str) -> Lock {
        let mut connection = PgConnection::establish(&self.url()).unwrap();
        connection.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).unwrap();
        Lock { _connection: connection }
    }
}

/// A table lock, held by an open transaction.
pub struct Lock {
    _connection: PgConnection,
}

impl Drop for Database {
    fn drop(&mut self) {
        execute_as_admin(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// Runs SQL statements in the database `postgres` of the server.
fn execute_as_admin(sql: &str) {
    execute(&server().url("postgres"), sql);
}

fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::establish(url).unwrap();
    connection.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The server of the test databases.
enum Server {
    External(String),
    Throwaway(Throwaway),
}

impl Server {
    fn url(&self, database: &str) -> String {
        match self {
            Self::External(url) => {
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
        Ok(url) if !url.is_empty() => Server::External(url),
        _ => Server::Throwaway(Throwaway::start()),
    })
}

/// The number in the name of the Unix socket. The server listens on no TCP port.
const PORT: &str = "5432";

/// A temporary PostgreSQL server on a Unix socket in a temporary folder.
pub struct Throwaway {
    folder: PathBuf,
    bin: PathBuf,
    /// A shell that stops the server and removes the folder as soon as its standard input closes, so also if this
    /// process is killed.
    supervisor: Child,
}

impl Throwaway {
    /// Creates a database cluster and starts a server.
    pub fn start() -> Self {
        let bin = binary_folder().unwrap_or_else(|| {
            panic!(
                "PostgreSQL is not installed: `apt-get install postgresql` (Debian), `brew install postgresql` \
                 (macOS), or set TEST_DATABASE_URL"
            )
        });
        let folder = tempfile::Builder::new().prefix("callbook-test-pg-").tempdir().unwrap().keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        if let Some((uid, gid)) = unprivileged_user() {
            chown(&folder, Some(uid), Some(gid)).unwrap();
        }
        let initdb = as_unprivileged(Command::new(bin.join("initdb")), &folder)
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(folder.join("data"))
            .output()
            .unwrap();
        assert!(initdb.status.success(), "initdb: {}", String::from_utf8_lossy(&initdb.stderr));
        let supervisor = Self::spawn(&bin, &folder);
        let server = Self { folder, bin, supervisor };
        server.wait_until_ready();
        server
    }

    fn spawn(bin: &Path, folder: &Path) -> Child {
        const SUPERVISE: &str = r#"trap '' INT HUP; folder=$1; shift
            "$@" >>"$folder/log" 2>&1 & server=$!
            read -r signal || signal=INT; kill -s $signal $server; wait $server
            [ "$signal" = QUIT ] || rm -rf "$folder""#;
        as_unprivileged(Command::new("sh"), folder)
            .args(["-c", SUPERVISE, "supervisor"])
            .arg(folder)
            .arg(bin.join("postgres"))
            .arg("-D")
            .arg(folder.join("data"))
            .arg("-k")
            .arg(folder)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=300"])
            // Overrides PGPORT, which the servers under test do not inherit.
            .args(["-p", PORT])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = PgConnection::establish(&self.url("postgres")) {
            assert!(Instant::now() < deadline, "PostgreSQL does not start: {error}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The URL of a database of this server.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@/{database}?host={}&port={PORT}", self.folder.display())
    }

    /// Runs SQL statements in the database `postgres`.
    pub fn execute(&self, sql: &str) {
        execute(&self.url("postgres"), sql);
    }

    /// Returns the log of the server.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap()
    }

    /// Stops the server immediately, like a crash. The data is kept.
    pub fn stop(&mut self) {
        let _ = self.supervisor.stdin.take().map(|mut input| input.write_all(b"QUIT\n"));
        let _ = self.supervisor.wait();
    }

    /// Suspends all processes of the server, so that connections stay open without any response.
    pub fn suspend(&self) {
        self.signal("STOP");
    }

    /// Resumes the processes.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let pid = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let server = pid.lines().next().unwrap();
        // The server and the processes of its connections.
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap();
        let sent = Command::new("kill").args(["-s", name, server]).args(children.split_whitespace()).status().unwrap();
        assert!(sent.success());
    }

    /// Starts the server again on the same data.
    pub fn restart(&mut self) {
        self.supervisor = Self::spawn(&self.bin, &self.folder);
        self.wait_until_ready();
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

/// The folder of `initdb` and `postgres` of the newest version, or `None` if PostgreSQL is not installed.
fn binary_folder() -> Option<PathBuf> {
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

/// The user and group ids for PostgreSQL, which does not run as root. `None` if this process is not root.
fn unprivileged_user() -> Option<(u32, u32)> {
    let user_id = Command::new("id").arg("-u").output().unwrap();
    if user_id.stdout.trim_ascii() != b"0" {
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

/// Sets the working directory and, if this process is root, an unprivileged user.
fn as_unprivileged(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder);
    if let Some((uid, gid)) = unprivileged_user() {
        command.uid(uid).gid(gid);
    }
    command
}
