//! One seed's world: a disk, books on it, and what they must be.

use std::collections::VecDeque;

use books::{Books, BooksError, Options};
use journal::{Journal, JournalError};
use ledger_model::random::{Step, history};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sim::{Crash, FaultyDisk, Operation, Random};

use crate::beside::{Action, Ids, Known, difference};
use crate::folder::Folder;
use crate::simulation::faults;
use crate::simulation::pipeline::{act_together, different, possible_after};

/// How much happens to most worlds, and to some.
const STEPS: [usize; 8] = [30, 30, 30, 30, 30, 30, 60, 150];

/// The seed of the life that is crashed at each operation in turn.
const SMALL: u64 = 7;

/// Batches that are asked again after something failed.
const ASKED_AGAIN: usize = 6;

/// A disk, books on it, and the states that they may be in: one, unless something failed and they were not opened since.
pub(crate) struct World {
    seed: u64,
    random: Random,
    folder: Folder,
    options: Options,
    /// What is still to be done.
    steps: VecDeque<Step>,
    ids: Ids,
    books: Option<Books>,
    possible: Vec<Known>,
    /// The batches of transfers that were sent last.
    asked: VecDeque<Action>,
}

impl World {
    /// The whole life of a seed.
    pub(crate) fn live(seed: u64, in_step: bool) {
        let mut world = Self::new(seed, in_step);
        world.recover(false);
        while !world.steps.is_empty() {
            let is_whole = world.leg();
            world.rest(is_whole);
        }
        world.end();
    }

    /// A small life, the same each time, that is crashed within the operation with this number. Whether it was: it may
    /// have been over by then.
    pub(crate) fn crash_once(operation: u64, how: Crash) -> bool {
        let mut world = Self::small();
        world.folder.disk().crash_at(operation);
        let lived = world.live_small();
        let has_crashed = world.folder.disk().has_crashed();
        // That a file of no use could not be removed, nobody need see.
        assert!(lived.is_ok() || has_crashed, "operation {operation}: {lived:?}");
        world.books = None;
        world.folder.disk().restart(how);
        world.live_on();
        has_crashed
    }

    /// The small life on a disk of which no directory can be synced after so many times. Then the books are opened, which
    /// crashes after so many operations: what they see need not last.
    pub(crate) fn fail_once(syncs: u64, operations: u64) {
        let mut world = Self::small();
        let disk = world.folder.disk().clone();
        faults::fail_from(&disk, Operation::SyncDirectory, syncs);
        if let Err(error) = world.live_small() {
            faults::must_be_the_disks_fault(&error);
        }
        world.books = None;
        disk.heal();
        disk.crash_at(disk.operations() + operations);
        drop(Books::open(world.folder.path(), world.options.clone()));
        disk.restart(Crash::Tear { sector: 512 });
        world.live_on();
    }

    fn small() -> Self {
        let mut world = Self::new(SMALL, true);
        world.options = Options { stretch_rows: 1, segment_bytes: 3000, ..world.options };
        world.steps.truncate(16);
        world
    }

    /// After a crash: what is left of the small life, on a disk that is well.
    fn live_on(mut self) {
        self.recover(false);
        while let Some(action) = self.next_action() {
            self.act_well(&action);
        }
        self.end();
    }

    fn live_small(&mut self) -> Result<(), BooksError> {
        self.books = Some(Books::open(self.folder.path(), self.options.clone())?);
        while let Some(action) = self.next_action() {
            self.act(&action)?;
        }
        self.books().checkpoint()
    }

    fn new(seed: u64, in_step: bool) -> Self {
        let mut random = Random::new(seed);
        let folder = Folder::on(FaultyDisk::new(random.next()));
        let options = Options {
            stretch_rows: [1, 5, 20, 80][random.index(4)],
            segment_bytes: [1, 3000, 30_000, 1 << 20][random.index(4)],
            in_step,
            ..folder.options()
        };
        Self {
            seed,
            steps: steps(random.next()),
            ids: [Ids::Ascending, Ids::Descending, Ids::Random, Ids::Mixed][random.index(4)],
            random,
            folder,
            options,
            books: None,
            possible: vec![Known::default()],
            asked: VecDeque::new(),
        }
    }

    /// Works until something fails, or for a while. Whether nothing failed.
    fn leg(&mut self) -> bool {
        let (random, disk) = (&mut self.random, self.folder.disk());
        faults::plan(random, disk);
        for _ in 0..random.below(20) {
            match self.work() {
                Ok(()) => {}
                Err(BooksError::Journal(JournalError::Full { .. })) if self.random.per_mille(700) => self.make_room(),
                Err(error) => {
                    self.check(&error);
                    return false;
                }
            }
        }
        !self.folder.disk().has_crashed()
    }

    /// The disk was full. With room, or a little, or none yet, the books go on.
    fn make_room(&mut self) {
        let disk = self.folder.disk();
        let room = [None, Some(0), Some(self.random.below(20_000))][self.random.index(3)];
        disk.set_capacity(room.map(|room| disk.used() + room));
    }

    /// Does the next thing.
    fn work(&mut self) -> Result<(), BooksError> {
        match self.random.below(10) {
            0 => self.books().checkpoint(),
            1 => self.compare_or_fail(),
            2..5 if self.possible.len() == 1 => {
                let actions = self.next_batches();
                self.act_together(&actions)
            }
            _ => match self.next_action() {
                Some(action) => self.act(&action),
                None => Ok(()),
            },
        }
    }

