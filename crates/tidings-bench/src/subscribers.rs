//! The subscribers: one thread that drives many connections, and counts what they get.
//!
//! All connections share one buffer, and what they read is only searched for markers; there is no allocation and no
//! reading of the clock for an event. So one core keeps up with a server that fills it.

mod connection;

use std::{
    io,
    sync::mpsc::{Receiver, TryRecvError},
    time::Duration,
};

use mio::{Events, Poll, Token, Waker};

use crate::{
    clock,
    error::Error,
    ledger::Ledger,
    protocol::{Note, Order, Outcome, Plan, Ready},
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
    ready: Ready,
    buffer: &'a mut [u8],
    ledger: &'a mut Ledger,
}

/// A group of subscribers.
pub(crate) struct Subscribers {
    plan: Plan,
    subscribe: Subscribe,
    poll: Poll,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
    ledger: Ledger,
    held: usize,
    /// The next connection to be made, while they are being made.
    connecting: Option<usize>,
    /// Connections under way.
    unanswered: usize,
}

impl Subscribers {
    /// The group, and what wakes it after an order.
    pub(crate) fn new(plan: Plan) -> Result<(Self, Waker), Error> {
        let subscribe = Subscribe::new(&plan.url, &plan.headers)?;
        let poll = Poll::new().map_err(Error::system("the poller cannot be made"))?;
        let waker = Waker::new(poll.registry(), WAKE).map_err(Error::system("the waker cannot be made"))?;
        let mut connections = Vec::new();
        connections.resize_with(plan.count, Connection::default);
        let subscribers = Self {
            subscribe,
            poll,
            connections,
            buffer: vec![0; BUFFER],
            ledger: Ledger::new(&plan),
            held: 0,
            connecting: None,
            unanswered: 0,
            plan,
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
            if self.connecting.is_none() {
                let is_connected = |number: usize| self.connections[number].is_connected();
                self.ledger.look(self.held, is_connected, &mut tell);
            }
            let now = clock::now();
            if u128::from(now - last_tick) >= TICK.as_nanos() {
                last_tick = now;
                self.tick(&mut tell);
            }
        }
    }

    fn follow(&mut self, order: Order, tell: &mut impl FnMut(Note)) {
        match order {
            Order::Connect => {
                self.connecting = Some(0);
                self.ledger.connect();
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
            Order::Await(sent) => self.ledger.awaits(sent),
            // It ends the loop.
            Order::Stop => {}
        }
    }

    fn go_on(&mut self, event: &mio::event::Event) {
        let number = event.token().0;
        let Some(connection) = self.connections.get_mut(number) else { return };
        let was_held = connection.stage == Stage::Subscribed;
        let topic = self.ledger.topic(number);
        let mut shared =
            Shared { ready: self.plan.ready, buffer: &mut self.buffer, ledger: &mut self.ledger };
        let (subscribe, topics) = (&self.subscribe, &self.plan.topics);
        let request = |cursor: Option<&str>| subscribe.request(&topics.name(topic), cursor);
        let outcome = connection.go_on(number, event, &mut shared, request);
        let is_held = connection.stage == Stage::Subscribed;
        if is_held && !was_held {
            self.held += 1;
            self.unanswered -= 1;
            self.ledger.moves();
        }
        if let Err(reason) = outcome {
            self.lose(number, &reason.to_string());
        }
    }

    fn lose(&mut self, number: usize, reason: &str) {
        self.ledger.lose(reason);
        let connection = &mut self.connections[number];
        if connection.stage == Stage::Subscribed {
            self.held -= 1;
        } else {
            self.unanswered -= 1;
        }
        connection.close();
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
                self.lose(next, &Lost::from(error).to_string());
            }
            next += 1;
        }
        self.connecting = Some(next);
        if next == self.connections.len() && self.unanswered == 0 {
            self.connecting = None;
            self.ledger.tell_progress(self.held, tell);
            tell(Note::Held);
        }
    }

    fn tick(&mut self, tell: &mut impl FnMut(Note)) {
        if !self.ledger.tell_progress(self.held, tell) {
            return;
        }
        if self.connecting.is_none() {
            self.ledger.give_up(tell);
            return;
        }
        for number in 0..self.connections.len() {
            if matches!(self.connections[number].stage, Stage::Connecting | Stage::Asked) {
                self.lose(number, "the subscription was not answered in time");
            }
        }
        self.ledger.moves();
    }

    fn outcome(mut self) -> Outcome {
        let now = clock::now();
        for connection in &self.connections {
            self.ledger.silence(connection.silence(now));
        }
        self.ledger.outcome()
    }
}
