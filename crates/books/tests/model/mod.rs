//! Random histories through the books and the model: the same answers after every step, and after every reopening.

mod groups;

use books::{Books, Options};
use ledger::{AccountFilter, QueryFilter};
use ledger_model::random::{Between, History, Step, account_filter, history, query_filter};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sim::seeds;

use crate::beside::{Action, Ids, Known, act, difference, difference_of_filter, difference_of_query};
use crate::folder::Folder;

const STEPS: usize = 80;

proptest! {
    #![proptest_config(ProptestConfig { cases: u32::try_from(seeds(64).end).unwrap_or(u32::MAX), ..ProptestConfig::default() })]

    #[test]
    fn the_books_do_what_the_model_does(
        history in history(STEPS),
        between in vec(vec(doing(), 0..3), STEPS + 1),
        kept in kept(),
    ) {
        run(&history, &between, kept);
    }
}

/// What is done with the books between the steps of a history.
#[derive(Debug, Clone)]
enum Doing {
    Checkpoint,
    Reopen(Reopen),
    AskAccount(Between<AccountFilter>),
    Ask(Between<QueryFilter>),
}

/// How the books come to be opened again.
#[derive(Debug, Clone, Copy)]
enum Reopen {
    /// They were closed.
    Closed,
    /// They were not.
    Dropped,
    /// Their tables are lost.
    WithoutTables,
}

/// How the books are kept.
#[derive(Debug, Clone, Copy)]
struct Kept {
    stretch_rows: usize,
    segment_bytes: u64,
    in_step: bool,
    ids: Ids,
}

fn doing() -> impl Strategy<Value = Doing> {
    prop_oneof![
        2 => Just(Doing::Checkpoint),
        1 => select(vec![Reopen::Closed, Reopen::Dropped, Reopen::WithoutTables]).prop_map(Doing::Reopen),
        8 => account_filter().prop_map(Doing::AskAccount),
        8 => query_filter().prop_map(Doing::Ask),
    ]
}

fn kept() -> impl Strategy<Value = Kept> {
    let stretch_rows = select(vec![1, 3, 7, 20, 60, 200]);
    let segment_bytes = select(vec![1, 2048, 20_000, 1 << 20]);
    let ids = select(vec![Ids::Ascending, Ids::Descending, Ids::Random, Ids::Mixed]);
    (stretch_rows, segment_bytes, any::<bool>(), ids).prop_map(|(stretch_rows, segment_bytes, in_step, ids)| Kept {
        stretch_rows,
        segment_bytes,
        in_step,
        ids,
    })
}

fn run(history: &History, between: &[Vec<Doing>], kept: Kept) {
    let folder = Folder::new();
    let mut beside = Beside::open(&folder, kept);
    beside.act(&Action::Tick(history.clock));
    for (step, doings) in history.steps.iter().zip(between) {
        match step {
            Step::CreateAccounts(events) => beside.act(&Action::Accounts(events.clone())),
            Step::CreateTransfers(events) => beside.act(&Action::Transfers(kept.ids.rename(events))),
            Step::Tick(nanoseconds) => beside.act(&Action::Tick(beside.known.clock + nanoseconds)),
            Step::Restart => beside.reopen(Reopen::Dropped),
        }
        doings.iter().for_each(|doing| beside.be_done(doing));
    }
    beside.compare();
    beside.reopen(Reopen::Closed);
    beside.ask_all_again();
    beside.reopen(Reopen::WithoutTables);
    beside.ask_all_again();
    beside.compare();
}

/// The books and what they must be.
struct Beside<'a> {
    folder: &'a Folder,
    kept: Kept,
    books: Option<Books>,
    known: Known,
    /// All batches of transfers so far.
    asked: Vec<Action>,
}

impl<'a> Beside<'a> {
    fn open(folder: &'a Folder, kept: Kept) -> Self {
        let mut beside = Self { folder, kept, books: None, known: Known::default(), asked: Vec::new() };
        beside.books = Some(beside.opened());
        beside
    }

    fn opened(&self) -> Books {
        let Kept { stretch_rows, segment_bytes, in_step, .. } = self.kept;
        let options = Options { stretch_rows, segment_bytes, in_step, ..self.folder.options() };
        Books::open(self.folder.path(), options).expect("the books open")
    }

    fn books(&mut self) -> &mut Books {
        self.books.as_mut().expect("open between steps")
    }

    fn act(&mut self, action: &Action) {
        let outcome = act(self.books(), action).expect("the disk is well");
        assert_eq!(outcome, self.known.act(action));
        if matches!(action, Action::Transfers(_)) {
            self.asked.push(action.clone());
        }
    }

    /// What was asked before has the same outcome as in the model, also of what failed.
    fn ask_all_again(&mut self) {
        for action in std::mem::take(&mut self.asked) {
            self.act(&action);
        }
    }

    fn be_done(&mut self, doing: &Doing) {
        let moments = self.known.moments();
        let books = self.books.as_mut().expect("open between steps");
        let different = match doing {
            Doing::Checkpoint => books.checkpoint().map(|()| None),
            Doing::AskAccount(filter) => difference_of_filter(books, &self.known, &filter.at(&moments)),
            Doing::Ask(filter) => difference_of_query(books, &self.known, &filter.at(&moments)),
            Doing::Reopen(how) => {
                self.reopen(*how);
                Ok(None)
            }
        };
        assert_eq!(different.expect("the disk is well"), None);
    }

    fn reopen(&mut self, how: Reopen) {
        let books = self.books.take().expect("open between steps");
        match how {
            Reopen::Closed => books.close().expect("the disk is well"),
            Reopen::Dropped => drop(books),
            Reopen::WithoutTables => {
                drop(books);
                self.folder.remove_tables();
            }
        }
        self.books = Some(self.opened());
        self.compare();
    }

    fn compare(&mut self) {
        let books = self.books.as_mut().expect("open between steps");
        let different = difference(books, &self.known).expect("the disk is well");
        if let Some(different) = different {
            panic!("{different}");
        }
    }
}
