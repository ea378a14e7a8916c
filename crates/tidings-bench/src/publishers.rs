//! The publishers: one thread that drives their connections, as fast as they are answered or by a schedule.
//!
//! By a schedule, an event counts as sent when it was due: a server that stalls is seen as latency, also by the events
//! that could not be sent meanwhile ("coordinated omission").

mod connection;
mod schedule;

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use mio::{Events, Interest, Poll, Token};

use crate::{
    check::Sent,
    clock,
    error::Error,
    latency::Latencies,
    marker::{Marker, Run},
    target::{Publish, Topics},
};
use connection::{Connection, Request};
use schedule::{Schedule, Timer};

/// The token of the timer; connections have theirs from 0.
const TIMER: Token = Token(usize::MAX);
/// How often it looks whether there is progress.
const TICK: Duration = Duration::from_millis(100);
/// Events of the poller at a time.
const EVENTS: usize = 256;
/// What is read at a time: answers to publishers are short.
const BUFFER: usize = 16 * 1024;

/// How to publish.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) publish: Publish,
    pub(crate) run: Run,
    pub(crate) publishers: u16,
    pub(crate) topics: Topics,
    /// Bytes of data in an event.
    pub(crate) size: usize,
    /// Events in a request.
    pub(crate) batch: u32,
    /// Requests under way on a connection.
    pub(crate) pipeline: usize,
    /// Events per second of all publishers together; as fast as they are answered if there is none.
    pub(crate) rate: Option<f64>,
    /// After how long without an answer to give up.
    pub(crate) timeout: Duration,
    /// Chooses the topics.
    pub(crate) seed: u64,
}

/// What came of publishing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Published {
    pub(crate) acknowledged: u64,
    /// Why events were not acknowledged, and how many for each reason.
    pub(crate) failures: BTreeMap<String, u64>,
    /// From the sending of a request, or the time when it was due, to its answer.
    pub(crate) latencies: Latencies,
    /// When the first event was sent and the last acknowledged.
    pub(crate) began: u64,
    pub(crate) ended: u64,
}

impl Published {
    /// How many events were not acknowledged.
    pub(crate) fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Adds what was published later.
    pub(crate) fn merge(&mut self, later: Self) {
        self.acknowledged += later.acknowledged;
        for (reason, count) in later.failures {
            *self.failures.entry(reason).or_default() += count;
        }
        self.latencies.merge(&later.latencies);
        self.ended = later.ended;
    }
}

/// All publishers, connected.
pub(crate) struct Publishers {
    job: Job,
    poll: Poll,
    timer: Timer,
    connections: Vec<Connection>,
    /// A connection for each request that it can take.
    free: VecDeque<usize>,
    names: Vec<String>,
    random: fastrand::Rng,
    sent: Sent,
    published: Published,
    /// Why a connection could not be made again.
    unreachable: String,
    scratch: Vec<u8>,
    buffer: Vec<u8>,
}

impl Publishers {
    /// Connects them.
    pub(crate) fn connect(job: Job) -> Result<Self, Error> {
        let poll = Poll::new().map_err(Error::system("the poller cannot be made"))?;
        let timer = Timer::new(poll.registry(), TIMER).map_err(Error::system("the timer cannot be made"))?;
        let mut publishers = Self {
            poll,
            timer,
            connections: Vec::new(),
            free: VecDeque::new(),
            names: (0..job.topics.count).map(|topic| job.topics.name(topic)).collect(),
            random: fastrand::Rng::with_seed(job.seed),
            sent: Sent::new(job.publishers.into(), job.topics.count as usize),
            published: Published::default(),
            unreachable: String::new(),
            scratch: Vec::new(),
            buffer: vec![0; BUFFER],
            job,
        };
        let address = publishers.job.publish.endpoint.address;
        for number in 0..publishers.job.publishers.into() {
            publishers.connections.push(Connection::default());
            publishers.open(number).map_err(|source| Error::Connect { address, source })?;
        }
        Ok(publishers)
    }

    /// What has been sent in all.
    pub(crate) fn sent(&self) -> &Sent {
        &self.sent
    }

    /// Publishes so many events, and counts those acknowledged in `progress` meanwhile.
    pub(crate) fn publish(&mut self, events: u64, progress: &AtomicU64) -> io::Result<Published> {
        let mut schedule = Schedule::new(self.job.rate, self.job.batch, events, clock::now());
        let mut polled = Events::with_capacity(EVENTS);
        // Servers close connections on which nothing happens: new ones are made before anything is sent on those.
        self.react(&mut polled, Duration::ZERO)?;
        self.published = Published { began: clock::now(), ..Published::default() };
        let mut moved = (0, self.published.began);
        while !schedule.is_over() || self.connections.iter().any(Connection::is_busy) {
            if self.connections.iter().all(|connection| !connection.is_open()) {
                break;
            }
            self.send_due(&mut schedule)?;
            self.flush();
            self.react(&mut polled, TICK)?;
            progress.store(self.published.acknowledged, Ordering::Relaxed);
            let (done, now) = (self.published.acknowledged + self.published.failed(), clock::now());
            let is_waiting = self.connections.iter().any(Connection::is_busy);
            if done > moved.0 || !is_waiting {
                moved = (done, now);
            } else if u128::from(now - moved.1) > self.job.timeout.as_nanos() {
                for number in 0..self.connections.len() {
                    self.fail(number, "not answered in time");
                }
                break;
            }
        }
        let unsent = schedule.left();
        if unsent > 0 {
            let reason = format!("not sent, for no connection was left: {}", self.unreachable);
            *self.published.failures.entry(reason).or_default() += unsent;
        }
        Ok(std::mem::take(&mut self.published))
    }

