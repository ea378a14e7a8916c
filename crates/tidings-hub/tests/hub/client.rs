//! A client as browsers are: it reads at its own pace, loses its connection, and comes back with the last id it saw.

use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use tidings_hub::{EARLIEST, Naming, Position, ReadRights, Selection, Start, SubscribeError, Subscription};
use tidings_stream::{Decoder, Event, Item};

use crate::{
    model::World,
    oracle::{Connection, Published, Seen},
    support::soon,
    transport::Transport,
};

/// How a client reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    AtOnce,
    /// With a pause before each chunk.
    Slowly,
    /// Some chunks at once, then a long pause.
    InBursts,
    /// Nothing for long, then everything.
    Later,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) selection: Selection,
    /// It may come back with others: those of today count.
    pub(crate) read: Vec<Arc<ReadRights>>,
    pub(crate) start: Start,
    pub(crate) naming: Naming,
    pub(crate) sockets: Vec<Box<str>>,
    pub(crate) pace: Pace,
    /// After about how many chunks it loses its connection; 0 for never.
    pub(crate) breaks_after: usize,
    pub(crate) rng: Rng,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By the client.
    Dropped,
    /// By the hub.
    Closed { hub_was_gone: bool },
}

/// A connection as it was; what its items mean is found out when all that was published is known.
#[derive(Debug)]
pub(crate) struct Raw {
    connection: Connection,
    items: Vec<Item>,
    ended: Ended,
}

impl Client {
    /// Reads, connection after connection, until the world's last event.
    pub(crate) async fn run(mut self, world: &World) -> Vec<Raw> {
        let mut connections = Vec::new();
        let mut last_id = String::new();
        loop {
            let start = match last_id.as_str() {
                "" => self.start.clone(),
                EARLIEST => Start::Earliest,
                id => Start::After(id.to_owned()),
            };
            let before = world.moment();
            let (hub, generation) = world.hub();
            let prelude = bytes::Bytes::from_static(b":hello\n\n");
            let read = self.rng.choice(&self.read).cloned().unwrap_or_default();
            let subscription = Subscription {
                prelude,
                read: read.clone(),
                naming: self.naming.clone(),
                sockets: self.sockets.clone(),
                ..Subscription::new(self.selection.clone(), start.clone())
            };
            let transport = self.rng.choice(Transport::ALL).unwrap_or(Transport::Body);
            let subscribed = soon("subscribe", transport.subscribe(&hub, subscription)).await;
            drop(hub);
            let mut stream = match subscribed {
                Ok(stream) => stream,
                Err(SubscribeError::Draining { .. } | SubscribeError::Log(_)) => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    continue;
                }
                Err(error) => panic!("{error}"),
            };
            let after = world.moment();
            if start == Start::Live && world.is_ending() {
                // The last event may be behind it already, and it has no id to ask with.
                self.start = Start::Earliest;
                continue;
            }
            let mut decoder = Decoder::with_last_id(last_id.clone());
            let (mut items, mut ended) = (Vec::new(), None);
            let mut chunks_left = match self.breaks_after {
                0 => usize::MAX,
                about => self.rng.usize(0..2 * about),
            };
            while ended.is_none() {
                if chunks_left == 0 && !world.is_ending() {
                    ended = Some(Ended::Dropped);
                    break;
                }
                chunks_left = chunks_left.saturating_sub(1);
                self.pause(items.len(), world).await;
                let what = format!("more behind {:?} of {:?} from {start:?}", items.last(), self.selection);
                let Some(mut bytes) = soon(&what, stream.next()).await else {
                    ended = Some(Ended::Closed { hub_was_gone: world.generation() > generation });
                    break;
                };
                // What stands behind the last event in the same bytes, a heartbeat, is not read any more.
                while let Some(item) = decoder.decode(&mut bytes).filter(|_| ended.is_none()) {
                    items.push(item.unwrap());
                    if matches!(items.last(), Some(Item::Event(event)) if is_last(event)) {
                        ended = Some(Ended::Dropped);
                    }
                }
            }
            drop(stream);
            last_id = decoder.last_id().to_owned();
            let is_last = matches!(items.last(), Some(Item::Event(event)) if is_last(event));
            let (selection, naming) = (self.selection.clone(), self.naming.clone());
            let sockets = self.sockets.clone();
            let connection =
                Connection { selection, read, naming, sockets, start, before, after, seen: Vec::new() };
            connections.push(Raw { connection, items, ended: ended.unwrap_or(Ended::Dropped) });
            if is_last {
                return connections;
            }
        }
    }

    async fn pause(&mut self, items: usize, world: &World) {
        let most = match self.pace {
            Pace::Slowly => 2,
            Pace::InBursts if self.rng.u8(..8) == 0 => 15,
            Pace::Later if items == 0 => 60,
            _ => 0,
        };
        if most > 0 && !world.is_ending() {
            tokio::time::sleep(Duration::from_millis(self.rng.u64(..=most))).await;
        }
    }
}

