//! All of the directory in memory.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use ids::{Id, IdHasher, IdMap, MerchantId, StoreId, TagId, TillId};

use crate::keys::{Admission, HashedKey};
use crate::profiles::{Entry, MerchantProfile, Purpose, StoreProfile, TagProfile, TillProfile, WalletProfile};
use crate::token::Digest;

#[derive(Default)]
pub(crate) struct Cache {
    pub(crate) purpose: Option<Purpose>,
    pub(crate) keys: HashMap<Digest, Admission, BuildHasherDefault<IdHasher>>,
    pub(crate) merchants: IdMap<ids::Merchant, Arc<MerchantProfile>>,
    pub(crate) stores: IdMap<ids::Store, Arc<StoreProfile>>,
    pub(crate) tills: IdMap<ids::Till, Arc<TillProfile>>,
    pub(crate) tags: IdMap<ids::Tag, Arc<TagProfile>>,
    pub(crate) wallets: IdMap<ids::Wallet, Arc<WalletProfile>>,
    stores_of: IdMap<ids::Merchant, Vec<StoreId>>,
    tills_of: IdMap<ids::Store, Vec<TillId>>,
    tags_of: IdMap<ids::Merchant, Vec<TagId>>,
}

impl Cache {
    /// Takes in what the database has taken in, in the same order.
    pub(crate) fn insert(&mut self, entry: Entry) {
        match entry {
            Entry::Merchant(merchant) => drop(self.merchants.insert(merchant.id, Arc::new(merchant))),
            Entry::Wallet(wallet) => drop(self.wallets.insert(wallet.id, Arc::new(wallet))),
            Entry::Key(HashedKey { profile, digest }) => {
                self.keys.insert(digest, Admission::from(&profile));
            }
            Entry::Store(store) => {
                let (id, merchant) = (store.id, store.merchant);
                if self.stores.insert(id, Arc::new(store)).is_none() {
                    self.stores_of.entry(merchant).or_default().push(id);
                }
            }
            Entry::Till(till) => {
                let (id, store) = (till.id, till.store);
                let before = self.tills.insert(id, Arc::new(till)).map(|before| before.store);
                if before == Some(store) {
                    return;
                }
                if let Some(left) = before.and_then(|before| self.tills_of.get_mut(&before)) {
                    left.retain(|till| *till != id);
                }
                self.tills_of.entry(store).or_default().push(id);
            }
            Entry::Tag(tag) => {
                let (id, merchant) = (tag.id, tag.merchant);
                if self.tags.insert(id, Arc::new(tag)).is_none() {
                    self.tags_of.entry(merchant).or_default().push(id);
                }
            }
        }
    }

    pub(crate) fn stores_of(&self, merchant: MerchantId) -> Vec<Arc<StoreProfile>> {
        look_up_all(&self.stores, self.stores_of.get(&merchant))
    }

    pub(crate) fn tills_of(&self, store: StoreId) -> Vec<Arc<TillProfile>> {
        look_up_all(&self.tills, self.tills_of.get(&store))
    }

    pub(crate) fn tags_of(&self, merchant: MerchantId) -> Vec<Arc<TagProfile>> {
        look_up_all(&self.tags, self.tags_of.get(&merchant))
    }
}

fn look_up_all<K: ids::Kind, V>(map: &IdMap<K, Arc<V>>, ids: Option<&Vec<Id<K>>>) -> Vec<Arc<V>> {
    ids.into_iter().flatten().filter_map(|id| map.get(id).cloned()).collect()
}
