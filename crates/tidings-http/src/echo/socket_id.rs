//! Socket ids: what names a connection to the application (`toOthers()`), and to the hub in every request that acts for it.

use std::{borrow::Borrow, fmt, sync::Arc};

use tidings_hub::channel::is_socket_id;
use uuid::Uuid;

/// The name of one connection, of the form `123.456`, which Pusher's libraries insist on. Whoever has it can act for the
/// connection, so it cannot be guessed, and nothing shows it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SocketId(Arc<str>);

impl SocketId {
    /// A new one, of the system's randomness.
    pub(super) fn random() -> Self {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        Self(format!("{high}.{low}").into())
    }

    /// The text as a socket id, if it is one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        is_socket_id(text).then(|| Self(text.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for SocketId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SocketId")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_the_hub_are_long_and_differ() {
        let (one, other) = (SocketId::random(), SocketId::random());
        assert_ne!(one, other);
        assert!(one.as_str().len() >= 30, "{}", one.as_str());
        assert_eq!(SocketId::parse(one.as_str()), Some(one.clone()));
        assert!(!format!("{one:?}").contains('.'));
    }

    #[test]
    fn only_two_numbers_with_a_point_between_are_one() {
        assert_eq!(SocketId::parse("123.456").unwrap().as_str(), "123.456");
        for other in ["", "undefined", "1.2.3"] {
            assert_eq!(SocketId::parse(other), None, "{other:?}");
        }
    }
}
