//! Measuring the server in the course of a run.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::Error,
    report::ServerReport,
    server::{Memory, Server},
};

/// Between two looks at the memory.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// For a server to come to rest after many have come, and after they have left: allocators give back memory late.
const REST: Duration = Duration::from_secs(1);

/// Measures the server, if its process was named.
#[derive(Debug)]
pub(crate) struct Meter {
    server: Option<Server>,
    before: Memory,
    held: Memory,
    after: Memory,
    peak: u64,
    looked: Instant,
    cpu_before: Duration,
    cpu: Duration,
}

impl Meter {
    pub(crate) fn new(pids: &[i32]) -> Result<Self, Error> {
        Ok(Self {
            server: Server::new(pids)?,
            before: Memory::default(),
            held: Memory::default(),
            after: Memory::default(),
            peak: 0,
            looked: Instant::now(),
            cpu_before: Duration::ZERO,
            cpu: Duration::ZERO,
        })
    }

    /// Nobody has subscribed.
    pub(crate) fn before(&mut self) {
        self.before = self.memory();
    }

    /// All have subscribed.
    pub(crate) fn held(&mut self) {
        self.rest();
        self.held = self.memory();
        self.peak = self.held.anonymous;
    }

    /// The work begins.
    pub(crate) fn begin(&mut self) {
        self.cpu_before = self.cpu();
    }

    /// The work is going on.
    pub(crate) fn look(&mut self) {
        if self.looked.elapsed() >= LOOK_EVERY {
            self.looked = Instant::now();
            self.peak = self.peak.max(self.memory().anonymous);
        }
    }

    /// The work is done.
    pub(crate) fn end(&mut self) {
        self.cpu = self.cpu().saturating_sub(self.cpu_before);
        self.peak = self.peak.max(self.memory().anonymous);
    }

    /// All have left.
    pub(crate) fn after(&mut self) {
        self.rest();
        self.after = self.memory();
    }

    /// What was measured.
    pub(crate) fn report(&self, held: usize, delivered: u64, acknowledged: u64) -> Option<ServerReport> {
        self.server.as_ref()?;
        let each = |count: u64| (count > 0).then(|| self.cpu.as_secs_f64() * 1e6 / count as f64);
        let growth = self.held.anonymous as f64 - self.before.anonymous as f64;
        Some(ServerReport {
            cpu_seconds: self.cpu.as_secs_f64(),
            cpu_us_per_delivery: each(delivered),
            cpu_us_per_publish: each(acknowledged),
            memory_before: self.before.anonymous,
            memory_held: self.held.anonymous,
            memory_peak: self.peak,
            memory_after: self.after.anonymous,
            memory_per_connection: (held > 0).then(|| growth / held as f64),
            pss_before: self.before.proportional,
            pss_held: self.held.proportional,
            pss_after: self.after.proportional,
        })
    }

    fn memory(&self) -> Memory {
        self.server.as_ref().map(Server::memory).unwrap_or_default()
    }

    fn cpu(&self) -> Duration {
        self.server.as_ref().map(Server::cpu).unwrap_or_default()
    }

    fn rest(&self) {
        if self.server.is_some() {
            thread::sleep(REST);
        }
    }
}
