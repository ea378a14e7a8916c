//! What waits for a shard. Everything that has arrived is taken at once, which is what makes batches under load and
//! an immediate delivery when idle.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Command, MAX_INBOX_BYTES};
use crate::batch::Batch;

/// The door of a shard: any thread puts things in, the shard's thread takes them all.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    mail: Mutex<Mail>,
    arrived: Condvar,
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
    fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.batches.is_empty() && self.skipped_to.is_none()
    }
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Mail> {
        // Nothing that can panic runs under the lock.
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn send(&self, command: Command) {
        self.lock().commands.push(command);
        self.arrived.notify_one();
    }

    /// Hands over committed events. Memory stays bounded: a shard with too much waiting is told to read the log.
    pub(crate) fn commit(&self, batch: &Arc<Batch>) {
        let Some(end) = batch.end() else { return };
        let mut mail = self.lock();
        if mail.skipped_to.is_some() || mail.bytes + batch.bytes() > MAX_INBOX_BYTES {
            mail.batches.clear();
            mail.bytes = 0;
            mail.skipped_to = Some(end);
        } else {
            mail.bytes += batch.bytes();
            mail.batches.push(batch.clone());
        }
        drop(mail);
        self.arrived.notify_one();
    }

    /// Swaps `mail`, which is empty, with all that has arrived, waiting for it as long as `patience`, or for ever.
    pub(super) fn take(&self, mail: &mut Mail, patience: Option<Duration>) {
        let mut waiting = self.lock();
        if waiting.is_empty() {
            waiting = match patience {
                Some(patience) => {
                    self.arrived.wait_timeout(waiting, patience).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
        std::mem::swap(&mut *waiting, mail);
    }
}

impl Mail {
    pub(super) fn clear(&mut self) {
        self.commands.clear();
        self.batches.clear();
        self.bytes = 0;
        self.skipped_to = None;
    }
}
