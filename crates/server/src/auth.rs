//! Who asks: bearer tokens (RFC 6750), and the proofs that a handler takes as its arguments.
//!
//! The proofs have no other makers than the extractors here, so a handler that forgets to authenticate has no id to
//! act for. Which kinds of actor an endpoint admits, and which scope their keys must have, is read off its arguments:
//!
//! | proof             | whose keys                                     |
//! |-------------------|------------------------------------------------|
//! | [`Merchant<S>`]   | a merchant's, and those of its tills           |
//! | [`BackOffice<S>`] | a merchant's, none of its tills'               |
//! | [`Manager<S>`]    | a merchant's, or the operator's                |
//! | [`Operator<S>`]   | the operator's                                 |
//! | [`Wallet`]        | a wallet's                                     |
//! | [`Party`]         | a merchant's, its tills' (to read), a wallet's |
//! | [`Disputant`]     | a wallet's, a merchant's, the operator's       |

use std::fmt;
use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use directory::{Actor, Grant, Scopes, TagProfile};
use ids::{MerchantId, TagId, TillId, TokenId, WalletId};
use payments::Owner;

use crate::app::App;
use crate::problem::{Code, Problem};

/// A scope as a type: what a key must be good for.
pub(crate) trait Scope: Copy + fmt::Debug + Send + Sync + 'static {
    /// The same as a value.
    const SCOPE: directory::Scope;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(crate) enum $name {}

        impl Scope for $name {
            const SCOPE: directory::Scope = directory::Scope::$name;
        }
    )* };
}

scopes! {
    /// To look.
    Read
    /// To change what moves no money out.
    Write
    /// To give money back.
    Refund
    /// To say where settled money goes.
    Settle
}

/// Proof that a merchant asks, or one of its tills, with a key of this scope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Merchant<S> {
    id: MerchantId,
    till: Option<TillId>,
    key: TokenId,
    scopes: Scopes,
    scope: PhantomData<S>,
}

impl<S: Scope> Merchant<S> {
    /// Which merchant.
    pub(crate) fn id(self) -> MerchantId {
        self.id
    }

    /// Which till, if it is a till's key.
    pub(crate) fn till(self) -> Option<TillId> {
        self.till
    }

    /// Whether the key has this scope too.
    pub(crate) fn has(self, scope: directory::Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// Whether this key may ask for payment at the tag: a till's only at its own tags, and at those of its store that
    /// stand at no till. Whose tag it is, the money core knows.
    pub(crate) fn may_use_tag(self, app: &App, tag: TagId) -> bool {
        self.is_near(app, tag, |till, tag| tag.till.is_none_or(|beside| beside == till))
    }

    /// Whether this key may see what is asked and paid at the tag: a till's only in its store.
    pub(crate) fn may_see_tag(self, app: &App, tag: TagId) -> bool {
        self.is_near(app, tag, |_, _| true)
    }

    fn is_near(self, app: &App, tag: TagId, near: impl FnOnce(TillId, &TagProfile) -> bool) -> bool {
        let Some(till) = self.till else { return true };
        let directory = app.directory();
        let (Some(place), Some(tag)) = (directory.till(till), directory.tag(tag)) else { return false };
        tag.store == place.store && near(till, &tag)
    }
}

impl<S: Scope> Merchant<S> {
    /// The tags at which this key may see what is asked and paid, if those are not all of the merchant's.
    pub(crate) fn tags_in_sight(self, app: &App) -> Option<Vec<TagId>> {
        self.till?;
        let tags = app.directory().tags_of(self.id).into_iter().map(|tag| tag.id);
        Some(tags.filter(|tag| self.may_see_tag(app, *tag)).collect())
    }
}

/// Proof that a merchant asks with a key of its own, not of a till, that has this scope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BackOffice<S> {
    id: MerchantId,
    key: TokenId,
    scope: PhantomData<S>,
}

impl<S> BackOffice<S> {
    /// Which merchant.
    pub(crate) fn id(self) -> MerchantId {
        self.id
    }
}

