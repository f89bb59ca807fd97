//! What the things that happen are in this world: whose, which, how much.

use ids::{DepositId, DisputeId, MerchantId, OrderId, PaymentId, PayoutId, TapId};
use money::{Amount, BasisPoints, Money};
use payments::{
    Forced, OrderDetails, OrderName, Owner, ReferenceKey, Rejection, Split, SplitPart, TagMode, Text, account_code,
};
use proptest::sample::Index;

use super::{Details, Force, Much, Named, Thing, World, a_currency, a_plan, money_of, pick, some_terms};
use crate::support::model::{Asked, NewOrder, Wish};
use crate::support::{account, amount, merchant, registered, tag_id, uid, wallet};

impl World {
    pub(super) fn wish(&mut self, thing: &Thing) -> Wish {
        match thing.clone() {
            Thing::OpenAccount { number, wallet: whose, currency } => {
                let owner = Owner::Wallet(wallet(whose.into()));
                Wish::OpenAccount(account(number.into(), account_code::WALLET, owner, a_currency(currency)))
            }
            Thing::RegisterTag { tag, merchant: whose } => {
                Wish::RegisterTag(registered(tag.into(), merchant(whose.into()), TagMode::Till, a_currency(0)))
            }
            Thing::Deposit { wallet: whose, currency, amount, same_id_as } => {
                self.made += 1;
                let known = same_id_as.and_then(|which| pick(&self.deposits, which).copied());
                let id = known.unwrap_or(DepositId::from_parts(self.clock.0, self.made << 16));
                Wish::Deposit { id, wallet: wallet(whose.into()), money: money_of(amount, currency) }
            }
            Thing::Create { stranger, tag, amount, currency, lifetime_ms, details } => {
                let merchant =
                    stranger.map_or(merchant(usize::from([2, 4].contains(&tag))), |who| merchant(who.into()));
                let asked = match amount {
                    Some(amount) => Asked::Fixed(money_of(amount, currency)),
                    None => Asked::Open(a_currency(currency)),
                };
                let text = (lifetime_ms % 2 == 0).then(|| text("两碗面 + tea"));
                let details = details.and_then(|details| order_details(&details, merchant, asked));
                Wish::Create(NewOrder { merchant, tag: tag_id(tag.into()), asked, text, lifetime_ms, details })
            }
            Thing::Cancel { stranger, order, refund } => {
                let (owner, order) = self.order(order);
                Wish::Cancel { merchant: stranger.map_or(owner, |who| merchant(who.into())), order, refund }
            }
            Thing::Resolve { stranger, order, by_reference, close } => {
                let (owner, order) = self.order(order);
                let merchant = stranger.map_or(owner, |who| merchant(who.into()));
                let known = self.model.orders.iter().find(|known| known.id == order);
                let key = known.and_then(|order| order.details.as_ref()?.reference_key).filter(|_| by_reference);
                Wish::Resolve { merchant, order: key.map_or(OrderName::Id(order), OrderName::Reference), close }
            }
            Thing::Tap { wallet: whose, tag, fresh, earlier } => {
                let (url, counter, tag) = self.reading(tag.into(), fresh, earlier);
                Wish::Tap { wallet: wallet(whose.into()), url, uid: uid(tag), counter }
            }
            Thing::Forged { tag } => Wish::Forged { claimed: uid(tag.into()) },
            Thing::Pay { wallet, tap, named, tip, forced } => self.word_to_pay(wallet, tap, named, tip, forced),
            Thing::PayWithStrangeTap { age_ms } => {
                let tap = TapId::from_parts(self.clock.0.saturating_sub(age_ms), 0xdead);
                Wish::Pay { wallet: wallet(0), tap, money: None, tip: 0, forced: None }
            }
            thing => self.wish_of_what_is(thing),
        }
    }

