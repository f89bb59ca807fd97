//! The model's merchants: what they may do, their windows and payouts, and what happens by itself.

use ids::{CaptureId, MerchantId, PaymentId, PayoutId};
use money::{Amount, Currency};
use payments::{
    Answer, BankWord, Beginning, DisputeStatus, MerchantStatus, OrderStatus, Payout, PayoutStatus, Rejection,
    ReleaseReason, Share, Text, UnixMillis,
};
use terms::{FeePlan, SettlementTerms};

use super::purse::{BALANCE, Book, DEBT, FLOAT, IN_TRANSIT, PENDING, RESERVE, Why, closing, units};
use super::{Model, Verdict};

#[derive(Debug)]
pub(crate) struct Merchant {
    pub(crate) status: MerchantStatus,
    plans: Vec<(UnixMillis, FeePlan)>,
    pub(crate) terms: Option<SettlementTerms>,
}

impl Merchant {
    fn unwritten() -> Self {
        Self { status: MerchantStatus::Active, plans: Vec::new(), terms: None }
    }

    /// The one that began last.
    pub(super) fn plan_at(&self, now: UnixMillis) -> Option<&FeePlan> {
        let begun = self.plans.iter().filter(|(from, _)| *from <= now);
        begun.max_by_key(|(from, _)| *from).map(|(_, plan)| plan)
    }
}

impl Model {
    fn status(&self, merchant: MerchantId) -> MerchantStatus {
        self.merchants.get(&merchant).map_or(MerchantStatus::Active, |merchant| merchant.status)
    }

    pub(super) fn active(&self, merchant: MerchantId) -> Result<(), Rejection> {
        match self.status(merchant) {
            MerchantStatus::Active => Ok(()),
            status => Err(Rejection::MerchantNotActive { status }),
        }
    }

    pub(super) fn receivers_active(&self, shares: &[Share]) -> Result<(), Rejection> {
        match shares.iter().find(|share| self.active(share.merchant).is_err()) {
            Some(share) => Err(Rejection::ReceiverNotAccepted { merchant: share.merchant }),
            None => Ok(()),
        }
    }

    pub(super) fn terms(&self, merchant: MerchantId) -> Option<&SettlementTerms> {
        self.merchants.get(&merchant).and_then(|merchant| merchant.terms.as_ref())
    }

    pub(super) fn window(
        &mut self,
        now: UnixMillis,
        merchant: MerchantId,
        currency: Currency,
    ) -> Result<&mut Book, Rejection> {
        let terms = self.merchants.get(&merchant).and_then(|merchant| merchant.terms.as_ref());
        self.purse.window(now, (merchant, currency), terms)
    }

    pub(super) fn set_status(&mut self, merchant: MerchantId, status: MerchantStatus) -> Verdict {
        use MerchantStatus::{Active, Applied, Closed, Suspended};
        let known = self.merchants.get(&merchant).map(|merchant| merchant.status);
        match (known, status) {
            (Some(known), status) if known == status => return Ok(Answer::Done),
            (Some(status @ Closed), _) | (Some(status), Applied) | (Some(status @ Applied), Suspended) => {
                return Err(Rejection::StatusNotAllowed { status });
            }
            (None, _) | (Some(_), Active | Suspended | Closed) => {}
        }
        self.merchants.entry(merchant).or_insert_with(Merchant::unwritten).status = status;
        Ok(Answer::Done)
    }

    pub(super) fn set_plan(
        &mut self,
        now: UnixMillis,
        merchant: MerchantId,
        plan: FeePlan,
        from: UnixMillis,
    ) -> Verdict {
        let plans = &mut self.merchants.entry(merchant).or_insert_with(Merchant::unwritten).plans;
        let from = from.max(now);
        plans.retain(|(other, _)| *other != from);
        plans.push((from, plan));
        Ok(Answer::Done)
    }