/// Proof that whoever runs the platform asks, with a key of this scope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operator<S = Write> {
    key: TokenId,
    scope: PhantomData<S>,
}

impl<S> Operator<S> {}

/// Proof that the operator asks, or a merchant with a key of its own, that has this scope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manager<S> {
    merchant: Option<MerchantId>,
    key: TokenId,
    scopes: Scopes,
    scope: PhantomData<S>,
}

impl<S: Scope> Manager<S> {
    /// The merchant whose key it is; `None` for the operator's.
    pub(crate) fn merchant(self) -> Option<MerchantId> {
        self.merchant
    }

    /// What the key is good for.
    pub(crate) fn scopes(self) -> Scopes {
        self.scopes
    }

    /// Whether what belongs to this merchant is the asker's to see and change.
    pub(crate) fn is_over(self, merchant: MerchantId) -> bool {
        self.merchant.is_none_or(|own| own == merchant)
    }

    /// Whose things to list: a merchant's own, whoever the operator names, or everybody's.
    pub(crate) fn listing(self, named: Option<MerchantId>) -> Result<Option<MerchantId>, Problem> {
        match (self.merchant, named) {
            (Some(_), named) => self.acting_for(named).map(Some),
            (None, named) => Ok(named),
        }
    }

    /// For which merchant to act: a merchant acts for itself, and need not say so; the operator must.
    pub(crate) fn acting_for(self, named: Option<MerchantId>) -> Result<MerchantId, Problem> {
        match (self.merchant, named) {
            (Some(own), None) => Ok(own),
            (Some(own), Some(named)) if own == named => Ok(own),
            (None, Some(named)) => Ok(named),
            (Some(_), Some(_)) => Err(Problem::not_found().at("merchant")),
            (None, None) => Err(Problem::field("merchant", "is missing: say for which merchant you act")),
        }
    }
}

/// Proof that the operator asks, or a merchant, or one of its tills, with a key of this scope.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Staff<S> {
    /// The operator.
    Operator(Operator<S>),
    /// A merchant, or a till.
    Merchant(Merchant<S>),
}

impl<S: Scope> Staff<S> {
    /// The merchant whose key it is; `None` for the operator's.
    pub(crate) fn merchant(self) -> Option<MerchantId> {
        match self {
            Self::Operator(_) => None,
            Self::Merchant(merchant) => Some(merchant.id()),
        }
    }

    /// The till whose key it is, if it is one's.
    pub(crate) fn till(self) -> Option<TillId> {
        match self {
            Self::Operator(_) => None,
            Self::Merchant(merchant) => merchant.till(),
        }
    }

    /// Whose things to list: a merchant's own, whoever the operator names, or everybody's.
    pub(crate) fn listing(self, named: Option<MerchantId>) -> Result<Option<MerchantId>, Problem> {
        match (self.merchant(), named) {
            (Some(own), Some(named)) if own != named => Err(Problem::not_found().at("merchant")),
            (own, named) => Ok(own.or(named)),
        }
    }

    /// Whether what belongs to this merchant is the asker's to see.
    pub(crate) fn is_over(self, merchant: MerchantId) -> bool {
        self.merchant().is_none_or(|own| own == merchant)
    }

    /// Whether it may see what is asked and paid at the tag, if that is its own.
    pub(crate) fn may_see_tag(self, app: &App, tag: TagId) -> bool {
        match self {
            Self::Operator(_) => true,
            Self::Merchant(merchant) => merchant.may_see_tag(app, tag),
        }
    }
}

/// Proof that a wallet asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wallet {
    id: WalletId,
    key: TokenId,
}

impl Wallet {
    /// Which one.
    pub(crate) fn id(self) -> WalletId {
        self.id
    }
}

/// Proof that a merchant or one of its tills asks with a key to read, or a wallet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Party {
    /// A merchant, or a till.
    Merchant(Merchant<Read>),
    /// A wallet.
    Wallet(Wallet),
}

impl Party {
    /// Whose things it asks for.
    pub(crate) fn owner(self) -> Owner {
        match self {
            Self::Merchant(merchant) => Owner::Merchant(merchant.id()),
            Self::Wallet(wallet) => Owner::Wallet(wallet.id()),
        }
    }

