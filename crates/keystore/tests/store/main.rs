//! The key store from outside: its file, its ceremony, its versions, and what it never says.

mod ceremony;
mod file;
mod rotation;
mod secrets;
mod support;
