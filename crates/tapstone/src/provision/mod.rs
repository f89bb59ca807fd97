//! Making many accounts, tags and people known, fast.

pub(crate) mod crowd;

use std::sync::mpsc;

use engine::{Engine, Overloaded, ReadError, Unavailable};
use payments::{Action, Rejection};

/// Commands that are on their way to the engine at the same time: enough to fill its batches, and half of what its
/// queue takes.
const IN_FLIGHT: usize = 4_096;

/// Actions after which the tables must catch up: the engine takes nothing more once they are some hundred thousand
/// records behind.
const BETWEEN_CATCHING_UP: usize = 100_000;

/// Why an action of a list was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubmitError {
    /// A rule says no to one of them.
    #[error("{rejection}")]
    Refused {
        /// Which one, counted from 0.
        index: usize,
        /// The rule.
        rejection: Rejection,
    },
    /// The engine stopped, or the disk is full.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Others keep the engine so busy that its queue is full.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The tables cannot be written, or not fast enough.
    #[error(transparent)]
    Tables(#[from] ReadError),
}

/// Has all actions decided, in this order, and waits until all of them are durable.
///
/// # Errors
/// The first that was refused. Those after it may or may not have been done.
pub(crate) fn submit_all(engine: &Engine, actions: impl IntoIterator<Item = Action>) -> Result<(), SubmitError> {
    let (sender, replies) = mpsc::channel();
    let mut in_flight = 0;
    let wait_for_one = || match replies.recv() {
        Ok((_, Ok(Ok(_)))) => Ok(()),
        Ok((index, Ok(Err(rejection)))) => Err(SubmitError::Refused { index, rejection }),
        Ok((_, Err(unavailable))) => Err(SubmitError::Unavailable(unavailable)),
        Err(mpsc::RecvError) => Err(SubmitError::Unavailable(Unavailable::Stopped)),
    };
    for (index, action) in actions.into_iter().enumerate() {
        if in_flight == IN_FLIGHT {
            wait_for_one()?;
            in_flight -= 1;
        }
        if index % BETWEEN_CATCHING_UP == BETWEEN_CATCHING_UP - 1 {
            engine.read(|_| Ok(()))?;
        }
        let sender = sender.clone();
        // Nobody listens any more once one was refused.
        engine.submit(action, None, move |reply| drop(sender.send((index, reply))))?;
        in_flight += 1;
    }
    (0..in_flight).try_for_each(|_| wait_for_one())
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
