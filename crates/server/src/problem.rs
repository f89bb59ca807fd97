//! Everything that the API says no with: one table of codes, and the problem documents of RFC 9457 made from it.
//!
//! A [`Problem`] leaves a handler as an empty response that carries it; [`crate::observe`] writes its body on the way
//! out, because only there the request's id is known. A problem says whose fault it is by its status: 4xx the caller's,
//! with what to change; 5xx ours, logged under the request's id.

use std::borrow::Cow;
use std::fmt;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use directory::{DirectoryError, Scope};
use ids::{OrderId, RequestId};
use payments::Rejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::bank::{self, PartnerError};
use crate::reference::schema;
use crate::webhooks::{self, WebhooksError};

/// The media type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Seconds after which a caller that met an overload may come back.
const RETRY_AFTER_SECONDS: &str = "1";

/// The longest detail, in characters: details may quote what a stranger wrote.
const MAX_DETAIL_CHARACTERS: usize = 300;

macro_rules! codes {
    ($($code:ident $status:literal $name:literal $title:literal;)*) => {
        /// Every way to say no.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Code { $($code,)* }

        impl Code {
            /// All of them, in the order of their declaration.
            pub(crate) const ALL: &[Self] = &[$(Self::$code,)*];

            /// The HTTP status, the stable name, and what it means in a few words.
            const fn entry(self) -> (u16, &'static str, &'static str) {
                match self { $(Self::$code => ($status, $name, $title),)* }
            }
        }
    };
}

codes! {
    MalformedJson 400 "malformed_json" "The body is not JSON";
    InvalidField 400 "invalid_field" "A field has a value that is not allowed";
    InvalidId 400 "invalid_id" "The path has an id that is none";
    TapUrlMalformed 400 "tap_url_malformed" "The URL is not that of a tag";
    Unauthenticated 401 "unauthenticated" "The request needs a valid token";
    InsufficientFunds 402 "insufficient_funds" "The wallet does not have enough money";
    Forbidden 403 "forbidden" "This kind of actor may not do this";
    InsufficientScope 403 "insufficient_scope" "The key is not good for this";
    NotFound 404 "not_found" "There is no such thing here";
    SandboxOnly 404 "sandbox_only" "Only a sandbox has this";
    MethodNotAllowed 405 "method_not_allowed" "The resource does not know this method";
    RequestTimeout 408 "request_timeout" "The request came too slowly";
    IdempotencyConflict 409 "idempotency_conflict" "The idempotency key was used with another request";
    AlreadyExists 409 "already_exists" "The id is taken";
    ReferenceTaken 409 "reference_taken" "The reference names another one";
    TooManyEndpoints 409 "too_many_endpoints" "The merchant has as many webhook endpoints as it may have";
    EndpointBusy 409 "endpoint_busy" "Too much waits for this webhook endpoint";
    KeyEnded 409 "key_ended" "The key is no longer good";
    TagInactive 409 "tag_inactive" "The tag is out of service";
    TagBusy 409 "tag_busy" "Another order waits at this tag";
    TapReplayed 409 "tap_replayed" "This touch was used before";
    NothingToPay 409 "nothing_to_pay" "There is nothing to pay here yet";
    TapAlreadyUsed 409 "tap_already_used" "This touch has already paid";
    OrderAlreadyPaid 409 "order_already_paid" "The order has been paid already";
    OrderAlreadyClosed 409 "order_already_closed" "The order is closed already";
    OrderCancelled 409 "order_cancelled" "The shop has cancelled the order";
    OrderExpired 409 "order_expired" "The order has expired";
    TapExpired 410 "tap_expired" "The touch is too long ago";
    BodyTooLarge 413 "body_too_large" "The body is too large";
    UnsupportedMediaType 415 "unsupported_media_type" "The body must be JSON";
    TapInvalid 422 "tap_invalid" "The touch is not genuine";
    TagUnknown 422 "tag_unknown" "The tag is not registered here";
    CurrencyNotAccepted 422 "currency_not_accepted" "The merchant is not paid in this currency";
    AmountRequired 422 "amount_required" "The payer must name the amount";
    AmountMismatch 422 "amount_mismatch" "The order asks for another amount";
    CurrencyMismatch 422 "currency_mismatch" "The order is in another currency";
    CurrencyNotHeld 422 "currency_not_held" "The wallet does not hold this currency";
    BalanceOverflow 422 "balance_overflow" "The amount is beyond what an account can hold";
    MerchantNotActive 409 "merchant_not_active" "The merchant may not do this now";
    StatusNotAllowed 409 "status_not_allowed" "The merchant cannot become this";
    ReceiverNotAccepted 422 "receiver_not_accepted" "A receiver is not paid in this currency";
    SplitsExceedAmount 422 "splits_exceed_amount" "The receivers' parts are more than the whole";
    TipNotAccepted 422 "tip_not_accepted" "No tip can be added here";
    PaymentDeclined 402 "payment_declined" "The payment was declined";
    NothingHeld 409 "nothing_held" "Nothing is held for the payment";
    CaptureExceedsHold 422 "capture_exceeds_hold" "More than is held";
    PaymentProcessing 409 "payment_processing" "Whether the payment succeeds is not known yet";
    RefundExceedsPayment 422 "refund_exceeds_payment" "More than is left of the payment";
    MerchantFundsInsufficient 402 "merchant_funds_insufficient" "The merchant does not have so much";
    DisputeTooLate 422 "dispute_too_late" "The payment is too long ago to be disputed";
    DisputeOpen 409 "dispute_open" "A dispute about the payment is open";
    DisputeClosed 409 "dispute_closed" "The dispute does not wait for this";
    NothingToPayOut 409 "nothing_to_pay_out" "There is nothing to pay out";
    PayoutClosed 409 "payout_closed" "The payout has come to another end";
    BreakClosed 409 "break_closed" "The break is no longer open";
    TooMany 409 "too_many" "There are too many of these already";
    RateLimited 429 "rate_limited" "The key has asked too often";
    TooManyListeners 429 "too_many_listeners" "Too many event streams are open";
    Internal 500 "internal" "Something is wrong on our side";
    Overloaded 503 "overloaded" "Too much is waiting";
    Unavailable 503 "unavailable" "The money core is not available";
    DiskFull 507 "disk_full" "The disk is full";
}

