//! The rules of one event, apart from its effects: they read, and change nothing.
//!
//! The order of the checks is the order of the statuses in the reference.

use crate::account::{Account, AccountFlags, Balance};
use crate::accounts::{AccountNumber, Hot};
use crate::past::Remembered;
use crate::status::{CreateAccountStatus, CreateTransferStatus};
use crate::transfer::{AMOUNT_MAX, NANOSECONDS_PER_SECOND, Resolution, TIMESTAMP_MAX, Transfer, TransferFlags};

/// Why an event has no effect: its status, and the timestamp of what exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused<Status> {
    pub(crate) status: Status,
    pub(crate) existing: Option<u64>,
}

impl<Status> From<Status> for Refused<Status> {
    fn from(status: Status) -> Self {
        Self { status, existing: None }
    }
}

/// A transfer that breaks no rule, as it is to be recorded, and what it touches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    pub(crate) transfer: Transfer,
    pub(crate) debit: AccountNumber,
    pub(crate) credit: AccountNumber,
}

/// What the rules of a transfer read.
pub(crate) trait Books {
    fn number(&self, id: u128) -> Option<AccountNumber>;
    fn hot(&self, number: AccountNumber) -> &Hot;
    /// What became of another transfer's id.
    fn find(&self, id: u128) -> Option<Remembered>;
    /// How a pending transfer ended; nothing while it is open.
    fn resolution(&self, pending: &Transfer) -> Option<Resolution>;
}

/// Whether an account that does not exist yet may be created.
pub(crate) fn new_account(event: &Account) -> Result<(), CreateAccountStatus> {
    use CreateAccountStatus::*;
    let limits = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS | AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS;
    match () {
        () if event.flags.contains(limits) => Err(FlagsAreMutuallyExclusive),
        () if event.debits_pending != 0 => Err(DebitsPendingMustBeZero),
        () if event.debits_posted != 0 => Err(DebitsPostedMustBeZero),
        () if event.credits_pending != 0 => Err(CreditsPendingMustBeZero),
        () if event.credits_posted != 0 => Err(CreditsPostedMustBeZero),
        () if event.ledger == 0 => Err(LedgerMustNotBeZero),
        () if event.code == 0 => Err(CodeMustNotBeZero),
        () => Ok(()),
    }
}

/// What is wrong with an account event whatever exists already.
pub(crate) fn account_form(event: &Account) -> Result<(), CreateAccountStatus> {
    use CreateAccountStatus::*;
    let supported = AccountFlags::all().difference(AccountFlags::IMPORTED);
    let is_imported = event.flags.contains(AccountFlags::IMPORTED);
    match () {
        () if event.timestamp != 0 && !is_imported => Err(TimestampMustBeZero),
        () if event.reserved != 0 => Err(ReservedField),
        () if !supported.contains(event.flags) => Err(ReservedFlag),
        () if event.id == 0 => Err(IdMustNotBeZero),
        () if event.id == u128::MAX => Err(IdMustNotBeIntMax),
        () => Ok(()),
    }
}

/// How an account event compares with the account that has its id.
pub(crate) fn existing_account(event: &Account, existing: &Account) -> CreateAccountStatus {
    use CreateAccountStatus::*;
    match () {
        () if event.flags != existing.flags => ExistsWithDifferentFlags,
        () if event.user_data_128 != existing.user_data_128 => ExistsWithDifferentUserData128,
        () if event.user_data_64 != existing.user_data_64 => ExistsWithDifferentUserData64,
        () if event.user_data_32 != existing.user_data_32 => ExistsWithDifferentUserData32,
        () if event.ledger != existing.ledger => ExistsWithDifferentLedger,
        () if event.code != existing.code => ExistsWithDifferentCode,
        () => Exists,
    }
}

/// What is wrong with a transfer event whatever exists already.
pub(crate) fn transfer_form(event: &Transfer) -> Result<(), CreateTransferStatus> {
    use CreateTransferStatus::*;
    let supported = TransferFlags::all().difference(TransferFlags::IMPORTED);
    let is_imported = event.flags.contains(TransferFlags::IMPORTED);
    match () {
        () if event.timestamp != 0 && !is_imported => Err(TimestampMustBeZero),
        () if !supported.contains(event.flags) => Err(ReservedFlag),
        () if event.id == 0 => Err(IdMustNotBeZero),
        () if event.id == u128::MAX => Err(IdMustNotBeIntMax),
        () => Ok(()),
    }
}

