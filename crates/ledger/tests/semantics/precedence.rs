//! The reference lists the statuses in order of precedence: an event that deserves several gets the first.
//!
//! Each ladder starts with an event that is wrong in every way that can come together. A rung names the status that the
//! event gets and what then cures it of that fault alone, so that the next rung's status shows: the event of each rung
//! breaks its own rule and those of the rungs below.

use ledger::{
    AMOUNT_MAX, Account, AccountFlags, AccountState, Balance, CreateAccountStatus, CreateTransferStatus, TIMESTAMP_MAX,
    Transfer, TransferFlags,
};

use crate::keeper::Keeper;

const SECOND: u64 = 1_000_000_000;
const START: u64 = TIMESTAMP_MAX - 1000 * SECOND;

/// An id that no attempt used before.
const NEW: u128 = u128::MAX - 1;

/// An event in its batch.
#[derive(Clone)]
struct Case<E> {
    before: Vec<E>,
    event: E,
    after: Vec<E>,
}

type Rung<E, S> = (S, fn(&mut Case<E>));

/// The last rung cures nothing.
fn done<E>(_: &mut Case<E>) {}

/// Climbs down; statuses must come in the order in which the reference lists them.
fn climb<E, S>(mut case: Case<E>, rungs: &[Rung<E, S>], mut attempt: impl FnMut(&Case<E>) -> S, created: S)
where
    S: Copy + Ord + std::fmt::Debug,
{
    for (status, cure) in rungs {
        assert_eq!(attempt(&case), *status);
        cure(&mut case);
    }
    let statuses = rungs.iter().map(|(status, _)| *status).filter(|status| *status != created);
    assert!(statuses.is_sorted_by(|a, b| a < b), "the ladder is in the reference's order");
}

mod accounts {
    use super::*;
    use CreateAccountStatus::*;

    const EXISTING: Account = Account {
        id: 1,
        user_data_128: 1,
        user_data_64: 1,
        user_data_32: 1,
        ledger: 1,
        code: 1,
        flags: AccountFlags::HISTORY,
        ..NOTHING
    };
    const NOTHING: Account = Account {
        id: 0,
        debits_pending: 0,
        debits_posted: 0,
        credits_pending: 0,
        credits_posted: 0,
        user_data_128: 0,
        user_data_64: 0,
        user_data_32: 0,
        reserved: 0,
        ledger: 0,
        code: 0,
        flags: AccountFlags::empty(),
        timestamp: 0,
    };
    /// Wrong in every way that does not depend on its id, and linked to the next.
    const WRONG: Account = Account {
        debits_pending: 1,
        debits_posted: 1,
        credits_pending: 1,
        credits_posted: 1,
        reserved: 1,
        flags: AccountFlags::from_bits_retain(1 << 15).union(BOTH_LIMITS).union(AccountFlags::LINKED),
        timestamp: 1,
        ..NOTHING
    };
    const BOTH_LIMITS: AccountFlags =
        AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS.union(AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS);
    const IMPORTED: Account = Account { flags: AccountFlags::IMPORTED, ..NOTHING };
    const LINKED: Account = Account { flags: AccountFlags::LINKED, ..NOTHING };

    fn attempt() -> impl FnMut(&Case<Account>) -> CreateAccountStatus {
        let mut keeper = Keeper::default();
        keeper.create_accounts(&[EXISTING], START);
        move |case| {
            let events = [case.before.clone(), vec![case.event], case.after.clone()].concat();
            keeper.create_accounts(&events, START)[case.before.len()].status
        }
    }

