//! A subscriber asks for something else while its stream runs.

use bytes::Bytes;

use super::{Changed, Shard, index::SubscriberKey, subscriber::State};
use crate::{control, naming::Naming};

impl Shard {
    /// Nothing that was committed since the change was asked for has been delivered: the mail's changes come before its
    /// batches. From its cursor on the subscriber is sent what it asks for now.
    pub(super) fn change(&mut self, key: SubscriberKey, changed: Changed) {
        let Changed { selection, read, bearers, expires } = changed;
        let subscriber = &mut self.subscribers[key];
        match subscriber.state {
            State::Live(_) => {
                // Who joined ahead of the shard knows where it is.
                let is_here = subscriber.cursor <= self.position;
                subscriber.cursor = subscriber.cursor.max(self.position);
                if is_here && *subscriber.naming() == Naming::Channel {
                    let moved = self.moved();
                    self.subscribers[key].put(moved);
                }
                self.falls_due(key);
            }
            State::Reading => subscriber.has_changed = true,
            State::Due | State::Blocked => {}
        }
        let subscriber = &mut self.subscribers[key];
        let class = self.index.join(&selection, &read, subscriber.naming());
        self.index.leave(std::mem::replace(&mut subscriber.class, class));
        let selection = std::mem::replace(&mut subscriber.selection, selection);
        let read = std::mem::replace(&mut subscriber.read, read);
        self.shared.registry.leave(&selection, &read);
        if bearers.is_empty() && expires.is_none() {
            return;
        }
        subscriber.term.get_or_insert_default().change(bearers, expires);
        match &self.closer {
            Some(closer) if subscriber.is_closed_by(closer) => self.revoke(key),
            _ => self.look_in(key, 1),
        }
    }

    /// Tells a client that has been sent everything so far that it has. Without it, its cursor stands at the last event of
    /// what it asked for before, and it would come back for what was published since of all that it asks for now.
    fn moved(&self) -> Option<Bytes> {
        let status = self.shared.log.status();
        let last = self.last.or(status.last.filter(|_| status.next == self.position))?;
        Some(control::moved(&last.to_string()))
    }
}