    /// Wishes about what exists.
    fn wish_of_what_is(&mut self, thing: Thing) -> Wish {
        match thing {
            Thing::Capture { stranger, payment, much, is_last } => {
                let (payment, left) = self.payment(payment, payments::Payment::capturable);
                let merchant = self.merchant_of(stranger, payment);
                Wish::Capture { merchant, payment, amount: some_of(left, much), is_last }
            }
            Thing::Void { stranger, payment } => {
                let (payment, _) = self.payment(payment, payments::Payment::capturable);
                Wish::Void { merchant: self.merchant_of(stranger, payment), payment }
            }
            Thing::Refund { stranger, payment, much } => {
                let (payment, left) = self.payment(payment, payments::Payment::refundable);
                let merchant = self.merchant_of(stranger, payment);
                let reason = matches!(much, Much::All).then(|| text("too salty"));
                Wish::Refund { merchant, payment, amount: some_of(left, much), reason }
            }
            Thing::Dispute { stranger, payment, much } => {
                let (payment, left) = self.payment(payment, payments::Payment::refundable);
                let known = self.model.payments.iter().find(|known| known.id == payment);
                let payer = known.map_or(wallet(0), |known| known.wallet);
                let wallet = stranger.map_or(payer, |who| wallet(who.into()));
                Wish::Dispute { wallet, payment, amount: some_of(left, much), reason: text("never came") }
            }
            Thing::AnswerDispute { stranger, dispute } => {
                let (merchant, dispute) = self.dispute(stranger, dispute);
                Wish::AnswerDispute { merchant, dispute }
            }
            Thing::AcceptDispute { stranger, dispute } => {
                let (merchant, dispute) = self.dispute(stranger, dispute);
                Wish::AcceptDispute { merchant, dispute }
            }
            Thing::DecideDispute { dispute, won } => {
                Wish::DecideDispute { dispute: self.dispute(None, dispute).1, won }
            }
            Thing::SetStatus { merchant: who, status } => Wish::SetStatus { merchant: merchant(who.into()), status },
            Thing::SetPlan { merchant: who, plan, in_ms } => {
                Wish::SetPlan { merchant: merchant(who.into()), plan: a_plan(plan), from: self.clock.plus(in_ms) }
            }
            Thing::SetTerms { merchant: who, terms } => {
                Wish::SetTerms { merchant: merchant(who.into()), terms: some_terms(terms) }
            }
            Thing::CreatePayout { merchant: who, currency } => {
                Wish::CreatePayout { merchant: merchant(who.into()), currency: a_currency(currency) }
            }
            Thing::SubmitPayout { payout } => {
                Wish::SubmitPayout { payout: self.payout(payout), reference: Some(text("SEPA-17")) }
            }
            Thing::ReportPayout { payout, word } => Wish::ReportPayout { payout: self.payout(payout), word },
            _ => Wish::Ticks,
        }
    }

    /// A new reading of a chip, or an earlier one of any chip.
    fn reading(&mut self, tag: usize, fresh: bool, earlier: Index) -> (String, u32, usize) {
        if !fresh && let Some(reading) = pick(&self.readings, earlier) {
            return reading.clone();
        }
        let url = self.chips[tag].touch([7; 5]).expect("few touches");
        self.readings.push((url, self.chips[tag].counter().value(), tag));
        self.readings.last().expect("just pushed").clone()
    }

    /// With some tap, or with the latest.
    fn word_to_pay(
        &mut self,
        whose: Option<u8>,
        which: Option<Index>,
        named: Named,
        tip: u64,
        forced: Option<Force>,
    ) -> Wish {
        let forced = forced.map(|force| match force {
            Force::ByAmount => Forced::ByAmount,
            Force::Declined => Forced::Declined(Rejection::Declined),
            Force::Processing { for_ms, succeeds } => Forced::Processing { for_ms, succeeds },
        });
        let tap = which.map_or(self.taps.last(), |which| pick(&self.taps, which));
        let Some((tap, order)) = tap.cloned() else {
            return Wish::Pay { wallet: wallet(0), tap: TapId::from_u128(1), money: None, tip, forced };
        };
        let tipping = order.as_ref().is_some_and(|order| order.details.as_ref().is_some_and(|details| details.tipping));
        let asked = order.and_then(|order| order.amount).unwrap_or(amount(5));
        let money = match named {
            Named::Nothing => None,
            Named::AsAsked => Some(Money::new(asked, tap.currency)),
            Named::Other(amount, currency) => Some(money_of(amount, currency)),
        };
        // Mostly where one may.
        let tip = if tipping || tip.is_multiple_of(7) { tip } else { 0 };
        let wallet = whose.map_or(tap.wallet, |whose| wallet(whose.into()));
        Wish::Pay { wallet, tap: tap.id, money, tip, forced }
    }

