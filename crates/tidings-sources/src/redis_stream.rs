//! `kind = "redis_stream"`: the entries of Redis Streams, for publishers who must not lose events while the hub is away.
//!
//! The position is Redis' to keep, in a consumer group. The one order that this stands on: an entry is acknowledged only
//! after the log has accepted its event. Until then it is *pending*, and every connection begins with what is. So nothing
//! is lost, whatever ends when; and nothing comes twice, because an event's id is made of its entry's, and the log takes
//! an id only once. Entries are read, published and acknowledged a batch after the other, so that their order stays.
//!
//! There is one consumer, always of the same name: what it has pending is never another's to look for.

mod entry;
mod fuzz;
mod group;
mod id;
mod reply;
mod session;

use std::time::{Duration, Instant};

use crate::{backoff::Backoff, redis, running::Context};

pub(crate) use fuzz::entries;
pub(crate) use {
    entry::{Reader, Stream},
    group::Start,
};

/// How many entries of each stream are read at once, unless they are too large for that.
const COUNT: usize = 200;
/// By how much fewer are read at once when they were too large.
const FEWER: usize = 4;

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) server: redis::Server,
    pub(crate) streams: Vec<Stream>,
    pub(crate) group: String,
    pub(crate) start: Start,
    pub(crate) reader: Reader,
    pub(crate) timeout: Duration,
}

/// What is known from one connection to the next.
#[derive(Debug)]
struct Progress {
    /// Of each stream.
    places: Vec<group::Place>,
    /// How many entries to read at once.
    count: usize,
    /// The stream whose pending entries are being read.
    catching_up: Option<usize>,
    /// The stream whose first pending entry cannot be read at all.
    unreadable: Option<usize>,
}

impl Progress {
    fn new(streams: usize) -> Self {
        Self {
            places: vec![group::Place::default(); streams],
            count: COUNT,
            catching_up: None,
            unreadable: None,
        }
    }

    /// What was asked for cannot be read together. It is pending now, and is read again in smaller parts.
    fn too_long(&mut self) {
        match self.count {
            1 => self.unreadable = self.catching_up,
            count => self.count = (count / FEWER).max(1),
        }
    }

    /// A read was answered: a little more may do as well.
    fn answered(&mut self) {
        self.count = (self.count + 1).min(COUNT);
    }
}

/// Reads on, connecting anew whenever the connection is lost, until told to stop.
pub(crate) async fn run(plan: Plan, context: &Context) {
    tokio::select! {
        () = read(&plan, context) => {}
        () = context.stopped() => {}
    }
}

async fn read(plan: &Plan, context: &Context) {
    let mut progress = Progress::new(plan.streams.len());
    let mut backoff = Backoff::new();
    loop {
        let started = Instant::now();
        let lost = session::run(plan, &mut progress, context).await;
        if let redis::Lost::Malformed(redis::Malformed::TooLong) = lost {
            progress.too_long();
        }
        redis::pause(&lost, started, &mut backoff, context).await;
    }
}
