//! The rules that no history may break, whatever the rules of the day were.

use std::collections::BTreeMap;

use ids::AccountId;
use ledger::Transfer;
use payments::{Account, Event, Moved, OrderStatus, Owner, Payment, Record, Settlement, State, Tap};

/// Whether a record can have happened in this state.
pub(super) fn plausible(state: &State, record: &Record) -> Result<(), String> {
    if record.at < state.now() {
        return Err(format!("time runs backwards, from {} to {} ms", state.now().0, record.at.0));
    }
    match &record.event {
        Event::AccountOpened(account) => {
            state.check_account(*account, record.at).map(drop).map_err(|status| status.to_string())?;
        }
        Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => payment(state, moved)?,
        Event::PaymentCaptured(Moved { what, .. }) => captured_fits(&what.payment)?,
        Event::PaymentRefunded(Moved { what, .. }) => returned_fits(&what.payment)?,
        Event::DisputeOpened(Moved { what, .. }) | Event::DisputeClosed(Moved { what, .. }) => {
            returned_fits(&what.payment)?;
        }
        Event::SettlementClosed(moved) => settlement(state, moved)?,
        Event::TapAccepted(tap) => counter_grows(state, tap)?,
        _ => {}
    }
    transfers_fit(state, record)
}

/// A payment is for the order of its tap, by the tap's wallet, to its merchant and those who share with it, and over
/// all of its amount.
fn payment(state: &State, moved: &Moved<Payment>) -> Result<(), String> {
    let payment = &moved.what;
    let open = |id| state.order(id).is_some_and(|order| order.status == OrderStatus::Open);
    if payment.order.is_some_and(|order| !open(order)) {
        return Err(format!("payment {} pays an order that is not open", payment.id));
    }
    match state.tap(payment.tap) {
        None => return Err(format!("payment {} has no tap that could still pay", payment.id)),
        Some((_, Some(first))) => return Err(format!("{} and {first} are paid with one tap", payment.id)),
        Some((tap, None)) if !is_of(payment, tap) => {
            return Err(format!("payment {} is not what its tap was for", payment.id));
        }
        Some((_, None)) => {}
    }
    let owner_of = |account| state.account(account).map(|(account, _)| account.owner);
    if moved.legs.iter().any(|leg| owner_of(leg.debit) != Some(Owner::Wallet(payment.wallet).bits())) {
        return Err(format!("payment {} is not from its wallet's account", payment.id));
    }
    let receives = |owner| {
        let shares = payment.shares.iter().any(|share| owner == Some(Owner::Merchant(share.merchant).bits()));
        shares
            || owner == Some(Owner::Merchant(payment.merchant).bits())
            || payment.is_open() && owner == Some(Owner::Wallet(payment.wallet).bits())
    };
    if !moved.legs.iter().all(|leg| receives(owner_of(leg.credit))) {
        return Err(format!("payment {} is not to its merchant's account", payment.id));
    }
    let sum: u128 = moved.legs.iter().map(|leg| u128::from(leg.amount)).sum();
    if sum != u128::from(payment.amount.minor_units()) {
        return Err(format!("payment {} moves {sum}, not its amount", payment.id));
    }
    captured_fits(payment)
}

/// Whether a payment is by the wallet, to the merchant and for the order of its tap.
fn is_of(payment: &Payment, tap: &Tap) -> bool {
    (payment.wallet, payment.merchant, payment.tag, payment.order, payment.currency)
        == (tap.wallet, tap.merchant, tap.tag, tap.order, tap.currency)
}

fn counter_grows(state: &State, tap: &Tap) -> Result<(), String> {
    match state.tag(tap.tag) {
        Some(known) if tap.counter > known.last_counter => Ok(()),
        Some(known) => Err(format!("the counter of {} goes from {} to {}", tap.tag, known.last_counter, tap.counter)),
        None => Err(format!("a tap on {}, which is not registered", tap.tag)),
    }
}

