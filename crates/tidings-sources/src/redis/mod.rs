//! `kind = "redis"`: messages of Redis Pub/Sub.
//!
//! One connection serves all channels and patterns. It speaks the few replies of RESP2 that a subscriber can get
//! (`resp`) by itself: a client library would do the reading in a task of its own and hand messages on through an
//! unbounded channel (so does `redis` 1.8), which takes the order of events (read, buffer, log) out of our hands.
//! Here a full buffer stops the reading, the kernel's buffers fill, and Redis waits, within its own limit
//! (`client-output-buffer-limit pubsub`).

mod glob;
mod prefix;
mod resp;
mod route;
mod server;
mod session;
mod subscriptions;

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{backoff::Backoff, events, running::Context};

pub(crate) use {prefix::Prefixes, route::Router, server::Server, subscriptions::Subscriptions};

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
        if started.elapsed() >= Backoff::RECOVERED {
            backoff.reset();
        }
        let pause = backoff.next();
        events::failed(&context.source, &lost, pause);
        sleep(pause).await;
    }
}
