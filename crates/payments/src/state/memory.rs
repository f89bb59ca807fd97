//! Forgetting what is closed and stored, and recalling it before a command that needs it is decided.

use ids::{CaptureId, DepositId, DisputeId, OrderId, PaymentId, PayoutId, RefundId, TapId};

use super::{Forgettable, Kept, LiveTap, State};
use crate::command::{Action, Command, OrderName, Request, RequestKey};
use crate::dispute::Dispute;
use crate::event::Outcome;
use crate::model::{Deposit, Tap, UnixMillis};
use crate::order::{Order, OrderStatus, ReferenceKey};
use crate::payment::{Capture, Payment, Refund};
use crate::settlement::Payout;

/// Something old that a command refers to and that memory has forgotten, or that never was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// What a request came to.
    Request(RequestKey),
    /// An order.
    Order(OrderId),
    /// The order of a merchant's reference.
    Reference(ReferenceKey),
    /// A tap.
    Tap(TapId),
    /// A payment.
    Payment(PaymentId),
    /// A capture.
    Capture(CaptureId),
    /// A refund.
    Refund(RefundId),
    /// A dispute.
    Dispute(DisputeId),
    /// A payout.
    Payout(PayoutId),
    /// A deposit.
    Deposit(DepositId),
}

/// Something old, as it was stored.
#[derive(Debug)]
pub enum Recalled {
    /// What a request came to.
    Request(Request, Outcome),
    /// An order.
    Order(Order),
    /// The order of a merchant's reference.
    Reference(ReferenceKey, OrderId),
    /// A tap, and the payment that used it.
    Tap(Tap, Option<PaymentId>),
    /// A payment.
    Payment(Payment),
    /// A capture.
    Capture(Capture),
    /// A refund.
    Refund(Refund),
    /// A dispute.
    Dispute(Dispute),
    /// A payout.
    Payout(Payout),
    /// A deposit.
    Deposit(Deposit),
}

impl Recalled {
    /// What it was looked up for.
    fn need(&self) -> Need {
        match self {
            Self::Request(request, _) => Need::Request(request.key),
            Self::Order(order) => Need::Order(order.id),
            Self::Reference(key, _) => Need::Reference(*key),
            Self::Tap(tap, _) => Need::Tap(tap.id),
            Self::Payment(payment) => Need::Payment(payment.id),
            Self::Capture(capture) => Need::Capture(capture.id),
            Self::Refund(refund) => Need::Refund(refund.id),
            Self::Dispute(dispute) => Need::Dispute(dispute.id),
            Self::Payout(payout) => Need::Payout(payout.id),
            Self::Deposit(deposit) => Need::Deposit(deposit.id),
        }
    }
}

/// What one command needs at a time, at most.
type Needs = [Option<Need>; 3];

impl State {
    /// Forgets what is closed and stored: everything decided up to the journal position `stored`.
    pub fn forget(&mut self, stored: u64) {
        while let Some((_, forgettable)) = self.forgettable.pop_front_if(|(position, _)| *position <= stored) {
            match forgettable {
                Forgettable::Request(key) => drop(self.requests.remove(&key)),
                Forgettable::Order(id) => drop(self.orders.remove(&id)),
                Forgettable::Reference(key) => drop(self.references.remove(&key)),
                Forgettable::Payment(id) => forget_stored(&mut self.payments, id, stored),
                Forgettable::Capture(id) => drop(self.captures.remove(&id)),
                Forgettable::Refund(id) => drop(self.refunds.remove(&id)),
                Forgettable::Dispute(id) => forget_stored(&mut self.disputes, id, stored),
                Forgettable::Payout(id) => forget_stored(&mut self.payouts, id, stored),
                Forgettable::Deposit(id) => drop(self.deposits.remove(&id)),
                Forgettable::Tap(id) => drop(self.taps.remove(&id)),
            }
        }
        let now = self.now;
        let over = |(position, _, until): &mut (u64, TapId, UnixMillis)| *position <= stored && *until < now;
        while let Some((_, tap, _)) = self.expiring.pop_front_if(over) {
            // One that has paid waits until its payment is stored too.
            if self.taps.get(&tap).is_some_and(|live| live.payment.is_none()) {
                self.taps.remove(&tap);
            }
        }
    }

