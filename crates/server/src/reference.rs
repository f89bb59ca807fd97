//! The API's description: OpenAPI 3.1, made from the handlers and their types.
//!
//! Each handler names what is particular to it. [`complete`] adds what follows from its kind: a request with a token can
//! be refused for the token, one with a body for the body, and so on.

pub(crate) mod schema;

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response as HttpResponse};
use serde_json::{Value, json};
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, Content, ContentBuilder, Header, InfoBuilder, LicenseBuilder, OpenApi, Ref, RefOr, Required,
    ServerBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::app::{App, api_routes};
use crate::idempotency::IDEMPOTENCY_KEY;
use crate::observe::REQUEST_ID;
use crate::problem::{Code, Document, PROBLEM_JSON};

/// Declares a type that stands in a handler's description for problems of its own.
macro_rules! problems {
    ($name:ident: $($code:ident),* $(,)?) => {
        struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::response::Response>,
            > {
                $crate::reference::responses([$($crate::problem::Code::$code),*])
            }
        }
    };
}

pub(crate) use problems;

const DESCRIPTION: &str = "\
Tapstone moves money when a phone touches a tag. A merchant creates an **order** at a tag, a **wallet** touches the tag \
(a **tap**), sees the order and makes a **payment**; the merchant hears of it over `GET /v1/events`.

- Requests carry `Authorization: Bearer <token>`: a merchant's key (`mk_…`), the key of one of its tills (`tk_…`), a \
wallet's token (`wt_…`) or an operator's key (`op_…`). Keys have scopes, `read`, `write`, `refund` and `settle`; each \
operation says which it needs.
- Amounts are whole numbers of the currency's minor unit, up to 2^63 - 1: read them as 64-bit integers.
- Ids are TypeIDs: what they name, an underscore, 26 characters.
- Lists come newest first, in parts: `starting_after` is the last id of the part before.
- A POST with an `Idempotency-Key` can be repeated without fear: the same key and body get the same answer for ever, \
failures included. Only `nothing_to_pay` is no answer yet.
- A key may ask so often and no more: `RateLimit-Remaining` says what is left, and 429 `rate_limited` comes with \
`Retry-After`.
- Errors are problem documents (RFC 9457). Programs go by `code`; `field` names the part of the request at fault. 4xx is \
the caller's to change, 5xx is ours: try again.
";

const TAGS: &[(&str, &str)] = &[
    ("orders", "What merchants ask to be paid."),
    ("taps", "A phone has touched a tag."),
    ("payments", "Money that moved from a wallet to a merchant, or is held for it."),
    ("refunds", "Money that went back."),
    ("disputes", "A payer's word against a payment."),
    ("balance", "What a merchant has, what gathers for it, what it owes."),
    ("settlements", "What a merchant was owed for a business day, and what it was made of."),
    ("payouts", "Settled money on its way to a merchant's bank."),
    ("breaks", "Where payments, ledger and bank do not agree."),
    ("wallets", "Whose they are, what they hold, what has moved."),
    ("merchants", "Those who are paid."),
    ("stores", "The places of merchants."),
    ("tills", "The places to pay in a store."),
    ("keys", "What opens the API: for whom, and what for."),
    ("imports", "Merchants, stores, tills and tags from tables."),
    ("audit_log", "Who changed what."),
    ("tags", "The chips that shoppers touch."),
    ("events", "What happens, as it happens."),
    ("webhooks", "Your server is told of what happens."),
    ("sandbox", "Trying out: time set forward, shoppers who pay when told to. Not where money is real."),
    ("operations", "How the server is."),
];

/// Who bears which kind of token.
const SCHEMES: [(&str, &str); 4] = [
    ("operator_key", "A key of whoever runs the platform, `op_…`."),
    ("merchant_key", "A merchant's key, `mk_…`. An operation names the scope that the key must have."),
    (
        "till_key",
        "A key of one of the merchant's tills, `tk_…`: it asks for payment at its own tags, and sees what is asked and \
         paid in its store.",
    ),
    ("wallet_token", "A wallet's token, `wt_…`."),
];

/// What can go wrong wherever a token is asked for.
const OF_TOKENS: [Code; 6] = [
    Code::Unauthenticated,
    Code::Forbidden,
    Code::InsufficientScope,
    Code::InvalidField,
    Code::RateLimited,
    Code::Internal,
];

