//! What the one who conducts a run and those who subscribe for it say to each other: between threads as values, between
//! processes as lines of JSON.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    check::{Sent, Tally},
    latency::Latencies,
    target::Topics,
};

/// What a group of subscribers is to do in all.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) url: String,
    pub(crate) headers: Vec<String>,
    /// The number of the run.
    pub(crate) run: u32,
    pub(crate) publishers: usize,
    pub(crate) topics: Topics,
    /// Subscribers with successive numbers share a topic, so many each.
    pub(crate) per_topic: usize,
    /// The number of the group's first subscriber.
    pub(crate) first: usize,
    pub(crate) count: usize,
    pub(crate) ready: Ready,
    /// How many subscriptions may be unanswered at a time.
    pub(crate) wave: usize,
    /// After how long without any progress to give up.
    pub(crate) timeout: Duration,
    /// Whether ids are noted, to be resumed from.
    pub(crate) notes_cursors: bool,
    /// Whether to speak HTTP/2, also without TLS.
    pub(crate) http2: bool,
    /// Whether any certificate will do.
    pub(crate) insecure: bool,
}

/// When a subscriber counts as subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ready {
    /// When the answer's head has come
    Head,
    /// When the first byte of the stream has come
    Bytes,
    /// When there is an id to resume from, unless it resumes from one
    #[value(skip)]
    Cursor,
}

/// What the subscribers are told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Subscribe, from the cursor on if there is one. Answered by [`Note::Held`].
    Connect,
    /// Close all connections. Answered by [`Note::Disconnected`].
    Disconnect,
    /// This is what has been published. Answered by [`Note::Delivered`].
    Await(Sent),
    /// Go, and say what you have found. Answered by [`Note::Outcome`].
    Stop,
}

/// What the subscribers tell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Note {
    /// How far they are.
    Progress(Progress),
    /// All are subscribed, or will not be.
    Held,
    /// None is connected.
    Disconnected {
        /// How many have no id to resume from.
        without_cursor: usize,
    },
    /// Everything awaited has come, or nothing more will.
    Delivered {
        /// Whether no subscriber waits in vain.
        is_complete: bool,
    },
    /// What they have found.
    Outcome(Box<Outcome>),
    /// They cannot go on.
    Failed(String),
}

/// How far a group of subscribers is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) held: usize,
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
}

impl std::ops::AddAssign for Progress {
    fn add_assign(&mut self, other: Self) {
        self.held += other.held;
        self.delivered += other.delivered;
        self.lost += other.lost;
    }
}

/// What a group of subscribers has found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// From the sending of an event to its arrival.
    pub(crate) latencies: Latencies,
    /// When the last event came, on the monotonic clock.
    pub(crate) last_delivery: u64,
    /// The longest that a connection was silent.
    pub(crate) longest_silence: Duration,
    /// Why connections were lost, and how many for each reason.
    pub(crate) lost: BTreeMap<String, u64>,
    /// The CPU time of the group, if it was a process of its own.
    pub(crate) cpu: Duration,
}

impl Outcome {
    /// Adds what another group has found.
    pub(crate) fn merge(&mut self, other: Self) {
        self.tally.merge(&other.tally);
        self.latencies.merge(&other.latencies);
        self.last_delivery = self.last_delivery.max(other.last_delivery);
        self.longest_silence = self.longest_silence.max(other.longest_silence);
        for (reason, count) in other.lost {
            *self.lost.entry(reason).or_default() += count;
        }
        self.cpu += other.cpu;
    }
}
