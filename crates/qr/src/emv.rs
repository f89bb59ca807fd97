//! EMVCo's QR codes: what both modes have in common is how findings are told.

pub mod consumer;
mod finding;
mod id;
pub mod merchant;

pub use finding::{Code, Finding, Findings, Mode, Path, Severity};
pub use id::{Id, NoSuchId};
