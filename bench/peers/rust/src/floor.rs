//! One thread, one epoll, all sockets.

mod connection;
mod request;
#[cfg(test)]
mod tests;
mod topics;

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use mio::{Events, Interest, Poll, Token, net::TcpListener};
use slab::Slab;

use connection::Connection;
use request::Request;
use topics::Topics;

/// When an event is written to its topic's subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fanout {
    /// At once, one write for each subscriber and event; the publisher is answered after the last.
    EachPublish,
    /// The publisher is answered at once. Everything that one poll brought is written together: one write for each
    /// subscriber and batch.
    Batched,
}

/// A server that does nothing but the fan-out.
#[derive(Debug)]
pub struct Floor {
    fanout: Fanout,
    poll: Poll,
    listener: TcpListener,
    connections: Slab<Connection>,
    topics: Topics,
    buffer: Box<[u8]>,
}

const LISTENER: Token = Token(usize::MAX);
const EVENTS_PER_POLL: usize = 1024;
const READ_BYTES: usize = 64 * 1024;

impl Floor {
    /// Listens on `address`.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub fn bind(address: SocketAddr, fanout: Fanout) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            fanout,
            poll,
            listener,
            connections: Slab::new(),
            topics: Topics::default(),
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
        })
    }

    /// The address that is listened on.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until something fails that is not one connection's matter.
    ///
    /// # Errors
    /// If waiting or accepting fails, for instance because no file can be opened any more.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_PER_POLL);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                if event.token() == LISTENER {
                    self.accept()?;
                    continue;
                }
                let key = event.token().0;
                if event.is_writable() {
                    self.connections.get_mut(key).map(Connection::flush);
                }
                if event.is_readable() {
                    self.read(key);
                }
            }
            self.topics.write_batches(&mut self.connections);
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            match self.listener.accept() {
                Ok((mut socket, _)) => {
                    // What fails here is the peer's having gone already.
                    if socket.set_nodelay(true).is_err() {
                        continue;
                    }
                    let entry = self.connections.vacant_entry();
                    self.poll.registry().register(
                        &mut socket,
                        Token(entry.key()),
                        Interest::READABLE | Interest::WRITABLE,
                    )?;
                    entry.insert(Connection::new(socket));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads all that there is and does what it asks for. A connection that ends, or says what is no request, goes.
    fn read(&mut self, key: usize) {
        loop {
            let Some(connection) = self.connections.get_mut(key) else { return };
            match connection.read(&mut self.buffer) {
                Ok(0) => return self.remove(key),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.remove(key),
            }
            if self.serve(key).is_err() {
                return self.remove(key);
            }
        }
    }

    /// Does what the requests ask for that have arrived whole.
    fn serve(&mut self, key: usize) -> Result<(), request::Invalid> {
        loop {
            let Some(connection) = self.connections.get_mut(key) else { return Ok(()) };
            let input = connection.take_input();
            let parsed = request::parse(&input);
            let (request, length) = match parsed {
                Ok(Some(parsed)) => parsed,
                Ok(None) => {
                    connection.put_back(input, 0);
                    return Ok(());
                }
                Err(invalid) => return Err(invalid),
            };
            match request {
                Request::Subscribe { topic } => {
                    connection.write(request::STREAM_HEAD);
                    connection.topic = Some(self.topics.subscribe(topic, key));
                }
                Request::Publish { topic, data } => self.publish(key, topic, data),
            }
            if let Some(connection) = self.connections.get_mut(key) {
                connection.put_back(input, length);
            }
        }
    }

    fn publish(&mut self, publisher: usize, topic: &[u8], data: &[u8]) {
        let offset = match self.fanout {
            Fanout::EachPublish => self.topics.publish(topic, data, &mut self.connections),
            Fanout::Batched => self.topics.collect(topic, data),
        };
        if let Some(connection) = self.connections.get_mut(publisher) {
            connection.write(&request::published(offset));
        }
    }

    fn remove(&mut self, key: usize) {
        let connection = self.connections.remove(key);
        if let Some(topic) = connection.topic {
            self.topics.unsubscribe(topic, key);
        }
    }
}
