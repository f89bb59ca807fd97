//! Merchants and wallets by the thousand, for benchmarks and trials. They go the same way as any description.

use directory::Actor;
use engine::{Clock, SystemClock};
use ids::TagId;
use money::{Currency, Money};
use payments::Text;
use tag::{ReadCounter, SoftwareTag, Uid};

use crate::failure::Failure;
use crate::folder::OpenFolder;
use crate::public_url::PublicUrl;
use crate::world::{Deposit, Key, Keys, Merchant, NewKey, Store, Tag, TagMode, UidText, Wallet, World};

/// A wallet with money in it.
pub(crate) struct Payer {
    pub(crate) token: directory::Token,
}

/// A merchant with one store and its standing tags.
pub(crate) struct Stall {
    pub(crate) key: directory::Token,
    /// Each with a software tag that plays the chip.
    pub(crate) tags: Vec<(TagId, SoftwareTag)>,
}

/// Adds this many wallets that each have this much.
///
/// # Errors
/// Also if they are there already: a crowd comes once into a folder.
pub(crate) fn wallets(folder: &OpenFolder, count: u32, money: Money) -> Result<Vec<Payer>, Failure> {
    let wallet = |number| {
        let deposit = Deposit { key: key("opening", 0)?, amount: money.amount(), currency: money.currency() };
        Ok(Wallet {
            key: key("payer", number)?,
            name: format!("Payer {number}").try_into()?,
            name_zh: None,
            currencies: vec![money.currency()],
            deposits: vec![deposit],
        })
    };
    let wallets = (1..=count).map(wallet).collect::<Result<Vec<_>, Failure>>()?;
    let new_keys = apply(folder, Vec::new(), wallets)?;
    let payer = |new: NewKey| match new.actor {
        Actor::Wallet(_) => Some(Payer { token: new.token }),
        Actor::Operator | Actor::Merchant(_) | Actor::Till(_) => None,
    };
    all(new_keys.into_iter().filter_map(payer).collect(), count)
}

/// Adds this many merchants, paid in this currency, each with this many tags, where `url` is.
///
/// # Errors
/// Also if they are there already: a crowd comes once into a folder.
pub(crate) fn merchants(
    folder: &OpenFolder,
    count: u32,
    tags_each: u32,
    currency: Currency,
    url: &PublicUrl,
) -> Result<Vec<Stall>, Failure> {
    let merchants =
        (1..=count).map(|number| merchant(number, tags_each, currency)).collect::<Result<Vec<_>, Failure>>()?;
    let software_tag = |uid| SoftwareTag::new(&folder.tag_master_key, uid, ReadCounter::ZERO, &url.of_taps());
    let tags_of = |merchant: &Merchant| {
        merchant.tags().map(|(id, tag)| Ok((id, software_tag(tag.uid.0)?))).collect::<Result<Vec<_>, Failure>>()
    };
    let tags = merchants.iter().map(tags_of).collect::<Result<Vec<_>, Failure>>()?;
    let new_keys = apply(folder, merchants, Vec::new())?;
    let stall = |(new, tags): (NewKey, Vec<_>)| match new.actor {
        Actor::Merchant(_) => Ok(Stall { key: new.token, tags }),
        Actor::Operator | Actor::Till(_) | Actor::Wallet(_) => {
            Err(Failure::Fault("a merchant has another's key".to_owned()))
        }
    };
    all(new_keys.into_iter().zip(tags).map(stall).collect::<Result<_, Failure>>()?, count)
}

