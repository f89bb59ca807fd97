//! The key store from outside: its file, its ceremony, its versions, and what it never says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod ceremony;
mod file;
mod rotation;
mod secrets;
mod support;
