//! A socket, what it has said so far, and what it has not taken yet.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::TcpStream;

/// One connection: a publisher's or a subscriber's.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    /// The beginning of a request whose rest has not arrived.
    input: Vec<u8>,
    /// What the socket did not take. Without a bound, for a floor has no slow subscribers to defend itself against.
    backlog: Vec<u8>,
    /// The topic subscribed to.
    pub(super) topic: Option<usize>,
}

impl Connection {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self { socket, input: Vec::new(), backlog: Vec::new(), topic: None }
    }

    /// Reads once, behind what has been read before; 0 is the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.socket.read(buffer)?;
        self.input.extend_from_slice(&buffer[..length]);
        Ok(length)
    }

    pub(super) fn take_input(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.input)
    }

    /// Gives back what was taken but for its first `done` bytes. An idle connection keeps no memory for it.
    pub(super) fn put_back(&mut self, mut input: Vec<u8>, done: usize) {
        input.drain(..done);
        if !input.is_empty() || self.topic.is_none() {
            self.input = input;
        }
    }

    /// Writes as much as the socket takes and keeps the rest for [`flush`](Self::flush).
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let taken = if self.backlog.is_empty() { self.take(bytes) } else { 0 };
        self.backlog.extend_from_slice(&bytes[taken..]);
    }

    /// Writes what is kept, as far as the socket takes it.
    pub(super) fn flush(&mut self) {
        if self.backlog.is_empty() {
            return;
        }
        let backlog = std::mem::take(&mut self.backlog);
        let taken = self.take(&backlog);
        if taken < backlog.len() {
            self.backlog = backlog;
            self.backlog.drain(..taken);
        }
    }

    /// How many bytes the socket took. One that has failed takes all: the failure is also an event, and reading then
    /// ends the connection.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            match self.socket.write(&bytes[taken..]) {
                Ok(length) => taken += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return taken,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return bytes.len(),
            }
        }
        taken
    }
}
