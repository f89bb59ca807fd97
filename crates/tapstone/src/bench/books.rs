//! After the kill: is everything that was acknowledged still there, once, and do the books balance?

use std::path::Path;
use std::time::{Duration, Instant};

use engine::{Engine, SystemClock};
use ids::PaymentId;

use crate::failure::Failure;

/// What was found.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) recovery_time: Duration,
    pub(crate) verification_time: Duration,
    pub(crate) report: engine::Report,
}

/// Recovers the money plane, verifies it, and looks up every acknowledged payment.
pub(crate) fn check(folder: &Path, acknowledged: &[(PaymentId, u64)]) -> Result<Books, Failure> {
    let start = Instant::now();
    let engine = Engine::open(folder, Box::new(SystemClock))?;
    let recovery_time = start.elapsed();
    for &(id, amount) in acknowledged {
        let payment = engine.read(|tables| tables.payment(id))?;
        let found = payment.map(|payment| payment.amount.minor_units());
        if found != Some(amount) {
            let message = format!("payment {id} of {amount} was acknowledged; after recovery it is {found:?}");
            return Err(Failure::Fault(message));
        }
    }
    engine.close();
    let start = Instant::now();
    let report = engine::verify(folder)?;
    Ok(Books { recovery_time, verification_time: start.elapsed(), report })
}