    #[test]
    fn the_whole_batch_then_the_form_then_what_exists() {
        let case = Case { before: vec![IMPORTED], event: WRONG, after: vec![] };
        climb(
            case,
            &[
                (LinkedEventChainOpen, |case| case.after = vec![NOTHING]),
                (ImportedEventExpected, |case| case.before.clear()),
                (TimestampMustBeZero, |case| case.event.timestamp = 0),
                (ReservedField, |case| case.event.reserved = 0),
                (ReservedFlag, |case| case.event.flags = BOTH_LIMITS),
                (IdMustNotBeZero, |case| case.event.id = u128::MAX),
                (IdMustNotBeIntMax, |case| case.event.id = EXISTING.id),
                (ExistsWithDifferentFlags, |case| case.event.flags = EXISTING.flags),
                (ExistsWithDifferentUserData128, |case| case.event.user_data_128 = EXISTING.user_data_128),
                (ExistsWithDifferentUserData64, |case| case.event.user_data_64 = EXISTING.user_data_64),
                (ExistsWithDifferentUserData32, |case| case.event.user_data_32 = EXISTING.user_data_32),
                (ExistsWithDifferentLedger, |case| case.event.ledger = EXISTING.ledger),
                (ExistsWithDifferentCode, |case| case.event.code = EXISTING.code),
                (Exists, |case| case.event = Account { id: 2, flags: BOTH_LIMITS, ledger: 0, code: 0, ..case.event }),
                (FlagsAreMutuallyExclusive, |case| case.event.flags = AccountFlags::empty()),
                (DebitsPendingMustBeZero, |case| case.event.debits_pending = 0),
                (DebitsPostedMustBeZero, |case| case.event.debits_posted = 0),
                (CreditsPendingMustBeZero, |case| case.event.credits_pending = 0),
                (CreditsPostedMustBeZero, |case| case.event.credits_posted = 0),
                (LedgerMustNotBeZero, |case| case.event.ledger = 1),
                (CodeMustNotBeZero, |case| case.event.code = 1),
                (Created, done),
            ],
            attempt(),
            Created,
        );
    }

    #[test]
    fn a_broken_chain_says_no_more_than_that() {
        let case = Case { before: vec![LINKED], event: WRONG, after: vec![NOTHING] };
        climb(
            case,
            &[(LinkedEventFailed, |case| case.before.clear()), (TimestampMustBeZero, done)],
            attempt(),
            Created,
        );
    }

    /// The one exception to the listed order, as the reference's implementation has it.
    #[test]
    fn an_open_chain_shows_even_where_it_is_broken() {
        let case = Case { before: vec![LINKED], event: WRONG, after: vec![] };
        assert_eq!(attempt()(&case), LinkedEventChainOpen);
    }

    #[test]
    fn imported_accounts_are_refused_as_a_reserved_flag() {
        let imported = Account { flags: AccountFlags::IMPORTED, ..WRONG };
        let case = Case { before: vec![NOTHING], event: imported, after: vec![] };
        climb(
            case,
            &[
                (ImportedEventNotExpected, |case| case.before.clear()),
                (ReservedField, |case| case.event.reserved = 0),
                (ReservedFlag, done),
            ],
            attempt(),
            Created,
        );
    }
}

mod transfers {
    use super::*;
    use CreateTransferStatus::*;

    const NOTHING: Transfer = Transfer {
        id: 0,
        debit_account_id: 0,
        credit_account_id: 0,
        amount: 0,
        pending_id: 0,
        user_data_128: 0,
        user_data_64: 0,
        user_data_32: 0,
        timeout: 0,
        ledger: 0,
        code: 0,
        flags: TransferFlags::empty(),
        timestamp: 0,
    };

    // Accounts. Two that move without limits; the others are named for what is special about them.
    const A: u128 = 1;
    const B: u128 = 2;
    const OTHER_LEDGER: u128 = 3;
    const FULL_DEBIT: u128 = 4;
    const FULL_CREDIT: u128 = 5;
    const CLOSED: u128 = 6;
    const ALSO_CLOSED: u128 = 7;
    const MISSING: u128 = 8;

    // Transfers.
    const EXISTING: Transfer = Transfer {
        id: 1,
        debit_account_id: A,
        credit_account_id: B,
        amount: 10,
        user_data_128: 1,
        user_data_64: 1,
        user_data_32: 1,
        timeout: 900,
        ledger: 1,
        code: 1,
        flags: TransferFlags::PENDING,
        ..NOTHING
    };
    const FAILED: u128 = 2;
    const SINGLE_PHASE: u128 = 3;
    const POSTED: u128 = 4;
    const VOIDED: u128 = 5;
    const EXPIRED: u128 = 6;
    const OPEN: u128 = 7;
    const OPEN_CREDIT_CLOSED: u128 = 8;
    const CLOSING: u128 = 9;
    const POST: u128 = 11;
    const VOID: u128 = 12;

