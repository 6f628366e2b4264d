//! What Prometheus asks for, in its text format, on an address of its own.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::Method;
use actix_web::web::{Data, get};
use actix_web::{App, HttpResponse, HttpServer};
use ports::inbound::HealthService;
use ports::outbound::StoreLoad;

/// The upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Requests since the start, by method, route and status.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: Mutex<Requests>,
}

type Requests = BTreeMap<(&'static str, String, u16), Histogram>;

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    seconds: f64,
}

impl Metrics {
    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one request.
    pub fn count(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let mut requests = self.lock();
        let histogram = requests.entry((label(method), route.to_owned(), status)).or_default();
        if let Some(bucket) = BUCKETS.iter().position(|end| seconds <= *end) {
            histogram.buckets[bucket] += 1;
        }
        histogram.count += 1;
        histogram.seconds += seconds;
    }

    /// The routes and statuses of all requests.
    #[cfg(test)]
    pub fn counted(&self) -> Vec<(String, u16)> {
        self.lock().keys().map(|(_, route, status)| (route.clone(), *status)).collect()
    }

    /// All of it as text. Writing to a String cannot fail.
    fn render(&self, load: &StoreLoad) -> String {
        let mut text = String::from(
            "# HELP callbook_request_duration_seconds How long requests took, by method, route and status.\n\
             # TYPE callbook_request_duration_seconds histogram\n",
        );
        for ((method, route, status), histogram) in &*self.lock() {
            let labels = format!(r#"method="{method}",route="{}",status="{status}""#, escape(route));
            let mut sum = 0;
            for (end, bucket) in BUCKETS.iter().zip(histogram.buckets) {
                sum += bucket;
                let _ = writeln!(text, r#"callbook_request_duration_seconds_bucket{{{labels},le="{end}"}} {sum}"#);
            }
            let Histogram { count, seconds, .. } = histogram;
            let _ = writeln!(text, r#"callbook_request_duration_seconds_bucket{{{labels},le="+Inf"}} {count}"#);
            let _ = writeln!(text, "callbook_request_duration_seconds_sum{{{labels}}} {seconds}");
            let _ = writeln!(text, "callbook_request_duration_seconds_count{{{labels}}} {count}");
        }
        text.push_str(
            "# HELP callbook_store_connections Connections to the store, by what they do.\n\
             # TYPE callbook_store_connections gauge\n",
        );
        let _ = writeln!(text, r#"callbook_store_connections{{state="busy"}} {}"#, load.busy);
        let _ = writeln!(text, r#"callbook_store_connections{{state="idle"}} {}"#, load.idle);
        text.push_str(
            "# HELP callbook_store_waiting Requests that wait for the store, by their queue.\n\
             # TYPE callbook_store_waiting gauge\n",
        );
        for (queue, waiting) in &load.waiting {
            let _ = writeln!(text, r#"callbook_store_waiting{{queue="{queue}"}} {waiting}"#);
        }
        text
    }
}

/// The method; those that clients make up are one.
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

fn escape(label: &str) -> String {
    label.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}

/// Serves `/metrics` on the listener, from within an actix runtime, until the process ends.
pub fn serve_metrics(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    readiness: Arc<dyn HealthService>,
) -> std::io::Result<actix_web::dev::Server> {
    let shared = Data::new((metrics, readiness));
    let server = HttpServer::new(move || App::new().app_data(shared.clone()).route("/metrics", get().to(show)));
    Ok(server.workers(1).listen(listener)?.disable_signals().run())
}

async fn show(shared: Data<(Arc<Metrics>, Arc<dyn HealthService>)>) -> HttpResponse {
    let (metrics, readiness) = &**shared;
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(metrics.render(&readiness.load()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_and_status() {
        let metrics = Metrics::default();
        let made_up = Method::from_bytes(b"BREW").unwrap();
        metrics.count(&Method::GET, "/api/calls/{id}", 200, Duration::from_micros(700));
        metrics.count(&Method::GET, "/api/calls/{id}", 200, Duration::from_mins(1));
        metrics.count(&made_up, "none", 405, Duration::from_millis(1));
        let text = metrics.render(&StoreLoad { busy: 1, idle: 3, waiting: vec![("write", 7)] });
        for line in [
            r#"callbook_request_duration_seconds_bucket{method="GET",route="/api/calls/{id}",status="200",le="0.0005"} 0"#,
            r#"callbook_request_duration_seconds_bucket{method="GET",route="/api/calls/{id}",status="200",le="0.001"} 1"#,
            r#"callbook_request_duration_seconds_bucket{method="GET",route="/api/calls/{id}",status="200",le="10"} 1"#,
            r#"callbook_request_duration_seconds_bucket{method="GET",route="/api/calls/{id}",status="200",le="+Inf"} 2"#,
            r#"callbook_request_duration_seconds_count{method="GET",route="/api/calls/{id}",status="200"} 2"#,
            r#"callbook_request_duration_seconds_sum{method="GET",route="/api/calls/{id}",status="200"} 60.0007"#,
            r#"callbook_request_duration_seconds_count{method="other",route="none",status="405"} 1"#,
            r#"callbook_store_connections{state="idle"} 3"#,
            r#"callbook_store_waiting{queue="write"} 7"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
