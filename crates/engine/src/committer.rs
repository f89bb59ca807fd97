//! The thread that waits for the disk, and then tells.

use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError};

use journal::JournalWriter;
use store::tables::Mark;

use crate::decider::Batch;
use crate::inbox::Inbox;
use crate::{Durable, Shared};

pub(crate) fn run(mut journal: JournalWriter, decided: Receiver<Batch>, shared: &Shared) {
    let _goodbye = Goodbye(&shared.inbox);
    // Dropped before the goodbye, also in a panic.
    let decided = decided;
    while let Ok(mut batch) = decided.recv() {
        if let Some(count) = batch.count() {
            match journal.append(count, &mut batch.frame) {
                Ok(appended) => publish(shared, &mut batch, appended.anchor()),
                Err(error) => {
                    // What the disk holds now is unknown until the journal is opened again: nothing more is decided,
                    // and every caller is told that nothing is known.
                    shared.broken.store(true, Ordering::Release);
                    tracing::error!(%error, "the journal could not be written; reads go on, payments stop");
                    break;
                }
            }
        }
        // The next batch is decided while this one's callers are told.
        shared.inbox.disk_is_free();
        for (caller, answer) in batch.callers {
            caller.tell(Ok(answer));
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
