//! One clock for all subscribers of a shard: each stands in the slot of the tick at which it is due for a look. No
//! timer is touched when something is written; who was written to meanwhile is simply put off at the look.

use super::SubscriberId;

/// Ticks since the shard's start.
pub(super) type Tick = u64;

/// Slots in a ring, one per tick. No one is due further ahead than there are slots.
#[derive(Debug)]
pub(super) struct Wheel {
    slots: Box<[Vec<SubscriberId>]>,
    now: Tick,
}

impl Wheel {
    /// A wheel for due times of up to `longest` ticks ahead, which stands at `now`.
    pub(super) fn new(longest: Tick, now: Tick) -> Self {
        Self { slots: (0..=longest.max(1)).map(|_| Vec::new()).collect(), now }
    }

    pub(super) fn now(&self) -> Tick {
        self.now
    }

    /// Sets the subscriber down to be looked at in `ticks` ticks, at least one; returns when that is.
    pub(super) fn schedule(&mut self, id: SubscriberId, ticks: Tick) -> Tick {
        let ahead = ticks.clamp(1, self.slots.len() as Tick - 1);
        let slot = (self.now + ahead) as usize % self.slots.len();
        self.slots[slot].push(id);
        self.now + ahead
    }

    /// Moves on by one tick and returns who is due.
    pub(super) fn turn(&mut self) -> Vec<SubscriberId> {
        self.now += 1;
        let slot = self.now as usize % self.slots.len();
        std::mem::take(&mut self.slots[slot])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_is_due_at_the_tick_asked_for_or_at_the_longest() {
        let mut wheel = Wheel::new(3, 0);
        for (id, ticks) in [(1, 1), (2, 3), (3, 99), (4, 0)] {
            wheel.schedule(id, ticks);
        }
        assert_eq!(wheel.turn(), [1, 4]);
        wheel.schedule(5, 2);
        assert_eq!(wheel.turn(), [] as [SubscriberId; 0]);
        assert_eq!(wheel.turn(), [2, 3, 5]);
        assert_eq!(wheel.now(), 3);
    }
}
