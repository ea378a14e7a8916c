//! What carries the bytes of a connection.

use std::{
    io,
    os::fd::OwnedFd,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use rustix::net::{RecvFlags, recv};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::server::TlsStream;

/// One end of a connection.
#[derive(Debug)]
pub(super) enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Either of them, encrypted.
    Tls(Box<TlsStream<Transport>>),
}

impl Transport {
    /// Whether the bytes on the wire are those that are read and written.
    pub(super) fn is_plain(&self) -> bool {
        !matches!(self, Self::Tls(_))
    }

    /// Sends what is written at once, gives up data that a vanished peer does not acknowledge for so long (the kernel's
    /// own patience is a quarter of an hour), and has the kernel hold no more than so many bytes for one that takes
    /// nothing (its own bound is 4 MiB).
    pub(super) fn tune(&self, patience: Duration, send_buffer: usize) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                stream.set_nodelay(true)?;
                let socket = socket2::SockRef::from(stream);
                // It doubles what it is told (socket(7)).
                socket.set_send_buffer_size(send_buffer / 2)?;
                socket.set_tcp_user_timeout(Some(patience))
            }
            // Its peer is a process of this machine, which the kernel sees end.
            Self::Unix(_) => Ok(()),
            Self::Tls(stream) => stream.get_ref().0.tune(patience, send_buffer),
        }
    }

    /// Looks at the first bytes without taking them, once there are any. Not of TLS, in which they are no bytes to look at.
    pub(super) async fn peek(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.peek(bytes).await,
            Self::Unix(stream) => {
                let look = || Ok(recv(stream, &mut *bytes, RecvFlags::PEEK)?.0);
                stream.async_io(Interest::READABLE, look).await
            }
            Self::Tls(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Takes the socket from the runtime. Not of TLS, whose bytes are not those of the socket.
    pub(super) fn into_socket(self) -> io::Result<std::net::TcpStream> {
        match self {
            Self::Tcp(stream) => stream.into_std(),
            // Reading, writing and closing, which is all that happens to it from here on, are the same for both kinds.
            Self::Unix(stream) => Ok(OwnedFd::from(stream.into_std()?).into()),
            Self::Tls(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn io(&mut self) -> Pin<&mut dyn Io> {
        match self {
            Self::Tcp(stream) => Pin::new(stream),
            Self::Unix(stream) => Pin::new(stream),
            Self::Tls(stream) => Pin::new(&mut **stream),
        }
    }
}

trait Io: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Io for S {}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io().poll_read(cx, buf)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.io().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[tokio::test]
    async fn a_unix_stream_is_looked_at_and_leaves_the_runtime_with_all_its_bytes() {
        let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let transport = Transport::Unix(UnixStream::from_std(near).unwrap());
        let mut seen = [0; 8];
        far.write_all(b"hello").unwrap();
        assert_eq!(transport.peek(&mut seen).await.unwrap(), 5);
        assert_eq!(transport.peek(&mut seen[..2]).await.unwrap(), 2);
        let mut socket = transport.into_socket().unwrap();
        socket.write_all(b"answer").unwrap();
        let mut read = [0; 6];
        far.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"answer");
        assert_eq!(socket.read(&mut seen).unwrap(), 5);
        assert_eq!(&seen[..5], b"hello");
    }
}
