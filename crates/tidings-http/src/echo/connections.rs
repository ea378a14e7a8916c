//! The connections of the front: which there are, what each has, who is present by them, and what is to be announced of
//! that.
//!
//! The state changes first and the announcement follows, under one lock for both, so that announcements are in the order of
//! what they tell, and whoever lists after one sees what it said. A task publishes them. That a stream has ended is told by
//! the hub's own threads, which must not wait: they only note it, and whoever looks at the state next takes the notes into
//! account before.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Instant,
};

use tidings_hub::{Companion, Handle, Hub, Publication};
use tokio::sync::Notify;

use super::{
    bucket::Bucket,
    channel::Channel,
    holding::{self, Base, Holding, Holdings},
    outbox::Outbox,
    patience::Patience,
    presence::{Announcement, Gone, Member, Presence},
    record::Record,
    settings::EchoSettings,
    socket_id::SocketId,
};
use crate::problem::Problem;

/// The types of the events that tell who comes and goes.
const JOIN: &str = "join";
const LEAVE: &str = "leave";

/// One stream, and what acts for it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: SocketId,
    /// The socket ids that the client had before, the latest first.
    pub(super) former: Vec<SocketId>,
    pub(super) base: Base,
    pub(super) handle: Handle,
    pub(super) holdings: Mutex<Holdings>,
    /// Held while channels come or go, so that what is kept of them is all of them, and who is present is who has them.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Held while a presence channel is asked for, because clients ask twice at once: for the right, and to join.
    pub(super) joining: tokio::sync::Mutex<()>,
    pub(super) whispers: Mutex<Bucket>,
}

/// Who was there before, as far as that is known.
#[derive(Clone, Debug)]
pub(super) struct Former {
    pub(super) socket: SocketId,
    pub(super) record: Record,
}

/// What all clones of a front share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) hub: Hub,
    pub(super) settings: EchoSettings,
    state: Mutex<State>,
    /// The streams that have ended since the state was looked at. Locked for a moment only, also within `state`.
    ended: Mutex<Vec<(SocketId, Instant)>>,
    pub(super) patience: Mutex<Patience>,
    /// Wakes the task that publishes.
    wake: Arc<Notify>,
    /// Wakes those who wait for it to have nothing left to publish.
    idle: Notify,
}

#[derive(Debug)]
struct State {
    presence: Presence,
    /// Those whose streams run, or have ended and are waited for.
    connections: HashMap<SocketId, Arc<Connection>>,
    /// What was kept of those of before the start that are waited for.
    restored: HashMap<SocketId, Record>,
    outbox: Outbox,
    /// Whether some have left the outbox and are not published yet.
    publishing: bool,
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

    /// Whether one of its rights is this user's.
    fn is_of(&self, user: &str) -> bool {
        let holdings = lock(&self.holdings);
        let bearers =
            holdings.values().filter_map(|holding| holding.bearer.as_ref()).chain(&self.base.bearer);
        let mut members = holdings.values().filter_map(|holding| holding.member.as_ref());
        bearers.filter_map(|bearer| bearer.user.as_deref()).any(|name| name == user)
            || members.any(|member| &*member.user == user)
    }
}

impl State {
    fn announce(&mut self, announcements: impl IntoIterator<Item = Announcement>) {
        for Announcement { channel, came, info, socket } in announcements {
            let event = if came { JOIN } else { LEAVE };
            self.outbox.push(Publication {
                event: Some(event.into()),
                private: true,
                socket: socket.text().map(Into::into),
                ..Publication::new(channel.topic().clone(), info.get().to_owned())
            });
        }
    }

    /// Keeps that a connection is over.
    fn note_leave(&mut self, socket: &SocketId, record: Record) {
        if !record.channels.is_empty() && !record.left {
            self.outbox_record(socket, &Record { left: true, ..record });
        }
    }

    fn outbox_record(&mut self, socket: &SocketId, record: &Record) {
        if let Some(publication) = record.publication(socket) {
            self.outbox.push(publication);
        }
    }

    fn forget(&mut self, Gone { socket, announcements }: Gone) {
        let record = self.connections.remove(&socket).map(|connection| connection.record());
        if let Some(record) = record.or_else(|| self.restored.remove(&socket)) {
            self.note_leave(&socket, record);
        }
        self.announce(announcements);
    }
}

/// Says that a stream has ended.
#[derive(Debug)]
struct Leaving(Weak<Shared>, SocketId);

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            lock(&shared.ended).push((self.1.clone(), Instant::now()));
            shared.wake.notify_one();
        }
    }
}

