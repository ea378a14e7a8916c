//! The writer's side of the log on disk: drafts groups, writes and flushes them, then lets readers see them; rolls
//! segments, frees old ones, and minds a disk that refuses.

use std::{sync::Arc, time::Duration};

use tidings_hub::{AppendError, Publication};

use super::{
    Durability,
    draft::{Draft, Place},
    files::{UNSYNCED, create_segment, sidecar_name, write_sidecar},
    index::{Active, Index},
    limits::{Limits, oldest_is_expired},
    lock::Lock,
    query::{candidates, oldest_id, verify},
    segment_writer::{Failure, SegmentWriter, flush_failed},
    state::Shared,
    vfs::{TEMPORARY, Vfs},
};
use crate::{
    clock::millis,
    sync::{read, write},
    writer::{Committed, Store},
};

/// How often age, space and flushes are looked at when nothing is published.
const TICK: Duration = Duration::from_secs(1);
/// What must fit on a disk that was full before events are accepted without having been tried.
const PROBE_BYTES: usize = 64 << 10;
/// The times in an index have 32 bits of milliseconds, 49 days.
const MAX_SEGMENT_AGE_MS: u64 = 1 << 31;

pub(crate) struct Appender {
    shared: Arc<Shared>,
    vfs: Arc<dyn Vfs>,
    durability: Durability,
    limits: Limits,
    segment: SegmentWriter,
    /// The time of the newest entry.
    last_time: u64,
    /// Why the log has stopped for good.
    stopped: Option<String>,
    /// A removal that may not be durable yet: the next one waits for it, so that no hole can come to be.
    removal_pending: bool,
    /// Whether the last attempt to complete the active segment failed, which has then been logged.
    roll_failed: bool,
    /// Given back when the writer ends, so that the log can be opened again.
    _lock: Option<Lock>,
}

impl Appender {
    /// Takes over a recovered log, all of which is durable.
    pub(crate) fn new(
        shared: Arc<Shared>,
        vfs: Arc<dyn Vfs>,
        durability: Durability,
        limits: Limits,
        lock: Option<Lock>,
    ) -> Self {
        let (segment, last_time) = {
            let state = read(&shared.state);
            let base = state.active.base().clone();
            let writes = shared.writes.clone();
            let segment =
                SegmentWriter::new(base, writes, state.active.end(), durability, limits.segment_bytes);
            (segment, state.tail.back().map_or(0, |entry| entry.time))
        };
        let mut appender = Self {
            shared,
            vfs,
            durability,
            limits,
            segment,
            last_time,
            stopped: None,
            removal_pending: false,
            roll_failed: false,
            _lock: lock,
        };
        let oldest_id = appender.oldest_id(0);
        write(&appender.shared.state).oldest_id = oldest_id;
        appender.trim();
        appender
    }

    fn place(&mut self) -> Place {
        self.last_time = self.last_time.max(self.shared.clock.now());
        let state = read(&self.shared.state);
        Place {
            epoch: state.epoch(),
            first: state.next(),
            position: self.segment.end(),
            synced: self.segment.synced(),
            key: self.segment.base().head.key,
            time: self.last_time,
        }
    }

    fn draft(&mut self, group: Vec<Vec<Publication>>) -> Draft {
        let mut draft = Draft::new(self.place());
        let shared = &self.shared;
        let lookup = |id: &str| match verify(candidates(shared, id), id) {
            Ok(found) => Ok(found.map(|offset| read(&shared.state).position(offset))),
            Err(error) => Err(AppendError::Unavailable(error.0)),
        };
        for batch in group {
            draft.add(batch, &lookup);
        }
        draft.finish();
        draft
    }

    fn flush(&mut self) -> Result<(), String> {
        let flushed = self.segment.flush();
        if let Err(reason) = &flushed {
            self.stop(reason.clone());
        }
        flushed
    }