/// Whether no more was captured than was agreed to.
fn captured_fits(payment: &Payment) -> Result<(), String> {
    if payment.captured <= payment.amount.minor_units() {
        return Ok(());
    }
    Err(format!("more is captured of {} than was held", payment.id))
}

/// Whether what went back of a payment is no more than had been captured.
fn returned_fits(payment: &Payment) -> Result<(), String> {
    if u128::from(payment.refunded) + u128::from(payment.disputed) <= u128::from(payment.captured) {
        return Ok(());
    }
    Err(format!("more went back of {} than was captured", payment.id))
}

/// A settlement follows the one before, is about all that has gathered since, and leaves nothing behind.
fn settlement(state: &State, moved: &Moved<Settlement>) -> Result<(), String> {
    let settlement = &moved.what;
    let mut books = state.books();
    let book = books.find(|book| (book.merchant, book.currency) == (settlement.merchant, settlement.currency));
    let Some((book, window)) = book.and_then(|book| Some((book, book.window?))) else {
        return Err(format!("{} settles what nothing has gathered in", settlement.id));
    };
    if (settlement.number, settlement.after_position) != (book.settlements + 1, book.closed_position) {
        return Err(format!("{} does not follow the settlement before it", settlement.id));
    }
    if (settlement.totals, settlement.opened_at) != (window.totals, window.opened_at) {
        return Err(format!("{} is about {:?}, not {:?}", settlement.id, settlement.totals, window.totals));
    }
    let gone: u128 = moved.legs.iter().filter(|leg| leg.debit == book.pending).map(|leg| u128::from(leg.amount)).sum();
    let gathered = state.account(book.pending).map_or(0, |(_, balance)| balance.available());
    if gone == u128::from(gathered) {
        return Ok(());
    }
    Err(format!("{} takes {gone} of {gathered} that have gathered", settlement.id))
}

/// Whether the ledger lets a record's transfers be posted, one after the other: folding asserts it, and a history that
/// cannot be is to be reported.
fn transfers_fit(state: &State, record: &Record) -> Result<(), String> {
    let mut transfers = Vec::new();
    record.event.for_each_transfer(|transfer: Transfer| transfers.push(transfer));
    if let Some(first) = transfers.first() {
        state.check_transfer(first, record.at).map_err(|status| status.to_string())?;
    }
    let mut sums = Sums { state, drafted: BTreeMap::new() };
    transfers.iter().try_for_each(|transfer| sums.post(transfer))
}

/// What accounts have, with the transfers of one record so far.
struct Sums<'a> {
    state: &'a State,
    drafted: BTreeMap<AccountId, (u128, u128)>,
}

impl Sums<'_> {
    fn post(&mut self, transfer: &Transfer) -> Result<(), String> {
        let refused = |why: &str| Err(format!("transfer {:#x} {why}", transfer.id));
        if transfer.amount == 0 || transfer.debit_account_id == transfer.credit_account_id {
            return refused("moves nothing");
        }
        for (account, credit) in [(transfer.debit_account_id, false), (transfer.credit_account_id, true)] {
            let id = AccountId::from_u128(account);
            let Some((account, balance)) = self.state.account(id) else { return refused("is of an unknown account") };
            if account.ledger != transfer.ledger {
                return refused("is of another currency than its account");
            }
            let posted = (u128::from(balance.debits_posted), u128::from(balance.credits_posted));
            let (debits, credits) = self.drafted.entry(id).or_insert(posted);
            *(if credit { &mut *credits } else { &mut *debits }) += u128::from(transfer.amount);
            if !within_limits(&account, *debits, *credits) {
                return refused("passes its account's limit");
            }
        }
        Ok(())
    }
}

fn within_limits(account: &Account, debits: u128, credits: u128) -> bool {
    let limits = account.flags;
    debits.max(credits) <= u128::from(u64::MAX)
        && !(limits.debits_must_not_exceed_credits && debits > credits)
        && !(limits.credits_must_not_exceed_debits && credits > debits)
}