/// What can go wrong wherever a body is sent and something is decided.
const OF_COMMANDS: [Code; 7] = [
    Code::MalformedJson,
    Code::RequestTimeout,
    Code::IdempotencyConflict,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::Unavailable,
    Code::DiskFull,
];

/// The API's description, as the server gives it at `/openapi.json`.
pub fn openapi_json() -> String {
    render(&complete(api_routes().into_openapi()))
}

/// `GET /openapi.json`.
pub(crate) async fn document(State(app): State<App>) -> HttpResponse {
    let mut response = app.openapi().to_owned().into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The document as text.
pub(crate) fn render(api: &OpenApi) -> String {
    // Nothing in the document can fail to serialise.
    api.to_pretty_json().unwrap_or_default()
}

/// Adds to the handlers' descriptions what goes without saying there.
pub(crate) fn complete(mut api: OpenApi) -> OpenApi {
    api.info = InfoBuilder::new()
        .title("Tapstone")
        .version("1")
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    api.servers = Some(vec![ServerBuilder::new().url("/").build()]);
    let tag =
        |(name, description): &(&str, &str)| TagBuilder::new().name(*name).description(Some(*description)).build();
    api.tags = Some(TAGS.iter().map(tag).collect());
    let components = api.components.get_or_insert_with(|| ComponentsBuilder::new().build());
    components.schemas.insert(Document::name().into(), Document::schema());
    components.schemas.insert(schema::Money::name().into(), schema::Money::schema());
    for (name, description) in SCHEMES {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        components.add_security_scheme(name, SecurityScheme::Http(bearer));
    }
    state_choices(&mut components.schemas);
    if let Some(data) = components.schemas.get_mut("EventData") {
        accept_any(data);
    }
    let optional = optional_bodies(&components.schemas);
    for (path, item) in &mut api.paths.paths {
        operations(item).for_each(|(operation, _)| free_body(operation, &optional));
        if path.starts_with("/v1/") {
            operations(item).for_each(|(operation, is_command)| complete_operation(operation, is_command));
        }
    }
    api
}

/// What a type cannot say of its fields: which of them exclude or need each other. One keyword for each type, since the
/// order of several would be another each time.
fn choices() -> [(&'static str, &'static str, Value); 4] {
    let either = |one: &[&str], other: &[&str]| {
        let only = |these: &[&str], others: &[&str]| {
            let without: serde_json::Map<_, _> = others.iter().map(|name| ((*name).to_owned(), json!(false))).collect();
            json!({ "required": these, "properties": without })
        };
        json!([only(one, other), only(other, one)])
    };
    let holds = json!([
        { "properties": { "hold_expires_in_seconds": false } },
        { "properties": { "capture": { "const": "manual" } }, "required": ["capture"] },
    ]);
    let tills = json!({ "items": { "enum": ["read", "write", "refund"] } });
    [
        ("NewOrder", "allOf", json!([{ "oneOf": either(&["amount"], &["currency"]) }, { "anyOf": holds }])),
        ("NewSplit", "oneOf", either(&["amount"], &["basis_points"])),
        ("BankAccount", "oneOf", either(&["iban"], &["bank_code", "account_number"])),
        ("NewKey", "anyOf", json!([{ "properties": { "till": false } }, { "properties": { "scopes": tills } }])),
    ]
}

/// Turns one of several into any of them. Which of them an event's data is, its type says: what fits one may fit another.
fn accept_any(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::OneOf(choice)) = schema {
        let items = std::mem::take(&mut choice.items);
        let any = items.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item);
        *schema = RefOr::T(any.build().into());
    }
}

fn state_choices(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    for (name, keyword, choice) in choices() {
        if let Some(RefOr::T(Schema::Object(object))) = schemas.get_mut(name) {
            object.extensions.get_or_insert_default().insert(keyword.to_owned(), choice);
        }
    }
}

/// The bodies that need not be sent, since none of their fields must be there.
fn optional_bodies(schemas: &BTreeMap<String, RefOr<Schema>>) -> BTreeSet<String> {
    let is_optional = |schema: &RefOr<Schema>| matches!(schema, RefOr::T(Schema::Object(it)) if it.required.is_empty());
    let optional = schemas.iter().filter(|(_, schema)| is_optional(schema));
    optional.map(|(name, _)| Ref::from_schema_name(name).ref_location).collect()
}

fn free_body(operation: &mut Operation, optional: &BTreeSet<String>) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    let is_optional = |content: &RefOr<Content>| match content {
        RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) => optional.contains(&schema.ref_location),
        _ => false,
    };
    if body.content.values().all(is_optional) {
        body.required = Some(Required::False);
    }
}

