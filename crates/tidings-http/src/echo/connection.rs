//! One connection: a stream, and what was granted to it since.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Instant,
};

use http::StatusCode;
use tidings_hub::Handle;

use super::{
    bucket::Bucket,
    channel::{Channel, Kind},
    holding::{self, Base, Holding, Holdings},
    record::Record,
    socket_id::SocketId,
};
use crate::problem::Problem;

/// How often a connection may have the application asked, and keep or announce something: so many times a second, and so
/// many at once, as pages do that ask for each of their channels by itself.
pub(super) const CHANGES_A_SECOND: u32 = 10;
pub(super) const CHANGES_AT_ONCE: u32 = 400;

/// One stream, and what acts for it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: SocketId,
    /// The socket ids that the client had before, the latest first.
    pub(super) former: Vec<SocketId>,
    pub(super) base: Base,
    pub(super) handle: Handle,
    /// Whether its stream has ended.
    pub(super) is_over: Arc<AtomicBool>,
    pub(super) holdings: Mutex<Holdings>,
    /// Held while channels come or go, so that what is kept of them is all of them, and who is present is who has them.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Held while a presence channel is asked for, because clients ask twice at once: for the right, and to join.
    pub(super) joining: tokio::sync::Mutex<()>,
    pub(super) whispers: Mutex<Bucket>,
    /// What it may ask, keep and announce.
    pub(super) changes: Mutex<Bucket>,
}

/// Who was there before, as far as that is known.
#[derive(Clone, Debug)]
pub(super) struct Former {
    pub(super) socket: SocketId,
    pub(super) record: Record,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs under the locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    pub(super) fn holding(&self, channel: &Channel) -> Option<Holding> {
        lock(&self.holdings).get(channel).cloned()
    }

    pub(super) fn record(&self) -> Record {
        holding::record(&lock(&self.holdings), &self.former)
    }

    /// Takes from what it may ask, keep and announce.
    ///
    /// # Errors
    /// When nothing is left.
    pub(super) fn take_change(&self, count: usize, now: Instant) -> Result<(), Problem> {
        match lock(&self.changes).take(count, now) {
            true => Ok(()),
            false => Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!(
                    "this connection asks for, joins and leaves more than {CHANGES_A_SECOND} private and presence channels a \
                     second: wait a moment"
                ),
            )),
        }
    }

    /// Whether something of it is kept.
    pub(super) fn is_kept(&self) -> bool {
        lock(&self.holdings).keys().any(|channel| channel.kind() != Kind::Public)
    }

    /// Whether one of its rights is this user's.
    pub(super) fn is_of(&self, user: &str) -> bool {
        let holdings = lock(&self.holdings);
        let bearers =
            holdings.values().filter_map(|holding| holding.bearer.as_ref()).chain(&self.base.bearer);
        let mut members = holdings.values().filter_map(|holding| holding.member.as_ref());
        bearers.filter_map(|bearer| bearer.user.as_deref()).any(|name| name == user)
            || members.any(|member| &*member.user == user)
    }
}
