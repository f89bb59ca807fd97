//! Several batches on their way to the disk at once.

use books::{Begun, Books, BooksError};
use ledger::{CreateAccountResult, CreateTransferResult};

use crate::beside::{Action, Known, Outcome};

/// A batch that is not finished.
enum Unfinished {
    Accounts(Begun<CreateAccountResult>),
    Transfers(Begun<CreateTransferResult>),
}

/// What became of several batches.
pub(crate) struct Pipelined {
    /// The states that the books may be in now: one, unless something failed.
    pub(crate) possible: Vec<Known>,
    /// What failed.
    pub(crate) failure: Option<BooksError>,
}

/// Begins all batches, and finishes them then.
pub(crate) fn act_together(books: &mut Books, known: &Known, actions: &[Action]) -> Pipelined {
    let mut states = States::after(known);
    let (mut begun, mut failure) = (Vec::new(), None);
    for action in actions {
        let expected = states.act(action);
        match begin(books, action) {
            Ok(unfinished) => begun.push((unfinished, expected, states.latest)),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    for (unfinished, expected, place) in begun {
        match finish(books, unfinished) {
            Ok(outcome) => {
                assert_eq!(outcome, expected);
                states.first = place;
            }
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    let end = if failure.is_some() { states.all.len() } else { states.first + 1 };
    Pipelined { possible: states.all[states.first..end].to_vec(), failure }
}

/// The states that follow one another.
struct States {
    all: Vec<Known>,
    /// The first that is still possible: what came before is durable.
    first: usize,
    latest: usize,
}

impl States {
    fn after(known: &Known) -> Self {
        Self { all: vec![known.clone()], first: 0, latest: 0 }
    }

    fn act(&mut self, action: &Action) -> Outcome {
        let mut next = self.all[self.latest].clone();
        if matches!(action, Action::Transfers(_)) {
            // What has expired is recorded even if the batch cannot be decided.
            next.expire_before_batch();
            self.all.push(next.clone());
        }
        let outcome = next.act(action);
        self.all.push(next);
        self.latest = self.all.len() - 1;
        outcome
    }
}

fn begin(books: &mut Books, action: &Action) -> Result<Unfinished, BooksError> {
    Ok(match action {
        Action::Accounts(events) => Unfinished::Accounts(books.begin_accounts(events)?),
        Action::Transfers(events) => Unfinished::Transfers(books.begin_transfers(events)?),
        Action::Tick(_) => unreachable!("the clock is set by itself"),
    })
}

fn finish(books: &mut Books, unfinished: Unfinished) -> Result<Outcome, BooksError> {
    Ok(match unfinished {
        Unfinished::Accounts(begun) => Outcome::Accounts(books.finish(begun)?),
        Unfinished::Transfers(begun) => Outcome::Transfers(books.finish(begun)?),
    })
}
