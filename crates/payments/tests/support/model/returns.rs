//! The model's money that goes back: refunds and disputes.

use ids::{DisputeId, MerchantId, PaymentId, RefundId, WalletId};
use money::Amount;
use payments::{Answer, Dispute, DisputeStatus, Payment, PaymentStatus, Refund, Rejection, Text, UnixMillis};

use super::purse::{BALANCE, DEBT, DISPUTED, PENDING, Place, WALLET, Why, units};
use super::{Model, Verdict, receivers, split};

const DAY: u64 = 86_400_000;

impl Model {
    pub(super) fn refund(
        &mut self,
        now: UnixMillis,
        id: RefundId,
        (merchant, payment): (MerchantId, PaymentId),
        amount: Option<Amount>,
        reason: Option<Text>,
    ) -> Result<Refund, Rejection> {
        let mut payment = self.payment_of(merchant, payment)?;
        if payment.status == PaymentStatus::Processing {
            return Err(Rejection::PaymentProcessing);
        }
        let amount = some_of_the_rest(&payment, amount)?;
        payment.refunded += amount.minor_units();
        let wallet = (WALLET, payment.wallet.as_u128(), payment.currency);
        for (receiver, part) in give_back(&mut payment, amount.minor_units()) {
            let limit = self.terms(receiver).map_or(0, |terms| terms.negative_balance_limit.into());
            self.draw(now, Why::Refunded, receiver, wallet, part.into(), Some(limit))?;
        }
        self.set_payment(payment.clone());
        Ok(Refund {
            id,
            payment: payment.id,
            merchant,
            wallet: payment.wallet,
            currency: payment.currency,
            amount,
            reason,
            created_at: now,
        })
    }

    pub(super) fn dispute(
        &mut self,
        now: UnixMillis,
        id: DisputeId,
        (wallet, payment): (WalletId, PaymentId),
        amount: Option<Amount>,
        reason: Text,
    ) -> Verdict {
        let known = self.payments.iter().find(|known| known.id == payment && known.wallet == wallet);
        let mut payment = known.cloned().ok_or(Rejection::NotFound)?;
        if payment.open_dispute.is_some() {
            return Err(Rejection::DisputeOpen);
        }
        if now.0 - payment.created_at.0 >= 120 * DAY {
            return Err(Rejection::DisputeTooLate);
        }
        let amount = some_of_the_rest(&payment, amount)?;
        payment.disputed += amount.minor_units();
        payment.open_dispute = Some(id);
        let parts = give_back(&mut payment, amount.minor_units());
        for (receiver, part) in &parts {
            let held = (DISPUTED, 0, payment.currency);
            self.draw(now, Why::Disputed, *receiver, held, (*part).into(), None)?;
        }
        let dispute = Dispute {
            id,
            payment: payment.id,
            wallet,
            merchant: payment.merchant,
            currency: payment.currency,
            amount,
            reason,
            created_at: now,
            evidence_due: UnixMillis(now.0 + 7 * DAY),
            evidence: None,
            parts,
            status: DisputeStatus::NeedsResponse,
        };
        self.set_payment(payment);
        self.disputes.push(dispute.clone());
        Ok(Answer::Dispute(dispute))
    }

    pub(super) fn answer_dispute(&mut self, now: UnixMillis, merchant: MerchantId, id: DisputeId) -> Verdict {
        let known = self.disputes.iter_mut().find(|known| known.id == id && known.merchant == merchant);
        let dispute = known.ok_or(Rejection::NotFound)?;
        if dispute.status != DisputeStatus::NeedsResponse || dispute.evidence_due <= now {
            return Err(Rejection::DisputeClosed);
        }
        dispute.evidence = Some(evidence());
        dispute.status = DisputeStatus::UnderReview;
        Ok(Answer::Dispute(dispute.clone()))
    }

