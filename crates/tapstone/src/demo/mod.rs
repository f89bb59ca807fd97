//! The demonstration: four brands, five wallets, and keys that everybody knows.
//!
//! The world is data, `world.json`, applied as any other description is. What makes it a demonstration is that its API
//! keys follow from the names in it, and that its tags are programs that answer to whoever asks. A data folder says
//! what it is for, so none of this can happen in one for real payments.

use std::collections::HashMap;

use directory::{Actor, Token};
use engine::{Clock, SystemClock};
use ids::TagId;
use server::{Demo, DemoMerchant, DemoTag, DemoWallet};
use tag::{ReadCounter, SoftwareTag};

use crate::failure::Failure;
use crate::folder::OpenFolder;
use crate::public_url::PublicUrl;
use crate::world::{Keys, Merchant, TagMode, Wallet, World, published_token};

/// The tag master key of every demonstration.
pub(crate) const TAG_MASTER_KEY: [u8; 16] = *b"tapstone-demo-16";

/// Stands beside that key wherever it is written.
pub(crate) const TAG_MASTER_KEY_WARNING: &str = "Published, for demonstration only: everybody can forge these tags.";

/// A demonstration that is ready to be served.
pub(crate) struct Ready {
    pub(crate) demo: Demo,
    /// The same world that the demo shows, for the terminal.
    pub(crate) world: server::World,
}

/// Makes the world so in this folder, and its tags ready to be touched where `url` is.
pub(crate) fn prepare(folder: &OpenFolder, url: &PublicUrl) -> Result<Ready, Failure> {
    let world = World::parse(include_str!("world.json"))
        .map_err(|errors| Failure::Fault(format!("the demonstration's world makes no sense: {errors:?}")))?;
    // Whoever reads the description knows the keys.
    let hand_over = |_: &[_]| Ok(());
    world.apply(&folder.engine, &folder.directory, Keys::Published, SystemClock.now(), hand_over)?;
    let operator_key = Token::for_demonstration(Actor::Operator, "operator");
    folder.directory.add_token(Actor::Operator, &operator_key)?;
    let tags = software_tags(&world, folder, url)?;
    let shown = server::World {
        operator_key: operator_key.expose().to_owned(),
        merchants: world.merchants().iter().map(shown_merchant).collect(),
        wallets: world.wallets().iter().map(shown_wallet).collect(),
    };
    Ok(Ready { demo: Demo::new(shown.clone(), tags), world: shown })
}

/// Programs in the chips' places. Each has counted as far as its touches have been accepted, or a restart would have
/// it sign old ones again.
fn software_tags(world: &World, folder: &OpenFolder, url: &PublicUrl) -> Result<Vec<(TagId, SoftwareTag)>, Failure> {
    let mut tags = Vec::new();
    for merchant in world.merchants() {
        let registered = folder.engine.read(|tables| tables.tags(merchant.id()))?;
        let counters: HashMap<_, _> = registered.iter().map(|(tag, counter)| (tag.id, *counter)).collect();
        for (id, tag) in merchant.tags() {
            let counter = ReadCounter::new(counters.get(&id).copied().unwrap_or(0))?;
            tags.push((id, SoftwareTag::new(&folder.tag_master_key, tag.uid.0, counter, &url.of_taps())?));
        }
    }
    Ok(tags)
}

fn shown_merchant(merchant: &Merchant) -> DemoMerchant {
    let id = merchant.id();
    let tags = merchant.tags().map(|(id, tag)| DemoTag {
        id,
        label: tag.label.to_string(),
        mode: match tag.mode {
            TagMode::Till => "till",
            TagMode::Standing => "standing",
        },
    });
    DemoMerchant {
        id,
        name: merchant.name.to_string(),
        name_zh: merchant.name_zh.as_ref().map(ToString::to_string),
        key: published_token(Actor::Merchant(id), &merchant.key).expose().to_owned(),
        tags: tags.collect(),
    }
}

fn shown_wallet(wallet: &Wallet) -> DemoWallet {
    let id = wallet.id();
    DemoWallet {
        id,
        name: wallet.name.to_string(),
        name_zh: wallet.name_zh.as_ref().map(ToString::to_string),
        token: published_token(Actor::Wallet(id), &wallet.key).expose().to_owned(),
    }
}
