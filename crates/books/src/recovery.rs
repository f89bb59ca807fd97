//! Opening: the tables are loaded, and what the journal holds beyond them takes effect again.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use journal::{Anchor, Journal, JournalWriter};
use ledger::{Account, AccountTable, CreatedAccounts, CreatedTransfers, Ledger, Transfer};

use crate::books::{self, MAX_WAITING_STRETCHES, Options};
use crate::catalog::{ACCOUNTS, Catalog, Snapshot, TRANSFERS};
use crate::checkpoint::{Stretch, TablesWriter};
use crate::entries::CLOSED;
use crate::error::{BooksError, TablesError};
use crate::facts::{self, Section};
use crate::recent::Recent;
use crate::row_files::RowFiles;

/// The name of the tables' folder.
pub(crate) const TABLES_FOLDER: &str = "tables";

pub(crate) struct Recovered {
    pub(crate) ledger: Ledger,
    pub(crate) clock: u64,
    pub(crate) highest_id: u128,
    pub(crate) newest: Recent,
    /// Stretches that are not in the tables yet, the oldest first.
    pub(crate) unwritten: VecDeque<(Box<Stretch>, Anchor)>,
    pub(crate) catalog: Catalog,
    pub(crate) journal: JournalWriter,
}

/// What is being brought up to the journal's end.
struct Replay {
    ledger: Ledger,
    clock: u64,
    highest_id: u128,
    newest: Recent,
    unwritten: VecDeque<(Box<Stretch>, Anchor)>,
}

pub(crate) fn recover(folder: &Path, options: &Options) -> Result<Recovered, BooksError> {
    let disk = &options.disk;
    disk.create_directory(folder).map_err(TablesError::io("create", folder))?;
    // The journal's lock comes first: it keeps a second process off the tables too.
    // What the tables reflect must be in it: a journal that was cut off or swapped is refused before anything changes.
    let (journal, mut writer_options) = books::journal(folder, options)?;
    writer_options.expect_at_least = Catalog::peek(&**disk, &folder.join(TABLES_FOLDER))?;
    let (writer, tail) = journal.writer(writer_options)?;
    if let Some(removed) = tail.removed {
        let (bytes, file) = (removed.bytes, removed.file.display());
        tracing::warn!(bytes, %file, "cut off a write that was never finished, hence never acknowledged");
    }
    let catalog = Catalog::open(Arc::clone(disk), folder.join(TABLES_FOLDER))?;
    let tables = catalog.current();
    let mut replay = Replay::load(&catalog, &tables)?;
    replay.follow(&journal, &catalog, tables.anchor, options)?;
    let Replay { ledger, clock, highest_id, newest, unwritten } = replay;
    Ok(Recovered { ledger, clock, highest_id, newest, unwritten, catalog, journal: writer })
}

impl Replay {
    /// The state that the tables reflect.
    fn load(catalog: &Catalog, tables: &Snapshot) -> Result<Self, BooksError> {
        let mut ledger = Ledger::load(load_accounts(catalog, tables.accounts)?);
        for run in tables.trees.balances.runs() {
            for entry in run.range(0..=u64::MAX) {
                ledger.restore_account(&entry.map_err(TablesError::from)?.0);
            }
        }
        let mut transfers = RowFiles::<Transfer>::new(Arc::clone(&catalog.disk), catalog.folder.clone(), TRANSFERS);
        for entry in tables.trees.open.range(0..=u64::MAX) {
            let entry = entry.map_err(TablesError::from)?;
            if entry.number != CLOSED {
                ledger.restore_pending(&transfers.get(entry.number, tables.transfers)?);
            }
        }
        ledger.passed(tables.last_timestamp);
        ledger.take_changed();
        let highest_id = tables.trees.ids.runs().filter_map(|run| run.max()).max().unwrap_or_default();
        let newest = Recent::new(tables.transfers, tables.accounts, Vec::new());
        Ok(Self { ledger, clock: tables.clock, highest_id, newest, unwritten: VecDeque::new() })
    }

