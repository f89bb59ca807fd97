//! Latencies, and how they read.

use std::fmt;
use std::time::Duration;

/// Latencies in microseconds, each kept, so that percentiles are exact.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Vec<u32>);

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.0.push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn summary(mut self) -> Summary {
        self.0.sort_unstable();
        Summary(self.0)
    }
}

/// Sorted latencies.
#[derive(Debug)]
pub(crate) struct Summary(Vec<u32>);

impl Summary {
    /// The latency that this many of a thousand do not exceed.
    fn per_mille(&self, share: usize) -> u32 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((self.0.len() * share / 1000).min(last)).copied().unwrap_or(0)
    }

    /// As batches are usually reported: the fastest, the usual, the slow and the slowest.
    pub(crate) fn of_batches(&self) -> String {
        let [p1, p50, p99, p100] = [10, 500, 990, 1000].map(|share| milliseconds(self.per_mille(share)));
        format!("p1 {p1}  p50 {p50}  p99 {p99}  p100 {p100}")
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, p999, max] = [500, 990, 999, 1000].map(|share| milliseconds(self.per_mille(share)));
        write!(f, "p50 {p50}  p99 {p99}  p99.9 {p999}  max {max}")
    }
}

fn milliseconds(microseconds: u32) -> String {
    format!("{}.{:02} ms", microseconds / 1000, microseconds % 1000 / 10)
}

/// How many a second, to the whole number.
pub(crate) fn per_second(count: usize, time: Duration) -> u128 {
    count as u128 * 1_000_000 / time.as_micros().max(1)
}
