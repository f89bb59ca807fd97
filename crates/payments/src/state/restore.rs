//! Opening from stored tables: what may still change is put back.

use ledger::Balance;

use super::{DuePayout, LATE_TAP_MS, LastRefusals, LiveTap, State, TagState};
use crate::account::Account;
use crate::dispute::Dispute;
use crate::dispute::DisputeStatus;
use crate::merchant::MerchantState;
use crate::model::{RegisteredTag, Tap, UnixMillis};
use crate::order::{Order, OrderStatus};
use crate::payment::Payment;
use crate::settlement::{MerchantBook, Payout, ReserveRelease};

impl State {
    /// A state that reflects the journal up to `position`, to be filled by the `restore_…` functions.
    pub fn restored_at(position: u64, now: UnixMillis) -> Self {
        let mut state = Self { position, now, ..Self::default() };
        // The tables do not keep the last timestamp that was given: it was one of the last record's millisecond, which
        // has more of them than transfers can be decided in it.
        state.ledger.passed(now.plus(1).nanoseconds());
        state
    }

    /// Puts back an account with its stored balance. When it was opened is not stored, so its timestamp is 0.
    pub fn restore_account(&mut self, account: Account, balance: Balance) {
        self.add_account(&ledger::Account::from(account).with_balance(balance));
    }

    /// Puts back a tag with its stored counter.
    pub fn restore_tag(&mut self, tag: RegisteredTag, last_counter: u32) {
        self.uids.insert(tag.id, tag.uid);
        self.tags.insert(
            tag.uid,
            TagState { tag, last_counter, waiting_order: None, last_refusals: LastRefusals::default() },
        );
    }

    /// Puts back a merchant.
    pub fn restore_merchant(&mut self, merchant: MerchantState) {
        self.merchants.insert(merchant.id, merchant);
    }

    /// Puts back what is known of a merchant's money in one currency.
    pub fn restore_book(&mut self, book: MerchantBook) {
        if let Some(closes) = book.window.and_then(|window| window.closes) {
            self.due.windows.insert((closes.at, book.pending));
        }
        self.books.restore(book);
    }

    /// Puts back a tap that can still be paid with.
    pub fn restore_live_tap(&mut self, tap: Tap) {
        self.taps.insert(tap.id, LiveTap { tap, payment: None, declines: 0 });
        self.expiring.push_back((self.position, tap.id, tap.expires_at().plus(LATE_TAP_MS)));
    }

    /// Puts back an order that is still open, or for which money is held.
    pub fn restore_open_order(&mut self, order: Order) {
        if order.status == OrderStatus::Open {
            self.due.orders.insert((order.expires_at, order.id));
            if let Some(state) = self.tag_mut(order.tag) {
                state.waiting_order = Some(order.id);
            }
        }
        self.orders.insert(order.id, order);
    }

    /// Puts back a payment for which money is held.
    pub fn restore_open_payment(&mut self, payment: Payment) {
        self.remember_payment(payment);
    }

    /// Puts back a dispute that is undecided.
    pub fn restore_open_dispute(&mut self, dispute: Dispute) {
        if dispute.status == DisputeStatus::NeedsResponse {
            self.due.disputes.insert((dispute.evidence_due, dispute.id));
        }
        self.remember_dispute(dispute);
    }

    /// Puts back a payout of which the bank has not said what came of it.
    pub fn restore_open_payout(&mut self, payout: Payout) {
        self.remember_payout(payout);
    }

    /// Puts back a settlement that is to be paid out.
    pub fn restore_due_payout(&mut self, due: DuePayout) {
        self.due.payouts.insert((due.at, due.settlement));
        self.due.settled.insert(due.settlement, due);
    }

    /// Puts back a reserve that is kept until then.
    pub fn restore_reserve(&mut self, until: UnixMillis, reserve: ReserveRelease) {
        self.due.reserves.insert((until, reserve.settlement), reserve);
    }
}
