//! Clients that resume while the application answers nothing: let in without its channels, they would miss what is published
//! there. So they are told to come back, for a while: an application is away for a moment when it is deployed, but a rule of
//! it that is broken stays so, and must not keep from a client all the rest.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::socket_id::SocketId;

/// How long a client is told to come back.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long is remembered that it was.
const MEMORY: Duration = Duration::from_secs(600);
/// How many are remembered. More are let in at once.
const MAX_WAITING: usize = 100_000;

/// Who was told to come back, and since when.
#[derive(Debug, Default)]
pub(super) struct Patience(HashMap<SocketId, Instant>);

impl Patience {
    /// Whether a client of this former socket id is to come back once more.
    pub(super) fn is_left(&mut self, socket: &SocketId, now: Instant) -> bool {
        if self.0.len() >= MAX_WAITING && !self.0.contains_key(socket) {
            self.0.retain(|_, since| now.saturating_duration_since(*since) < MEMORY);
            if self.0.len() >= MAX_WAITING {
                return false;
            }
        }
        let since = *self.0.entry(socket.clone()).or_insert(now);
        now.saturating_duration_since(since) < PATIENCE
    }

    /// It is let in.
    pub(super) fn end(&mut self, socket: &SocketId) {
        self.0.remove(socket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(number: usize) -> SocketId {
        SocketId::parse(&format!("{number}.1")).unwrap()
    }

    #[test]
    fn patience_ends_for_each_by_itself() {
        let (mut patience, start) = (Patience::default(), Instant::now());
        assert!(patience.is_left(&socket(1), start));
        assert!(patience.is_left(&socket(1), start + PATIENCE / 2));
        assert!(patience.is_left(&socket(2), start + PATIENCE));
        assert!(!patience.is_left(&socket(1), start + PATIENCE));
        patience.end(&socket(1));
        assert!(patience.is_left(&socket(1), start + PATIENCE));
    }

    #[test]
    fn those_who_are_remembered_are_bounded() {
        let (mut patience, start) = (Patience::default(), Instant::now());
        assert!((0..MAX_WAITING).all(|number| patience.is_left(&socket(number), start)));
        assert!(patience.is_left(&socket(0), start));
        assert!(!patience.is_left(&socket(MAX_WAITING), start));
        assert!(patience.is_left(&socket(MAX_WAITING), start + MEMORY));
        assert_eq!(patience.0.len(), 1);
    }
}
