//! What was decided since the tables were last written: in memory, and read together with them.

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use ledger::{Account, ClosedPending, CreatedAccounts, CreatedTransfers, Effects, Resolution, Transfer};

use crate::entries::FAILED;

/// The facts of a stretch of the journal, in order.
#[derive(Debug)]
pub(crate) struct Recent {
    /// How many transfers were created before.
    pub(crate) first_transfer: u64,
    /// How many accounts were created before.
    pub(crate) first_account: u32,
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) failed: HashSet<u128, RandomState>,
    pub(crate) effects: Effects,
    /// The last timestamp that was given to an event that failed; 0 if none was after what was created.
    passed: u64,
    numbers: Numbers,
    resolutions: HashMap<u128, Resolution, RandomState>,
}

/// Where to find a transfer by its id.
#[derive(Debug)]
enum Numbers {
    /// The ids came in ascending order, so the transfers are sorted by them.
    Ascending,
    /// They did not.
    Any(HashMap<u128, u64, RandomState>),
}

impl Recent {
    /// Nothing yet. `memory` is empty, and used for the transfers.
    pub(crate) fn new(first_transfer: u64, first_account: u32, memory: Vec<Transfer>) -> Self {
        Self {
            first_transfer,
            first_account,
            transfers: memory,
            accounts: Vec::new(),
            failed: HashSet::default(),
            effects: Effects::default(),
            passed: 0,
            numbers: Numbers::Ascending,
            resolutions: HashMap::default(),
        }
    }

    /// How much there is to write.
    pub(crate) fn size(&self) -> usize {
        self.transfers.len() + self.accounts.len() + self.failed.len() + self.effects.closed.len()
    }

    /// The last timestamp that was given to an event; 0 if there was none.
    pub(crate) fn last_timestamp(&self) -> u64 {
        let transfer = self.transfers.last().map_or(0, |transfer| transfer.timestamp);
        self.accounts.last().map_or(0, |account| account.timestamp).max(transfer).max(self.passed)
    }

    /// An event that failed was given this timestamp.
    pub(crate) fn add_passed(&mut self, timestamp: u64) {
        self.passed = self.passed.max(timestamp);
    }

    pub(crate) fn add_accounts(&mut self, created: &CreatedAccounts) {
        self.accounts.extend_from_slice(&created.accounts);
    }

    pub(crate) fn add_transfers(&mut self, created: &CreatedTransfers) {
        self.add_numbers(&created.transfers);
        self.transfers.extend_from_slice(&created.transfers);
        self.failed.extend(&created.failed);
        self.effects.history.extend_from_slice(&created.effects.history);
        created.effects.closed.iter().for_each(|closed| self.add_closed(*closed));
    }

    pub(crate) fn add_closed(&mut self, closed: ClosedPending) {
        self.resolutions.insert(closed.id, closed.how);
        self.effects.closed.push(closed);
    }

    fn add_numbers(&mut self, transfers: &[Transfer]) {
        let before = self.transfers.last().into_iter();
        if matches!(self.numbers, Numbers::Ascending) && !before.chain(transfers).is_sorted_by(|a, b| a.id < b.id) {
            let numbered = self.transfers.iter().zip(self.first_transfer..);
            let mut numbers = HashMap::with_hasher(RandomState::default());
            numbers.extend(numbered.map(|(transfer, number)| (transfer.id, number)));
            self.numbers = Numbers::Any(numbers);
        }
        if let Numbers::Any(numbers) = &mut self.numbers {
            let first = self.first_transfer + self.transfers.len() as u64;
            numbers.extend(transfers.iter().zip(first..).map(|(transfer, number)| (transfer.id, number)));
        }
    }

    /// The memory of the transfers, to be used again.
    pub(crate) fn into_memory(self) -> Vec<Transfer> {
        let mut transfers = self.transfers;
        transfers.clear();
        transfers
    }

    /// Whether the ids came in ascending order, as ids with the time in their high bits do.
    pub(crate) fn has_ascending_ids(&self) -> bool {
        matches!(self.numbers, Numbers::Ascending)
    }

    /// The number of the transfer with this id, [`FAILED`] if it failed for ever; nothing if it was not used here.
    pub(crate) fn number(&self, id: u128) -> Option<u64> {
        let number = match &self.numbers {
            Numbers::Ascending => {
                let place = self.transfers.binary_search_by_key(&id, |transfer| transfer.id).ok();
                place.map(|place| self.first_transfer + place as u64)
            }
            Numbers::Any(numbers) => numbers.get(&id).copied(),
        };
        number.or_else(|| self.failed.contains(&id).then_some(FAILED))
    }

    /// The transfer with this number, if it is one of these.
    pub(crate) fn transfer(&self, number: u64) -> Option<&Transfer> {
        let place = usize::try_from(number.checked_sub(self.first_transfer)?).ok()?;
        self.transfers.get(place)
    }

    /// How the pending transfer with this id was resolved, if that was here.
    pub(crate) fn resolution(&self, id: u128) -> Option<Resolution> {
        self.resolutions.get(&id).copied()
    }
}
