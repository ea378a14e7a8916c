//! The floors that the hub is measured against: servers that do nothing but the fan-out.
//!
//! They have no history, no limits, no heartbeats and one thread; they speak just enough HTTP for the load tool:
//! `GET /events?topic=T` subscribes and `POST /topics/T` publishes. What a hub needs beyond them is its own cost.
//! No code of the hub is in here, so that a fault of the hub cannot hide in what it is measured against.

mod floor;
mod options;

pub use floor::{Fanout, Floor};
pub use options::ListenOptions;
