//! What a group of subscribers counts, whatever its connections are made of.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    check::{Check, Sent},
    clock,
    latency::Latencies,
    marker::Run,
    protocol::{Note, Outcome, Plan, Progress},
    scan::Scanner,
};

/// The counts of a group of subscribers.
#[derive(Debug)]
pub(crate) struct Ledger {
    run: Run,
    check: Check,
    latencies: Latencies,
    /// Of events sent before this time the latency says nothing.
    connected_at: u64,
    longest_silence: u64,
    last_delivery: u64,
    lost: BTreeMap<String, u64>,
    awaited: Option<Awaited>,
    /// When there was progress last.
    moved: u64,
    timeout: Duration,
    told: Progress,
}

/// What is being waited for.
#[derive(Debug)]
struct Awaited {
    sent: Sent,
    /// Deliveries after which it is worth looking whether all is there.
    look_at: u64,
    is_told: bool,
}

impl Ledger {
    pub(crate) fn new(plan: &Plan) -> Self {
        let numbers = plan.first..plan.first + plan.count;
        let topic = |number: usize| u32::try_from(number / plan.per_topic).unwrap_or(u32::MAX);
        Self {
            run: Run::new(plan.run),
            check: Check::new(plan.publishers, plan.first, numbers.map(topic).collect()),
            latencies: Latencies::default(),
            connected_at: 0,
            longest_silence: 0,
            last_delivery: 0,
            lost: BTreeMap::new(),
            awaited: None,
            moved: clock::now(),
            timeout: plan.timeout,
            told: Progress::default(),
        }
    }

    /// The topic of a subscriber.
    pub(crate) fn topic(&self, subscriber: usize) -> u32 {
        self.check.topic(subscriber)
    }

    /// They begin to connect.
    pub(crate) fn connect(&mut self) {
        self.moved = clock::now();
        self.connected_at = self.moved;
    }

    /// There is progress that is not a delivery.
    pub(crate) fn moves(&mut self) {
        self.moved = clock::now();
    }

    /// A piece of a stream has come.
    #[inline]
    pub(crate) fn read(&mut self, subscriber: usize, scanner: &mut Scanner, piece: &[u8], now: u64) {
        let delivered = self.check.delivered();
        scanner.feed(self.run, piece, |marker| {
            self.check.note(subscriber, &marker);
            if marker.sent >= self.connected_at {
                self.latencies.record(now.saturating_sub(marker.sent));
            }
        });
        if self.check.delivered() > delivered {
            self.last_delivery = now;
        }
    }

    /// A subscriber was silent for so many nanoseconds.
    #[inline]
    pub(crate) fn silence(&mut self, nanoseconds: u64) {
        self.longest_silence = self.longest_silence.max(nanoseconds);
    }

    /// A subscriber has no connection any more.
    pub(crate) fn lose(&mut self, reason: &str) {
        *self.lost.entry(reason.to_owned()).or_default() += 1;
        // What it misses is not awaited any more.
        if let Some(awaited) = &mut self.awaited {
            awaited.look_at = 0;
        }
    }

    /// This is what has been published.
    pub(crate) fn awaits(&mut self, sent: Sent) {
        self.moved = clock::now();
        self.awaited = Some(Awaited { sent, look_at: 0, is_told: false });
    }

    /// Tells when everything has come that is awaited by the subscribers who are `connected`.
    pub(crate) fn look(
        &mut self,
        held: usize,
        is_connected: impl Fn(usize) -> bool,
        tell: &mut impl FnMut(Note),
    ) {
        let delivered = self.check.delivered();
        let Some(awaited) = &mut self.awaited else { return };
        if awaited.is_told || delivered < awaited.look_at {
            return;
        }
        let connected = (0..self.check.subscribers()).filter(|subscriber| is_connected(*subscriber));
        let missing: u64 = connected.map(|subscriber| self.check.missing(subscriber, &awaited.sent)).sum();
        if missing > 0 {
            awaited.look_at = delivered + missing;
            return;
        }
        awaited.is_told = true;
        self.tell_progress(held, tell);
        tell(Note::Delivered { is_complete: true });
    }

    /// Tells how far they are, if that has changed, and answers whether nothing has changed for too long.
    pub(crate) fn tell_progress(&mut self, held: usize, tell: &mut impl FnMut(Note)) -> bool {
        let now = clock::now();
        let progress = Progress { held, delivered: self.check.delivered(), lost: self.lost.values().sum() };
        if progress != self.told {
            if progress.delivered != self.told.delivered {
                self.moved = now;
            }
            self.told = progress;
            tell(Note::Progress(progress));
        }
        u128::from(now.saturating_sub(self.moved)) >= self.timeout.as_nanos()
    }

    /// Waits no longer.
    pub(crate) fn give_up(&mut self, tell: &mut impl FnMut(Note)) {
        if let Some(awaited) = &mut self.awaited
            && !awaited.is_told
        {
            awaited.is_told = true;
            tell(Note::Delivered { is_complete: false });
        }
    }

    /// What they have found.
    pub(crate) fn outcome(&self) -> Outcome {
        let nothing = Sent::default();
        let sent = self.awaited.as_ref().map_or(&nothing, |awaited| &awaited.sent);
        Outcome {
            tally: self.check.tally(sent),
            latencies: self.latencies.clone(),
            last_delivery: self.last_delivery,
            longest_silence: Duration::from_nanos(self.longest_silence),
            lost: self.lost.clone(),
            cpu: Duration::ZERO,
        }
    }
}