    pub(super) fn set_terms(&mut self, now: UnixMillis, merchant: MerchantId, terms: SettlementTerms) -> Verdict {
        for ((whose, _), book) in &mut self.purse.books {
            if let Some(window) = book.window.as_mut().filter(|window| *whose == merchant && window.closes.is_none()) {
                window.closes = Some(closing(&terms, now));
                book.note_month();
            }
        }
        self.merchants.entry(merchant).or_insert_with(Merchant::unwritten).terms = Some(terms);
        Ok(Answer::Done)
    }
}

/// Payouts.
impl Model {
    pub(super) fn pay_out(
        &mut self,
        now: UnixMillis,
        id: PayoutId,
        (merchant, currency): (MerchantId, Currency),
    ) -> Result<Payout, Rejection> {
        let status = self.status(merchant);
        if !matches!(status, MerchantStatus::Active | MerchantStatus::Closed) {
            return Err(Rejection::MerchantNotActive { status });
        }
        let [balance, debt] = [BALANCE, DEBT].map(|code| (code, merchant.as_u128(), currency));
        let repaid = self.purse.has(balance).min(-self.purse.has(debt));
        self.purse.transfer(Why::Other, balance, debt, repaid)?;
        let amount = self.purse.has(balance);
        let rest = Amount::new(units(amount)).map_err(|_| Rejection::NothingToPayOut)?;
        self.purse.transfer(Why::Other, balance, (IN_TRANSIT, 0, currency), amount)?;
        let payout = Payout {
            id,
            merchant,
            currency,
            amount: rest,
            settlement: None,
            created_at: now,
            bank_reference: None,
            status: PayoutStatus::Created,
        };
        self.payouts.push(payout.clone());
        Ok(payout)
    }

    pub(super) fn submit_payout(&mut self, now: UnixMillis, id: PayoutId, reference: Option<Text>) -> Verdict {
        let payout = self.payouts.iter_mut().find(|payout| payout.id == id).ok_or(Rejection::NotFound)?;
        match payout.status {
            PayoutStatus::Created => {
                payout.status = PayoutStatus::Submitted { at: now };
                payout.bank_reference = reference;
            }
            PayoutStatus::Submitted { .. } => {}
            _ => return Err(Rejection::PayoutClosed),
        }
        Ok(Answer::Payout(payout.clone()))
    }

    pub(super) fn report_payout(&mut self, now: UnixMillis, id: PayoutId, word: BankWord) -> Verdict {
        let place = self.payouts.iter().position(|payout| payout.id == id).ok_or(Rejection::NotFound)?;
        let mut payout = self.payouts[place].clone();
        let currency = payout.currency;
        let [in_transit, float] = [IN_TRANSIT, FLOAT].map(|code| (code, 0, currency));
        let balance = (BALANCE, payout.merchant.as_u128(), currency);
        let open = matches!(payout.status, PayoutStatus::Created | PayoutStatus::Submitted { .. });
        let paid = matches!(payout.status, PayoutStatus::Paid { .. });
        let (from, to, status) = match word {
            BankWord::Paid if open => (in_transit, float, PayoutStatus::Paid { at: now }),
            BankWord::Failed(reason) if open => (in_transit, balance, PayoutStatus::Failed { at: now, reason }),
            BankWord::Returned(reason) if open => (in_transit, balance, PayoutStatus::Returned { at: now, reason }),
            BankWord::Returned(reason) if paid => (float, balance, PayoutStatus::Returned { at: now, reason }),
            word => {
                let heard = match payout.status {
                    PayoutStatus::Paid { .. } => matches!(word, BankWord::Paid),
                    PayoutStatus::Failed { .. } => matches!(word, BankWord::Failed(_)),
                    _ => matches!(word, BankWord::Returned(_) | BankWord::Paid),
                };
                return if heard { Ok(Answer::Payout(payout)) } else { Err(Rejection::PayoutClosed) };
            }
        };
        self.purse.transfer(Why::Other, from, to, payout.amount.minor_units().into())?;
        payout.status = status;
        self.payouts[place] = payout.clone();
        Ok(Answer::Payout(payout))
    }
}

