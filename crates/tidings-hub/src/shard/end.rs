//! How a stream ends: when its time is over, with its rights taken back, or because the other side is gone. How it is
//! drained stands in `drain.rs`.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use super::{
    MAX_TICKS, Shard,
    index::SubscriberKey,
    subscriber::State,
    term::{Closer, Due},
    wheel::Tick,
};
use crate::{
    control::{expiring, revoked},
    slim::{slim_map, slim_slab},
    stats::EndReason,
};

impl Shard {
    /// Does what is due for the end of its time; returns the ticks until it must be looked at again, or `None` if it is
    /// gone.
    pub(super) fn look_at_term(&mut self, key: SubscriberKey) -> Option<Tick> {
        let (notice, tick) = (self.shared.settings.load().expiry_notice, self.tick);
        let ticks = |left: Duration| (left.as_nanos() / tick.as_nanos()).min(MAX_TICKS) as Tick;
        let subscriber = &mut self.subscribers[key];
        let Some(term) = &mut subscriber.term else { return Some(Tick::MAX) };
        match term.due(notice, tick) {
            Due::In(left) => Some(ticks(left)),
            Due::Notice(left) => {
                let ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
                self.say(key, expiring(ms)).then_some(1)
            }
            Due::End(EndReason::Lifetime) => {
                if subscriber.ending.is_none() {
                    subscriber.put(subscriber.farewell());
                    self.wind_up(key, EndReason::Lifetime);
                }
                Some(Tick::MAX)
            }
            Due::End(reason) => {
                self.cut_off(key, reason);
                None
            }
        }
    }

    /// Ends a stream that its front has no more use for.
    pub(super) fn close_one(&mut self, key: SubscriberKey) {
        let subscriber = &mut self.subscribers[key];
        if subscriber.ending.is_none() {
            subscriber.put(subscriber.farewell());
            self.wind_up(key, EndReason::Closed);
        }
    }

    /// Ends a stream when its rest has been taken.
    pub(super) fn wind_up(&mut self, key: SubscriberKey, reason: EndReason) {
        let subscriber = &mut self.subscribers[key];
        subscriber.ending = Some(reason);
        if !matches!(subscriber.state, State::Blocked) {
            // Also those whose page is being read: it is not needed any more.
            self.falls_due(key);
        }
    }

    /// Ends a stream whose rights are over, now. What it has not taken it will not get: only if there is no such rest is
    /// the end a clean one.
    pub(super) fn cut_off(&mut self, key: SubscriberKey, reason: EndReason) {
        let now = self.wheel.now();
        let subscriber = &mut self.subscribers[key];
        if subscriber.is_flushed() {
            subscriber.put(subscriber.farewell());
            // If there is no room for it, the stream ends without.
            if matches!(subscriber.flush(now), Ok(true)) {
                subscriber.sink.finish();
            }
        }
        self.end(key, reason);
    }

    pub(super) fn revoke(&mut self, key: SubscriberKey) {
        let now = self.wheel.now();
        let subscriber = &mut self.subscribers[key];
        if subscriber.is_flushed() {
            subscriber.put([revoked()]);
            // If there is no room for it, the stream ends without.
            let _gone = subscriber.flush(now);
        }
        self.cut_off(key, EndReason::Revoked);
    }

    pub(super) fn close(&mut self, closer: Closer) {
        self.disconnect(&closer);
        self.closer = Some(closer);
    }

    pub(super) fn disconnect(&mut self, closer: &Closer) {
        let meant = self.subscribers.iter().filter(|(_, one)| one.is_closed_by(closer));
        let meant: Vec<SubscriberKey> = meant.map(|(key, _)| key).collect();
        meant.into_iter().for_each(|key| self.revoke(key));
    }

    pub(super) fn end(&mut self, key: SubscriberKey, reason: EndReason) {
        self.turn_to(key, State::Due);
        self.stats().leave(self.subscribers[key].front, State::Due.of_stream());
        let mut subscriber = self.subscribers.remove(key);
        // First of all, so that whoever sees the stream gone, by its connection or in the counts, finds the companion told.
        drop(subscriber.term.take());
        if reason == EndReason::Stalled && subscriber.sink.cut() {
            self.shared.stats.stalled_sockets.fetch_add(1, Relaxed);
        }
        self.by_id.remove(&subscriber.id);
        slim_map(&mut self.by_id);
        slim_slab(&mut self.subscribers);
        self.senders.leave(key, subscriber.sockets());
        self.index.leave(subscriber.class);
        self.shared.registry.leave(&subscriber.selection, &subscriber.read);
        if let Some(tally) = subscriber.tally.take() {
            tally.end(reason);
        }
        self.stats().ended(subscriber.front, reason);
        self.shared.stats.subscribers.fetch_sub(1, Relaxed);
        tracing::info!(subscriber = subscriber.id, reason = reason.as_str(), "subscription ended");
    }
}
