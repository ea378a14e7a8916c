//! The applications that may publish.

use tidings_auth::Secret;
use tidings_hub::{Selection, Topic};

/// An application that may publish: what Laravel has as `REVERB_APP_ID` or `PUSHER_APP_ID`, and so on.
#[derive(Clone, Debug)]
pub struct PusherApp {
    /// What stands in the path of its requests. Unique.
    pub id: String,
    /// What its requests name beside that. It is no secret: browsers have it. Unique.
    pub key: String,
    /// What its requests are signed with.
    pub secret: Secret,
    /// The channels that it may publish to and ask about. It may end the connections of a user if it may publish to
    /// that user's own channel, `#server-to-user-ID`.
    pub publish: Selection,
}

impl PusherApp {
    /// Whether this channel is one of its own.
    pub(super) fn has(&self, channel: &Topic) -> bool {
        self.publish.matches(channel)
    }
}
