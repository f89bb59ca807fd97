//! Counters and histograms, in the text format of Prometheus.
//!
//! A fixed set of atomics: counting takes no lock, and nothing that a stranger sends can make a new time series.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{Method, StatusCode};

use crate::problem::{Code, Problem};

/// Upper bounds of the latency buckets: in microseconds, and in seconds as they are written.
const BUCKETS: [(u64, &str); 14] = [
    (100, "0.0001"),
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (5_000_000, "5"),
];

/// What the server counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// Taps by what came of them.
    pub(crate) taps: Outcomes,
    /// Payments by what came of them.
    pub(crate) payments: Outcomes,
    routes: HashMap<String, ByMethod>,
    /// Requests that no route of the API took: pages, and what does not exist.
    elsewhere: Requests,
}

#[derive(Debug, Default)]
struct ByMethod {
    get: Requests,
    post: Requests,
}

/// The requests of one route.
#[derive(Debug, Default)]
struct Requests {
    /// By the first digit of the status, from 2.
    by_status: [AtomicU64; 4],
    /// By the first bucket that the latency fits in; the last is for those that fit in none.
    by_latency: [AtomicU64; BUCKETS.len() + 1],
    microseconds: AtomicU64,
}

impl Requests {
    fn count(&self, status: StatusCode, latency: Duration) {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let class = usize::from(status.as_u16() / 100).saturating_sub(2);
        let bucket = BUCKETS.partition_point(|(bound, _)| *bound < microseconds);
        if let (Some(class), Some(bucket)) = (self.by_status.get(class), self.by_latency.get(bucket)) {
            class.fetch_add(1, Ordering::Relaxed);
            bucket.fetch_add(1, Ordering::Relaxed);
            self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
        }
    }
}

/// How often something succeeded, and failed with which code.
#[derive(Debug)]
pub(crate) struct Outcomes {
    succeeded: AtomicU64,
    failed: Box<[AtomicU64]>,
}

impl Outcomes {
    fn new() -> Self {
        Self { succeeded: AtomicU64::new(0), failed: Code::ALL.iter().map(|_| AtomicU64::new(0)).collect() }
    }

    /// Counts a result and hands it on.
    pub(crate) fn count<T>(&self, result: Result<T, Problem>) -> Result<T, Problem> {
        let counter = match &result {
            Ok(_) => Some(&self.succeeded),
            Err(problem) => self.failed.get(problem.code() as usize),
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        result
    }
}

/// What is not counted here but looked at when somebody asks.
pub(crate) struct Gauges {
    pub(crate) engine: engine::Status,
    pub(crate) listeners: usize,
    pub(crate) connections: usize,
    /// Settlements that closed, those of them that were compared, payouts that were created; none without a bank's side.
    pub(crate) settled: Option<[u64; 3]>,
    /// Breaks that are open.
    pub(crate) open_breaks: Option<u64>,
}

impl Metrics {
    /// Nothing counted yet. `routes` are the paths of the API.
    pub(crate) fn new<'a>(routes: impl IntoIterator<Item = &'a String>) -> Self {
        Self {
            taps: Outcomes::new(),
            payments: Outcomes::new(),
            routes: routes.into_iter().map(|route| (route.clone(), ByMethod::default())).collect(),
            elsewhere: Requests::default(),
        }
    }

    /// Counts a request that was answered.
    pub(crate) fn count(&self, route: Option<&str>, method: &Method, status: StatusCode, latency: Duration) {
        let requests = match route.and_then(|route| self.routes.get(route)) {
            Some(known) if *method == Method::POST => &known.post,
            Some(known) => &known.get,
            None => &self.elsewhere,
        };
        requests.count(status, latency);
    }

    /// Everything, in the text format.
    pub(crate) fn render(&self, gauges: &Gauges) -> Result<String, Problem> {
        let mut text = String::with_capacity(16_384);
        self.write(&mut text, gauges).map_err(Problem::internal)?;
        Ok(text)
    }

