//! What the front knows at one moment: which connections there are, who is present by them, and what is to be announced of
//! that.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tidings_hub::Publication;

use super::{
    connection::Connection,
    holding::Holdings,
    outbox::Outbox,
    presence::{Announcement, Gone, Presence},
    record::Record,
    socket_id::SocketId,
};

/// The types of the events that tell who comes and goes.
const JOIN: &str = "join";
const LEAVE: &str = "leave";

#[derive(Debug)]
pub(super) struct State {
    pub(super) presence: Presence,
    /// Whether what is kept of those of before the start is still being read.
    pub(super) is_reading: bool,
    /// Those whose streams run, or have ended and are waited for.
    pub(super) connections: HashMap<SocketId, Arc<Connection>>,
    /// What was kept of those of before the start that are waited for.
    pub(super) restored: HashMap<SocketId, Record>,
    pub(super) outbox: Outbox,
    /// Whether some have left the outbox and are not published yet.
    pub(super) publishing: bool,
}

impl State {
    pub(super) fn new(grace: Duration) -> Self {
        Self {
            presence: Presence::new(grace),
            is_reading: true,
            connections: HashMap::new(),
            restored: HashMap::new(),
            outbox: Outbox::default(),
            publishing: false,
        }
    }

    /// Whether a connection is there, or was a moment ago.
    pub(super) fn has(&self, connection: &Connection) -> bool {
        self.connections.contains_key(&connection.socket)
    }

    /// A connection is in the presence channels that it has.
    pub(super) fn join(&mut self, socket: &SocketId, holdings: &Holdings) {
        for (channel, holding) in holdings {
            if let Some(member) = &holding.member {
                let announcements = self.presence.join(socket, channel, member);
                self.announce(announcements);
            }
        }
    }

    /// A stream has ended. A connection of which nothing is kept is not waited for.
    pub(super) fn end(&mut self, socket: &SocketId, when: Instant) {
        if self.connections.get(socket).is_some_and(|connection| connection.is_kept()) {
            return self.presence.end(socket, when);
        }
        let announcements = self.presence.remove(socket);
        self.forget(Gone { socket: socket.clone(), announcements });
    }

    pub(super) fn announce(&mut self, announcements: impl IntoIterator<Item = Announcement>) {
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

    /// Keeps that a connection is over, where that is to be known after a restart: of who was in presence channels.
    pub(super) fn note_leave(&mut self, socket: &SocketId, record: Record) {
        if record.left || record.rooms().next().is_none() {
            return;
        }
        if let Some(publication) = (Record { left: true, ..record }).publication(socket) {
            self.outbox.push(publication);
        }
    }

    pub(super) fn forget(&mut self, Gone { socket, announcements }: Gone) {
        let record = self.connections.remove(&socket).map(|connection| connection.record());
        if let Some(record) = record.or_else(|| self.restored.remove(&socket)) {
            self.note_leave(&socket, record);
        }
        self.announce(announcements);
    }
}
