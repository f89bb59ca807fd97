//! Schemas of what other crates define: ids, amounts, currencies, moments. Types without values, named in the
//! descriptions of fields only.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde_json::{Value, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Required, Schema, SchemaFormat};
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
    /// A capture's id.
    CaptureId => id("a capture", "cap");
    /// A refund's id.
    RefundId => id("a refund", "ref");
    /// A dispute's id.
    DisputeId => id("a dispute", "dsp");
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
    /// A key's id.
    KeyId => id("a key", "key");
    /// The id of a line of the audit log.
    AuditEntryId => id("a line of the audit log", "aud");
    /// A webhook endpoint's id.
    WebhookEndpointId => id("a webhook endpoint", "whe");
    /// A delivery's id.
    DeliveryId => id("a delivery", "dlv");
    /// An event's id.
    EventId => id("an event", "evt");
    /// A settlement's id.
    SettlementId => id("a settlement", "stl");
    /// A payout's id.
    PayoutId => id("a payout", "po");
    /// A break's id.
    BreakId => id("a break", "brk");
    /// A place in a settlement.
    EntryCursor => text(Some("A place in a settlement."), "4711-0", Some("^[0-9]{1,19}-[0-9]{1,9}$"));
    /// A merchant's id, or `me`.
    MerchantOrMe => id_or_me("merchant", "mch");
    /// A wallet's id, or `me`.
    WalletOrMe => id_or_me("wallet", "wlt");
    /// A merchant category code.
    Mcc => registered(
        "What trade it is in: a merchant category code of ISO 18245.", "5814", "^[0-9]{4}$", "merchant-category-code",
    );
    /// A country.
    Country => registered("An assigned country code of ISO 3166-1.", "CN", "^[A-Z]{2}$", "country-code");
    /// A time zone.
    TimeZone => registered(
        "A time zone of the IANA database.", "Asia/Shanghai", r"^[A-Za-z0-9_+/-]{1,64}$", "time-zone",
    );
    /// An international bank account number.
    Iban => registered(
        "An international bank account number (ISO 13616), with its check digits.", "DE89370400440532013000",
        "^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}$", "iban",
    );
    /// Part of a bank account that is not an IBAN.
    AccountPart => text(
        Some("Letters and digits, with hyphens and spaces between them."), "102290000013",
        Some("^[A-Za-z0-9]([A-Za-z0-9 -]{0,32}[A-Za-z0-9])?$"),
    );
    /// An e-mail address.
    Email => email();
    /// Words for people, on one line.
    Words => words(140);
    /// A merchant's own name for an order.
    OrderReference => words(64);
    /// What a merchant says in a dispute.
    Evidence => evidence();
    /// A pattern of event types.
    EventPattern => event_pattern();
    /// Where a webhook endpoint is.
    EndpointUrl => endpoint_url();
    /// What a tag says.
    TouchUrl => touch_url();
    /// A moment as it is asked for.
    Moment => moment();
    /// A day.
    Day => day();
    /// A time of day.
    TimeOfDay => text(
        Some("`24:00:00` is the end of the day."), "18:00:00",
        Some("^(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]|24:00:00)$"),
    );
    /// Another system's name for something.
    Reference => text(Some("Another system's name for it, unique among its likes."), "S-0001", Some("^[!-~]{1,64}$"));
    /// A name.
    Name => name();
    /// What a key may be used for.
    Scope => scope();
    /// Notes by name.
    Metadata => metadata();
    /// Bank accounts by currency.
    PayoutAccounts => payout_accounts();
    /// A price.
    FeeRate => fee_rate();
    /// A day of the week.
    Weekday => weekday();
    /// Which business days end with a settlement.
    Schedule => schedule();
    /// What is held back.
    SettlementReserve => reserve();
    /// An event of a stream, by its lines.
    StreamedEvent => streamed_event();
    /// Some object.
    AnyObject => any_object();
    /// A postal address.
    Address => address();
    /// A point on the earth.
    Position => position();
    /// When a store is open.
    OpeningHours => opening_hours();
    /// A place in a wallet's history.
    HistoryCursor => text(Some("A place in a wallet's history."), "4711", Some("^[0-9]{1,20}$"));
    /// A currency.
    Currency => registered("An active ISO 4217 currency with a minor unit.", "CNY", "^[A-Z]{3}$", "currency");
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

