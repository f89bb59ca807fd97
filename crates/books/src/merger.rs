//! The thread that makes few large runs of many small ones.

use std::sync::Arc;

use runs::{Entry, Filter, MergePlan, Run, RunWriter, Tree, merge, merge_filtered};

use crate::catalog::{Catalog, NewRun, Trees};
use crate::checkpoint::Health;
use crate::entries::{CLOSED, IdEntry, OpenEntry};
use crate::error::TablesError;

/// Runs until the books are closed. A merge that fails is left: the runs stay as they are, and reading them is only
/// slower; it is tried again when there is a new run.
pub(crate) fn run(catalog: &Catalog, health: &Health) {
    let mut seen = None;
    loop {
        catalog.wait(|snapshot| health.is_closing() || seen != Some(snapshot.stretches));
        if health.is_closing() {
            return;
        }
        seen = Some(catalog.current().stretches);
        merge_once(catalog, health);
    }
}

/// Merges whatever is due.
pub(crate) fn merge_once(catalog: &Catalog, health: &Health) {
    if let Err(error) = merge_all(catalog, health) {
        tracing::warn!(%error, "runs of the ledger's tables could not be merged");
    }
}

fn merge_all(catalog: &Catalog, health: &Health) -> Result<(), TablesError> {
    loop {
        let before = catalog.current();
        let trees = &before.trees;
        let mut merged = false;
        merged |= merge_one(catalog, health, &trees.balances, |trees| &mut trees.balances, unfiltered)?;
        merged |= merge_one(catalog, health, &trees.open, |trees| &mut trees.open, open_pendings)?;
        merged |= merge_one(catalog, health, &trees.ids, |trees| &mut trees.ids, ids)?;
        merged |= merge_one(catalog, health, &trees.history, |trees| &mut trees.history, unfiltered)?;
        merged |= merge_one(catalog, health, &trees.index, |trees| &mut trees.index, unfiltered)?;
        if !merged {
            return Ok(());
        }
    }
}

/// Merges the runs of a plan into a new run.
type Merge<E> = fn(&Catalog, &MergePlan<E>, &NewRun<'_>) -> Result<Run<E>, TablesError>;

fn unfiltered<E: Entry>(catalog: &Catalog, plan: &MergePlan<E>, new: &NewRun<'_>) -> Result<Run<E>, TablesError> {
    Ok(merge(&plan.runs, create(catalog, new, Filter::None)?)?)
}

fn ids(catalog: &Catalog, plan: &MergePlan<IdEntry>, new: &NewRun<'_>) -> Result<Run<IdEntry>, TablesError> {
    // Runs one behind the other hold ids in the order of time, which need no filter.
    let filter = match plan.runs.is_sorted_by(|before, after| before.max() < after.min()) {
        true => Filter::None,
        false => Filter::ForKeys(usize::try_from(plan.count()).unwrap_or(usize::MAX)),
    };
    Ok(merge(&plan.runs, create(catalog, new, filter)?)?)
}

/// That a pending transfer is closed is good to know only while an older run may say that it was opened.
fn open_pendings(
    catalog: &Catalog,
    plan: &MergePlan<OpenEntry>,
    new: &NewRun<'_>,
) -> Result<Run<OpenEntry>, TablesError> {
    let lives = |entry: &OpenEntry| entry.number != CLOSED || !plan.reaches_oldest;
    Ok(merge_filtered(&plan.runs, create(catalog, new, Filter::None)?, lives)?)
}

fn create<E: Entry>(catalog: &Catalog, new: &NewRun<'_>, filter: Filter) -> Result<RunWriter<E>, TablesError> {
    Ok(RunWriter::create(&*catalog.disk, &new.path, new.id, filter)?)
}

fn merge_one<E: Entry>(
    catalog: &Catalog,
    health: &Health,
    tree: &Tree<E>,
    place: fn(&mut Trees) -> &mut Tree<E>,
    merge: Merge<E>,
) -> Result<bool, TablesError> {
    let Some(plan) = tree.plan_merge() else { return Ok(false) };
    if health.is_closing() {
        return Ok(false);
    }
    let new = catalog.new_run();
    let run = Arc::new(merge(catalog, &plan, &new)?);
    let inputs = plan.ids();
    catalog.change(vec![new], |snapshot| {
        let tree = place(&mut snapshot.trees);
        *tree = tree.with_merged(&inputs, Arc::clone(&run));
    })?;
    catalog.remove_runs(inputs.into_iter());
    Ok(true)
}
