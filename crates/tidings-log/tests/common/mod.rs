//! The engines under test, and small helpers.

#![allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    clippy::unwrap_used,
    reason = "shared by several test programs, each using its part; tests unwrap"
)]

use std::{num::NonZeroUsize, sync::Arc};

use tempfile::TempDir;
use tidings_hub::{Entry, Follower, Log, Pattern, Publication, ReadLimit, Selection, Selector, Topic};
use tidings_log::{Clock, Disk, DiskSettings, Durability, Memory, Retention};

/// An engine and how it is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Memory,
    Disk,
    /// Segments of a few dozen events and nothing cached, so that everything crosses segments and reads files.
    SmallDisk,
    /// As the small one, flushing only now and then.
    RelaxedDisk,
}

/// A log and what it needs to be opened again.
pub struct Rig {
    pub engine: Engine,
    pub log: Option<Arc<dyn Log>>,
    pub clock: Clock,
    retention: Retention,
    dir: TempDir,
}

impl Rig {
    pub fn new(engine: Engine, retention: Retention) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut rig = Self { engine, log: None, clock: Clock::manual(1_000_000_000_000), retention, dir };
        rig.open();
        rig
    }

    pub fn log(&self) -> &Arc<dyn Log> {
        self.log.as_ref().unwrap()
    }

    fn open(&mut self) {
        let mut settings = DiskSettings {
            retention: self.retention.clone(),
            clock: self.clock.clone(),
            ..DiskSettings::new(self.dir.path())
        };
        let small = matches!(self.engine, Engine::SmallDisk | Engine::RelaxedDisk);
        if small {
            settings.segment_bytes = Some(2048);
            settings.cache_bytes = 0;
        }
        if self.engine == Engine::RelaxedDisk {
            settings.durability = Durability::None;
        }
        self.log = Some(match self.engine {
            Engine::Memory => {
                Arc::new(Memory::with_clock(self.retention.clone(), self.clock.clone()).unwrap())
            }
            _ => Arc::new(Disk::open(settings).unwrap()),
        });
    }

    /// Closes the log well and opens it again; says whether that is possible for this engine.
    pub async fn reopen(&mut self) -> bool {
        if self.engine == Engine::Memory {
            return false;
        }
        self.log().close().await;
        self.log = None;
        self.open();
        true
    }
}

pub fn topic(name: impl AsRef<str>) -> Topic {
    Topic::new(name).unwrap()
}

pub fn publication(name: &str, data: &str, id: Option<&str>) -> Publication {
    Publication { id: id.map(Into::into), ..Publication::new(topic(name), data.to_owned()) }
}

/// A selection of names and patterns.
pub fn selection(names: &[&str]) -> Arc<Selection> {
    let selector = |name: &&str| match name.contains('*') {
        true => Selector::Pattern(Pattern::new(name).unwrap()),
        false => Selector::Exact(topic(name)),
    };
    Arc::new(names.iter().map(selector).collect())
}

pub fn limit(entries: usize, bytes: usize) -> ReadLimit {
    ReadLimit { entries: NonZeroUsize::new(entries).unwrap(), bytes }
}

/// Everything from an offset on, page by page.
pub async fn read_all(log: &dyn Log, mut from: u64, selection: Arc<Selection>) -> Vec<Arc<Entry>> {
    let mut entries = Vec::new();
    loop {
        let page = log.read(from, selection.clone(), limit(7, 300)).await.unwrap();
        entries.extend(page.entries);
        if page.next <= from {
            return entries;
        }
        from = page.next;
    }
}

/// A follower that passes everything on.
pub struct Passing(pub tokio::sync::mpsc::UnboundedSender<Arc<Entry>>);

impl Follower for Passing {
    fn committed(&self, entries: &[Arc<Entry>], _: std::time::Instant) {
        for entry in entries {
            self.0.send(entry.clone()).ok();
        }
    }
}