/// The schema of an entry of a register: the pattern says what it looks like, and the format which register it is.
fn registered(description: &str, example: &str, pattern: &str, format: &str) -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String).description(Some(description)).pattern(Some(pattern));
    let text = text.format(Some(SchemaFormat::Custom(format.to_owned())));
    text.examples([Value::from(example)]).build().into()
}

fn id_or_me(of: &str, prefix: &str) -> Schema {
    let pattern = format!("^(me|{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}})$");
    text(Some(&format!("Names a {of}; `me` is the one that asks.")), "me", Some(&pattern))
}

/// Words that people read: no control characters and nothing that turns the writing direction, and not all blank.
fn readable(most: usize) -> ObjectBuilder {
    let refused = r"\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069";
    let blank = r"\u0020\u00A0\u1680\u2000-\u200D\u2028\u2029\u202F\u205F\u2060\u3000\uFEFF";
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(most));
    text.pattern(Some(format!("^[^{refused}]*[^{refused}{blank}][^{refused}]*$")))
}

fn words(most: usize) -> Schema {
    readable(most).description(Some("Words on one line, in any script.")).build().into()
}

fn evidence() -> Schema {
    let refused = r"\u0000-\u0009\u000B-\u001F\u007F-\u009F";
    let blank = r"\u000A\u0020\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000";
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(4_000));
    let text = text.pattern(Some(format!("^[^{refused}]*[^{refused}{blank}][^{refused}]*$")));
    text.description(Some("Words, on as many lines as it takes.")).build().into()
}

fn email() -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(254));
    let text = text.format(Some(SchemaFormat::KnownFormat(KnownFormat::Email)));
    let text = text.pattern(Some(r"^[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+$"));
    text.description(Some("An e-mail address.")).examples([json!("owner@example.com")]).build().into()
}

fn event_pattern() -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(64));
    let text = text.pattern(Some(r"^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$"));
    text.description(Some("All events, a family, or one type.")).examples([json!("payment.*")]).build().into()
}

fn endpoint_url() -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(2_048));
    let text = text.format(Some(SchemaFormat::Custom("public-url".to_owned()))).pattern(Some("^https?://[!-~]+$"));
    text.examples([json!("https://example.com/tapstone")]).build().into()
}

fn touch_url() -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(512));
    let text = text.pattern(Some(
        r"^[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9.:-]+/([A-Za-z0-9._~-]+/)*t\?e=[0-9A-Fa-f]{32}&c=[0-9A-Fa-f]{16}$",
    ));
    let example = "https://pay.example/t?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086";
    text.examples([json!(example)]).build().into()
}

fn moment() -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let text = text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    text.description(Some("A moment of RFC 3339.")).examples([json!("2026-11-22T12:30:00Z")]).build().into()
}

fn day() -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String);
    text.format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).examples([json!("2027-01-01")]).build().into()
}

fn name() -> Schema {
    readable(80).description(Some("A name that people read.")).examples([json!("West Lake")]).build().into()
}

fn scope() -> Schema {
    let scopes = ["read", "write", "refund", "settle"];
    let text = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(scopes));
    text.description(Some("What a key may be used for.")).build().into()
}

fn payout_accounts() -> Schema {
    let text = |example: &str| {
        let text = ObjectBuilder::new().schema_type(Type::String).examples([json!(example)]);
        RefOr::T(text.build().into())
    };
    let members = [
        ("type", text("iban")),
        ("last_four", text("3000")),
        ("holder", text("Lantern Tea Company Limited")),
        ("country", text("DE")),
        ("bank_code", text("102290000013")),
    ];
    let account = object("A bank account, `iban` or `local`; not its whole number.", 3, members);
    let accounts = ObjectBuilder::new().schema_type(Type::Object);
    accounts.additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(account)))).build().into()
}

