//! Disputes: the platform holds what they are about, and whoever is right gets it, once.

use payments::{
    Action, Answer, DISPUTABLE_MS, Dispute, DisputeStatus, EVIDENCE_MS, Evidence, OrderDetails, Owner, Payment,
    Recalled, Rejection, account_code,
};

use crate::support::shop::{Shop, daily};
use crate::support::{fen, merchant};

const DAY: u64 = 86_400_000;

fn shop_with_payment() -> (Shop, Payment) {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let payment = shop.sell(fen(1_000), OrderDetails::default()).unwrap();
    (shop, payment)
}

fn disputed(shop: &Shop) -> u64 {
    shop.holds(account_code::DISPUTED, Owner::Platform)
}

fn decide(shop: &mut Shop, dispute: &Dispute, won: bool) -> Result<Answer, Rejection> {
    shop.ask(Action::DecideDispute { dispute: dispute.id, won })
}

/// What can happen to a payment once it was made.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Refund(u64),
    Dispute(u64),
    Win,
    Lose,
}

/// Every order of two refunds, a dispute and its end: what goes back is never more than came.
#[test]
fn bug_02_no_order_of_refunds_and_a_dispute_pays_back_twice() {
    use Step::{Dispute as Open, Lose, Refund, Win};
    for end in [Win, Lose] {
        for amounts in [[1_000, 1_000, 1_000], [600, 400, 300], [300, 1, 700], [1, 1_000, 999]] {
            let [first, second, about] = amounts;
            let steps = [Refund(first), Refund(second), Open(about), end];
            for order in permutations(&steps) {
                let (mut shop, payment) = shop_with_payment();
                let mut dispute = None;
                for step in &order {
                    match step {
                        Refund(amount) => drop(shop.refund(payment.id, Some(*amount))),
                        Open(amount) => dispute = shop.dispute(payment.id, Some(*amount)).ok(),
                        Win | Lose => drop(dispute.as_ref().map(|dispute| decide(&mut shop, dispute, *step == Win))),
                    }
                    let now = shop.state.payment(payment.id).unwrap();
                    assert!(now.refunded + now.disputed <= 1_000, "{order:?}");
                    assert_eq!(shop.has(0) + shop.got(0) + disputed(&shop), 1_000, "{order:?}");
                    assert!(shop.has(0) <= 1_000 && disputed(&shop) <= now.disputed, "{order:?}");
                }
            }
        }
    }
}

fn permutations(steps: &[Step]) -> Vec<Vec<Step>> {
    if steps.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for place in 0..steps.len() {
        let mut rest = steps.to_vec();
        let first = rest.remove(place);
        all.extend(permutations(&rest).into_iter().map(|others| [vec![first], others].concat()));
    }
    all
}

#[test]
fn bug_02_what_a_dispute_is_about_cannot_be_refunded_and_the_other_way_round() {
    let (mut shop, payment) = shop_with_payment();
    let dispute = shop.dispute(payment.id, Some(700)).unwrap();
    assert_eq!((shop.has(0), shop.got(0), disputed(&shop)), (0, 300, 700));
    assert_eq!(shop.refund(payment.id, Some(301)), Err(Rejection::RefundExceedsPayment { refundable: 300 }));
    assert_eq!(shop.dispute(payment.id, None), Err(Rejection::DisputeOpen));
    shop.refund(payment.id, None).unwrap();
    decide(&mut shop, &dispute, false).unwrap();
    assert_eq!((shop.has(0), shop.got(0), disputed(&shop)), (1_000, 0, 0));
    for again in [true, false] {
        assert_eq!(decide(&mut shop, &dispute, again), Err(Rejection::DisputeClosed));
    }
    assert_eq!(shop.dispute(payment.id, None), Err(Rejection::RefundExceedsPayment { refundable: 0 }));
    assert_eq!(shop.refund(payment.id, None), Err(Rejection::RefundExceedsPayment { refundable: 0 }));
}

#[test]
fn what_was_won_can_be_refunded_or_disputed_again() {
    let (mut shop, payment) = shop_with_payment();
    for _ in 0..3 {
        let dispute = shop.dispute(payment.id, None).unwrap();
        assert_eq!((shop.got(0), disputed(&shop)), (0, 1_000));
        decide(&mut shop, &dispute, true).unwrap();
        assert_eq!((shop.got(0), disputed(&shop)), (1_000, 0));
    }
    shop.refund(payment.id, None).unwrap();
    assert_eq!((shop.has(0), shop.got(0)), (1_000, 0));
}

