//! PostgreSQL for tests: a new, empty database for each test.
//!
//! The databases are on the server of `TEST_DATABASE_URL`. Without it, the first test starts a temporary server from
//! installed binaries, which stops with the test process. Tests on Citus create theirs on that of `TEST_CITUS_URL`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc)]
// Tests read `TEST_DATABASE_URL` from the environment.
#![allow(clippy::disallowed_methods)]

mod citus;
mod pgbouncer;
mod supervisor;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use citus::Cluster;
pub use citus::Node;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
pub use pgbouncer::PgBouncer;
use supervisor::{Supervisor, as_unprivileged, unprivileged_folder};

/// A database for one test, dropped with this value.
pub struct Database {
    name: String,
    /// The Citus that has the database. `None` if it is on the server of other tests.
    cluster: Option<&'static Cluster>,
}

impl Database {
    /// Creates an empty database.
    pub fn create() -> Self {
        Self::create_with("")
    }

    /// Creates an empty database with options of `CREATE DATABASE`.
    pub fn create_with(options: &str) -> Self {
        let name = new_name();
        execute_as_admin(&format!("CREATE DATABASE {name} {options}"));
        Self { name, cluster: None }
    }

    /// Creates an empty database on all nodes of the Citus whose coordinator `TEST_CITUS_URL` names.
    pub fn create_on_citus() -> Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        let cluster = CLUSTER.get_or_init(Cluster::from_environment);
        let name = new_name();
        cluster.create_database(&name);
        Self { name, cluster: Some(cluster) }
    }

    /// The URL of the database.
    pub fn url(&self) -> String {
        self.cluster.map_or_else(server, |cluster| &cluster.coordinator).url(&self.name)
    }

    /// The URL of the database behind a pooler in transaction mode, which the tests of a process share.
    pub fn pooled_url(&self) -> String {
        static POOLER: OnceLock<PgBouncer> = OnceLock::new();
        POOLER.get_or_init(|| PgBouncer::start(&server().address())).url(&self.name)
    }

    /// The worker of Citus that has the calls of the account.
    pub fn worker_of(&self, account: i64) -> Node {
        self.cluster().worker_of(&self.name, account)
    }

    /// The URL of the database on a worker of Citus.
    pub fn worker_url(&self, worker: &Node) -> String {
        self.cluster().server(worker).url(&self.name)
    }

    /// Makes the worker of Citus unreachable: ends its connections to the database and allows no new ones.
    pub fn stop_worker(&self, worker: &Node) {
        self.cluster().allow_connections(&self.name, worker, false);
    }

    /// Makes a stopped worker reachable.
    pub fn start_worker(&self, worker: &Node) {
        self.cluster().allow_connections(&self.name, worker, true);
    }

    fn cluster(&self) -> &'static Cluster {
        self.cluster.unwrap_or_else(|| panic!("the database is not on Citus"))
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
        match self.cluster {
            Some(cluster) => cluster.drop_database(&self.name),
            None => execute_as_admin(&format!("DROP DATABASE {} WITH (FORCE)", self.name)),
        }
    }
}

/// A name for a database, which no other test uses.
fn new_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("callbook_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
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

    /// The address, in libpq's format.
    fn address(&self) -> String {
        match self {
            Self::External(url) => pgbouncer::address_of(url),
            Self::Throwaway(server) => server.address(),
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
    supervisor: Supervisor,
    is_stopped: bool,
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        // The supervisor removes the folder of a server that runs.
        if self.is_stopped {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
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
        let folder = unprivileged_folder("callbook-test-pg-");
        let initdb = as_unprivileged(Command::new(bin.join("initdb")), &folder)
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(folder.join("data"))
            .output()
            .unwrap();
        assert!(initdb.status.success(), "initdb: {}", String::from_utf8_lossy(&initdb.stderr));
        let supervisor = Self::spawn(&bin, &folder);
        let server = Self { folder, bin, supervisor, is_stopped: false };
        server.wait_until_ready();
        server
    }

    /// Starts a synchronous standby: from now on, this server answers a commit after the standby has received it.
    #[must_use]
    pub fn start_standby(&self) -> Self {
        let bin = self.bin.clone();
        let folder = unprivileged_folder("callbook-test-pg-");
        let copy = as_unprivileged(Command::new(bin.join("pg_basebackup")), &folder)
            .args(["--no-sync", "--write-recovery-conf", "--checkpoint=fast", "-d"])
            .arg(self.address())
            .arg("-D")
            .arg(folder.join("data"))
            .output()
            .unwrap();
        assert!(copy.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&copy.stderr));
        let supervisor = Self::spawn(&bin, &folder);
        let standby = Self { folder, bin, supervisor, is_stopped: false };
        standby.wait_until_ready();
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.execute("SELECT pg_reload_conf()");
        let mut connection = PgConnection::establish(&self.url("postgres")).unwrap();
        let is_synchronous = sql_query("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'");
        while is_synchronous.clone().execute(&mut connection).unwrap() == 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
        standby
    }

    /// Makes a standby accept writes, and waits until it does.
    pub fn promote(&self) {
        self.execute("SELECT pg_promote()");
    }

    /// The URL of the one of two servers that accepts writes.
    pub fn url_of_primary(&self, other: &Self) -> String {
        let (one, other) = (self.folder.display(), other.folder.display());
        format!("postgres://postgres@/postgres?host={one},{other}&port={PORT},{PORT}&target_session_attrs=read-write")
    }

    fn spawn(bin: &Path, folder: &Path) -> Supervisor {
        let mut command = Command::new(bin.join("postgres"));
        command.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
        command.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=300"]);
        // Overrides PGPORT, which the servers under test do not inherit.
        command.args(["-p", PORT]);
        Supervisor::start(&command, folder, "INT")
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

    /// The address, in libpq's format.
    pub fn address(&self) -> String {
        format!("host={} port={PORT} user=postgres", self.folder.display())
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
        self.supervisor.stop_and_keep_folder("QUIT");
        self.is_stopped = true;
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
        self.is_stopped = false;
        self.wait_until_ready();
    }
}

/// The folder of `initdb` and `postgres` of the newest version, or `None` if PostgreSQL is not installed.
///
/// `TEST_POSTGRES_BIN` names the folder of another version.
fn binary_folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("TEST_POSTGRES_BIN") {
        return Some(folder.into());
    }
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
