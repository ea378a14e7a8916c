//! What the tests of sources share: a hub to publish to, waiting on conditions, a real Redis server.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod certificates;
pub(crate) mod redis;

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use tidings_hub::{Entry, Hub, ReadLimit, Selection, Settings};
use tidings_log::{Memory, Retention};
use tidings_sources::{SourceConfig, Sources, start};

/// How long anything may take before a test fails: far more than it needs on a slow and busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// A hub with the memory engine, and the sources that publish to it.
pub(crate) struct Fixture {
    pub(crate) hub: Hub,
    pub(crate) sources: Sources,
}

impl Fixture {
    /// Starts sources from the TOML of one `[[source]]` each.
    pub(crate) fn start<const N: usize>(sources: [&str; N]) -> Self {
        let hub = hub();
        let configs = sources.map(config);
        let sources = start(&configs, &hub, &tokio::runtime::Handle::current()).unwrap();
        Self { hub, sources }
    }

    /// All events of the log.
    pub(crate) async fn events(&self) -> Vec<Arc<Entry>> {
        let limit = ReadLimit { entries: NonZeroUsize::new(1_000_000).unwrap(), bytes: usize::MAX };
        let (mut events, mut next) = (Vec::new(), 0);
        loop {
            let page = self.hub.log().read(next, Arc::new(Selection::all()), limit).await.unwrap();
            events.extend(page.entries);
            if page.next == next {
                return events;
            }
            next = page.next;
        }
    }

    /// Waits until there are this many events at least, and returns all.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Arc<Entry>> {
        let deadline = Instant::now() + BOUND;
        loop {
            let events = self.events().await;
            if events.len() >= count {
                return events;
            }
            assert!(
                Instant::now() < deadline,
                "{} of {count} events came: {:?}",
                events.len(),
                self.sources.status()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until a condition holds.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&Sources) -> bool) {
        let deadline = Instant::now() + BOUND;
        while !condition(&self.sources) {
            assert!(Instant::now() < deadline, "not {what}: {:?}", self.sources.status());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A hub over an empty log in memory.
fn hub() -> Hub {
    let log = Memory::new(Retention::default()).unwrap();
    Hub::start(Arc::new(log), Settings::default()).unwrap()
}

/// The configuration of one source.
pub(crate) fn config(toml: &str) -> SourceConfig {
    toml::from_str(toml).unwrap()
}

/// Topic and data of each event, as text.
pub(crate) fn pairs(events: &[Arc<Entry>]) -> Vec<(String, String)> {
    let pair = |entry: &Arc<Entry>| {
        let publication = &entry.publication;
        (publication.topics[0].to_string(), String::from_utf8(publication.data.to_vec()).unwrap())
    };
    events.iter().map(pair).collect()
}

/// The data of each event, as text.
pub(crate) fn data(events: &[Arc<Entry>]) -> Vec<String> {
    pairs(events).into_iter().map(|(_, data)| data).collect()
}
