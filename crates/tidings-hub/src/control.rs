//! What the hub itself says in a stream: frames that are not events of the log and so never carry an id (an id would
//! move the browser's cursor, and the next resume would miss what it skipped).

use bytes::{Bytes, BytesMut};
use serde_json::json;
use tidings_stream::Frame;

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

/// `tidings.reset`: what came before is incomplete; what follows is all that is kept, from `oldest` on.
pub(crate) fn reset(reason: ResetReason, oldest: Option<&str>) -> Bytes {
    control("tidings.reset", &json!({ "reason": reason.as_str(), "oldest": oldest }).to_string())
}

/// Tells the browser to come back in `ms` milliseconds. Fires no event.
pub(crate) fn retry(ms: u64) -> Bytes {
    encode(Frame { retry: Some(ms), ..Frame::default() })
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

    #[test]
    fn control_frames_have_no_id() {
        assert_eq!(
            reset(ResetReason::Expired, Some("a-1")),
            "event: tidings.reset\ndata: {\"oldest\":\"a-1\",\"reason\":\"expired\"}\n\n"
        );
        assert_eq!(
            reset(ResetReason::Unknown, None),
            "event: tidings.reset\ndata: {\"oldest\":null,\"reason\":\"unknown\"}\n\n"
        );
        assert_eq!(retry(1500), "retry: 1500\n\n");
    }
}
