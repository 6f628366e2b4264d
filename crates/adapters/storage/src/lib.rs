//! What both storage adapters share: the r2d2 pool, database threads, batches of requests, and errors.
//!
//! Diesel is synchronous, the ports are not. A request crosses to a database thread in a [`WorkerPool`], in a
//! [`BatchQueue`], or in SQLite's writer. Each of them has a bounded queue; each job borrows a connection of the
//! [`Pool`].

mod batch;
pub mod bulk;
mod counts;
mod error;
mod limits;
mod page_scan;
mod pool;
mod search;
mod statement;
mod worker;

pub use batch::BatchQueue;
pub use counts::{months, years};
pub use error::{StoreError, StoreResult};
pub use limits::{QUEUE_CAPACITY, queue_full, with_response_timeout};
pub use page_scan::{PageScan, has_counters, sort_column};
pub use pool::{Pool, revert_all_migrations, run_migrations};
pub use search::pattern;
pub use statement::{ByText, RawStatement};
pub use worker::{JoinOnDrop, WorkerPool};
