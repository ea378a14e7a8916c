//! How much memory there is left.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// What is refused for want of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemoryPressure {
    /// Nothing.
    None,
    /// New streams: whoever is there goes on being served.
    Streams,
    /// And what is published, because memory went on growing without new streams.
    All,
}

/// Where it stands. Written by one task.
#[derive(Debug, Default)]
pub(super) struct Memory(AtomicU8);

impl Memory {
    pub(super) fn pressure(&self) -> MemoryPressure {
        match self.0.load(Relaxed) {
            0 => MemoryPressure::None,
            1 => MemoryPressure::Streams,
            _ => MemoryPressure::All,
        }
    }

    /// Takes note of so many bytes. Above the ceiling no stream begins, and an eighth above it nothing is published; below
    /// nine tenths of either that is over, so that it does not come and go with each event.
    pub(super) fn note(&self, bytes: u64, ceiling: Option<u64>) -> Option<MemoryPressure> {
        let before = self.pressure();
        let is_above = |was: bool, ceiling: u64| {
            let least = if was { ceiling / 10 * 9 } else { ceiling };
            bytes > least
        };
        let now = match ceiling {
            None => MemoryPressure::None,
            Some(ceiling) if is_above(before == MemoryPressure::All, ceiling.saturating_add(ceiling / 8)) => {
                MemoryPressure::All
            }
            Some(ceiling) if is_above(before != MemoryPressure::None, ceiling) => MemoryPressure::Streams,
            Some(_) => MemoryPressure::None,
        };
        self.0.store(now as u8, Relaxed);
        (now != before).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_streams_then_everything_and_back_with_some_distance() {
        let memory = Memory::default();
        for (bytes, change) in [
            (1000, None),
            (1001, Some(MemoryPressure::Streams)),
            (950, None),
            (1126, Some(MemoryPressure::All)),
            (1020, None),
            (1000, Some(MemoryPressure::Streams)),
            (900, Some(MemoryPressure::None)),
            (1000, None),
            (2000, Some(MemoryPressure::All)),
            (10, Some(MemoryPressure::None)),
        ] {
            assert_eq!(memory.note(bytes, Some(1000)), change, "{bytes}");
        }
        assert_eq!(memory.note(u64::MAX, None), None);
    }
}
