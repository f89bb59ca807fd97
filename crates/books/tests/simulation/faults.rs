//! What goes wrong with the disk.

use books::{BooksError, TablesError};
use journal::JournalError;
use sim::{Crash, FaultyDisk, Operation, Random, Rates};

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

const FAILING: [Operation; 7] = [
    Operation::Create,
    Operation::Remove,
    Operation::Rename,
    Operation::SyncDirectory,
    Operation::Write,
    Operation::Sync,
    Operation::Read,
];

/// Draws what will go wrong with the disk from here on; nothing, now and then.
pub(crate) fn plan(random: &mut Random, disk: &FaultyDisk) {
    match random.below(6) {
        0 => {}
        1 | 2 => disk.crash_at(disk.operations() + random.below(80)),
        3 => disk.set_rates(Rates {
            short_writes: random.below(300),
            write_errors: random.below(8),
            sync_errors: random.below(8),
            read_errors: random.below(8),
        }),
        4 => {
            let operation = FAILING[random.index(FAILING.len())];
            let error_number = if random.per_mille(500) { EIO } else { ENOSPC };
            disk.fail(operation, random.below(20), error_number);
        }
        _ => {
            disk.set_can_reserve(random.per_mille(500));
            disk.set_allocates_late(random.per_mille(300));
            disk.set_capacity(Some(disk.used() + random.below(30_000)));
        }
    }
}

/// Lets an operation fail always, after so many times that it works.
pub(crate) fn fail_from(disk: &FaultyDisk, operation: Operation, after: u64) {
    disk.fail(operation, after, EIO);
    (0..1000).for_each(|_| disk.fail(operation, 0, EIO));
}

/// One of the ways to crash.
pub(crate) fn crash(random: &mut Random) -> Crash {
    match random.below(5) {
        0 => Crash::KeepAll,
        1 => Crash::LoseAll,
        2 => Crash::Break,
        3 => Crash::Tear { sector: 512 },
        _ => Crash::Tear { sector: 4096 },
    }
}

/// Stops the test unless the disk is to blame for an error: no bit was flipped, and nobody asked for what cannot be.
pub(crate) fn must_be_the_disks_fault(error: &BooksError) {
    let is_the_disks = match error {
        BooksError::Journal(error) => matches!(error, JournalError::Io { .. } | JournalError::Full { .. }),
        BooksError::Tables(TablesError::Io { .. }) => true,
        BooksError::Tables(TablesError::Run(error)) => matches!(**error, runs::RunError::Io { .. }),
        _ => false,
    };
    assert!(is_the_disks, "{error:?}");
}
