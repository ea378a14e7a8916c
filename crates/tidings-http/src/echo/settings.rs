//! The settings of the Echo front.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use tidings_hub::Selection;

use crate::{body::BodyLimit, gate::Gate, limit::LimitHits};

/// Settings of the Echo front.
#[derive(Clone, Debug)]
pub struct EchoSettings {
    /// The public channels that a stream hears which names none. Default: all.
    pub channels: Selection,
    /// How long somebody in a presence channel may be away before they have left. Default: 10 s.
    pub presence_grace: Duration,
    /// How many whispers a second are taken from one connection; as many may come at once. Default: 10.
    pub whisper_rate: NonZeroU32,
    /// The largest data of a whisper, in bytes. Default: 10 KiB.
    pub whisper_size: usize,
    /// The largest body of a request, in bytes. Default: 1 MiB.
    pub max_body: usize,
    /// How long a body may take to arrive. Default: 30 s.
    pub body_time: Duration,
    /// The reconnection time told at the start of each stream, in milliseconds. Default: none, the client's own.
    pub retry: Option<u64>,
    /// How long a stream lasts at most, about. Default: as long as it can.
    pub lifetime: Option<Duration>,
    /// Where limits that were hit are counted: the server's, or one's own.
    pub hits: Arc<LimitHits>,
    /// Who may hear what. Default: whoever reaches the routes.
    pub gate: Gate,
}

impl Default for EchoSettings {
    fn default() -> Self {
        Self {
            channels: Selection::all(),
            presence_grace: Duration::from_secs(10),
            whisper_rate: NonZeroU32::MIN.saturating_add(9),
            whisper_size: 10 << 10,
            max_body: 1 << 20,
            body_time: Duration::from_secs(30),
            retry: None,
            lifetime: None,
            hits: Arc::default(),
            gate: Gate::default(),
        }
    }
}

impl EchoSettings {
    pub(super) fn body_limit(&self) -> BodyLimit<'_> {
        BodyLimit { bytes: self.max_body, time: self.body_time, hits: &self.hits }
    }
}
