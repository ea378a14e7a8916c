//! What Laravel puts around an event that it broadcasts through Redis. No I/O.

mod envelope;
mod fuzz;
mod members;

use tidings_hub::channel::is_socket_id;

pub(crate) use envelope::Envelope;
pub use fuzz::fuzz;

/// The connection that is not to get the event. What cannot be the id of one excludes nobody.
pub(crate) fn excluded(socket: &str) -> Option<Box<str>> {
    is_socket_id(socket).then(|| socket.into())
}
