//! A bank that takes and gives files: credit transfers out (pain.001.001.09), statements in (camt.053.001.08).
//!
//! The bank's transfer program (EBICS, SFTP, …) fetches from `outbox` and puts into `inbox`; neither is ours. A file is
//! written beside the folder and renamed into it, so that nobody sees half of one.
//!
//! ```text
//! bank/outbox/      to be sent: one file a payout; the transfer program takes it away
//! bank/submitted/   what was put into the outbox, for ever: a payout in here is not put there again
//! bank/inbox/       statements that came
//! bank/read/        statements that were read
//! bank/refused/     statements that could not be read, each with a .txt that says why
//! bank/staging/     files being written
//! bank/statements.sqlite   the lines of all statements, each once
//! ```

mod camt;
mod pain;
mod spool;
mod xml;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::PartnerError;
use crate::bank::log::{self, Added, lines_table};
use crate::bank::{Bank, Cursor, OTHER_PAYMENT, Page, PayoutInstruction, Submission};
use crate::database::{Database, Kind};
use spool::Spool;

pub use camt::{Statement, StatementEntryError, parse_statement};
pub use pain::{Debtor, DebtorError, credit_transfer};

/// "Tstm" in ASCII.
const KIND: Kind = Kind { application: 0x5473_746d, version: 1, schema: lines_table!() };

/// How many statements one look at the inbox reads.
const MAXIMUM_STATEMENTS: usize = 100;

/// A bank behind two folders of files.
pub struct FileBank {
    debtor: Debtor,
    spool: Spool,
    database: Mutex<Database>,
}

impl FileBank {
    /// Opens the spool in this folder (`bank` in the data folder), and makes what is missing. `debtor` is who pays.
    ///
    /// # Errors
    /// [`PartnerError`] says which file or folder is wrong.
    pub fn open(folder: &Path, debtor: Debtor) -> Result<Self, PartnerError> {
        let spool = Spool::open(folder)?;
        let database = Mutex::new(Database::open(&folder.join("statements.sqlite"), &KIND)?);
        Ok(Self { debtor, spool, database })
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        // Each change is one transaction: a panic elsewhere leaves nothing half done.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_inbox(&self, database: &mut Database) -> Result<(), PartnerError> {
        for path in self.spool.waiting(MAXIMUM_STATEMENTS)? {
            match self.read_statement(database, &path)? {
                Ok(()) => self.spool.put_away(&path)?,
                Err(reason) => self.spool.refuse(&path, &reason)?,
            }
        }
        Ok(())
    }

    /// All lines of a statement, or none. The inner error says what is wrong with the statement.
    fn read_statement(&self, database: &mut Database, path: &Path) -> Result<Result<(), String>, PartnerError> {
        let text = match self.spool.read(path)? {
            Ok(text) => text,
            Err(reason) => return Ok(Err(reason)),
        };
        let statements = match parse_statement(&text) {
            Ok(statements) => statements,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if let Some(other) = statements.iter().find(|statement| statement.account != self.debtor.account().as_str()) {
            return Ok(Err(format!("statement {:?} is of another account than ours", other.id)));
        }
        let lines = || statements.iter().flat_map(|statement| &statement.lines);
        let mut contradiction = None;
        let written = database.write(|transaction| {
            for line in lines() {
                if let Added::Contradicted = log::add(transaction, line)? {
                    contradiction = Some(format!("entry {} was told before, with other figures", line.line));
                    return Err(rusqlite::Error::QueryReturnedNoRows);
                }
            }
            Ok(())
        });
        match (contradiction, written) {
            (Some(contradiction), _) => Ok(Err(contradiction)),
            (None, written) => written.map(Ok),
        }
    }
}

impl Bank for FileBank {
    fn name(&self) -> &'static str {
        "files"
    }

    fn submit(&self, instruction: &PayoutInstruction, _now_ms: u64) -> Submission {
        let reference = instruction.end_to_end();
        let file = match credit_transfer(&self.debtor, std::slice::from_ref(instruction)) {
            Ok(file) => file,
            Err(reason) => return Submission::Refused { reason },
        };
        match self.spool.send(&format!("{reference}.xml"), file.as_bytes()) {
            Ok(true) => Submission::Accepted { bank_reference: reference },
            Ok(false) => Submission::Unknown { because: OTHER_PAYMENT.to_owned() },
            Err(error) => Submission::Unknown { because: error.to_string() },
        }
    }

    fn lines_since(&self, cursor: Cursor, limit: usize, _now_ms: u64) -> Result<Page, PartnerError> {
        let mut database = self.database();
        self.read_inbox(&mut database)?;
        database.read(|connection| log::page(connection, cursor, limit))
    }
}
