//! Reads an answer as it comes, and notes when.

use std::time::Duration;

use http::{Response, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::Deserialize;
use tidings_hub::CONTROL_PREFIX;
use tidings_stream::{Decoder, Event, Item};
use tokio::time::Instant;

use super::notes::{Exchange, Heard};

/// What is kept of an answer that is no stream.
const MAX_TEXT: usize = 4096;

#[derive(Deserialize)]
struct Tick {
    elapsed_ms: u64,
}

/// When to stop reading, before the answer's end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// At its end, or then.
    End(Instant),
    /// With the first event or report, or then.
    FirstEvent(Instant),
}

impl Until {
    pub(super) fn deadline(self) -> Instant {
        match self {
            Self::End(deadline) | Self::FirstEvent(deadline) => deadline,
        }
    }
}

/// Reads the answer to a request that was sent at `sent`.
pub(super) async fn hear(
    response: Response<Incoming>,
    is_http2: bool,
    sent: Instant,
    until: Until,
) -> Exchange {
    let (head, mut body) = response.into_parts();
    let is_encoded = head.headers.contains_key(header::CONTENT_ENCODING);
    let mut exchange =
        Exchange { status: head.status, is_http2, headers: head.headers, heard: Heard::default() };
    let is_stream = exchange.is_stream() && !is_encoded;
    let heard = &mut exchange.heard;
    let mut decoder = Decoder::new();
    loop {
        let frame = match tokio::time::timeout_at(until.deadline(), body.frame()).await {
            Err(_) => return exchange,
            Ok(None | Some(Err(_))) => {
                heard.ended = Some(sent.elapsed());
                return exchange;
            }
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(mut data) = frame.into_data() else { continue };
        if data.is_empty() {
            continue;
        }
        let came = sent.elapsed();
        heard.first.get_or_insert(came);
        heard.last = Some(came);
        if !is_stream {
            let room = MAX_TEXT.saturating_sub(heard.text.len());
            heard.text += &String::from_utf8_lossy(&data[..data.len().min(room)]);
            continue;
        }
        while let Some(item) = decoder.decode(&mut data) {
            match item {
                Ok(Item::Event(event)) => {
                    note(heard, &event, came);
                    if matches!(until, Until::FirstEvent(_)) {
                        return exchange;
                    }
                }
                Ok(Item::Comment(_)) => heard.heartbeats += 1,
                _ => {}
            }
        }
    }
}

fn note(heard: &mut Heard, event: &Event, came: Duration) {
    match event.event.as_str() {
        "report" => {
            heard.report = serde_json::from_str(&event.data).ok();
            heard.ticks.push((came, Duration::ZERO));
        }
        "tick" => {
            if let Ok(tick) = serde_json::from_str::<Tick>(&event.data) {
                heard.ticks.push((came, Duration::from_millis(tick.elapsed_ms)));
            }
        }
        name if name.strip_prefix(CONTROL_PREFIX) == Some("reset") => heard.reset = true,
        _ => {}
    }
}