    /// The next thing that this command refers to and that must be looked up in the tables before it is decided;
    /// `None` once all is here. `asked` is what was looked up already, found or not.
    pub fn next_need(&self, command: &Command, asked: &[Need]) -> Option<Need> {
        let missing = |need: &Need| !asked.contains(need) && !self.holds(*need);
        let request = command.request.filter(|_| command.action.is_repeatable());
        if let Some(need) = request.map(|request| Need::Request(request.key)).filter(missing) {
            return Some(need);
        }
        match request.and_then(|request| self.requests.get(&request.key)) {
            Some((_, outcome)) => self.needs_of_replay(outcome),
            None => self.needs_of_fresh(&command.action, command.now),
        }
        .into_iter()
        .flatten()
        .find(missing)
    }

    fn needs_of_replay(&self, outcome: &Outcome) -> Needs {
        match outcome {
            Outcome::OrderCreated(id) | Outcome::OrderCancelled(id) | Outcome::OrderReleased(id) => {
                [Some(Need::Order(*id)), None, None]
            }
            Outcome::OrderRefunded(order, _) => [Some(Need::Order(*order)), None, None],
            Outcome::TapAccepted(id) => [Some(Need::Tap(*id)), self.order_of(*id), None],
            Outcome::PaymentSucceeded(id) => [Some(Need::Payment(*id)), None, None],
            Outcome::DepositSucceeded(id) => [Some(Need::Deposit(*id)), None, None],
            Outcome::Captured(id) => [Some(Need::Capture(*id)), None, None],
            Outcome::Refunded(id) => [Some(Need::Refund(*id)), None, None],
            Outcome::DisputeOpened(id) | Outcome::DisputeAnswered(id) | Outcome::DisputeClosed(id) => {
                [Some(Need::Dispute(*id)), None, None]
            }
            Outcome::PayoutCreated(id) => [Some(Need::Payout(*id)), None, None],
            Outcome::Refused(_) | Outcome::Done | Outcome::Released(_) => [None, None, None],
        }
    }

    fn needs_of_fresh(&self, action: &Action, now: UnixMillis) -> Needs {
        match action {
            Action::CreateOrder(new) => {
                let key = new.details.as_ref().and_then(|details| details.reference_key);
                [key.map(Need::Reference), None, None]
            }
            Action::CancelOrder { order, .. } => [Some(Need::Order(*order)), self.payment_of_order(*order), None],
            Action::ResolveOrder { order: OrderName::Id(id), .. } => {
                [Some(Need::Order(*id)), self.payment_of_order(*id), None]
            }
            Action::ResolveOrder { order: OrderName::Reference(key), .. } => {
                let order = self.references.get(key).copied();
                [
                    Some(Need::Reference(*key)),
                    order.map(Need::Order),
                    order.and_then(|order| self.payment_of_order(order)),
                ]
            }
            Action::Deposit { id, .. } => [Some(Need::Deposit(*id)), None, None],
            Action::Pay(pay) => [Some(Need::Tap(pay.tap)), self.order_of(pay.tap), None],
            Action::Capture(new) => self.payment_and_order(new.payment),
            Action::Void { payment, .. } => self.payment_and_order(*payment),
            Action::Refund(new) => [Some(Need::Payment(new.payment)), None, None],
            Action::OpenDispute(new) => [Some(Need::Payment(new.payment)), None, None],
            Action::AnswerDispute { dispute, .. }
            | Action::AcceptDispute { dispute, .. }
            | Action::DecideDispute { dispute, .. } => {
                let payment = self.dispute(*dispute).map(|dispute| Need::Payment(dispute.payment));
                [Some(Need::Dispute(*dispute)), payment, None]
            }
            Action::SubmitPayout { payout, .. } | Action::ReportPayout { payout, .. } => {
                [Some(Need::Payout(*payout)), None, None]
            }
            Action::Tick => self.needs_of_tick(now),
            Action::OpenAccount(_)
            | Action::RegisterTag(_)
            | Action::OpenTap { .. }
            | Action::ReportForgedTap { .. }
            | Action::SetMerchantStatus { .. }
            | Action::SetFeePlan { .. }
            | Action::SetSettlementTerms { .. }
            | Action::CreatePayout { .. } => [None, None, None],
        }
    }

