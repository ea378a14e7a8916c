//! How a source is: what metrics, `/stats` and `/readyz` ask.

use std::{
    collections::HashSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

/// For how many names a source says what is said once for each.
const MAX_NAMES: usize = 100;

/// What a source is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceState {
    /// It has not reached anything yet, and has not failed either.
    Starting,
    /// It works: connected, answered, running.
    Running,
    /// It does not work at present, or the log does not take its events; it tries again by itself.
    Retrying,
}

impl SourceState {
    /// Whether nothing is known to be wrong.
    pub fn is_ready(self) -> bool {
        self != Self::Retrying
    }

    /// The state in a word: `starting`, `running` or `retrying`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Retrying => "retrying",
        }
    }
}

/// How a source is, at one moment. It holds no secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// What logs and metrics call the source; unique among the sources.
    pub name: String,
    /// `redis`, `redis_stream`, `http_poll`, `command` or `clock`.
    pub kind: &'static str,
    /// What it is doing.
    pub state: SourceState,
    /// Since when.
    pub since: SystemTime,
    /// Why it is retrying.
    pub detail: Option<String>,
    /// Events that the log has accepted from it, since the program's start.
    pub events: u64,
    /// Failures since the program's start: lost and refused connections, failed requests, programs that ended,
    /// batches that the log did not accept.
    pub failures: u64,
    /// Events that were received and could not be published, since the program's start.
    pub dropped: u64,
    /// Events of which something had to be altered since the program's start: data that was not UTF-8, a name that
    /// cannot be an event type.
    pub altered: u64,
}

/// Keeps a source's status. Changed by the functions in `events` only, which also log.
#[derive(Debug)]
pub(crate) struct Tracker {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) events: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) altered: AtomicU64,
    condition: Mutex<Condition>,
}

/// Two things can be in trouble, each on its own: where events come from, and the log they go to.
#[derive(Debug)]
struct Condition {
    origin: SourceState,
    origin_trouble: Option<String>,
    log_trouble: Option<String>,
    since: SystemTime,
    warned: HashSet<&'static str>,
    /// What was warned about, each for several names.
    warned_of: HashSet<(&'static str, String)>,
}

impl Condition {
    fn state(&self) -> SourceState {
        match self.log_trouble {
            Some(_) => SourceState::Retrying,
            None => self.origin,
        }
    }

    /// Makes a change, and notes the time if it changes the state.
    fn change(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.state();
        change(self);
        if self.state() != before {
            self.since = SystemTime::now();
        }
    }
}

impl Tracker {
    pub(crate) fn new(name: String, kind: &'static str) -> Self {
        Self {
            name,
            kind,
            events: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            altered: AtomicU64::new(0),
            condition: Mutex::new(Condition {
                origin: SourceState::Starting,
                origin_trouble: None,
                log_trouble: None,
                since: SystemTime::now(),
                warned: HashSet::new(),
                warned_of: HashSet::new(),
            }),
        }
    }

    /// Where events come from works. Tells whether it did not before.
    pub(crate) fn origin_works(&self) -> bool {
        let mut condition = self.condition();
        let news = condition.origin != SourceState::Running;
        condition.change(|condition| {
            condition.origin = SourceState::Running;
            condition.origin_trouble = None;
        });
        news
    }

    /// Where events come from does not work.
    pub(crate) fn origin_fails(&self, why: String) {
        self.condition().change(|condition| {
            condition.origin = SourceState::Retrying;
            condition.origin_trouble = Some(why);
        });
    }

    /// The log takes events (`None`) or does not. Tells whether that is news.
    pub(crate) fn log_trouble(&self, why: Option<String>) -> bool {
        let mut condition = self.condition();
        let news = condition.log_trouble.is_some() != why.is_some();
        condition.change(|condition| condition.log_trouble = why);
        news
    }

    /// Whether this is the first time that somebody asks about `what`: for what is worth one line and not a thousand.
    pub(crate) fn once(&self, what: &'static str) -> bool {
        self.condition().warned.insert(what)
    }

    /// The same for each of a number of names. They come from outside, and are kept: beyond [`MAX_NAMES`] nobody is told.
    pub(crate) fn once_for(&self, what: &'static str, name: &str) -> bool {
        let warned_of = &mut self.condition().warned_of;
        warned_of.len() < MAX_NAMES && warned_of.insert((what, name.to_owned()))
    }

    pub(crate) fn status(&self) -> SourceStatus {
        let condition = self.condition();
        SourceStatus {
            name: self.name.clone(),
            kind: self.kind,
            state: condition.state(),
            since: condition.since,
            detail: condition.log_trouble.clone().or_else(|| condition.origin_trouble.clone()),
            events: self.events.load(Relaxed),
            failures: self.failures.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            altered: self.altered.load(Relaxed),
        }
    }

    fn condition(&self) -> MutexGuard<'_, Condition> {
        // No change leaves the condition half made, so one whose maker panicked is as good as any.
        self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_trouble_makes_a_source_retry() {
        let tracker = Tracker::new("s".to_owned(), "clock");
        assert_eq!(tracker.status().state, SourceState::Starting);
        assert!(tracker.origin_works());
        assert!(!tracker.origin_works());
        assert!(tracker.log_trouble(Some("full".to_owned())));
        assert!(!tracker.log_trouble(Some("full".to_owned())));
        assert_eq!(tracker.status().state, SourceState::Retrying);
        assert_eq!(tracker.status().detail.as_deref(), Some("full"));
        tracker.origin_fails("refused".to_owned());
        assert!(tracker.log_trouble(None));
        assert_eq!(tracker.status().detail.as_deref(), Some("refused"));
        assert!(tracker.origin_works());
        assert_eq!((tracker.status().state, tracker.status().detail), (SourceState::Running, None));
    }
}