/// An item's operations, and whether they decide something.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&mut Operation, bool)> {
    let plain = item.get.iter_mut().chain(&mut item.delete).map(|plain| (plain, false));
    plain.chain(item.post.iter_mut().map(|post| (post, true)))
}

fn complete_operation(operation: &mut Operation, is_command: bool) {
    let documented = std::mem::take(&mut operation.responses.responses);
    let mut codes = codes_of(&documented);
    codes.extend(OF_TOKENS);
    codes.insert(Code::Overloaded);
    if is_command {
        codes.extend(OF_COMMANDS);
        operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
    }
    let successes = documented.into_iter().filter(|(status, _)| status.starts_with('2'));
    operation.responses.responses = successes.chain(responses(codes)).collect();
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            response.headers.insert("Request-Id".to_owned(), RefOr::T(request_id()));
            if status != "401" {
                let limits =
                    RATE_LIMITS.map(|(name, description)| (name.to_owned(), RefOr::T(whole_number(description))));
                response.headers.extend(limits);
            }
        }
    }
}

/// The codes that a handler's description has examples of.
fn codes_of(documented: &BTreeMap<String, RefOr<Response>>) -> BTreeSet<Code> {
    let contents = documented.values().filter_map(|response| match response {
        RefOr::T(response) => response.content.get(PROBLEM_JSON),
        RefOr::Ref(_) => None,
    });
    let named = contents.flat_map(|content| match content {
        RefOr::T(content) => content.examples.keys().collect(),
        RefOr::Ref(_) => Vec::new(),
    });
    named.filter_map(|name| Code::ALL.iter().copied().find(|code| code.name() == name)).collect()
}

/// Problem responses by status, each code with an example.
pub(crate) fn responses(codes: impl IntoIterator<Item = Code>) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, BTreeSet<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status().as_u16()).or_default().insert(code);
    }
    let described = by_status.into_iter().map(|(status, codes)| {
        let titles: Vec<String> = codes.iter().map(|code| format!("`{}`: {}.", code.name(), code.title())).collect();
        let examples = codes.iter().map(|code| (code.name(), RefOr::T(example(*code))));
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(Document::name())))
            .examples_from_iter(examples)
            .build();
        let response = ResponseBuilder::new().description(titles.join(" ")).content(PROBLEM_JSON, content).build();
        (status.to_string(), RefOr::T(response))
    });
    described.collect()
}

fn example(code: Code) -> Example {
    let mut value = json!({
        "type": format!("urn:tapstone:problem:{}", code.name()),
        "title": code.title(),
        "status": code.status().as_u16(),
        "code": code.name(),
        "detail": "…",
        "request_id": "req_01h455vb4pex5vsknk084sn02q",
    });
    match code {
        Code::InvalidField => value["field"] = json!("amount.currency"),
        Code::InvalidId => value["field"] = json!("id"),
        Code::TapUrlMalformed | Code::TapInvalid => value["field"] = json!("url"),
        Code::TagBusy | Code::ReferenceTaken => value["order"] = json!("ord_01h455vb4pex5vsknk084sn02q"),
        _ => {}
    }
    ExampleBuilder::new().summary(code.title()).value(Some(value)).build()
}

fn idempotency_key() -> Parameter {
    ParameterBuilder::new()
        .name(IDEMPOTENCY_KEY)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "1 to 255 visible ASCII characters. The same key and body get the same answer for ever, failures \
             included; the same key with another body is `idempotency_conflict`.",
        ))
        .schema(Some(schema::text(None, "order-000123", Some(r"^[!-~]{1,255}$"))))
        .build()
}

/// What every response says of the key that asked.
const RATE_LIMITS: [(&str, &str); 3] = [
    ("RateLimit-Limit", "The most requests that the key can make at once."),
    ("RateLimit-Remaining", "How many it could make now."),
    ("RateLimit-Reset", "Seconds until it could make the most."),
];

fn whole_number(description: &str) -> Header {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0_u32)).examples([json!(5_000)]);
    let mut header = Header::new(number);
    header.description = Some(description.to_owned());
    header
}

fn request_id() -> Header {
    let mut header = Header::new(schema::text(None, "req_01h455vb4pex5vsknk084sn02q", None));
    header.description = Some(format!("Names this request in the server's log ({REQUEST_ID})."));
    header
}
