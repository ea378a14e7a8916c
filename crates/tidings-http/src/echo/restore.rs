//! What the log keeps of connections, read: of one that comes back, and at the start of all, in the background.

use std::sync::{Arc, Weak};

use tidings_hub::{Entry, Hub, ReadError, Selection, Selector, Topic};

use super::{
    connections::Shared,
    record::{self, Record},
    socket_id::SocketId,
};

/// How many topics are looked up at once.
const PAGE: usize = 500;

/// What is kept of a connection. What is not private is not of this front.
///
/// # Errors
/// When the log cannot be read.
pub(super) async fn record(hub: &Hub, socket: &SocketId) -> Result<Option<Record>, ReadError> {
    match record::topic(socket) {
        Some(topic) => {
            let newest = hub.newest(&topic).await?.filter(|entry: &Arc<Entry>| entry.publication.private);
            Ok(newest.and_then(|entry| Record::read(&entry.publication.data)))
        }
        None => Ok(None),
    }
}

/// Finds those who were in presence channels when the hub was stopped, or has died. They may be back in a moment.
pub(super) async fn all(hub: Hub, shared: Weak<Shared>) {
    match read_all(&hub, &shared).await {
        Ok(()) => shared.upgrade().into_iter().for_each(|shared| shared.all_restored()),
        Err(error) => {
            tracing::warn!(%error, "who was in presence channels before the start cannot be read");
        }
    }
}

async fn read_all(hub: &Hub, shared: &Weak<Shared>) -> Result<(), ReadError> {
    let Some(pattern) = record::topics() else { return Ok(()) };
    let selection: Arc<Selection> = Arc::new([Selector::Pattern(pattern)].into_iter().collect());
    let mut after: Option<Topic> = None;
    loop {
        let page = hub.log().topics(selection.clone(), after.take(), PAGE).await?;
        for topic in page.iter().map(|kept| &kept.topic) {
            let Some(socket) = record::socket_of(topic) else { continue };
            let Some(record) = record(hub, &socket).await?.filter(|record| !record.left) else { continue };
            if record.rooms().next().is_none() {
                continue;
            }
            let Some(shared) = Weak::upgrade(shared) else { return Ok(()) };
            Arc::clone(&shared).restore(socket, record);
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.topic.clone()),
            _ => return Ok(()),
        }
    }
}
