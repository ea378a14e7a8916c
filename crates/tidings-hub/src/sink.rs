//! Where a subscriber's bytes go.

use std::io;

use bytes::Bytes;
use mio::{Registry, Token};

/// The other side is gone; nothing more can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// The seam between a shard and whatever carries a subscriber's bytes onward. The shard keeps no queue: what a sink
/// does not take is read again from the log when there is room.
pub(crate) trait Sink: Send + std::fmt::Debug {
    /// Takes as many bytes from the front of the slices as it can without waiting, and says how many. When it took
    /// fewer than offered it calls its shard once there is room again.
    fn write(&mut self, slices: &[Bytes]) -> Result<usize, Gone>;

    /// The stream is complete, and ends when what was taken is delivered: as what carries it ends it, if there is room
    /// for that. Of a sink that is dropped without this, the stream has been cut off.
    fn finish(&mut self);

    /// Lets the shard's poll watch it under this token; before anything is written. Only for a sink that calls its
    /// shard by being ready, as a socket does.
    fn watch(&mut self, _poll: &Registry, _token: Token) -> io::Result<()> {
        Ok(())
    }

    /// Gives up on another side that takes nothing. Whether this has closed its connection, so that nobody else will find
    /// it stalled.
    fn cut(&mut self) -> bool {
        false
    }

    /// The poll says that the other side has sent something, or has closed.
    fn heard(&mut self) -> Result<(), Gone> {
        Ok(())
    }
}
