//! One thread, one epoll, all sockets.

mod connection;
mod request;
#[cfg(test)]
mod tests;
mod topics;

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
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
    /// The publisher is answered at once, also while a batch is being written. Everything that has arrived by the end
    /// of that is the next batch: one write for each subscriber and batch.
    Batched,
}

/// A server that does nothing but the fan-out.
#[derive(Debug)]
pub struct Floor {
    fanout: Fanout,
    poll: Poll,
    events: Events,
    /// What polls have brought and nobody has served yet.
    ready: Vec<Ready>,
    listener: TcpListener,
    connections: Slab<Connection>,
    topics: Topics,
    buffer: Box<[u8]>,
}

#[derive(Clone, Copy, Debug)]
struct Ready {
    token: Token,
    is_readable: bool,
    is_writable: bool,
}

const LISTENER: Token = Token(usize::MAX);
const EVENTS_PER_POLL: usize = 1024;
const READ_BYTES: usize = 64 * 1024;
/// How many sockets a batch is written to before publishers are looked after: some hundred microseconds.
const WRITES_PER_LOOK: usize = 64;

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
            events: Events::with_capacity(EVENTS_PER_POLL),
            ready: Vec::new(),
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
        loop {
            let is_busy = self.topics.has_batches() || !self.ready.is_empty();
            self.wait(is_busy.then_some(Duration::ZERO))?;
            for ready in std::mem::take(&mut self.ready) {
                self.serve_ready(ready)?;
            }
            self.write_batches()?;
        }
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => result?,
        }
        self.ready.extend(self.events.iter().map(|event| Ready {
            token: event.token(),
            is_readable: event.is_readable(),
            is_writable: event.is_writable(),
        }));
        Ok(())
    }

    fn serve_ready(&mut self, ready: Ready) -> io::Result<()> {
        if ready.token == LISTENER {
            return self.accept();
        }
        if ready.is_writable {
            self.connections.get_mut(ready.token.0).map(Connection::flush);
        }
        if ready.is_readable {
            self.read(ready.token.0);
        }
        Ok(())
    }

    /// Writes what has been collected until now.
    fn write_batches(&mut self) -> io::Result<()> {
        let mut writes = 0;
        for topic in self.topics.take_waiting() {
            let (subscribers, batch) = self.topics.take_batch(topic);
            for subscriber in subscribers {
                if let Some(connection) = self.connections.get_mut(subscriber) {
                    connection.write(&batch);
                }
                writes += 1;
                if writes % WRITES_PER_LOOK == 0 {
                    self.look_after_publishers()?;
                }
            }
        }
        Ok(())
    }

    /// Serves those who have said something and are no subscribers: publishers, and who comes. Subscribers wait for the
    /// batch's end, for none may go while there is a list of whom to write to.
    fn look_after_publishers(&mut self) -> io::Result<()> {
        self.wait(Some(Duration::ZERO))?;
        for ready in std::mem::take(&mut self.ready) {
            if self.connections.get(ready.token.0).is_some_and(|connection| connection.topic.is_none()) {
                self.serve_ready(ready)?;
            } else {
                self.ready.push(ready);
            }
        }
        Ok(())
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
