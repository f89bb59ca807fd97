//! Webhooks as their caller meets them: a real file, a receiver that is a function, a clock that is a number.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod endpoints;
mod life;
mod log;
mod world;
