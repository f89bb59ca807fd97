//! Bodies: strict JSON in, JSON out.
//!
//! Strict means: the content type must say JSON, the size is bounded, a field that is not known, given twice, `null` or
//! of another type is refused, and the problem names it by its path.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};

use crate::app::{App, Options};
use crate::auth::Admitted;
use crate::idempotency;
use crate::problem::{Code, Problem};
use crate::query;

/// A posted request: who sent it, what it says, and how it may be repeated.
#[derive(Debug)]
pub(crate) struct Posted<A, T> {
    /// Proof of who asks.
    pub(crate) actor: A,
    /// What the body says. No body at all reads as `{}`.
    pub(crate) body: T,
    /// The idempotency key, if one was given.
    pub(crate) request: Option<payments::Request>,
}

impl<A: Admitted, T: DeserializeOwned> FromRequest<App> for Posted<A, T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let actor = A::authenticate(&parts, app)?;
        query::refuse_any(&parts.uri)?;
        let bytes = read(&parts.headers, body, app.options()).await?;
        let request = idempotency::request(actor.actor(), &parts, &bytes)?;
        let body = if bytes.is_empty() { parse(b"{}")? } else { parse(&bytes)? };
        Ok(Self { actor, body, request })
    }
}

async fn read(headers: &HeaderMap, body: Body, options: &Options) -> Result<Bytes, Problem> {
    let bytes = receive(headers, body, options.body_limit, options.body_timeout).await?;
    if bytes.is_empty() || is_json(headers) {
        Ok(bytes)
    } else {
        Err(Problem::new(Code::UnsupportedMediaType, "send the header `Content-Type: application/json`"))
    }
}

/// The whole body, of any type, of at most so many bytes.
pub(crate) async fn receive(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(Code::BodyTooLarge, format!("at most {limit} bytes are taken"));
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let arriving = tokio::time::timeout(patience, Limited::new(body, limit).collect());
    match arriving.await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(Code::MalformedJson, "the body did not arrive whole")),
        Err(_) => Err(Problem::new(Code::RequestTimeout, "the body took too long to arrive")),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    is_of_type(headers, "application/json")
}

/// Whether the body says that it is of this media type, with whichever parameters.
pub(crate) fn is_of_type(headers: &HeaderMap, expected: &str) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|header| header.to_str().ok()).unwrap_or_default();
    let essence = media_type.split_once(';').map_or(media_type, |(essence, _parameters)| essence);
    essence.trim().eq_ignore_ascii_case(expected)
}

/// Reads a document. Only a refused one is read a second time, to find the field at fault.
pub(crate) fn parse<T: DeserializeOwned>(document: &[u8]) -> Result<T, Problem> {
    // A list would do for a structure: its items would be taken for the fields, in order.
    if document.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(Problem::new(Code::MalformedJson, "the body must be one JSON object"));
    }
    serde_json::from_slice(document).map_err(|error| {
        if !error.is_data() && !is_json_text(document) {
            return Problem::new(Code::MalformedJson, error.to_string());
        }
        let mut again = serde_json::Deserializer::from_slice(document);
        match serde_path_to_error::deserialize::<_, T>(&mut again) {
            Ok(_) => Problem::new(Code::MalformedJson, error.to_string()),
            Err(located) => refused(&located.path().to_string(), &located.inner().to_string()),
        }
    })
}

/// Whether there is nothing wrong with the syntax: a word of a fixed set that is `null` is called so by the parser.
fn is_json_text(document: &[u8]) -> bool {
    str::from_utf8(document).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// The problem of a field. What the parser knows of its path is the part up to where it called for a type; the type's
/// own message may begin with the rest.
fn refused(path: &str, message: &str) -> Problem {
    let reason = message.rsplit_once(" at line ").map_or(message, |(reason, _place)| reason);
    let path = if path == "." { "" } else { path };
    let last = path.rsplit('.').next();
    let (field, reason) = match (named_by_parser(reason), named_by_type(reason)) {
        (Some(name), _) if last == Some(name) => (path.to_owned(), reason),
        (Some(name), _) => (joined(path, name), reason),
        // Money is called `amount` where it has a name, and so is its part: that one's path ends where money begins.
        (None, Some((name, rest))) if last == Some(name) && name != "amount" => (path.to_owned(), rest),
        (None, Some((name, rest))) => (joined(path, name), rest),
        (None, None) => (path.to_owned(), reason),
    };
    Problem::field(field, reason.to_owned())
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The name in serde's own messages of this form.
fn named_by_parser(reason: &str) -> Option<&str> {
    let quoted = ["unknown field `", "missing field `", "duplicate field `"];
    let rest = quoted.iter().find_map(|start| reason.strip_prefix(start))?;
    rest.split_once('`').map(|(name, _)| name)
}

/// The name in the messages of our own types: `amount: must be …`.
fn named_by_type(reason: &str) -> Option<(&str, &str)> {
    reason.split_once(": ").filter(|(name, _)| !name.contains([' ', '`']))
}

/// What a change does to something that need not be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Edit<T> {
    /// Nothing is said: it stays.
    #[default]
    Keep,
    /// `null`: it goes.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Edit<T> {
    /// Whether nothing is said.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Does it.
    pub(crate) fn apply(self, to: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *to = None,
            Self::Set(value) => *to = Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Edit<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Self::Clear, Self::Set))
    }
}