impl Code {
    /// The HTTP status.
    pub(crate) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.entry().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The stable name that programs go by.
    pub(crate) const fn name(self) -> &'static str {
        self.entry().1
    }

    /// What it means, in a few words.
    pub(crate) const fn title(self) -> &'static str {
        self.entry().2
    }
}

impl From<Rejection> for Code {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::IdempotencyConflict => Self::IdempotencyConflict,
            Rejection::NotFound => Self::NotFound,
            Rejection::Exists => Self::AlreadyExists,
            Rejection::TagUnknown => Self::TagUnknown,
            Rejection::TagInactive => Self::TagInactive,
            Rejection::TagBusy { .. } => Self::TagBusy,
            Rejection::CurrencyNotAccepted { .. } => Self::CurrencyNotAccepted,
            Rejection::TapForged => Self::TapInvalid,
            Rejection::TapReplayed => Self::TapReplayed,
            Rejection::NothingToPay => Self::NothingToPay,
            Rejection::TapExpired => Self::TapExpired,
            Rejection::TapAlreadyUsed => Self::TapAlreadyUsed,
            Rejection::OrderAlreadyPaid => Self::OrderAlreadyPaid,
            Rejection::OrderCancelled => Self::OrderCancelled,
            Rejection::OrderExpired => Self::OrderExpired,
            Rejection::AmountRequired => Self::AmountRequired,
            Rejection::AmountMismatch { .. } => Self::AmountMismatch,
            Rejection::CurrencyMismatch { .. } => Self::CurrencyMismatch,
            Rejection::CurrencyNotHeld { .. } => Self::CurrencyNotHeld,
            Rejection::InsufficientFunds { .. } => Self::InsufficientFunds,
            Rejection::BalanceOverflow => Self::BalanceOverflow,
            Rejection::MerchantNotActive { .. } => Self::MerchantNotActive,
            Rejection::StatusNotAllowed { .. } => Self::StatusNotAllowed,
            Rejection::ReferenceTaken { .. } => Self::ReferenceTaken,
            Rejection::ReceiverNotAccepted { .. } => Self::ReceiverNotAccepted,
            Rejection::SplitsExceedAmount => Self::SplitsExceedAmount,
            Rejection::TipNotAccepted => Self::TipNotAccepted,
            Rejection::Declined => Self::PaymentDeclined,
            Rejection::NothingHeld => Self::NothingHeld,
            Rejection::CaptureExceedsHold { .. } => Self::CaptureExceedsHold,
            Rejection::PaymentProcessing => Self::PaymentProcessing,
            Rejection::RefundExceedsPayment { .. } => Self::RefundExceedsPayment,
            Rejection::MerchantFundsInsufficient { .. } => Self::MerchantFundsInsufficient,
            Rejection::DisputeTooLate => Self::DisputeTooLate,
            Rejection::DisputeOpen => Self::DisputeOpen,
            Rejection::DisputeClosed => Self::DisputeClosed,
            Rejection::NothingToPayOut => Self::NothingToPayOut,
            Rejection::PayoutClosed => Self::PayoutClosed,
            Rejection::TooMany => Self::TooMany,
        }
    }
}

