//! Logs: on standard error, as much as the environment variable `RUST_LOG` says.

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing_subscriber::EnvFilter;

/// Starts to log; at `level` unless `RUST_LOG` says otherwise.
pub(crate) fn start(level: Level) {
    let filter = EnvFilter::builder().with_default_directive(level.into()).from_env_lossy();
    let log = tracing_subscriber::fmt().compact().with_env_filter(filter).with_writer(io::stderr);
    let log = log.with_ansi(io::stderr().is_terminal()).with_target(false);
    // What cannot be logged, because standard error is on a full disk, is not complained of there again.
    log.log_internal_errors(false).init();
}