/// What happens by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Orders,
    Holds,
    Windows,
    Payouts,
    Reserves,
    Disputes,
}

impl Model {
    /// All that is due happens: all of the kind that is due first, then again, until nothing more can.
    pub(super) fn ticks(&mut self, now: UnixMillis) -> Verdict {
        while self.kinds_due(now).into_iter().any(|kind| self.happen(now, kind)) {}
        Ok(Answer::Done)
    }

    fn kinds_due(&self, now: UnixMillis) -> Vec<Due> {
        let orders = self.orders.iter().filter(|order| order.status == OrderStatus::Open);
        let windows = self.purse.books.values().filter_map(|book| book.window.as_ref()?.closes);
        let settled = &self.purse.settlements;
        let payouts = settled.iter().filter(|settled| !settled.payout_came);
        let reserves = settled.iter().filter(|settled| !settled.released);
        let disputes = self.disputes.iter().filter(|dispute| dispute.status == DisputeStatus::NeedsResponse);
        let mut kinds = vec![
            (Due::Orders, orders.map(|order| order.expires_at).min()),
            (Due::Holds, self.holds().into_iter().map(|(until, _)| until).min()),
            (Due::Windows, windows.map(|(at, _)| at).min()),
            (Due::Payouts, payouts.map(|settled| settled.settlement.payout_at).min()),
            (Due::Reserves, reserves.filter_map(|settled| settled.settlement.reserved_until).min()),
            (Due::Disputes, disputes.map(|dispute| dispute.evidence_due).min()),
        ];
        kinds.retain(|(_, at)| at.is_some_and(|at| at <= now));
        kinds.sort_by_key(|(_, at)| *at);
        kinds.into_iter().map(|(kind, _)| kind).collect()
    }

    /// Says whether anything did.
    fn happen(&mut self, now: UnixMillis, kind: Due) -> bool {
        match kind {
            Due::Orders => {
                let due = self.orders.iter_mut().filter(|order| order.status == OrderStatus::Open);
                due.filter(|order| order.expires_at <= now)
                    .for_each(|order| order.status = OrderStatus::Expired { at: now });
                true
            }
            Due::Holds => {
                let mut due = self.holds();
                due.retain(|(until, _)| *until <= now);
                due.sort();
                due.iter().filter(|(_, id)| self.attempt(|model| model.end_hold(now, *id)).is_ok()).count() > 0
            }
            Due::Windows => self.close_windows(now),
            Due::Payouts => self.pay_out_due(now),
            Due::Reserves => self.release_reserves(now),
            Due::Disputes => {
                let mut due = self.disputes.clone();
                due.retain(|dispute| dispute.status == DisputeStatus::NeedsResponse && dispute.evidence_due <= now);
                due.sort_by_key(|dispute| (dispute.evidence_due, dispute.id));
                let lose = |model: &mut Self, id| model.decide_dispute(now, None, id, false);
                due.iter().filter(|dispute| self.attempt(|model| lose(model, dispute.id)).is_ok()).count() > 0
            }
        }
    }

    /// Payments whose money is held, and until when.
    fn holds(&self) -> Vec<(UnixMillis, PaymentId)> {
        let open = self.payments.iter().filter(|payment| payment.is_open());
        let until = |began| match began {
            Beginning::Held { until } | Beginning::Processing { until, .. } => until,
            Beginning::Captured => unreachable!("nothing is held"),
        };
        open.map(|payment| (until(payment.began), payment.id)).collect()
    }

    fn end_hold(&mut self, now: UnixMillis, id: PaymentId) -> Result<(), Rejection> {
        let mut payment = self.payment(id).clone();
        match payment.began {
            Beginning::Processing { succeeds: true, .. } => {
                let whole = payment.amount.minor_units();
                self.capture_some(now, CaptureId::from_u128(0), &mut payment, whole, true).map(drop)
            }
            Beginning::Processing { .. } => self.release(now, id, ReleaseReason::Failed).map(drop),
            _ => self.release(now, id, ReleaseReason::Expired).map(drop),
        }
    }

