//! The ledger beside a slow, obvious model: the same chains through both, and the same verdicts and balances after.
//! Holds invariants 1 (debits equal credits at every moment) and 4 (no account passes its limit).

use std::collections::BTreeMap;

use ids::{AccountId, TransferId};
use ledger::simple::{Account, AccountFlags, Balance, Ledger, Transfer, TransferRejection};
use proptest::prelude::*;

const ACCOUNTS: u128 = 6;

/// Accounts 0 and 1 have no limits, 2 and 3 cannot be overdrawn, 4 cannot be owed, 5 is of another ledger.
fn account(number: u128) -> Account {
    Account {
        id: AccountId::from_u128(number),
        ledger: if number == 5 { 392 } else { 156 },
        code: 1,
        owner: number,
        flags: AccountFlags {
            debits_must_not_exceed_credits: number == 2 || number == 3,
            credits_must_not_exceed_debits: number == 4,
        },
    }
}

fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    (0..ACCOUNTS).for_each(|number| ledger.open(account(number)));
    ledger
}

fn transfers() -> impl Strategy<Value = Transfer> {
    let amount = prop_oneof![20 => 0u64..1_000, 1 => Just(u64::MAX), 1 => Just(u64::MAX / 2)];
    let ledger = prop_oneof![9 => Just(156u32), 1 => Just(392u32)];
    // One number more than there are accounts, so that some are not found.
    (0..=ACCOUNTS, 0..=ACCOUNTS, amount, ledger).prop_map(|(debit, credit, amount, ledger)| Transfer {
        id: TransferId::from_u128(1),
        debit_account: AccountId::from_u128(debit),
        credit_account: AccountId::from_u128(credit),
        amount,
        ledger,
        code: 1,
    })
}

/// Signed, wide and copied whole for each chain: nothing to get wrong.
#[derive(Clone, Default)]
struct Model(BTreeMap<u128, (i128, i128)>);

impl Model {
    fn chain(&mut self, chain: &[Transfer]) -> bool {
        let before = self.clone();
        let posted = chain.iter().all(|transfer| self.one(transfer));
        if !posted {
            *self = before;
        }
        posted
    }

    fn one(&mut self, transfer: &Transfer) -> bool {
        let (debit, credit) = (transfer.debit_account.as_u128(), transfer.credit_account.as_u128());
        let known = debit < ACCOUNTS && credit < ACCOUNTS && debit != credit;
        if !known || account(debit).ledger != transfer.ledger || account(credit).ledger != transfer.ledger {
            return false;
        }
        self.0.entry(debit).or_default().0 += i128::from(transfer.amount);
        self.0.entry(credit).or_default().1 += i128::from(transfer.amount);
        self.0.iter().all(|(&number, &(debits, credits))| {
            let flags = account(number).flags;
            debits <= i128::from(u64::MAX)
                && credits <= i128::from(u64::MAX)
                && (!flags.debits_must_not_exceed_credits || debits <= credits)
                && (!flags.credits_must_not_exceed_debits || credits <= debits)
        })
    }
}

proptest! {
    #[test]
    fn invariants_01_and_04_any_chains_agree_with_the_model(
        chains in prop::collection::vec(prop::collection::vec(transfers(), 1..4), 1..60)
    ) {
        let (mut ledger, mut model) = (ledger(), Model::default());
        for chain in &chains {
            let verdict = ledger.check(chain);
            prop_assert_eq!(verdict.is_ok(), model.chain(chain), "{:?}", verdict);
            if verdict.is_ok() {
                chain.iter().for_each(|transfer| ledger.post(transfer));
            }
            for number in 0..ACCOUNTS {
                let (debits, credits) = model.0.get(&number).copied().unwrap_or_default();
                let balance = ledger.balance(AccountId::from_u128(number)).unwrap();
                prop_assert_eq!((i128::from(balance.debits_posted), i128::from(balance.credits_posted)), (debits, credits));
            }
            for (number, totals) in ledger.totals() {
                prop_assert_eq!(totals.debits, totals.credits, "ledger {}", number);
            }
        }
    }
}

#[test]
fn the_first_broken_rule_is_named_in_the_order_of_the_reference() {
    use TransferRejection::*;
    let case = |debit: u128, credit: u128, amount: u64, number: u32| {
        let transfer = Transfer {
            id: TransferId::from_u128(1),
            debit_account: AccountId::from_u128(debit),
            credit_account: AccountId::from_u128(credit),
            amount,
            ledger: number,
            code: 1,
        };
        ledger().check(&[transfer]).map_err(|rejected| rejected.rejection)
    };
    assert_eq!(case(9, 9, 1, 0), Err(AccountsMustBeDifferent));
    assert_eq!(case(9, 8, 1, 0), Err(DebitAccountNotFound));
    assert_eq!(case(0, 8, 1, 0), Err(CreditAccountNotFound));
    assert_eq!(case(0, 5, 1, 0), Err(AccountsMustHaveTheSameLedger));
    assert_eq!(case(0, 1, 1, 0), Err(TransferMustHaveTheSameLedgerAsAccounts));
    assert_eq!(case(2, 4, 1, 156), Err(ExceedsCredits));
    assert_eq!(case(0, 4, 1, 156), Err(ExceedsDebits));
    assert_eq!(case(0, 1, u64::MAX, 156), Ok(()));
}

#[test]
fn an_overflow_is_refused_and_names_the_side() {
    let mut ledger = ledger();
    let full = Balance { debits_posted: u64::MAX, credits_posted: 0 };
    ledger.restore(Account { id: AccountId::from_u128(7), ..account(0) }, full);
    let full = Balance { debits_posted: 0, credits_posted: u64::MAX };
    ledger.restore(Account { id: AccountId::from_u128(8), ..account(0) }, full);
    let verdict = |debit: u128, credit: u128| {
        let transfer = Transfer {
            id: TransferId::from_u128(1),
            debit_account: AccountId::from_u128(debit),
            credit_account: AccountId::from_u128(credit),
            amount: 1,
            ledger: 156,
            code: 1,
        };
        ledger.check(&[transfer]).unwrap_err().rejection
    };
    assert_eq!(verdict(7, 0), TransferRejection::OverflowsDebitsPosted);
    assert_eq!(verdict(0, 8), TransferRejection::OverflowsCreditsPosted);
}

#[test]
#[should_panic(expected = "exceeds_credits")]
fn a_ledger_that_is_asked_to_break_its_rule_stops() {
    let transfer = Transfer {
        id: TransferId::from_u128(1),
        debit_account: AccountId::from_u128(2),
        credit_account: AccountId::from_u128(0),
        amount: 1,
        ledger: 156,
        code: 1,
    };
    ledger().post(&transfer);
}
