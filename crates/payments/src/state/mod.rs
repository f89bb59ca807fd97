//! The state: the fold of all events, less what was stored and forgotten.

mod evolve;
mod memory;
mod restore;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::BuildHasherDefault;

use ids::{AccountId, CaptureId, DepositId, DisputeId, IdHasher, IdMap, MerchantId, OrderId, PaymentId, PayoutId};
use ids::{RefundId, SettlementId, TagId, TapId, WalletId};
use ledger::{Balance, CreateAccountStatus, CreateTransferStatus, Ledger, Transfer};
use money::Currency;
use tag::Uid;

use crate::account::{Account, Owner, account_code};
use crate::books::Books;
use crate::command::{BodyDigest, RequestKey};
use crate::dispute::Dispute;
use crate::event::Outcome;
use crate::merchant::{MerchantState, MerchantStatus};
use crate::model::{Deposit, RegisteredTag, Tap, UnixMillis};
use crate::order::{Order, ReferenceKey};
use crate::payment::{Capture, Payment, Refund};
use crate::rejection::Rejection;
use crate::settlement::{MerchantBook, Payout, ReserveRelease};

pub(crate) use memory::MAX_DISPUTES_A_TICK;
pub use memory::{Need, Recalled};

/// How long a tap is remembered after its time is over, in milliseconds, so that the merchant of a slow payer is told.
const LATE_TAP_MS: u64 = 3 * 60 * 1000;

/// Everything that the decider knows.
#[derive(Debug, Default)]
pub struct State {
    pub(crate) ledger: Ledger,
    /// The one account of each kind, owner and currency. Owners are the platform's own ids, as keys of an [`IdMap`] are.
    accounts: HashMap<(u16, u128, u32), AccountId, BuildHasherDefault<IdHasher>>,
    pub(crate) tags: HashMap<Uid, TagState>,
    uids: IdMap<ids::Tag, Uid>,
    pub(crate) merchants: IdMap<ids::Merchant, MerchantState>,
    pub(crate) books: Books,
    pub(crate) taps: IdMap<ids::Tap, LiveTap>,
    pub(crate) orders: IdMap<ids::Order, Order>,
    pub(crate) references: HashMap<ReferenceKey, OrderId>,
    pub(crate) payments: IdMap<ids::Payment, Kept<Payment>>,
    pub(crate) captures: IdMap<ids::Capture, Capture>,
    pub(crate) refunds: IdMap<ids::Refund, Refund>,
    pub(crate) disputes: IdMap<ids::Dispute, Kept<Dispute>>,
    pub(crate) payouts: IdMap<ids::Payout, Kept<Payout>>,
    pub(crate) deposits: IdMap<ids::Deposit, Deposit>,
    pub(crate) requests: HashMap<RequestKey, (BodyDigest, Outcome)>,
    pub(crate) due: Due,
    /// What is closed, and can be forgotten once the journal is stored up to the position beside it.
    forgettable: VecDeque<(u64, Forgettable)>,
    /// Taps in the order they were made, to be forgotten some time after their own is over if nobody paid with them.
    expiring: VecDeque<(u64, TapId, UnixMillis)>,
    position: u64,
    now: UnixMillis,
}

/// What happens by itself, by the moment at which it does.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// Open orders expire.
    pub(crate) orders: BTreeSet<(UnixMillis, OrderId)>,
    /// Holds are given back, and answers come.
    pub(crate) holds: BTreeSet<(UnixMillis, PaymentId)>,
    /// Windows close.
    pub(crate) windows: BTreeSet<(UnixMillis, AccountId)>,
    /// Settlements are paid out.
    pub(crate) payouts: BTreeSet<(UnixMillis, SettlementId)>,
    /// Reserves come free.
    pub(crate) reserves: BTreeMap<(UnixMillis, SettlementId), ReserveRelease>,
    /// Disputes that nobody answered are lost.
    pub(crate) disputes: BTreeSet<(UnixMillis, DisputeId)>,
    /// Whose settlements are to be paid out.
    pub(crate) settled: IdMap<ids::Settlement, DuePayout>,
}

/// A settlement that is to be paid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuePayout {
    /// Which settlement.
    pub settlement: SettlementId,
    /// When.
    pub at: UnixMillis,
    /// To whom.
    pub merchant: MerchantId,
    /// In what.
    pub currency: Currency,
}

/// Something that changes, and the journal position of its last change or recall.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    pub(crate) value: T,
    touched: u64,
}

/// A tag, and what its taps have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagState {
    /// The tag as it was registered.
    pub tag: RegisteredTag,
    /// The highest read counter accepted; 0 before the first.
    pub last_counter: u32,
    /// The open order that waits at this tag.
    pub waiting_order: Option<OrderId>,
    /// When a refused reading was last reported. Not stored: after a restart the next report is let through.
    pub(crate) last_refusals: LastRefusals,
}

