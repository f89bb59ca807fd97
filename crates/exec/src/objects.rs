//! The reference's objects, read from JSON.
//!
//! A field that is missing is 0, as in the reference's clients. A field that is unknown or comes twice is refused: it
//! is a mistake that would move the wrong money in silence.

use std::fmt;
use std::marker::PhantomData;

use bitflags::Flags;
use ledger::{Account, AccountFilter, AccountFilterFlags, BATCH_MAX, QueryFilter, Transfer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::integer::Integer;

/// A value of the ledger as the protocol writes it.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

/// Reads an object field by field, and nothing but an object: serde's own structures would take a list as well.
macro_rules! object {
    ($type:ty = $name:literal from $missing:expr, { $($field:ident: $kind:ident,)* }) => {
        impl<'de> Deserialize<'de> for Object<$type> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map(ObjectVisitor(PhantomData::<$type>))
            }
        }

        impl<'de> Visitor<'de> for ObjectVisitor<$type> {
            type Value = Object<$type>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!("an object with the fields of ", $name))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                #[derive(Clone, Copy)]
                #[allow(non_camel_case_types, reason = "named as the fields are")]
                enum Place { $($field,)* }
                const NAMES: &[&str] = &[$(stringify!($field)),*];
                let mut object: $type = $missing;
                let mut seen = 0_u32;
                let find = |name: &str| match name {
                    $(stringify!($field) => Some(Place::$field),)*
                    _ => None,
                };
                while let Some(place) = map.next_key_seed(Name { names: NAMES, find })? {
                    let bit = 1 << place as u32;
                    if seen & bit != 0 {
                        return Err(A::Error::custom(format_args!("`{}` comes twice", NAMES[place as usize])));
                    }
                    seen |= bit;
                    match place {
                        $(Place::$field => object.$field = map.next_value::<$kind<_>>()?.0,)*
                    }
                }
                Ok(Object(object))
            }
        }
    };
}

object!(Account = "an account" from Account::default(), {
    id: Integer,
    debits_pending: Integer,
    debits_posted: Integer,
    credits_pending: Integer,
    credits_posted: Integer,
    user_data_128: Integer,
    user_data_64: Integer,
    user_data_32: Integer,
    reserved: Integer,
    ledger: Integer,
    code: Integer,
    flags: FlagNames,
    timestamp: Integer,
});

object!(Transfer = "a transfer" from Transfer::default(), {
    id: Integer,
    debit_account_id: Integer,
    credit_account_id: Integer,
    amount: Integer,
    pending_id: Integer,
    user_data_128: Integer,
    user_data_64: Integer,
    user_data_32: Integer,
    timeout: Integer,
    ledger: Integer,
    code: Integer,
    flags: FlagNames,
    timestamp: Integer,
});

object!(AccountFilter = "an account filter" from unlimited_account_filter(), {
    account_id: Integer,
    user_data_128: Integer,
    user_data_64: Integer,
    user_data_32: Integer,
    code: Integer,
    timestamp_min: Integer,
    timestamp_max: Integer,
    limit: Integer,
    flags: FlagNames,
});

object!(QueryFilter = "a query filter" from QueryFilter { limit: LIMIT_IF_MISSING, ..QueryFilter::default() }, {
    user_data_128: Integer,
    user_data_64: Integer,
    user_data_32: Integer,
    ledger: Integer,
    code: Integer,
    timestamp_min: Integer,
    timestamp_max: Integer,
    limit: Integer,
    flags: FlagNames,
});

#[expect(clippy::cast_possible_truncation, reason = "a constant of 13 bits")]
const LIMIT_IF_MISSING: u32 = BATCH_MAX as u32;

/// Where 0 would ask for nothing at all, what is missing asks for everything.
fn unlimited_account_filter() -> AccountFilter {
    let flags = AccountFilterFlags::DEBITS | AccountFilterFlags::CREDITS;
    AccountFilter { limit: LIMIT_IF_MISSING, flags, ..AccountFilter::default() }
}

struct ObjectVisitor<T>(PhantomData<T>);

/// One of some names, as the place that `find` gives it.
pub(crate) struct Name<F> {
    pub(crate) names: &'static [&'static str],
    pub(crate) find: F,
}

impl<'de, P, F: Fn(&str) -> Option<P>> DeserializeSeed<'de> for Name<F> {
    type Value = P;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<P, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<P, F: Fn(&str) -> Option<P>> Visitor<'_> for Name<F> {
    type Value = P;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", self.names.join(", "))
    }

    // The name itself is not said again: it is the last of the error's path.
    fn visit_str<E: Error>(self, name: &str) -> Result<P, E> {
        (self.find)(name).ok_or_else(|| E::custom(format_args!("unknown; there are {}", self.names.join(", "))))
    }
}

/// Flags as the list of their names in the reference: those of the type's constants in small letters.
#[derive(Debug)]
pub(crate) struct FlagNames<F>(F);

impl<'de, F: Flags + Copy> Deserialize<'de> for FlagNames<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FlagNamesVisitor(PhantomData))
    }
}

struct FlagNamesVisitor<F>(PhantomData<F>);

impl<'de, F: Flags + Copy> Visitor<'de> for FlagNamesVisitor<F> {
    type Value = FlagNames<F>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of flag names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
        let mut flags = F::empty();
        while let Some(FlagName(flag)) = names.next_element::<FlagName<F>>()? {
            if flags.contains(flag) {
                let name = flag_names(flag).collect::<String>();
                return Err(A::Error::custom(format_args!("`{name}` comes twice")));
            }
            flags.insert(flag);
        }
        Ok(FlagNames(flags))
    }
}

struct FlagName<F>(F);

impl<'de, F: Flags + Copy> Deserialize<'de> for FlagName<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FlagNameVisitor(PhantomData))
    }
}

struct FlagNameVisitor<F>(PhantomData<F>);

impl<F: Flags + Copy> Visitor<'_> for FlagNameVisitor<F> {
    type Value = FlagName<F>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a flag")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let found = F::all()
            .iter_names()
            .find(|(constant, _)| constant.bytes().map(|byte| byte.to_ascii_lowercase()).eq(name.bytes()));
        found.map(|(_, flag)| FlagName(flag)).ok_or_else(|| {
            let known: Vec<_> = flag_names(F::all()).collect();
            E::custom(format_args!("`{name}` is unknown; there are {}", known.join(", ")))
        })
    }
}

/// The names of the flags that are set, in order of their bits.
pub(crate) fn flag_names<F: Flags>(flags: F) -> impl Iterator<Item = String> {
    let names: Vec<_> = flags.iter_names().map(|(constant, _)| constant.to_ascii_lowercase()).collect();
    names.into_iter()
}
