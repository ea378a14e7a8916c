//! A watch over a hub's memory.

use crate::support::Hub;

/// What a hub may have at most, from the moment this was made.
pub(crate) struct Watched<'a> {
    hub: &'a Hub,
    bound: u64,
}

/// The hub's memory must not exceed this many bytes. The kernel keeps the peak, so that none is missed.
pub(crate) fn watch_memory(hub: &Hub, bound: u64) -> Watched<'_> {
    Watched { hub, bound }
}

impl Watched<'_> {
    pub(crate) fn assert_bounded(&self) {
        let (peak, bound) = (self.hub.memory("VmHWM") >> 20, self.bound >> 20);
        eprintln!("peak {peak} MiB, allowed are {bound} MiB");
        assert!(peak <= bound, "{peak} MiB of memory, where {bound} MiB are allowed");
    }
}
