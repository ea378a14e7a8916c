//! Moving those forward who are behind: from the recent batches if they reach back far enough, from the log if not. They
//! take turns, so that neither the live nor each other wait long.

use super::{Shard, index::SubscriberKey, subscriber::State, wheel::Tick};
use crate::{
    batch::Run,
    control::{ResetReason, reset, retry},
    log::LogStatus,
    replay::{Outcome, Replay, Waiter, Wanted},
    sink::Gone,
    stats::EndReason,
};

/// When the log cannot be read, how long until the browser should try again.
const READ_FAILURE_RETRY_MS: u64 = 5000;

/// What those who are behind are given between two looks at the live, in bytes written, or as much other work: half a
/// millisecond, about.
const ROUND: u64 = 1 << 20;
/// What one of them is given at a time.
const TURN: u64 = 128 << 10;
/// What a turn takes though it gives nothing: a write, in bytes that could have been written meanwhile.
const LOOK: u64 = 4 << 10;
/// The same of an event that is looked at and not wanted.
const MATCH: u64 = 64;

/// What became of a turn.
enum Turn {
    /// It waits for its sink or for a page, is live, or gone.
    Over,
    /// It wants another.
    Again,
}

impl Shard {
    /// Gives a subscriber its turn, later.
    pub(super) fn falls_due(&mut self, key: SubscriberKey) {
        if self.subscribers[key].state != State::Due {
            self.turn_to(key, State::Due);
            self.due.push_back(self.subscribers[key].id);
        }
    }

    /// Moves those forward who are due, one after the other, until nobody is or the live have waited long enough.
    pub(super) fn take_turns(&mut self) {
        let mut left = ROUND;
        while left > 0
            && let Some(id) = self.due.pop_front()
        {
            let Some(&key) = self.by_id.get(&id) else { continue };
            let (turn, cost) = self.advance(key);
            left = left.saturating_sub(cost);
            if matches!(turn, Turn::Again) {
                self.due.push_back(id);
            }
        }
    }

    /// Moves a subscriber that is due forward: until its sink is full, or a page must be read, or it is live, or it has
    /// had its turn; and says what that cost.
    fn advance(&mut self, key: SubscriberKey) -> (Turn, u64) {
        let mut cost = LOOK;
        loop {
            let now: Tick = self.wheel.now();
            let subscriber = &mut self.subscribers[key];
            match subscriber.flush(now) {
                Err(Gone) => {
                    self.end(key, EndReason::Left);
                    return (Turn::Over, cost);
                }
                Ok(false) => {
                    self.turn_to(key, State::Blocked);
                    return (Turn::Over, cost);
                }
                Ok(true) => {}
            }
            if let Some(reason) = subscriber.ending {
                subscriber.sink.finish();
                self.end(key, reason);
                return (Turn::Over, cost);
            }
            let (cursor, kept_to) = (subscriber.cursor, subscriber.kept_to);
            if cursor >= kept_to && cursor >= self.position {
                self.go_live(key);
                return (Turn::Over, cost);
            }
            if cost >= TURN {
                return (Turn::Again, cost);
            }
            let mut run = Run::default();
            if cursor >= kept_to && self.recent.reaches_back_to(cursor) {
                let limit = self.shared.settings.load().page_bytes;
                subscriber.cursor = self.recent.select(cursor, &subscriber.eye(), limit, &mut run);
                let (selection, read) = (&subscriber.selection, &subscriber.read);
                let looked_at = subscriber.cursor - cursor;
                cost += run.len() as u64
                    + MATCH * looked_at * (1 + selection.matchers().len() as u64 + read.matchers());
            } else {
                let waiter = Waiter { id: subscriber.id, inbox: self.inbox.clone() };
                let wanted = Wanted { cursor, kept_to };
                let Some(replay) = self.shared.replays.ask(&subscriber.selection, wanted, waiter) else {
                    self.turn_to(key, State::Reading);
                    return (Turn::Over, cost);
                };
                let looked_at = self.take_page(key, &replay, &mut run);
                cost += run.len() as u64 + MATCH * looked_at * self.subscribers[key].read.matchers();
            }
            self.put_run(key, &run);
        }
    }

    /// Takes what was read for a subscriber. What one is read that has been told to end meanwhile, it will ask for when
    /// it comes back.
    pub(super) fn replay(&mut self, key: SubscriberKey, outcome: Outcome) {
        let subscriber = &mut self.subscribers[key];
        if subscriber.state != State::Reading {
            return;
        }
        match outcome {
            // It came for one who asked earlier, or for something else: it is read again.
            _ if std::mem::take(&mut subscriber.has_changed) => {}
            Ok(replay) if !replay.is_of(subscriber.kept_to) => {}
            Ok(replay) => {
                let mut run = Run::default();
                self.take_page(key, &replay, &mut run);
                self.put_run(key, &run);
            }
            Err(error) => {
                tracing::error!(%error, "a subscriber could not be caught up; it is told to come back");
                subscriber.put([retry(READ_FAILURE_RETRY_MS, subscriber.naming())]);
                subscriber.ending = Some(EndReason::LogFailed);
            }
        }
        self.falls_due(key);
    }

    /// Moves a subscriber to the end of a page of the log, and puts what that gives it into the run; returns how many events
    /// were looked at.
    fn take_page(&mut self, key: SubscriberKey, replay: &Replay, run: &mut Run) -> u64 {
        let subscriber = &mut self.subscribers[key];
        let mut next = replay.next;
        let (from, is_first) = (subscriber.cursor, std::mem::take(&mut subscriber.unread));
        let is_kept = from < subscriber.kept_to;
        // Where it asked for what is kept, a gap is news only when the log has overtaken it on its way.
        let is_news = |status: &LogStatus| !is_kept || (!is_first && status.oldest > from);
        match replay.gap.then(|| self.shared.log.status()).filter(is_news) {
            Some(status) => {
                self.shared.stats.reset(ResetReason::Expired);
                subscriber.put([reset(ResetReason::Expired, status.oldest_id.as_deref())]);
            }
            // What came after it joined is read by itself, so that a gap there is not taken for an old one.
            None if is_kept => next = next.min(subscriber.kept_to),
            None => {}
        }
        subscriber.cursor = from.max(next);
        replay.select(from, next, &subscriber.eye(), run)
    }

    /// Puts a whole run behind the rest of a subscriber.
    fn put_run(&mut self, key: SubscriberKey, run: &Run) {
        let (events, bytes) = (run.events() as u64, run.len() as u64);
        self.subscribers[key].count(events, bytes);
        self.delivered.0 += events;
        self.delivered.1 += bytes;
        self.subscribers[key].put(run.slices().iter().cloned());
    }
}