fn whole(description: &str, least: u32, most: u64) -> RefOr<Schema> {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most));
    RefOr::T(number.description(Some(description)).build().into())
}

fn fee_rate() -> Schema {
    let tier = object(
        "A price that holds from a volume on.",
        3,
        [
            (
                "from_volume",
                whole("What must have been captured in the month before, in minor units; first 0.", 0, u64::MAX),
            ),
            ("rate", whole("Basis points: hundredths of a percent.", 0, 10_000)),
            ("fixed", whole("Charged besides, in minor units.", 0, u64::MAX)),
        ],
    );
    let optional = |description: &str| {
        let number = ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::SchemaType::from_iter([Type::Integer, Type::Null]));
        RefOr::T(number.minimum(Some(0_u32)).maximum(Some(u64::MAX)).description(Some(description)).build().into())
    };
    let method =
        ObjectBuilder::new().schema_type(utoipa::openapi::schema::SchemaType::from_iter([Type::String, Type::Null]));
    let method = method
        .enum_values(Some([json!("tap"), Value::Null]))
        .description(Some("The method that is priced; `null` prices every method that has no rate of its own."));
    let tiers = ArrayBuilder::new().items(RefOr::T(tier)).min_items(Some(1)).max_items(Some(20));
    object(
        "The prices of one currency. A capture costs the tier's rate of it, rounded half up, and the fixed part; at \
         least the minimum, at most the maximum, and never more than the capture.",
        2,
        [
            ("currency", Currency::schema()),
            ("tiers", RefOr::T(tiers.build().into())),
            ("method", RefOr::T(method.build().into())),
            ("minimum", optional("The least fee of a capture, in minor units.")),
            ("maximum", optional("The highest fee of a capture, in minor units.")),
        ],
    )
}

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

fn weekday() -> Schema {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(WEEKDAYS)).build().into()
}

fn schedule() -> Schema {
    let daily = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["daily"])).build();
    let weekly = object(
        "Once a week: after this weekday, or the first business day after it.",
        1,
        [("weekly", Weekday::schema())],
    );
    utoipa::openapi::schema::OneOfBuilder::new().item(daily).item(weekly).build().into()
}

fn reserve() -> Schema {
    object(
        "A part of each settlement that is held back for a while.",
        2,
        [
            ("rate", whole("Basis points of the net amount.", 1, 10_000)),
            ("days", whole("For how many days.", 1, 1_000)),
        ],
    )
}

/// OpenAPI 3.1 does not say what the schema of `text/event-stream` is of: this one is of each event, by the names of its
/// lines, and says in the words of JSON Schema what the text of its data is.
fn streamed_event() -> Schema {
    let line = |description: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(description));
    let mut data = line("The event.").content_media_type("application/json").build();
    let event = json!(Ref::from_schema_name("Event"));
    data.extensions.get_or_insert_default().insert("contentSchema".to_owned(), event);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("An event of a stream, by its lines."))
        .property("id", line("Its journal position, in decimal."))
        .required("id")
        .property("event", line("Its type."))
        .required("event")
        .property("data", data)
        .required("data")
        .build()
        .into()
}

fn any_object() -> Schema {
    let object = ObjectBuilder::new().schema_type(Type::Object);
    object.additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true))).build().into()
}

fn metadata() -> Schema {
    let note = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(500));
    let note = note.pattern(Some(r"^[^\u0000-\u001F\u007F-\u009F]+$"));
    let names = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_.-]{1,40}$"));
    let mut notes = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("Your notes: at most 20, by name."))
        .property_names(Some(names))
        .additional_properties(Some(note))
        .examples([json!({ "erp_id": "77-1" })])
        .build();
    notes.max_properties = Some(20);
    notes.into()
}

