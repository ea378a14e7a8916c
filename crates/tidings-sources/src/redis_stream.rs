//! `kind = "redis_stream"`: the entries of Redis Streams, for publishers who must not lose events while the hub is away.
//!
//! The position is Redis' to keep, in a consumer group. The one order that this stands on: an entry is acknowledged only
//! after the log has accepted its event. Until then it is *pending*, and every connection begins with what is. So nothing
//! is lost, whatever ends when; and nothing comes twice, because an event's id is made of its entry's, and the log takes
//! an id only once. Entries are read, published and acknowledged a batch after the other, so that their order stays.
//!
//! There is one consumer, always of the same name: what it has pending is never another's to look for.

mod entry;
mod group;
mod id;
mod reply;
mod session;

use std::time::{Duration, Instant};

use crate::{backoff::Backoff, redis, running::Context};

pub(crate) use {
    entry::{Reader, Stream},
    group::Start,
};

/// How many entries of each stream are read at once, unless they are too large for that.
const COUNT: usize = 200;

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
    /// For each stream, the last entry that need not be read again, once one is known.
    done: Vec<Option<id::EntryId>>,
    count: usize,
}

/// Reads on, connecting anew whenever the connection is lost, until told to stop.
pub(crate) async fn run(plan: Plan, context: &Context) {
    tokio::select! {
        () = read(&plan, context) => {}
        () = context.stopped() => {}
    }
}

async fn read(plan: &Plan, context: &Context) {
    let mut progress = Progress { done: vec![None; plan.streams.len()], count: COUNT };
    let mut backoff = Backoff::new();
    loop {
        let started = Instant::now();
        let lost = session::run(plan, &mut progress, context).await;
        if let redis::Lost::Malformed(redis::Malformed::TooLong) = lost {
            // What was read is pending, and is read again in smaller parts.
            progress.count = (progress.count / 2).max(1);
        }
        redis::pause(&lost, started, &mut backoff, context).await;
    }
}
