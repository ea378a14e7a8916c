//! The hub as its users know it: published to, subscribed to, watched through its counters. One binary, so that it is
//! linked once.

// All of it is test code; clippy takes only the functions marked as tests for such.
#![allow(clippy::unwrap_used)]

mod change;
mod chaos;
mod client;
mod lifecycle;
mod limits;
mod model;
mod oracle;
mod slow;
mod start;
mod support;
mod terms;
mod transport;
