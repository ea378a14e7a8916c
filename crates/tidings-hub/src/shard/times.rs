//! The times that a shard's clock goes by, and how they are exchanged while it runs.

use std::time::Duration;

use super::{
    MAX_TICKS, Shard,
    index::SubscriberKey,
    wheel::{Tick, Wheel},
};
use crate::settings::Settings;

/// Heartbeats and stalls, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) tick: Duration,
    pub(super) heartbeat: Tick,
    pub(super) stall: Tick,
}

impl Times {
    pub(super) fn of(settings: &Settings) -> Self {
        let tick = (settings.heartbeat.min(settings.stall) / 15)
            .clamp(Duration::from_millis(10), Duration::from_secs(1));
        let ticks = |time: Duration| -> Tick {
            let ticks = time.as_nanos().div_ceil(tick.as_nanos());
            ticks.clamp(1, MAX_TICKS) as Tick
        };
        Self { tick, heartbeat: ticks(settings.heartbeat), stall: ticks(settings.stall) }
    }
}

impl Shard {
    /// Goes by the times of the settings as they are now. Everybody is looked at once at the next tick; how long they have
    /// been silent or stalled counts on.
    pub(super) fn retime(&mut self) {
        let before = Times { tick: self.tick, heartbeat: self.heartbeat, stall: self.stall };
        let times = Times::of(&self.shared.settings.load());
        if times == before {
            return;
        }
        let scale = |ticks: Tick| {
            let nanos = u128::from(ticks) * before.tick.as_nanos();
            Tick::try_from(nanos / times.tick.as_nanos()).unwrap_or(Tick::MAX)
        };
        self.wheel = Wheel::new(times.heartbeat.max(times.stall), scale(self.wheel.now()));
        (self.tick, self.heartbeat, self.stall) = (times.tick, times.heartbeat, times.stall);
        for (_, subscriber) in &mut self.subscribers {
            subscriber.last_write = scale(subscriber.last_write);
        }
        let keys: Vec<SubscriberKey> = self.subscribers.iter().map(|(key, _)| key).collect();
        keys.into_iter().for_each(|key| self.look_in(key, 1));
    }
}
