//! At the beginning and at the end of each read SQLite asks the system for a lock, in turn with all other threads: a
//! sixth of a short read. But connections of one process share what one of them has locked. So while somebody reads and
//! nobody writes, one connection keeps the lock for all.

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Integer;
use ports::Error;
use storage::{Joined, Outcome, Pool};

/// How long the lock is kept at once. What is written meanwhile stays in the log until it is let go.
const KEPT: Duration = Duration::from_millis(50);

/// The thread that keeps the lock. Dropping it lets go.
pub struct ReadLock {
    wanted: Sender<()>,
    _joined: Joined,
}

impl ReadLock {
    /// Starts the thread on its pool.
    pub fn start(pool: Pool<SqliteConnection>) -> std::io::Result<Self> {
        let (wanted, wishes) = bounded(1);
        let handle = std::thread::Builder::new().name("read-lock".into()).spawn(move || keep(&pool, &wishes))?;
        Ok(Self { wanted, _joined: Joined(vec![handle]) })
    }

    /// Tells that somebody reads.
    pub fn want(&self) {
        // One wish is enough.
        let _ = self.wanted.try_send(());
    }
}

fn keep(pool: &Pool<SqliteConnection>, wishes: &Receiver<()>) {
    let mut seen = None;
    for () in wishes {
        let was_kept = pool.run(|connection| {
            connection.transaction(|connection| -> Outcome<bool> {
                let Version { data_version } = sql_query("PRAGMA data_version").get_result(connection)?;
                let is_quiet = seen.replace(data_version) == Some(data_version);
                if is_quiet {
                    std::thread::sleep(KEPT);
                }
                Ok(is_quiet)
            })
        });
        let was_kept = was_kept.unwrap_or_else(|failure| {
            tracing::debug!(error = %Error::from(failure), "the read lock was not kept");
            false
        });
        if !was_kept {
            // While somebody writes, each read finds another lock, and one that is kept holds up the log's end.
            std::thread::sleep(KEPT);
        }
    }
}

/// Another one when another connection, of this process or any, has written.
#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Integer)]
    data_version: i32,
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;

    use super::*;

    #[derive(QueryableByName)]
    struct Log {
        #[diesel(sql_type = Integer)]
        log: i32,
        #[diesel(sql_type = Integer)]
        checkpointed: i32,
    }

    /// Writes; answers whether the log could be taken into the file.
    fn write(pool: &Pool<SqliteConnection>) -> bool {
        let log = pool.run(|connection| {
            connection.batch_execute("INSERT INTO accounts (name, created_at) VALUES ('x', 0)")?;
            Ok(sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result::<Log>(connection)?)
        });
        let Log { log, checkpointed } = log.unwrap();
        log == checkpointed
    }

    #[test]
    fn the_lock_is_kept_while_somebody_reads_and_nobody_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("callbook.db");
        let path = path.to_str().unwrap();
        crate::migrate(path).unwrap();
        let lock = ReadLock::start(crate::pool(path, 1).unwrap()).unwrap();
        let pool = crate::pool(path, 1).unwrap();
        let read_for = |milliseconds| {
            for _ in 0..milliseconds {
                lock.want();
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        assert!(write(&pool), "nobody reads");
        let is_held_up = |_| {
            read_for(120);
            !write(&pool)
        };
        assert!((0..100).any(is_held_up), "the lock is kept");
        let taken = (0..300).filter(|_| {
            read_for(1);
            write(&pool)
        });
        assert!(taken.count() > 200, "it is not while somebody writes");
    }
}
