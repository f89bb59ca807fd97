//! Ids in paths.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use ids::{Id, Kind};

use crate::problem::{Code, Problem};

/// The `{id}` of a path, not parsed yet: who asks is settled before what they ask.
#[derive(Debug)]
pub(crate) struct PathId(String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(_) => Err(Problem::new(Code::InvalidId, "the id is not text").at("id")),
        }
    }
}

impl PathId {
    /// The id. Whether it is one depends on its text only, and says nothing about what exists.
    pub(crate) fn parse<K: Kind>(&self) -> Result<Id<K>, Problem> {
        self.0.parse().map_err(|error: ids::ParseIdError| Problem::new(Code::InvalidId, error.to_string()).at("id"))
    }

    /// Whether it names whoever asks.
    pub(crate) fn is_me(&self) -> bool {
        self.0 == "me"
    }

    /// The id of somebody who may only ask about themselves, and may say `me`.
    pub(crate) fn parse_own<K: Kind>(&self, own: Id<K>) -> Result<Id<K>, Problem> {
        if self.is_me() || self.parse::<K>()? == own { Ok(own) } else { Err(Problem::not_found()) }
    }
}
