//! What both storage adapters stand on. What a store is, this crate does not know.
//!
//! Diesel is synchronous, the ports are not: in [`Threads`], and in SQLite's writer, a request crosses to a database
//! thread. A few threads take jobs from one bounded queue; each job borrows a connection of the r2d2 [`Pool`].

pub mod bulk;
mod counts;
mod failure;
mod gathered;
mod pool;
mod search;
mod statement;
mod threads;
mod waiting;
mod walk;

pub use counts::{months, years};
pub use failure::{Failure, Outcome};
pub use gathered::BatchQueue;
pub use pool::{Pool, revert_all_migrations, run_migrations};
pub use search::pattern;
pub use statement::{Key, Statement};
pub use threads::{Joined, Threads};
pub use waiting::{BACKLOG, too_many, within_patience};
pub use walk::{PageScan, index, is_counted};
