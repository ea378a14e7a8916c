//! A shard: one thread that owns its subscribers outright.
//!
//! The invariant that everything here keeps: **a subscriber has been sent, or has in its rest, exactly the events that
//! it asked for below its cursor** (for a live one: below the shard's position, if that is higher). Live delivery,
//! catching up from the recent batches and replay from the log only ever move that cursor forward, so there is no seam
//! between them at which an event could be lost or doubled.
//!
//! Nothing here waits for a subscriber: a sink that is full is left alone until it calls, and what it missed is read
//! again from where it got to. Nothing here reads the log either: reads run on the runtime and come back as mail.

mod catch_up;
mod change;
mod drain;
mod end;
mod inbox;
mod index;
mod recent;
mod senders;
mod subscriber;
mod term;
mod times;
mod wheel;

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use mio::{Events, Poll, Token, event::Event};
use slab::Slab;

use drain::Drain;
pub(crate) use drain::{Pace, drain_retry_ms};
pub(crate) use inbox::Inbox;
use inbox::{INBOX, Mail};
pub use index::sorter;
use index::{ClassKey, Index, SubscriberKey};
use recent::Recent;
use senders::Senders;
use subscriber::{State, Subscriber};
pub(crate) use term::{Closer, Term};
use times::Times;
use wheel::{Tick, Wheel};

use crate::{
    batch::Run,
    control::HEARTBEAT,
    front::Front,
    log::Log,
    manner::Manner,
    naming::Naming,
    position::Position,
    registry::Registry,
    replay::{Outcome, Replays},
    rights::ReadRights,
    selector::Selection,
    settings::Settings,
    sink::{Gone, Sink},
    stats::{EndReason, ShardStats, Stats},
    subscription::{Bearer, Tally},
};

/// A subscriber's name, unique in its hub.
pub(crate) type SubscriberId = u64;

/// A subscriber who comes in.
#[derive(Debug)]
pub(crate) struct Join {
    pub(crate) id: SubscriberId,
    pub(crate) front: Front,
    pub(crate) selection: Arc<Selection>,
    pub(crate) read: Arc<ReadRights>,
    pub(crate) cursor: u64,
    /// Below this offset it asks for what is kept, whatever that is; 0 when for all there was from its cursor on.
    pub(crate) kept_to: u64,
    /// Written before anything else.
    pub(crate) prelude: Vec<Bytes>,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) term: Option<Box<Term>>,
    pub(crate) manner: Option<Box<Manner>>,
    pub(crate) tally: Option<Box<Tally>>,
}

/// What someone asks for from now on.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) selection: Arc<Selection>,
    pub(crate) read: Arc<ReadRights>,
    pub(crate) bearers: Vec<Arc<Bearer>>,
    pub(crate) expires: Option<SystemTime>,
}

/// What a shard is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Someone comes in.
    Join(Join),
    /// Someone left.
    Leave(SubscriberId),
    /// A sink that was full has room.
    Writable(SubscriberId),
    /// A page of the log has been read and encoded for this one.
    Replay(SubscriberId, Outcome),
    /// All are to be told to come back, at this pace, and their streams ended.
    Drain(Pace),
    /// Those who are still here are to be ended.
    CutOff,
    /// The times of heartbeats and stalls may be others.
    Retime,
    /// Someone asks for something else.
    Change(SubscriberId, Changed),
    /// Someone's stream is to be ended.
    End(SubscriberId),
    /// Those whom this means are to be ended.
    Disconnect(Closer),
    /// Those whom this means are to be ended, the present and the future ones.
    Close(Closer),
}

/// What a shard shares with its hub.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) settings: Arc<ArcSwap<Settings>>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) replays: Arc<Replays>,
}

