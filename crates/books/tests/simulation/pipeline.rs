//! Several batches on their way to the disk at once.

use books::{Begun, Books, BooksError};
use journal::JournalError;
use ledger::{CreateAccountResult, CreateTransferResult};

use crate::beside::{Action, Known, Outcome};

/// A batch that is not finished, or what became of an action already.
enum Unfinished {
    Accounts(Begun<CreateAccountResult>),
    Transfers(Begun<CreateTransferResult>),
    Done(Outcome),
}

/// Begins all actions, up to one that is refused, and finishes them then.
pub(crate) fn act_together<'a>(
    books: &mut Books,
    actions: &'a [Action],
) -> Vec<(&'a Action, Result<Outcome, BooksError>)> {
    let mut begun = Vec::new();
    for action in actions {
        let unfinished = begin(books, action);
        let is_refused = unfinished.is_err();
        begun.push((action, unfinished));
        if is_refused {
            break;
        }
    }
    begun.into_iter().map(|(action, begun)| (action, begun.and_then(|begun| finish(books, begun)))).collect()
}

/// The states that books may be in after actions with these results, or what is wrong with a result.
pub(crate) fn possible_after(
    mut possible: Vec<Known>,
    results: &[(&Action, Result<Outcome, BooksError>)],
) -> Result<Vec<Known>, String> {
    for (place, (action, result)) in results.iter().enumerate() {
        match result {
            Ok(outcome) => possible = agreeing(possible, action, outcome)?,
            // Nothing of it happened, and the books began anew from what is on the disk.
            Err(BooksError::Journal(JournalError::Full { .. })) => {}
            // The first of the rest may have happened, or the first two, and so on.
            Err(_) => {
                let mut latest = possible.clone();
                for (action, _) in &results[place..] {
                    latest.iter_mut().for_each(|known| known.begin(action));
                    possible.extend_from_slice(&latest);
                    latest.iter_mut().for_each(|known| drop(known.act(action)));
                    possible.extend_from_slice(&latest);
                }
                return Ok(different(possible));
            }
        }
    }
    Ok(possible)
}

/// Each state once.
pub(crate) fn different(states: Vec<Known>) -> Vec<Known> {
    let mut different = Vec::new();
    for state in states {
        if !different.contains(&state) {
            different.push(state);
        }
    }
    different
}

/// Those of the states in which an action has this outcome, and what they become by it.
fn agreeing(possible: Vec<Known>, action: &Action, outcome: &Outcome) -> Result<Vec<Known>, String> {
    let (mut agreeing, mut expected) = (Vec::new(), Vec::new());
    for mut known in possible {
        expected.push(known.act(action));
        if expected.last() == Some(outcome) {
            agreeing.push(known);
        }
    }
    match agreeing.is_empty() {
        true => Err(format!("{outcome:?} instead of one of {expected:?}")),
        false => Ok(different(agreeing)),
    }
}

fn begin(books: &mut Books, action: &Action) -> Result<Unfinished, BooksError> {
    Ok(match action {
        Action::Accounts(events) => Unfinished::Accounts(books.begin_accounts(events)?),
        Action::Transfers(events) => Unfinished::Transfers(books.begin_transfers(events)?),
        Action::Tick(time) => Unfinished::Done(Outcome::Ticked(books.tick(*time)?)),
    })
}

fn finish(books: &mut Books, begun: Unfinished) -> Result<Outcome, BooksError> {
    Ok(match begun {
        Unfinished::Accounts(begun) => Outcome::Accounts(books.finish(begun)?),
        Unfinished::Transfers(begun) => Outcome::Transfers(books.finish(begun)?),
        Unfinished::Done(outcome) => outcome,
    })
}