    fn order(&self, which: Index) -> (MerchantId, OrderId) {
        // Often one of the latest, which may still wait.
        let latest = &self.orders[self.orders.len().saturating_sub(2)..];
        let among = if which.index(2) > 0 { latest } else { &self.orders };
        let order = pick(among, which).copied().unwrap_or(OrderId::from_u128(1));
        let known = self.model.orders.iter().find(|known| known.id == order);
        (known.map_or(merchant(0), |order| order.merchant), order)
    }

    /// One of those that there are, and what is left of it.
    fn payment(&self, which: Index, left: fn(&payments::Payment) -> u64) -> (PaymentId, u64) {
        // Mostly one that has something left.
        let with_some: Vec<_> = self.model.payments.iter().filter(|payment| left(payment) > 0).collect();
        let payment = match pick(&with_some, which) {
            Some(payment) if which.index(8) > 0 => Some(*payment),
            _ => pick(&self.model.payments, which),
        };
        payment.map_or((PaymentId::from_u128(1), 1), |payment| (payment.id, left(payment)))
    }

    fn merchant_of(&self, stranger: Option<u8>, payment: PaymentId) -> MerchantId {
        let known = self.model.payments.iter().find(|known| known.id == payment);
        stranger.map(|who| merchant(who.into())).or(known.map(|known| known.merchant)).unwrap_or(merchant(0))
    }

    fn dispute(&self, stranger: Option<u8>, which: Index) -> (MerchantId, DisputeId) {
        let dispute = pick(&self.disputes, which).copied().unwrap_or(DisputeId::from_u128(1));
        let known = self.model.disputes.iter().find(|known| known.id == dispute);
        (stranger.map(|who| merchant(who.into())).or(known.map(|known| known.merchant)).unwrap_or(merchant(0)), dispute)
    }

    fn payout(&self, which: Index) -> PayoutId {
        let latest = &self.payouts[self.payouts.len().saturating_sub(2)..];
        let among = if which.index(2) > 0 { latest } else { &self.payouts };
        pick(among, which).copied().unwrap_or(PayoutId::from_u128(1))
    }
}

pub(super) fn text(words: &str) -> Text {
    Text::try_from(words.to_owned()).expect("a text")
}

fn some_of(left: u64, much: Much) -> Option<Amount> {
    match much {
        Much::All => None,
        Much::Part(part) => {
            let some = u128::from(left) * u128::from(part) / 256;
            Some(Amount::new(u64::try_from(some).expect("a part").max(1)).expect("an amount"))
        }
        Much::Beyond(more) => Some(Amount::new(left.saturating_add(more)).unwrap_or(Amount::MAX)),
    }
}

/// As whoever builds an action checks them; none if they cannot be.
fn order_details(details: &Details, merchant: MerchantId, asked: Asked) -> Option<Box<OrderDetails>> {
    let split = |(who, fixed, part): &(u8, bool, u64)| Split {
        merchant: crate::support::merchant((*who).into()),
        part: match fixed {
            true => SplitPart::Fixed(part % 700),
            false => SplitPart::Rate(BasisPoints::new(u32::try_from(*part).expect("small")).expect("a rate")),
        },
    };
    let reference = |number: u8| {
        let mut key = merchant.as_u128().to_be_bytes();
        key[0] = number;
        ReferenceKey(key)
    };
    let made = OrderDetails {
        hold_ms: details.hold_ms,
        tipping: details.tipping,
        splits: details.splits.iter().map(split).collect(),
        reference_key: details.reference.map(reference),
        ..OrderDetails::default()
    };
    let amount = match asked {
        Asked::Fixed(money) => Some(money.amount()),
        Asked::Open(_) => None,
    };
    made.check(merchant, amount).is_ok().then(|| Box::new(made))
}
