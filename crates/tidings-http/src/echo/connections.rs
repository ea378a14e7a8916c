//! The connections of the front: which there are, what each has, who is present by them, and what is to be announced of
//! that.
//!
//! The state changes first and the announcement follows, under one lock for both, so that announcements are in the order of
//! what they tell, and whoever lists after one sees what it said. A task publishes them. That a stream has ended is told by
//! the hub's own threads, which must not wait: they only note it, and whoever looks at the state next takes the notes into
//! account before.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release},
        },
    },
    time::Instant,
};

use arc_swap::ArcSwap;
use tidings_hub::{Companion, Hub};
use tokio::sync::Notify;

use super::{
    announcer::{self, Task},
    channel::{Channel, Kind},
    connection::{Connection, Former, lock},
    holding::{self, Holdings},
    patience::Patience,
    presence::Member,
    record::Record,
    requests::no_connection,
    settings::EchoSettings,
    socket_id::SocketId,
    state::State,
};
use crate::{limit::Limit, problem::Problem};

/// What all clones of a front share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) hub: Hub,
    settings: ArcSwap<EchoSettings>,
    state: Mutex<State>,
    /// The streams that have ended since the state was looked at. Locked for a moment only, also within `state`.
    ended: Mutex<Vec<(SocketId, Instant)>>,
    pub(super) patience: Mutex<Patience>,
    /// Wakes the task that publishes.
    wake: Arc<Notify>,
    /// Wakes those who wait for it to have nothing left to publish.
    idle: Notify,
}

/// Says that a stream has ended.
#[derive(Debug)]
struct Leaving {
    shared: Weak<Shared>,
    socket: SocketId,
    is_over: Arc<AtomicBool>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        // Before it is noted, so that who comes too late for the note sees it.
        self.is_over.store(true, Release);
        if let Some(shared) = self.shared.upgrade() {
            lock(&shared.ended).push((self.socket.clone(), Instant::now()));
            shared.wake.notify_one();
        }
    }
}

impl Shared {
    /// Begins to announce, within a Tokio runtime.
    pub(super) fn start(hub: Hub, settings: EchoSettings) -> Arc<Self> {
        let wake = Arc::<Notify>::default();
        let state = State::new(settings.presence_grace);
        let shared = Arc::new(Self {
            hub: hub.clone(),
            settings: ArcSwap::from_pointee(settings),
            state: Mutex::new(state),
            ended: Mutex::default(),
            patience: Mutex::default(),
            wake: wake.clone(),
            idle: Notify::new(),
        });
        tokio::spawn(announcer::run(hub, Arc::downgrade(&shared), wake));
        shared
    }

    pub(super) fn settings(&self) -> Arc<EchoSettings> {
        self.settings.load_full()
    }

    /// Goes by other settings from now on. Who is waited for is waited for as long as before.
    pub(super) fn set(&self, settings: EchoSettings) {
        self.state().presence.set_grace(settings.presence_grace);
        self.settings.store(Arc::new(settings));
    }

