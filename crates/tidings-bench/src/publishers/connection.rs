//! One publisher's connection: requests go out, answers come in, in the same order.

use std::{
    collections::VecDeque,
    io::{self, Read as _, Write as _},
};

use mio::net::TcpStream;

use crate::http::Answer;

/// A request under way: events of one topic, in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) topic: u32,
    /// The number of the first event.
    pub(super) first: u32,
    pub(super) count: u32,
    /// When it was sent, or should have been.
    pub(super) sent: u64,
}

#[derive(Debug, Default)]
pub(super) struct Connection {
    stream: Option<TcpStream>,
    outgoing: Vec<u8>,
    /// How much of it is written.
    written: usize,
    under_way: VecDeque<Request>,
    answer: Answer,
}

impl Connection {
    pub(super) fn open(&mut self, stream: TcpStream) {
        *self = Self { stream: Some(stream), ..Self::default() };
    }

    pub(super) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether there is a request without an answer.
    pub(super) fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// What is to be sent; requests are appended.
    pub(super) fn outgoing(&mut self) -> &mut Vec<u8> {
        &mut self.outgoing
    }

    /// A request has been appended.
    pub(super) fn sent(&mut self, request: Request) {
        self.under_way.push_back(request);
    }

    /// Writes as much as the socket takes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        while self.written < self.outgoing.len() {
            match stream.write(&self.outgoing[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.outgoing.clear();
        self.written = 0;
        Ok(())
    }

    /// Reads all that is there and hands out each request with the status of its answer. Answers whether the connection
    /// can take further requests.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        mut answered: impl FnMut(Request, u16),
    ) -> io::Result<bool> {
        loop {
            let Some(stream) = &mut self.stream else { return Ok(true) };
            let count = match stream.read(buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if count == 0 {
                if self.answer.ends_with_connection()
                    && let (Some(request), Some(head)) = (self.under_way.pop_front(), self.answer.head())
                {
                    answered(request, head.status);
                }
                return Ok(false);
            }
            let mut input = &buffer[..count];
            while !input.is_empty() {
                if !self.answer.read(&mut input, |_| {}).map_err(io::Error::other)? {
                    break;
                }
                let answer = std::mem::take(&mut self.answer);
                let (Some(request), Some(head)) = (self.under_way.pop_front(), answer.head()) else {
                    return Err(io::Error::other("an answer came that nobody had asked for"));
                };
                answered(request, head.status);
                if !head.keeps_alive {
                    return Ok(false);
                }
            }
        }
    }

    /// Closes it, and hands out the requests that were not answered.
    pub(super) fn close(&mut self) -> VecDeque<Request> {
        std::mem::take(self).under_way
    }
}
