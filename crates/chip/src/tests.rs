//! What only the inside can test: exchanges that begin in the middle of a session.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod vectors;
