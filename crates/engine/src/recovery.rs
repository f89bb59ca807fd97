//! Opening: versions and the journal's end are checked, then state and tables are brought up to the journal's end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::{Disk, Frame, Journal, JournalId, JournalReader, JournalWriter, WriterOptions};
use payments::{Record, State};
use store::records;
use store::tables::{Mark, TablesWriter};

use crate::error::OpenError;

/// Records folded into the tables at once while catching up.
const CATCH_UP_RECORDS: usize = 50_000;

pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) writer: JournalWriter,
    pub(crate) journal: Journal,
    pub(crate) tables: TablesWriter,
}

pub(crate) fn journal_folder(folder: &Path) -> PathBuf {
    folder.join("journal")
}

pub(crate) fn tables_file(folder: &Path) -> PathBuf {
    folder.join("tables.sqlite")
}

pub(crate) fn recover(folder: &Path, disk: Arc<dyn Disk>) -> Result<Recovered, OpenError> {
    std::fs::create_dir_all(folder).map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
    let journal = Journal::on_disk(journal_folder(folder), disk);
    // The journal's lock comes first: it keeps a second engine off the tables too. What the tables reflect must be in
    // the journal: one that was cut off or swapped is refused before anything is changed.
    let mark = TablesWriter::peek(&tables_file(folder))?;
    let mut options = WriterOptions::new(JournalId::from_bytes(random_bytes()?));
    options.expect_at_least = mark.map(|mark| mark.frame).filter(|frame| frame.position > 0);
    let (writer, tail) = journal.writer(options)?;
    if let Some(removed) = tail.removed {
        let (bytes, file) = (removed.bytes, removed.file.display());
        tracing::warn!(bytes, %file, "cut off a write that was never finished, hence never acknowledged");
    }
    let mut tables = TablesWriter::open(&tables_file(folder))?;
    let state = catch_up(&journal, &mut tables)?;
    Ok(Recovered { state, writer, journal, tables })
}

/// Folds what the journal holds beyond the tables into the state and into the tables.
fn catch_up(journal: &Journal, tables: &mut TablesWriter) -> Result<State, OpenError> {
    let mut state = tables.load_state()?;
    let mark = tables.mark();
    let mut reader = read_after(journal, mark)?;
    let mut pending: Vec<Record> = Vec::new();
    let mut end = mark;
    while let Some(frame) = reader.next_frame()? {
        let anchor = frame.anchor();
        let records = records_of(&frame)?;
        records.iter().for_each(|record| state.evolve(record));
        pending.extend(records);
        end = Mark { frame: anchor, time: state.now() };
        if pending.len() >= CATCH_UP_RECORDS {
            store_pending(tables, &mut state, &mut pending, end)?;
        }
    }
    if !pending.is_empty() {
        store_pending(tables, &mut state, &mut pending, end)?;
    }
    Ok(state)
}

/// Folds what the journal holds beyond `mark` into a state that was loaded there. Changes nothing.
pub(crate) fn fold_tail(journal: &Journal, mark: Mark, mut state: State) -> Result<State, OpenError> {
    let mut reader = read_after(journal, mark)?;
    while let Some(frame) = reader.next_frame()? {
        records_of(&frame)?.iter().for_each(|record| state.evolve(record));
    }
    Ok(state)
}

fn read_after(journal: &Journal, mark: Mark) -> Result<JournalReader, OpenError> {
    Ok(if mark.frame.position == 0 { journal.reader()? } else { journal.reader_after(mark.frame)? })
}

fn records_of(frame: &Frame<'_>) -> Result<Vec<Record>, OpenError> {
    records::decode(frame.payload, frame.count.get())
        .map_err(|source| OpenError::Record { position: frame.first_position, source })
}

fn store_pending(
    tables: &mut TablesWriter,
    state: &mut State,
    pending: &mut Vec<Record>,
    mark: Mark,
) -> Result<(), OpenError> {
    tables.apply(&pending.iter().collect::<Vec<_>>(), mark)?;
    state.forget(mark.frame.position);
    pending.clear();
    Ok(())
}

fn random_bytes() -> Result<[u8; 16], OpenError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(OpenError::Randomness)?;
    Ok(bytes)
}