    /// Does what the poller calls for.
    fn react(&mut self, polled: &mut Events, patience: Duration) -> io::Result<()> {
        match self.poll.poll(polled, Some(patience)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            outcome => outcome?,
        }
        for event in &*polled {
            if event.token() == TIMER {
                self.timer.acknowledge();
            } else {
                self.go_on(event.token().0);
            }
        }
        Ok(())
    }

    /// Gives free connections what is due, and sets the timer for what is not.
    fn send_due(&mut self, schedule: &mut Schedule) -> io::Result<()> {
        let now = clock::now();
        while let Some(&number) = self.free.front() {
            match schedule.next_due() {
                Some(due) if due <= now => {
                    self.free.pop_front();
                    // Without a schedule it is due whenever it is sent.
                    let sent = if due == 0 { now } else { due };
                    let count = schedule.take();
                    self.send(number, count, sent);
                }
                Some(due) => return self.timer.set(due),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn send(&mut self, number: usize, count: u32, sent: u64) {
        let topic = self.random.u32(..self.job.topics.count);
        // There are as many connections as publishers, whose number is a u16.
        let publisher = u16::try_from(number).unwrap_or(u16::MAX);
        let event = |sent_before: &mut Sent| {
            let sequence = sent_before.next(topic, publisher);
            Marker { topic, publisher, sequence, sent }
        };
        let events: Vec<Marker> = (0..count).map(|_| event(&mut self.sent)).collect();
        let connection = &mut self.connections[number];
        let Job { publish, run, size, .. } = &self.job;
        let name = &self.names[topic as usize];
        publish.request(*run, name, &events, *size, &mut self.scratch, connection.outgoing());
        let first = events.first().map_or(0, |event| event.sequence);
        connection.sent(Request { topic, first, count, sent });
    }

    fn flush(&mut self) {
        for number in 0..self.connections.len() {
            if let Err(error) = self.connections[number].flush() {
                self.fail(number, &error.to_string());
                self.reopen(number);
            }
        }
    }

    /// Reads the answers that have come.
    fn go_on(&mut self, number: usize) {
        let Some(connection) = self.connections.get_mut(number) else { return };
        let (published, sent, free) = (&mut self.published, &mut self.sent, &mut self.free);
        let mut now = None;
        let outcome = connection.read(&mut self.buffer, |request, status| {
            free.push_back(number);
            let now = *now.get_or_insert_with(clock::now);
            if (200..300).contains(&status) {
                published.acknowledged += u64::from(request.count);
                published.latencies.record(now.saturating_sub(request.sent));
                published.ended = now;
            } else {
                fail(published, sent, number, &request, &format!("answered {status}"));
            }
        });
        match outcome {
            Ok(true) => {}
            // The server has closed it, as it may between two requests.
            Ok(false) => {
                self.fail(number, "the server closed the connection");
                self.reopen(number);
            }
            Err(error) => {
                self.fail(number, &error.to_string());
                self.reopen(number);
            }
        }
    }

    /// Gives up what is under way on a connection, and the connection.
    fn fail(&mut self, number: usize, reason: &str) {
        for request in self.connections[number].close() {
            fail(&mut self.published, &mut self.sent, number, &request, reason);
        }
        self.free.retain(|free| *free != number);
    }

    fn reopen(&mut self, number: usize) {
        if let Err(error) = self.open(number) {
            // Its events are for the others to send. When there are none left, this is why.
            self.unreachable = error.to_string();
        }
    }

    fn open(&mut self, number: usize) -> io::Result<()> {
        let mut stream = self.job.publish.endpoint.connect(self.job.timeout)?;
        self.poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE)?;
        self.connections[number].open(stream);
        self.free.extend(std::iter::repeat_n(number, self.job.pipeline));
        Ok(())
    }
}

/// Counts the events of a request as failed.
fn fail(published: &mut Published, sent: &mut Sent, number: usize, request: &Request, reason: &str) {
    *published.failures.entry(reason.to_owned()).or_default() += u64::from(request.count);
    let publisher = u16::try_from(number).unwrap_or(u16::MAX);
    for sequence in request.first..request.first + request.count {
        sent.fail(request.topic, publisher, sequence);
    }
}
