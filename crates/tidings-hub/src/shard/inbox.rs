//! What waits for a shard. Everything that has arrived is taken at once, which is what makes batches under load and
//! an immediate delivery when idle.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Command;
use crate::batch::Batch;

/// The door of a shard: any thread puts things in, the shard's thread takes them all.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// `None` once closed.
    mail: Mutex<Option<Mail>>,
    arrived: Condvar,
    max_bytes: usize,
}

/// All that has arrived.
#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) commands: Vec<Command>,
    pub(super) batches: Vec<Arc<Batch>>,
    bytes: usize,
    /// The shard was so far behind that batches were left out: it must read them from the log, up to this offset.
    pub(super) skipped_to: Option<u64>,
}

impl Mail {
    pub(super) fn clear(&mut self) {
        self.commands.clear();
        self.batches.clear();
        self.bytes = 0;
        self.skipped_to = None;
    }

    fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.batches.is_empty() && self.skipped_to.is_none()
    }
}

impl Inbox {
    /// An empty one, in which at most `max_bytes` of wire bytes wait.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { mail: Mutex::new(Some(Mail::default())), arrived: Condvar::new(), max_bytes }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Mail>> {
        // Nothing that can panic runs under the lock.
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn send(&self, command: Command) {
        // When closed, the command is dropped behind the lock: a sink in it may wake somebody.
        if let Some(mail) = self.lock().as_mut() {
            mail.commands.push(command);
            self.arrived.notify_one();
        }
    }

    /// Ends the shard. What waits and what still comes is dropped, and with it the sinks of those who were on their
    /// way in, which ends their streams.
    pub(crate) fn close(&self) {
        let waiting = self.lock().take();
        self.arrived.notify_one();
        drop(waiting);
    }

    /// Hands over committed events. Memory stays bounded: a shard with too much waiting is told to read the log.
    pub(crate) fn commit(&self, batch: &Arc<Batch>) {
        let Some(end) = batch.end() else { return };
        let mut mail = self.lock();
        let Some(waiting) = mail.as_mut() else { return };
        if waiting.skipped_to.is_some() || waiting.bytes + batch.bytes() > self.max_bytes {
            waiting.batches.clear();
            waiting.bytes = 0;
            waiting.skipped_to = Some(end);
        } else {
            waiting.bytes += batch.bytes();
            waiting.batches.push(batch.clone());
        }
        drop(mail);
        self.arrived.notify_one();
    }

    /// Swaps `mail`, which is empty, with all that has arrived, waiting for it as long as `patience`, or for ever.
    /// `false` when the inbox is closed.
    pub(super) fn take(&self, mail: &mut Mail, patience: Option<Duration>) -> bool {
        let mut waiting = self.lock();
        if waiting.as_ref().is_some_and(Mail::is_empty) {
            waiting = match patience {
                Some(patience) => {
                    self.arrived.wait_timeout(waiting, patience).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
        let Some(waiting) = waiting.as_mut() else { return false };
        std::mem::swap(waiting, mail);
        true
    }
}