    /// Something may have gone wrong; then everything is well again, and nothing is lost.
    fn rest(&mut self, is_whole: bool) {
        self.folder.disk().heal();
        let books = self.books.take().expect("open before");
        if is_whole && self.random.per_mille(500) {
            let closed = books.close();
            closed.unwrap_or_else(|error| self.check(&error));
        } else {
            drop(books);
        }
        if self.folder.disk().has_crashed() || self.random.per_mille(300) {
            let how = faults::crash(&mut self.random);
            self.folder.disk().restart(how);
        }
        let crashes_again = self.random.per_mille(300);
        self.recover(crashes_again);
    }

    /// Opens the books, perhaps with a crash on the way, and finds out what is there.
    fn recover(&mut self, crashes_again: bool) {
        let disk = self.folder.disk().clone();
        if crashes_again {
            disk.crash_at(disk.operations() + self.random.below(60));
        }
        let mut books = loop {
            let books = Books::open(self.folder.path(), self.options.clone());
            // The threads go on: from here on they must not crash either.
            disk.crash_at(u64::MAX);
            if disk.has_crashed() {
                drop(books);
                disk.restart(faults::crash(&mut self.random));
            } else {
                break books.unwrap_or_else(|error| panic!("seed {}: {error:?}", self.seed));
            }
        };
        self.find_out(&mut books);
        self.books = Some(books);
        for action in std::mem::take(&mut self.asked) {
            self.act_well(&action);
        }
    }

    /// Of the states that were possible, those stay that the books are in.
    fn find_out(&mut self, books: &mut Books) {
        let mut differences = Vec::new();
        self.possible = different(std::mem::take(&mut self.possible));
        self.possible.retain(|known| match difference(books, known).expect("the disk is well") {
            None => true,
            Some(difference) => {
                differences.push(difference);
                false
            }
        });
        assert!(!self.possible.is_empty(), "seed {}: {}", self.seed, differences.join("\n---\n"));
    }

    fn act_well(&mut self, action: &Action) {
        let done = self.act(action);
        done.unwrap_or_else(|error| panic!("seed {}: {error:?}", self.seed));
    }

    fn act(&mut self, action: &Action) -> Result<(), BooksError> {
        self.act_together(std::slice::from_ref(action))
    }

    fn act_together(&mut self, actions: &[Action]) -> Result<(), BooksError> {
        actions.iter().for_each(|action| self.note(action));
        let results = act_together(self.books(), actions);
        let possible = possible_after(std::mem::take(&mut self.possible), &results);
        self.possible = possible.unwrap_or_else(|wrong| panic!("seed {}: {wrong}", self.seed));
        results.into_iter().find_map(|(_, result)| result.err()).map_or(Ok(()), Err)
    }

    fn note(&mut self, action: &Action) {
        if matches!(action, Action::Transfers(_)) {
            self.asked.push_back(action.clone());
        }
        if self.asked.len() > ASKED_AGAIN {
            self.asked.pop_front();
        }
    }

    fn compare_or_fail(&mut self) -> Result<(), BooksError> {
        let [known] = &self.possible[..] else { return Ok(()) };
        let difference = difference(self.books.as_mut().expect("open"), known)?;
        assert!(difference.is_none(), "seed {}: {}", self.seed, difference.unwrap_or_default());
        Ok(())
    }

    /// Up to four batches.
    fn next_batches(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        while actions.len() < 4
            && matches!(self.steps.front(), Some(Step::CreateAccounts(_) | Step::CreateTransfers(_)))
        {
            actions.extend(self.next_action());
        }
        actions
    }

    fn next_action(&mut self) -> Option<Action> {
        let clock = self.possible.iter().map(|known| known.clock).max().unwrap_or_default();
        Some(match self.steps.pop_front()? {
            Step::CreateAccounts(events) => Action::Accounts(events),
            Step::CreateTransfers(events) => Action::Transfers(self.ids.rename(&events)),
            Step::Tick(nanoseconds) => Action::Tick(clock + nanoseconds),
            Step::Restart => Action::Tick(clock),
        })
    }

    fn check(&self, error: &BooksError) {
        if !self.folder.disk().has_crashed() {
            faults::must_be_the_disks_fault(error);
        }
    }

    fn books(&mut self) -> &mut Books {
        self.books.as_mut().expect("open")
    }

    /// At the end the journal alone leads to the same.
    fn end(mut self) {
        let books = self.books.take().expect("open");
        books.close().expect("the disk is well");
        let journal = self.folder.path().join("journal");
        let verified = Journal::on_disk(journal, self.options.disk.clone()).verify(None);
        assert!(verified.is_ok(), "seed {}: {verified:?}", self.seed);
        let copy = self.folder.with_the_journal_alone();
        for (folder, stretch_rows) in [(&copy, 33), (&self.folder, self.options.stretch_rows)] {
            let options = Options { stretch_rows, ..folder.options() };
            let mut books = Books::open(folder.path(), options).expect("the disk is well");
            let difference = difference(&mut books, &self.possible[0]).expect("the disk is well");
            assert!(difference.is_none(), "seed {}: {}", self.seed, difference.unwrap_or_default());
        }
    }
}

/// What a seed does: a history that proptest draws, without its shrinking.
fn steps(seed: u64) -> VecDeque<Step> {
    let mut random = Random::new(seed);
    let bytes: [u8; 32] = std::array::from_fn(|_| random.next().to_le_bytes()[0]);
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let steps = STEPS[random.index(STEPS.len())];
    let drawn = history(steps).new_tree(&mut runner).expect("histories are made without rejection").current();
    std::iter::once(Step::Tick(drawn.clock)).chain(drawn.steps).collect()
}
