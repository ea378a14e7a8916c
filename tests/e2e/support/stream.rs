//! A subscriber: a connection whose answer is an event stream.

use std::{io, net::SocketAddr, time::Instant};

use bytes::Bytes;
use tidings_stream::{Decoder, Event, Item};

use super::{
    BOUND, Connection,
    http::{Head, Response},
};

/// A subscription on one connection.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) connection: Connection,
    pub(crate) head: Head,
    decoder: Decoder,
    part: Bytes,
}

/// An event of this id, type and data.
pub(crate) fn item(id: &str, event: &str, data: &str) -> Item {
    Item::Event(Event { id: id.to_owned(), event: event.to_owned(), data: data.to_owned() })
}

impl Listener {
    /// Subscribes, with the query of `/events` and the last event id that a browser would send.
    pub(crate) fn open(address: SocketAddr, query: &str, last_id: &str) -> io::Result<Self> {
        let mut headers = vec![("Accept", "text/event-stream")];
        if !last_id.is_empty() {
            headers.push(("Last-Event-ID", last_id));
        }
        let mut connection = Connection::open(address, BOUND)?;
        connection.send_request("GET", &format!("/events?{query}"), &headers, b"")?;
        Self::read(connection)
    }

    /// Reads the answer to a subscription that has been sent.
    pub(crate) fn read(connection: Connection) -> io::Result<Self> {
        Self::read_or_answer(connection)?
            .map_err(|answer| io::Error::other(format!("the subscription was answered {}", answer.head.line)))
    }

    /// Reads the answer to a subscription that has been sent: all of it, if it is not accepted.
    pub(crate) fn read_or_answer(mut connection: Connection) -> io::Result<Result<Self, Response>> {
        let head = connection.head("GET")?;
        if head.status != 200 {
            return Ok(Err(Response { body: connection.rest()?, head }));
        }
        Ok(Ok(Self { connection, head, decoder: Decoder::new(), part: Bytes::new() }))
    }

    /// The next item; `None` when the stream has ended as it should.
    pub(crate) fn next(&mut self) -> io::Result<Option<Item>> {
        loop {
            if let Some(item) = self.decoder.decode(&mut self.part) {
                return item.map(Some).map_err(io::Error::other);
            }
            match self.connection.part()? {
                Some(part) => self.part = part.into(),
                None => return Ok(None),
            }
        }
    }

    /// The next event, comments and reconnection times passed over; `None` at the end. Heartbeats alone are waited
    /// through no longer than anything else.
    pub(crate) fn next_event(&mut self) -> io::Result<Option<Event>> {
        let deadline = Instant::now() + BOUND;
        loop {
            match self.next()? {
                Some(Item::Event(event)) => return Ok(Some(event)),
                Some(_) if Instant::now() < deadline => {}
                Some(_) => return Err(io::ErrorKind::TimedOut.into()),
                None => return Ok(None),
            }
        }
    }

    /// The next event, which must come.
    pub(crate) fn event(&mut self) -> Event {
        self.next_event().unwrap().expect("the stream has ended")
    }

    /// The data of the next events.
    pub(crate) fn data(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.event().data).collect()
    }

    /// All that comes to the end of the stream.
    pub(crate) fn rest(mut self) -> Vec<Item> {
        std::iter::from_fn(|| self.next().unwrap()).collect()
    }

    /// The bytes of the stream up to the first occurrence of this text, which ends them.
    pub(crate) fn bytes_to(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let part = self.connection.part().unwrap().unwrap_or_else(|| panic!("it ended with {text:?}"));
            text += std::str::from_utf8(&part).unwrap();
            assert!(!text.contains(end) || text.ends_with(end), "more than {end:?} in {text:?}");
        }
        text
    }
}
