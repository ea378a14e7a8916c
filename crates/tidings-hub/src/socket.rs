//! A sink that is a connection's bare socket, handed over by a server that has parsed the request and decided what to
//! answer. Nothing stands between the shard and the kernel: no task, no channel, no buffer.
//!
//! The response is framed here: with chunked transfer coding (RFC 9112, section 7.1), or without any, ended by the end
//! of the connection. A chunk is announced with all that is offered, and the socket may take only a part of it; what is
//! written next then fills the chunk, whatever it is.

mod pieces;

use std::{
    any::Any,
    io::{self, IoSlice, Read as _, Write as _},
    net::Shutdown,
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use mio::{Interest, Registry, Token, net::TcpStream};
use socket2::SockRef;

use self::pieces::{Left, Size, join};
use crate::sink::{Gone, Sink};

/// A connection whose request has been answered with a stream: what [`Accepted::hand_over`](crate::Accepted::hand_over)
/// takes.
#[derive(Debug)]
pub struct Socket {
    /// The socket, which must not block. Nothing else may read from it or write to it.
    pub stream: std::net::TcpStream,
    /// The head of the response, written before anything else.
    pub head: Bytes,
    /// Whether the head announces chunked transfer coding; if not, the end of the connection ends the response.
    pub chunked: bool,
    /// Dropped once the socket is closed.
    pub lease: Box<dyn Any + Send>,
}

/// Of one chunk at most. What an early end leaves open of a chunk is filled with as many line feeds.
const CHUNK_BYTES: usize = 64 * 1024;
/// Slices in one write at most, the framing included.
const SLICES: usize = 32;
/// So little, an event or two, is copied into one piece: the system takes that with less ado than pieces, a tenth of what
/// a delivery costs.
const COPIED_BYTES: usize = 1024;
/// What a subscriber may send after its request, which is none of ours, before its connection is closed.
const MAX_IGNORED: usize = 64 * 1024;
const CRLF: &[u8] = b"\r\n";
/// The empty chunk that ends the response.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// Blank lines, which mean nothing between two events.
static LINE_FEEDS: [u8; 4096] = [b'\n'; 4096];

/// The shard's end of a handed-over connection.
#[derive(Debug)]
pub(crate) struct SocketSink {
    stream: TcpStream,
    /// What must leave before any more of the stream: the head, or the framing that did not fit.
    before: Bytes,
    /// `None` when the response is not chunked.
    chunk: Option<Chunk>,
    ignored: usize,
    _lease: Box<dyn Any + Send>,
}

/// The chunk that has been announced last.
#[derive(Debug, Default)]
struct Chunk {
    /// Its bytes that have not been written.
    open: usize,
}

impl SocketSink {
    pub(crate) fn new(socket: Socket) -> Self {
        let Socket { stream, head, chunked, lease } = socket;
        let stream = TcpStream::from_std(stream);
        let chunk = chunked.then(Chunk::default);
        Self { stream, before: head, chunk, ignored: 0, _lease: lease }
    }

    /// Writes the slices as they are; how many bytes of them, 0 when the socket is full.
    fn send(&mut self, slices: &[IoSlice<'_>]) -> Result<usize, Gone> {
        let mut copy = [0; COPIED_BYTES];
        let whole = join(slices, &mut copy);
        loop {
            let sent = match whole {
                Some(whole) => self.stream.write(whole),
                None => self.stream.write_vectored(slices),
            };
            match sent {
                Ok(0) => return Err(Gone),
                Ok(sent) => return Ok(sent),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Gone),
            }
        }
    }

    /// Writes what must leave first; whether all of it has.
    fn send_before(&mut self) -> Result<bool, Gone> {
        while !self.before.is_empty() {
            let before = self.before.clone();
            match self.send(&[IoSlice::new(&before)])? {
                0 => return Ok(false),
                sent => self.before.advance(sent),
            }
        }
        Ok(true)
    }

    /// Writes once: a part of what is left, at most the rest of a chunk.
    fn send_some(&mut self, left: &mut Left<'_>) -> Result<Sent, Gone> {
        let (open, announced) = match &self.chunk {
            None => (usize::MAX, None),
            Some(Chunk { open: 0 }) => {
                let size = left.bytes.min(CHUNK_BYTES);
                (size, Some(Size::of(size)))
            }
            Some(Chunk { open }) => (*open, None),
        };
        let size = announced.as_ref().map_or(&[][..], Size::as_bytes);
        let mut slices = [IoSlice::new(&[]); SLICES];
        slices[0] = IoSlice::new(size);
        let (count, data) = left.gather(&mut slices[1..SLICES - 1], open);
        let end = if data == open { CRLF } else { &[] };
        slices[1 + count] = IoSlice::new(end);

        let sent = self.send(&slices[..count + 2])?;
        if sent == 0 {
            return Ok(Sent::Part);
        }
        let taken = sent.saturating_sub(size.len()).min(data);
        left.advance(taken);
        if sent < size.len() {
            self.before = Bytes::copy_from_slice(&size[sent..]);
        } else if taken == data {
            self.before = Bytes::copy_from_slice(&end[sent - size.len() - data..]);
        }
        if let Some(chunk) = &mut self.chunk {
            chunk.open = open - taken;
        }
        match sent == size.len() + data + end.len() {
            true => Ok(Sent::All),
            false => Ok(Sent::Part),
        }
    }

    /// Ends the response in its framing, as far as the socket takes it.
    fn send_end(&mut self) -> Result<(), Gone> {
        while let Some(Chunk { open: 1.. }) = self.chunk {
            let line_feeds = Bytes::from_static(&LINE_FEEDS);
            let open = self.chunk.as_ref().map_or(0, |chunk| chunk.open);
            let line_feeds = line_feeds.slice(..open.min(LINE_FEEDS.len()));
            if self.write(&[line_feeds])? == 0 {
                return Ok(());
            }
        }
        if self.chunk.is_some() && self.send_before()? {
            self.send(&[IoSlice::new(LAST_CHUNK)])?;
        }
        Ok(())
    }
}

/// What became of a write.
enum Sent {
    /// All that was offered has left.
    All,
    /// The socket is full.
    Part,
}

impl Sink for SocketSink {
    fn write(&mut self, slices: &[Bytes]) -> Result<usize, Gone> {
        if !self.send_before()? {
            return Ok(0);
        }
        let mut left = Left::new(slices);
        let whole = left.bytes;
        while left.bytes > 0 {
            match self.send_some(&mut left)? {
                Sent::All => {}
                Sent::Part => break,
            }
        }
        Ok(whole - left.bytes)
    }

    fn finish(&mut self) {
        // Whoever is gone needs no end, and whoever takes nothing more sees the connection end without one.
        if self.send_end().is_ok() {
            self.stream.shutdown(Shutdown::Write).unwrap_or_default();
        }
    }

    fn watch(&mut self, poll: &Registry, token: Token) -> io::Result<()> {
        poll.register(&mut self.stream, token, Interest::READABLE | Interest::WRITABLE)
    }

    fn cut(&mut self) -> bool {
        // What the system holds for it, megabytes perhaps, is thrown away at once.
        if let Err(error) = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)) {
            tracing::debug!(%error, "a stalled connection is closed, and lingers");
        }
        true
    }

    fn heard(&mut self) -> Result<(), Gone> {
        let mut bytes = [0; 1024];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(Gone),
                Ok(read) if self.ignored + read > MAX_IGNORED => return Err(Gone),
                Ok(read) => self.ignored += read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Gone),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{TcpListener, TcpStream as StdStream},
        time::Instant,
    };

    use proptest::prelude::*;

    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

    fn connected(chunked: bool) -> (SocketSink, StdStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let far = StdStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        for stream in [&stream, &far] {
            stream.set_nonblocking(true).unwrap();
        }
        (
            SocketSink::new(Socket { stream, head: Bytes::from_static(HEAD), chunked, lease: Box::new(()) }),
            far,
        )
    }

    /// Reads what is there, and whether the other side has closed.
    fn read(far: &mut StdStream, most: usize, into: &mut Vec<u8>) -> bool {
        let mut bytes = vec![0; most];
        match far.read(&mut bytes) {
            Ok(0) => true,
            Ok(read) => {
                into.extend_from_slice(&bytes[..read]);
                false
            }
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                false
            }
        }
    }

    /// Waits for what the system brings about in a moment; not for ever.
    fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        }
    }

    /// The content of a chunked body, with whether it was ended.
    fn unchunked(mut body: &[u8]) -> (Vec<u8>, bool) {
        let mut content = Vec::new();
        while let Some(line) = body.windows(2).position(|two| two == CRLF) {
            let size = usize::from_str_radix(std::str::from_utf8(&body[..line]).unwrap(), 16).unwrap();
            body = &body[line + 2..];
            if size == 0 {
                assert_eq!(body, CRLF);
                return (content, true);
            }
            content.extend_from_slice(&body[..size.min(body.len())]);
            let Some(rest) = body.get(size..) else { break };
            body = rest.strip_prefix(CRLF).unwrap();
        }
        (content, false)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// Whatever the socket takes at a time, and though what was not taken may never be offered again.
        #[test]
        fn what_was_taken_arrives_in_its_framing(
            chunked in any::<bool>(),
            offers in proptest::collection::vec(
                proptest::collection::vec(prop_oneof![0..300usize, 0..300_000usize], 0..50), 1..8),
            paces in proptest::collection::vec(1..400_000usize, 1..20),
        ) {
            let (mut sink, mut far) = connected(chunked);
            let (mut expected, mut arrived) = (Vec::new(), Vec::new());
            let mut paces = paces.iter().cycle();
            for (number, sizes) in offers.iter().enumerate() {
                let letter = b'a' + number as u8;
                let slices: Vec<Bytes> = sizes.iter().map(|&size| vec![letter; size].into()).collect();
                let taken = sink.write(&slices).unwrap();
                expected.resize(expected.len() + taken, letter);
                read(&mut far, *paces.next().unwrap(), &mut arrived);
            }
            // A subscriber is ended when it has taken all that it was to get: there is room.
            until("the end", || {
                if sink.send_before().unwrap() {
                    sink.finish();
                }
                read(&mut far, 400_000, &mut arrived)
            });
            let body = arrived.strip_prefix(HEAD).unwrap();
            let content = match chunked {
                true => unchunked(body).0,
                false => body.to_vec(),
            };
            let (content, filling) = content.split_at(expected.len());
            prop_assert_eq!(content, expected);
            prop_assert!(filling.len() < CHUNK_BYTES && filling.iter().all(|&byte| byte == b'\n'));
        }
    }

    #[test]
    fn an_end_has_its_chunk_and_nothing_else() {
        let (mut sink, mut far) = connected(true);
        assert_eq!(sink.write(&["a".into(), "".into(), "bc".into()]), Ok(3));
        sink.finish();
        let mut arrived = Vec::new();
        until("the end", || read(&mut far, 99, &mut arrived));
        assert_eq!(arrived.strip_prefix(HEAD).unwrap(), b"3\r\nabc\r\n0\r\n\r\n");
    }

    #[test]
    fn one_who_leaves_or_talks_too_much_is_gone() {
        let (mut sink, mut far) = connected(true);
        assert_eq!(sink.heard(), Ok(()));
        far.write_all(&[b'x'; 100]).unwrap();
        assert_eq!(sink.heard(), Ok(()));
        // In pieces that fit into any buffer.
        let mut outcome = Ok(());
        for _ in 0..=MAX_IGNORED / 1000 {
            far.set_nonblocking(false).unwrap();
            far.write_all(&[b'x'; 1000]).unwrap();
            outcome = outcome.and_then(|()| sink.heard());
        }
        assert_eq!(outcome, Err(Gone));

        let (mut sink, far) = connected(true);
        drop(far);
        until("gone", || sink.heard() == Err(Gone));
    }
}