impl Raw {
    /// Compares every byte that came with what was published, and says which events they were.
    pub(crate) fn into_connection(
        self,
        published: &Published,
        serials: &Serials,
    ) -> Result<Connection, String> {
        let mut connection = self.connection;
        let mut retry = None;
        // How many of an event's names it has come by.
        let mut names_seen = 0;
        for (index, item) in self.items.iter().enumerate() {
            match item {
                Item::Comment(text) => match (index, text.as_str()) {
                    // The first, and heartbeats.
                    (_, "") | (1, "hello") => {}
                    other => return Err(format!("an unexpected comment: {other:?}")),
                },
                Item::Retry(ms) => retry = Some(*ms),
                // The cursor of one who gets nothing at first: behind it is all that comes from its start on.
                Item::LastId(id) if index == 2 => {
                    let next = match id.as_str() {
                        EARLIEST => 0,
                        id => id.parse::<Position>().map_err(|error| error.to_string())?.offset + 1,
                    };
                    if !(connection.before.next..=connection.after.next).contains(&next) {
                        return Err(format!("the cursor {id} for one who joined between {connection:?}"));
                    }
                }
                Item::LastId(id) => return Err(format!("an id without an event: {id}")),
                Item::Event(event) if event.event == "tidings.reset" => {
                    let body: serde_json::Value =
                        serde_json::from_str(&event.data).map_err(|e| e.to_string())?;
                    let reason = body["reason"].as_str().unwrap_or_default().to_owned();
                    connection.seen.push(Seen::Reset(reason));
                    if retry.is_some() {
                        return Err("a reset behind a retry".into());
                    }
                }
                Item::Event(event) if event.event == "general.ping" => {}
                Item::Event(event) => {
                    let serial = event.data.split('|').next().unwrap_or_default();
                    let serial = serial.trim_start_matches('"');
                    let Some(&(ref id, offset)) = serials.get(serial) else {
                        return Err(format!("{serial} was never accepted"));
                    };
                    let publication = &published[&offset];
                    let names = connection.names(publication);
                    names_seen += 1;
                    // The cursor moves with the last.
                    let id = if names_seen == names.len() { id.as_str() } else { event.id.as_str() };
                    let data = std::str::from_utf8(&publication.data).unwrap_or_default();
                    let data = match connection.naming {
                        Naming::Channel => serde_json::Value::from(data).to_string(),
                        _ => data.to_owned(),
                    };
                    let name = names.get(names_seen - 1).map(String::as_str);
                    let expected = (id, name, data.as_str(), publication.retry);
                    let got =
                        (event.id.as_str(), Some(event.event.as_str()), event.data.as_str(), retry.take());
                    if got != expected {
                        return Err(format!("{got:?} came for {expected:?}"));
                    }
                    if names_seen == names.len() {
                        names_seen = 0;
                        connection.seen.push(Seen::Event(offset));
                    }
                }
            }
        }
        match (self.ended, retry) {
            (Ended::Closed { .. }, Some(_)) => connection.seen.push(Seen::Retry),
            (Ended::Closed { hub_was_gone: false }, None) => {
                return Err("the stream ended without saying when to come back".into());
            }
            _ => {}
        }
        Ok(connection)
    }
}

/// Whether it is the world's last event, as it is or as JSON.
fn is_last(event: &Event) -> bool {
    event.data.trim_matches('"') == World::LAST
}

/// By what an event's data begin with: its id and its offset.
pub(crate) type Serials = std::collections::HashMap<String, (String, u64)>;
