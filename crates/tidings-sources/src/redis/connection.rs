//! A connection to Redis: what is sent, and the replies that arrive.

use std::{fmt, io, time::Duration};

use redis::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{
    replies::{Malformed, Replies},
    server::{Server, Stream},
};

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Lost {
    NotReached(io::Error),
    NotReachedInTime(Duration),
    /// In the server's words, like the next.
    Refused(String),
    RefusedStream {
        key: String,
        words: String,
    },
    Silent(Duration),
    Closed,
    Broken(io::Error),
    Malformed(Malformed),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReached(error) => write!(f, "Redis cannot be reached: {error}"),
            Self::NotReachedInTime(time) => write!(f, "Redis cannot be reached within {time:?}"),
            Self::Refused(error) => write!(f, "Redis refuses the subscription: {error}"),
            Self::RefusedStream { key, words } => {
                write!(f, "Redis refuses what the source does with the stream {key:?}: {words}")
            }
            Self::Silent(time) => write!(f, "Redis has not answered for {time:?}"),
            Self::Closed => f.write_str("Redis has closed the connection"),
            Self::Broken(error) => write!(f, "the connection to Redis is broken: {error}"),
            Self::Malformed(error) => write!(f, "the connection to Redis is given up: {error}"),
        }
    }
}

/// An open connection, closed when it is dropped.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    replies: Replies,
    timeout: Duration,
}

impl Connection {
    /// Connects. Connecting and sending may take `timeout` each. Dropping the future gives it up.
    pub(crate) async fn open(server: &Server, timeout: Duration) -> Result<Self, Lost> {
        let stream = match tokio::time::timeout(timeout, server.connect()).await {
            Ok(connected) => connected.map_err(Lost::NotReached)?,
            Err(_) => return Err(Lost::NotReachedInTime(timeout)),
        };
        Ok(Self { stream, replies: Replies::new(), timeout })
    }

    /// Sends commands. After an error, or when the future is dropped, only a part may have left.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        // What TLS has encrypted leaves with the flush.
        let sending = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(self.timeout, sending).await {
            Ok(sent) => sent.map_err(Lost::Broken),
            Err(_) => Err(Lost::Silent(self.timeout)),
        }
    }

    /// The next reply of those that have arrived.
    pub(crate) fn arrived(&mut self) -> Result<Option<Value>, Lost> {
        self.replies.next().map_err(Lost::Malformed)
    }

    /// Reads what arrives, and tells whether anything did within `patience`. Dropping the future loses nothing.
    pub(crate) async fn read(&mut self, patience: Duration) -> Result<bool, Lost> {
        match timeout(patience, self.stream.read_buf(self.replies.room())).await {
            Ok(Ok(0)) => Err(Lost::Closed),
            Ok(Ok(_)) => Ok(true),
            Ok(Err(error)) => Err(Lost::Broken(error)),
            Err(_) => Ok(false),
        }
    }

    /// Sends a command and waits for its reply, which the server may put off for `delay`. What the server refuses is a
    /// reply, too. After the future is dropped the next reply may be to this command.
    pub(crate) async fn ask(&mut self, command: &[u8], delay: Duration) -> Result<Value, Lost> {
        self.send(command).await?;
        loop {
            if let Some(reply) = self.arrived()? {
                return Ok(reply);
            }
            if !self.read(self.timeout + delay).await? {
                return Err(Lost::Silent(self.timeout));
            }
        }
    }
}

/// The server's words, of an error that it answered.
pub(crate) fn words(error: &redis::ServerError) -> String {
    [error.code(), error.details().unwrap_or_default()].join(" ").trim_end().to_owned()
}
