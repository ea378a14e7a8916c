//! The subscribers: one thread that drives many connections, and counts what they get.
//!
//! All connections share one buffer, and what they read is only searched for markers; there is no allocation and no
//! reading of the clock for an event. So one core keeps up with a server that fills it.

mod connection;

use std::{
    collections::BTreeMap,
    io,
    sync::mpsc::{Receiver, TryRecvError},
    time::Duration,
};

use mio::{Events, Poll, Token, Waker};

use crate::{
    check::{Check, Sent},
    clock,
    error::Error,
    latency::Latencies,
    marker::Run,
    protocol::{Note, Order, Outcome, Plan, Progress, Ready},
    target::Subscribe,
};
use connection::{Connection, Lost, Stage};

/// What is read at a time; within the cache of a core.
const BUFFER: usize = 256 * 1024;
/// Events of the poller at a time.
const EVENTS: usize = 1024;
/// How often it looks at the time, and tells how far it is.
const TICK: Duration = Duration::from_millis(50);
/// The token of the waker; connections have theirs from 0.
const WAKE: Token = Token(usize::MAX);

/// What all connections of a group use.
struct Shared<'a> {
    run: Run,
    ready: Ready,
    buffer: &'a mut [u8],
    check: &'a mut Check,
    latencies: &'a mut Latencies,
    /// Of events sent before this time the latency says nothing.
    connected_at: u64,
    longest_silence: u64,
    last_delivery: u64,
    /// How many subscribers have become ready.
    became_ready: usize,
}

/// A group of subscribers.
pub(crate) struct Subscribers {
    plan: Plan,
    subscribe: Subscribe,
    poll: Poll,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
    check: Check,
    latencies: Latencies,
    connected_at: u64,
    longest_silence: u64,
    last_delivery: u64,
    lost: BTreeMap<String, u64>,
    held: usize,
    /// The next connection to be made, while they are being made.
    connecting: Option<usize>,
    /// Connections under way.
    unanswered: usize,
    awaited: Option<Awaited>,
    /// When there was progress last.
    moved: u64,
    told: Progress,
}

/// What is being waited for.
struct Awaited {
    sent: Sent,
    /// Deliveries after which it is worth looking whether all is there.
    look_at: u64,
    is_told: bool,
}

impl Subscribers {
    /// The group, and what wakes it after an order.
    pub(crate) fn new(plan: Plan) -> Result<(Self, Waker), Error> {
        let subscribe = Subscribe::new(&plan.url, &plan.headers)?;
        let poll = Poll::new().map_err(Error::system("the poller cannot be made"))?;
        let waker = Waker::new(poll.registry(), WAKE).map_err(Error::system("the waker cannot be made"))?;
        let numbers = plan.first..plan.first + plan.count;
        let topic = |number: usize| u32::try_from(number / plan.per_topic).unwrap_or(u32::MAX);
        let check = Check::new(plan.publishers, plan.first, numbers.map(topic).collect());
        let mut connections = Vec::new();
        connections.resize_with(plan.count, Connection::default);
        let subscribers = Self {
            plan,
            subscribe,
            poll,
            connections,
            buffer: vec![0; BUFFER],
            check,
            latencies: Latencies::default(),
            connected_at: 0,
            longest_silence: 0,
            last_delivery: 0,
            lost: BTreeMap::new(),
            held: 0,
            connecting: None,
            unanswered: 0,
            awaited: None,
            moved: 0,
            told: Progress::default(),
        };
        Ok((subscribers, waker))
    }

