//! What one writes with axum: `Sse` streams over a `tokio::sync::broadcast` channel for each topic.
//!
//! The stream is put together as axum's documentation has it, with its default keep-alive. An event is made once and
//! cloned by the channel, which is kinder than formatting it anew for each subscriber.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    extract::{Path, Query, State},
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
    routing::{get, post},
};
use clap::Parser;
use tidings_peers::ListenOptions;
use tokio::{net::TcpListener, sync::broadcast};
use tokio_stream::{Stream, StreamExt, wrappers::BroadcastStream};

#[derive(Debug, Parser)]
#[command(about = "axum's Sse over tokio's broadcast channels")]
struct Options {
    #[command(flatten)]
    listen: ListenOptions,
    /// How many events a topic's channel keeps for a subscriber who is behind; what is older is lost to it. The
    /// channel takes the memory at once.
    #[arg(long, default_value_t = 1024)]
    capacity: usize,
}

#[derive(Debug)]
struct Hub {
    channels: Mutex<HashMap<String, broadcast::Sender<Event>>>,
    capacity: usize,
    events: AtomicU64,
}

impl Hub {
    fn channel(&self, topic: String) -> broadcast::Sender<Event> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.entry(topic).or_insert_with(|| broadcast::channel(self.capacity).0).clone()
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let hub = Hub { channels: Mutex::default(), capacity: options.capacity, events: AtomicU64::new(0) };
    let routes = Router::new()
        .route("/events", get(subscribe))
        .route("/topics/{topic}", post(publish))
        .with_state(Arc::new(hub));
    let listener = TcpListener::bind(options.listen.listen).await?;
    ListenOptions::announce(listener.local_addr()?);
    Ok(axum::serve(listener, routes).await?)
}

async fn subscribe(
    State(hub): State<Arc<Hub>>,
    Query(mut query): Query<HashMap<String, String>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let channel = hub.channel(query.remove("topic").unwrap_or_default());
    // Who has fallen behind the channel's capacity goes on with what is left.
    let events = BroadcastStream::new(channel.subscribe()).filter_map(Result::ok).map(Ok);
    Sse::new(events).keep_alive(KeepAlive::default())
}

async fn publish(State(hub): State<Arc<Hub>>, Path(topic): Path<String>, data: String) -> String {
    let id = hub.events.fetch_add(1, Ordering::Relaxed).to_string();
    let event = Event::default().id(&id).data(data);
    // The only failure is that nobody is subscribed.
    hub.channel(topic).send(event).ok();
    format!(r#"{{"id":"{id}"}}"#)
}
