//! Monica's Calls API over actix-web.
//!
//! `app.rs` lists the middleware and the endpoints. A request passes `middleware/`, then its handler in `endpoints/`.
//! `requests/` declares what clients send, `responses/` what they receive, and `responses/error.rs` every error.

mod app;
mod endpoints;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
#[cfg(feature = "measuring")]
pub mod measuring;
mod metrics;
mod middleware;
mod openapi;
mod proxies;
mod requests;
mod responses;
mod site;
#[cfg(test)]
mod tests;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use domain::PageSize;
pub use metrics::{Metrics, serve_metrics};
pub use openapi::document;
use ports::inbound::{AuthService, CallService, ContactService, OperationsService};
use ports::outbound::Clock;
pub use proxies::TrustedProxies;

use crate::app::AppState;
use crate::middleware::limits;

/// A connection stays with the worker that accepted it. More workers than processors keep every processor busy when some
/// workers' connections are idle.
const WORKERS_PER_PROCESSOR: usize = 3;

/// How long the server waits at shutdown for requests in progress, in seconds.
const SHUTDOWN_TIMEOUT_SECONDS: u64 = 30;

/// Which clients are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compat {
    /// Clients of the published document.
    Documented,
    /// Clients of Monica v4.1.2, which may omit what it did not require.
    Monica4,
}

impl Compat {
    /// The size of a page when the client names none.
    fn page_size(self) -> PageSize {
        let items = match self {
            Self::Documented => 10,
            Self::Monica4 => 15,
        };
        PageSize::new(items).unwrap_or(PageSize::SMALLEST)
    }
}

/// How the API is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// The base of every link, without a slash at its end. `None` for the host of the request.
    pub public_url: Option<String>,
    /// Which clients are served.
    pub compat: Compat,
    /// The maximal number of requests per token and minute. 0 is no limit.
    pub rate_limit: u32,
    /// The proxies whose `X-Forwarded-*` headers are used.
    pub trusted_proxies: TrustedProxies,
    /// The metrics that count requests. `None` without metrics.
    pub metrics: Option<Arc<Metrics>>,
}

impl Options {
    /// The path of the public URL, under which everything is served as well; it has no slash at its end.
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
        let server = HttpServer::new(move || app::app(state.clone()))
            .workers(workers)
            .max_connections(limits::connections_per_worker(workers))
            .client_request_timeout(limits::HEAD_TIMEOUT)
            .keep_alive(limits::IDLE_TIMEOUT)
            .on_connect(|connection, _| limits::configure_connection(connection))
            .listen(listener)?
            .shutdown_timeout(SHUTDOWN_TIMEOUT_SECONDS)
            .disable_signals()
            .run();
        Ok(Self { server, address })
    }

    /// The address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The handle that stops the server.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until the server is stopped.
    pub async fn run(self) -> std::io::Result<()> {
        self.server.await
    }
}
