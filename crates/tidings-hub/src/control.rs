//! What the hub itself says in a stream. Its events never carry an id (an id would move the browser's cursor, and the
//! next resume would miss what it skipped); what moves the cursor on purpose is no event, or one that nobody hears.

use bytes::{Bytes, BytesMut};
use serde_json::json;
use tidings_stream::Frame;

use crate::{
    naming::Naming,
    position::{Position, is_generated_form},
    publication::EARLIEST,
    subscription::Opening,
};

/// A comment without the blank line after it: keeps proxies and half-open connections honest, and no client ever
/// takes it for an event.
pub(crate) const HEARTBEAT: Bytes = Bytes::from_static(b":\n");

/// Why a subscriber is told that its history is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// The log never held an event of that id, or can no longer tell.
    Unknown,
    /// Events behind the cursor are no longer kept.
    Expired,
}

impl ResetReason {
    /// The word in the event's data, and the metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Expired => "expired",
        }
    }
}

/// `tidings.reset`: what came before is incomplete; what follows is all that is kept, from `oldest` on. An id that its
/// publisher gave is not told: the event may be one that the subscriber must not know of.
pub(crate) fn reset(reason: ResetReason, oldest: Option<&str>) -> Bytes {
    let oldest = oldest.filter(|id| is_generated_form(id));
    control("tidings.reset", &json!({ "reason": reason.as_str(), "oldest": oldest }).to_string())
}

/// `tidings.close`: the stream will end because the rights that it was begun with do, in so many milliseconds. Whoever
/// comes back with new rights and its cursor misses nothing.
pub(crate) fn expiring(in_ms: u64) -> Bytes {
    control("tidings.close", &json!({ "reason": "expiring", "in_ms": in_ms }).to_string())
}

/// `tidings.close`: the stream ends here, because its rights have been taken back.
pub(crate) fn revoked() -> Bytes {
    control("tidings.close", &json!({ "reason": "revoked" }).to_string())
}

/// Gives the browser a cursor before its first event: an `id` field without data, which fires nothing (WHATWG HTML,
/// "Interpreting an event stream", dispatch, steps 1 and 2). Without one, a browser that loses the connection before
/// its first event comes back without a cursor, and never learns of what was published meanwhile. A position is given
/// and not the event's own id, which belongs to a topic that the subscriber may not know.
pub(crate) fn cursor(id: &str) -> Bytes {
    encode(Frame { id: Some(id), ..Frame::default() })
}

/// The id behind which a stream begins that is sent nothing older than now.
pub(crate) fn behind(last: Option<Position>) -> String {
    last.map_or_else(|| EARLIEST.to_owned(), |last| last.to_string())
}

/// An event that clients of [`Naming::Channel`] do not tell anybody of, and whose data they can parse.
const PING: (Option<&str>, Option<&str>) = (Some("general.ping"), Some("[]"));

/// Moves the client's cursor while its stream runs, under [`Naming::Channel`].
pub(crate) fn moved(id: &str) -> Bytes {
    let (event, data) = PING;
    encode(Frame { id: Some(id), event, data, ..Frame::default() })
}

/// Tells the browser to come back in `ms` milliseconds. Fires no event, or one that nobody listens for where clients make
/// an event of everything and parse its data.
pub(crate) fn retry(ms: u64, naming: &Naming) -> Bytes {
    let (event, data) = match naming {
        Naming::Channel => PING,
        Naming::Own | Naming::Fixed(_) => (None, None),
    };
    encode(Frame { retry: Some(ms), event, data, ..Frame::default() })
}

/// The event that a front begins a stream with, and the cursor.
pub(crate) fn opening(opening: &Opening, cursor: Option<&str>) -> Bytes {
    let Opening { event, data, retry } = opening;
    encode(Frame { id: cursor, event: Some(event), retry: *retry, data: Some(data) })
}

fn control(event: &str, data: &str) -> Bytes {
    encode(Frame { event: Some(event), data: Some(data), ..Frame::default() })
}

fn encode(frame: Frame<'_>) -> Bytes {
    let mut out = BytesMut::with_capacity(frame.encoded_len());
    // Only fixed event names and JSON come here, which always encode; were that untrue, nothing would be written.
    if let Err(error) = frame.encode(&mut out) {
        tracing::error!(%error, "a control frame could not be encoded");
    }
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Epoch;

    #[test]
    fn control_frames_have_no_id() {
        assert_eq!(
            reset(ResetReason::Expired, Some("0000000000001-7")),
            "event: tidings.reset\ndata: {\"oldest\":\"0000000000001-7\",\"reason\":\"expired\"}\n\n"
        );
        assert_eq!(reset(ResetReason::Unknown, Some("salary-17")), reset(ResetReason::Unknown, None));
        assert_eq!(
            reset(ResetReason::Unknown, None),
            "event: tidings.reset\ndata: {\"oldest\":null,\"reason\":\"unknown\"}\n\n"
        );
        assert_eq!(
            expiring(9500),
            "event: tidings.close\ndata: {\"in_ms\":9500,\"reason\":\"expiring\"}\n\n"
        );
        assert_eq!(revoked(), "event: tidings.close\ndata: {\"reason\":\"revoked\"}\n\n");
        assert_eq!(retry(1500, &Naming::Own), "retry: 1500\n\n");
        assert_eq!(retry(1500, &Naming::Channel), "event: general.ping\nretry: 1500\ndata: []\n\n");
    }

    #[test]
    fn a_cursor_is_no_event() {
        let last = Position { epoch: Epoch::new(1), offset: 7 };
        assert_eq!(cursor(&behind(Some(last))), "id: 0000000000001-7\n\n");
        assert_eq!(cursor(&behind(None)), "id: earliest\n\n");
    }
}