    /// Follows orders until told to stop. Whoever gives them having gone is an order to stop, too.
    pub(crate) fn run(mut self, orders: &Receiver<Order>, mut tell: impl FnMut(Note)) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let mut last_tick = clock::now();
        loop {
            match self.poll.poll(&mut events, Some(TICK)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            for event in &events {
                if event.token() != WAKE {
                    self.go_on(event);
                }
            }
            loop {
                match orders.try_recv() {
                    Ok(Order::Stop) => {
                        tell(Note::Outcome(Box::new(self.outcome())));
                        return Ok(());
                    }
                    Ok(order) => self.follow(order, &mut tell),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            self.connect_more(&mut tell);
            self.look(&mut tell);
            let now = clock::now();
            if u128::from(now - last_tick) >= TICK.as_nanos() {
                last_tick = now;
                self.tick(now, &mut tell);
            }
        }
    }

    fn follow(&mut self, order: Order, tell: &mut impl FnMut(Note)) {
        self.moved = clock::now();
        match order {
            Order::Connect => {
                self.connecting = Some(0);
                self.connected_at = self.moved;
            }
            Order::Disconnect => {
                let connected = self.connections.iter_mut().filter(|connection| connection.is_connected());
                let mut without_cursor = 0;
                for connection in connected {
                    connection.close();
                    without_cursor += usize::from(!connection.has_cursor());
                }
                self.held = 0;
                tell(Note::Disconnected { without_cursor });
            }
            Order::Await(sent) => self.awaited = Some(Awaited { sent, look_at: 0, is_told: false }),
            // It ends the loop.
            Order::Stop => {}
        }
    }

    fn go_on(&mut self, event: &mio::event::Event) {
        let number = event.token().0;
        let Some(connection) = self.connections.get_mut(number) else { return };
        let stage = connection.stage;
        let mut shared = Shared {
            run: Run::new(self.plan.run),
            ready: self.plan.ready,
            buffer: &mut self.buffer,
            check: &mut self.check,
            latencies: &mut self.latencies,
            connected_at: self.connected_at,
            longest_silence: self.longest_silence,
            last_delivery: self.last_delivery,
            became_ready: 0,
        };
        let topic = shared.check.topic(number);
        let (subscribe, topics) = (&self.subscribe, &self.plan.topics);
        let request = |cursor: Option<&str>| subscribe.request(&topics.name(topic), cursor);
        let outcome = connection.go_on(number, event, &mut shared, request);
        self.longest_silence = shared.longest_silence;
        self.last_delivery = shared.last_delivery;
        let became_ready = shared.became_ready;
        self.held += became_ready;
        self.unanswered -= became_ready;
        if became_ready > 0 {
            self.moved = clock::now();
        }
        if let Err(reason) = outcome {
            let was_held = stage == Stage::Subscribed || became_ready > 0;
            self.lose(number, was_held, &reason.to_string());
        }
    }

    fn lose(&mut self, number: usize, was_held: bool, reason: &str) {
        *self.lost.entry(reason.to_owned()).or_default() += 1;
        if was_held {
            self.held -= 1;
        } else {
            self.unanswered -= 1;
        }
        if let Some(connection) = self.connections.get_mut(number) {
            connection.close();
        }
        // What it misses is not awaited any more.
        if let Some(awaited) = &mut self.awaited {
            awaited.look_at = 0;
        }
    }

    /// Makes the next connections, as many as may be under way at a time.
    fn connect_more(&mut self, tell: &mut impl FnMut(Note)) {
        let Some(mut next) = self.connecting else { return };
        while self.unanswered < self.plan.wave && next < self.connections.len() {
            let connection = &mut self.connections[next];
            self.unanswered += 1;
            let (address, registry) = (self.subscribe.endpoint.address, self.poll.registry());
            let outcome = connection.connect(address, registry, Token(next), self.plan.notes_cursors);
            if let Err(error) = outcome {
                self.lose(next, false, &Lost::from(error).to_string());
            }
            next += 1;
        }
        self.connecting = Some(next);
        if next == self.connections.len() && self.unanswered == 0 {
            self.connecting = None;
            self.tick(clock::now(), tell);
            tell(Note::Held);
        }
    }

    /// Looks whether everything has come.
    fn look(&mut self, tell: &mut impl FnMut(Note)) {
        let delivered = self.check.delivered();
        let Some(awaited) = &mut self.awaited else { return };
        if awaited.is_told || delivered < awaited.look_at {
            return;
        }
        let connections = self.connections.iter().enumerate();
        let live = connections.filter(|(_, connection)| connection.is_connected());
        let missing: u64 = live.map(|(number, _)| self.check.missing(number, &awaited.sent)).sum();
        if missing == 0 {
            awaited.is_told = true;
            tell(Note::Delivered { is_complete: true });
        } else {
            awaited.look_at = delivered + missing;
        }
    }

    fn tick(&mut self, now: u64, tell: &mut impl FnMut(Note)) {
        let progress =
            Progress { held: self.held, delivered: self.check.delivered(), lost: self.lost.values().sum() };
        if progress != self.told {
            if progress.delivered != self.told.delivered {
                self.moved = now;
            }
            self.told = progress;
            tell(Note::Progress(progress));
        }
        if u128::from(now.saturating_sub(self.moved)) < self.plan.timeout.as_nanos() {
            return;
        }
        if let Some(awaited) = &mut self.awaited
            && !awaited.is_told
        {
            awaited.is_told = true;
            tell(Note::Delivered { is_complete: false });
        }
        if self.connecting.is_some() {
            for number in 0..self.connections.len() {
                if matches!(self.connections[number].stage, Stage::Connecting | Stage::Asked) {
                    self.lose(number, false, "the subscription was not answered in time");
                }
            }
            self.moved = now;
        }
    }

    fn outcome(mut self) -> Outcome {
        let now = clock::now();
        let silences = self.connections.iter().map(|connection| connection.silence(now));
        let silence = silences.fold(self.longest_silence, u64::max);
        let sent = self.awaited.take().map(|awaited| awaited.sent).unwrap_or_default();
        Outcome {
            tally: self.check.tally(&sent),
            latencies: self.latencies,
            last_delivery: self.last_delivery,
            longest_silence: Duration::from_nanos(silence),
            lost: self.lost,
            cpu: Duration::ZERO,
        }
    }
}