/// When readings of a tag were last reported as refused, for each reason: a repeated reading must not hide a forged one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LastRefusals {
    forged: Option<UnixMillis>,
    replayed: Option<UnixMillis>,
}

impl LastRefusals {
    pub(crate) fn of(self, reason: Rejection) -> Option<UnixMillis> {
        if reason == Rejection::TapForged { self.forged } else { self.replayed }
    }

    fn note(&mut self, reason: Rejection, at: UnixMillis) {
        let last = if reason == Rejection::TapForged { &mut self.forged } else { &mut self.replayed };
        *last = Some(at);
    }
}

/// A tap that can still be paid with, or could until lately.
#[derive(Debug)]
pub(crate) struct LiveTap {
    pub(crate) tap: Tap,
    pub(crate) payment: Option<PaymentId>,
    /// Declines reported so far. Not stored: it bounds noise, not money. A tap that was recalled long after its time
    /// reports no more.
    pub(crate) declines: u8,
}

#[derive(Debug)]
enum Forgettable {
    Request(RequestKey),
    Order(OrderId),
    Reference(ReferenceKey),
    Payment(PaymentId),
    Capture(CaptureId),
    Refund(RefundId),
    Dispute(DisputeId),
    Payout(PayoutId),
    Deposit(DepositId),
    Tap(TapId),
}

impl State {
    /// How many records have been folded into the state: the journal position that it reflects.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The latest moment that the state knows of; time never runs backwards from here.
    pub fn now(&self) -> UnixMillis {
        self.now
    }

    /// The ledger that the money is in. What a fold of the journal and a state from stored tables agree on are
    /// [`State::accounts`]: when accounts were opened, and in which order, the tables do not keep.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Every account with its balance, in no particular order.
    pub fn accounts(&self) -> impl Iterator<Item = (Account, Balance)> {
        self.ledger.accounts().map(|account| (account.into(), account.balance()))
    }

    /// An account with its balance.
    pub fn account(&self, id: AccountId) -> Option<(Account, Balance)> {
        self.ledger.account(id.as_u128()).map(|account| (account.into(), account.balance()))
    }

    /// Whether the ledger lets an account be opened at this moment, and if so, as what.
    pub fn check_account(&self, account: Account, at: UnixMillis) -> Result<ledger::Account, CreateAccountStatus> {
        self.ledger.check_account(&account.into(), at.nanoseconds())
    }

    /// Whether the ledger lets a transfer be posted at this moment, and if so, as what.
    ///
    /// Its timestamp follows from the fold alone: the moment in nanoseconds, or the next nanosecond after the last one
    /// given, whichever is later. From the year 2262 on all have the ledger's last one.
    pub fn check_transfer(&self, transfer: &Transfer, at: UnixMillis) -> Result<Transfer, CreateTransferStatus> {
        self.ledger.check(transfer, at.nanoseconds())
    }

    /// Every registered tag, in no particular order.
    pub fn tags(&self) -> impl Iterator<Item = &TagState> {
        self.tags.values()
    }

    /// Every merchant of whom more is known than that it has accounts, in no particular order.
    pub fn merchants(&self) -> impl Iterator<Item = &MerchantState> {
        self.merchants.values()
    }

    /// A merchant, if more is known of it than that it has accounts.
    pub fn merchant(&self, id: MerchantId) -> Option<&MerchantState> {
        self.merchants.get(&id)
    }

    /// What is known of every merchant's money beside balances, in no particular order.
    pub fn books(&self) -> impl Iterator<Item = &MerchantBook> {
        self.books.iter()
    }

    /// What is known of a merchant's money in one currency, by the account in which payments gather.
    pub fn book(&self, pending: AccountId) -> Option<&MerchantBook> {
        self.books.get(pending)
    }

    /// Every order for which money is held, by the payment that is the first to end.
    pub fn held_orders(&self) -> impl Iterator<Item = &Order> {
        self.open_payments().filter_map(|payment| self.orders.get(&payment.order?))
    }

    /// Every order that waits to be paid, the first to expire first.
    pub fn open_orders(&self) -> impl Iterator<Item = &Order> {
        self.due.orders.iter().filter_map(|(_, order)| self.orders.get(order))
    }

    /// Every payment for which money is held, the first to end first.
    pub fn open_payments(&self) -> impl Iterator<Item = &Payment> {
        self.due.holds.iter().filter_map(|(_, payment)| self.payment(*payment))
    }

    /// Every dispute that is undecided, in no particular order.
    pub fn open_disputes(&self) -> impl Iterator<Item = &Dispute> {
        self.disputes.values().map(|kept| &kept.value).filter(|dispute| dispute.is_open())
    }

    /// Every payout of which the bank has not said what came of it, in no particular order.
    pub fn open_payouts(&self) -> impl Iterator<Item = &Payout> {
        self.payouts.values().map(|kept| &kept.value).filter(|payout| !payout.status.is_final())
    }

