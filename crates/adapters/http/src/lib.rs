//! Monica's Calls API over actix-web.
//!
//! A request passes `gate.rs` (route, token, limits), then its handler in `routes/`. What a client
//! sends is declared in `requests/`, what it gets in `responses/`; every error is a row of `errors.rs`.

mod doorstep;
mod errors;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod gate;
mod limits;
#[cfg(feature = "measuring")]
pub mod measuring;
mod metrics;
mod openapi;
mod proxies;
mod requests;
mod responses;
mod router;
mod routes;
mod site;
#[cfg(test)]
mod tests;
mod throttle;

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpServer, web};
use domain::PageSize;
pub use metrics::{Metrics, serve_metrics};
pub use openapi::document;
use ports::inbound::{AuthService, CallService, ContactService, HealthService};
use ports::outbound::Clock;
pub use proxies::TrustedProxies;

use crate::doorstep::Doorstep;
use crate::limits::Budget;
use crate::responses::Links;
use crate::router::Routes;
use crate::throttle::RateLimiter;

/// A connection stays with the worker that took it: with one worker for each processor, a processor whose connections
/// rest would have nothing to do while the requests of another wait.
const WORKERS_PER_PROCESSOR: usize = 3;

/// How long a request that has begun may take to end once the server is asked to stop.
const SHUTDOWN_SECONDS: u64 = 30;

/// Which clients are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compat {
    /// Those that follow the published document.
    Documented,
    /// Those of Monica v4.1.2, which may leave out what it did not insist on.
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
    /// The base of every link, without a slash at its end; the request's host when there is none.
    pub public_url: Option<String>,
    /// Which clients are served.
    pub compat: Compat,
    /// Requests per token and minute; 0 is no limit.
    pub rate_limit: u32,
    /// Who may say on whose behalf it asks.
    pub trusted_proxies: TrustedProxies,
    /// Where requests are counted, when somebody wants to know.
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

/// What the handlers ask.
#[derive(Clone)]
pub struct Services {
    /// The log of calls.
    pub calls: Arc<dyn CallService>,
    /// The contacts.
    pub contacts: Arc<dyn ContactService>,
    /// Who may come in.
    pub access: Arc<dyn AuthService>,
    /// Whether the store answers.
    pub readiness: Arc<dyn HealthService>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// What every request shares.
struct AppState {
    services: Services,
    options: Options,
    routes: Routes,
    throttle: RateLimiter,
    doorstep: Doorstep,
    budget: Budget,
    /// The OpenAPI document as JSON, made when it is asked for: it takes megabytes for a moment.
    document: OnceLock<Bytes>,
}

impl AppState {
    fn new(services: Services, options: Options) -> Self {
        Self {
            throttle: RateLimiter::new(options.rate_limit),
            doorstep: Doorstep::default(),
            budget: Budget::new(),
            routes: routes::table(),
            document: OnceLock::new(),
            services,
            options,
        }
    }

    /// One copy for all workers.
    fn document(&self) -> Bytes {
        self.document.get_or_init(|| openapi::document().to_json().unwrap_or_default().into()).clone()
    }

    fn links(&self, request: &HttpRequest) -> Links {
        Links::of(request, self.options.public_url.as_deref(), &self.options.trusted_proxies)
    }
}

/// The whole application, as every worker serves it and as the tests call it.
fn application(
    shared: Data<AppState>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(shared)
        .configure(site::configure)
        .default_service(web::to(site::nowhere))
        .wrap(from_fn(gate::envelope))
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
        let shared = Data::new(AppState::new(services, options));
        let workers = std::thread::available_parallelism()?.get() * WORKERS_PER_PROCESSOR;
        let server = HttpServer::new(move || application(shared.clone()))
            .workers(workers)
            .max_connections(limits::connections_per_worker(workers))
            .client_request_timeout(limits::HEAD_PATIENCE)
            .keep_alive(limits::IDLE_PATIENCE)
            .on_connect(|connection, _| limits::set_up(connection))
            .listen(listener)?
            .shutdown_timeout(SHUTDOWN_SECONDS)
            .disable_signals()
            .run();
        Ok(Self { server, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// By which it is stopped.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until it is stopped.
    pub async fn run(self) -> std::io::Result<()> {
        self.server.await
    }
}