/// How a transfer event compares with the transfer that has its id. `find` gives the pending transfer of a post or void.
pub(crate) fn existing_transfer(
    event: &Transfer,
    existing: &Transfer,
    find: impl FnOnce(u128) -> Option<Remembered>,
) -> CreateTransferStatus {
    use CreateTransferStatus::*;
    if event.flags != existing.flags {
        return ExistsWithDifferentFlags;
    }
    if event.pending_id != existing.pending_id {
        return ExistsWithDifferentPendingId;
    }
    if event.timeout != existing.timeout {
        return ExistsWithDifferentTimeout;
    }
    // What a post or void leaves open was taken from the transfer that it resolved.
    let completed = match event.flags.intersects(TransferFlags::RESOLVING).then(|| find(existing.pending_id)) {
        Some(Some(Remembered::Created(pending))) => completed(event, &pending),
        _ => *event,
    };
    let balancing = TransferFlags::BALANCING_DEBIT | TransferFlags::BALANCING_CREDIT;
    let amount_differs = match event.flags.intersects(balancing) {
        // The amount is the most that may move; what moved depended on the balance at that time.
        true => completed.amount < existing.amount,
        false => completed.amount != existing.amount,
    };
    match () {
        () if completed.debit_account_id != existing.debit_account_id => ExistsWithDifferentDebitAccountId,
        () if completed.credit_account_id != existing.credit_account_id => ExistsWithDifferentCreditAccountId,
        () if amount_differs => ExistsWithDifferentAmount,
        () if completed.user_data_128 != existing.user_data_128 => ExistsWithDifferentUserData128,
        () if completed.user_data_64 != existing.user_data_64 => ExistsWithDifferentUserData64,
        () if completed.user_data_32 != existing.user_data_32 => ExistsWithDifferentUserData32,
        () if completed.ledger != existing.ledger => ExistsWithDifferentLedger,
        () if completed.code != existing.code => ExistsWithDifferentCode,
        () => Exists,
    }
}

/// A post or void with what it leaves open taken from the transfer that it resolves.
fn completed(event: &Transfer, pending: &Transfer) -> Transfer {
    fn or<T: Copy + Default + PartialEq>(given: T, otherwise: T) -> T {
        if given == T::default() { otherwise } else { given }
    }
    let amount = match event.flags.contains(TransferFlags::VOID_PENDING_TRANSFER) {
        true => or(event.amount, pending.amount),
        false if event.amount == AMOUNT_MAX => pending.amount,
        false => event.amount,
    };
    Transfer {
        amount,
        debit_account_id: or(event.debit_account_id, pending.debit_account_id),
        credit_account_id: or(event.credit_account_id, pending.credit_account_id),
        user_data_128: or(event.user_data_128, pending.user_data_128),
        user_data_64: or(event.user_data_64, pending.user_data_64),
        user_data_32: or(event.user_data_32, pending.user_data_32),
        ledger: or(event.ledger, pending.ledger),
        code: or(event.code, pending.code),
        ..*event
    }
}