/// A request's failure, on its way to the caller.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    detail: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    order: Option<OrderId>,
    /// The scope that the key lacks.
    scope: Option<Scope>,
    /// Seconds after which the caller may come back.
    retry_after: Option<u32>,
    /// What happened, for the log only.
    cause: Option<String>,
}

impl Problem {
    /// A problem with a reason in words for the caller.
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = clipped(detail.into());
        Self(Box::new(Parts { code, detail, field: None, order: None, scope: None, retry_after: None, cause: None }))
    }

    /// A field of the request that has a bad value; `field` is its path, as in `amount.currency`.
    pub(crate) fn field(field: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidField, reason).at(field)
    }

    /// Unknown, or another's: nobody is told which.
    pub(crate) fn not_found() -> Self {
        Rejection::NotFound.into()
    }

    /// Our own fault. The cause is logged, and the caller gets no more than the request's id.
    pub(crate) fn internal(cause: impl fmt::Display) -> Self {
        let mut problem = Self::new(Code::Internal, "the request's id leads to the cause in the server's log");
        problem.0.cause = Some(cause.to_string());
        problem
    }

    /// The key has asked too often; it may come back after so many seconds.
    pub(crate) fn rate_limited(retry_after: u32) -> Self {
        let mut problem = Self::new(Code::RateLimited, "nothing was done; slow down, and come back later");
        problem.0.retry_after = Some(retry_after);
        problem
    }

    /// The key is not good for what is asked.
    pub(crate) fn insufficient_scope(scope: Scope) -> Self {
        let detail = format!("the key does not have the scope `{}`", scope.name());
        let mut problem = Self::new(Code::InsufficientScope, detail);
        problem.0.scope = Some(scope);
        problem
    }

    /// Too much waits already; nothing was done.
    pub(crate) fn overloaded() -> Self {
        Self::new(Code::Overloaded, "nothing was done; try again in a moment")
    }

    /// Whether the same request must fail in the same way for ever: it was looked at, and it is its sender's fault.
    pub(crate) fn is_final(&self) -> bool {
        let status = self.code().status();
        let unseen = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];
        status.is_client_error() && !unseen.contains(&status)
    }

    /// The problem as it is remembered.
    pub(crate) fn to_stored(&self) -> Vec<u8> {
        let Parts { code, detail, field, order, .. } = &*self.0;
        let stored = Stored { code: code.name().into(), detail: detail.clone(), field: field.clone(), order: *order };
        // Nothing in it can fail to serialise.
        serde_json::to_vec(&stored).unwrap_or_default()
    }

    /// The inverse of [`Problem::to_stored`].
    pub(crate) fn from_stored(stored: &[u8]) -> Self {
        let read = |stored: Stored| {
            let code = Code::ALL.iter().copied().find(|code| code.name() == stored.code)?;
            let mut problem = Self::new(code, stored.detail.into_owned());
            (problem.0.field, problem.0.order) = (stored.field.map(|field| field.into_owned().into()), stored.order);
            Some(problem)
        };
        let problem = serde_json::from_slice(stored).ok().and_then(read);
        problem.unwrap_or_else(|| Self::internal("a remembered problem makes no sense any more"))
    }

    /// Names the part of the request that is at fault.
    pub(crate) fn at(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.0.field = Some(clipped(field.into()));
        self
    }

    /// Which problem it is.
    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    /// What happened, for the log.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The response that a caller gets, `response` being the empty one that carried the problem.
    pub(crate) fn write(&self, request_id: RequestId, mut response: Response) -> Response {
        let Parts { code, detail, field, order, scope, retry_after, .. } = &*self.0;
        let document = Document {
            r#type: format_args!("urn:tapstone:problem:{}", code.name()),
            title: code.title(),
            status: code.status().as_u16(),
            code: code.name(),
            detail,
            field: field.as_deref(),
            order: *order,
            request_id,
        };
        // Nothing in the document can fail to serialise.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        *response.status_mut() = code.status();
        *response.body_mut() = body.into();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match code {
            Code::Unauthenticated => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Code::InsufficientScope => {
                let challenge =
                    format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.map_or("", Scope::name));
                headers.extend(HeaderValue::try_from(challenge).map(|challenge| (WWW_AUTHENTICATE, challenge)));
            }
            Code::RateLimited => {
                headers.insert(RETRY_AFTER, HeaderValue::from(retry_after.unwrap_or(1)));
            }
            Code::Overloaded | Code::Unavailable | Code::DiskFull | Code::TooManyListeners => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
            }
            _ => {}
        }
        response
    }
}

