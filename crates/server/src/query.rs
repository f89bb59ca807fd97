//! Query parameters, strictly: each at most once, none that is not known.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query as Pairs};
use axum::http::Uri;
use axum::http::request::Parts;
use money::Currency;
use store::tables::Span;

use crate::problem::{Code, Problem};
use crate::timestamp::Timestamp;

/// The items of a list when nobody says how many.
const DEFAULT_LIMIT: u32 = 20;

/// The most items of a list.
pub(crate) const MAX_LIMIT: u32 = 100;

/// The longest text that a list is searched by, in characters.
const MAX_SEARCH: usize = 80;

/// The parameters that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.uri)
    }
}

impl Query {
    /// The parameters of a request.
    pub(crate) fn of(uri: &Uri) -> Result<Self, Problem> {
        Pairs::try_from_uri(uri)
            .map(|Pairs(pairs)| Self(pairs))
            .map_err(|_| Problem::new(Code::InvalidField, "the query is malformed"))
    }

    /// Takes a parameter out.
    pub(crate) fn take<T: FromStr>(
        &mut self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, Problem> {
        let Some(place) = self.0.iter().position(|(given, _)| given == name) else { return Ok(None) };
        let (_, value) = self.0.swap_remove(place);
        value.parse().map(Some).map_err(|_| Problem::field(name, expected))
    }

    /// Takes the span of time that a list is of.
    pub(crate) fn take_created(&mut self) -> Result<Span, Problem> {
        const EXPECTED: &str = "must be a moment such as 2026-11-22T12:30:00Z";
        let after: Option<Timestamp> = self.take("created_after", EXPECTED)?;
        let before: Option<Timestamp> = self.take("created_before", EXPECTED)?;
        Ok(Span { after: after.map(|moment| moment.0), before: before.map(|moment| moment.0) })
    }

    /// Takes the currency that a list is of.
    pub(crate) fn take_currency(&mut self) -> Result<Option<Currency>, Problem> {
        let alpha: Option<String> = self.take("currency", "must be a text")?;
        let currency = alpha.map(|alpha| Currency::from_alpha(&alpha)).transpose();
        currency.map_err(|_| {
            Problem::field("currency", "must be an active ISO 4217 currency with a minor unit, such as CNY")
        })
    }

    /// Takes what a list is searched by.
    pub(crate) fn take_search(&mut self) -> Result<Option<String>, Problem> {
        let sought: Option<String> = self.take("search", "must be a text")?;
        match sought {
            Some(text) if !(1..=MAX_SEARCH).contains(&text.chars().count()) => {
                Err(Problem::field("search", "must have 1 to 80 characters"))
            }
            sought => Ok(sought),
        }
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses whatever is left.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::field(name, "is not a parameter of this resource, or is given twice")),
        }
    }

    /// Takes what every list knows, and refuses the rest.
    pub(crate) fn into_page<Cursor: FromStr>(mut self) -> Result<PageOf<Cursor>, Problem> {
        let limit = self.take("limit", "must be a number from 1 to 100")?.unwrap_or(DEFAULT_LIMIT);
        let starting_after = self.take("starting_after", "must be the id of an item of this list")?;
        self.finish()?;
        if (1..=MAX_LIMIT).contains(&limit) {
            Ok(PageOf { limit, starting_after })
        } else {
            Err(Problem::field("limit", "must be a number from 1 to 100"))
        }
    }
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageOf<Cursor> {
    /// The most items: 1 to [`MAX_LIMIT`].
    pub(crate) limit: u32,
    /// The item that the part comes after.
    pub(crate) starting_after: Option<Cursor>,
}

/// Proof that a request has no parameters.
#[derive(Debug)]
pub(crate) struct NoQuery;

impl<S: Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        refuse_any(&parts.uri).map(|()| Self)
    }
}

/// Refuses all parameters.
pub(crate) fn refuse_any(uri: &Uri) -> Result<(), Problem> {
    if uri.query().is_none() { Ok(()) } else { Query::of(uri)?.finish() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> Result<PageOf<u64>, Problem> {
        Query::of(&format!("/v1/things?{query}").parse().unwrap())?.into_page()
    }

    #[test]
    fn takes_what_a_list_knows() {
        assert_eq!(page("").unwrap(), PageOf { limit: 20, starting_after: None });
        assert_eq!(page("limit=100&starting_after=7").unwrap(), PageOf { limit: 100, starting_after: Some(7) });
        assert_eq!(page("limit=%31").unwrap().limit, 1);
    }

    #[test]
    fn refuses_the_rest_and_names_it() {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=-1", "limit"),
            ("limit=", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("limit=1&limit=2", "limit"),
            ("starting_after=x", "starting_after"),
            ("Limit=1", "Limit"),
            ("offset=3", "offset"),
        ] {
            let refusal = format!("{:?}", page(query).unwrap_err());
            assert!(refusal.contains(&format!("field: Some(\"{field}\")")), "{query}: {refusal}");
        }
    }
}