/// Reads a field that may be left out but not be `null`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A response with a document as its body.
pub(crate) fn respond(status: StatusCode, document: &impl Serialize) -> Result<Response, Problem> {
    /// More than any document but a list's.
    const USUAL_LENGTH: usize = 1_024;
    let mut body = Vec::with_capacity(USUAL_LENGTH);
    serde_json::to_writer(&mut body, document).map_err(Problem::internal)?;
    Ok(respond_with(status, body))
}

/// A response with a document that is JSON already.
pub(crate) fn respond_with(status: StatusCode, json: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use money::{Currency, Money};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Sample {
        tag: ids::TagId,
        #[serde(default, deserialize_with = "present")]
        amount: Option<Money>,
        #[serde(default, deserialize_with = "present")]
        currency: Option<Currency>,
        #[serde(default, deserialize_with = "present")]
        description: Option<payments::Text>,
        #[serde(default, deserialize_with = "present")]
        word: Option<Word>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Yes,
    }

    #[test]
    fn a_refusal_names_the_field_and_the_reason() {
        let tag = r#""tag":"tag_01h455vb4pex5vsknk084sn02q""#;
        let cases = [
            ("{}".to_owned(), "tag", "missing field"),
            (r#"{"tag":"ord_01h455vb4pex5vsknk084sn02q"}"#.to_owned(), "tag", "starts with `tag_`"),
            (r#"{"tag":7}"#.to_owned(), "tag", "invalid type"),
            (format!("{{{tag},{tag}}}"), "tag", "duplicate field"),
            (format!(r#"{{{tag},"colour":1}}"#), "colour", "unknown field"),
            (format!(r#"{{{tag},"amount":null}}"#), "amount", "an object such as"),
            (format!(r#"{{{tag},"amount":{{"amount":0,"currency":"CNY"}}}}"#), "amount.amount", "at least 1"),
            (format!(r#"{{{tag},"amount":{{"amount":"1","currency":"CNY"}}}}"#), "amount.amount", "without quotes"),
            (format!(r#"{{{tag},"amount":{{"amount":1}}}}"#), "amount.currency", "is missing"),
            (format!(r#"{{{tag},"amount":{{"amount":1,"currency":"XXX"}}}}"#), "amount.currency", "ISO 4217"),
            (format!(r#"{{{tag},"amount":{{"amount":1,"currency":"CNY","tip":1}}}}"#), "amount.tip", "not a field"),
            (format!(r#"{{{tag},"currency":"cny"}}"#), "currency", "ISO 4217"),
            (format!(r#"{{{tag},"currency":null}}"#), "currency", "ISO 4217"),
            (format!(r#"{{{tag},"description":""}}"#), "description", "must not be empty"),
            (format!(r#"{{{tag},"word":"no"}}"#), "word", "unknown variant"),
            (format!(r#"{{{tag},"word":null}}"#), "word", "expected value"),
        ];
        for (document, field, reason) in cases {
            let refusal = format!("{:?}", parse::<Sample>(document.as_bytes()).unwrap_err());
            assert!(refusal.contains(&format!("field: Some(\"{field}\")")), "{document}: {refusal}");
            assert!(refusal.contains(reason) && !refusal.contains("at line"), "{document}: {refusal}");
        }
    }

    #[test]
    fn what_is_not_json_says_where() {
        for document in
            ["", "{", "[1,", "[\"tag_01h455vb4pex5vsknk084sn02q\"]", "nul", "1", "{\"tag\":\"\u{1}\"}", "{\"tag\""]
        {
            let problem = parse::<Sample>(document.as_bytes()).unwrap_err();
            assert!(matches!(problem.code(), Code::MalformedJson), "{document}: {problem:?}");
        }
    }
}
