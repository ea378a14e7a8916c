//! The ways a stream's bytes can take: as a stream of its own, or over a handed-over socket, chunked or not.

use bytes::{Buf as _, Bytes, BytesMut};
use socket2::SockRef;
use tidings_hub::{Hub, Socket, SubscribeError, Subscriber, Subscription};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
};

/// Of a narrow socket's buffers, in bytes. With still smaller ones the system waits 40 ms for each acknowledgement.
const NARROW: usize = 4096;

/// How a subscriber is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Body,
    Socket {
        chunked: bool,
        /// With buffers that a few events fill.
        narrow: bool,
    },
}

impl Transport {
    pub(crate) const ALL: [Self; 4] = [
        Self::Body,
        Self::Socket { chunked: false, narrow: true },
        Self::Socket { chunked: true, narrow: true },
        Self::Socket { chunked: true, narrow: false },
    ];

    /// Subscribes over this.
    pub(crate) async fn subscribe(
        self,
        hub: &Hub,
        subscription: Subscription,
    ) -> Result<Stream, SubscribeError> {
        let accepted = hub.accept(subscription).await?;
        let Self::Socket { chunked, narrow } = self else {
            return Ok(Stream::Body(accepted.stream()));
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if narrow {
            SockRef::from(&listener).set_recv_buffer_size(NARROW).unwrap();
            SockRef::from(&listener).set_send_buffer_size(NARROW).unwrap();
        }
        let far = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        if narrow {
            SockRef::from(&far).set_recv_buffer_size(NARROW).unwrap();
        }
        let (near, _) = listener.accept().await.unwrap();
        near.set_nodelay(true).unwrap();
        let stream = near.into_std().unwrap();
        accepted.hand_over(Socket { stream, head: Bytes::new(), chunked, lease: Box::new(()) });
        let framing = match chunked {
            true => Framing::Chunks { open: 0 },
            false => Framing::None,
        };
        Ok(Stream::Socket { stream: far, read: BytesMut::new(), framing })
    }
}

/// A subscriber's end.
#[derive(Debug)]
pub(crate) enum Stream {
    Body(Subscriber),
    Socket { stream: TcpStream, read: BytesMut, framing: Framing },
}

/// What stands around the bytes.
#[derive(Debug)]
pub(crate) enum Framing {
    None,
    /// So much of a chunk is still to come, its line end included.
    Chunks {
        open: usize,
    },
}

impl Stream {
    /// The next bytes; `None` at the end, whether the stream was complete or cut.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Body(subscriber) => subscriber.next().await,
            Self::Socket { stream, read, framing } => loop {
                match framing.take(read) {
                    Some(bytes) if !bytes.is_empty() => return Some(bytes),
                    Some(_) => {}
                    None => {
                        if stream.read_buf(read).await.unwrap_or(0) == 0 {
                            return None;
                        }
                    }
                }
            },
        }
    }
}

impl Framing {
    /// Takes what can be taken of what was read; `None` when more must be read first.
    fn take(&mut self, read: &mut BytesMut) -> Option<Bytes> {
        if read.is_empty() {
            return None;
        }
        let Self::Chunks { open } = self else { return Some(read.split().freeze()) };
        if *open == 0 {
            let line = read.windows(2).position(|two| two == b"\r\n")?;
            let size = usize::from_str_radix(std::str::from_utf8(&read[..line]).unwrap(), 16).unwrap();
            read.advance(line + 2);
            *open = size + 2;
            return Some(Bytes::new());
        }
        let data = read.len().min(open.saturating_sub(2));
        let bytes = read.split_to(data).freeze();
        *open -= data;
        while *open > 0 && *open <= 2 && !read.is_empty() {
            assert_eq!(read.get_u8(), b"\r\n"[2 - *open]);
            *open -= 1;
        }
        Some(bytes)
    }
}