fn merchant(number: u32, tags_each: u32, currency: Currency) -> Result<Merchant, Failure> {
    let tag = |place: u32| {
        let [a, b, c, d] = (number - 1).saturating_mul(tags_each).saturating_add(place).to_be_bytes();
        Ok(Tag {
            key: key("stall", place)?,
            label: format!("Stall {place}").try_into()?,
            uid: UidText(Uid([0x04, 0xFE, a, b, c, d, 0x80])),
            mode: TagMode::Standing,
            currency,
            till: None,
        })
    };
    let store = Store {
        key: key("market", 0)?,
        name: format!("Market, place {number}").try_into()?,
        name_zh: None,
        address: Some(Text::try_from(format!("{number} Market Square"))?),
        tills: Vec::new(),
        tags: (0..tags_each).map(tag).collect::<Result<_, Failure>>()?,
    };
    Ok(Merchant {
        key: key("stall", number)?,
        name: format!("Stall {number}").try_into()?,
        name_zh: None,
        currencies: vec![currency],
        stores: vec![store],
    })
}

fn key(kind: &str, number: u32) -> Result<Key, Failure> {
    Key::try_from(format!("crowd-{kind}-{number}")).map_err(|reason| Failure::Fault(reason.to_owned()))
}

fn apply(folder: &OpenFolder, merchants: Vec<Merchant>, wallets: Vec<Wallet>) -> Result<Vec<NewKey>, Failure> {
    let world = World::new(merchants, wallets)
        .map_err(|errors| Failure::Fault(format!("the crowd makes no sense: {:?}", errors.first())))?;
    // The caller gets them.
    let hand_over = |_: &[NewKey]| Ok(());
    Ok(world.apply(&folder.engine, &folder.directory, Keys::Secret, SystemClock.now(), hand_over)?)
}

fn all<T>(new: Vec<T>, count: u32) -> Result<Vec<T>, Failure> {
    if usize::try_from(count) == Ok(new.len()) {
        return Ok(new);
    }
    Err(Failure::Usage("the folder has a crowd already: use a new one".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Instant;

    use money::Amount;
    use payments::{Owner, UnixMillis};
    use tag::TagKeys;

    use super::*;
    use crate::folder::DataFolder;

    fn cny(minor_units: u64) -> Money {
        Money::new(Amount::new(minor_units).unwrap(), Currency::from_alpha("CNY").unwrap())
    }

    #[test]
    fn a_crowd_can_pay_and_be_paid() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = DataFolder(temporary.path()).open_demonstration().unwrap();
        let begin = Instant::now();
        let payers = wallets(&folder, 2_000, cny(1_000_000)).unwrap();
        println!("2,000 wallets in {:?}", begin.elapsed());
        let stalls = merchants(&folder, 50, 3, cny(1).currency(), &"https://pay.example".parse().unwrap()).unwrap();
        assert_eq!((payers.len(), stalls.len()), (2_000, 50));
        let actor =
            |token: &directory::Token| folder.directory.authenticate(token.expose(), UnixMillis(0)).unwrap().actor;
        assert_eq!(payers.iter().map(|payer| actor(&payer.token)).collect::<HashSet<_>>().len(), 2_000);

        let keys = TagKeys::from_master(&folder.tag_master_key);
        for stall in stalls {
            let Actor::Merchant(merchant) = actor(&stall.key) else { panic!("{:?}", actor(&stall.key)) };
            let known = folder.engine.read(|tables| tables.tags(merchant)).unwrap();
            assert_eq!((stall.tags.len(), known.len()), (3, 3));
            for (id, mut software_tag) in stall.tags {
                assert_eq!(folder.directory.tag(id).unwrap().merchant, merchant);
                let reading = keys.verify_url(&software_tag.touch([0; 5]).unwrap()).unwrap();
                assert!(known.iter().any(|(tag, _)| (tag.uid, tag.id) == (reading.uid(), id)));
            }
        }
        for payer in [&payers[0], &payers[1_999]] {
            let Actor::Wallet(wallet) = actor(&payer.token) else { panic!("{:?}", actor(&payer.token)) };
            let accounts = folder.engine.read(|tables| tables.accounts(Owner::Wallet(wallet))).unwrap();
            assert_eq!(accounts[0].1.available(), 1_000_000);
        }
        assert!(wallets(&folder, 2_000, cny(1_000_000)).is_err());
    }
}
