//! Who is in which presence channel. A state machine without clock, hub or lock: it is told what happens, and says what is
//! to be announced, in that order.
//!
//! A user is in a channel as long as one of their connections is. A connection whose stream has ended counts on for the
//! grace time, so that who is back within it never left.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    time::{Duration, Instant},
};

use super::{channel::Channel, info::Info, socket_id::SocketId};

/// How many connections that have ended may be waited for. Of more, the oldest are given up.
const MAX_AWAY: usize = 100_000;

/// Somebody in a channel, as the application names and describes them.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) user: Box<str>,
    /// What others are told.
    pub(super) info: Info,
}

/// Something to tell the members of a channel.
#[derive(Clone, Debug)]
pub(super) struct Announcement {
    pub(super) channel: Channel,
    /// Whether they came; else they left.
    pub(super) came: bool,
    pub(super) info: Info,
    /// The connection that it was.
    pub(super) socket: SocketId,
}

/// A connection that has not come back in time.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) socket: SocketId,
    pub(super) announcements: Vec<Announcement>,
}

#[derive(Debug, Default)]
pub(super) struct Presence {
    grace: Duration,
    sockets: HashMap<SocketId, Socket>,
    rooms: HashMap<Channel, Room>,
    /// The connections that have ended, with the end of the wait; also of those that are away no longer.
    waits: VecDeque<(Instant, SocketId)>,
    /// How many are away.
    away: usize,
}

/// The members of a channel, by user.
type Room = BTreeMap<Box<str>, Present>;

#[derive(Debug)]
struct Present {
    info: Info,
    /// The connections, never none.
    sockets: HashSet<SocketId>,
}

#[derive(Debug, Default)]
struct Socket {
    /// Until when it is waited for, once its stream has ended.
    away: Option<Instant>,
    /// As whom it is where.
    rooms: BTreeMap<Channel, Box<str>>,
}

impl Presence {
    pub(super) fn new(grace: Duration) -> Self {
        Self { grace, ..Self::default() }
    }

    /// How long those are waited for who are away from now on.
    pub(super) fn set_grace(&mut self, grace: Duration) {
        self.grace = grace;
    }

    /// A connection begins.
    pub(super) fn enter(&mut self, socket: SocketId) {
        self.sockets.entry(socket).or_default();
    }

    /// A connection joins a channel. One that is not there, or no longer, joins nothing.
    pub(super) fn join(
        &mut self,
        socket: &SocketId,
        channel: &Channel,
        member: &Member,
    ) -> Vec<Announcement> {
        let announcements = self.place(socket, channel, member);
        if let Some(present) = self.rooms.get_mut(channel).and_then(|room| room.get_mut(&member.user))
            && present.sockets.contains(socket)
        {
            present.info = member.info.clone();
        }
        announcements
    }

    /// Puts a connection into a channel. What is known of its user stays as it is.
    fn place(&mut self, socket: &SocketId, channel: &Channel, member: &Member) -> Vec<Announcement> {
        let Some(rooms) = self.sockets.get(socket).map(|socket| &socket.rooms) else { return Vec::new() };
        let other = rooms.get(channel).is_some_and(|user| *user != member.user);
        let left = if other { self.leave(socket, channel) } else { None };
        if let Some(socket) = self.sockets.get_mut(socket) {
            socket.rooms.insert(channel.clone(), member.user.clone());
        }
        let room = self.rooms.entry(channel.clone()).or_default();
        let came = match room.get_mut(&member.user) {
            Some(present) => {
                present.sockets.insert(socket.clone());
                None
            }
            None => {
                let present = Present { info: member.info.clone(), sockets: HashSet::from([socket.clone()]) };
                room.insert(member.user.clone(), present);
                let (channel, info, socket) = (channel.clone(), member.info.clone(), socket.clone());
                Some(Announcement { channel, came: true, info, socket })
            }
        };
        left.into_iter().chain(came).collect()
    }

    /// A connection leaves a channel.
    pub(super) fn leave(&mut self, socket: &SocketId, channel: &Channel) -> Option<Announcement> {
        let user = self.sockets.get_mut(socket)?.rooms.remove(channel)?;
        self.depart(socket, channel, &user)
    }

    fn depart(&mut self, socket: &SocketId, channel: &Channel, user: &str) -> Option<Announcement> {
        let room = self.rooms.get_mut(channel)?;
        let present = room.get_mut(user)?;
        present.sockets.remove(socket);
        if !present.sockets.is_empty() {
            return None;
        }
        let info = room.remove(user)?.info;
        if room.is_empty() {
            self.rooms.remove(channel);
        }
        Some(Announcement { channel: channel.clone(), came: false, info, socket: socket.clone() })
    }

    /// A connection's stream has ended, `now`: it is waited for.
    pub(super) fn end(&mut self, socket: &SocketId, now: Instant) {
        if let Some(state) = self.sockets.get_mut(socket).filter(|state| state.away.is_none()) {
            let until = now + self.grace;
            state.away = Some(until);
            self.away += 1;
            self.waits.push_back((until, socket.clone()));
        }
    }

    /// A connection is no more, at once: another has taken its place, or it never was.
    pub(super) fn remove(&mut self, socket: &SocketId) -> Vec<Announcement> {
        let Some(state) = self.sockets.remove(socket) else { return Vec::new() };
        self.away -= usize::from(state.away.is_some());
        let departures = state.rooms.iter();
        departures.filter_map(|(channel, user)| self.depart(socket, channel, user)).collect()
    }

    /// A connection was there before the hub was started, `now`: it counts as one that has just ended. Nothing is announced.
    pub(super) fn restore(
        &mut self,
        socket: &SocketId,
        rooms: impl IntoIterator<Item = (Channel, Member)>,
        now: Instant,
    ) {
        if !self.sockets.contains_key(socket) {
            self.put_back(socket, rooms);
            self.end(socket, now);
        }
    }

    /// A connection is where it was before, unless it is there already. Nothing is announced.
    pub(super) fn put_back(&mut self, socket: &SocketId, rooms: impl IntoIterator<Item = (Channel, Member)>) {
        if self.sockets.contains_key(socket) {
            return;
        }
        self.enter(socket.clone());
        for (channel, member) in rooms {
            self.place(socket, &channel, &member);
        }
    }

    /// One of those who have not come back until `now`.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Gone> {
        while let Some((end, _)) = self.waits.front()
            && (*end <= now || self.away > MAX_AWAY)
        {
            let (end, socket) = self.waits.pop_front()?;
            if self.sockets.get(&socket).is_some_and(|state| state.away == Some(end)) {
                let announcements = self.remove(&socket);
                return Some(Gone { socket, announcements });
            }
        }
        None
    }

    /// When [`Self::expire`] may have something to say.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.waits.front().map(|(end, _)| *end)
    }

    /// How many users are in a channel.
    pub(super) fn count(&self, channel: &Channel) -> usize {
        self.rooms.get(channel).map_or(0, BTreeMap::len)
    }

    /// Who is in a channel, each user once.
    pub(super) fn members(&self, channel: &Channel) -> Vec<Member> {
        let members = self.rooms.get(channel).into_iter().flatten();
        members.map(|(user, present)| Member { user: user.clone(), info: present.info.clone() }).collect()
    }
}

#[cfg(test)]
mod tests;
