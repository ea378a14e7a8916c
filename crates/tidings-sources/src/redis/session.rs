//! One connection to Redis, from connecting to its loss.

use std::{fmt, io, time::Duration};

use redis::Value::{self, Array, BulkString, ServerError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{
    Plan,
    replies::{Malformed, Replies},
    server::Stream,
};
use crate::{events, running::Context};

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
    let mut stream = match timeout(plan.timeout, plan.server.connect()).await {
        Ok(connected) => connected.map_err(Lost::NotReached)?,
        Err(_) => return Err(Lost::NotReachedInTime(plan.timeout)),
    };
    let greeting = [plan.server.login(), &plan.subscriptions.commands()].concat();
    send(&mut *stream, &greeting, plan.timeout).await?;

    let mut unconfirmed = plan.subscriptions.confirmations();
    let mut asked = false;
    let mut replies = Replies::new();
    loop {
        while let Some(reply) = replies.next().map_err(Lost::Malformed)? {
            let publication = match read(&reply) {
                Read::Refusal(error) => return Err(Lost::Refused(error)),
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
            if let Some(publication) = publication {
                // Waits while the buffer is full, and nothing is read meanwhile.
                context.outbox.push(publication, &context.source).await;
            }
        }
        // Silence is nothing unusual, unless the server owes an answer. Every byte is a sign of life.
        let owed = unconfirmed > 0 || asked;
        let patience = if owed { plan.timeout } else { plan.ping_every };
        match timeout(patience, stream.read_buf(replies.room())).await {
            Ok(Ok(0)) => return Err(Lost::Closed),
            Ok(Ok(_)) => asked = false,
            Ok(Err(error)) => return Err(Lost::Broken(error)),
            Err(_) if owed => return Err(Lost::Silent(plan.timeout)),
            Err(_) => {
                send(&mut *stream, &redis::cmd("PING").get_packed_command(), plan.timeout).await?;
                asked = true;
            }
        }
    }
}

async fn send(stream: &mut dyn Stream, bytes: &[u8], patience: Duration) -> Result<(), Lost> {
    // What TLS has encrypted leaves with the flush.
    let sending = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    match timeout(patience, sending).await {
        Ok(sent) => sent.map_err(Lost::Broken),
        Err(_) => Err(Lost::Silent(patience)),
    }
}

/// What a reply means to a subscriber.
enum Read<'a> {
    Refusal(String),
    Confirmation,
    Message {
        pattern: Option<&'a [u8]>,
        channel: &'a [u8],
        data: &'a [u8],
    },
    /// A login that worked, an answered PING.
    Other,
}

fn read(reply: &Value) -> Read<'_> {
    match reply {
        ServerError(error) => {
            Read::Refusal([error.code(), error.details().unwrap_or_default()].join(" ").trim_end().to_owned())
        }
        Array(parts) => match &parts[..] {
            [BulkString(kind), BulkString(channel), BulkString(data)] if kind == b"message" => {
                Read::Message { pattern: None, channel, data }
            }
            [BulkString(kind), BulkString(pattern), BulkString(channel), BulkString(data)]
                if kind == b"pmessage" =>
            {
                Read::Message { pattern: Some(pattern), channel, data }
            }
            [BulkString(kind), ..] if kind == b"subscribe" || kind == b"psubscribe" => Read::Confirmation,
            _ => Read::Other,
        },
        _ => Read::Other,
    }
}
