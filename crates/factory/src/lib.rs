//! Production orders of NFC tags: from the purchase of so many labels to the proof that they came, and are good.
//!
//! An [`Order`] says all there is to say of every tag before there is one: which reel it is on and where, the [`Serial`]
//! that is printed on it, the URL in the QR code beside it, what the chip's NDEF file holds and at which offsets the chip
//! mirrors. Everything follows from the order's terms; nothing is drawn on the way.
//!
//! - [`Folder`] keeps an order on disk: the encoding files (CSV and Parquet) in parts that are whole or not there, so that
//!   a run which was killed goes on where it was and ends with the same bytes.
//! - [`UidImport`] reads the lists of a chip maker; a binding says which UID is under which label.
//! - [`sampling`] says which labels of a reel are tried, [`Check`] what their readings mean for the reel.
//! - [`Reconciliation`] holds what was delivered against what was ordered.
//!
//! No key is ever written: the encoding machine has a key module that derives them. Only [`Folder`] does files, and there
//! is no clock and no randomness here.

mod binding;
mod check;
mod folder;
mod label;
mod order;
mod parts;
mod problems;
mod reconciliation;
mod rows;
pub mod sampling;
mod serial;
mod table;
mod template;
mod uid;
mod uid_list;

pub use binding::{Binding, LogProblem};
pub use check::{Check, ReadingProblem, ReelCheck, Verdict};
pub use folder::{Bound, Folder, FolderError, Imported, Request};
pub use label::{label_svg, qr_modules};
pub use order::{COUNT_MAX, Order, OrderError, PlannedTag, REEL_LABELS, Reel, Seed};
pub use parts::{Progress, Written};
pub use problems::{Problem, Problems, TOLD_MAX};
pub use reconciliation::{Break, Reconciliation, Summary};
pub use rows::{ROW_BYTES_MAX, RowProblem};
pub use serial::{OrderCode, Serial, SerialError};
pub use table::Table;
pub use template::{TagTemplate, UrlDoesNotFit};
pub use uid::{UidProblem, parse_uid};
pub use uid_list::{ListProblem, UidImport};
