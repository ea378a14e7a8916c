//! Subscribers who cause events themselves, by their socket ids: what one of them has caused is not sent to it.

use std::{collections::HashMap, sync::Arc};

use super::{Shard, index::SubscriberKey, subscriber::State};
use crate::{batch::Batch, slim::slim_map};

/// Who has which socket ids. Several may have named the same.
#[derive(Debug, Default)]
pub(super) struct Senders(HashMap<Box<str>, Vec<SubscriberKey>>);

impl Senders {
    pub(super) fn enter(&mut self, key: SubscriberKey, sockets: &[Box<str>]) {
        for socket in sockets {
            self.0.entry(socket.clone()).or_default().push(key);
        }
    }

    pub(super) fn leave(&mut self, key: SubscriberKey, sockets: &[Box<str>]) {
        for socket in sockets {
            let Some(keys) = self.0.get_mut(socket) else { continue };
            keys.retain(|one| *one != key);
            if keys.is_empty() {
                self.0.remove(socket);
                slim_map(&mut self.0);
            }
        }
    }

    /// Those who have caused some of these events.
    fn of(&self, batches: &[Arc<Batch>]) -> Vec<SubscriberKey> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let entries = batches.iter().flat_map(|batch| batch.entries());
        let sockets = entries.filter_map(|entry| entry.publication.socket.as_ref());
        sockets.filter_map(|socket| self.0.get(socket)).flatten().copied().collect()
    }
}

impl Shard {
    /// Takes those who have caused some of these events out of the live delivery, whose bytes all share: they catch up by
    /// themselves, and leave out their own.
    pub(super) fn set_senders_aside(&mut self, batches: &[Arc<Batch>]) {
        for key in self.senders.of(batches) {
            let subscriber = &mut self.subscribers[key];
            if matches!(subscriber.state, State::Live(_)) {
                subscriber.cursor = subscriber.cursor.max(self.position);
                self.falls_due(key);
            }
        }
    }
}