    /// Stops the log for good: the system may have dropped what it could not write, so nothing that is written from
    /// here on could be trusted.
    fn stop(&mut self, reason: String) {
        tracing::error!(reason, "the event log has stopped; check the disk, then restart");
        write(&self.shared.state).trouble = Some(reason.clone());
        self.stopped = Some(reason);
    }

    fn refuse(&mut self, reason: &str) {
        let mut state = write(&self.shared.state);
        if state.trouble.is_none() {
            tracing::warn!(reason, "the event log cannot accept events");
        }
        state.trouble = Some(reason.to_owned());
        state.active.set_len(self.segment.len());
    }

    /// Whether the active segment is large, long or old enough to be completed.
    fn is_full(&self) -> bool {
        let state = read(&self.shared.state);
        let Some(since) = state.active.first_time() else { return false };
        let age = self.shared.clock.now().saturating_sub(since);
        u64::from(state.active.end()) >= self.limits.segment_bytes
            || state.active.count() >= self.limits.segment_entries
            || self.limits.segment_age.is_some_and(|limit| age >= millis(limit))
    }

    fn must_roll(&self) -> bool {
        let state = read(&self.shared.state);
        state
            .active
            .first_time()
            .is_some_and(|first| self.shared.clock.now().saturating_sub(first) > MAX_SEGMENT_AGE_MS)
    }

    /// Completes the active segment and goes on in a new one. May be tried again after an error.
    fn roll(&mut self) -> Result<(), String> {
        if let Err(failure) = self.segment.complete() {
            return Err(match failure {
                Failure::Refused(reason) => reason,
                Failure::Fatal(reason) => {
                    self.stop(reason.clone());
                    reason
                }
            });
        }
        write(&self.shared.state).active.set_len(self.segment.len());
        let (lives, next, mut sealed) = {
            let state = read(&self.shared.state);
            (state.lives.clone(), state.next(), state.active.seal())
        };
        let (base, head_len) = create_segment(&*self.vfs, next, lives)
            .map_err(|error| format!("making a new segment of the event log: {error}"))?;
        if let Err(error) = self.vfs.sync_dir() {
            // The new segment may or may not be there after a crash: to go on in the old one would contradict it.
            let reason = flush_failed("the directory", &error);
            self.stop(reason.clone());
            return Err(reason);
        }
        if let Err(error) = write_sidecar(&*self.vfs, &mut sealed) {
            // The log is whole without it; the next start makes it again.
            tracing::warn!(%error, file = sidecar_name(sealed.first()), "could not write the index of a segment");
        }
        self.segment = SegmentWriter::new(
            base.clone(),
            self.shared.writes.clone(),
            head_len,
            self.durability,
            self.limits.segment_bytes,
        );
        write(&self.shared.state).roll(sealed, Active::new(base, head_len));
        Ok(())
    }

    /// A new segment that cannot be made is tried again with every group; meanwhile the present one grows.
    fn roll_if_full(&mut self) {
        if !self.is_full() {
            return;
        }
        match self.roll() {
            Ok(()) => self.roll_failed = false,
            Err(reason) => {
                if !self.roll_failed {
                    tracing::warn!(reason, "could not complete a segment of the event log; will try again");
                }
                self.roll_failed = true;
            }
        }
    }

    /// Frees the segments that the limits of the whole log do not keep.
    fn trim(&mut self) {
        while self.limits.oldest_is_over(&read(&self.shared.state), self.shared.clock.now())
            && self.remove_oldest()
        {}
    }

    /// Frees the segments all of whose entries the topics' rules have let go.
    fn trim_by_topic(&mut self) {
        while oldest_is_expired(&self.shared) && self.remove_oldest() {}
    }

