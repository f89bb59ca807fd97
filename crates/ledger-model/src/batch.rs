//! Batches and linked chains, the same for accounts and transfers.

use ledger::{Account, AccountFlags, CreateAccountStatus, CreateResult, CreateTransferStatus, Transfer, TransferFlags};

use crate::model::State;

/// What is created.
pub(crate) trait Event: Copy {
    type Status: Status;

    fn is_linked(&self) -> bool;
    fn is_imported(&self) -> bool;
    fn timestamp(&self) -> u64;
}

/// The statuses that batches and chains give.
pub(crate) trait Status: Copy + PartialEq {
    const CREATED: Self;
    const EXISTS: Self;
    const LINKED_EVENT_FAILED: Self;
    const LINKED_EVENT_CHAIN_OPEN: Self;
    const IMPORTED_EVENT_EXPECTED: Self;
    const IMPORTED_EVENT_NOT_EXPECTED: Self;
    const TIMESTAMP_MUST_BE_ZERO: Self;
}

/// Why an event was not created. The one that exists tells its timestamp.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal<S> {
    pub(crate) status: S,
    pub(crate) exists_since: Option<u64>,
}

impl<S: Status> Refusal<S> {
    pub(crate) fn exists(timestamp: u64) -> Self {
        Self { status: S::EXISTS, exists_since: Some(timestamp) }
    }
}

impl<S> From<S> for Refusal<S> {
    fn from(status: S) -> Self {
        Self { status, exists_since: None }
    }
}

/// Creates the events of a batch, chain by chain; a chain of which one fails leaves no trace in the state.
pub(crate) fn create_batch<E: Event>(
    state: &mut State,
    events: &[E],
    first_timestamp: u64,
    mut create: impl FnMut(&mut State, &E, u64) -> Result<(), Refusal<E::Status>>,
) -> Vec<CreateResult<E::Status>> {
    let batch_is_imported = events.first().is_some_and(Event::is_imported);
    let mut results = Vec::new();
    for chain in chains(events) {
        let before = (chain.len() > 1).then(|| state.clone());
        let first_of_chain = results.len();
        let mut is_broken = false;
        for event in chain {
            let timestamp = first_timestamp + results.len() as u64;
            let is_last_of_batch = results.len() == events.len() - 1;
            let result = if event.is_linked() && is_last_of_batch {
                Err(E::Status::LINKED_EVENT_CHAIN_OPEN.into())
            } else if is_broken {
                Err(E::Status::LINKED_EVENT_FAILED.into())
            } else {
                check_imported(event, batch_is_imported).and_then(|()| create(state, event, timestamp))
            };
            match result {
                Ok(()) => results.push(CreateResult { status: E::Status::CREATED, timestamp }),
                Err(refusal) => {
                    is_broken = true;
                    let timestamp = refusal.exists_since.unwrap_or(timestamp);
                    results.push(CreateResult { status: refusal.status, timestamp });
                }
            }
        }
        if is_broken {
            if let Some(before) = before {
                *state = before;
            }
            for result in &mut results[first_of_chain..] {
                if result.status == E::Status::CREATED {
                    result.status = E::Status::LINKED_EVENT_FAILED;
                }
            }
        }
    }
    results
}

/// The events up to and with the first that is not linked to its next; and so on.
fn chains<E: Event>(events: &[E]) -> Vec<&[E]> {
    events.split_inclusive(|event| !event.is_linked()).collect()
}

/// Whether an event of a batch may be looked at at all. Imported events are not supported here.
fn check_imported<E: Event>(event: &E, batch_is_imported: bool) -> Result<(), Refusal<E::Status>> {
    match (batch_is_imported, event.is_imported()) {
        (true, false) => Err(E::Status::IMPORTED_EVENT_EXPECTED.into()),
        (false, true) => Err(E::Status::IMPORTED_EVENT_NOT_EXPECTED.into()),
        (false, false) if event.timestamp() != 0 => Err(E::Status::TIMESTAMP_MUST_BE_ZERO.into()),
        _ => Ok(()),
    }
}

impl Event for Account {
    type Status = CreateAccountStatus;

    fn is_linked(&self) -> bool {
        self.flags.contains(AccountFlags::LINKED)
    }

    fn is_imported(&self) -> bool {
        self.flags.contains(AccountFlags::IMPORTED)
    }

    fn timestamp(&self) -> u64 {
        self.timestamp
    }
}

impl Event for Transfer {
    type Status = CreateTransferStatus;

    fn is_linked(&self) -> bool {
        self.flags.contains(TransferFlags::LINKED)
    }

    fn is_imported(&self) -> bool {
        self.flags.contains(TransferFlags::IMPORTED)
    }

    fn timestamp(&self) -> u64 {
        self.timestamp
    }
}

macro_rules! batch_statuses {
    ($status:ident) => {
        impl Status for $status {
            const CREATED: Self = Self::Created;
            const EXISTS: Self = Self::Exists;
            const LINKED_EVENT_FAILED: Self = Self::LinkedEventFailed;
            const LINKED_EVENT_CHAIN_OPEN: Self = Self::LinkedEventChainOpen;
            const IMPORTED_EVENT_EXPECTED: Self = Self::ImportedEventExpected;
            const IMPORTED_EVENT_NOT_EXPECTED: Self = Self::ImportedEventNotExpected;
            const TIMESTAMP_MUST_BE_ZERO: Self = Self::TimestampMustBeZero;
        }
    };
}

batch_statuses!(CreateAccountStatus);
batch_statuses!(CreateTransferStatus);