    fn pending(id: u128, debit_account_id: u128, credit_account_id: u128) -> Transfer {
        Transfer { id, debit_account_id, credit_account_id, user_data_128: 0, timeout: 0, ..EXISTING }
    }

    /// A ledger in which every status can be had.
    fn world() -> (Keeper, u64) {
        let mut keeper = Keeper::default();
        let account = |id, ledger, flags| Account { id, ledger, code: 1, flags, ..Account::default() };
        keeper.create_accounts(
            &[
                account(A, 1, AccountFlags::empty()),
                account(B, 1, AccountFlags::empty()),
                account(OTHER_LEDGER, 2, AccountFlags::empty()),
                account(FULL_DEBIT, 1, AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS),
                account(FULL_CREDIT, 1, AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS),
                account(CLOSED, 1, AccountFlags::empty()),
                account(ALSO_CLOSED, 1, AccountFlags::empty()),
            ],
            START,
        );
        let resolve = |id, pending_id, flags| Transfer { id, pending_id, flags, ..NOTHING };
        let events = [
            EXISTING,
            Transfer { debit_account_id: MISSING, ..pending(FAILED, A, B) },
            Transfer { flags: TransferFlags::empty(), ..pending(SINGLE_PHASE, A, B) },
            pending(POSTED, CLOSED, ALSO_CLOSED),
            pending(VOIDED, CLOSED, ALSO_CLOSED),
            Transfer { timeout: 1, ..pending(EXPIRED, CLOSED, ALSO_CLOSED) },
            pending(OPEN, CLOSED, ALSO_CLOSED),
            pending(OPEN_CREDIT_CLOSED, A, ALSO_CLOSED),
            resolve(POST, POSTED, TransferFlags::POST_PENDING_TRANSFER),
            resolve(VOID, VOIDED, TransferFlags::VOID_PENDING_TRANSFER),
            Transfer {
                flags: TransferFlags::PENDING | TransferFlags::CLOSING_DEBIT | TransferFlags::CLOSING_CREDIT,
                ..pending(CLOSING, CLOSED, ALSO_CLOSED)
            },
        ];
        let results = keeper.create_transfers(&events, START);
        assert!(results.iter().all(|result| matches!(result.status, Created | DebitAccountNotFound)), "{results:?}");
        let now = START + 2 * SECOND;
        assert_eq!(keeper.expire(now), [EXPIRED]);

        let full_debit = Balance { debits_pending: 10, debits_posted: 12, credits_posted: 30, ..Balance::default() };
        let full_credit = Balance { credits_pending: 11, credits_posted: 13, debits_posted: 30, ..Balance::default() };
        for (id, balance) in [(FULL_DEBIT, full_debit), (FULL_CREDIT, full_credit)] {
            let number = keeper.ledger.account_number(id).expect("it was created");
            let flags = keeper.ledger.account_at(number).expect("it was created").flags;
            keeper.ledger.restore_account(&AccountState { number, flags, balance });
        }
        (keeper, now)
    }

    /// Each attempt has an id of its own where the event says NEW: some failures stick to their id.
    fn attempt() -> impl FnMut(&Case<Transfer>) -> CreateTransferStatus {
        let ((mut keeper, now), mut next) = (world(), 1000);
        move |case| {
            next += 1;
            let fresh = |id| if id == NEW { next } else { id };
            let event = Transfer { id: fresh(case.event.id), pending_id: fresh(case.event.pending_id), ..case.event };
            let events = [case.before.clone(), vec![event], case.after.clone()].concat();
            keeper.create_transfers(&events, now)[case.before.len()].status
        }
    }

    fn alone(event: Transfer) -> Case<Transfer> {
        Case { before: vec![], event, after: vec![] }
    }

    const POST_AND_MORE: TransferFlags = TransferFlags::POST_PENDING_TRANSFER.union(TransferFlags::PENDING);
    const WRONG: Transfer = Transfer {
        pending_id: 99,
        timeout: 1,
        amount: 1,
        flags: TransferFlags::from_bits_retain(1 << 15).union(POST_AND_MORE).union(TransferFlags::LINKED),
        timestamp: 1,
        ..NOTHING
    };
    const IMPORTED: Transfer = Transfer { flags: TransferFlags::IMPORTED, ..NOTHING };
    const LINKED: Transfer = Transfer { flags: TransferFlags::LINKED, ..NOTHING };