    fn write(&self, text: &mut String, gauges: &Gauges) -> fmt::Result {
        write_outcomes(text, "tapstone_taps_total", "Taps posted, by outcome.", &self.taps)?;
        write_outcomes(text, "tapstone_payments_total", "Payments posted, by outcome.", &self.payments)?;
        let engine = &gauges.engine;
        let mut series = vec![
            ("healthy", "gauge", "1 while commands are decided.", u64::from(engine.healthy)),
            ("journal_durable_position", "counter", "The last durable journal position.", engine.durable_position),
            ("journal_stored_position", "counter", "The position that the tables reflect.", engine.stored_position),
            ("commands_queued", "gauge", "Commands that wait to be decided.", engine.queued),
            ("commands_total", "counter", "Commands decided since the start.", engine.commands),
            ("journal_batches_total", "counter", "Journal frames written since the start.", engine.batches),
            ("event_listeners", "gauge", "Open event streams.", gauges.listeners as u64),
            ("connections", "gauge", "Open connections.", gauges.connections as u64),
        ];
        if let Some([closed, compared, created]) = gauges.settled {
            series.push(("settlements_closed_total", "counter", "Settlements closed since the start.", closed));
            let help = "Settlements compared with their payments' rows since the start.";
            series.push(("settlements_compared_total", "counter", help, compared));
            series.push(("payouts_created_total", "counter", "Payouts created since the start.", created));
        }
        if let Some(open) = gauges.open_breaks {
            series.push(("breaks_open", "gauge", "Breaks that nobody has dealt with.", open));
        }
        for (name, kind, help, value) in series {
            write_head(text, &format!("tapstone_{name}"), kind, help)?;
            writeln!(text, "tapstone_{name} {value}")?;
        }
        self.write_requests(text)
    }

    fn write_requests(&self, text: &mut String) -> fmt::Result {
        let mut routes: Vec<_> = self.routes.iter().collect();
        routes.sort_unstable_by_key(|(route, _)| *route);
        let mut series = Vec::new();
        for (route, by_method) in routes {
            series.push((format!("method=\"GET\",route=\"{route}\""), &by_method.get));
            series.push((format!("method=\"POST\",route=\"{route}\""), &by_method.post));
        }
        series.push(("method=\"\",route=\"\"".to_owned(), &self.elsewhere));
        write_head(text, "tapstone_http_requests_total", "counter", "Requests answered.")?;
        for (labels, requests) in &series {
            for (class, count) in requests.by_status.iter().map(load).enumerate().filter(|(_, count)| *count > 0) {
                writeln!(text, "tapstone_http_requests_total{{{labels},status=\"{}xx\"}} {count}", class + 2)?;
            }
        }
        write_head(text, "tapstone_http_request_seconds", "histogram", "From a request's head to its answer's.")?;
        series.iter().try_for_each(|(labels, requests)| write_histogram(text, labels, requests))
    }
}

fn write_outcomes(text: &mut String, name: &str, help: &str, outcomes: &Outcomes) -> fmt::Result {
    write_head(text, name, "counter", help)?;
    writeln!(text, "{name}{{outcome=\"succeeded\"}} {}", load(&outcomes.succeeded))?;
    let failed = Code::ALL.iter().zip(outcomes.failed.iter().map(load)).filter(|(_, count)| *count > 0);
    failed.into_iter().try_for_each(|(code, count)| writeln!(text, "{name}{{outcome=\"{}\"}} {count}", code.name()))
}

fn write_histogram(text: &mut String, labels: &str, requests: &Requests) -> fmt::Result {
    let counts: Vec<u64> = requests.by_latency.iter().map(load).collect();
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return Ok(());
    }
    let name = "tapstone_http_request_seconds";
    let mut so_far = 0;
    for ((_, bound), count) in BUCKETS.iter().zip(&counts) {
        so_far += count;
        writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {so_far}")?;
    }
    let microseconds = load(&requests.microseconds);
    writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {total}")?;
    writeln!(text, "{name}_sum{{{labels}}} {}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000)?;
    writeln!(text, "{name}_count{{{labels}}} {total}")
}

fn write_head(text: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_counted_in_the_bucket_that_it_fits() {
        let requests = Requests::default();
        for microseconds in [0, 100, 101, 5_000_001] {
            requests.count(StatusCode::OK, Duration::from_micros(microseconds));
        }
        let counts: Vec<u64> = requests.by_latency.iter().map(load).collect();
        assert_eq!((counts[0], counts[1], counts[BUCKETS.len()]), (2, 1, 1));
        assert_eq!(load(&requests.by_status[0]), 4);
    }

    #[test]
    fn bounds_are_written_as_they_are() {
        for (microseconds, seconds) in BUCKETS {
            let (whole, fraction) = (microseconds / 1_000_000, microseconds % 1_000_000);
            let exact = format!("{whole}.{fraction:06}");
            assert_eq!(exact.trim_end_matches('0').trim_end_matches('.'), seconds);
        }
    }
}