/// The thread's own state.
struct Shard {
    shared: Shared,
    number: usize,
    inbox: Arc<Inbox>,
    /// Says when something has arrived, and when a socket has room or its other side is gone. Its tokens are
    /// subscribers' keys, which is safe: what it says is looked at before a key can come to mean another.
    poll: Poll,
    /// Everything below this offset has been handed to the live subscribers.
    position: u64,
    /// Where the event before that is, if the shard was handed it.
    last: Option<Position>,
    recent: Recent,
    index: Index,
    subscribers: Slab<Subscriber>,
    by_id: HashMap<SubscriberId, SubscriberKey>,
    senders: Senders,
    wheel: Wheel,
    tick: Duration,
    heartbeat: Tick,
    stall: Tick,
    /// Those who are due, in the order of their turns.
    due: VecDeque<SubscriberId>,
    closer: Option<Closer>,
    drain: Option<Drain>,
    /// Events and bytes delivered in this round; added to the shared counters at its end.
    delivered: (u64, u64),
    /// When the batches of this round came to the log, those that are being delivered.
    since: Vec<Instant>,
    /// When it is looked at next how far those are behind who are.
    next_measure: Instant,
}

/// The shard's thread, until its inbox is closed, which `poll` is of. `position` is the offset of the first batch it will
/// be handed.
pub(crate) fn run(shared: Shared, number: usize, inbox: Arc<Inbox>, poll: Poll, position: u64) {
    // However the thread ends, nobody waits for it.
    let _end = CloseOnEnd(inbox.clone());
    let settings = shared.settings.load_full();
    let Times { tick, heartbeat, stall } = Times::of(&settings);
    let shard = Shard {
        inbox,
        poll,
        position,
        last: None,
        recent: Recent::new(&settings.shard),
        index: Index::default(),
        subscribers: Slab::new(),
        by_id: HashMap::new(),
        senders: Senders::default(),
        wheel: Wheel::new(heartbeat.max(stall), 0),
        tick,
        heartbeat,
        stall,
        due: VecDeque::new(),
        closer: None,
        drain: None,
        delivered: (0, 0),
        since: Vec::new(),
        next_measure: Instant::now(),
        number,
        shared,
    };
    shard.run();
}

struct CloseOnEnd(Arc<Inbox>);

