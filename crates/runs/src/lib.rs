//! Immutable sorted runs of fixed-size entries on disk, and the trees that are made of them: what an index of the
//! ledger's books is built from.
//!
//! A [`Run`] is one file, written once by a [`RunWriter`] in ascending order of keys and never changed. [`merge`] makes
//! one run of several. A [`Tree`] is a list of runs, newest last, that is read as one sorted map in which the newest
//! entry of a key wins; it is a value, and a new run or a finished merge makes a new tree.
//!
//! **Promises.** What [`RunWriter::finish`] returned is on the disk, except for the file's name: that is durable after
//! [`journal::Disk::sync_directory`]. Every byte of a file is covered by a checksum that also covers where the byte
//! belongs (which run, which block), so that damage is an error that names file and block, and never a wrong answer.
//! No function here panics on what a file holds.
//!
//! **Does not.** It does not choose names, remove files or remember which runs make a tree: the owner keeps
//! [`RunMeta`]s in a manifest of its own. A checksum finds accidents, it does not stop somebody who computes it anew.
//! There is no cache: blocks are read through the operating system's page cache, and only the first keys of the blocks
//! and, once needed, the filter of a run stay in memory.
//!
//! # Format, version 1
//!
//! All integers are little endian. A file is three sections and a footer, without gaps: entries, fences, filter. A
//! section is a sequence of items of one size (an entry; the first key of a block of entries; a line of the filter),
//! packed into blocks:
//!
//! | offset in block | bytes          | field                                                                  |
//! |----------------:|---------------:|------------------------------------------------------------------------|
//! |               0 | n × item size  | items, as many as fit into 16,376 bytes                                |
//! |               … | up to 16,376   | zeros; none in the last block of a section, which ends after its items |
//! |               … |              8 | XXH3-64 of all bytes before, seeded with run and block                 |
//!
//! The seed is the run's number rotated left by 32 bits, exclusive-or the block's number, counted from 0 through all
//! sections of the file. The number of blocks follows from the number of items: one fence a block of entries, and the
//! lines of the filter as the footer says, 0 if there is none. The footer is the last 96 bytes:
//!
//! | offset | bytes | field                                             |
//! |-------:|------:|---------------------------------------------------|
//! |      0 |     4 | magic `TRUN`                                      |
//! |      4 |     4 | format version, 1                                 |
//! |      8 |     8 | the run's number                                  |
//! |     16 |     8 | count of entries                                  |
//! |     24 |     8 | lines of the filter                               |
//! |     32 |     4 | size of an entry                                  |
//! |     36 |     4 | size of a key: 8 or 16                            |
//! |     40 |    16 | the smallest key, 0 if there is no entry          |
//! |     56 |    16 | the largest key, 0 if there is no entry           |
//! |     72 |    16 | zeros                                             |
//! |     88 |     8 | XXH3-64 of bytes 0..88, without seed              |
//!
//! The footer's size, and the places of magic, version and checksum, stay the same in every later version, so that a
//! flipped version field is told from a newer one.
//!
//! The filter is a blocked Bloom filter: a key has six bits in one line of 64 bytes. With h = XXH3-64 of the key's
//! bytes, the line is the high half of h × lines, and the bits are the six groups of nine bits from bit 10 up of
//! h × 0x9E3779B97F4A7C15 (modulo 2^64).

mod block;
mod entry;
mod error;
mod filter;
mod footer;
mod merge;
mod run;
mod scan;
mod sort;
mod tree;
mod writer;

pub use entry::{Entry, Key};
pub use error::{Place, RunError};
pub use merge::{merge, merge_filtered};
pub use run::{Run, RunId};
pub use scan::Scan;
pub use sort::sort_entries;
pub use tree::{MERGE_WIDTH, MergePlan, RunMeta, Tree, TreeScan};
pub use writer::{Filter, RunWriter};

/// The version of the file format that this build writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;