    /// Whether it may see what is asked and paid at the tag, if that is its own.
    pub(crate) fn may_see_tag(self, app: &App, tag: TagId) -> bool {
        match self {
            Self::Merchant(merchant) => merchant.may_see_tag(app, tag),
            Self::Wallet(_) => true,
        }
    }

    /// The tags at which it may see what is asked and paid, if those are not all.
    pub(crate) fn tags_in_sight(self, app: &App) -> Option<Vec<TagId>> {
        match self {
            Self::Merchant(merchant) => merchant.tags_in_sight(app),
            Self::Wallet(_) => None,
        }
    }
}

/// Proof that one of a dispute's three sides asks: the payer, the merchant (not its tills) with a key to read, or the
/// operator with one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Disputant {
    /// Who disputes.
    Wallet(Wallet),
    /// Who was paid.
    Merchant(BackOffice<Read>),
    /// Who decides.
    Operator(Operator<Read>),
}

impl Disputant {
    /// Whose disputes it may see; the platform's are all.
    pub(crate) fn owner(self) -> Owner {
        match self {
            Self::Wallet(wallet) => Owner::Wallet(wallet.id()),
            Self::Merchant(merchant) => Owner::Merchant(merchant.id()),
            Self::Operator(_) => Owner::Platform,
        }
    }
}

/// A kind of actor that an endpoint can admit.
pub(crate) trait Admitted: Copy + Send {
    /// The proof, if this kind of actor is admitted with this key.
    fn admit(grant: &Grant) -> Result<Self, Refusal>;

    /// Who it is, as idempotency keys tell actors apart.
    fn actor(self) -> Actor;

    /// With which key.
    fn key(self) -> TokenId;

    /// Authenticates the request.
    fn authenticate(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let token = bearer_token(parts)?;
        let grant = app.directory().authenticate(token, app.options().source.now());
        let grant = grant.ok_or_else(|| unauthenticated("the token is not known here, or no longer good"))?;
        app.rate_limiter().admit(grant.key)?;
        Self::admit(&grant).map_err(Problem::from)
    }
}

/// Why a key that is good does not open this door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is another kind of actor's.
    Kind,
    /// It does not have this scope.
    Scope(directory::Scope),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Kind => Self::new(Code::Forbidden, "the token is another kind of actor's"),
            Refusal::Scope(scope) => Self::insufficient_scope(scope),
        }
    }
}

/// Proof that the key has a scope.
fn scoped<S: Scope>(grant: &Grant) -> Result<PhantomData<S>, Refusal> {
    if grant.scopes.contains(S::SCOPE) { Ok(PhantomData) } else { Err(Refusal::Scope(S::SCOPE)) }
}

impl<S: Scope> Admitted for Merchant<S> {
    fn admit(grant: &Grant) -> Result<Self, Refusal> {
        let (id, till) = match (grant.actor, grant.merchant) {
            (Actor::Merchant(id), _) => (id, None),
            (Actor::Till(till), Some(id)) => (id, Some(till)),
            (Actor::Till(_), None) | (Actor::Operator | Actor::Wallet(_), _) => return Err(Refusal::Kind),
        };
        Ok(Self { id, till, key: grant.key, scopes: grant.scopes, scope: scoped(grant)? })
    }

    fn actor(self) -> Actor {
        self.till.map_or(Actor::Merchant(self.id), Actor::Till)
    }

    fn key(self) -> TokenId {
        self.key
    }
}

impl<S: Scope> Admitted for BackOffice<S> {
    fn admit(grant: &Grant) -> Result<Self, Refusal> {
        let Actor::Merchant(id) = grant.actor else { return Err(Refusal::Kind) };
        Ok(Self { id, key: grant.key, scope: scoped(grant)? })
    }

    fn actor(self) -> Actor {
        Actor::Merchant(self.id)
    }

    fn key(self) -> TokenId {
        self.key
    }
}

