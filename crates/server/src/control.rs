//! Changes of the control plane: what a POST does to the directory, done once.
//!
//! [`control`] runs a handler's work in one transaction of the directory, together with its lines in the audit log and
//! with its answer, if the request has an idempotency key: the same key and body are answered by what was remembered,
//! refusals included, and nothing is done again. Not remembered is what was never looked at (401, 403, 429) and what was
//! our fault (5xx).
//!
//! A secret in an answer, such as a new token, is remembered sealed: by a pad that follows from the idempotency key and
//! from the token that asked, neither of which is kept here. So only the bearer of that token gets it again.

use axum::extract::{FromRequest, Request};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use directory::{Change, Directory, Known, StoredAnswer};
use ids::{Id, Kind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::auth::Admitted;
use crate::idempotency::IDEMPOTENCY_KEY;
use crate::json::Posted;
use crate::problem::{Code, Problem};

/// A posted request of the control plane.
#[derive(Debug)]
pub(crate) struct Control<A, T> {
    /// Who asked for what.
    pub(crate) posted: Posted<A, T>,
    seal: Option<Seal>,
}

impl<A: Admitted, T: DeserializeOwned> FromRequest<App> for Control<A, T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let seal = Seal::of(request.headers());
        Ok(Self { posted: Posted::from_request(request, app).await?, seal })
    }
}

impl<A: Admitted, T> Control<A, T> {
    /// The same request with its body read further, or refused.
    pub(crate) fn try_map<U>(self, read: impl FnOnce(A, T) -> Result<U, Problem>) -> Result<Control<A, U>, Problem> {
        let Posted { actor, body, request } = self.posted;
        Ok(Control { posted: Posted { actor, body: read(actor, body)?, request }, seal: self.seal })
    }
}

/// What stands for the secret in an answer that is remembered. No text of a caller's can be this: it holds a control
/// character.
const SECRET_PLACE: &str = "\u{1}secret";

/// The same in JSON.
const SECRET_PLACE_JSON: &[u8] = br#""\u0001secret""#;

/// What a change answers.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    /// JSON, with [`SECRET_PLACE`] where the secret belongs.
    body: Vec<u8>,
    secret: Option<Secret>,
}

/// A text that is shown once.
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Stands for the secret in a document: it serialises as the place where [`Reply::with_secret`] puts it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretHere;

impl Serialize for SecretHere {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(SECRET_PLACE)
    }
}

impl Reply {
    /// This document.
    pub(crate) fn new(status: StatusCode, document: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(document).map_err(Problem::internal)?;
        Ok(Self { status, body, secret: None })
    }

    /// This document, which has a [`SecretHere`].
    pub(crate) fn with_secret(status: StatusCode, document: &impl Serialize, secret: Secret) -> Result<Self, Problem> {
        Ok(Self { secret: Some(secret), ..Self::new(status, document)? })
    }

    /// The id that the document begins with.
    pub(crate) fn id<K: Kind>(&self) -> Result<Id<K>, Problem> {
        #[derive(Deserialize)]
        #[serde(bound = "")]
        struct Named<K: Kind> {
            id: Id<K>,
        }
        let named: Named<K> = serde_json::from_slice(&self.body).map_err(Problem::internal)?;
        Ok(named.id)
    }

    /// The response with this document.
    pub(crate) fn into_response(self) -> Response {
        let body = match &self.secret {
            Some(Secret(secret)) => replaced(&self.body, secret),
            None => self.body,
        };
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// The answer as it is remembered.
    pub(crate) fn stored(&self, seal: Option<&Seal>) -> StoredAnswer {
        let sealed = self.secret.as_ref().zip(seal).map(|(Secret(secret), seal)| seal.close(secret));
        StoredAnswer { status: self.status.as_u16(), answer: self.body.clone(), sealed }
    }

    /// The inverse of [`Reply::stored`].
    pub(crate) fn from_stored(stored: StoredAnswer, seal: Option<&Seal>) -> Result<Self, Problem> {
        let status = StatusCode::from_u16(stored.status).map_err(Problem::internal)?;
        if !status.is_success() {
            return Err(Problem::from_stored(&stored.answer));
        }
        let secret = match stored.sealed {
            None => None,
            Some(sealed) => Some(Secret(seal.and_then(|seal| seal.open(&sealed)).ok_or_else(another_asked)?)),
        };
        Ok(Self { status, body: stored.answer, secret })
    }
}

fn another_asked() -> Problem {
    Problem::new(Code::IdempotencyConflict, "the answer holds a secret, and only the token that asked for it gets it")
}

/// The document with the secret in its place. A secret is letters, digits and the like: nothing to escape.
fn replaced(body: &[u8], secret: &str) -> Vec<u8> {
    let place = body.windows(SECRET_PLACE_JSON.len()).position(|window| window == SECRET_PLACE_JSON);
    let Some((before, rest)) = place.and_then(|place| body.split_at_checked(place)) else { return body.to_vec() };
    let after = rest.get(SECRET_PLACE_JSON.len()..).unwrap_or_default();
    [before, b"\"", secret.as_bytes(), b"\"", after].concat()
}

/// What seals the secrets of one request's answer.
pub(crate) struct Seal([u8; 32]);

impl Seal {
    const CHECK_LENGTH: usize = 16;

