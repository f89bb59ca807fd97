//! What the benchmark is asked to do.

use std::path::PathBuf;
use std::time::Duration;

/// Measure taps: each is `POST /v1/taps` with a freshly signed URL, then `POST /v1/payments`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TapsArguments {
    /// Keep-alive connections that tap at the same time, each at a tag of its own.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// How long to measure.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: u64,
    /// How long to run before measuring.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=60))]
    pub(crate) warm_up_seconds: u64,
    /// Wallets that pay, one after the other.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) wallets: u32,
    /// Merchants that are paid.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) merchants: u32,
    /// Taps started each second, whatever the server's pace; without it, as many as it can take.
    #[arg(long)]
    pub(crate) rate: Option<u32>,
    /// Ask for each payment with an order first (`POST /v1/orders`): three requests for each tap.
    #[arg(long)]
    pub(crate) orders: bool,
    /// Where to make the temporary data folder: the disk that is measured.
    #[arg(long, default_value = ".")]
    pub(crate) folder: PathBuf,
}

impl TapsArguments {
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs(self.warm_up_seconds)
    }

    pub(crate) fn measured(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Close windows with very many payments while taps go on, and check every sum.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SettlementArguments {
    /// Payments that have gathered before the windows close.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub(crate) payments: u32,
    /// Merchants that they were made to, each with a window of its own.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) merchants: u32,
    /// Taps started each second, whatever the server's pace.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rate: u32,
    /// Keep-alive connections that tap at the same time, each at a tag of its own.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// How long to measure before the windows close, and again when all is done.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: u64,
    /// Wallets that pay, one after the other.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) wallets: u32,
    /// Where to make the temporary data folder: the disk that is measured.
    #[arg(long, default_value = ".")]
    pub(crate) folder: PathBuf,
}

impl SettlementArguments {
    pub(crate) fn measured(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// The time between two taps of one connection.
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(1) * self.connections / self.rate
    }
}

/// Tell merchants' servers of each payment while taps go on, one server being gone.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct WebhooksArguments {
    /// Taps started each second, whatever the server's pace; 0 is as many as it can take.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) rate: u32,
    /// Endpoints of each merchant, each of which is told of every payment.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub(crate) endpoints: u32,
    /// Merchants that are paid.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) merchants: u32,
    /// Keep-alive connections that tap at the same time, each at a tag of its own.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// How long to measure each of the three: nobody told, receivers that answer, and one that is gone.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: u64,
    /// Wallets that pay, one after the other.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) wallets: u32,
    /// Where to make the temporary data folder: the disk that is measured.
    #[arg(long, default_value = ".")]
    pub(crate) folder: PathBuf,
}

impl WebhooksArguments {
    pub(crate) fn measured(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// The time between two taps of one connection; `None` is no pause at all.
    pub(crate) fn interval(&self) -> Option<Duration> {
        (Duration::from_secs(1) * self.connections).checked_div(self.rate)
    }
}

/// Kill the server under load (SIGKILL), again and again, and check the books each time.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KillsArguments {
    /// How often.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) times: u32,
    /// Keep-alive connections that tap at the same time.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) connections: u32,
    /// Chooses the moments of the kills.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where to make the temporary data folder.
    #[arg(long, default_value = ".")]
    pub(crate) folder: PathBuf,
}
