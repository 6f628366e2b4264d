//! Monica's Calls API over actix-web.
//!
//! `app.rs` lists the middleware and the endpoints. A request passes `middleware/`, then its handler in `endpoints/`.
//! `requests/` declares what clients send, `responses/` what they receive, and `responses/error.rs` every error.

mod app;
mod connection;
mod endpoints;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
#[cfg(feature = "measuring")]
pub mod measuring;
mod metrics;
mod middleware;
mod openapi;
mod page_permits;
mod proxies;
mod requests;
mod responses;
mod service;
mod site;
#[cfg(test)]
mod tests;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use domain::PageSize;
pub use metrics::{Metrics, serve_metrics};
pub use openapi::{as_version_3_0, document};
use ports::inbound::{
    AuthService, CallService, ContactFieldService, ContactService, DeletionService, OperationsService,
};
use ports::outbound::Clock;
pub use proxies::TrustedProxies;

use crate::app::AppState;
use crate::middleware::limits;

/// The number of workers per processor. A connection stays with the worker that accepted it, so more workers than
/// processors keep every processor busy when the connections of some workers are idle.
const WORKERS_PER_PROCESSOR: usize = 3;

/// The number of threads of each worker that parse large bodies.
const BLOCKING_THREADS_PER_WORKER: usize = 4;

/// The time after which a shutdown does not wait any longer for requests in progress, in seconds.
const SHUTDOWN_TIMEOUT_SECONDS: u64 = 30;

/// The compatibility mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compat {
    /// For clients of the published document.
    Documented,
    /// For clients of Monica v4.1.2. Fields that it did not require are optional.
    Monica4,
}

impl Compat {
    /// Returns the page size of requests that name none.
    fn page_size(self) -> PageSize {
        let items = match self {
            Self::Documented => 10,
            Self::Monica4 => 15,
        };
        PageSize::new(items).unwrap_or(PageSize::SMALLEST)
    }

    /// Returns what a call that is read shows if nobody said who called.
    fn unknown_contact_called(self) -> Option<bool> {
        match self {
            Self::Documented => None,
            Self::Monica4 => Some(false),
        }
    }
}

/// The options of a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// The base of every link, without a slash at its end. `None` for the host of the request.
    pub public_url: Option<String>,
    /// The compatibility mode.
    pub compat: Compat,
    /// The maximal number of requests per token and minute. 0 is no limit.
    pub rate_limit: u32,
    /// The proxies whose `X-Forwarded-*` headers are used.
    pub trusted_proxies: TrustedProxies,
    /// The metrics that count requests. `None` without metrics.
    pub metrics: Option<Arc<Metrics>>,
}

impl Options {
    /// Returns the path of the public URL, without a slash at its end. Everything is also served under it.
    fn path_prefix(&self) -> &str {
        let after_scheme =
            self.public_url.as_deref().and_then(|url| url.split_once("://")).map_or("", |(_, rest)| rest);
        after_scheme.find('/').map_or("", |slash| &after_scheme[slash..])
    }
}

/// The use cases that the handlers call.
#[derive(Clone)]
pub struct Services {
    /// The calls.
    pub calls: Arc<dyn CallService>,
    /// The contacts.
    pub contacts: Arc<dyn ContactService>,
    /// The contact fields.
    pub contact_fields: Arc<dyn ContactFieldService>,
    /// The deletions.
    pub deletions: Arc<dyn DeletionService>,
    /// Authentication.
    pub auth: Arc<dyn AuthService>,
    /// The health and the load of the store.
    pub operations: Arc<dyn OperationsService>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// A server that is bound to its address.
pub struct Server {
    server: actix_web::dev::Server,
    address: SocketAddr,
}

impl Server {
    /// Serves the API on the listener, from within an actix runtime.
    pub fn start(listener: TcpListener, services: Services, options: Options) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let state = Data::new(AppState::new(services, options));
        let workers = std::thread::available_parallelism()?.get() * WORKERS_PER_PROCESSOR;
        let builder = actix_server::Server::build()
            .workers(workers)
            .worker_max_blocking_threads(BLOCKING_THREADS_PER_WORKER)
            .max_concurrent_connections(limits::connections_per_worker(workers))
            .shutdown_timeout(SHUTDOWN_TIMEOUT_SECONDS)
            .disable_signals();
        let shutdown = builder.graceful_shutdown_signal();
        let server = builder.listen("http", listener, move || service::service(state.clone(), shutdown.clone()))?.run();
        Ok(Self { server, address })
    }

    /// Returns the address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the handle that stops the server.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until the server is stopped.
    pub async fn run(self) -> std::io::Result<()> {
        self.server.await
    }
}
