//! Makes an NTAG 424 DNA a tag of the platform: its keys, its message, its settings, and the proof that it signs.
//!
//! [`Personaliser::personalise`] takes whatever tag a reader holds. It finds out where the tag is, from the versions of its
//! keys and from which keys it accepts; does the steps that are left; reads the result back; and hands a touch of it to
//! the server's own verifier.
//!
//! It promises:
//! - A cut after any command leaves a tag all of whose keys are known: a second run finds where the first one stopped, and
//!   goes on. The chip changes a key and its version at once or not at all; the master key changes last, so that who finds
//!   the new one finds a finished tag.
//! - A tag with keys of somebody else is left as it is, after at most two failed authentications.
//! - Whatever a tag answers, there is no panic and no loop: a run has a bounded number of commands.
//! - A key's bytes reach nothing but the tag: no error, no report and no [`Audit`] record has them.
//!
//! It does no I/O: the reader is a [`Transceive`], keys come from [`Keys`], and each use of one is told to an [`Audit`]
//! before it happens.

#![forbid(unsafe_code)]

mod content;
mod examination;
mod fault;
mod keys;
mod link;
mod messaging;
mod personaliser;
mod plan;
mod reader;

pub use content::{ContentError, TagContent};
pub use fault::{Command, Failure, Fault, Problem, Refusal, Stage};
pub use keys::{Audit, KeyUsed, Keys, KeysUnavailable, MasterKey, NotRecorded, Use};
pub use link::{LinkError, Transceive};
pub use personaliser::{Originality, Personaliser, Report};
pub use plan::Step;
