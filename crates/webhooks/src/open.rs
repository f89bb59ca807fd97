//! Opening: everything that has not come to an end goes on.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use crate::address::Network;
use crate::database::Database;
use crate::delivery_rows;
use crate::endpoint::Endpoint;
use crate::error::WebhooksError;
use crate::filter::EventFilter;
use crate::limits::Limits;
use crate::live::{HeldSecret, Live, object_key, place_of_secret};
use crate::queue::Queue;
use crate::rows::{self, EndpointRow};
use crate::target;
use crate::vault::Vault;
use crate::webhooks::Webhooks;

impl Webhooks {
    /// The file's name in the data folder.
    pub const FILE_NAME: &'static str = "webhooks.sqlite";

    /// Opens the webhooks in this data folder, and makes an empty file and a key where there are none.
    ///
    /// # Errors
    /// [`WebhooksError`] says what is wrong with the file or the key, and what to do.
    pub fn open(folder: &Path, limits: Limits) -> Result<Self, WebhooksError> {
        let database = Database::open(&folder.join(Self::FILE_NAME))?;
        let (endpoints, event_types) = database.run(|sql| Ok((rows::endpoints(sql)?, rows::event_types(sql)?)))?;
        let vault = Vault::open(folder, endpoints.is_empty())?;
        let mut webhooks = Self {
            database,
            vault,
            limits,
            endpoints: HashMap::new(),
            of_merchants: HashMap::new(),
            of_numbers: HashMap::new(),
            deleted: BTreeMap::new(),
            event_types: event_types.into_iter().map(|(code, name)| (name, code)).collect(),
            behind: BTreeSet::new(),
            wakeups: BTreeSet::new(),
            unwritten: Vec::new(),
            gone: BTreeSet::new(),
            prune_turn: 0,
        };
        for row in endpoints {
            webhooks.load_endpoint(row)?;
        }
        webhooks.load_secrets()?;
        webhooks.load_replays()?;
        webhooks.load_waiting()?;
        webhooks.endpoints.values_mut().for_each(|live| live.queue.resume());
        webhooks.mark_all();
        for id in webhooks.behind.clone() {
            webhooks.reschedule(id);
        }
        Ok(webhooks)
    }

    fn load_endpoint(&mut self, row: EndpointRow) -> Result<(), WebhooksError> {
        let Some(state) = row.state else {
            self.deleted.insert(row.number, *delivery_rows::numbers_of(row.number).start());
            return Ok(());
        };
        // Whether it may be reached is asked again at each connection.
        let url = target::check_url(&row.url, Network::Private).map_err(|_| self.database.damaged("a bad URL"))?;
        let events = EventFilter::parse(row.events.lines()).map_err(|_| self.database.damaged("a bad filter"))?;
        let endpoint = Endpoint {
            id: row.id,
            merchant: row.merchant,
            url: Arc::new(url),
            events,
            description: row.description,
            state,
            created_at: row.created_at,
        };
        self.insert(endpoint, row.number, row.position, row.stored_bytes);
        Ok(())
    }

    fn load_secrets(&mut self) -> Result<(), WebhooksError> {
        for row in self.database.run(rows::secrets)? {
            let live = self.of_numbers.get(&row.endpoint).and_then(|id| self.endpoints.get_mut(id));
            let live = live.ok_or_else(|| self.database.damaged("a secret of no endpoint"))?;
            let secret = self.vault.open_sealed(&row.sealed, &place_of_secret(live.endpoint.id, row.serial))?;
            live.secrets.push(HeldSecret { serial: row.serial, secret, valid_until: row.valid_until });
        }
        Ok(())
    }

    fn load_replays(&mut self) -> Result<(), WebhooksError> {
        for (number, replay) in self.database.run(rows::replays)? {
            if let Some(live) = self.of_numbers.get(&number).and_then(|id| self.endpoints.get_mut(id)) {
                live.replays.push(replay);
            }
        }
        Ok(())
    }

    fn load_waiting(&mut self) -> Result<(), WebhooksError> {
        let Self { database, of_numbers, endpoints, .. } = self;
        database.run(|sql| {
            delivery_rows::waiting(sql, |row| {
                if let Some(live) = of_numbers.get(&row.number.endpoint()).and_then(|id| endpoints.get_mut(id)) {
                    let (position, object) = (row.number.position(), object_key(&row.object));
                    live.queue.push(position, object, row.event_at, row.progress, None);
                }
            })
        })
    }

    /// Takes an endpoint into memory.
    pub(crate) fn insert(&mut self, endpoint: Endpoint, number: i64, cursor: u64, stored_bytes: u64) {
        let (id, merchant) = (endpoint.id, endpoint.merchant);
        let live = Live {
            number,
            endpoint,
            cursor,
            secrets: Vec::new(),
            signing: None,
            queue: Queue::new(self.limits.under_way),
            replays: Vec::new(),
            stored_bytes,
            prune_from: *delivery_rows::numbers_of(number).start(),
            marks: 0,
            wakes_at: None,
        };
        self.endpoints.insert(id, live);
        self.of_merchants.entry(merchant).or_default().insert(id);
        self.of_numbers.insert(number, id);
    }
}