/// Whether a transfer whose id was never used may be created at `timestamp`.
/// `accounts` are the numbers of the accounts that it names, as far as they exist.
pub(crate) fn new_transfer(
    books: &impl Books,
    event: &Transfer,
    accounts: (Option<AccountNumber>, Option<AccountNumber>),
    timestamp: u64,
) -> Result<Allowed, CreateTransferStatus> {
    if event.flags.intersects(TransferFlags::RESOLVING) {
        return resolving_transfer(books, event, timestamp);
    }
    moving_transfer_form(event)?;
    use CreateTransferStatus::*;
    let debit = accounts.0.ok_or(DebitAccountNotFound)?;
    let credit = accounts.1.ok_or(CreditAccountNotFound)?;
    let (debit_account, credit_account) = (books.hot(debit), books.hot(credit));
    if debit_account.ledger != credit_account.ledger {
        return Err(AccountsMustHaveTheSameLedger);
    }
    if event.ledger != debit_account.ledger {
        return Err(TransferMustHaveTheSameLedgerAsAccounts);
    }
    if debit_account.flags.contains(AccountFlags::CLOSED) {
        return Err(DebitAccountAlreadyClosed);
    }
    if credit_account.flags.contains(AccountFlags::CLOSED) {
        return Err(CreditAccountAlreadyClosed);
    }
    let amount = balanced_amount(event, debit_account.balance, credit_account.balance);
    check_overflow(event, amount, timestamp, debit_account.balance, credit_account.balance)?;
    check_limits(amount, debit_account, credit_account)?;
    Ok(Allowed { transfer: Transfer { amount, timestamp, ..*event }, debit, credit })
}

/// What is wrong with a transfer of its own (no post, no void) whatever the accounts are.
fn moving_transfer_form(event: &Transfer) -> Result<(), CreateTransferStatus> {
    use CreateTransferStatus::*;
    let is_pending = event.flags.contains(TransferFlags::PENDING);
    let is_closing = event.flags.intersects(TransferFlags::CLOSING_DEBIT | TransferFlags::CLOSING_CREDIT);
    match () {
        () if event.debit_account_id == 0 => Err(DebitAccountIdMustNotBeZero),
        () if event.debit_account_id == u128::MAX => Err(DebitAccountIdMustNotBeIntMax),
        () if event.credit_account_id == 0 => Err(CreditAccountIdMustNotBeZero),
        () if event.credit_account_id == u128::MAX => Err(CreditAccountIdMustNotBeIntMax),
        () if event.debit_account_id == event.credit_account_id => Err(AccountsMustBeDifferent),
        () if event.pending_id != 0 => Err(PendingIdMustBeZero),
        () if !is_pending && event.timeout != 0 => Err(TimeoutReservedForPendingTransfer),
        () if !is_pending && is_closing => Err(ClosingTransferMustBePending),
        () if event.ledger == 0 => Err(LedgerMustNotBeZero),
        () if event.code == 0 => Err(CodeMustNotBeZero),
        () => Ok(()),
    }
}

/// What a transfer moves: its amount, or as much of it as a balancing transfer may.
fn balanced_amount(event: &Transfer, debit: Balance, credit: Balance) -> u64 {
    let mut amount = event.amount;
    if event.flags.contains(TransferFlags::BALANCING_DEBIT) {
        amount = amount.min(debit.credits_posted.saturating_sub(debit.debits()));
    }
    if event.flags.contains(TransferFlags::BALANCING_CREDIT) {
        amount = amount.min(credit.debits_posted.saturating_sub(credit.credits()));
    }
    amount
}

fn check_overflow(
    event: &Transfer,
    amount: u64,
    timestamp: u64,
    debit: Balance,
    credit: Balance,
) -> Result<(), CreateTransferStatus> {
    use CreateTransferStatus::*;
    let overflows = |sum: u64| sum.checked_add(amount).is_none();
    let is_pending = event.flags.contains(TransferFlags::PENDING);
    let lifetime = u64::from(event.timeout) * NANOSECONDS_PER_SECOND;
    match () {
        () if is_pending && overflows(debit.debits_pending) => Err(OverflowsDebitsPending),
        () if is_pending && overflows(credit.credits_pending) => Err(OverflowsCreditsPending),
        () if overflows(debit.debits_posted) => Err(OverflowsDebitsPosted),
        () if overflows(credit.credits_posted) => Err(OverflowsCreditsPosted),
        () if overflows(debit.debits()) => Err(OverflowsDebits),
        () if overflows(credit.credits()) => Err(OverflowsCredits),
        () if timestamp + lifetime > TIMESTAMP_MAX => Err(OverflowsTimeout),
        () => Ok(()),
    }
}