/// What is remembered of a problem.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    code: Cow<'a, str>,
    detail: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<OrderId>,
}

/// Why a request was refused or failed (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// `urn:tapstone:problem:` and the code.
    #[schema(value_type = String, example = "urn:tapstone:problem:insufficient_funds")]
    r#type: fmt::Arguments<'a>,
    /// What the code means, in a few words.
    #[schema(example = "The wallet does not have enough money")]
    title: &'static str,
    /// The HTTP status again.
    #[schema(example = 402)]
    status: u16,
    /// The stable name that programs go by.
    #[schema(example = "insufficient_funds")]
    code: &'static str,
    /// What happened this time, and what to change; for people.
    detail: &'a str,
    /// The part of the request that is at fault: a field's path, a parameter, or a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "amount.currency")]
    field: Option<&'a str>,
    /// With `tag_busy`: the order that waits at the tag. With `reference_taken`: the order that has the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::OrderId>, nullable = false)]
    order: Option<OrderId>,
    /// Names this request in the server's log.
    #[schema(value_type = String, example = "req_01h455vb4pex5vsknk084sn02q")]
    request_id: RequestId,
}

fn clipped(text: Cow<'static, str>) -> Cow<'static, str> {
    match text.char_indices().nth(MAX_DETAIL_CHARACTERS) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => text,
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let mut problem = Self::new(rejection.into(), rejection.to_string());
        match rejection {
            Rejection::TagBusy { order } => problem.0.order = Some(order),
            Rejection::ReferenceTaken { order } => {
                problem.0.order = Some(order);
                problem = problem.at("reference");
            }
            _ => {}
        }
        problem
    }
}