    #[test]
    fn the_whole_batch_then_the_form_then_what_exists() {
        let case = Case { before: vec![IMPORTED], event: WRONG, after: vec![] };
        climb(
            case,
            &[
                (LinkedEventChainOpen, |case| case.after = vec![NOTHING]),
                (ImportedEventExpected, |case| case.before.clear()),
                (TimestampMustBeZero, |case| case.event.timestamp = 0),
                (ReservedFlag, |case| case.event.flags = POST_AND_MORE),
                (IdMustNotBeZero, |case| case.event.id = u128::MAX),
                (IdMustNotBeIntMax, |case| case.event.id = EXISTING.id),
                (ExistsWithDifferentFlags, |case| case.event.flags = EXISTING.flags),
                (ExistsWithDifferentPendingId, |case| case.event.pending_id = EXISTING.pending_id),
                (ExistsWithDifferentTimeout, |case| case.event.timeout = EXISTING.timeout),
                (ExistsWithDifferentDebitAccountId, |case| case.event.debit_account_id = EXISTING.debit_account_id),
                (ExistsWithDifferentCreditAccountId, |case| case.event.credit_account_id = EXISTING.credit_account_id),
                (ExistsWithDifferentAmount, |case| case.event.amount = EXISTING.amount),
                (ExistsWithDifferentUserData128, |case| case.event.user_data_128 = EXISTING.user_data_128),
                (ExistsWithDifferentUserData64, |case| case.event.user_data_64 = EXISTING.user_data_64),
                (ExistsWithDifferentUserData32, |case| case.event.user_data_32 = EXISTING.user_data_32),
                (ExistsWithDifferentLedger, |case| case.event.ledger = EXISTING.ledger),
                (ExistsWithDifferentCode, |case| case.event.code = EXISTING.code),
                (Exists, done),
            ],
            attempt(),
            Created,
        );
    }

    #[test]
    fn a_broken_chain_says_no_more_than_that() {
        let case = Case { before: vec![LINKED], event: WRONG, after: vec![NOTHING] };
        climb(
            case,
            &[(LinkedEventFailed, |case| case.before.clear()), (TimestampMustBeZero, done)],
            attempt(),
            Created,
        );
    }

    /// The one exception to the listed order, as the reference's implementation has it.
    #[test]
    fn an_open_chain_shows_even_where_it_is_broken() {
        let case = Case { before: vec![LINKED], event: WRONG, after: vec![] };
        assert_eq!(attempt()(&case), LinkedEventChainOpen);
    }

    #[test]
    fn imported_transfers_are_refused_as_a_reserved_flag() {
        let imported = Transfer { flags: TransferFlags::IMPORTED, ..WRONG };
        let case = Case { before: vec![NOTHING], event: imported, after: vec![] };
        climb(
            case,
            &[(ImportedEventNotExpected, |case| case.before.clear()), (ReservedFlag, done)],
            attempt(),
            Created,
        );
    }

    #[test]
    fn posts_and_voids() {
        let event = Transfer {
            id: FAILED,
            debit_account_id: MISSING,
            credit_account_id: MISSING,
            amount: AMOUNT_MAX - 1,
            timeout: 1,
            ledger: 9,
            code: 9,
            flags: POST_AND_MORE,
            ..NOTHING
        };
        climb(
            alone(event),
            &[
                (IdAlreadyFailed, |case| case.event.id = NEW),
                (FlagsAreMutuallyExclusive, |case| case.event.flags = TransferFlags::VOID_PENDING_TRANSFER),
                (PendingIdMustNotBeZero, |case| case.event.pending_id = u128::MAX),
                (PendingIdMustNotBeIntMax, |case| case.event.pending_id = NEW),
                (PendingIdMustBeDifferent, |case| case.event.pending_id = 99),
                (TimeoutReservedForPendingTransfer, |case| case.event.timeout = 0),
                (PendingTransferNotFound, |case| case.event.pending_id = SINGLE_PHASE),
                (PendingTransferNotPending, |case| case.event.pending_id = VOIDED),
                (PendingTransferHasDifferentDebitAccountId, |case| case.event.debit_account_id = CLOSED),
                (PendingTransferHasDifferentCreditAccountId, |case| case.event.credit_account_id = ALSO_CLOSED),
                (PendingTransferHasDifferentLedger, |case| case.event.ledger = 1),
                (PendingTransferHasDifferentCode, |case| case.event.code = 1),
                (ExceedsPendingTransferAmount, |case| case.event.amount = 9),
                (PendingTransferHasDifferentAmount, |case| case.event.amount = 10),
                (PendingTransferAlreadyVoided, |case| case.event.pending_id = OPEN),
                (Created, done),
            ],
            attempt(),
            Created,
        );
    }

