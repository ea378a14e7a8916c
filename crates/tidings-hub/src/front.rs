//! By what way events and subscriptions come to the hub: what its counters tell apart.

/// A way into the hub. Each has its own [`Hub`](crate::Hub), got by [`Hub::via`](crate::Hub::via).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Front {
    /// The program's own HTTP interface.
    Native,
    /// The Mercure protocol.
    Mercure,
    /// Laravel Echo.
    Echo,
    /// The Pusher HTTP API.
    Pusher,
    /// What publishes by itself.
    Source,
    /// Whoever has not said: an application that embeds the hub.
    #[default]
    Other,
}

impl Front {
    /// Every way, in the order of the counters.
    pub const ALL: [Self; 6] =
        [Self::Native, Self::Mercure, Self::Echo, Self::Pusher, Self::Source, Self::Other];

    /// The metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Mercure => "mercure",
            Self::Echo => "echo",
            Self::Pusher => "pusher",
            Self::Source => "source",
            Self::Other => "other",
        }
    }
}
