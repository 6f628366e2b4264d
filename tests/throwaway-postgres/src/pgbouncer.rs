//! PgBouncer for tests.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use diesel::{Connection, PgConnection};
use url::Url;

use crate::supervisor::{Supervisor, unprivileged_folder};

/// The number in the name of the Unix socket. PgBouncer listens on no TCP port.
const PORT: &str = "6432";

/// Consecutive transactions get different connections to the server. `docs/scaling.md` explains the timeouts.
const SETTINGS: &str = "\
listen_addr =
listen_port = 6432
auth_type = any
pool_mode = transaction
server_round_robin = 1
default_pool_size = 6
max_client_conn = 2000
query_wait_timeout = 20
server_login_retry = 1
";

/// A temporary PgBouncer in transaction mode, on a Unix socket in a temporary folder.
pub struct PgBouncer {
    folder: PathBuf,
    _supervisor: Supervisor,
}

impl PgBouncer {
    /// Starts PgBouncer before the server with this address, in libpq's format.
    pub fn start(server: &str) -> Self {
        let program = program().unwrap_or_else(|| {
            panic!("PgBouncer is not installed: `apt-get install pgbouncer` (Debian), `brew install pgbouncer` (macOS)")
        });
        let folder = unprivileged_folder("callbook-test-pgbouncer-");
        let settings = folder.join("pgbouncer.ini");
        let socket = folder.display();
        let text = format!("[databases]\n* = {server}\n[pgbouncer]\nunix_socket_dir = {socket}\n{SETTINGS}");
        fs::write(&settings, text).unwrap();
        // The unprivileged user reads it. Nobody else can open the folder.
        fs::set_permissions(&settings, fs::Permissions::from_mode(0o644)).unwrap();
        let mut command = Command::new(program);
        command.arg(settings);
        let supervisor = Supervisor::start(&command, &folder, "KILL");
        let pooler = Self { folder, _supervisor: supervisor };
        pooler.wait_until_ready();
        pooler
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = PgConnection::establish(&self.url("postgres")) {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "PgBouncer does not start: {error}\n{}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The URL of a database behind this pooler.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@/{database}?host={}&port={PORT}", self.folder.display())
    }
}

/// The program, or `None` if it is not installed. Debian has it where only administrators search.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("pgbouncer")).find(|program| program.is_file())
}

/// The address in the URL of a server, in libpq's format.
pub fn address_of(url: &str) -> String {
    let url = Url::parse(url).unwrap();
    let host = url.host_str().unwrap();
    let port = url.port().map_or_else(String::new, |port| format!(" port={port}"));
    let password = url.password().map_or_else(String::new, |password| format!(" password={password}"));
    format!("host={host}{port} user={}{password}", url.username())
}
