//! A town to tap in: a folder of its own with wallets, merchants and tags.

use std::path::Path;

use directory::Purpose;
use money::{Amount, Currency, Money};
use tempfile::TempDir;

use super::load::Place;
use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::provision::crowd;

/// What each wallet begins with, in minor units: more than any run spends.
pub(super) const OPENING_BALANCE: u64 = 1_000_000_000_000;

/// Who taps and where.
pub(crate) struct Made {
    pub(crate) wallet_tokens: Vec<String>,
    /// One for each connection.
    pub(crate) places: Vec<Place>,
    pub(crate) merchant_keys: Vec<String>,
}

/// A folder that goes away with its value.
pub(crate) fn temporary_folder(within: &Path) -> Result<TempDir, Failure> {
    let failed = |error| Failure::Usage(format!("cannot make a folder in {}: {error}; see --folder", within.display()));
    tempfile::Builder::new().prefix("tapstone-bench-").tempdir_in(within).map_err(failed)
}

/// How large a town is made, and for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) wallets: u32,
    pub(crate) merchants: u32,
    pub(crate) places: u32,
    /// Each tap at a place begins with an order.
    pub(crate) orders: bool,
    pub(crate) purpose: Purpose,
}

/// Makes the town in `folder`.
pub(crate) fn make(folder: &Path, size: Size) -> Result<Made, Failure> {
    let Size { wallets, merchants, places, orders, purpose } = size;
    let data = DataFolder(folder);
    let (directory, _) = data.initialise()?;
    directory.declare(purpose)?;
    drop(directory);
    let open = data.open(purpose)?;
    let money = Money::new(Amount::new(OPENING_BALANCE)?, Currency::from_alpha("CNY")?);
    let payers = crowd::wallets(&open, wallets, money)?;
    let url = "http://bench.example".parse().map_err(Failure::Fault)?;
    let stalls = crowd::merchants(&open, merchants, places.div_ceil(merchants), money.currency(), &url)?;
    let merchant_keys = stalls.iter().map(|stall| stall.key.expose().to_owned()).collect();
    let all_tags = stalls.into_iter().flat_map(|stall| {
        let key = stall.key;
        stall.tags.into_iter().map(move |(id, tag)| (key.expose().to_owned(), id, tag)).collect::<Vec<_>>()
    });
    let places = all_tags.zip(0..places).map(|((key, id, tag), number)| Place {
        number,
        tag,
        order_at: orders.then(|| (key, id.to_string())),
        acknowledged_counter: 0,
    });
    let places = places.collect();
    open.close();
    Ok(Made {
        wallet_tokens: payers.iter().map(|payer| payer.token.expose().to_owned()).collect(),
        places,
        merchant_keys,
    })
}