    /// Every settlement that is to be paid out, the first due first.
    pub fn due_payouts(&self) -> impl Iterator<Item = &DuePayout> {
        self.due.payouts.iter().filter_map(|(_, settlement)| self.due.settled.get(settlement))
    }

    /// Every reserve that is kept, and until when, the first to come free first.
    pub fn reserves(&self) -> impl Iterator<Item = (UnixMillis, &ReserveRelease)> {
        self.due.reserves.iter().map(|((at, _), reserve)| (*at, reserve))
    }

    /// An order, unless it was closed and forgotten.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id)
    }

    /// A payment, unless it was forgotten.
    pub fn payment(&self, id: PaymentId) -> Option<&Payment> {
        self.payments.get(&id).map(|kept| &kept.value)
    }

    /// A dispute, unless it was decided and forgotten.
    pub fn dispute(&self, id: DisputeId) -> Option<&Dispute> {
        self.disputes.get(&id).map(|kept| &kept.value)
    }

    /// A payout, unless it came to an end and was forgotten.
    pub fn payout(&self, id: PayoutId) -> Option<&Payout> {
        self.payouts.get(&id).map(|kept| &kept.value)
    }

    /// A tag by its id.
    pub fn tag(&self, id: TagId) -> Option<&TagState> {
        self.uids.get(&id).and_then(|uid| self.tags.get(uid))
    }

    /// A tap, if it can still be paid with or could until lately, and the payment that used it.
    pub fn tap(&self, id: TapId) -> Option<(&Tap, Option<PaymentId>)> {
        self.taps.get(&id).map(|live| (&live.tap, live.payment))
    }

    /// The next moment at which something happens by itself.
    pub fn next_due(&self) -> Option<UnixMillis> {
        let due = &self.due;
        let firsts = [
            due.orders.first().map(|(at, _)| *at),
            due.holds.first().map(|(at, _)| *at),
            due.windows.first().map(|(at, _)| *at),
            due.payouts.first().map(|(at, _)| *at),
            due.reserves.first_key_value().map(|((at, _), _)| *at),
            due.disputes.first().map(|(at, _)| *at),
        ];
        firsts.into_iter().flatten().min()
    }

    /// What a merchant may do. One of whom nothing is known has been paid since before merchants had a status.
    pub fn status_of(&self, merchant: MerchantId) -> MerchantStatus {
        self.merchant(merchant).map_or(MerchantStatus::Active, |merchant| merchant.status)
    }

    /// What is known of a merchant's money, currency by currency.
    pub(crate) fn books_of(&self, merchant: MerchantId) -> impl Iterator<Item = &MerchantBook> {
        let currencies = (1..1_000).filter_map(|number| Currency::from_numeric(number).ok());
        let accounts = currencies.filter_map(move |currency| {
            self.account_of(account_code::MERCHANT_PENDING, Owner::Merchant(merchant), currency)
        });
        accounts.filter_map(|account| self.books.get(account))
    }

    pub(crate) fn wallet_account(&self, wallet: WalletId, currency: Currency) -> Option<AccountId> {
        self.account_of(account_code::WALLET, Owner::Wallet(wallet), currency)
    }

    /// Whether an account of this kind, owner and currency is open, under whatever id.
    pub(crate) fn has_account_like(&self, account: &Account) -> bool {
        self.accounts.contains_key(&(account.code, account.owner, account.ledger))
    }

    pub(crate) fn account_of(&self, code: u16, owner: Owner, currency: Currency) -> Option<AccountId> {
        self.accounts.get(&(code, owner.bits(), u32::from(currency.numeric()))).copied()
    }
}

#[cfg(test)]
mod tests {
    use money::Amount;

    use super::*;
    use crate::account::AccountFlags;
    use crate::event::{Event, Leg, Moved, Record, transfer_code};

    /// A record that no history has: what is damaged must not go on.
    #[test]
    #[should_panic(expected = "exceeds_credits")]
    fn a_record_that_overdraws_an_account_stops_the_process() {
        let mut state = State::default();
        let flags = AccountFlags { debits_must_not_exceed_credits: true, ..AccountFlags::default() };
        let [debit, credit] = [1, 2].map(|number| {
            let id = AccountId::from_u128(number);
            state.restore_account(Account { id, ledger: 156, code: 1, owner: number, flags }, Balance::default());
            id
        });
        let deposit = Deposit {
            id: DepositId::from_u128(3),
            wallet: WalletId::from_u128(2),
            currency: Currency::from_numeric(156).unwrap(),
            amount: Amount::MIN,
            created_at: UnixMillis(1),
        };
        let legs = vec![Leg { code: transfer_code::DEPOSIT, debit, credit, amount: 1 }];
        let event = Event::DepositSucceeded(Moved { what: deposit, legs });
        state.evolve(&Record { at: UnixMillis(1), request: None, event });
    }
}
