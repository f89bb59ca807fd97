//! The delivery log: asked, and replayed from.

use ids::{DeliveryId, MerchantId, WebhookEndpointId};

use crate::delivery;
use crate::delivery::{Delivery, DeliveryDetails, DeliveryNumber, DeliveryStatus, MAX_POSITION, Page, Selection};
use crate::delivery_rows::{self, DeliveryRow};
use crate::error::WebhooksError;
use crate::live::{Live, object_key};
use crate::queue::{Position, Progress};
use crate::rows::{self, Replay};
use crate::webhooks::Webhooks;
use crate::work::Again;

/// The most replays of one endpoint that are going on.
const MAX_REPLAYS: usize = 16;

impl Webhooks {
    /// Deliveries of an endpoint, the newest event first. What ended before `now` is told as it ended.
    ///
    /// # Errors
    /// [`WebhooksError::NotFound`]; or the file cannot be read or written.
    pub fn deliveries(
        &mut self,
        merchant: MerchantId,
        endpoint: WebhookEndpointId,
        selection: &Selection,
        now: u64,
    ) -> Result<Page<Delivery>, WebhooksError> {
        self.live(merchant, endpoint)?;
        self.flush(now)?;
        let live = self.live(merchant, endpoint)?;
        let code = selection.event_type.as_ref().map(|name| self.event_types.get(name).copied());
        if code == Some(None) {
            return Ok(Page { items: Vec::new(), has_more: false });
        }
        let mut rows = self.database.run(|sql| delivery_rows::list(sql, live.number, selection, code.flatten()))?;
        let limit = usize::try_from(selection.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Ok(Page { items: rows.into_iter().map(|row| self.delivery_of(live, row)).collect(), has_more })
    }

    /// One delivery with its bytes and its attempts.
    ///
    /// # Errors
    /// [`WebhooksError::NotFound`]; or the file cannot be read or written.
    pub fn delivery(
        &mut self,
        merchant: MerchantId,
        id: DeliveryId,
        now: u64,
    ) -> Result<DeliveryDetails, WebhooksError> {
        self.row(merchant, id)?;
        self.flush(now)?;
        let (live, row) = self.row(merchant, id)?;
        let number = row.number;
        let (body, attempts) = self.database.run(|sql| {
            Ok((delivery_rows::body(sql, number)?.unwrap_or_default(), delivery_rows::attempts(sql, number)?))
        })?;
        Ok(DeliveryDetails { delivery: self.delivery_of(live, row), body, attempts })
    }

    /// Sends a delivery once more, the same bytes under the same id; one that waits for its time goes at once.
    ///
    /// # Errors
    /// [`WebhooksError::NotFound`], [`WebhooksError::Busy`]; or the file cannot be written.
    pub fn replay(&mut self, merchant: MerchantId, id: DeliveryId, now: u64) -> Result<Delivery, WebhooksError> {
        self.row(merchant, id)?;
        self.flush(now)?;
        let (live, row) = self.row(merchant, id)?;
        let (endpoint, position, number) = (live.endpoint.id, row.number.position(), row.number);
        if live.queue.contains(position) {
            self.live_mut(merchant, endpoint)?.queue.hasten(position);
        } else {
            if live.queue.len() >= self.limits.waiting {
                return Err(WebhooksError::Busy);
            }
            let progress = Progress { attempts: row.progress.attempts, ..Progress::default() };
            let again = Again { number, progress, event_at: row.event_at, object: row.object };
            self.database.write(|sql| again.write(sql))?;
            let object = object_key(&again.object);
            self.live_mut(merchant, endpoint)?.queue.push(position, object, again.event_at, progress, None);
        }
        self.reschedule(endpoint);
        let (live, row) = self.row(merchant, id)?;
        Ok(self.delivery_of(live, row))
    }

    /// Delivers the events from one position through another once more, as far as the endpoint was told of them: what is
    /// stored as the same bytes, the rest made anew.
    ///
    /// # Errors
    /// [`WebhooksError::NotFound`], [`WebhooksError::Busy`]; or the file cannot be written.
    pub fn replay_range(
        &mut self,
        merchant: MerchantId,
        endpoint: WebhookEndpointId,
        from: Position,
        through: Position,
    ) -> Result<(), WebhooksError> {
        let live = self.live(merchant, endpoint)?;
        if live.replays.len() >= MAX_REPLAYS {
            return Err(WebhooksError::Busy);
        }
        let serial = live.replays.last().map_or(0, |last| last.serial + 1);
        let replay =
            Replay { serial, after: from.saturating_sub(1), through: through.min(live.cursor).min(MAX_POSITION) };
        if replay.after >= replay.through {
            return Ok(());
        }
        let number = live.number;
        self.database.write(|sql| rows::put_replay(sql, number, replay))?;
        self.live_mut(merchant, endpoint)?.replays.push(replay);
        self.behind.insert(endpoint);
        Ok(())
    }

    /// A merchant's delivery, and its endpoint.
    fn row(&self, merchant: MerchantId, id: DeliveryId) -> Result<(&Live, DeliveryRow), WebhooksError> {
        let number = DeliveryNumber::of(id);
        let endpoint = self.of_numbers.get(&number.endpoint()).ok_or(WebhooksError::NotFound)?;
        let live = self.live(merchant, *endpoint)?;
        let row = self.database.run(|sql| delivery_rows::get(sql, number))?;
        let row = row.filter(|row| row.number.id(row.created_at) == id).ok_or(WebhooksError::NotFound)?;
        Ok((live, row))
    }

    fn delivery_of(&self, live: &Live, row: DeliveryRow) -> Delivery {
        let position = row.number.position();
        let next_at = match live.queue.progress(position) {
            Some(progress) if progress.attempts > 0 => Some(progress.next_at),
            _ => None,
        };
        let event_type =
            self.event_types.iter().find(|(_, code)| **code == row.event_type).map(|(name, _)| name.clone());
        Delivery {
            id: row.number.id(row.created_at),
            endpoint: live.endpoint.id,
            event: delivery::event_id(row.event_at, position),
            position,
            event_type: event_type.unwrap_or_default(),
            object: row.object,
            status: row.status,
            attempts: row.progress.attempts,
            next_attempt_at: next_at.filter(|at| row.status == DeliveryStatus::Pending && *at > 0),
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}
