//! Schemas of what other crates define: ids, amounts, currencies, moments. Types without values, named in the
//! descriptions of fields only.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde_json::{Value, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::query::MAX_LIMIT;

/// The largest amount that can be asked for or paid.
const MAX_AMOUNT: i64 = i64::MAX;

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident => $schema:expr;)*) => { $(
        $(#[$doc])*
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                RefOr::T($schema.into())
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )* };
}

named! {
    /// An order's id.
    OrderId => id("an order", "ord");
    /// A tap's id.
    TapId => id("a tap", "tap");
    /// A payment's id.
    PaymentId => id("a payment", "pay");
    /// A tag's id.
    TagId => id("a tag", "tag");
    /// A merchant's id.
    MerchantId => id("a merchant", "mch");
    /// A store's id.
    StoreId => id("a store", "sto");
    /// A till's id.
    TillId => id("a till", "til");
    /// A wallet's id.
    WalletId => id("a wallet", "wlt");
    /// A place in a wallet's history.
    HistoryCursor => text(Some("A place in a wallet's history."), "4711", Some("^[0-9]{1,20}$"));
    /// A currency.
    Currency => text(Some("An active ISO 4217 currency with a minor unit."), "CNY", Some("^[A-Z]{3}$"));
    /// A moment.
    Timestamp => text(
        Some("A moment: RFC 3339, UTC, milliseconds."),
        "2026-11-22T12:30:00.000Z",
        Some(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"),
    );
    /// An amount and its currency.
    Money => money();
}

fn id(of: &str, prefix: &str) -> Schema {
    let example = format!("{prefix}_01h455vb4pex5vsknk084sn02q");
    let pattern = format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$");
    text(Some(&format!("Names {of}.")), &example, Some(&pattern))
}

/// The schema of a text.
pub(crate) fn text(description: Option<&str>, example: &str, pattern: Option<&str>) -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String).description(description).pattern(pattern);
    text.examples([Value::from(example)]).build().into()
}

fn money() -> Schema {
    let amount = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(utoipa::openapi::SchemaFormat::Custom("int64".to_owned())))
        .description(Some("A whole number of the currency's minor unit: 1250 is 12.50 CNY, 1250 JPY or 1.250 KWD."))
        .minimum(Some(1_i64))
        .maximum(Some(MAX_AMOUNT))
        .examples([json!(1_250)]);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("An amount and its currency."))
        .property("amount", amount)
        .required("amount")
        .property("currency", Currency::schema())
        .required("currency")
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        .build()
        .into()
}

/// The parameters of every list; `C` is what its items are known by.
pub(crate) struct Paging<C>(PhantomData<C>);

impl<C: PartialSchema> IntoParams for Paging<C> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let query = |name: &str, description: &str| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(description))
        };
        let limit = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1_u32))
            .maximum(Some(MAX_LIMIT))
            .default(Some(json!(20)));
        vec![
            query("limit", "The most items.").schema(Some(limit)).build(),
            query("starting_after", "The last item of the part before.").schema(Some(C::schema())).build(),
        ]
    }
}
