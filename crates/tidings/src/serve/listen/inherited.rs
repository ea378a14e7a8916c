//! Listening sockets that the process is started with: from systemd, by its socket activation (sd_listen_fds(3)), or
//! from the hub that this one takes the place of, by the same convention.

use std::{env, process};

use anyhow::{Context as _, bail};
use listenfd::ListenFd;

use super::socket::{Kind, Place, Socket};

/// What begins the names of sockets that a hub made itself, so that the next one in its place goes on to look after
/// their files, and closes what is configured no longer.
const OWN: &str = "tidings-";

/// Sockets that nobody has claimed yet.
#[derive(Debug, Default)]
pub(crate) struct Inherited(Vec<Heirloom>);

/// An inherited socket.
#[derive(Debug)]
pub(super) struct Heirloom {
    pub(super) socket: Socket,
    pub(super) place: Place,
    pub(super) kind: Kind,
    /// Whether a hub made it, and not whoever started the hub.
    pub(super) is_own: bool,
}

impl Inherited {
    /// Takes them from the environment. To be called before anything else opens files: the descriptors are only
    /// numbers until then.
    ///
    /// # Errors
    /// When one is no listening socket.
    pub(crate) fn take() -> anyhow::Result<Self> {
        // Left over from an ancestor's start, or for another process.
        if env::var("LISTEN_PID").ok().and_then(|pid| pid.parse().ok()) != Some(process::id()) {
            return Ok(Self::default());
        }
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut passed = ListenFd::from_env();
        let mut taken = Vec::new();
        for index in 0..passed.len() {
            let name = names.next().unwrap_or_default();
            let heirloom = take(&mut passed, index)
                .and_then(|socket| Heirloom::new(socket, name))
                .with_context(|| format!("the inherited socket number {} (named {name:?})", index + 1))?;
            taken.push(heirloom);
        }
        Ok(Self(taken))
    }

    /// Takes out the socket that listens there already.
    pub(super) fn claim(&mut self, kind: Kind, wanted: &Place) -> Option<Heirloom> {
        let is_it = |heirloom: &Heirloom| wanted.is_met_by(&heirloom.place);
        // Which port it is was left to the hub that has made the socket.
        let will_do = |heirloom: &Heirloom| {
            heirloom.is_own && heirloom.kind == kind && wanted.is_met_by_any_port(&heirloom.place)
        };
        let index = self.0.iter().position(is_it).or_else(|| self.0.iter().position(will_do))?;
        Some(self.0.remove(index))
    }

    /// Whether somebody who started the hub has seen to it that everybody can reach it.
    pub(super) fn has_public(&self) -> bool {
        self.0.iter().any(|heirloom| !heirloom.is_own && heirloom.kind != Kind::Admin)
    }

    /// Those that nobody has claimed.
    pub(super) fn unclaimed(self) -> Vec<Heirloom> {
        self.0
    }
}

impl Heirloom {
    fn new(socket: Socket, name: &str) -> anyhow::Result<Self> {
        if !socket.is_listening()? {
            bail!("it does not listen: pass sockets of the kind ListenStream");
        }
        let place = socket.place()?;
        let (is_own, name) = match name.strip_prefix(OWN) {
            Some(name) => (true, name),
            None => (false, name),
        };
        let kind = match name {
            "admin" => Kind::Admin,
            "tls" => Kind::Tls,
            _ => Kind::Public,
        };
        Ok(Self { socket, place, kind, is_own })
    }
}

fn take(passed: &mut ListenFd, index: usize) -> anyhow::Result<Socket> {
    if let Ok(Some(listener)) = passed.take_unix_listener(index) {
        return Ok(Socket::Unix(listener));
    }
    match passed.take_tcp_listener(index)? {
        Some(listener) => Ok(Socket::Tcp(listener)),
        None => bail!("it is not there"),
    }
}

/// What a socket is called when it is passed on.
pub(super) fn name(kind: Kind, is_own: bool) -> String {
    let kind = match kind {
        Kind::Public => "public",
        Kind::Tls => "tls",
        Kind::Admin => "admin",
    };
    format!("{}{kind}", if is_own { OWN } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn heirloom(name: &str) -> Heirloom {
        Heirloom::new(Socket::Tcp(TcpListener::bind("127.0.0.1:0").unwrap()), name).unwrap()
    }

    #[test]
    fn a_socket_is_claimed_by_its_address_and_an_own_one_by_any_port() {
        let (named, own) = (heirloom("web"), heirloom("tidings-admin"));
        let (place, any) = (named.place.clone(), Place::Tcp("127.0.0.1:0".parse().unwrap()));
        let mut inherited = Inherited(vec![named, own]);
        assert!(inherited.has_public());
        assert!(inherited.claim(Kind::Public, &any).is_none());
        assert_eq!(inherited.claim(Kind::Admin, &any).unwrap().kind, Kind::Admin);
        assert_eq!(inherited.claim(Kind::Admin, &place).unwrap().place, place);
        assert!(!inherited.has_public());
        assert!(inherited.unclaimed().is_empty());
    }

    #[test]
    fn names_go_from_hub_to_hub() {
        for kind in [Kind::Public, Kind::Tls, Kind::Admin] {
            for is_own in [true, false] {
                let next = heirloom(&name(kind, is_own));
                assert_eq!((next.kind, next.is_own), (kind, is_own));
            }
        }
    }
}
