//! Old forms of what the journal holds. They are read for ever; what is written today says more.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An order before it could have details.
pub(crate) mod order {
    use ids::{MerchantId, OrderId, TagId};
    use money::{Amount, Currency};

    use super::*;
    use crate::model::{Text, UnixMillis};
    use crate::order::{Order, OrderStatus};

    #[derive(Serialize, Deserialize)]
    struct Old<'a> {
        id: OrderId,
        merchant: MerchantId,
        tag: TagId,
        currency: Currency,
        amount: Option<Amount>,
        description: Option<Cow<'a, Text>>,
        reference: Option<Cow<'a, Text>>,
        created_at: UnixMillis,
        expires_at: UnixMillis,
        status: OrderStatus,
    }

    pub(crate) fn serialize<S: Serializer>(order: &Order, serializer: S) -> Result<S::Ok, S::Error> {
        let old = Old {
            id: order.id,
            merchant: order.merchant,
            tag: order.tag,
            currency: order.currency,
            amount: order.amount,
            description: order.description.as_ref().map(Cow::Borrowed),
            reference: order.reference.as_ref().map(Cow::Borrowed),
            created_at: order.created_at,
            expires_at: order.expires_at,
            status: order.status,
        };
        old.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Order, D::Error> {
        let old = Old::deserialize(deserializer)?;
        Ok(Order {
            id: old.id,
            merchant: old.merchant,
            tag: old.tag,
            currency: old.currency,
            amount: old.amount,
            description: old.description.map(Cow::into_owned),
            reference: old.reference.map(Cow::into_owned),
            created_at: old.created_at,
            expires_at: old.expires_at,
            status: old.status,
            details: None,
        })
    }
}

/// A payment before there were holds, fees and receivers: all of it moved at once, to the merchant.
pub(crate) mod payment {
    use ids::{AccountId, MerchantId, OrderId, PaymentId, TagId, TapId, WalletId};
    use money::{Amount, Currency};

    use super::*;
    use crate::event::{Leg, Moved, transfer_code};
    use crate::model::{Text, UnixMillis};
    use crate::payment::{Beginning, Payment, PaymentStatus};

    #[derive(Serialize, Deserialize)]
    struct Old<'a> {
        id: PaymentId,
        wallet: WalletId,
        merchant: MerchantId,
        tag: TagId,
        tap: TapId,
        order: Option<OrderId>,
        description: Option<Cow<'a, Text>>,
        currency: Currency,
        amount: Amount,
        created_at: UnixMillis,
        debit_account: AccountId,
        credit_account: AccountId,
    }

    pub(crate) fn serialize<S: Serializer>(moved: &Moved<Payment>, serializer: S) -> Result<S::Ok, S::Error> {
        let payment = &moved.what;
        let [leg] = moved.legs.as_slice() else {
            return Err(serde::ser::Error::custom("the old form of a payment has one movement"));
        };
        let old = Old {
            id: payment.id,
            wallet: payment.wallet,
            merchant: payment.merchant,
            tag: payment.tag,
            tap: payment.tap,
            order: payment.order,
            description: payment.description.as_ref().map(Cow::Borrowed),
            currency: payment.currency,
            amount: payment.amount,
            created_at: payment.created_at,
            debit_account: leg.debit,
            credit_account: leg.credit,
        };
        old.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moved<Payment>, D::Error> {
        let old = Old::deserialize(deserializer)?;
        let amount = old.amount.minor_units();
        let leg = Leg { code: transfer_code::PAYMENT, debit: old.debit_account, credit: old.credit_account, amount };
        let what = Payment {
            id: old.id,
            wallet: old.wallet,
            merchant: old.merchant,
            tag: old.tag,
            tap: old.tap,
            order: old.order,
            description: old.description.map(Cow::into_owned),
            currency: old.currency,
            amount: old.amount,
            created_at: old.created_at,
            began: Beginning::Captured,
            tip: 0,
            fee: 0,
            captured: amount,
            refunded: 0,
            disputed: 0,
            open_dispute: None,
            shares: Vec::new(),
            status: PaymentStatus::Succeeded,
        };
        Ok(Moved { what, legs: vec![leg] })
    }
}

/// A deposit, whose form has not changed, as a movement.
pub(crate) mod deposit {
    use ids::AccountId;

    use super::*;
    use crate::event::{Leg, Moved, transfer_code};
    use crate::model::Deposit;

    #[derive(Serialize, Deserialize)]
    struct Old {
        deposit: Deposit,
        debit_account: AccountId,
        credit_account: AccountId,
    }

    pub(crate) fn serialize<S: Serializer>(moved: &Moved<Deposit>, serializer: S) -> Result<S::Ok, S::Error> {
        let [leg] = moved.legs.as_slice() else {
            return Err(serde::ser::Error::custom("a deposit has one movement"));
        };
        Old { deposit: moved.what, debit_account: leg.debit, credit_account: leg.credit }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moved<Deposit>, D::Error> {
        let Old { deposit, debit_account, credit_account } = Old::deserialize(deserializer)?;
        let amount = deposit.amount.minor_units();
        let leg = Leg { code: transfer_code::DEPOSIT, debit: debit_account, credit: credit_account, amount };
        Ok(Moved { what: deposit, legs: vec![leg] })
    }
}
