//! `callbook serve`: start, announcement and shutdown.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::signal::unix::{SignalKind, signal};
use actix_web::rt::task::JoinHandle;
use domain::{Name, Scope, Secret};
use http_adapter::{Metrics, Options, Server, serve_metrics};
use ports::inbound::{DeletionService, TokenRequest};
use ports::outbound::Clock;

use super::healthcheck::reachable;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::context::AppContext;
use crate::error::Error;
use crate::logging::Logging;
use crate::output::outln;

/// How often expired deletions are forgotten.
const CLEANING_INTERVAL: Duration = Duration::from_hours(1);

/// Serves until SIGTERM or SIGINT. Then finishes the requests in flight and closes the store.
pub async fn run(config: &Config, logging: &Logging) -> Result<(), Error> {
    // Before the store is opened, so that a second server on the same address does not touch the store of the first.
    let listener = listen("CALLBOOK_BIND", config.bind)?;
    let metrics_listener = config.metrics_bind.map(|bind| listen("CALLBOOK_METRICS_BIND", bind)).transpose()?;
    let context = AppContext::open_or_create(config)?;
    let new_token = ensure_token(&context, config.token.as_ref()).await?;
    let options = Options {
        public_url: config.public_url.clone(),
        compat: config.compat,
        rate_limit: config.rate_limit,
        trusted_proxies: config.trusted_proxies.clone(),
        metrics: metrics_listener.is_some().then(|| Arc::new(Metrics::new(logging.dropped_lines()))),
    };
    let metrics_server = metrics_listener.zip(options.metrics.clone());
    let metrics_server =
        metrics_server.map(|(listener, metrics)| MetricsServer::start(listener, metrics, &context)).transpose()?;
    let server = Server::start(listener, context.services.http.clone(), options)
        .map_err(Error::io("cannot start the server"))?;
    stop_on_signals(&server)?;
    let metrics_address = metrics_server.as_ref().map(|server| server.address);
    announce(&server, config, new_token.as_ref(), metrics_address);
    let cleaner = actix_web::rt::spawn(forget_expired_deletions(context.services.http.deletions.clone()));
    server.run().await.map_err(Error::io("the server failed"))?;
    cleaner.abort();
    shut_down(context, metrics_server).await;
    Ok(())
}

fn listen(setting: &str, address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).map_err(|error| {
        let port = address.port();
        let (problem, port) = match error.kind() {
            ErrorKind::AddrInUse => ("in use".to_owned(), port.checked_add(1).unwrap_or_default()),
            ErrorKind::PermissionDenied => ("permission denied".to_owned(), 8080),
            _ => (error.to_string(), port),
        };
        let other = match error.kind() {
            ErrorKind::AddrNotAvailable => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
            _ => SocketAddr::new(address.ip(), port),
        };
        Error::Failed(format!("cannot listen on {address}: {problem}; try {setting}={other}"))
    })
}

/// The server of `/metrics`, which runs in the background.
struct MetricsServer {
    address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
}

impl MetricsServer {
    fn start(listener: TcpListener, metrics: Arc<Metrics>, context: &AppContext) -> Result<Self, Error> {
        let start = || {
            let address = listener.local_addr()?;
            let server = serve_metrics(listener, metrics, context.services.http.operations.clone())?;
            let handle = server.handle();
            Ok(Self { address, handle, task: actix_web::rt::spawn(server) })
        };
        start().map_err(Error::io("cannot serve the metrics"))
    }
}

/// Stores the configured token for the first account. Without one, creates and returns a token if the store has none.
async fn ensure_token(context: &AppContext, configured: Option<&Secret>) -> Result<Option<Secret>, Error> {
    let account = context.account(None).await?;
    let admin = &context.services.admin;
    let request = |name| {
        let name = Name::parse(name).map_err(ports::Error::internal)?;
        Ok::<_, Error>(TokenRequest { account, name, scope: Scope::ReadWrite, expires_at: None })
    };
    if let Some(secret) = configured {
        let stored = admin.register_token(request("CALLBOOK_TOKEN")?, secret.clone()).await?;
        // A token that is stored already may be revoked, or belong to another account.
        return match stored.caller(SystemClock.now()) {
            Some(caller) if caller.account == account => Ok(None),
            Some(caller) => Err(Error::Failed(format!("CALLBOOK_TOKEN is a token of account {}", caller.account))),
            None => Err(Error::Failed("CALLBOOK_TOKEN was revoked, or has expired".to_owned())),
        };
    }
    if !admin.tokens().await?.is_empty() {
        return Ok(None);
    }
    let (_, secret) = admin.create_token(request("first token")?).await?;
    Ok(Some(secret))
}

/// Logs and prints the addresses. The token is printed and never logged.
fn announce(server: &Server, config: &Config, new_token: Option<&Secret>, metrics: Option<SocketAddr>) {
    let address = server.address();
    let base = config.public_url.clone().unwrap_or_else(|| format!("http://{}", reachable(address)));
    tracing::info!(%address, store = ?config.store, "listening");
    let mut lines = vec![format!("Callbook {} listens on {address}", env!("CARGO_PKG_VERSION"))];
    if let Some(token) = new_token {
        lines.push(format!("  Token       {}", token.reveal()));
        lines.push("              shown only once; `callbook token create` creates another".to_owned());
    }
    lines.push(format!("  API         {base}/api"));
    if let Some(metrics) = metrics {
        tracing::info!(address = %metrics, "serving metrics");
        lines.push(format!("  Metrics     http://{}/metrics", reachable(metrics)));
    }
    lines.push(format!("  Swagger UI  {base}/docs/"));
    // On a thread of its own: a standard output that stalls must not stop the server.
    std::thread::spawn(move || {
        if let Err(error) = outln!("{}", lines.join("\n")) {
            tracing::warn!(%error, "cannot print the address; `callbook token create` creates a token");
        }
    });
}

/// Forgets expired deletions at the start and from time to time.
async fn forget_expired_deletions(deletions: Arc<dyn DeletionService>) {
    let mut interval = actix_web::rt::time::interval(CLEANING_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = deletions.forget_expired().await {
            tracing::warn!(%error, "expired deletions could not be forgotten");
        }
    }
}

// Shutdown:
//
// 1. A signal stops the server.
// 2. `Server::run` returns when the requests in flight are finished or have timed out.
// 3. The metrics server is stopped.
// 4. `AppContext::close` waits until the threads of both servers have dropped their services, which happens shortly after
//    the servers have ended. The last service closes the store. The process must wait for that, because SQLite checkpoints
//    its WAL when it closes.

fn stop_on_signals(server: &Server) -> Result<(), Error> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signal = signal(kind).map_err(Error::io("cannot handle signals"))?;
        let handle = server.handle();
        actix_web::rt::spawn(async move {
            signal.recv().await;
            tracing::info!("stopping: no new connections, finishing the requests in flight");
            handle.stop(true).await;
        });
    }
    Ok(())
}

async fn shut_down(context: AppContext, metrics_server: Option<MetricsServer>) {
    if let Some(server) = metrics_server {
        server.handle.stop(false).await;
        let _ = server.task.await;
    }
    context.close();
    tracing::info!("stopped");
}