/// What goes wrong with the directory is ours, unless it is what the caller named or called.
impl From<DirectoryError> for Problem {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::UnknownReference { .. } => Self::not_found(),
            DirectoryError::Conflict { .. } => Self::new(Code::AlreadyExists, error.to_string()),
            error if error.is_full_disk() => Self::new(Code::DiskFull, "nothing was done; the disk has no room left"),
            error => Self::internal(error),
        }
    }
}

impl From<WebhooksError> for Problem {
    fn from(error: WebhooksError) -> Self {
        match error {
            WebhooksError::NotFound => Self::not_found(),
            WebhooksError::TooManyEndpoints { .. } => Self::new(Code::TooManyEndpoints, error.to_string()),
            WebhooksError::Busy => Self::new(Code::EndpointBusy, error.to_string()),
            error if error.is_full_disk() => Self::new(Code::DiskFull, "nothing was done; the disk has no room left"),
            error => Self::internal(error),
        }
    }
}

impl From<PartnerError> for Problem {
    fn from(error: PartnerError) -> Self {
        match error {
            PartnerError::NoOpenBreak => Self::new(Code::BreakClosed, "somebody has dealt with it, or it came right"),
            error => Self::internal(error),
        }
    }
}

impl From<bank::Stopped> for Problem {
    fn from(stopped: bank::Stopped) -> Self {
        Self::new(Code::Unavailable, stopped.to_string())
    }
}

impl From<webhooks::Stopped> for Problem {
    fn from(stopped: webhooks::Stopped) -> Self {
        Self::new(Code::Unavailable, stopped.to_string())
    }
}

impl From<engine::Unavailable> for Problem {
    fn from(unavailable: engine::Unavailable) -> Self {
        let code = match unavailable {
            engine::Unavailable::Stopped => Code::Unavailable,
            engine::Unavailable::DiskFull => Code::DiskFull,
        };
        Self::new(code, unavailable.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code().status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use money::{Amount, Currency};

    use super::*;

    #[test]
    fn a_rejection_keeps_its_name() {
        let currency = Currency::from_alpha("CNY").unwrap();
        let rejections = [
            Rejection::IdempotencyConflict,
            Rejection::NotFound,
            Rejection::Exists,
            Rejection::TagUnknown,
            Rejection::TagInactive,
            Rejection::TagBusy { order: OrderId::from_u128(1) },
            Rejection::CurrencyNotAccepted { currency },
            Rejection::TapForged,
            Rejection::TapReplayed,
            Rejection::NothingToPay,
            Rejection::TapExpired,
            Rejection::TapAlreadyUsed,
            Rejection::OrderAlreadyPaid,
            Rejection::OrderCancelled,
            Rejection::OrderExpired,
            Rejection::AmountRequired,
            Rejection::AmountMismatch { expected: Amount::MIN },
            Rejection::CurrencyMismatch { expected: currency },
            Rejection::CurrencyNotHeld { currency },
            Rejection::InsufficientFunds { available: 3 },
            Rejection::BalanceOverflow,
        ];
        for rejection in rejections {
            let code = Code::from(rejection);
            assert_eq!(code.name(), rejection.code());
            assert!(code.status().is_client_error(), "{rejection:?} is the caller's");
        }
    }

    #[test]
    fn a_full_disk_says_to_come_back() {
        let problem = Problem::from(engine::Unavailable::DiskFull);
        let response = problem.write(RequestId::from_u128(1), Response::default());
        assert_eq!(response.status(), StatusCode::INSUFFICIENT_STORAGE);
        assert!(response.headers().contains_key(RETRY_AFTER));
    }

    #[test]
    fn names_are_unique_and_statuses_are_errors() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert!(code.status().as_u16() == code.entry().0 && code.entry().0 >= 400, "{code:?}");
            assert!(Code::ALL[..index].iter().all(|other| other.name() != code.name()), "{code:?}");
        }
    }

    #[test]
    fn a_long_detail_is_clipped_between_characters() {
        let problem = Problem::field("url", "福".repeat(70_000));
        assert_eq!(problem.0.detail.chars().count(), MAX_DETAIL_CHARACTERS + 1);
    }
}
