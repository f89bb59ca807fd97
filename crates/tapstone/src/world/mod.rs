//! A world: who takes part in a platform, described as data.
//!
//! [`World::parse`] reads a description (JSON) and accepts it only if all of it makes sense; [`World::apply`] makes it
//! so. Everything in a description has a key of its author's, such as `lantern-tea`, from which its ids follow, so
//! that applying the same description again changes nothing, and a crash midway is repaired by applying it again.
//!
//! Applying adds and renames; it never takes away, and it never changes what money depends on.

mod apply;
mod description;
mod ids;

pub(crate) use apply::{ApplyError, Keys, NewKey, published_token};
pub(crate) use description::{Deposit, Key, Merchant, Store, Tag, TagMode, UidText, Wallet, World};
