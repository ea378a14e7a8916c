//! Where a subscriber's bytes go.

use bytes::Bytes;

/// The other side is gone; nothing more can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// The seam between a shard and whatever carries a subscriber's bytes onward. The shard keeps no queue: what a sink
/// does not take is read again from the log when there is room.
pub(crate) trait Sink: Send + std::fmt::Debug {
    /// Takes as many bytes from the front of the slices as it can without waiting, and says how many. When it took
    /// fewer than offered it calls its shard once there is room again.
    fn write(&mut self, slices: &[Bytes]) -> Result<usize, Gone>;

    /// Nothing more will be written: the stream ends when what was taken is delivered.
    fn finish(&mut self);
}
