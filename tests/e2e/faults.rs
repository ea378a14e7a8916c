//! Faults, rehearsed with the real program: what is promised to hold when things go wrong is looked at while they do.
//!
//! What each test proves, and what it does not, is said at the head of its file. For all of them it holds that the
//! process lives, that its memory stays bounded, and that a healthy client notices nothing that is not said there.
//!
//! `crowd.rs` has the people around the hub, `oracle.rs` decides whether they saw what they should.

mod client;
mod clock;
mod crowd;
mod disk;
mod event;
mod flood;
mod flush;
mod half_open;
mod kill;
mod link;
mod memory;
mod network;
mod oracle;
mod publisher;
mod redis;
mod restart;
mod stalled;
mod storm;

pub(crate) use self::{
    client::Habits,
    crowd::{Crowd, Guest},
    event::{Key, Selection},
    memory::watch_memory,
    oracle::Record,
};
use crate::support::Hub;

/// Nothing that happened has been noticed by anybody: all have seen everything, over the connection that they opened
/// first, nobody was told that something is missing, and the hub is well.
fn healthy(hub: &Hub, crowd: Crowd) {
    let (witness, records) = crowd.judge();
    let noticed: Vec<&Record> =
        std::iter::once(&witness).chain(&records).filter(|record| record.connections != 1).collect();
    let names: Vec<_> = noticed.iter().map(|record| (&record.name, record.connections)).collect();
    assert!(names.is_empty(), "had to connect again: {names:?}");
    assert_eq!(hub.get("/readyz").status(), 200);
}
