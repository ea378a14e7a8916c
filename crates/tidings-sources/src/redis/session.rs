//! One connection's subscriptions, from connecting to its loss.

use std::convert::Infallible;

use redis::Value::{self, Array, BulkString, ServerError};

use super::{
    Plan,
    connection::{Connection, Lost, words},
};
use crate::{events, running::Context};

/// Connects, subscribes and passes messages on until the connection is lost. Dropping the future closes it.
pub(super) async fn run(plan: &Plan, context: &Context) -> Lost {
    match converse(plan, context).await {
        Err(lost) => lost,
        Ok(never) => match never {},
    }
}

async fn converse(plan: &Plan, context: &Context) -> Result<Infallible, Lost> {
    let mut connection = Connection::open(&plan.server, plan.timeout).await?;
    connection.send(&[plan.server.login(), &plan.subscriptions.commands()].concat()).await?;

    let mut unconfirmed = plan.subscriptions.confirmations();
    let mut asked = false;
    loop {
        while let Some(reply) = connection.arrived()? {
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
        if connection.read(patience).await? {
            asked = false;
        } else if owed {
            return Err(Lost::Silent(plan.timeout));
        } else {
            connection.send(&redis::cmd("PING").get_packed_command()).await?;
            asked = true;
        }
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
        ServerError(error) => Read::Refusal(words(error)),
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
