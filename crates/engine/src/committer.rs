//! The thread that waits for the disk, and then tells.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use journal::{JournalError, JournalWriter};
use store::tables::Mark;

use crate::decider::Batch;
use crate::error::Unavailable;
use crate::inbox::Inbox;
use crate::{Durable, Shared};

/// How long a full disk is left alone before room is looked for again.
const ROOM_PAUSE: Duration = Duration::from_millis(250);

pub(crate) fn run(journal: JournalWriter, decided: Receiver<Batch>, shared: &Shared) {
    let _goodbye = Goodbye(&shared.inbox);
    // Dropped before the goodbye, also in a panic.
    let decided = decided;
    let mut committer = Committer { journal, shared, refused_bytes: 0 };
    loop {
        match committer.receive(&decided) {
            Ok(batch) => {
                if committer.commit(batch).is_err() {
                    break;
                }
            }
            Err(RecvTimeoutError::Timeout) => committer.look_for_room(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if !shared.broken.load(Ordering::Acquire) {
        shared.tables.close();
    }
}

/// However the committer ends, the decider is not left waiting for the disk: it hands in its next batch, and finds
/// nobody there.
struct Goodbye<'a>(&'a Inbox);

impl Drop for Goodbye<'_> {
    fn drop(&mut self) {
        self.0.disk_is_free();
    }
}

struct Committer<'a> {
    journal: JournalWriter,
    shared: &'a Shared,
    /// The size of the frame that found no room.
    refused_bytes: usize,
}

/// The journal has failed: nothing more is decided.
struct Broken;

impl Committer<'_> {
    fn receive(&self, decided: &Receiver<Batch>) -> Result<Batch, RecvTimeoutError> {
        if self.shared.room.is_full() {
            decided.recv_timeout(ROOM_PAUSE)
        } else {
            decided.recv().map_err(|_| RecvTimeoutError::Disconnected)
        }
    }

    /// Makes the batch durable and tells, in this order.
    fn commit(&mut self, mut batch: Batch) -> Result<(), Broken> {
        if batch.refusals != self.shared.room.refusals() {
            self.refuse(batch);
            return Ok(());
        }
        if let Some(count) = batch.count() {
            match self.journal.append(count, &mut batch.frame) {
                Ok(appended) => publish(self.shared, &mut batch, appended.anchor()),
                Err(error @ JournalError::Full { .. }) => {
                    tracing::error!(%error, "the disk is full; reads go on, payments wait for room");
                    self.refused_bytes = batch.frame.len();
                    self.shared.room.refuse();
                    self.refuse(batch);
                    return Ok(());
                }
                Err(error) => {
                    // What the disk holds now is unknown until the journal is opened again: nothing more is decided,
                    // and every caller is told that nothing is known.
                    self.shared.broken.store(true, Ordering::Release);
                    tracing::error!(%error, "the journal could not be written; reads go on, payments stop");
                    return Err(Broken);
                }
            }
        }
        // The next batch is decided while this one's callers are told.
        self.shared.inbox.disk_is_free();
        for (caller, answer) in batch.callers {
            caller.tell(Ok(answer));
        }
        Ok(())
    }

    fn refuse(&self, batch: Batch) {
        self.shared.inbox.disk_is_free();
        batch.refuse(Unavailable::DiskFull);
    }

    fn look_for_room(&mut self) {
        match self.journal.make_room(self.refused_bytes) {
            Ok(()) => {
                tracing::info!("the disk has room again; payments go on");
                self.shared.room.found();
            }
            Err(JournalError::Full { .. }) => {}
            Err(error) => {
                // Appending says so again, and then it counts.
                tracing::error!(%error, "the journal could not be written");
                self.shared.room.found();
            }
        }
    }
}

/// The batch is durable: from here on it may be seen.
fn publish(shared: &Shared, batch: &mut Batch, end: journal::Anchor) {
    let records = std::mem::take(&mut batch.records);
    let time = records.last().map(|record| record.at).unwrap_or_default();
    let durable = Arc::new(Durable { first_position: end.position + 1 - records.len() as u64, records });
    shared.batches.fetch_add(1, Ordering::Relaxed);
    shared.durable_position.store(end.position, Ordering::Release);
    for listener in shared.listeners.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        listener(&durable);
    }
    shared.tables.push(durable, Mark { frame: end, time });
}