    fn remove_oldest(&mut self) -> bool {
        let Some(oldest) = read(&self.shared.state).sealed.front().cloned() else { return false };
        let name = &oldest.base().name;
        let settled = if self.removal_pending { self.vfs.sync_dir() } else { Ok(()) };
        if let Err(error) = settled.and_then(|()| self.vfs.unlink(name)) {
            tracing::warn!(%error, file = name, "could not free an old segment of the event log");
            return false;
        }
        let oldest_id = self.oldest_id(1);
        write(&self.shared.state).drop_oldest(oldest_id);
        let settled = self.vfs.sync_dir();
        self.removal_pending = settled.is_err();
        if let Err(error) = self.vfs.unlink(&sidecar_name(oldest.first())) {
            tracing::debug!(%error, "could not remove the index of a removed segment");
        }
        settled.is_ok()
    }

    /// The id of the oldest entry once `skip` segments are gone, as far as it can be read.
    fn oldest_id(&self, skip: usize) -> Option<String> {
        oldest_id(&self.shared, skip).unwrap_or_else(|error| {
            tracing::warn!(%error, "could not read the oldest event");
            None
        })
    }

    /// Sees whether a disk that has refused takes bytes again, so that readiness returns without traffic.
    fn probe(&mut self) {
        let name = format!("probe{TEMPORARY}");
        let taken = (|| {
            let file = self.vfs.create(&name)?;
            file.write_all_at(&[0; PROBE_BYTES], 0)?;
            file.sync()
        })();
        let removed = self.vfs.unlink(&name);
        if taken.and(removed).is_ok() {
            tracing::info!("the event log accepts events again");
            write(&self.shared.state).trouble = None;
        }
    }
}

impl Store for Appender {
    fn commit(&mut self, group: Vec<Vec<Publication>>) -> Committed {
        let refusal = match &self.stopped {
            Some(reason) => Some(AppendError::Stopped(reason.clone())),
            None if self.must_roll() => self.roll().err().map(|reason| {
                if self.stopped.is_some() {
                    return AppendError::Stopped(reason);
                }
                self.refuse(&reason);
                AppendError::Unavailable(reason)
            }),
            None => None,
        };
        if let Some(error) = refusal {
            return Committed {
                answers: group.iter().map(|_| Err(error.clone())).collect(),
                entries: Vec::new(),
            };
        }
        let mut draft = self.draft(group);
        if !draft.entries.is_empty() {
            match self.segment.append(&draft.bytes) {
                Ok(()) => {
                    let mut state = write(&self.shared.state);
                    state.push(&draft.entries, &draft.positions, self.segment.end());
                    state.active.set_len(self.segment.len());
                    state.trouble = None;
                }
                Err(Failure::Refused(reason)) => {
                    self.refuse(&reason);
                    draft.fail(&AppendError::Unavailable(reason));
                }
                Err(Failure::Fatal(reason)) => {
                    self.stop(reason.clone());
                    draft.fail(&AppendError::Stopped(reason));
                }
            }
        }
        Committed { answers: draft.answers, entries: draft.entries }
    }

    fn settle(&mut self) {
        if self.stopped.is_none() {
            self.roll_if_full();
        }
        if self.stopped.is_none() {
            self.trim();
        }
    }

    fn tick(&mut self) {
        if self.stopped.is_some() {
            return;
        }
        if matches!(self.durability, Durability::Interval(_)) && self.flush().is_err() {
            return;
        }
        if read(&self.shared.state).trouble.is_some() {
            self.probe();
        }
        self.roll_if_full();
        if self.stopped.is_none() {
            self.trim();
            self.trim_by_topic();
        }
    }

    fn tick_every(&self) -> Duration {
        match self.durability {
            Durability::Interval(pause) => pause.clamp(Duration::from_millis(1), TICK),
            Durability::Always | Durability::None => TICK,
        }
    }

    fn finish(&mut self) {
        if self.stopped.is_some() || self.flush().is_err() || self.durability == Durability::Always {
            return;
        }
        if let Err(error) = self.vfs.unlink(UNSYNCED).and_then(|()| self.vfs.sync_dir()) {
            tracing::warn!(%error, "could not note that the event log was closed well; it will begin a new epoch");
        }
    }
}
