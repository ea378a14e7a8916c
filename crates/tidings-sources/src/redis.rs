//! `kind = "redis"`: messages of Redis Pub/Sub.
//!
//! One connection serves all channels and patterns. Of the `redis` crate it uses what knows the protocol: addresses,
//! commands and the parser of replies. The socket is our own, because a full buffer must stop the reading: the kernel's
//! buffers fill, and Redis waits, within its own limit (`client-output-buffer-limit pubsub`). The crate's connections
//! were tried (1.8.1) and do not do:
//!
//! - `aio::PubSub` reads in a task of its own and hands messages on through an unbounded channel; when the connection
//!   is lost its stream ends, without the reason.
//! - `Connection` (blocking, on a thread of its own) reads on demand. But `PubSub::get_message` swallows everything
//!   that is not a message, the answer to a `PING` too, and after a time-out of `recv_response` the next reply, which may
//!   be a message, is thrown away (`messages_to_skip`). So the answer to a `PING` can only be awaited in one go, of the
//!   whole `timeout`; there is no way to the socket to shut it down, and the thread outlives the source by as much. Also,
//!   `PubSub::subscribe` drops the server's refusal (`NOPERM`, `NOAUTH`: a source would seem to work), dropping a
//!   `PubSub` reads until the server has confirmed that nothing is subscribed to, and a failed login is reported
//!   without the server's words.

mod connection;
mod fuzz;
mod glob;
mod prefix;
mod replies;
mod route;
mod server;
mod session;
mod subscriptions;
mod tls;

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{backoff::Backoff, events, running::Context};

pub use fuzz::{fuzz, fuzz_replies};
pub(crate) use {
    connection::{Connection, Lost, words},
    prefix::{Prefixes, is_guarded, seeming_prefix},
    replies::Malformed,
    route::Router,
    server::Server,
    subscriptions::Subscriptions,
};

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) server: Server,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) router: Router,
    pub(crate) timeout: Duration,
    pub(crate) ping_every: Duration,
}

/// Stays subscribed, connecting anew whenever the connection is lost, until told to stop.
pub(crate) async fn run(plan: Plan, context: &Context) {
    tokio::select! {
        () = subscribe(&plan, context) => {}
        () = context.stopped() => {}
    }
}

async fn subscribe(plan: &Plan, context: &Context) {
    let mut backoff = Backoff::new();
    loop {
        let started = Instant::now();
        let lost = session::run(plan, context).await;
        pause(&lost, started, &mut backoff, context).await;
    }
}

/// Notes that a connection of this age is lost, and waits before the next.
pub(crate) async fn pause(lost: &Lost, started: Instant, backoff: &mut Backoff, context: &Context) {
    if started.elapsed() >= Backoff::RECOVERED {
        backoff.reset();
    }
    let pause = backoff.next();
    events::failed(&context.source, lost, pause);
    sleep(pause).await;
}
