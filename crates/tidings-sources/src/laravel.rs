//! What Laravel puts around an event that it broadcasts through Redis, and how it and Pusher name channels. No I/O.

mod envelope;
mod fuzz;
mod members;

use tidings_hub::MAX_SOCKET_BYTES;

pub(crate) use envelope::Envelope;
pub use fuzz::fuzz;

/// How the names of channels begin that need a right. The last is Pusher's channel of one user's connections.
const PRIVATE: [&str; 3] = ["private-", "presence-", "#server-to-user-"];

/// Whether a channel of this name needs a right.
pub(crate) fn is_private(channel: &str) -> bool {
    PRIVATE.iter().any(|private| channel.starts_with(private))
}

/// The text as the id of a connection, which has the form `123.456`. Anything else names no connection.
pub(crate) fn socket_id(text: &str) -> Option<Box<str>> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (first, second) = text.split_once('.')?;
    (text.len() <= MAX_SOCKET_BYTES && is_number(first) && is_number(second)).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_id_is_two_numbers() {
        assert_eq!(socket_id("1234.5678").as_deref(), Some("1234.5678"));
        let long = format!("1.{}", "2".repeat(MAX_SOCKET_BYTES));
        for text in ["", ".", "1.", ".1", "1", "1.2.3", "a.1", "1.2\n", "１.２", &long] {
            assert_eq!(socket_id(text), None, "{text}");
        }
    }

    #[test]
    fn private_channels_are_known_by_their_names() {
        for name in ["private-orders.7", "presence-room.1", "private-encrypted-vault", "#server-to-user-7"] {
            assert!(is_private(name), "{name}");
        }
        assert!(!is_private("my-private-orders"));
    }
}
