//! Making listening sockets.

use std::{
    fs, io,
    net::SocketAddr,
    os::{
        fd::OwnedFd,
        unix::fs::{FileTypeExt as _, PermissionsExt as _},
    },
    path::Path,
};

use anyhow::{Context as _, bail};
use rustix::{
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with},
};
use tokio::net::TcpSocket;

use super::socket::Socket;
use crate::serve::machine::BACKLOG;

/// A socket on a port of this address. `None` when this machine has no such address.
pub(super) fn tcp(address: SocketAddr) -> anyhow::Result<Option<Socket>> {
    match tcp_socket(address) {
        Ok(socket) => Ok(Some(socket)),
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            bail!("{address} is in use, perhaps by another hub: choose another address with --listen")
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {address}")),
    }
}

fn tcp_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // So that a restart does not wait for the kernel to forget the old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std().map(Socket::Tcp)
}

/// A socket with this file, which gets this mode. What a hub left there that is no more is replaced.
pub(super) fn unix(path: &Path, mode: u32) -> anyhow::Result<Socket> {
    let socket = match unix_socket(path, mode) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if !is_left_behind(path)? {
                bail!("{} is in use, perhaps by another hub: choose another path", path.display());
            }
            fs::remove_file(path).with_context(|| {
                format!("{}, of a hub that is no more, cannot be removed", path.display())
            })?;
            unix_socket(path, mode)
        }
        outcome => outcome,
    };
    socket.with_context(|| format!("cannot listen on unix:{}", path.display()))
}

fn unix_socket(path: &Path, mode: u32) -> io::Result<Socket> {
    let socket = stream_socket(SocketFlags::CLOEXEC)?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    // Nobody can connect before it listens, so that nobody who may not comes in between.
    set_mode(path, mode)?;
    listen(&socket, i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    Ok(Socket::Unix(socket.into()))
}

/// Says who may connect to the socket with this file.
pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Whether the file is a socket that nobody listens on.
fn is_left_behind(path: &Path) -> anyhow::Result<bool> {
    let described = || format!("cannot look at {}", path.display());
    let kind = fs::symlink_metadata(path).with_context(described)?.file_type();
    if !kind.is_socket() {
        bail!("{} is there and is no socket: choose another path", path.display());
    }
    // Without waiting: a listener whose queue is full is alive.
    let socket = stream_socket(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK).with_context(described)?;
    let address = SocketAddrUnix::new(path).with_context(described)?;
    Ok(connect(&socket, &address) == Err(Errno::CONNREFUSED))
}

fn stream_socket(flags: SocketFlags) -> io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_hub_left_is_replaced_and_a_live_one_and_a_file_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hub.sock");
        let first = unix(&path, 0o660).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        let refusal = unix(&path, 0o660).unwrap_err().to_string();
        assert!(refusal.contains("in use") && refusal.contains("hub.sock"), "{refusal}");
        drop(first);
        unix(&path, 0o600).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        let file = directory.path().join("file");
        fs::write(&file, "precious").unwrap();
        assert!(unix(&file, 0o660).unwrap_err().to_string().contains("no socket"));
        assert_eq!(fs::read(&file).unwrap(), b"precious");
    }
}
