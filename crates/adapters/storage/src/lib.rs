//! What both storage adapters share: the r2d2 pool, database threads, batches of requests, and errors.
//!
//! Diesel is synchronous, the ports are not. A request crosses to a database thread in a [`WorkerPool`], in a
//! [`BatchQueue`], or in SQLite's writer. Each of them has a bounded queue; each job borrows a connection of the
//! [`Pool`].

mod batch;
pub mod bulk;
pub mod columns;
mod counts;
mod error;
mod keyset;
mod limits;
mod page_scan;
mod pool;
pub mod rows;
pub mod schema;
mod search;
mod session;
mod statement;
mod worker;

pub use batch::BatchQueue;
pub use counts::{calls_per_year, count_by_month};
pub use error::{StoreError, StoreResult};
pub use keyset::{KeysetScan, page_of_sorted};
pub use limits::{QUEUE_CAPACITY, is_deep, queue_full, with_response_timeout};
pub use page_scan::PageScan;
pub use pool::Pool;
pub use search::{fts5_query, pattern, ts_query};
pub use session::{SessionSetup, StoreConnection, in_transaction};
pub use statement::{ByText, PreparedUpdate, RawStatement, SqlTypes, column_list};
pub use worker::{JoinOnDrop, SLOW_THREADS, WorkerPool};
