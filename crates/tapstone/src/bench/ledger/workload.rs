//! What the benchmark does, the same for the same seed: any transfer can be made again from its number, to be looked
//! for afterwards.

use ledger::{Account, Transfer};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, Zipf};

use super::LedgerArguments;

/// The accounts and transfers of one run.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    accounts: u32,
    random_ids: bool,
    zipf: Option<Zipf<f64>>,
    seed: u64,
}

/// All in one currency.
const LEDGER: u32 = 978;
const ACCOUNT_CODE: u16 = 1;
const TRANSFER_CODE: u16 = 1;

impl Workload {
    pub(crate) fn new(arguments: &LedgerArguments) -> Self {
        let zipf = arguments.zipf.then(|| Zipf::new(f64::from(arguments.accounts), 1.0).ok()).flatten();
        Self { accounts: arguments.accounts, random_ids: arguments.random_ids, zipf, seed: arguments.seed }
    }

    pub(crate) fn account(&self, number: u32) -> Account {
        Account { id: account_id(number), ledger: LEDGER, code: ACCOUNT_CODE, ..Account::default() }
    }

    /// The transfer with this number.
    pub(crate) fn transfer(&self, number: u64) -> Transfer {
        let mut bits = Bits::new(self.seed, number);
        let id = match self.random_ids {
            true => u128::from(bits.next()) << 64 | u128::from(bits.next()),
            // As a ULID or UUIDv7 has it: the time in the high bits, randomness in the low ones.
            false => u128::from(number + 1) << 64 | u128::from(bits.next()),
        };
        let (debit, credit) = self.two_accounts(&mut bits);
        Transfer {
            id: id.max(1),
            debit_account_id: account_id(debit),
            credit_account_id: account_id(credit),
            amount: 1 + bits.below(10_000),
            ledger: LEDGER,
            code: TRANSFER_CODE,
            ..Transfer::default()
        }
    }

    fn two_accounts(&self, bits: &mut Bits) -> (u32, u32) {
        let debit = self.choose(bits);
        let other = self.choose(bits);
        (debit, if other == debit { (debit + 1) % self.accounts } else { other })
    }

    fn choose(&self, bits: &mut Bits) -> u32 {
        match &self.zipf {
            None => u32::try_from(bits.below(u64::from(self.accounts))).unwrap_or(0),
            Some(zipf) => {
                let rank = zipf.sample(&mut SmallRng::seed_from_u64(bits.next()));
                // Ranks are whole numbers from 1 to the number of accounts.
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in that range")]
                let rank = rank as u32;
                rank.saturating_sub(1).min(self.accounts - 1)
            }
        }
    }
}

fn account_id(number: u32) -> u128 {
    (u128::from(number) + 1) << 64 | 0x7a57
}

/// Random bits that depend on the seed and a number only (SplitMix64).
struct Bits(u64);

impl Bits {
    fn new(seed: u64, number: u64) -> Self {
        let mut bits = Self(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ number);
        bits.0 = bits.next();
        bits
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }
}