    /// The seal of a request with a token and an idempotency key. Whether they are good, others say.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let (token, key) = (headers.get(AUTHORIZATION)?.as_bytes(), headers.get(IDEMPOTENCY_KEY)?.as_bytes());
        // The scheme's name may be written in several ways.
        let token = token.split(|byte| *byte == b' ').next_back().unwrap_or_default();
        let mut hash = Sha256::new_with_prefix(b"tapstone sealed answer\0");
        hash.update((token.len() as u64).to_le_bytes());
        hash.update(token);
        hash.update(key);
        Some(Self(hash.finalize().into()))
    }

    /// The text under a pad that is used once, since a request is answered once; and a check that says whether the pad
    /// was the right one.
    fn close(&self, text: &str) -> Vec<u8> {
        let mut sealed = self.check(text.as_bytes()).to_vec();
        sealed.extend(self.padded(text.as_bytes()));
        sealed
    }

    fn open(&self, sealed: &[u8]) -> Option<String> {
        let (check, padded) = sealed.split_at_checked(Self::CHECK_LENGTH)?;
        let text = self.padded(padded);
        if self.check(&text) == check { String::from_utf8(text).ok() } else { None }
    }

    fn check(&self, text: &[u8]) -> [u8; Self::CHECK_LENGTH] {
        let hash = Sha256::new_with_prefix(b"check\0").chain_update(self.0).chain_update(text).finalize();
        hash.first_chunk().copied().unwrap_or_default()
    }

    fn padded(&self, text: &[u8]) -> Vec<u8> {
        let blocks = (0_u32..).flat_map(|number| {
            Sha256::new_with_prefix(b"pad\0").chain_update(self.0).chain_update(number.to_le_bytes()).finalize()
        });
        text.iter().zip(blocks).map(|(byte, pad)| byte ^ pad).collect()
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(redacted)")
    }
}

/// Does what a request asks of the directory, once. What `work` refuses leaves nothing behind but the refusal.
pub(crate) async fn control<A, T>(
    app: &App,
    control: Control<A, T>,
    work: impl FnOnce(&mut Change<'_>, A, T) -> Result<Reply, Problem> + Send + 'static,
) -> Result<Reply, Problem>
where
    A: Admitted + 'static,
    T: Send + 'static,
{
    let author = app.author(control.posted.actor.key());
    app.with_directory(move |directory| run(directory, author, control, work)).await
}

fn run<A, T>(
    directory: &Directory,
    author: directory::Author,
    control: Control<A, T>,
    work: impl FnOnce(&mut Change<'_>, A, T) -> Result<Reply, Problem>,
) -> Result<Reply, Problem> {
    let Control { posted: Posted { actor, body, request }, seal } = control;
    directory.change(author, |change| {
        if let Some(request) = &request {
            match change.known(request)? {
                Known::New => {}
                Known::Answered(stored) => return Ok(Reply::from_stored(stored, seal.as_ref())),
                Known::Conflict => return Err(payments::Rejection::IdempotencyConflict.into()),
            }
        }
        let done = change.attempt(|change| work(change, actor, body))?;
        let stored = match &done {
            Ok(reply) => reply.stored(seal.as_ref()),
            Err(problem) if problem.is_final() => {
                StoredAnswer { status: problem.code().status().as_u16(), answer: problem.to_stored(), sealed: None }
            }
            Err(problem) => return Err(problem.clone()),
        };
        if let Some(request) = &request {
            change.remember(request, &stored)?;
        }
        Ok(done)
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(token: &str, key: &str) -> Seal {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
        headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_str(key).unwrap());
        Seal::of(&headers).unwrap()
    }

    #[test]
    fn a_secret_opens_for_who_asked_and_for_nobody_else() {
        let secret = format!("tk_{}", "0123456789abcdef".repeat(4));
        let sealed = seal("mk_1", "key").close(&secret);
        assert!(!sealed.windows(8).any(|window| secret.as_bytes().windows(8).any(|part| part == window)));
        assert_eq!(seal("mk_1", "key").open(&sealed).as_deref(), Some(secret.as_str()));
        for (token, key) in [("mk_2", "key"), ("mk_1", "kez"), ("mk_1k", "ey")] {
            assert_eq!(seal(token, key).open(&sealed), None, "{token} {key}");
        }
        assert_eq!(seal("mk_1", "key").open(&sealed[..8]), None);
    }

    #[test]
    fn a_secret_takes_its_place() {
        #[derive(Serialize)]
        struct Document {
            label: &'static str,
            token: SecretHere,
            last: u8,
        }
        let document = Document { label: "\\u0001secret", token: SecretHere, last: 1 };
        let reply = Reply::with_secret(StatusCode::CREATED, &document, Secret::new("tk_1")).unwrap();
        assert!(!format!("{reply:?}").contains("tk_1"));
        let shown = replaced(&reply.body, "tk_1");
        assert_eq!(String::from_utf8(shown).unwrap(), r#"{"label":"\\u0001secret","token":"tk_1","last":1}"#);
    }
}
