//! A group of subscribers, of the kind that its plan calls for.

use std::{io, sync::mpsc::Receiver};

use mio::Waker;

use crate::{
    error::Error,
    protocol::{Note, Order, Plan},
    streams::Streams,
    subscribers::Subscribers,
};

/// A group of subscribers, which follows orders.
pub(super) enum Group {
    /// Plain HTTP/1.1, of which there may be many.
    Polled(Box<Subscribers>),
    /// Anything else.
    Streams(Box<Streams>),
}

impl Group {
    /// The group, and what is to be woken after an order, if anything is.
    pub(super) fn new(plan: Plan) -> Result<(Self, Option<Waker>), Error> {
        if plan.http2 || plan.url.starts_with("https:") {
            return Ok((Self::Streams(Box::new(Streams::new(plan)?)), None));
        }
        let (subscribers, waker) = Subscribers::new(plan)?;
        Ok((Self::Polled(Box::new(subscribers)), Some(waker)))
    }

    /// Follows orders until told to stop.
    pub(super) fn run(self, orders: &Receiver<Order>, tell: impl FnMut(Note)) -> io::Result<()> {
        match self {
            Self::Polled(subscribers) => subscribers.run(orders, tell),
            Self::Streams(streams) => streams.run(orders, tell),
        }
    }
}