#[test]
fn a_dispute_that_nobody_answers_is_lost_at_its_millisecond() {
    for (early, expected) in [(1, 0), (0, 1_000)] {
        let (mut shop, payment) = shop_with_payment();
        let dispute = shop.dispute(payment.id, None).unwrap();
        shop.wait(EVIDENCE_MS - early);
        shop.ticks();
        assert_eq!(shop.has(0), expected, "{early} ms before");
        let evidence = Evidence::try_from("slip".to_owned()).unwrap();
        let answer = shop.ask(Action::AnswerDispute { merchant: merchant(0), dispute: dispute.id, evidence });
        assert_eq!(answer.is_ok(), early > 0);
        shop.wait(EVIDENCE_MS);
        shop.ticks();
        assert_eq!(shop.has(0), expected, "one that was answered waits for the platform");
    }
}

#[test]
fn a_payment_can_be_disputed_for_so_long_and_no_longer() {
    for (age, expected) in [(DISPUTABLE_MS - 1, None), (DISPUTABLE_MS, Some(Rejection::DisputeTooLate))] {
        let (mut shop, payment) = shop_with_payment();
        shop.wait(age);
        assert_eq!(shop.dispute(payment.id, None).err(), expected);
    }
}

/// A dispute takes what it is about though the merchant has been paid out: it owes it then.
#[test]
fn a_dispute_of_what_was_paid_out_makes_a_debt_that_the_next_window_repays() {
    let (mut shop, payment) = shop_with_payment();
    shop.settle(0, daily());
    shop.wait(DAY);
    shop.ticks();
    let owner = Owner::Merchant(merchant(0));
    assert_eq!(shop.holds(account_code::PAYOUTS_IN_TRANSIT, Owner::Platform), 1_000);
    let dispute = shop.dispute(payment.id, Some(400)).unwrap();
    assert_eq!(shop.holds(account_code::MERCHANT_DEBT, owner), 400);
    shop.deposit(0, fen(1_000));
    shop.sell(fen(1_000), OrderDetails::default()).unwrap();
    shop.wait(DAY);
    shop.ticks();
    assert_eq!(shop.holds(account_code::MERCHANT_DEBT, owner), 0);
    assert_eq!(shop.holds(account_code::PAYOUTS_IN_TRANSIT, Owner::Platform), 1_600);
    decide(&mut shop, &dispute, true).unwrap();
    assert_eq!(shop.got(0), 400, "what is won gathers in the open window");
}

/// The payment was forgotten long ago; the tick says that it needs it.
#[test]
fn an_unanswered_dispute_of_a_forgotten_payment_recalls_it() {
    let (mut shop, payment) = shop_with_payment();
    let dispute = shop.dispute(payment.id, None).unwrap();
    let stored = shop.state.payment(payment.id).unwrap().clone();
    shop.state.forget(shop.state.position());
    assert_eq!(shop.state.payment(payment.id), None);
    shop.wait(EVIDENCE_MS);
    let tick = payments::Command { now: shop.now, request: None, action: Action::Tick };
    assert_eq!(shop.state.next_need(&tick, &[]), Some(payments::Need::Payment(payment.id)));
    shop.state.recall(Recalled::Payment(stored));
    assert_eq!(shop.state.next_need(&tick, &[]), None);
    shop.ticks();
    assert_eq!(shop.has(0), 1_000);
    let lost = DisputeStatus::Lost { at: shop.now };
    assert_eq!(shop.state.dispute(dispute.id).map(|dispute| dispute.status), Some(lost));
}

#[test]
fn strangers_neither_dispute_nor_answer() {
    let (mut shop, payment) = shop_with_payment();
    let dispute = shop.dispute(payment.id, Some(1)).unwrap().id;
    let evidence = || Evidence::try_from("slip".to_owned()).unwrap();
    let answer = Action::AnswerDispute { merchant: merchant(1), dispute, evidence: evidence() };
    assert_eq!(shop.ask(answer), Err(Rejection::NotFound));
    assert_eq!(shop.ask(Action::AcceptDispute { merchant: merchant(1), dispute }), Err(Rejection::NotFound));
    let theirs = shop.tap(1, 1);
    shop.deposit(1, fen(5));
    let theirs = shop.pay(1, theirs.id, Some(fen(5))).unwrap();
    assert_eq!(shop.dispute(theirs.id, None), Err(Rejection::NotFound));
}