impl<S: Scope> Admitted for Operator<S> {
    fn admit(grant: &Grant) -> Result<Self, Refusal> {
        let Actor::Operator = grant.actor else { return Err(Refusal::Kind) };
        Ok(Self { key: grant.key, scope: scoped(grant)? })
    }

    fn actor(self) -> Actor {
        Actor::Operator
    }

    fn key(self) -> TokenId {
        self.key
    }
}

impl<S: Scope> Admitted for Manager<S> {
    fn admit(grant: &Grant) -> Result<Self, Refusal> {
        let merchant = match grant.actor {
            Actor::Operator => None,
            Actor::Merchant(id) => Some(id),
            Actor::Till(_) | Actor::Wallet(_) => return Err(Refusal::Kind),
        };
        Ok(Self { merchant, key: grant.key, scopes: grant.scopes, scope: scoped(grant)? })
    }

    fn actor(self) -> Actor {
        self.merchant.map_or(Actor::Operator, Actor::Merchant)
    }

    fn key(self) -> TokenId {
        self.key
    }
}

impl<S: Scope> Admitted for Staff<S> {
    fn admit(grant: &Grant) -> Result<Self, Refusal> {
        match grant.actor {
            Actor::Operator => Operator::admit(grant).map(Self::Operator),
            _ => Merchant::admit(grant).map(Self::Merchant),
        }
    }

    fn actor(self) -> Actor {
        match self {
            Self::Operator(operator) => operator.actor(),
            Self::Merchant(merchant) => merchant.actor(),
        }
    }

    fn key(self) -> TokenId {
        match self {
            Self::Operator(operator) => operator.key(),
            Self::Merchant(merchant) => merchant.key(),
        }
    }
}

impl Admitted for Wallet {
    fn admit(grant: &Grant) -> Result<Self, Refusal> {
        match grant.actor {
            Actor::Wallet(id) => Ok(Self { id, key: grant.key }),
            Actor::Operator | Actor::Merchant(_) | Actor::Till(_) => Err(Refusal::Kind),
        }
    }

    fn actor(self) -> Actor {
        Actor::Wallet(self.id)
    }

    fn key(self) -> TokenId {
        self.key
    }
}

impl Admitted for Party {
    fn admit(grant: &Grant) -> Result<Self, Refusal> {
        match Wallet::admit(grant) {
            Ok(wallet) => Ok(Self::Wallet(wallet)),
            Err(_) => Merchant::admit(grant).map(Self::Merchant),
        }
    }

    fn actor(self) -> Actor {
        match self {
            Self::Merchant(merchant) => merchant.actor(),
            Self::Wallet(wallet) => wallet.actor(),
        }
    }

    fn key(self) -> TokenId {
        match self {
            Self::Merchant(merchant) => merchant.key(),
            Self::Wallet(wallet) => wallet.key(),
        }
    }
}

impl Admitted for Disputant {
    fn admit(grant: &Grant) -> Result<Self, Refusal> {
        match grant.actor {
            Actor::Wallet(_) => Wallet::admit(grant).map(Self::Wallet),
            Actor::Operator => Operator::admit(grant).map(Self::Operator),
            Actor::Merchant(_) | Actor::Till(_) => BackOffice::admit(grant).map(Self::Merchant),
        }
    }

    fn actor(self) -> Actor {
        match self {
            Self::Wallet(wallet) => wallet.actor(),
            Self::Merchant(merchant) => merchant.actor(),
            Self::Operator(operator) => operator.actor(),
        }
    }

    fn key(self) -> TokenId {
        match self {
            Self::Wallet(wallet) => wallet.key(),
            Self::Merchant(merchant) => merchant.key(),
            Self::Operator(operator) => operator.key(),
        }
    }
}

macro_rules! extracted {
    ($($proof:ident$(<$scope:ident>)?)*) => { $(
        impl$(<$scope: Scope>)? FromRequestParts<App> for $proof$(<$scope>)? {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
                Self::authenticate(parts, app)
            }
        }
    )* };
}

extracted!(Merchant<S> BackOffice<S> Operator<S> Manager<S> Staff<S> Wallet Party Disputant);

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
