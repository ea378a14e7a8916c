//! A listening socket before it is served, and where it listens.

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixListener,
    },
    path::PathBuf,
};

use rustix::net::sockopt::socket_acceptconn;
use tidings_http::Listener;

/// For whom a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Everybody.
    Public,
    /// Everybody, with TLS.
    Tls,
    /// Operators.
    Admin,
}

/// Where a socket listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Tcp(SocketAddr),
    /// `None` when it has no file, because its address is abstract (unix(7)).
    Unix(Option<PathBuf>),
}

impl Place {
    /// Whether only this machine reaches it.
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }

    /// Whether a socket that listens there is what was asked for with `self`.
    pub(super) fn is_met_by(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(wanted), Self::Tcp(found)) => {
                wanted.ip() == found.ip() && wanted.port() == found.port()
            }
            _ => self == other,
        }
    }

    /// [`is_met_by`](Self::is_met_by), where port 0 asks for any port.
    pub(super) fn is_met_by_any_port(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(wanted), Self::Tcp(found)) => wanted.port() == 0 && wanted.ip() == found.ip(),
            _ => false,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => fmt::Display::fmt(address, f),
            Self::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Self::Unix(None) => f.write_str("unix:(abstract)"),
        }
    }
}

/// A listening socket that is not the runtime's yet.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Socket {
    pub(super) fn place(&self) -> io::Result<Place> {
        match self {
            Self::Tcp(listener) => Ok(Place::Tcp(listener.local_addr()?)),
            Self::Unix(listener) => {
                Ok(Place::Unix(listener.local_addr()?.as_pathname().map(ToOwned::to_owned)))
            }
        }
    }

    /// Whether it listens, and is not for something else.
    pub(super) fn is_listening(&self) -> io::Result<bool> {
        Ok(socket_acceptconn(self)?)
    }

    /// Another descriptor of the same socket, which keeps its queue open.
    pub(super) fn duplicate(&self) -> io::Result<OwnedFd> {
        self.as_fd().try_clone_to_owned()
    }

    /// Gives it to the runtime.
    pub(super) fn into_listener(self) -> io::Result<Listener> {
        match self {
            Self::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Ok(tokio::net::TcpListener::from_std(listener)?.into())
            }
            Self::Unix(listener) => {
                listener.set_nonblocking(true)?;
                Ok(tokio::net::UnixListener::from_std(listener)?.into())
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }
}
