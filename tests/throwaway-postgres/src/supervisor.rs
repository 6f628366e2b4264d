//! Processes that end with the test process, and the user that they run as.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A shell that stops a process and removes its folder as soon as the shell's standard input closes, so also if this
/// process is killed.
pub struct Supervisor(Child);

impl Supervisor {
    /// Starts the process. It writes to `log` in the folder. `signal` stops it.
    pub fn start(process: &Command, folder: &Path, signal: &str) -> Self {
        const SUPERVISE: &str = r#"trap '' INT HUP; folder=$1; default=$2; shift 2
            "$@" >>"$folder/log" 2>&1 & process=$!
            read -r signal || signal=$default; kill -s $signal $process; wait $process 2>/dev/null
            [ "$signal" != "$default" ] || rm -rf "$folder""#;
        let shell = as_unprivileged(Command::new("sh"), folder)
            .args(["-c", SUPERVISE, "supervisor"])
            .arg(folder)
            .arg(signal)
            .arg(process.get_program())
            .args(process.get_args())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        Self(shell)
    }

    /// Stops the process by another signal, and waits for its end.
    pub fn stop_and_keep_folder(&mut self, signal: &str) {
        let _ = self.0.stdin.take().map(|mut input| writeln!(input, "{signal}"));
        let _ = self.0.wait();
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Creates a temporary folder for the unprivileged user.
pub fn unprivileged_folder(prefix: &str) -> PathBuf {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir().unwrap().keep();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    if let Some((uid, gid)) = unprivileged_user() {
        chown(&folder, Some(uid), Some(gid)).unwrap();
    }
    folder
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
pub fn as_unprivileged(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder);
    if let Some((uid, gid)) = unprivileged_user() {
        command.uid(uid).gid(gid);
    }
    command
}
