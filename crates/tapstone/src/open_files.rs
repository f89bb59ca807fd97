//! How many files the process may have open: every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Fewer than this leave too little for connections on a busy day.
const ENOUGH: u64 = 4_096;

/// Raises the limit as far as the operating system lets this user, and warns if that is not far.
pub(crate) fn raise_limit() {
    let limits = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, ..limits }) {
        tracing::warn!("cannot raise the limit of open files: {error}");
    }
    // None is no limit.
    if let Some(limit) = getrlimit(Resource::Nofile).current.filter(|limit| *limit < ENOUGH) {
        tracing::warn!("only {limit} files may be open, and as many connections less a few: raise `ulimit -Hn`");
    }
}
