//! `POST /wave/whisper`: what one member of a channel tells the others.

use std::time::Instant;

use axum::{body::Body, extract::State};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::value::RawValue;
use tidings_hub::Publication;

use super::{Echo, connection::lock, users::members_only};
use crate::{client::Client, limit::Limit, problem::Problem};

/// What the types of whispers begin with.
const PREFIX: &str = "client-";

pub(super) async fn whisper(
    State(echo): State<Echo>,
    client: Client,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let shared = &echo.0;
    let settings = shared.settings();
    // The socket id is what it goes by; but a cookie comes along, and this publishes.
    settings.gate.check_page(&uri, &headers)?;
    let (said, connection) = shared.read(&headers, body).await?;
    let channel = said.guarded()?;
    members_only(&connection, &channel)?;
    let Some(name) = said.event_name.as_deref().filter(|name| !name.is_empty()) else {
        return Err(Problem::bad_request("the whisper has no name: send event_name"));
    };
    let data = said.data.as_deref().unwrap_or(RawValue::NULL);
    let (bytes, limit) = (data.get().len(), settings.whisper_size);
    if bytes > limit {
        settings.hits.hit(Limit::WhisperSize);
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the whisper has {bytes} bytes: {limit} are allowed (setting echo.whisper_size)"),
        ));
    }
    if !lock(&connection.whispers).take(1, Instant::now()) {
        settings.hits.hit(Limit::WhisperRate);
        return Err(Problem::too_many(
            format!(
                "this connection whispers more than {} times a second (setting echo.whisper_rate): wait a moment",
                settings.whisper_rate
            ),
            1,
        ));
    }
    client.publish(1)?;
    let publication = Publication {
        event: Some(format!("{PREFIX}{name}").into()),
        private: true,
        socket: connection.socket.text().map(Into::into),
        ..Publication::new(channel.topic().clone(), wrapped(data))
    };
    shared.hub.publish(publication).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The data as clients take it: what is neither an object nor a list comes as a list of one, and is unwrapped there.
fn wrapped(data: &RawValue) -> String {
    match data.get().as_bytes().first() {
        Some(b'{' | b'[') => data.get().to_owned(),
        _ => format!("[{}]", data.get()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scalars_are_wrapped() {
        for (data, expected) in [
            ("{\"a\":1}", "{\"a\":1}"),
            ("[\"x\"]", "[\"x\"]"),
            ("\"x\"", "[\"x\"]"),
            ("7", "[7]"),
            ("null", "[null]"),
        ] {
            assert_eq!(wrapped(&RawValue::from_string(data.to_owned()).unwrap()), expected);
        }
    }
}