/// An object of these members, the required ones first, and no others.
fn object<const N: usize>(description: &str, required: usize, members: [(&str, RefOr<Schema>); N]) -> Schema {
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    let add = |object: ObjectBuilder, (index, (name, schema)): (usize, (&str, RefOr<Schema>))| {
        let object = object.property(name, schema);
        if index < required { object.required(name) } else { object }
    };
    members.into_iter().enumerate().fold(object, add).build().into()
}

fn address() -> Schema {
    let name = Name::schema;
    let members = [
        ("line1", name()),
        ("city", name()),
        ("country", Country::schema()),
        ("line2", name()),
        ("region", name()),
        ("postal_code", name()),
    ];
    object("A postal address, by its parts.", 3, members)
}

fn position() -> Schema {
    let degrees = |most: i64| {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(-most)).maximum(Some(most));
        RefOr::T(number.build().into())
    };
    let members = [("latitude_microdegrees", degrees(90_000_000)), ("longitude_microdegrees", degrees(180_000_000))];
    object("A point on the earth (WGS 84), in millionths of a degree; north and east are positive.", 2, members)
}

fn opening_hours() -> Schema {
    let range = || {
        let text = ObjectBuilder::new().schema_type(Type::String).examples([json!("09:00-18:30")]);
        text.pattern(Some("^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$|^00:00-24:00$"))
    };
    let ranges = || RefOr::T(ArrayBuilder::new().items(range()).max_items(Some(8)).build().into());
    object(
        "When a store is open, by the day of the week and its own clocks. A range that ends no later than it begins ends \
         the next day; `00:00-24:00` is all day; a day without ranges is closed.",
        0,
        WEEKDAYS.map(|day| (day, ranges())),
    )
}

fn money() -> Schema {
    let amount = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::Custom("int64".to_owned())))
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

macro_rules! filters {
    ($($(#[$doc:meta])* $name:ident => $parameter:literal, $schema:ty, $description:literal;)*) => { $(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                let filter = ParameterBuilder::new()
                    .name($parameter)
                    .parameter_in(ParameterIn::Query)
                    .required(Required::False)
                    .description(Some($description))
                    .schema(Some(<$schema>::schema()));
                vec![filter.build()]
            }
        }
    )* };
}

filters! {
    /// The parameter of lists that a merchant can be named for.
    ByMerchant => "merchant", MerchantId, "Only what belongs to this merchant.";
    /// The parameter of lists that an order can be named for.
    ByOrder => "order", OrderId, "Only what is of this order.";
    /// The parameter of lists that a payment can be named for.
    ByPayment => "payment", PaymentId, "Only what is of this payment.";
    /// The parameter of lists that a wallet can be named for.
    ByWallet => "wallet", WalletId, "Only what is of this wallet.";
    /// The parameter of lists that a currency can be named for.
    ByCurrency => "currency", Currency, "Only what is in this currency.";
    /// The parameter of lists that a store can be named for.
    ByStore => "store", StoreId, "Only what is in this store.";
    /// The parameter of lists that a till can be named for.
    ByTill => "till", TillId, "Only what is this till's.";
    /// The parameter of lists that a key can be named for.
    ByKey => "key", KeyId, "Only what this key asked for.";
}

/// The parameters of lists that can be of a span of time.
pub(crate) struct Created;

impl IntoParams for Created {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let moment = |name: &str, description: &str| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(description))
                .schema(Some(Moment::schema()))
                .build()
        };
        vec![
            moment("created_after", "Only what was created at this moment or later (RFC 3339)."),
            moment("created_before", "Only what was created before this moment (RFC 3339)."),
        ]
    }
}

/// The parameter of lists that can be searched.
pub(crate) struct Search;

impl IntoParams for Search {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(80));
        let search = ParameterBuilder::new()
            .name("search")
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some("Only what has this in one of its names or in its reference, in capitals or not."))
            .schema(Some(text.examples([json!("lake")])));
        vec![search.build()]
    }
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
