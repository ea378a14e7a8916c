//! One subscriber.

use std::{
    io::{self, Read as _, Write as _},
    net::SocketAddr,
};

use mio::{Interest, Registry, Token, event::Event, net::TcpStream};
use thiserror::Error;
use tidings_stream::Decoder;

use super::Shared;
use crate::{
    http::{Answer, Malformed},
    protocol::Ready,
    scan::Scanner,
};

/// A subscriber's connection, and what it keeps between two. A few tens of bytes, because there are many.
#[derive(Debug, Default)]
pub(super) struct Connection {
    stream: Option<TcpStream>,
    pub(super) stage: Stage,
    answer: Answer,
    scanner: Scanner,
    /// Reads ids, where they are needed.
    ids: Option<Box<Decoder>>,
    /// When something came last.
    heard: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    Away,
    Connecting,
    /// The request is sent, and the answer has not begun.
    Asked,
    Subscribed,
}

/// Why a subscriber has no connection any more.
#[derive(Debug, Error)]
pub(super) enum Lost {
    #[error("{}", describe(.0))]
    Io(#[from] io::Error),
    #[error("answered {0}")]
    Status(u16),
    #[error("the server ended the stream")]
    Ended,
    #[error("the server closed the connection before it answered")]
    NoAnswer,
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Some of what the system says needs a hint.
fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => {
            "no local port is free (net.ipv4.ip_local_port_range); spread the subscribers over several addresses of the \
             server"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

impl Connection {
    /// Begins to connect.
    pub(super) fn connect(
        &mut self,
        address: SocketAddr,
        registry: &Registry,
        token: Token,
        notes_ids: bool,
    ) -> io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        self.stage = Stage::Connecting;
        self.stream = Some(stream);
        match &mut self.ids {
            Some(ids) => ids.restart(),
            None => self.ids = notes_ids.then(Box::default),
        }
        Ok(())
    }

    /// Closes the connection. What is known of the stream stays.
    pub(super) fn close(&mut self) {
        self.stream = None;
        self.stage = Stage::Away;
        self.answer = Answer::default();
        self.scanner = Scanner::default();
    }

    /// Whether there is an id to resume from.
    pub(super) fn has_cursor(&self) -> bool {
        cursor(&self.ids).is_some()
    }

    pub(super) fn is_connected(&self) -> bool {
        self.stream.is_some()
    }

    /// How long it has been silent.
    pub(super) fn silence(&self, now: u64) -> u64 {
        if self.stage == Stage::Subscribed { now.saturating_sub(self.heard) } else { 0 }
    }

    /// Does what can be done now. `request` makes the request.
    pub(super) fn go_on(
        &mut self,
        number: usize,
        event: &Event,
        shared: &mut Shared<'_>,
        request: impl FnOnce(Option<&str>) -> Vec<u8>,
    ) -> Result<(), Lost> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        if self.stage == Stage::Connecting {
            if let Some(error) = stream.take_error()? {
                return Err(error.into());
            }
            match stream.peer_addr() {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            let cursor = cursor(&self.ids);
            // A few hundred bytes into an empty buffer: they fit.
            stream.write_all(&request(cursor))?;
            self.stage = Stage::Asked;
            if cursor.is_some() {
                // What comes from now on is only counted.
                self.ids = None;
            }
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(number, event.is_read_closed(), shared)?;
        }
        Ok(())
    }

    /// Reads all that is there.
    fn read(&mut self, number: usize, is_closed: bool, shared: &mut Shared<'_>) -> Result<(), Lost> {
        loop {
            let Some(stream) = &mut self.stream else { return Ok(()) };
            let count = match stream.read(shared.buffer) {
                Ok(0) if self.answer.head().is_none() => return Err(Lost::NoAnswer),
                Ok(0) => return Err(Lost::Ended),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let now = crate::clock::now();
            shared.ledger.silence(self.silence(now));
            self.heard = now;
            self.take(number, count, now, shared)?;
            // Less than was asked for: nothing is left, and more will be a new event. That saves a call for each read.
            // Only the end of the stream may be waiting, and then the event has said so.
            if count < shared.buffer.len() && !is_closed {
                return Ok(());
            }
        }
    }

    /// Takes what has been read into the buffer.
    fn take(&mut self, number: usize, count: usize, now: u64, shared: &mut Shared<'_>) -> Result<(), Lost> {
        let mut input = &shared.buffer[..count];
        let mut has_bytes = false;
        let ids = &mut self.ids;
        let scanner = &mut self.scanner;
        let is_over = self.answer.read(&mut input, |mut part| {
            has_bytes = true;
            shared.ledger.read(number, scanner, part, now);
            if let Some(ids) = ids {
                // An event too long to be decoded has no id to be noted, and is counted all the same.
                while ids.decode(&mut part).is_some() {}
            }
        })?;
        let Some(head) = self.answer.head() else { return Ok(()) };
        if head.status != 200 {
            return Err(Lost::Status(head.status));
        }
        if is_over {
            return Err(Lost::Ended);
        }
        let is_ready = match shared.ready {
            Ready::Head => true,
            Ready::Bytes => has_bytes,
            Ready::Cursor => self.ids.is_none() || self.has_cursor(),
        };
        if self.stage == Stage::Asked && is_ready {
            self.stage = Stage::Subscribed;
        }
        Ok(())
    }
}

/// The last id that came.
fn cursor(ids: &Option<Box<Decoder>>) -> Option<&str> {
    ids.as_deref().map(Decoder::last_id).filter(|id| !id.is_empty())
}
