//! The thread that reads events, so that the dispatcher never waits for the tables.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use ::webhooks::{Read, Taken};

use super::dispatcher::Message;
use super::service::EventSource;

/// Answers each batch of reads with what there is, until nobody asks any more.
pub(crate) fn run(source: &Arc<dyn EventSource>, asked: &Receiver<Vec<Read>>, answers: &Sender<Message>) {
    while let Ok(mut reads) = asked.recv() {
        // Those that ask for the same come one after the other.
        reads.sort_unstable_by_key(|read| (read.merchant, read.after, read.limit));
        let mut taken: Vec<Taken> = Vec::with_capacity(reads.len());
        let mut failed = Vec::new();
        for read in reads {
            let same = taken.last().filter(|last| {
                (last.read.merchant, last.read.after, last.read.limit) == (read.merchant, read.after, read.limit)
            });
            let events = match same {
                Some(last) => Ok(last.events.clone()),
                None => source.events_after(read.merchant, read.after, read.limit),
            };
            match events {
                Ok(events) => taken.push(Taken { read, events }),
                Err(error) => {
                    tracing::error!(%error, endpoint = %read.endpoint, "events for a webhook cannot be read");
                    failed.push(read.endpoint);
                }
            }
        }
        if answers.send(Message::Read { taken, failed }).is_err() {
            return;
        }
    }
}
