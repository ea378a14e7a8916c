//! Reading the log for those who are behind: a page at a time, a bounded number of pages at once. Pages are read and
//! encoded on the runtime and come back as mail, so that a crowd that resumes does not hold up those who are live.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use super::{Command, Inbox, Shard, SubscriberId, index::SubscriberKey, subscriber::State};
use crate::{
    batch::{Batch, Run},
    control::{ResetReason, reset, retry},
    log::{LogStatus, Page, ReadError, ReadLimit},
    stats::EndReason,
};

/// When the log cannot be read, how long until the browser should try again.
const READ_FAILURE_RETRY_MS: u64 = 5000;

/// A page of the log with its wire bytes.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    batch: Batch,
    /// As [`Page::next`].
    next: u64,
    /// As [`Page::gap`].
    gap: bool,
}

impl From<Page> for Replay {
    fn from(Page { entries, next, gap }: Page) -> Self {
        Self { batch: Batch::encode(&entries), next, gap }
    }
}

impl Shard {
    /// Reads the next page for a subscriber, now or when a read that is under way has ended.
    pub(super) fn read(&mut self, key: SubscriberKey) {
        let subscriber = &mut self.subscribers[key];
        subscriber.state = State::Reading;
        if self.reads >= self.shared.settings.shard.reads.get() {
            self.waiting.push_back(subscriber.id);
            return;
        }
        self.reads += 1;
        self.shared.stats.replay_reads.fetch_add(1, Relaxed);
        let settings = &self.shared.settings;
        let limit = ReadLimit { entries: settings.shard.page_entries, bytes: settings.page_bytes };
        let page = self.shared.log.read(subscriber.cursor, subscriber.selection.clone(), limit);
        let (id, inbox) = (subscriber.id, self.inbox.clone());
        // Sent even when the read panics or the runtime stops, so that its place is given back.
        let answer = Answer { id, inbox, replay: Err(ReadError("the read was abandoned".into())) };
        self.shared.runtime.spawn(async move { answer.send(page.await.map(Replay::from)) });
    }

    /// Takes what was read for a subscriber, who may have left meanwhile, and lets the next one read.
    pub(super) fn replay(&mut self, id: SubscriberId, replay: Result<Replay, ReadError>) {
        self.reads -= 1;
        if let Some(&key) = self.by_id.get(&id) {
            self.replay_to(key, replay);
        }
        while self.reads < self.shared.settings.shard.reads.get() {
            let Some(id) = self.waiting.pop_front() else { break };
            self.with(id, |shard, key| {
                // Not if it has been told to end meanwhile, and its sink is full.
                if matches!(shard.subscribers[key].state, State::Reading) {
                    shard.read(key);
                }
            });
        }
    }

    fn replay_to(&mut self, key: SubscriberKey, replay: Result<Replay, ReadError>) {
        let subscriber = &mut self.subscribers[key];
        match replay {
            // Told to end while it was read: what it has not got it will ask for when it comes back.
            _ if subscriber.ending.is_some() => {}
            Ok(Replay { batch, mut next, gap }) => {
                let (from, is_first) = (subscriber.cursor, std::mem::take(&mut subscriber.unread));
                let is_kept = from < subscriber.kept_to;
                // Where it asked for what is kept, a gap is news only when the log has overtaken it on its way.
                let is_news = |status: &LogStatus| !is_kept || (!is_first && status.oldest > from);
                match gap.then(|| self.shared.log.status()).filter(is_news) {
                    Some(status) => {
                        self.shared.stats.reset(ResetReason::Expired);
                        subscriber.put([reset(ResetReason::Expired, status.oldest_id.as_deref())]);
                    }
                    // What came after it joined is read by itself, so that a gap there is not taken for an old one.
                    None if is_kept => next = next.min(subscriber.kept_to),
                    None => {}
                }
                subscriber.cursor = from.max(next);
                let count = batch.entries().partition_point(|entry| entry.position.offset < next);
                let mut run = Run::default();
                (0..count).for_each(|index| run.push(&batch, index));
                self.put_run(key, &run);
            }
            Err(error) => {
                tracing::error!(%error, "a subscriber could not be caught up; it is told to come back");
                subscriber.put([retry(READ_FAILURE_RETRY_MS)]);
                subscriber.ending = Some(EndReason::LogFailed);
            }
        }
        self.advance(key);
    }
}

/// Mails the page when dropped, however the read has ended.
struct Answer {
    id: SubscriberId,
    inbox: Arc<Inbox>,
    replay: Result<Replay, ReadError>,
}

impl Answer {
    fn send(mut self, replay: Result<Replay, ReadError>) {
        self.replay = replay;
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let replay = std::mem::replace(&mut self.replay, Ok(Replay::default()));
        self.inbox.send(Command::Replay(self.id, replay));
    }
}