    fn close_windows(&mut self, now: UnixMillis) -> bool {
        let closes = |book: &Book| book.window.as_ref()?.closes;
        let account = |merchant: MerchantId, currency: Currency| {
            let wanted = (PENDING, merchant.as_u128(), u32::from(currency.numeric()));
            self.accounts.iter().find(|known| (known.code, known.owner, known.ledger) == wanted).map(|known| known.id)
        };
        let mut due = Vec::new();
        for ((merchant, currency), book) in &self.purse.books {
            let at = closes(book).map(|(at, _)| at).filter(|at| *at <= now);
            due.extend(at.map(|at| (at, account(*merchant, *currency), *merchant, *currency)));
        }
        due.sort_by_key(|(at, account, ..)| (*at, *account));
        let mut close = |merchant, currency| {
            let terms = self.terms(merchant).cloned();
            self.attempt(|model| model.purse.close((merchant, currency), terms.as_ref())).is_ok()
        };
        due.into_iter().filter(|(_, _, merchant, currency)| close(*merchant, *currency)).count() > 0
    }

    fn pay_out_due(&mut self, now: UnixMillis) -> bool {
        let due = |model: &Self| {
            let settled = model.purse.settlements.iter().enumerate();
            let due = settled.filter(|(_, settled)| !settled.payout_came && settled.settlement.payout_at <= now);
            due.map(|(place, settled)| (settled.settlement.payout_at, settled.settlement.closed_at, place)).min()
        };
        while let Some((_, _, place)) = due(self) {
            let settlement = self.purse.settlements[place].settlement;
            // It is given its name when the decider has made one.
            let unnamed = PayoutId::from_u128(0);
            drop(self.attempt(|model| model.pay_out(now, unnamed, (settlement.merchant, settlement.currency))));
            self.purse.settlements[place].payout_came = true;
        }
        true
    }

    fn release_reserves(&mut self, now: UnixMillis) -> bool {
        let mut due: Vec<(UnixMillis, usize)> = Vec::new();
        for (place, settled) in self.purse.settlements.iter().enumerate().filter(|(_, settled)| !settled.released) {
            due.extend(settled.settlement.reserved_until.filter(|until| *until <= now).map(|until| (until, place)));
        }
        due.sort();
        let mut release = |place: usize| {
            let settlement = self.purse.settlements[place].settlement;
            let [from, to] = [RESERVE, BALANCE].map(|code| (code, settlement.merchant.as_u128(), settlement.currency));
            let released = self.purse.transfer(Why::Other, from, to, settlement.reserved.into()).is_ok();
            self.purse.settlements[place].released |= released;
            released
        };
        due.into_iter().filter(|(_, place)| release(*place)).count() > 0
    }
}

/// What the decider named by itself is known by these names from then on.
impl Model {
    /// The settlement must say what the model's says.
    pub(crate) fn name_settlement(&mut self, named: &payments::Settlement) {
        let settlements = &mut self.purse.settlements;
        let is_it = |settled: &&mut super::purse::Settled| {
            let known = &settled.settlement;
            (known.merchant, known.currency, known.number) == (named.merchant, named.currency, named.number)
        };
        let known = settlements.iter_mut().find(is_it).expect("the model settles it too");
        known.settlement.id = named.id;
        known.settlement.after_position = named.after_position;
        assert_eq!(known.settlement, *named);
    }

    /// The payout of a settlement must say what the model's says.
    pub(crate) fn name_payout(&mut self, named: &Payout) {
        let unnamed = PayoutId::from_u128(0);
        let is_it = |known: &&mut Payout| {
            (known.id, known.merchant, known.currency) == (unnamed, named.merchant, named.currency)
        };
        let known = self.payouts.iter_mut().find(is_it).expect("the model pays it out too");
        known.id = named.id;
        known.settlement = named.settlement;
        assert_eq!(known, named);
    }
}
