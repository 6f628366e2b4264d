//! Metrics for Prometheus, in the `OpenMetrics` text format, on an address of their own.

use std::fmt;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix_web::error::ErrorInternalServerError;
use actix_web::http::Method;
use actix_web::web::{Data, get};
use actix_web::{App, Error, HttpResponse, HttpServer};
use ports::inbound::{OperationsService, StoreLoad};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The upper bounds of the histogram's buckets, in seconds.
const BUCKETS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

/// Gauges by the value of one label.
type Gauges = Family<[(&'static str, &'static str); 1], Gauge<u64, AtomicU64>>;

/// The metrics of this process since its start.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Histogram, fn() -> Histogram>,
    connections: Gauges,
    waiting: Gauges,
}

impl Metrics {
    /// Returns empty metrics. `dropped_log_lines` returns the number of log lines that were dropped until now.
    pub fn new(dropped_log_lines: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let requests = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let (connections, waiting) = (Gauges::default(), Gauges::default());
        let mut registry = Registry::default();
        let help = "How long requests took, by method, route and status";
        registry.register("callbook_request_duration_seconds", help, requests.clone());
        let help = "Connections to the store, by what they do";
        registry.register("callbook_store_connections", help, connections.clone());
        let help = "Requests that wait for the store, by their queue";
        registry.register("callbook_store_waiting", help, waiting.clone());
        registry.register_collector(Box::new(DroppedLogLines(Box::new(dropped_log_lines))));
        Self { registry, requests, connections, waiting }
    }

    /// Counts one request.
    pub fn count(&self, method: &Method, route: String, status: u16, elapsed: Duration) {
        let labels = RequestLabels { method: label(method), route, status };
        self.requests.get_or_create(&labels).observe(elapsed.as_secs_f64());
    }

    /// Returns the number of counted requests with these labels.
    #[cfg(test)]
    pub fn counted(&self, method: &str, route: &str, status: u16) -> u64 {
        let text = self.render(&StoreLoad::default()).unwrap_or_default();
        let labels = format!(r#"method="{method}",route="{route}",status="{status}""#);
        let start = format!("callbook_request_duration_seconds_count{{{labels}}} ");
        text.lines().find_map(|line| line.strip_prefix(&start)).map_or(0, |count| count.parse().unwrap_or(0))
    }

    /// Returns all metrics as text, with the current load of the store.
    fn render(&self, load: &StoreLoad) -> Result<String, fmt::Error> {
        for (state, count) in [("busy", load.busy), ("idle", load.idle)] {
            self.connections.get_or_create(&[("state", state)]).set(count.into());
        }
        for (queue, count) in &load.waiting {
            self.waiting.get_or_create(&[("queue", queue)]).set(*count as u64);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Counts dropped log lines, by reading the counter of the log when the metrics are read.
struct DroppedLogLines(Box<dyn Fn() -> u64 + Send + Sync>);

impl fmt::Debug for DroppedLogLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DroppedLogLines")
    }
}

impl Collector for DroppedLogLines {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let counter = ConstCounter::new((self.0)());
        let help = "Log lines that were dropped because standard error was too slow";
        counter.encode(encoder.encode_descriptor("callbook_log_lines_dropped", help, None, counter.metric_type())?)
    }
}

/// Returns the label of a method. Clients cannot add labels.
fn label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Serves `/metrics` on the listener, from within an actix runtime, until the process ends.
pub fn serve_metrics(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    operations: Arc<dyn OperationsService>,
) -> std::io::Result<actix_web::dev::Server> {
    let state = Data::new((metrics, operations));
    let server = HttpServer::new(move || App::new().app_data(state.clone()).route("/metrics", get().to(respond)));
    Ok(server.workers(1).listen(listener)?.disable_signals().run())
}

async fn respond(state: Data<(Arc<Metrics>, Arc<dyn OperationsService>)>) -> Result<HttpResponse, Error> {
    let (metrics, operations) = &**state;
    let text = metrics.render(&operations.load()).map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_requests_by_method_route_and_status() {
        let metrics = Metrics::new(|| 2);
        let unknown = Method::from_bytes(b"BREW").unwrap();
        metrics.count(&Method::GET, "/api/calls/{id}".to_owned(), 200, Duration::from_micros(700));
        metrics.count(&Method::GET, "/api/calls/{id}".to_owned(), 200, Duration::from_mins(1));
        metrics.count(&unknown, "none".to_owned(), 405, Duration::from_millis(1));
        let text = metrics.render(&StoreLoad { busy: 1, idle: 3, waiting: vec![("write", 7)] }).unwrap();
        for line in [
            "# TYPE callbook_request_duration_seconds histogram",
            r#"callbook_request_duration_seconds_bucket{le="0.0005",method="GET",route="/api/calls/{id}",status="200"} 0"#,
            r#"callbook_request_duration_seconds_bucket{le="0.001",method="GET",route="/api/calls/{id}",status="200"} 1"#,
            r#"callbook_request_duration_seconds_bucket{le="10.0",method="GET",route="/api/calls/{id}",status="200"} 1"#,
            r#"callbook_request_duration_seconds_bucket{le="+Inf",method="GET",route="/api/calls/{id}",status="200"} 2"#,
            r#"callbook_request_duration_seconds_count{method="GET",route="/api/calls/{id}",status="200"} 2"#,
            r#"callbook_request_duration_seconds_sum{method="GET",route="/api/calls/{id}",status="200"} 60.0007"#,
            r#"callbook_request_duration_seconds_count{method="other",route="none",status="405"} 1"#,
            "# TYPE callbook_log_lines_dropped counter",
            "callbook_log_lines_dropped_total 2",
            "# TYPE callbook_store_connections gauge",
            r#"callbook_store_connections{state="idle"} 3"#,
            r#"callbook_store_waiting{queue="write"} 7"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
