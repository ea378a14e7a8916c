//! Who is subscribed to what, and what waits to be written to them.

use std::collections::HashMap;

use slab::Slab;

use super::{connection::Connection, request};

/// The topics that anybody has named.
#[derive(Debug, Default)]
pub(super) struct Topics {
    by_name: HashMap<Box<[u8]>, usize>,
    topics: Vec<Topic>,
    /// Those with a batch to write.
    waiting: Vec<usize>,
    /// Counts the events of all topics, as the hub's offsets do.
    next_offset: u64,
    /// An event's bytes, while they are written.
    event: Vec<u8>,
}

#[derive(Debug, Default)]
struct Topic {
    subscribers: Vec<usize>,
    batch: Vec<u8>,
}

impl Topics {
    /// Adds a subscriber; says which topic it is for [`unsubscribe`](Self::unsubscribe).
    pub(super) fn subscribe(&mut self, name: &[u8], subscriber: usize) -> usize {
        let index = self.index(name);
        self.topics[index].subscribers.push(subscriber);
        index
    }

    pub(super) fn unsubscribe(&mut self, topic: usize, subscriber: usize) {
        let subscribers = &mut self.topics[topic].subscribers;
        if let Some(at) = subscribers.iter().position(|&key| key == subscriber) {
            subscribers.swap_remove(at);
        }
    }

    /// Writes an event to its topic's subscribers; returns its offset.
    pub(super) fn publish(&mut self, name: &[u8], data: &[u8], connections: &mut Slab<Connection>) -> u64 {
        let offset = self.take_offset();
        let index = self.index(name);
        self.event.clear();
        request::encode_event(offset, data, &mut self.event);
        write(&self.topics[index].subscribers, &self.event, connections);
        offset
    }

    /// Keeps an event for its topic's next batch; returns its offset.
    pub(super) fn collect(&mut self, name: &[u8], data: &[u8]) -> u64 {
        let offset = self.take_offset();
        let index = self.index(name);
        let batch = &mut self.topics[index].batch;
        if batch.is_empty() {
            self.waiting.push(index);
        }
        request::encode_event(offset, data, batch);
        offset
    }

    pub(super) fn has_batches(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The topics with a batch to write, for [`take_batch`](Self::take_batch).
    pub(super) fn take_waiting(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.waiting)
    }

    /// A topic's batch, and whom to write it to.
    pub(super) fn take_batch(&mut self, topic: usize) -> (Vec<usize>, Vec<u8>) {
        let topic = &mut self.topics[topic];
        (topic.subscribers.clone(), std::mem::take(&mut topic.batch))
    }

    fn take_offset(&mut self) -> u64 {
        let offset = self.next_offset;
        self.next_offset += 1;
        offset
    }

    fn index(&mut self, name: &[u8]) -> usize {
        if let Some(&index) = self.by_name.get(name) {
            return index;
        }
        let index = self.topics.len();
        self.by_name.insert(name.into(), index);
        self.topics.push(Topic::default());
        index
    }
}

fn write(subscribers: &[usize], bytes: &[u8], connections: &mut Slab<Connection>) {
    for &subscriber in subscribers {
        if let Some(connection) = connections.get_mut(subscriber) {
            connection.write(bytes);
        }
    }
}
