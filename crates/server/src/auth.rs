//! Who asks: bearer tokens (RFC 6750), and the proofs that a handler takes as its arguments.
//!
//! The proofs have no other makers than the extractors here, so a handler that forgets to authenticate has no id to
//! act for. Which kinds of actor an endpoint admits is read off its arguments.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use directory::Actor;
use ids::{MerchantId, WalletId};
use payments::Owner;

use crate::app::App;
use crate::problem::{Code, Problem};

/// Proof that a merchant asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Merchant(MerchantId);

impl Merchant {
    /// Which one.
    pub(crate) fn id(self) -> MerchantId {
        self.0
    }
}

/// Proof that a wallet asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wallet(WalletId);

impl Wallet {
    /// Which one.
    pub(crate) fn id(self) -> WalletId {
        self.0
    }
}

/// Proof that a merchant or a wallet asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Party(Owner);

impl Party {
    /// Which one.
    pub(crate) fn owner(self) -> Owner {
        self.0
    }
}

/// A kind of actor that an endpoint can admit.
pub(crate) trait Admitted: Copy + Send {
    /// The proof, if this kind of actor is admitted.
    fn admit(actor: Actor) -> Option<Self>;

    /// The actor as the ledger knows owners.
    fn owner(self) -> Owner;

    /// Authenticates the request.
    fn authenticate(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let token = bearer_token(parts)?;
        let actor =
            app.directory().authenticate(token).ok_or_else(|| unauthenticated("the token is not known here"))?;
        Self::admit(actor).ok_or_else(|| Problem::new(Code::Forbidden, "the token is another kind of actor's"))
    }
}

impl Admitted for Merchant {
    fn admit(actor: Actor) -> Option<Self> {
        match actor {
            Actor::Merchant(id) => Some(Self(id)),
            Actor::Operator | Actor::Wallet(_) => None,
        }
    }

    fn owner(self) -> Owner {
        Owner::Merchant(self.0)
    }
}

impl Admitted for Wallet {
    fn admit(actor: Actor) -> Option<Self> {
        match actor {
            Actor::Wallet(id) => Some(Self(id)),
            Actor::Operator | Actor::Merchant(_) => None,
        }
    }

    fn owner(self) -> Owner {
        Owner::Wallet(self.0)
    }
}

impl Admitted for Party {
    fn admit(actor: Actor) -> Option<Self> {
        match actor {
            Actor::Merchant(id) => Some(Self(Owner::Merchant(id))),
            Actor::Wallet(id) => Some(Self(Owner::Wallet(id))),
            Actor::Operator => None,
        }
    }

    fn owner(self) -> Owner {
        self.0
    }
}

macro_rules! extracted {
    ($($proof:ty),*) => { $(
        impl FromRequestParts<App> for $proof {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
                Self::authenticate(parts, app)
            }
        }
    )* };
}

extracted!(Merchant, Wallet, Party);

fn bearer_token(parts: &Parts) -> Result<&str, Problem> {
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return Err(unauthenticated("send one header `Authorization: Bearer <token>`"));
    };
    let text = header.to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => Ok(token),
        _ => Err(unauthenticated("the header must read `Authorization: Bearer <token>`")),
    }
}

fn unauthenticated(reason: &'static str) -> Problem {
    Problem::new(Code::Unauthenticated, reason)
}