impl Drop for CloseOnEnd {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Heartbeat and stall times are cut to this many ticks, so that the wheel stays small: nine hours at the longest tick.
const MAX_TICKS: u128 = 1 << 15;

/// How often it is looked at how far those are behind who are: all subscribers are passed over for that.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// What the sockets say is taken in portions of this many events, so that nobody waits for a crowd that leaves.
const EVENTS: usize = 1024;

impl Shard {
    fn run(mut self) {
        let mut mail = Mail::default();
        let mut events = Events::with_capacity(EVENTS);
        let mut next_tick = Instant::now() + self.tick;
        loop {
            let may_sleep = self.due.is_empty() && self.inbox.may_sleep();
            let patience = match (may_sleep, self.subscribers.is_empty()) {
                (false, _) => Some(Duration::ZERO),
                (true, true) => None,
                (true, false) => {
                    let step = self.drain.as_ref().and_then(Drain::next_step);
                    let next = step.map_or(next_tick, |step| step.min(next_tick));
                    Some(next.saturating_duration_since(Instant::now()))
                }
            };
            if let Err(error) = self.poll.poll(&mut events, patience)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "a shard cannot wait for its sockets");
            }
            if !self.inbox.take(&mut mail) {
                return;
            }
            // Before anything else: nobody whose rights were taken back gets what was published since, and who has asked
            // for more misses nothing of it.
            for command in &mail.commands {
                if let Command::Disconnect(closer) = command {
                    // And again in its place, for those who have come in before it in this very round.
                    self.disconnect(closer);
                }
            }
            let first = mail.commands.extract_if(.., |command| match command {
                Command::Close(_) => true,
                Command::Change(id, _) => self.by_id.contains_key(id),
                _ => false,
            });
            for command in first.collect::<Vec<_>>() {
                self.obey(command);
            }
            self.deliver(&mut mail);
            for event in events.iter().filter(|event| event.token() != INBOX) {
                self.ready(event);
            }
            for command in mail.commands.drain(..) {
                self.obey(command);
            }
            mail.clear();
            self.send_away();
            self.take_turns();
            let now = Instant::now();
            if now >= next_tick {
                self.turn_wheel();
                self.shared.replays.forget();
                // After a long idle time ticks are not made up for: nobody was waiting for them.
                next_tick = now + self.tick;
            }
            if now >= self.next_measure {
                self.measure();
                self.next_measure = now + MEASURE_EVERY;
            }
            self.count();
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Join(join) => self.join(join),
            Command::Leave(id) => self.with(id, |shard, key| shard.end(key, EndReason::Left)),
            Command::Writable(id) => self.with(id, Self::writable),
            Command::Replay(id, outcome) => self.with(id, |shard, key| shard.replay(key, outcome)),
            Command::Change(id, changed) => match self.by_id.get(&id) {
                Some(&key) => self.change(key, changed),
                None => self.shared.registry.leave(&changed.selection, &changed.read),
            },
            Command::End(id) => self.with(id, Self::close_one),
            Command::Retime => self.retime(),
            Command::Drain(pace) => self.drain(pace),
            Command::CutOff => self.cut_off_the_rest(),
            Command::Disconnect(closer) => self.disconnect(&closer),
            Command::Close(closer) => self.close(closer),
        }
    }

    /// A socket says something. Whose other side is gone may still have room.
    fn ready(&mut self, event: &Event) {
        let key = event.token().0;
        let Some(subscriber) = self.subscribers.get_mut(key) else { return };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            match subscriber.sink.heard() {
                Ok(()) => {}
                Err(Gone) => return self.end(key, EndReason::Left),
            }
        }
        if event.is_writable() {
            self.writable(key);
        }
    }

    fn with(&mut self, id: SubscriberId, act: impl FnOnce(&mut Self, SubscriberKey)) {
        if let Some(&key) = self.by_id.get(&id) {
            act(self, key);
        }
    }

    /// Hands the new batches to the live subscribers: each sink is written once, with all that is for it.
    fn deliver(&mut self, mail: &mut Mail) {
        self.set_senders_aside(&mail.batches);
        let before = self.delivered.0;
        for batch in mail.batches.drain(..) {
            self.since.push(batch.since());
            self.index.sort_in(&batch);
            self.position = batch.end().unwrap_or(self.position);
            self.last = batch.entries().last().map(|entry| entry.position).or(self.last);
            self.recent.push(batch);
        }
        while let Some((of, run)) = self.index.next_run() {
            let mut at = 0;
            while !run.is_empty()
                && let Some(class) = self.index.class_of(of, at)
            {
                if self.index.shares(of, class) {
                    self.deliver_to_class(class, &run);
                }
                // If it has gone with its last member, another has its place.
                if self.index.class_of(of, at) == Some(class) {
                    at += 1;
                }
            }
            self.index.done(of, run);
        }
        self.count_delivery(self.delivered.0 > before);
        if let Some(end) = mail.skipped_to {
            self.skip_to(end);
        }
    }

    fn deliver_to_class(&mut self, class: ClassKey, run: &Run) {
        let mut place = 0;
        while let Some(key) = self.index.live(class, place) {
            if self.deliver_to(key, run) {
                place += 1;
            }
        }
    }

    /// Sends a run to a live subscriber; `false` when it has left its place in the class's list, to another.
    fn deliver_to(&mut self, key: SubscriberKey, run: &Run) -> bool {
        let subscriber = &mut self.subscribers[key];
        if subscriber.cursor >= self.position {
            // It joined ahead of this shard, or has just caught up past this run.
            return true;
        }
        if run.first().is_some_and(|first| subscriber.cursor > first) {
            // It has some of these already: let it catch up by its cursor.
            self.falls_due(key);
            return false;
        }
        match subscriber.sink.write(run.slices()) {
            Ok(taken) if taken == run.len() => {
                subscriber.last_write = self.wheel.now();
                let (events, bytes) = (run.events() as u64, taken as u64);
                subscriber.count(events, bytes);
                self.delivered.0 += events;
                self.delivered.1 += bytes;
                true
            }
            Ok(taken) => {
                let rest = run.rest(taken);
                let (events, bytes) = (rest.events as u64, (taken + rest.partial.len()) as u64);
                subscriber.count(events, bytes);
                self.delivered.0 += events;
                self.delivered.1 += bytes;
                let first = run.first().unwrap_or_default();
                subscriber.cursor = rest.next.unwrap_or(first);
                if taken > 0 {
                    subscriber.last_write = self.wheel.now();
                }
                subscriber.put([rest.partial]);
                self.turn_to(key, State::Blocked);
                false
            }
            Err(Gone) => {
                self.end(key, EndReason::Left);
                false
            }
        }
    }

    /// Batches up to `end` were left out: everybody reads them from the log.
    fn skip_to(&mut self, end: u64) {
        self.stats().skips.fetch_add(1, Relaxed);
        let position = std::mem::replace(&mut self.position, end);
        self.last = None;
        self.recent.clear();
        let live = self.subscribers.iter().filter(|(_, one)| matches!(one.state, State::Live(_)));
        let live: Vec<SubscriberKey> = live.map(|(key, _)| key).collect();
        for key in live {
            let subscriber = &mut self.subscribers[key];
            subscriber.cursor = subscriber.cursor.max(position);
            self.falls_due(key);
        }
    }

    fn join(&mut self, mut join: Join) {
        let naming = join.manner.as_ref().map_or(&Naming::Own, |manner| &manner.naming);
        let class = self.index.join(&join.selection, &join.read, naming);
        let (id, prelude) = (join.id, std::mem::take(&mut join.prelude));
        let mut subscriber = Subscriber::new(join, class);
        subscriber.last_write = self.wheel.now();
        // How long it has, if it has not forever, is looked up at once.
        let due = if subscriber.term.is_some() { 1 } else { self.heartbeat.min(self.stall) };
        let key = self.subscribers.insert(subscriber);
        self.by_id.insert(id, key);
        self.senders.enter(key, self.subscribers[key].sockets());
        self.look_in(key, due);
        self.stats().enter(self.subscribers[key].front, State::Reading.of_stream());
        let closer = self.closer.as_ref();
        if closer.is_some_and(|closer| self.subscribers[key].is_closed_by(closer)) {
            return self.revoke(key);
        }
        self.subscribers[key].put(prelude);
        if let Err(error) = self.subscribers[key].sink.watch(self.poll.registry(), Token(key)) {
            tracing::error!(%error, subscriber = id, "a socket cannot be watched");
            return self.end(key, EndReason::Left);
        }
        self.falls_due(key);
        if let Some(drain) = &mut self.drain {
            drain.add(id, self.shared.log.status().next);
        }
    }

    fn writable(&mut self, key: SubscriberKey) {
        let subscriber = &mut self.subscribers[key];
        if matches!(subscriber.state, State::Blocked) {
            self.falls_due(key);
        } else if subscriber.sink.write(&[]).is_err() {
            self.end(key, EndReason::Left);
        }
    }

    fn go_live(&mut self, key: SubscriberKey) {
        let subscriber = &mut self.subscribers[key];
        let state = State::Live(self.index.go_live(subscriber.class, key));
        self.stand(key, state);
    }

    /// Gives a subscriber another state, and returns the former.
    fn stand(&mut self, key: SubscriberKey, state: State) -> State {
        let subscriber = &mut self.subscribers[key];
        let former = std::mem::replace(&mut subscriber.state, state);
        let (from, to, front) = (former.of_stream(), state.of_stream(), subscriber.front);
        if from != to {
            self.stats().leave(front, from);
            self.stats().enter(front, to);
        }
        former
    }

    /// Turns a subscriber to another state than live. If it was live it leaves its class's list, and another takes its
    /// place there.
    fn turn_to(&mut self, key: SubscriberKey, state: State) {
        let State::Live(place) = self.stand(key, state) else { return };
        let subscriber = &self.subscribers[key];
        if let Some(moved) = self.index.fall_behind(subscriber.class, place) {
            self.subscribers[moved].state = State::Live(place);
        }
    }

    /// Looks at those who are due: a heartbeat for the silent, the door for the stalled.
    fn turn_wheel(&mut self) {
        for id in self.wheel.turn() {
            self.with(id, Self::look);
        }
    }

    /// Has the subscriber looked at in so many ticks, and not before.
    fn look_in(&mut self, key: SubscriberKey, ticks: Tick) {
        let subscriber = &mut self.subscribers[key];
        subscriber.next_look = self.wheel.schedule(subscriber.id, ticks);
    }

    fn look(&mut self, key: SubscriberKey) {
        if self.subscribers[key].next_look > self.wheel.now() {
            // It was looked at for another reason since, and has a later appointment.
            return;
        }
        let Some(term) = self.look_at_term(key) else { return };
        let now = self.wheel.now();
        let subscriber = &mut self.subscribers[key];
        let due = match subscriber.state {
            // A sink that takes something has not stalled: it counts from its last bytes.
            State::Blocked => match self.stall.saturating_sub(now - subscriber.last_write) {
                0 => return self.end(key, EndReason::Stalled),
                left => left,
            },
            State::Reading | State::Due => self.heartbeat,
            State::Live(_) => match self.heartbeat.saturating_sub(now - subscriber.last_write) {
                left @ 1.. => left,
                0 if !self.say(key, HEARTBEAT) => return,
                0 => self.heartbeat,
            },
        };
        // Whatever it is due for, it may be blocked by then.
        self.look_in(key, due.min(term).min(self.heartbeat).min(self.stall));
    }

    /// Sends a subscriber something of the hub's own, behind what it has not taken yet; `false` if it is gone.
    fn say(&mut self, key: SubscriberKey, bytes: Bytes) -> bool {
        let subscriber = &mut self.subscribers[key];
        subscriber.put([bytes]);
        if !matches!(subscriber.state, State::Live(_)) {
            return true;
        }
        match subscriber.flush(self.wheel.now()) {
            Ok(true) => true,
            Ok(false) => {
                subscriber.cursor = subscriber.cursor.max(self.position);
                self.turn_to(key, State::Blocked);
                true
            }
            Err(Gone) => {
                self.end(key, EndReason::Left);
                false
            }
        }
    }

    fn stats(&self) -> &ShardStats {
        self.shared.stats.shard(self.number)
    }

    fn count(&mut self) {
        let (events, bytes) = std::mem::take(&mut self.delivered);
        if events > 0 {
            self.stats().delivered.fetch_add(events, Relaxed);
            self.stats().delivered_bytes.fetch_add(bytes, Relaxed);
        }
    }

    /// Counts how long the batches of this round took, if there was anybody to deliver them to.
    fn count_delivery(&mut self, is_delivered: bool) {
        if is_delivered {
            let now = Instant::now();
            for since in &self.since {
                self.stats().delivery.time(now.saturating_duration_since(*since));
            }
        }
        self.since.clear();
    }

    /// Looks how far those are behind who are.
    fn measure(&self) {
        let stats = self.stats();
        if stats.behind() == 0 {
            return;
        }
        let behind = self.subscribers.iter().filter(|(_, one)| !matches!(one.state, State::Live(_)));
        let lags = behind.map(|(_, one)| self.position.saturating_sub(one.cursor));
        let (sum, max) = lags.fold((0, 0), |(sum, max), lag| (sum + lag, lag.max(max)));
        stats.lag_sum.store(sum, Relaxed);
        stats.lag_max.store(max, Relaxed);
    }
}
