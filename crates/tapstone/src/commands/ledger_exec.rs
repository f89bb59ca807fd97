//! `tapstone ledger exec`: a ledger, asked line by line.

use std::io::{self, BufReader, Write};
use std::path::PathBuf;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use books::{Books, BooksError};
use clap::Args;
use exec::Lines;
use journal::JournalError;
use ledger::{
    Account, AccountBalance, AccountFilter, CreateAccountResult, CreateTransferResult, QueryFilter, Transfer,
};

use crate::failure::Failure;
use crate::ledger_folder::LedgerFolder;
use crate::logging;
use crate::signals::Signals;

const REQUESTS: &str = r#"Requests:
  {"create_accounts":[{"id":"1","ledger":156,"code":1,"flags":["history"]},{"id":"2","ledger":156,"code":1}]}
  {"create_transfers":[{"id":"7","debit_account_id":"1","credit_account_id":"2","amount":"1250","ledger":156,"code":1}]}
  {"lookup_accounts":["1","2"]}
  {"lookup_transfers":["7"]}
  {"get_account_transfers":{"account_id":"1","flags":["debits","credits","reversed"],"limit":10}}
  {"get_account_balances":{"account_id":"1"}}
  {"query_accounts":{"ledger":156}}
  {"query_transfers":{"code":1,"timestamp_min":"1","limit":100}}
  {"tick":"1800000000000000000"}
The fields, flags and statuses are those of TigerBeetle's reference; docs/ledger.md says more."#;

/// Keep a ledger, asked line by line: a JSON request on standard input, a JSON answer on standard output.
///
/// What an answer tells is on the disk before it is given. At the end of the input, and at SIGTERM or Ctrl-C, the
/// request in hand is finished; SIGKILL loses nothing that was answered.
#[derive(Args)]
#[command(after_help = REQUESTS)]
pub(crate) struct Arguments {
    /// The ledger's folder; made if there is none.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    logging::start(tracing::Level::WARN);
    let desk = Desk::new(LedgerFolder(&arguments.data).open()?);
    desk.close_at_signal()?;
    let answered = desk.answer_all();
    desk.close()?;
    answered
}

/// Where requests are done, one at a time. Whoever holds it can be sure that none is in hand.
#[derive(Clone)]
struct Desk(Arc<Mutex<Option<DurableBooks>>>);

impl Desk {
    fn new(books: Books) -> Self {
        Self(Arc::new(Mutex::new(Some(DurableBooks(books)))))
    }

    /// Answers each line of the input, until that ends or the books cannot go on.
    fn answer_all(&self) -> Result<(), Failure> {
        /// More than a pipe holds.
        const READ_BYTES: usize = 1 << 20;
        let mut lines = Lines::new(BufReader::with_capacity(READ_BYTES, io::stdin().lock()));
        let mut answer = Vec::new();
        let unreadable = |error| Failure::Fault(format!("cannot read the next request: {error}"));
        while let Some(line) = lines.next_line().map_err(unreadable)? {
            let mut desk = self.lock();
            let Some(books) = desk.as_mut() else { break };
            answer.clear();
            let outcome = exec::answer(line, books, &mut answer);
            write(&answer)?;
            if let Err(error) = outcome
                && ends_everything(&error)
            {
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn close(&self) -> Result<(), Failure> {
        match self.lock().take() {
            Some(DurableBooks(books)) => Ok(books.close()?),
            None => Ok(()),
        }
    }

    /// At a signal, ends the process after the request in hand: reading the next one cannot be interrupted.
    fn close_at_signal(&self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build()?;
        let signals = {
            let _context = runtime.enter();
            Signals::install()?
        };
        let desk = self.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(signals.first());
            // Kept to the end of the process, so that no other request begins.
            let mut books = desk.lock();
            let closed = books.take().map_or(Ok(()), |DurableBooks(books)| books.close());
            if let Err(error) = &closed {
                crate::output::complain(&error);
            }
            process::exit(closed.is_err().into());
        })?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<DurableBooks>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(answer: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(answer).and_then(|()| out.flush());
    written.map_err(|error| Failure::Fault(format!("cannot hand over an answer: {error}; what it was about is done")))
}

/// Whether no further request can be done. A full disk may have room again, and reads go on where writes fail.
fn ends_everything(error: &BooksError) -> bool {
    match error {
        BooksError::Journal(error) => !matches!(error, JournalError::Full { .. }),
        BooksError::Stopped => true,
        _ => false,
    }
}

/// The books, as the protocol sees them.
struct DurableBooks(Books);

impl exec::Books for DurableBooks {
    type Error = BooksError;

    fn create_accounts(&mut self, events: &[Account]) -> Result<Vec<CreateAccountResult>, BooksError> {
        self.0.create_accounts(events)
    }

    fn create_transfers(&mut self, events: &[Transfer]) -> Result<Vec<CreateTransferResult>, BooksError> {
        self.0.create_transfers(events)
    }

    fn tick(&mut self, nanoseconds: u64) -> Result<u64, BooksError> {
        self.0.tick(nanoseconds)
    }

    fn lookup_accounts(&mut self, ids: &[u128]) -> Result<Vec<Account>, BooksError> {
        self.0.lookup_accounts(ids)
    }

    fn lookup_transfers(&mut self, ids: &[u128]) -> Result<Vec<Transfer>, BooksError> {
        self.0.lookup_transfers(ids)
    }

    fn get_account_transfers(&mut self, filter: &AccountFilter) -> Result<Vec<Transfer>, BooksError> {
        self.0.get_account_transfers(filter)
    }

    fn get_account_balances(&mut self, filter: &AccountFilter) -> Result<Vec<AccountBalance>, BooksError> {
        self.0.get_account_balances(filter)
    }

    fn query_accounts(&mut self, filter: &QueryFilter) -> Result<Vec<Account>, BooksError> {
        self.0.query_accounts(filter)
    }

    fn query_transfers(&mut self, filter: &QueryFilter) -> Result<Vec<Transfer>, BooksError> {
        self.0.query_transfers(filter)
    }
}