    #[test]
    fn what_became_of_the_pending_transfer_then_closed_accounts() {
        let event = Transfer { id: NEW, pending_id: POSTED, flags: TransferFlags::POST_PENDING_TRANSFER, ..NOTHING };
        climb(
            alone(Transfer { amount: 11, ..event }),
            &[
                (ExceedsPendingTransferAmount, |case| case.event.amount = 10),
                (PendingTransferAlreadyPosted, |case| case.event.pending_id = VOIDED),
                (PendingTransferAlreadyVoided, |case| case.event.pending_id = EXPIRED),
                (PendingTransferExpired, |case| case.event.pending_id = OPEN),
                (DebitAccountAlreadyClosed, |case| case.event.pending_id = OPEN_CREDIT_CLOSED),
                (CreditAccountAlreadyClosed, |case| case.event.pending_id = EXISTING.id),
                (Created, done),
            ],
            attempt(),
            Created,
        );
    }

    #[test]
    fn transfers_of_their_own() {
        let event = Transfer {
            id: FAILED,
            amount: AMOUNT_MAX - 9,
            pending_id: 99,
            timeout: 1,
            flags: TransferFlags::CLOSING_DEBIT,
            ..NOTHING
        };
        climb(
            alone(event),
            &[
                (IdAlreadyFailed, |case| case.event.id = NEW),
                (DebitAccountIdMustNotBeZero, |case| case.event.debit_account_id = u128::MAX),
                (DebitAccountIdMustNotBeIntMax, |case| case.event.debit_account_id = MISSING),
                (CreditAccountIdMustNotBeZero, |case| case.event.credit_account_id = u128::MAX),
                (CreditAccountIdMustNotBeIntMax, |case| case.event.credit_account_id = MISSING),
                (AccountsMustBeDifferent, |case| case.event.credit_account_id = MISSING + 1),
                (PendingIdMustBeZero, |case| case.event.pending_id = 0),
                (TimeoutReservedForPendingTransfer, |case| case.event.timeout = 0),
                (ClosingTransferMustBePending, |case| {
                    case.event = Transfer { flags: TransferFlags::PENDING, timeout: u32::MAX, ..case.event }
                }),
                (LedgerMustNotBeZero, |case| case.event.ledger = 9),
                (CodeMustNotBeZero, |case| case.event.code = 1),
                (DebitAccountNotFound, |case| case.event.debit_account_id = CLOSED),
                (CreditAccountNotFound, |case| case.event.credit_account_id = OTHER_LEDGER),
                (AccountsMustHaveTheSameLedger, |case| case.event.credit_account_id = ALSO_CLOSED),
                (TransferMustHaveTheSameLedgerAsAccounts, |case| case.event.ledger = 1),
                (DebitAccountAlreadyClosed, |case| case.event.debit_account_id = FULL_DEBIT),
                (CreditAccountAlreadyClosed, |case| case.event.credit_account_id = FULL_CREDIT),
                (OverflowsDebitsPending, |case| case.event.amount = AMOUNT_MAX - 10),
                (OverflowsCreditsPending, |case| case.event.amount = AMOUNT_MAX - 11),
                (OverflowsDebitsPosted, |case| case.event.amount = AMOUNT_MAX - 12),
                (OverflowsCreditsPosted, |case| case.event.amount = AMOUNT_MAX - 13),
                (OverflowsDebits, |case| case.event.amount = AMOUNT_MAX - 22),
                (OverflowsCredits, |case| case.event.amount = 9),
                (OverflowsTimeout, |case| case.event.timeout = 1),
                (ExceedsCredits, |case| case.event.amount = 8),
                (ExceedsDebits, |case| case.event.amount = 6),
                (Created, done),
            ],
            attempt(),
            Created,
        );
    }
}
