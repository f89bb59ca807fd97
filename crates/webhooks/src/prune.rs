//! The log of what is done stays within its bounds: the oldest goes first, a little in each transaction.

use ids::WebhookEndpointId;
use rusqlite::Connection;

use crate::delivery_rows::{self, Pruned};
use crate::error::WebhooksError;
use crate::rows;
use crate::webhooks::Webhooks;

/// Deliveries that are looked at for one endpoint in a transaction, besides as many as it adds.
const AT_ONCE: usize = 256;

/// An endpoint whose old deliveries are looked at.
pub(crate) struct Target {
    number: i64,
    /// `None`: it is deleted, and all its deliveries go.
    id: Option<WebhookEndpointId>,
    from: i64,
    most: u32,
    stored_bytes: u64,
}

impl Webhooks {
    /// The bytes that each endpoint's deliveries may take.
    pub(crate) fn share(&self) -> u64 {
        let endpoints = u64::try_from(self.endpoints.len().max(1)).unwrap_or(u64::MAX);
        self.limits.stored_bytes.min(self.limits.stored_bytes_in_all / endpoints)
    }

    /// Looks at some of the oldest deliveries of one endpoint, each time the next one's. To be called now and then.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn tidy(&mut self, now: u64) -> Result<(), WebhooksError> {
        let targets = self.choose_to_prune([].into_iter());
        if targets.is_empty() {
            return Ok(());
        }
        let pruned = self.database.write(|sql| self.prune(sql, &targets, now))?;
        self.forget(pruned);
        Ok(())
    }

    /// Whose old deliveries are looked at in a transaction: of those that it makes too large, and of one more. Each of
    /// `changed` says what is stored of it then, and how many deliveries were added.
    pub(crate) fn choose_to_prune(
        &mut self,
        changed: impl Iterator<Item = (WebhookEndpointId, u64, usize)>,
    ) -> Vec<Target> {
        let share = self.share();
        let too_large = changed.filter(|(_, stored_bytes, _)| *stored_bytes > share);
        let target = |(id, stored_bytes, added)| self.target(id, stored_bytes, added);
        let mut targets: Vec<_> = too_large.filter_map(target).collect();
        let live = self.of_numbers.keys().copied().filter(|number| *number > self.prune_turn).min();
        let deleted = self.deleted.range(self.prune_turn + 1..).next().map(|(number, _)| *number);
        let turn = live.into_iter().chain(deleted).min();
        self.prune_turn = turn.unwrap_or_default();
        if let Some(number) = turn
            && targets.iter().all(|target| target.number != number)
        {
            let of_deleted = |from: &i64| Target { number, id: None, from: *from, most: 1_024, stored_bytes: 0 };
            let of_live = |id: &WebhookEndpointId| self.target(*id, self.endpoints.get(id)?.stored_bytes, 0);
            let target = self.deleted.get(&number).map(of_deleted);
            targets.extend(target.or_else(|| of_live(self.of_numbers.get(&number)?)));
        }
        targets
    }

    fn target(&self, id: WebhookEndpointId, stored_bytes: u64, added: usize) -> Option<Target> {
        let live = self.endpoints.get(&id)?;
        let most = u32::try_from(AT_ONCE + added).unwrap_or(u32::MAX);
        Some(Target { number: live.number, id: Some(id), from: live.prune_from, most, stored_bytes })
    }

    pub(crate) fn prune(
        &self,
        sql: &Connection,
        targets: &[Target],
        now: u64,
    ) -> rusqlite::Result<Vec<(i64, Option<WebhookEndpointId>, Pruned)>> {
        let oldest = now.saturating_sub(self.limits.log_age_ms);
        let mut all = Vec::with_capacity(targets.len());
        for target in targets {
            let too_many = target.stored_bytes.saturating_sub(self.share());
            let is_old = |finished_at: Option<u64>, freed: u64| match (target.id, finished_at) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(_), Some(finished_at)) => finished_at < oldest || freed < too_many,
            };
            let pruned = delivery_rows::prune(sql, target.number, target.from, target.most, is_old)?;
            match target.id {
                None if pruned.next.is_none() => rows::delete_endpoint(sql, target.number)?,
                None => {}
                Some(_) => {
                    rows::set_stored_bytes(sql, target.number, target.stored_bytes.saturating_sub(pruned.bytes))?;
                }
            }
            all.push((target.number, target.id, pruned));
        }
        Ok(all)
    }

    pub(crate) fn forget(&mut self, pruned: Vec<(i64, Option<WebhookEndpointId>, Pruned)>) {
        for (number, id, pruned) in pruned {
            match id.map(|id| self.endpoints.get_mut(&id)) {
                None => match pruned.next {
                    Some(next) => drop(self.deleted.insert(number, next)),
                    None => drop(self.deleted.remove(&number)),
                },
                Some(None) => {}
                Some(Some(live)) => {
                    live.stored_bytes = live.stored_bytes.saturating_sub(pruned.bytes);
                    live.prune_from = pruned.next.unwrap_or(*delivery_rows::numbers_of(number).start());
                }
            }
        }
    }
}
