//! Serving, from the first start to the last request.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt::signal::unix::{SignalKind, signal};
use actix_web::rt::time::sleep;
use domain::{Name, NewToken, Scope, Secret};
use http_adapter::{Options, Server, serve_metrics};
use ports::inbound::TokenRequest;
use ports::outbound::Clock;

use crate::clock::SystemClock;
use crate::error::Error;
use crate::opened::AppContext;
use crate::output::answer;
use crate::settings::Settings;
use crate::use_cases::hash;

/// How long the workers may take to let go of the store.
const CLOSING: Duration = Duration::from_secs(5);

/// Serves until the process is asked to stop; what is in flight then is finished and the store closed.
pub async fn run(settings: &Settings) -> Result<(), Error> {
    // First of all: a second server by mistake must not touch the store of the first.
    let listener = TcpListener::bind(settings.bind)
        .map_err(Error::io(format!("CALLBOOK_BIND: {} cannot be listened on", settings.bind)))?;
    let metrics_listener = settings.metrics_bind.map(|bind| {
        TcpListener::bind(bind).map_err(Error::io(format!("CALLBOOK_METRICS_BIND: {bind} cannot be listened on")))
    });
    let metrics_listener = metrics_listener.transpose()?;
    let opened = AppContext::by(settings)?;
    let secret = first_token(&opened, settings.token.as_ref()).await?;
    let options = Options {
        public_url: settings.public_url.clone(),
        compat: settings.compat,
        rate_limit: settings.rate_limit,
        trusted_proxies: settings.trusted_proxies.clone(),
        metrics: metrics_listener.is_some().then(Arc::default),
    };
    let mut metrics = None;
    if let Some((listener, counted)) = metrics_listener.zip(options.metrics.clone()) {
        let failed = "the metrics cannot be served";
        let address = listener.local_addr().map_err(Error::io(failed))?;
        let served = serve_metrics(listener, counted, opened.services.readiness.clone()).map_err(Error::io(failed))?;
        metrics = Some((address, served.handle()));
        actix_web::rt::spawn(served);
    }
    let server =
        Server::start(listener, opened.services.clone(), options).map_err(Error::io("the server cannot start"))?;
    let announced = announce(&server, settings, secret.as_ref(), metrics.as_ref().map(|(address, _)| *address));
    if let Err(error) = announced {
        tracing::warn!(%error, "the start could not be told; `callbook token create` makes a token");
    }
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signal = signal(kind).map_err(Error::io("signals cannot be heard"))?;
        let handle = server.handle();
        actix_web::rt::spawn(async move {
            signal.recv().await;
            tracing::info!("stopping: no new connections, finishing what is in flight");
            handle.stop(true).await;
        });
    }
    server.run().await.map_err(Error::io("the server failed"))?;
    if let Some((_, metrics)) = metrics {
        metrics.stop(false).await;
    }
    // The workers let go of the store a moment after they have told that they ended. Whoever is last closes it, and that
    // must not be cut short by the end of the process.
    let ended = Instant::now();
    let is_held = || Arc::strong_count(&opened.services.calls) > 1 || Arc::strong_count(&opened.services.readiness) > 1;
    while is_held() && ended.elapsed() < CLOSING {
        sleep(Duration::from_millis(2)).await;
    }
    drop(opened);
    tracing::info!("stopped");
    Ok(())
}

/// The account's first token: the given one, or else a new one when there is none at all, which is answered.
async fn first_token(opened: &AppContext, given: Option<&Secret>) -> Result<Option<Secret>, Error> {
    let account = opened.first_account().await?.id;
    if let Some(given) = given {
        let name = Name::from_store("CALLBOOK_TOKEN".to_owned());
        let hash = hash(given.reveal());
        let token = NewToken { account, name, hash, scope: Scope::ReadWrite, expires_at: None };
        let stored = opened.store.tokens.create(token, SystemClock.now()).await?;
        // One that was stored before may have been revoked since, or be another account's.
        return match stored.caller(SystemClock.now()) {
            Some(caller) if caller.account == account => Ok(None),
            Some(caller) => Err(Error::Refused(format!("CALLBOOK_TOKEN is a token of account {}", caller.account))),
            None => Err(Error::Refused("CALLBOOK_TOKEN was revoked, or has expired".to_owned())),
        };
    }
    if !opened.store.tokens.list().await?.is_empty() {
        return Ok(None);
    }
    let name = Name::from_store("first token".to_owned());
    let request = TokenRequest { account, name, scope: Scope::ReadWrite, expires_at: None };
    Ok(Some(opened.services.access.issue(request).await?))
}

/// Tells the terminal where to go; the token goes there only, never into the log.
fn announce(
    server: &Server,
    settings: &Settings,
    secret: Option<&Secret>,
    metrics: Option<SocketAddr>,
) -> Result<(), Error> {
    let address = server.address();
    let base = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    tracing::info!(%address, store = ?settings.store, "listening");
    answer!("Callbook {} listens on {address}", env!("CARGO_PKG_VERSION"))?;
    if let Some(secret) = secret {
        answer!("  Token       {}", secret.reveal())?;
        answer!("              shown this once; `callbook token create` makes another")?;
    }
    answer!("  API         {base}/api")?;
    if let Some(metrics) = metrics {
        tracing::info!(address = %metrics, "serving metrics");
        answer!("  Metrics     http://{metrics}/metrics")?;
    }
    answer!("  Swagger UI  {base}/docs/")
}