/// The accounts' own limits; the sums are known not to overflow.
fn check_limits(amount: u64, debit: &Hot, credit: &Hot) -> Result<(), CreateTransferStatus> {
    let is_limited = debit.flags.contains(AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS);
    if is_limited && debit.balance.debits() + amount > debit.balance.credits_posted {
        return Err(CreateTransferStatus::ExceedsCredits);
    }
    let is_limited = credit.flags.contains(AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS);
    if is_limited && credit.balance.credits() + amount > credit.balance.debits_posted {
        return Err(CreateTransferStatus::ExceedsDebits);
    }
    Ok(())
}

/// Whether a post or void may be created.
fn resolving_transfer(books: &impl Books, event: &Transfer, timestamp: u64) -> Result<Allowed, CreateTransferStatus> {
    use CreateTransferStatus::*;
    resolving_transfer_form(event)?;
    let Some(Remembered::Created(pending)) = books.find(event.pending_id) else {
        return Err(PendingTransferNotFound);
    };
    let transfer = check_against_pending(event, &pending)?;
    match books.resolution(&pending) {
        Some(Resolution::Posted) => return Err(PendingTransferAlreadyPosted),
        Some(Resolution::Voided) => return Err(PendingTransferAlreadyVoided),
        Some(Resolution::Expired) => return Err(PendingTransferExpired),
        None if pending.expires_at().is_some_and(|expires_at| expires_at <= timestamp) => {
            return Err(PendingTransferExpired);
        }
        None => {}
    }
    let debit = books.number(pending.debit_account_id).ok_or(DebitAccountNotFound)?;
    let credit = books.number(pending.credit_account_id).ok_or(CreditAccountNotFound)?;
    // The only movement in a closed account is a void.
    if event.flags.contains(TransferFlags::POST_PENDING_TRANSFER) {
        if books.hot(debit).flags.contains(AccountFlags::CLOSED) {
            return Err(DebitAccountAlreadyClosed);
        }
        if books.hot(credit).flags.contains(AccountFlags::CLOSED) {
            return Err(CreditAccountAlreadyClosed);
        }
    }
    Ok(Allowed { transfer: Transfer { timestamp, ..transfer }, debit, credit })
}

/// What is wrong with a post or void whatever it resolves.
fn resolving_transfer_form(event: &Transfer) -> Result<(), CreateTransferStatus> {
    use CreateTransferStatus::*;
    let excluded = TransferFlags::PENDING
        | TransferFlags::BALANCING_DEBIT
        | TransferFlags::BALANCING_CREDIT
        | TransferFlags::CLOSING_DEBIT
        | TransferFlags::CLOSING_CREDIT;
    match () {
        () if event.flags.contains(TransferFlags::RESOLVING) => Err(FlagsAreMutuallyExclusive),
        () if event.flags.intersects(excluded) => Err(FlagsAreMutuallyExclusive),
        () if event.pending_id == 0 => Err(PendingIdMustNotBeZero),
        () if event.pending_id == u128::MAX => Err(PendingIdMustNotBeIntMax),
        () if event.pending_id == event.id => Err(PendingIdMustBeDifferent),
        () if event.timeout != 0 => Err(TimeoutReservedForPendingTransfer),
        () => Ok(()),
    }
}

/// The post or void, completed, unless it contradicts the transfer that it resolves.
fn check_against_pending(event: &Transfer, pending: &Transfer) -> Result<Transfer, CreateTransferStatus> {
    use CreateTransferStatus::*;
    let completed = completed(event, pending);
    let is_void = event.flags.contains(TransferFlags::VOID_PENDING_TRANSFER);
    match () {
        () if !pending.flags.contains(TransferFlags::PENDING) => Err(PendingTransferNotPending),
        () if completed.debit_account_id != pending.debit_account_id => Err(PendingTransferHasDifferentDebitAccountId),
        () if completed.credit_account_id != pending.credit_account_id => {
            Err(PendingTransferHasDifferentCreditAccountId)
        }
        () if completed.ledger != pending.ledger => Err(PendingTransferHasDifferentLedger),
        () if completed.code != pending.code => Err(PendingTransferHasDifferentCode),
        () if completed.amount > pending.amount => Err(ExceedsPendingTransferAmount),
        () if is_void && completed.amount < pending.amount => Err(PendingTransferHasDifferentAmount),
        () => Ok(completed),
    }
}
