//! One connection to Redis, from connecting to its loss.

use std::{fmt, io, time::Duration};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    Plan,
    resp::{Malformed, Reply, command, reply},
};
use crate::{events, running::Context};

/// How much is read at once.
const READ: usize = 64 << 10;

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Lost {
    NotReached(io::Error),
    NotReachedInTime(Duration),
    Refused(String),
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
            Self::Silent(time) => write!(f, "Redis has not answered for {time:?}"),
            Self::Closed => f.write_str("Redis has closed the connection"),
            Self::Broken(error) => write!(f, "the connection to Redis is broken: {error}"),
            Self::Malformed(error) => write!(f, "the connection to Redis is given up: {error}"),
        }
    }
}

/// Connects, subscribes and passes messages on until the connection is lost. Dropping the future closes it.
pub(super) async fn run(plan: &Plan, context: &Context) -> Lost {
    match converse(plan, context).await {
        Err(lost) => lost,
        Ok(never) => match never {},
    }
}

async fn converse(plan: &Plan, context: &Context) -> Result<std::convert::Infallible, Lost> {
    let connecting = TcpStream::connect((plan.server.host.as_str(), plan.server.port));
    let mut stream = match timeout(plan.timeout, connecting).await {
        Ok(connected) => connected.map_err(Lost::NotReached)?,
        Err(_) => return Err(Lost::NotReachedInTime(plan.timeout)),
    };
    let mut greeting = plan.server.login().unwrap_or_default();
    greeting.extend(plan.subscriptions.commands());
    send(&mut stream, &greeting, plan.timeout).await?;

    let mut unconfirmed = plan.subscriptions.confirmations();
    let mut asked = false;
    let mut received = BytesMut::new();
    loop {
        while let Some((reply, length)) = reply(&received).map_err(Lost::Malformed)? {
            let publication = match read(&reply) {
                Read::Error(error) => return Err(Lost::Refused(error)),
                Read::Confirmation => {
                    unconfirmed = unconfirmed.saturating_sub(1);
                    if unconfirmed == 0 {
                        events::works(&context.source);
                    }
                    None
                }
                Read::Message { pattern, channel, data } if plan.subscriptions.counts(pattern, channel) => {
                    plan.router.publication(channel, data, &context.source)
                }
                Read::Message { .. } | Read::Other => None,
            };
            received.advance(length);
            if let Some(publication) = publication {
                // Waits while the buffer is full, and nothing is read meanwhile.
                context.outbox.push(publication, &context.source).await;
            }
        }
        // Silence is nothing unusual, unless the server owes an answer. Every byte is a sign of life.
        let owed = unconfirmed > 0 || asked;
        let patience = if owed { plan.timeout } else { plan.ping_every };
        received.reserve(READ);
        match timeout(patience, stream.read_buf(&mut received)).await {
            Ok(Ok(0)) => return Err(Lost::Closed),
            Ok(Ok(_)) => asked = false,
            Ok(Err(error)) => return Err(Lost::Broken(error)),
            Err(_) if owed => return Err(Lost::Silent(plan.timeout)),
            Err(_) => {
                send(&mut stream, &command(["PING"]), plan.timeout).await?;
                asked = true;
            }
        }
    }
}

async fn send(stream: &mut TcpStream, bytes: &[u8], patience: Duration) -> Result<(), Lost> {
    match timeout(patience, stream.write_all(bytes)).await {
        Ok(sent) => sent.map_err(Lost::Broken),
        Err(_) => Err(Lost::Silent(patience)),
    }
}

/// What a reply means to a subscriber.
enum Read<'a> {
    Error(String),
    Confirmation,
    Message {
        pattern: Option<&'a [u8]>,
        channel: &'a [u8],
        data: &'a [u8],
    },
    /// A login that worked, an answered PING.
    Other,
}

fn read<'a>(reply: &Reply<'a>) -> Read<'a> {
    match reply {
        Reply::Error(error) => Read::Error(String::from_utf8_lossy(error).into_owned()),
        Reply::Value(_) => Read::Other,
        Reply::Array(parts) => match parts[..] {
            [b"message", channel, data] => Read::Message { pattern: None, channel, data },
            [b"pmessage", pattern, channel, data] => Read::Message { pattern: Some(pattern), channel, data },
            [b"subscribe" | b"psubscribe", ..] => Read::Confirmation,
            _ => Read::Other,
        },
    }
}
