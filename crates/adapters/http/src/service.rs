//! The HTTP service of a worker: actix's HTTP/1.1 over [`Connection`].

use std::rc::Rc;
use std::time::Duration;

use actix_http::{HttpService, Protocol, Request, Response};
use actix_server::GracefulShutdownSignal;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service, map_config,
};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;

use crate::AppState;
use crate::app::app;
use crate::connection::{Connection, Exchange, ResponseEnd, TrackedBody};
use crate::middleware::limits;

/// The time in which a client can read a response before its connection is closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Builds the service of one worker.
pub fn service(
    state: Data<AppState>,
    shutdown: GracefulShutdownSignal,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), InitError = ()> {
    let app = map_config(app(state.clone()).into_factory(), |()| AppConfig::default());
    let app = apply_fn_factory(app, |request: Request, app: &_| {
        let end = ResponseEnd::of(request.conn_data::<Rc<Exchange>>());
        let response = Service::call(app, request);
        async move {
            let response: ServiceResponse = response.await?;
            Ok(Response::from(response).map_body(|_, body| TrackedBody::new(body, end)))
        }
    });
    let http = HttpService::build()
        .keep_alive(limits::IDLE_TIMEOUT)
        // `Connection` limits the time of every head, actix only that of the first one.
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(CLOSE_TIMEOUT)
        .graceful_shutdown_signal(move || {
            let shutdown = shutdown.clone();
            async move { shutdown.notified().await }
        })
        .on_connect_ext(|connection: &Connection, data| {
            data.insert(connection.exchange());
        })
        .finish(app);
    fn_service(move |stream: TcpStream| {
        limits::configure_connection(&stream);
        let address = stream.peer_addr().ok();
        let connection = Connection::new(stream, state.clone());
        async move { Ok((connection, Protocol::Http1, address)) }
    })
    .and_then(http)
}
