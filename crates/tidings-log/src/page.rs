//! A page of entries being filled up to a reader's limits.

use std::sync::Arc;

use tidings_hub::{Entry, Publication, ReadLimit};

/// Fills a page; the first entry always has room.
pub(crate) struct PageBuilder {
    limit: ReadLimit,
    bytes: usize,
    pub(crate) entries: Vec<Arc<Entry>>,
}

impl PageBuilder {
    pub(crate) fn new(limit: ReadLimit) -> Self {
        Self { limit, bytes: 0, entries: Vec::new() }
    }

    /// Adds the entry, or says that the page is full.
    pub(crate) fn push(&mut self, entry: &Arc<Entry>) -> bool {
        let bytes = read_bytes(&entry.publication);
        if !self.entries.is_empty() && (self.is_full() || self.bytes.saturating_add(bytes) > self.limit.bytes)
        {
            return false;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.entries.push(entry.clone());
        true
    }

    /// Whether no further entry fits for certain.
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= self.limit.entries.get()
    }
}

/// What an entry counts towards [`ReadLimit::bytes`].
fn read_bytes(publication: &Publication) -> usize {
    publication.data.len()
        + publication.id.as_ref().map_or(0, |id| id.len())
        + publication.event.as_ref().map_or(0, |event| event.len())
}

/// About what a publication occupies in memory.
pub(crate) fn memory_bytes(publication: &Publication) -> usize {
    /// The entry itself, its reference counts and the allocator's share.
    const OVERHEAD: usize = 160;
    OVERHEAD
        + read_bytes(publication)
        + publication.topics.iter().map(|topic| topic.as_str().len() + 32).sum::<usize>()
}
