//! The threads behind the books, and what they share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use journal::{Anchor, JournalError, JournalWriter};

use crate::catalog::Catalog;
use crate::checkpoint::{self, Health, Stretch};
use crate::committer::{self, Job, Progress};
use crate::error::BooksError;
use crate::merger;

/// Frames that may wait for the disk before deciding waits too.
const MAX_WAITING_FRAMES: usize = 8;

/// The threads in the background, and what they share with the books.
pub(crate) struct Threads {
    jobs: Option<SyncSender<Job>>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) health: Arc<Health>,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Begins with the stretches that opening left unwritten. Without a merger if everything is to be done in step.
    pub(crate) fn start(
        journal: JournalWriter,
        catalog: Catalog,
        unwritten: VecDeque<(Box<Stretch>, Anchor)>,
        in_step: bool,
    ) -> Self {
        let (jobs, job_queue) = sync_channel(MAX_WAITING_FRAMES);
        let (stretches, stretch_queue) = channel();
        for stretch in unwritten {
            // The other end is right here.
            let _ = stretches.send(stretch);
        }
        let (progress, catalog, health) =
            (Arc::new(Progress::default()), Arc::new(catalog), Arc::new(Health::default()));
        let committer = {
            let progress = Arc::clone(&progress);
            std::thread::spawn(move || committer::run(journal, job_queue, stretches, &progress))
        };
        let tables = {
            let (catalog, health) = (Arc::clone(&catalog), Arc::clone(&health));
            std::thread::spawn(move || checkpoint::run(&catalog, stretch_queue, &health))
        };
        let merger = (!in_step).then(|| {
            let (catalog, health) = (Arc::clone(&catalog), Arc::clone(&health));
            std::thread::spawn(move || merger::run(&catalog, &health))
        });
        let handles = [committer, tables].into_iter().chain(merger).collect();
        Self { jobs: Some(jobs), progress, catalog, health, handles }
    }

    pub(crate) fn send(&self, job: Job) -> Result<(), BooksError> {
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(self.progress.failure().flatten().map_or(BooksError::Stopped, BooksError::from)),
        }
    }

    /// Waits until so many frames are durable.
    pub(crate) fn durable(&self, frames: u64) -> Result<(), BooksError> {
        self.progress.wait(frames).map_err(|failure| failure.map_or(BooksError::Stopped, BooksError::from))
    }

    /// Whether a frame with a payload of so many bytes has room in the journal now.
    pub(crate) fn make_room(&self, payload_bytes: usize) -> Result<(), BooksError> {
        let (answer, answered) = sync_channel(1);
        self.send(Job::Room { payload_bytes, answer })?;
        let result: Result<(), JournalError> = answered.recv().map_err(|_| BooksError::Stopped)?;
        Ok(result?)
    }

    /// Ends the threads and lets go of the journal. What was sent is still done.
    pub(crate) fn stop(&mut self) {
        self.health.close();
        self.jobs = None;
        self.catalog.wake();
        for handle in self.handles.drain(..) {
            if handle.join().is_err() {
                tracing::error!("a thread of the books panicked");
            }
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop();
    }
}