    /// An unanswered dispute is lost by time, and its payment may have been forgotten. One at a time: a tick asks again.
    fn needs_of_tick(&self, now: UnixMillis) -> Needs {
        let due = self.due.disputes.iter().take_while(|(at, _)| *at <= now).take(MAX_DISPUTES_A_TICK);
        let mut disputes = due.filter_map(|(_, id)| self.dispute(*id));
        let missing = disputes.find(|dispute| !self.payments.contains_key(&dispute.payment));
        [missing.map(|dispute| Need::Payment(dispute.payment)), None, None]
    }

    fn payment_and_order(&self, payment: PaymentId) -> Needs {
        let order = self.payment(payment).and_then(|payment| payment.order);
        [Some(Need::Payment(payment)), order.map(Need::Order), None]
    }

    fn order_of(&self, tap: TapId) -> Option<Need> {
        self.taps.get(&tap)?.tap.order.map(Need::Order)
    }

    fn payment_of_order(&self, order: OrderId) -> Option<Need> {
        match self.orders.get(&order)?.status {
            OrderStatus::Paid { payment, .. } | OrderStatus::Held { payment, .. } => Some(Need::Payment(payment)),
            _ => None,
        }
    }

    fn holds(&self, need: Need) -> bool {
        match need {
            Need::Request(key) => self.requests.contains_key(&key),
            Need::Order(id) => self.orders.contains_key(&id),
            Need::Reference(key) => self.references.contains_key(&key),
            Need::Tap(id) => self.taps.contains_key(&id),
            Need::Payment(id) => self.payments.contains_key(&id),
            Need::Capture(id) => self.captures.contains_key(&id),
            Need::Refund(id) => self.refunds.contains_key(&id),
            Need::Dispute(id) => self.disputes.contains_key(&id),
            Need::Payout(id) => self.payouts.contains_key(&id),
            Need::Deposit(id) => self.deposits.contains_key(&id),
        }
    }

    /// Takes back something old, until it is forgotten again. What is remembered is never older than what was stored, so
    /// a recall that comes too late changes nothing.
    pub fn recall(&mut self, recalled: Recalled) {
        if self.holds(recalled.need()) {
            return;
        }
        match recalled {
            Recalled::Request(request, outcome) => self.remember_request(request, outcome),
            Recalled::Order(order) => {
                self.forgettable.push_back((self.position, Forgettable::Order(order.id)));
                self.orders.insert(order.id, order);
            }
            Recalled::Reference(key, order) => {
                self.forgettable.push_back((self.position, Forgettable::Reference(key)));
                self.references.insert(key, order);
            }
            // It may still pay, and then must stay until that is stored.
            Recalled::Tap(tap, None) if self.now < tap.expires_at() => self.restore_live_tap(tap),
            Recalled::Tap(tap, payment) => {
                self.forgettable.push_back((self.position, Forgettable::Tap(tap.id)));
                self.taps.insert(tap.id, LiveTap { tap, payment, declines: u8::MAX });
            }
            Recalled::Payment(payment) => self.remember_payment(payment),
            Recalled::Capture(capture) => self.remember_capture(capture),
            Recalled::Refund(refund) => self.remember_refund(refund),
            Recalled::Dispute(dispute) => self.remember_dispute(dispute),
            Recalled::Payout(payout) => self.remember_payout(payout),
            Recalled::Deposit(deposit) => self.remember_deposit(deposit),
        }
    }
}

/// Unanswered disputes that one tick decides.
pub(crate) const MAX_DISPUTES_A_TICK: usize = 10;

/// Drops what has not changed since it was stored.
fn forget_stored<K: ids::Kind, T>(all: &mut ids::IdMap<K, Kept<T>>, id: ids::Id<K>, stored: u64) {
    if all.get(&id).is_some_and(|kept| kept.touched <= stored) {
        all.remove(&id);
    }
}