/// What the task that publishes is to do next.
enum Task {
    Publish(Vec<Publication>),
    /// Until woken, or until somebody is no longer waited for.
    Wait(Option<Instant>),
}

impl Shared {
    /// Begins to announce, within a Tokio runtime.
    pub(super) fn start(hub: Hub, settings: EchoSettings) -> Arc<Self> {
        let wake = Arc::<Notify>::default();
        let state = State {
            presence: Presence::new(settings.presence_grace),
            connections: HashMap::new(),
            restored: HashMap::new(),
            outbox: Outbox::default(),
            publishing: false,
        };
        let shared = Arc::new(Self {
            hub: hub.clone(),
            settings,
            state: Mutex::new(state),
            ended: Mutex::default(),
            patience: Mutex::default(),
            wake: wake.clone(),
            idle: Notify::new(),
        });
        tokio::spawn(publish(hub, Arc::downgrade(&shared), wake));
        shared
    }

    /// The state as of now. A hub that stops sends everybody away, who come back once it has started again: nobody has left.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = lock(&self.state);
        let ended = std::mem::take(&mut *lock(&self.ended));
        if self.hub.is_draining() {
            return state;
        }
        ended.iter().for_each(|(socket, when)| state.presence.end(socket, *when));
        let now = Instant::now();
        while let Some(gone) = state.presence.expire(now) {
            state.forget(gone);
        }
        state
    }

    fn next_task(&self) -> Task {
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

    /// A name for a connection, and what says that its stream has ended.
    pub(super) fn reserve(self: &Arc<Self>) -> (SocketId, Companion) {
        let socket = SocketId::random();
        let companion = Companion::new(Leaving(Arc::downgrade(self), socket.clone()));
        (socket, companion)
    }

    /// A connection's stream has its place, so that whoever is announced by it can see it. It takes the place of the former
    /// one.
    pub(super) fn enter(&self, connection: Connection, former: Option<Former>) {
        let (socket, holdings) = (connection.socket.clone(), lock(&connection.holdings).clone());
        let mut state = self.state();
        if let Some(Former { socket, record }) = former.as_ref().filter(|former| !former.record.left) {
            state.presence.restore(socket, record.rooms(), Instant::now());
        }
        state.connections.insert(socket.clone(), Arc::new(connection));
        state.presence.enter(socket.clone());
        self.join(&mut state, &socket, &holdings);
        if let Some(Former { socket, record }) = former {
            let announcements = state.presence.remove(&socket);
            state.connections.remove(&socket);
            state.restored.remove(&socket);
            state.note_leave(&socket, record);
            state.announce(announcements);
        }
        drop(state);
        self.wake.notify_one();
    }

    fn join(&self, state: &mut State, socket: &SocketId, holdings: &Holdings) {
        for (channel, holding) in holdings {
            if let Some(member) = &holding.member {
                let announcements = state.presence.join(socket, channel, member);
                state.announce(announcements);
            }
        }
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
    /// When they are too many, or cannot be kept.
    pub(super) async fn hold(&self, connection: &Connection, mut granted: Holdings) -> Result<(), Problem> {
        let _whole = connection.changing.lock().await;
        granted.retain(|channel, _| connection.holding(channel).is_none());
        if granted.is_empty() {
            return Ok(());
        }
        self.change(connection, |holdings| holdings.extend(granted.clone())).await?;
        let mut state = self.state();
        self.join(&mut state, &connection.socket, &granted);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Takes these channels from a connection.
    ///
    /// # Errors
    /// When what is left cannot be kept.
    pub(super) async fn release(&self, connection: &Connection, channels: &[Channel]) -> Result<(), Problem> {
        let _whole = connection.changing.lock().await;
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

    pub(super) fn members(&self, channel: &Channel) -> Vec<Member> {
        self.state().presence.members(channel)
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

/// Publishes what is announced, until all who could announce something are gone.
async fn publish(hub: Hub, shared: Weak<Shared>, wake: Arc<Notify>) {
    while let Some(task) = shared.upgrade().map(|shared| shared.next_task()) {
        match task {
            Task::Publish(batch) => {
                let count = batch.len();
                if let Err(error) = hub.publish_all(batch).await {
                    tracing::warn!(%error, count, "who came to channels or left them could not be announced");
                }
            }
            Task::Wait(None) => wake.notified().await,
            // Either way there is something to look at.
            Task::Wait(Some(expiry)) => {
                tokio::time::timeout_at(expiry.into(), wake.notified()).await.ok();
            }
        }
    }
}
