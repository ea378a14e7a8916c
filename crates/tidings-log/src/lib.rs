//! Event logs for the Tidings hub: engines behind the hub's [`Log`](tidings_hub::Log) trait.
//!
//! - [`Memory`]: for tests and for histories that may die with the program.
//! - [`Disk`]: the embedded default, a durable segmented log in a directory.
//!
//! Each engine has one writer thread that takes everything queued at once (see `writer.rs`, where the order of
//! durability, visibility, answers and the follower is written down), so that many publishers share one flush.

mod clock;
mod company;
pub mod disk;
mod memory;
mod page;
mod place;
mod queue;
mod retention;
mod sync;
mod writer;

pub use clock::Clock;
pub use disk::{Disk, DiskSettings, Durability, OpenError, OpenReport};
pub use memory::Memory;
pub use retention::{Retention, TopicRule};
