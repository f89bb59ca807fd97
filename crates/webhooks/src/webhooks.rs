//! Endpoints: made, changed, deleted, and their secrets rotated.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use ids::{MerchantId, WebhookEndpointId};

use crate::database::Database;
use crate::delivery::MAX_ENDPOINT_NUMBER;
use crate::delivery_rows;
use crate::endpoint::{Change, Endpoint, EndpointState, NewEndpoint};
use crate::error::WebhooksError;
use crate::limits::Limits;
use crate::live::{HeldSecret, Live, place_of_secret};
use crate::rows::{self, SecretRow};
use crate::secret::Secret;
use crate::target::Target;
use crate::vault::Vault;

/// The most secrets of one endpoint that are valid at once. When there is one more, the oldest is valid no longer.
const MAX_SECRETS: usize = 5;

/// All endpoints and their deliveries.
pub struct Webhooks {
    pub(crate) database: Database,
    pub(crate) vault: Vault,
    pub(crate) limits: Limits,
    pub(crate) endpoints: HashMap<WebhookEndpointId, Live>,
    pub(crate) of_merchants: HashMap<MerchantId, BTreeSet<WebhookEndpointId>>,
    pub(crate) of_numbers: HashMap<i64, WebhookEndpointId>,
    /// Numbers of endpoints that are deleted but for their deliveries, and where these begin.
    pub(crate) deleted: BTreeMap<i64, i64>,
    pub(crate) event_types: HashMap<String, i64>,
    /// Endpoints whose merchants may have newer events.
    pub(crate) behind: BTreeSet<WebhookEndpointId>,
    /// When endpoints have something to do next.
    pub(crate) wakeups: BTreeSet<(u64, WebhookEndpointId)>,
    /// What has become of deliveries since the last transaction.
    pub(crate) unwritten: Vec<delivery_rows::Change>,
    /// Numbers of endpoints that have said since then that they are gone.
    pub(crate) gone: BTreeSet<i64>,
    /// Whose old deliveries are looked at next.
    pub(crate) prune_turn: i64,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("endpoints", &self.endpoints.len()).finish_non_exhaustive()
    }
}

