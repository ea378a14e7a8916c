//! Socket ids: what names a connection to the application (`toOthers()`), and to the hub in every request that acts for it.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use aws_lc_rs::digest::{SHA256, digest};
use tidings_hub::channel::is_socket_id;
use uuid::Uuid;

/// The name of one connection, of the form `123.456`, which Pusher's libraries insist on. Whoever has it can act for the
/// connection, so it cannot be guessed, and nothing shows it. What has to be called by it where others can see that is
/// called by its [mark](Self::mark).
#[derive(Clone)]
pub(super) struct SocketId {
    mark: u128,
    /// `None` of one that was here before the start, of which the mark alone is kept.
    text: Option<Arc<str>>,
}

impl SocketId {
    /// A new one, of the system's randomness.
    pub(super) fn random() -> Self {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        Self::of(&format!("{high}.{low}"))
    }

    /// The text as a socket id, if it is one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        is_socket_id(text).then(|| Self::of(text))
    }

    /// The one of this mark.
    pub(super) fn marked(mark: &str) -> Option<Self> {
        let is_mark = mark.len() == 32 && mark.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let mark = u128::from_str_radix(mark, 16).ok().filter(|_| is_mark)?;
        Some(Self { mark, text: None })
    }

    fn of(text: &str) -> Self {
        let digest = digest(&SHA256, text.as_bytes());
        let mark = digest.as_ref().first_chunk().copied().unwrap_or_default();
        Self { mark: u128::from_be_bytes(mark), text: Some(text.into()) }
    }

    /// What stands for it where others can see it: half of its SHA-256 digest, from which it cannot be told.
    pub(super) fn mark(&self) -> String {
        format!("{:032x}", self.mark)
    }

    /// The id itself; `None` of one that was here before the start, and is known by its mark alone.
    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

impl PartialEq for SocketId {
    fn eq(&self, other: &Self) -> bool {
        self.mark == other.mark
    }
}

impl Eq for SocketId {}

impl Hash for SocketId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.mark.hash(state);
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
        let text = one.text().unwrap();
        assert!(text.len() >= 30, "{text}");
        assert_eq!(SocketId::parse(text), Some(one.clone()));
        assert!(!format!("{one:?}").contains('.'));
    }

    #[test]
    fn only_two_numbers_with_a_point_between_are_one() {
        assert_eq!(SocketId::parse("123.456").unwrap().text(), Some("123.456"));
        for other in ["", "undefined", "1.2.3"] {
            assert_eq!(SocketId::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_mark_stands_for_it_and_does_not_tell_it() {
        let socket = SocketId::parse("123.456").unwrap();
        let mark = socket.mark();
        assert!(!mark.contains("123"));
        let marked = SocketId::marked(&mark).unwrap();
        assert_eq!((&marked, marked.text()), (&socket, None));
        for other in ["", "123.456", "+2345678901234567890123456789012", &mark[1..], &mark.to_uppercase()] {
            assert_eq!(SocketId::marked(other), None, "{other:?}");
        }
    }
}