    /// Without a merchant it is the platform that decides.
    pub(super) fn decide_dispute(
        &mut self,
        now: UnixMillis,
        merchant: Option<MerchantId>,
        id: DisputeId,
        won: bool,
    ) -> Verdict {
        let known =
            self.disputes.iter().find(|known| known.id == id && merchant.is_none_or(|who| who == known.merchant));
        let mut dispute = known.cloned().ok_or(Rejection::NotFound)?;
        if !matches!(dispute.status, DisputeStatus::NeedsResponse | DisputeStatus::UnderReview) {
            return Err(Rejection::DisputeClosed);
        }
        let mut payment = self.payment(dispute.payment).clone();
        let (currency, amount) = (dispute.currency, dispute.amount.minor_units());
        let held = (DISPUTED, 0, currency);
        payment.open_dispute = None;
        if won {
            payment.disputed -= amount;
            for (share, (_, part)) in payment.shares.iter_mut().zip(&dispute.parts) {
                share.returned -= part;
            }
            for (receiver, part) in dispute.parts.iter().filter(|(_, part)| *part > 0) {
                self.window(now, *receiver, currency)?;
                self.purse.transfer(Why::Won, held, (PENDING, receiver.as_u128(), currency), (*part).into())?;
            }
            dispute.status = DisputeStatus::Won { at: now };
        } else {
            let wallet = (WALLET, dispute.wallet.as_u128(), currency);
            self.purse.transfer(Why::Other, held, wallet, amount.into())?;
            dispute.status = DisputeStatus::Lost { at: now };
        }
        self.set_payment(payment);
        *self.disputes.iter_mut().find(|known| known.id == id).expect("it is known") = dispute.clone();
        Ok(Answer::Dispute(dispute))
    }

    /// From what gathered and is not the platform's, then from the balance, then as a debt.
    fn draw(
        &mut self,
        now: UnixMillis,
        why: Why,
        from: MerchantId,
        to: Place,
        amount: i128,
        debt_limit: Option<i128>,
    ) -> Result<(), Rejection> {
        if amount == 0 {
            return Ok(());
        }
        let fees = self.window(now, from, to.2)?.window.as_ref().expect("it is open").gathered.fees;
        let [pending, balance, debt] = [PENDING, BALANCE, DEBT].map(|code| (code, from.as_u128(), to.2));
        let gathered = (self.purse.has(pending) - fees).max(0);
        let from_window = amount.min(gathered);
        let from_balance = (amount - from_window).min(self.purse.has(balance));
        let owing = amount - from_window - from_balance;
        let most = i128::from(u64::MAX);
        let may_owe = debt_limit.map_or(most, |limit| (limit + self.purse.has(debt)).max(0));
        if owing > may_owe {
            let available = units((from_window + from_balance + may_owe).min(most));
            return Err(Rejection::MerchantFundsInsufficient { available });
        }
        self.purse.transfer(why, pending, to, from_window)?;
        self.purse.transfer(why, balance, to, from_balance)?;
        self.purse.transfer(why, debt, to, owing)
    }
}

pub(crate) fn evidence() -> payments::Evidence {
    payments::Evidence::try_from("Signed for.\nSee the slip.".to_owned()).expect("good evidence")
}

/// So much of what can still go back, or all of it.
fn some_of_the_rest(payment: &Payment, amount: Option<Amount>) -> Result<Amount, Rejection> {
    let refundable = payment.captured - payment.refunded - payment.disputed;
    let amount = amount.or_else(|| Amount::new(refundable).ok());
    amount.filter(|amount| amount.minor_units() <= refundable).ok_or(Rejection::RefundExceedsPayment { refundable })
}

fn give_back(payment: &mut Payment, amount: u64) -> Vec<(MerchantId, u64)> {
    let kept: Vec<u64> = payment.shares.iter().map(|share| share.captured - share.returned).collect();
    let parts = split(amount, &kept);
    payment.shares.iter_mut().zip(&parts).for_each(|(share, part)| share.returned += part);
    receivers(payment, &parts, amount)
}
