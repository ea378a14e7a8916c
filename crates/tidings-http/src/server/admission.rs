//! Who may connect: the limits of connections, and their counters.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use super::tls::Tls;
use crate::{
    client::neighbourhood,
    limit::{Limit, LimitHits},
};

/// How many connections beyond the limit are still told why they are not served. More are closed without a word, so
/// that a flood costs next to nothing.
const OVERFLOW: u64 = 256;

/// Limits of the server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once (setting `limits.connections`).
    pub max_connections: u64,
    /// Connections at once from one address (setting `limits.connections_per_address`). Loopback addresses are not
    /// limited: a proxy on the same machine brings everybody.
    pub max_per_address: u64,
    /// Bytes of a request's head (setting `limits.head`). HTTP/1.1 takes no less than 8 KiB.
    pub max_head: usize,
    /// How long a request's head may take to arrive, and before that what opens a connection: the header of a proxy and
    /// the handshake of TLS (setting `limits.head_time`).
    pub head_time: Duration,
    /// Requests at once on one HTTP/2 connection (setting `limits.streams_per_connection`).
    pub max_streams: u32,
    /// How long a peer may take nothing of what is being written to it (setting `limits.stall`).
    pub write_stall: Duration,
    /// Bytes that the system holds at most for one connection that takes nothing (setting `limits.send_buffer`). It
    /// counts what it spends on them.
    pub send_buffer: usize,
}

impl Default for Limits {
    /// What the program has where nothing is configured.
    fn default() -> Self {
        Self {
            max_connections: 100_000,
            max_per_address: 10_000,
            max_head: 64 << 10,
            head_time: Duration::from_secs(10),
            max_streams: 250,
            write_stall: Duration::from_secs(60),
            send_buffer: 256 << 10,
        }
    }
}

/// What the server counts.
#[derive(Debug, Default)]
pub struct ServerStats {
    by_address: Mutex<HashMap<IpAddr, u64>>,
    connections: AtomicU64,
    accepted: AtomicU64,
    hits: Arc<LimitHits>,
    /// What the listeners with TLS show.
    tls: OnceLock<Tls>,
}

/// A reading of the server's counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFigures {
    /// Connections at present.
    pub connections: u64,
    /// Connections accepted since the start.
    pub accepted: u64,
}

impl ServerStats {
    /// A reading.
    pub fn read(&self) -> ServerFigures {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        ServerFigures { connections: get(&self.connections), accepted: get(&self.accepted) }
    }

    /// When the certificate of the listeners with TLS ends, if there is one and that can be told.
    pub fn certificate_expires(&self) -> Option<SystemTime> {
        self.tls.get()?.expires()
    }

    /// Lets it tell of this certificate, if it does not tell of another.
    pub(super) fn tell_of(&self, tls: &Tls) {
        self.tls.get_or_init(|| tls.clone());
    }

    /// How often limits were hit, for the fronts to count theirs, too.
    pub fn hits(&self) -> &Arc<LimitHits> {
        &self.hits
    }

    /// Decides on a new connection. Without an address it is this machine's, like loopback addresses.
    pub(super) fn admit(self: &Arc<Self>, address: Option<IpAddr>, limits: &Limits) -> Admission {
        self.accepted.fetch_add(1, Relaxed);
        let connections = self.connections.fetch_add(1, Relaxed);
        let mut ticket = Ticket { stats: self.clone(), address: None, is_overloaded: false };
        if connections >= limits.max_connections.saturating_add(OVERFLOW) {
            self.hits.hit(Limit::ConnectionsOverflow);
            return Admission::Refused;
        }
        if connections >= limits.max_connections {
            self.hits.hit(Limit::Connections);
            ticket.is_overloaded = true;
        }
        ticket.count_by(address, limits)
    }

    /// How many connections there are from this address now, this one included.
    fn enter(&self, address: IpAddr) -> u64 {
        let mut by_address = self.addresses();
        let count = by_address.entry(address).or_default();
        *count += 1;
        *count
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, u64>> {
        // Nothing that can panic runs under the lock.
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of a new connection.
#[derive(Debug)]
pub(super) enum Admission {
    /// It is served, or at least told why not.
    Welcome(Ticket),
    /// It is closed.
    Refused,
}

/// A connection's place in the counts, until it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    stats: Arc<ServerStats>,
    /// The address that it is counted by.
    address: Option<IpAddr>,
    is_overloaded: bool,
}

impl Ticket {
    /// Counts the connection by the address that it comes from. To be called once.
    pub(super) fn count_by(mut self, address: Option<IpAddr>, limits: &Limits) -> Admission {
        let Some(address) = address.filter(|address| !address.is_loopback()).map(neighbourhood) else {
            return Admission::Welcome(self);
        };
        let from_address = self.stats.enter(address);
        self.address = Some(address);
        if self.is_overloaded {
            return Admission::Welcome(self);
        }
        if from_address > limits.max_per_address.saturating_add(OVERFLOW) {
            self.stats.hits.hit(Limit::ConnectionsOverflow);
            return Admission::Refused;
        }
        if from_address > limits.max_per_address {
            self.stats.hits.hit(Limit::ConnectionsPerAddress);
            self.is_overloaded = true;
        }
        Admission::Welcome(self)
    }

    /// Whether this is one more connection than a limit allows.
    pub(super) fn is_overloaded(&self) -> bool {
        self.is_overloaded
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.stats.connections.fetch_sub(1, Relaxed);
        let Some(address) = self.address else { return };
        let mut by_address = self.stats.addresses();
        if let Some(count) = by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(max_connections: u64, max_per_address: u64) -> Limits {
        Limits {
            max_connections,
            max_per_address,
            max_head: 65536,
            head_time: Duration::from_secs(10),
            max_streams: 250,
            write_stall: Duration::from_secs(60),
            send_buffer: 256 << 10,
        }
    }

    fn outcome(admission: &Admission) -> Option<bool> {
        match admission {
            Admission::Welcome(ticket) => Some(ticket.is_overloaded()),
            Admission::Refused => None,
        }
    }

    #[test]
    fn the_crowd_is_told_and_the_flood_is_closed() {
        let stats = Arc::<ServerStats>::default();
        let loopback = Some(IpAddr::from([127, 0, 0, 1]));
        let mut held: Vec<_> = (0..2 + OVERFLOW).map(|_| stats.admit(loopback, &limits(2, 1))).collect();
        assert_eq!(held.iter().map(outcome).filter(|o| *o == Some(false)).count(), 2);
        assert_eq!(outcome(&held[2]), Some(true));
        assert_eq!(outcome(&stats.admit(loopback, &limits(2, 1))), None);
        assert_eq!(stats.read().connections, 2 + OVERFLOW);
        held.clear();
        assert_eq!(stats.read().connections, 0);
        assert_eq!(outcome(&stats.admit(loopback, &limits(2, 1))), Some(false));
    }

    #[test]
    fn one_address_cannot_take_all_the_room() {
        let stats = Arc::<ServerStats>::default();
        let [one, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(|address| Some(IpAddr::from(address)));
        let first = stats.admit(one, &limits(9, 1));
        assert_eq!(outcome(&first), Some(false));
        assert_eq!(outcome(&stats.admit(one, &limits(9, 1))), Some(true));
        assert_eq!(outcome(&stats.admit(other, &limits(9, 1))), Some(false));
        drop(first);
        assert_eq!(outcome(&stats.admit(one, &limits(9, 1))), Some(false));
        assert!(stats.addresses().is_empty());
    }
}