    /// The state as of now. A hub that stops sends everybody away, who come back once it has started again: nobody has left.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = lock(&self.state);
        let ended = std::mem::take(&mut *lock(&self.ended));
        if self.hub.is_draining() {
            return state;
        }
        ended.iter().for_each(|(socket, when)| state.end(socket, *when));
        let now = Instant::now();
        while let Some(gone) = state.presence.expire(now) {
            state.forget(gone);
        }
        state
    }

    pub(super) fn next_task(&self) -> Task {
        let mut state = self.state();
        let batch = state.outbox.next_batch();
        state.publishing = !batch.is_empty();
        if state.publishing {
            return Task::Publish(batch);
        }
        let expiry = state.presence.next_expiry().filter(|_| !self.hub.is_draining());
        drop(state);
        self.idle.notify_waiters();
        Task::Wait(expiry)
    }

    /// Waits until all that is to be announced is published.
    pub(super) async fn settled(&self) {
        loop {
            let mut idle = pin!(self.idle.notified());
            idle.as_mut().enable();
            if self.is_idle() {
                return;
            }
            idle.await;
        }
    }

    fn is_idle(&self) -> bool {
        let state = self.state();
        state.outbox.is_empty() && !state.publishing
    }

    /// A name for a connection, what says that its stream has ended, and whether it has.
    pub(super) fn reserve(self: &Arc<Self>) -> (SocketId, Companion, Arc<AtomicBool>) {
        let (socket, is_over) = (SocketId::random(), Arc::<AtomicBool>::default());
        let shared = Arc::downgrade(self);
        let leaving = Leaving { shared, socket: socket.clone(), is_over: is_over.clone() };
        (socket, Companion::new(leaving), is_over)
    }

    /// A connection's stream has its place, so that whoever is announced by it can see it. It takes the place of the former
    /// one.
    pub(super) fn enter(&self, connection: Connection, former: Option<Former>) {
        let (socket, holdings) = (connection.socket.clone(), lock(&connection.holdings).clone());
        let is_over = connection.is_over.clone();
        let mut state = self.state();
        // Once all that was kept is read, who is waited for is known, and others were announced as gone.
        let may_be_waited_for = |former: &&Former| state.is_reading && !former.record.left;
        if let Some(Former { socket, record }) = former.as_ref().filter(may_be_waited_for) {
            state.presence.put_back(socket, record.rooms());
        }
        state.connections.insert(socket.clone(), Arc::new(connection));
        state.presence.enter(socket.clone());
        state.join(&socket, &holdings);
        if let Some(Former { socket, record }) = former {
            let announcements = state.presence.remove(&socket);
            state.connections.remove(&socket);
            state.restored.remove(&socket);
            state.note_leave(&socket, record);
            state.announce(announcements);
        }
        // The note of that may have come before the connection.
        if is_over.load(Acquire) {
            state.end(&socket, Instant::now());
        }
        drop(state);
        self.wake.notify_one();
    }

    /// The connection of this name, if it is there, or was a moment ago.
    pub(super) fn find(&self, socket: &SocketId) -> Option<Arc<Connection>> {
        self.state().connections.get(socket).cloned()
    }

    /// What is known of a client that was here before. Its stream, if it still runs, ends.
    ///
    /// # Errors
    /// When what is kept cannot be read.
    pub(super) async fn former(&self, socket: SocketId) -> Result<Former, Problem> {
        if let Some(connection) = self.find(&socket) {
            connection.handle.end();
            return Ok(Former { record: connection.record(), socket });
        }
        let record = super::restore::record(&self.hub, &socket).await?.unwrap_or_default();
        Ok(Former { socket, record })
    }

    /// Gives a connection these channels, as far as it has not got them meanwhile: it stays who it is in those. What is
    /// published there once this returns is delivered, and they are kept.
    ///
    /// # Errors
    /// When they are too many or come too fast, cannot be kept, or the connection is no more.
    pub(super) async fn hold(&self, connection: &Connection, mut granted: Holdings) -> Result<(), Problem> {
        let _whole = connection.changing.lock().await;
        granted.retain(|channel, _| connection.holding(channel).is_none());
        if granted.is_empty() {
            return Ok(());
        }
        self.may_change(connection, granted.keys())?;
        self.change(connection, |holdings| holdings.extend(granted.clone())).await?;
        let mut state = self.state();
        let is_there = state.has(connection);
        match is_there {
            true => state.join(&connection.socket, &granted),
            // What was just kept must not bring it back.
            false => state.note_leave(&connection.socket, connection.record()),
        }
        drop(state);
        self.wake.notify_one();
        if is_there { Ok(()) } else { Err(no_connection()) }
    }

    /// Takes these channels from a connection.
    ///
    /// # Errors
    /// When they go too fast, what is left cannot be kept, or the connection is no more.
    pub(super) async fn release(&self, connection: &Connection, channels: &[Channel]) -> Result<(), Problem> {
        let _whole = connection.changing.lock().await;
        self.may_change(connection, channels.iter().filter(|channel| connection.holding(channel).is_some()))?;
        self.change(connection, |holdings| {
            channels.iter().for_each(|channel| drop(holdings.remove(channel)))
        })
        .await?;
        let mut state = self.state();
        for channel in channels {
            let announcement = state.presence.leave(&connection.socket, channel);
            state.announce(announcement);
        }
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Whether the application may be asked so many questions for a connection.
    ///
    /// # Errors
    /// When it has lately been asked too much.
    pub(super) fn may_ask(&self, connection: &Connection, questions: usize) -> Result<(), Problem> {
        if questions == 0 {
            return Ok(());
        }
        let taken = connection.take_change(questions, Instant::now());
        taken.inspect_err(|_| self.settings().hits.hit(Limit::ChannelRate))
    }

    /// Whether these channels of a connection may come or go: it is there, and has not lately kept and announced too much.
    fn may_change<'c>(
        &self,
        connection: &Connection,
        channels: impl Iterator<Item = &'c Channel>,
    ) -> Result<(), Problem> {
        if !self.state().has(connection) {
            return Err(no_connection());
        }
        let guarded: Vec<_> = channels.map(Channel::kind).filter(|kind| *kind != Kind::Public).collect();
        if guarded.is_empty() {
            return Ok(());
        }
        let announced = guarded.iter().filter(|kind| **kind == Kind::Presence).count();
        let taken = connection.take_change(1 + announced, Instant::now());
        taken.inspect_err(|_| self.settings().hits.hit(Limit::ChannelRate))
    }

    async fn change(
        &self,
        connection: &Connection,
        alter: impl FnOnce(&mut Holdings),
    ) -> Result<(), Problem> {
        let before = lock(&connection.holdings).clone();
        let mut after = before.clone();
        alter(&mut after);
        let change = holding::change(&connection.base, &after);
        self.hub.check_size(&change.selection).map_err(Problem::bad_request)?;
        self.keep(&connection.socket, &before, &after, &connection.former).await?;
        *lock(&connection.holdings) = after;
        connection.handle.change(change).map_err(Problem::bad_request)
    }

    /// Keeps what a connection has, if that is something else than before.
    ///
    /// # Errors
    /// When the log cannot take it.
    pub(super) async fn keep(
        &self,
        socket: &SocketId,
        before: &Holdings,
        after: &Holdings,
        former: &[SocketId],
    ) -> Result<(), Problem> {
        let (before, after) = (holding::record(before, former), holding::record(after, former));
        let is_same =
            before.channels.len() == after.channels.len() && before.channels.keys().eq(after.channels.keys());
        if let Some(publication) = after.publication(socket).filter(|_| !is_same) {
            self.hub.publish(publication).await?;
        }
        Ok(())
    }

    /// What was kept of a connection of before the start: it is waited for as one that has just ended.
    pub(super) fn restore(&self, socket: SocketId, record: Record) {
        let mut state = self.state();
        if !state.connections.contains_key(&socket) {
            state.presence.restore(&socket, record.rooms(), Instant::now());
            state.restored.insert(socket, record);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// All that was kept of before the start is read.
    pub(super) fn all_restored(&self) {
        self.state().is_reading = false;
    }

    /// Whether all that was kept of before the start is read.
    #[cfg(test)]
    pub(super) fn has_restored(&self) -> bool {
        !self.state().is_reading
    }

    /// How many of those of before the start are waited for.
    #[cfg(test)]
    pub(super) fn restored(&self) -> usize {
        self.state().restored.len()
    }

    pub(super) fn members(&self, channel: &Channel) -> Vec<Member> {
        self.state().presence.members(channel)
    }

    pub(super) fn count(&self, channel: &Channel) -> usize {
        self.state().presence.count(channel)
    }

    /// Ends the streams of a user's connections.
    pub(super) fn terminate(&self, user: &str) {
        let state = self.state();
        let of_user = state.connections.values().filter(|connection| connection.is_of(user));
        of_user.for_each(|connection| connection.handle.end());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}
