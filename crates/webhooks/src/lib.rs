//! Webhooks: who is told of which events, what is on its way to them, and what has become of it.
//!
//! Sync, and without HTTP: the caller reads events, makes the requests and says what came of them; times are Unix
//! milliseconds and chance is numbers, both of which come in. What is stored is in `webhooks.sqlite` in the data folder,
//! which one process holds alone.
//!
//! It promises, per endpoint:
//! - **nothing is lost**: a cursor says up to which event of its merchant an endpoint has deliveries. The bytes to send
//!   are stored in the transaction that moves the cursor, and only what is stored is sent;
//! - **at least once**: what is sent and not known to have arrived is sent again, byte for byte, under the same id;
//! - **in order per object**: nothing about an object is sent while something older about it is on its way;
//! - a receiver that fails is asked again for three days, ever more rarely, and then the delivery is a **dead letter**, which
//!   can be replayed; one that does nothing but fail costs one request at a time;
//! - signing secrets are encrypted at rest, and in no log.
//!
//! All is bounded: endpoints of a merchant, deliveries that wait for an endpoint, the log of what is done.

mod address;
mod database;
mod delivery;
mod delivery_rows;
mod endpoint;
mod error;
mod filter;
mod ladder;
mod limits;
mod live;
mod log;
mod open;
mod prune;
mod queue;
mod rows;
mod secret;
mod signature;
mod target;
mod vault;
mod webhooks;
mod work;

pub use address::{Network, is_public};
pub use delivery::{
    Attempt, Delivery, DeliveryDetails, DeliveryStatus, Outcome, Page, RESPONSE_KEPT_BYTES, Rendered, Selection,
    Sending, event_id,
};
pub use endpoint::{Change, Endpoint, EndpointState, NewEndpoint};
pub use error::WebhooksError;
pub use filter::{EventFilter, FilterError, MAX_PATTERNS};
pub use ladder::{MAX_TRYING_MS, PROBE_WAITS_MS, RETRY_WAITS_MS};
pub use limits::Limits;
pub use queue::Position;
pub use secret::{Secret, SecretError};
pub use signature::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, TOLERANCE_SECONDS, VerifyError, sign, verify};
pub use target::{MAX_URL_BYTES, Target, UrlError, check_url};
pub use vault::KEY_FILE_NAME;
pub use webhooks::Webhooks;
pub use work::{Read, Taken};
