//! A full disk: new work is refused with a clear error, reads go on, nothing that was acknowledged is lost, and with
//! room again the books go on without being opened again.

use books::{Books, BooksError, Options, TablesError};
use journal::JournalError;
use ledger::{Account, AccountFlags, Transfer};
use sim::FaultyDisk;

use crate::beside::{Action, Known, act, difference};
use crate::folder::Folder;

/// What a frame of one transfer takes, and a little more.
const LITTLE: u64 = 600;

/// Ways in which a disk says that it is full.
const KINDS: [fn(&FaultyDisk); 3] = [|_| {}, |disk| disk.set_can_reserve(false), |disk| disk.set_allocates_late(true)];

struct Full {
    folder: Folder,
    options: Options,
    books: Books,
    known: Known,
    next_id: u128,
}

impl Full {
    fn new(stretch_rows: usize) -> Self {
        let folder = Folder::new();
        let options = Options { stretch_rows, segment_bytes: 5000, ..folder.options() };
        let books = Books::open(folder.path(), options.clone()).expect("there is room");
        let mut full = Self { folder, options, books, known: Known::default(), next_id: 1 };
        let account = |id| Account { id, ledger: 1, code: 1, flags: AccountFlags::HISTORY, ..Account::default() };
        full.act(&Action::Accounts(vec![account(1), account(2)])).expect("there is room");
        (0..30).for_each(|_| full.transfer().expect("there is room"));
        full
    }

    fn act(&mut self, action: &Action) -> Result<(), BooksError> {
        let outcome = act(&mut self.books, action)?;
        assert_eq!(outcome, self.known.act(action));
        Ok(())
    }

    /// One more transfer; the same one again if there was no room.
    fn transfer(&mut self) -> Result<(), BooksError> {
        let (id, ledger, code) = (self.next_id, 1, 1);
        let transfer =
            Transfer { id, debit_account_id: 1, credit_account_id: 2, amount: 7, ledger, code, ..Transfer::default() };
        self.act(&Action::Transfers(vec![transfer]))?;
        self.next_id += 1;
        Ok(())
    }

    /// Works with this much room until something is refused.
    fn fill(&mut self, room: u64) -> BooksError {
        let disk = self.folder.disk();
        disk.set_capacity(Some(disk.used() + room));
        (0..1000).find_map(|_| self.transfer().err()).expect("the disk fills up")
    }

    /// Everything that was acknowledged can be read, and nothing else is there.
    fn reads(&mut self) {
        assert_eq!(difference(&mut self.books, &self.known).expect("reads go on"), None);
    }

    fn reopen(&mut self) {
        let Self { folder, options, .. } = self;
        let none = Folder::new();
        self.books = Books::open(none.path(), none.options()).expect("another folder");
        self.books = Books::open(folder.path(), options.clone()).expect("the disk is well");
        self.reads();
    }
}

#[test]
fn a_full_journal_refuses_and_goes_on() {
    for kind in KINDS {
        let mut full = Full::new(1 << 20);
        kind(full.folder.disk());
        let error = full.fill(LITTLE);
        assert!(matches!(error, BooksError::Journal(JournalError::Full { .. })), "{error:?}");
        assert!(error.to_string().starts_with("the disk is full: /books/journal/"), "{error}");
        assert!(!error.is_callers_fault());
        full.reads();
        for _ in 0..3 {
            assert!(matches!(full.transfer(), Err(BooksError::Journal(JournalError::Full { .. }))));
            full.reads();
        }
        full.folder.disk().set_capacity(None);
        full.transfer().expect("there is room again, and the books are the same");
        full.reads();
        full.reopen();
    }
}

#[test]
fn a_full_journal_takes_no_clock_either() {
    let mut full = Full::new(1 << 20);
    full.fill(LITTLE);
    let before = full.books.clock();
    assert!(matches!(full.act(&Action::Tick(before + 50)), Err(BooksError::Journal(JournalError::Full { .. }))));
    full.reads();
    full.folder.disk().set_capacity(None);
    full.act(&Action::Tick(before + 20)).expect("the clock still stands where it stood");
    full.reopen();
}

#[test]
fn batches_behind_one_without_room_do_not_happen_unless_they_are_told() {
    for kind in KINDS {
        let mut full = Full::new(1 << 20);
        kind(full.folder.disk());
        let disk = full.folder.disk();
        disk.set_capacity(Some(disk.used() + LITTLE));
        let transfers: Vec<Transfer> = (100..120)
            .map(|id| Transfer {
                id,
                debit_account_id: 1,
                credit_account_id: 2,
                amount: 7,
                ledger: 1,
                code: 1,
                ..Transfer::default()
            })
            .collect();
        let begun: Vec<_> =
            transfers.iter().map(|transfer| (transfer, full.books.begin_transfers(&[*transfer]))).collect();
        let mut refused = 0;
        for (transfer, begun) in begun {
            match begun.and_then(|begun| full.books.finish(begun)) {
                Ok(_) => drop(full.known.act(&Action::Transfers(vec![*transfer]))),
                Err(BooksError::Journal(JournalError::Full { .. })) => refused += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(refused > 10, "{refused}");
        full.reads();
        full.folder.disk().set_capacity(None);
        full.transfer().expect("there is room again");
        full.reads();
        full.reopen();
    }
}

#[test]
fn full_tables_refuse_when_too_much_waits_for_them_and_go_on() {
    let mut full = Full::new(10);
    // The journal has reserved what it needs; the tables have nothing.
    full.books.checkpoint().expect("there is room");
    full.options.segment_bytes = 1 << 20;
    full.reopen();
    full.transfer().expect("there is room");
    let disk = full.folder.disk();
    disk.set_capacity(Some(disk.used()));
    let error = (0..1000).find_map(|_| full.transfer().err()).expect("not everything fits into memory");
    assert!(matches!(error, BooksError::Tables(TablesError::Io { .. } | TablesError::Run(_))), "{error:?}");
    full.reads();
    let used = full.folder.disk().used();
    assert!(full.transfer().is_err());
    assert!(full.folder.disk().used() <= used, "what has no room leaves nothing behind");
    full.folder.disk().set_capacity(None);
    wait_for(|| full.transfer().is_ok());
    full.reads();
    full.books.checkpoint().expect("there is room");
    full.reopen();
}

#[test]
fn the_books_open_on_a_full_disk() {
    let mut full = Full::new(10);
    full.fill(LITTLE);
    let disk = full.folder.disk();
    disk.set_capacity(Some(disk.used()));
    full.reopen();
    assert!(full.transfer().is_err());
    full.reads();
    full.folder.disk().set_capacity(None);
    wait_for(|| full.transfer().is_ok());
    full.reopen();
}

/// The tables look for room only now and then.
fn wait_for(mut done: impl FnMut() -> bool) {
    let patience = std::time::Duration::from_millis(20);
    assert!(
        (0..500).any(|_| done() || {
            std::thread::sleep(patience);
            false
        }),
        "it goes on"
    );
}
