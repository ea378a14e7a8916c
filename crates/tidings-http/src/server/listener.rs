//! Where connections come from: TCP and unix sockets.

use std::{io, net::IpAddr};

use tokio::net::{TcpListener, UnixListener};

use super::transport::Transport;

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// Of IPv4 or IPv6.
    Tcp(TcpListener),
    /// A file of this machine.
    Unix(UnixListener),
}

impl Listener {
    /// The next connection, and the address at its other end if it has one. Nothing is lost when this is dropped.
    pub(super) async fn accept(&self) -> io::Result<(Transport, Option<IpAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Transport::Tcp(stream), Some(peer.ip())))
            }
            Self::Unix(listener) => Ok((Transport::Unix(listener.accept().await?.0), None)),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix(listener)
    }
}
