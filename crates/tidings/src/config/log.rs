//! `[log]`: where the history is kept and how safely.

use std::time::Duration;

use super::{section::Section, value};

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Log {
    /// What keeps the history. Default: [`Engine::Disk`].
    pub(crate) engine: Engine,
    /// When an event counts as kept. Default: [`Durability::Always`].
    pub(crate) durability: Durability,
    /// How often the disk is flushed with [`Durability::Interval`]: what a loss of power can cost. Default: 100 ms.
    pub(crate) flush_interval: Duration,
}

/// What keeps the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Files in the data directory.
    Disk,
    /// This process's memory: a restart forgets everything.
    Memory,
}

/// When the disk engine answers a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// When the event is on the disk: a loss of power takes nothing back.
    Always,
    /// At once; the disk is flushed every `flush_interval`.
    Interval,
    /// At once; the operating system flushes when it likes. A crash of the program alone still loses nothing.
    None,
}

/// The engines that are planned, to say clearly that they are not here.
const LATER_ENGINES: [&str; 2] = ["redis", "nats"];

/// What is to be set about them.
const SHARED_ENGINE_KEYS: [&str; 2] = ["url", "stream"];

impl Default for Log {
    fn default() -> Self {
        Self {
            engine: Engine::Disk,
            durability: Durability::Always,
            flush_interval: Duration::from_millis(100),
        }
    }
}

impl Log {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        for key in SHARED_ENGINE_KEYS {
            section.refuse(key, "this version does not have the shared engines yet: take the key out");
        }
        let default = Self::default();
        let engine = value::one_of(&[("disk", Engine::Disk), ("memory", Engine::Memory)]);
        let durability = value::one_of(&[
            ("always", Durability::Always),
            ("interval", Durability::Interval),
            ("none", Durability::None),
        ]);
        Self {
            engine: section
                .read("engine", |given| match value::string(given) {
                    Ok(word) if LATER_ENGINES.contains(&word.as_str()) => Err(format!(
                        "this version does not have the engine {word:?} yet: choose \"disk\" or \"memory\""
                    )),
                    _ => engine(given),
                })
                .unwrap_or(default.engine),
            durability: section.read("durability", durability).unwrap_or(default.durability),
            flush_interval: section.read("flush_interval", value::duration).unwrap_or(default.flush_interval),
        }
    }
}