    /// Lets what the journal holds after the tables take effect. Stretches of it go to the tables at once.
    fn follow(
        &mut self,
        journal: &Journal,
        catalog: &Catalog,
        after: Option<Anchor>,
        options: &Options,
    ) -> Result<(), BooksError> {
        let mut reader = match after {
            Some(anchor) => journal.reader_after(anchor)?,
            None => journal.reader()?,
        };
        let mut tables = TablesWriter::new(catalog);
        while let Some(frame) = reader.next_frame()? {
            let anchor = frame.anchor();
            let sections = facts::decode(frame.payload)
                .map_err(|source| BooksError::Facts { position: anchor.position, source })?;
            sections.into_iter().for_each(|section| self.apply(section));
            if self.newest.size() >= options.stretch_rows {
                let stretch = self.end_stretch();
                self.leave(&mut tables, stretch, anchor, options)?;
            }
        }
        Ok(())
    }

    /// Leaves a stretch to the thread that writes the tables, so that opening does not wait for it. Of more than a few,
    /// the oldest is written now, unless the disk has no room for it.
    fn leave(
        &mut self,
        tables: &mut TablesWriter<'_>,
        stretch: Stretch,
        anchor: Anchor,
        options: &Options,
    ) -> Result<(), TablesError> {
        self.unwritten.push_back((Box::new(stretch), anchor));
        let may_wait = if options.in_step { 0 } else { MAX_WAITING_STRETCHES };
        while self.unwritten.len() > may_wait
            && let Some((oldest, anchor)) = self.unwritten.front()
        {
            match tables.write(oldest, *anchor) {
                Ok(()) => drop(self.unwritten.pop_front()),
                Err(error) if error.is_full() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn apply(&mut self, section: Section) {
        match section {
            Section::Accounts(accounts) => {
                accounts.iter().for_each(|account| {
                    self.ledger.apply_account(account);
                });
                self.newest.add_accounts(&CreatedAccounts { accounts, ..CreatedAccounts::default() });
            }
            Section::Transfers(transfers) => {
                let mut created = CreatedTransfers { transfers, ..CreatedTransfers::default() };
                for transfer in &created.transfers {
                    self.ledger.apply_transfer(transfer, &mut created.effects);
                    self.highest_id = self.highest_id.max(transfer.id);
                }
                self.newest.add_transfers(&created);
            }
            Section::Failed(failed) => {
                self.highest_id = failed.iter().copied().fold(self.highest_id, u128::max);
                self.newest.add_transfers(&CreatedTransfers { failed, ..CreatedTransfers::default() });
            }
            Section::Expired(ids) => {
                for id in ids {
                    let closed = self.ledger.apply_expired(id);
                    self.newest.add_closed(closed);
                }
            }
            Section::Clock(nanoseconds) => self.clock = self.clock.max(nanoseconds),
            Section::Passed(timestamp) => {
                self.ledger.passed(timestamp);
                self.newest.add_passed(timestamp);
            }
        }
    }

    fn end_stretch(&mut self) -> Stretch {
        let transfers = self.newest.first_transfer + self.newest.transfers.len() as u64;
        let empty = Recent::new(transfers, self.ledger.account_count(), Vec::new());
        Stretch {
            recent: Arc::new(std::mem::replace(&mut self.newest, empty)),
            changed: self.ledger.take_changed(),
            clock: self.clock,
        }
    }
}

/// The accounts without their balances. Two threads read a half each: most of it is copying and checking.
fn load_accounts(catalog: &Catalog, count: u32) -> Result<AccountTable, TablesError> {
    let half = count / 2 / AccountTable::CHUNK * AccountTable::CHUNK;
    let load = |numbers: Range<u32>| {
        let mut rows = RowFiles::<Account>::new(Arc::clone(&catalog.disk), catalog.folder.clone(), ACCOUNTS);
        let mut table = AccountTable::default();
        rows.scan(u64::from(numbers.start)..u64::from(numbers.end), |account| {
            table.push(&account);
        })?;
        Ok::<_, TablesError>(table)
    };
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| load(0..half));
        let second = load(half..count);
        (first.join(), second)
    });
    let mut table = first.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    table.append(second?);
    Ok(table)
}