impl Webhooks {
    /// Whether there is no endpoint.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
    }

    /// The merchants that have endpoints.
    pub fn merchants(&self) -> impl Iterator<Item = MerchantId> + '_ {
        self.of_merchants.keys().copied()
    }

    /// A merchant's endpoints, the newest first.
    #[must_use]
    pub fn endpoints(&self, merchant: MerchantId) -> Vec<&Endpoint> {
        let ids = self.of_merchants.get(&merchant).into_iter().flatten().rev();
        ids.filter_map(|id| self.endpoints.get(id)).map(|live| &live.endpoint).collect()
    }

    /// A merchant's endpoint.
    ///
    /// # Errors
    /// [`WebhooksError::NotFound`] if there is none, or if it is another's.
    pub fn endpoint(&self, merchant: MerchantId, id: WebhookEndpointId) -> Result<&Endpoint, WebhooksError> {
        self.live(merchant, id).map(|live| &live.endpoint)
    }

    /// Whether an endpoint is taken for dead just now: it is only asked whether it lives.
    #[must_use]
    pub fn is_failing(&self, id: WebhookEndpointId) -> bool {
        self.endpoints.get(&id).is_some_and(|live| live.queue.is_broken())
    }

    /// Deliveries of an endpoint that have not come to an end.
    #[must_use]
    pub fn waiting(&self, id: WebhookEndpointId) -> usize {
        self.endpoints.get(&id).map_or(0, |live| live.queue.len())
    }

    /// Makes an endpoint.
    ///
    /// # Errors
    /// [`WebhooksError::TooManyEndpoints`]; or the file cannot be written.
    pub fn create(&mut self, new: NewEndpoint, secret: &Secret, now: u64) -> Result<&Endpoint, WebhooksError> {
        let NewEndpoint { id, merchant, url, events, description, position } = new;
        let most = self.limits.endpoints_per_merchant;
        if self.of_merchants.get(&merchant).is_some_and(|own| own.len() >= most) {
            return Err(WebhooksError::TooManyEndpoints { most });
        }
        let number = self.free_number().ok_or(WebhooksError::Busy)?;
        let state = EndpointState::Enabled;
        let endpoint = Endpoint { id, merchant, url: Arc::new(url), events, description, state, created_at: now };
        let sealed = self.vault.seal(secret, &place_of_secret(id, 0))?;
        let row = SecretRow { endpoint: number, serial: 0, sealed, valid_until: None };
        self.database.write(|sql| {
            rows::insert_endpoint(sql, number, &endpoint, position)?;
            rows::insert_secret(sql, &row)
        })?;
        self.insert(endpoint, number, position, 0);
        self.behind.insert(id);
        let live = self.live_mut(merchant, id)?;
        live.secrets.push(HeldSecret { serial: 0, secret: secret.clone(), valid_until: None });
        Ok(&live.endpoint)
    }

    /// The smallest number that no endpoint has, nor any delivery that is left of one.
    fn free_number(&self) -> Option<i64> {
        let is_free = |number: &i64| !self.of_numbers.contains_key(number) && !self.deleted.contains_key(number);
        (1..=MAX_ENDPOINT_NUMBER).find(is_free)
    }

    /// Changes an endpoint. What waits goes to a new URL, and at once; an endpoint that is enabled again goes on where it
    /// stopped.
    ///
    /// # Errors
    /// [`WebhooksError::NotFound`]; or the file cannot be written.
    pub fn update(
        &mut self,
        merchant: MerchantId,
        id: WebhookEndpointId,
        change: Change,
    ) -> Result<&Endpoint, WebhooksError> {
        let live = self.live(merchant, id)?;
        let Change { url, events, description, enabled } = change;
        let is_new_start = url.is_some() || enabled == Some(true);
        let old = live.endpoint.clone();
        let endpoint = Endpoint {
            url: url.map_or(old.url, Arc::new),
            events: events.unwrap_or(old.events),
            description: description.unwrap_or(old.description),
            state: match enabled {
                None => old.state,
                Some(true) => EndpointState::Enabled,
                Some(false) => EndpointState::Disabled,
            },
            ..old
        };
        let number = live.number;
        self.database.write(|sql| rows::update_endpoint(sql, number, &endpoint))?;
        self.gone.remove(&number);
        let live = self.live_mut(merchant, id)?;
        live.endpoint = endpoint;
        if is_new_start {
            live.queue.revive();
        }
        self.behind.insert(id);
        self.reschedule(id);
        self.endpoint(merchant, id)
    }

    /// Deletes an endpoint and all its deliveries. What is under way may still arrive.
    ///
    /// # Errors
    /// [`WebhooksError::NotFound`]; or the file cannot be written.
    pub fn delete(&mut self, merchant: MerchantId, id: WebhookEndpointId) -> Result<(), WebhooksError> {
        let number = self.live(merchant, id)?.number;
        self.database.write(|sql| rows::mark_deleted(sql, number))?;
        let Some(live) = self.endpoints.remove(&id) else { return Ok(()) };
        self.wakeups.remove(&(live.wakes_at.unwrap_or_default(), id));
        self.behind.remove(&id);
        self.of_numbers.remove(&number);
        self.unwritten.retain(|change| change.number.endpoint() != number);
        self.gone.remove(&number);
        self.deleted.insert(number, *delivery_rows::numbers_of(number).start());
        if let Some(own) = self.of_merchants.get_mut(&merchant) {
            own.remove(&id);
            if own.is_empty() {
                self.of_merchants.remove(&merchant);
            }
        }
        Ok(())
    }

    /// Gives an endpoint a new secret. Deliveries are signed with the one before too, for `overlap_ms` from `now` on.
    ///
    /// # Errors
    /// [`WebhooksError::NotFound`]; or the file cannot be written.
    pub fn rotate_secret(
        &mut self,
        merchant: MerchantId,
        id: WebhookEndpointId,
        secret: &Secret,
        overlap_ms: u64,
        now: u64,
    ) -> Result<&Endpoint, WebhooksError> {
        let live = self.live(merchant, id)?;
        let number = live.number;
        let valid_until = now.saturating_add(overlap_ms);
        let serial = live.secrets.last().map_or(0, |last| last.serial + 1);
        let sealed = self.vault.seal(secret, &place_of_secret(id, serial))?;
        let row = SecretRow { endpoint: number, serial, sealed, valid_until: None };
        let current = live.secrets.iter().filter(|held| held.valid_until.is_none()).map(|held| held.serial);
        let retired: Vec<_> = current.collect();
        let is_over = |held: &&HeldSecret| held.valid_until.is_some_and(|until| until <= now);
        let mut ended: Vec<_> = live.secrets.iter().filter(is_over).map(|held| held.serial).collect();
        let going_on = live.secrets.iter().filter(|held| !ended.contains(&held.serial)).map(|held| held.serial);
        let going_on: Vec<_> = going_on.collect();
        ended.extend(going_on.iter().take((going_on.len() + 1).saturating_sub(MAX_SECRETS)));
        self.database.write(|sql| {
            retired.iter().try_for_each(|serial| rows::retire_secret(sql, number, *serial, valid_until))?;
            ended.iter().try_for_each(|serial| rows::delete_secret(sql, number, *serial))?;
            rows::insert_secret(sql, &row)
        })?;
        let live = self.live_mut(merchant, id)?;
        live.secrets.retain(|held| !ended.contains(&held.serial));
        for held in live.secrets.iter_mut().filter(|held| held.valid_until.is_none()) {
            held.valid_until = Some(valid_until);
        }
        live.secrets.push(HeldSecret { serial, secret: secret.clone(), valid_until: None });
        live.signing = None;
        Ok(&live.endpoint)
    }

    /// Where a message of trial goes, and what it is signed with.
    ///
    /// # Errors
    /// [`WebhooksError::NotFound`].
    pub fn route(
        &mut self,
        merchant: MerchantId,
        id: WebhookEndpointId,
        now: u64,
    ) -> Result<(Arc<Target>, Arc<[Secret]>), WebhooksError> {
        let live = self.live_mut(merchant, id)?;
        Ok((live.endpoint.url.clone(), live.signing(now)))
    }

    /// An endpoint has been seen to live: what waits for it is due at once.
    pub fn revive(&mut self, id: WebhookEndpointId) {
        if let Some(live) = self.endpoints.get_mut(&id) {
            live.queue.revive();
            self.reschedule(id);
        }
    }

    pub(crate) fn live(&self, merchant: MerchantId, id: WebhookEndpointId) -> Result<&Live, WebhooksError> {
        let own = self.endpoints.get(&id).filter(|live| live.endpoint.merchant == merchant);
        own.ok_or(WebhooksError::NotFound)
    }

    pub(crate) fn live_mut(&mut self, merchant: MerchantId, id: WebhookEndpointId) -> Result<&mut Live, WebhooksError> {
        let own = self.endpoints.get_mut(&id).filter(|live| live.endpoint.merchant == merchant);
        own.ok_or(WebhooksError::NotFound)
    }

    /// Puts an endpoint into the list of those that have something to do, at the right time.
    pub(crate) fn reschedule(&mut self, id: WebhookEndpointId) {
        let Some(live) = self.endpoints.get_mut(&id) else { return };
        let due_at = if live.is_enabled() { live.queue.due_at() } else { None };
        if due_at == live.wakes_at {
            return;
        }
        if let Some(before) = live.wakes_at {
            self.wakeups.remove(&(before, id));
        }
        self.wakeups.extend(due_at.map(|at| (at, id)));
        live.wakes_at = due_at;
    }
}
