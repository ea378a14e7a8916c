//! What the requests have in common that act for a connection: their bodies, JSON or a form, and the connection's name.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    channel::{Channel, Kind},
    connection::Connection,
    connections::Shared,
    socket_id::SocketId,
};
use crate::{
    body::{BodyLimit, media_type},
    form,
    problem::Problem,
};

/// The header that names the connection, in requests and in the answer that begins it.
pub(super) const SOCKET_HEADER: HeaderName = HeaderName::from_static("x-socket-id");
/// How large a body may be, in bytes, that has to say itself for which connection it is: a page that is closed can send no
/// header, and only that it leaves a channel.
const MAX_BODY_OF_STRANGERS: usize = 8 << 10;
const FORM: &str = "application/x-www-form-urlencoded";

/// All that a body may say. What else it says (`_token`) is the application's.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Said {
    pub(super) channel_name: Option<String>,
    pub(super) channels: Option<Vec<String>>,
    pub(super) event_name: Option<String>,
    pub(super) data: Option<Box<RawValue>>,
    socket_id: Option<String>,
    /// The method that is meant, of who can only `POST`.
    #[serde(rename = "_method")]
    method: Option<String>,
}

impl Said {
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        if media_type(headers) != FORM {
            return serde_json::from_slice(body).map_err(|error| {
                Problem::bad_request(format!("the body is not the JSON that is wanted here: {error}"))
            });
        }
        let mut said = Self::default();
        for (name, value) in form::fields(body)? {
            let value = value.into_owned();
            match &*name {
                "channel_name" => said.channel_name = Some(value),
                "channels[]" | "channels" => said.channels.get_or_insert_default().push(value),
                "socket_id" => said.socket_id = Some(value),
                "_method" => said.method = Some(value),
                _ => {}
            }
        }
        Ok(said)
    }

    pub(super) fn is_delete(&self) -> bool {
        self.method.as_deref().is_some_and(|method| method.eq_ignore_ascii_case("DELETE"))
    }

    /// The private or presence channel that is meant.
    pub(super) fn guarded(&self) -> Result<Channel, Problem> {
        Channel::guarded(named(self.channel_name.as_deref())?)
    }

    /// The presence channel that is meant.
    pub(super) fn presence(&self) -> Result<Channel, Problem> {
        presence(self.channel_name.as_deref())
    }

    /// The channels that are meant.
    pub(super) fn channels(&self) -> Result<Vec<Channel>, Problem> {
        let names = self.channels.as_deref().ok_or_else(|| {
            Problem::bad_request("the request names no channels: send {\"channels\": [\"messages\", …]}")
        })?;
        let mut channels = names.iter().map(|name| Channel::new(name)).collect::<Result<Vec<_>, _>>()?;
        channels.sort_unstable();
        channels.dedup();
        Ok(channels)
    }
}

/// The presence channel of this name.
pub(super) fn presence(name: Option<&str>) -> Result<Channel, Problem> {
    let channel = Channel::new(named(name)?)?;
    match channel.kind() {
        Kind::Presence => Ok(channel),
        Kind::Public | Kind::Private => Err(Problem::bad_request(format!(
            "{:?} is no presence channel: their names begin with presence-",
            channel.name()
        ))),
    }
}

fn named(name: Option<&str>) -> Result<&str, Problem> {
    name.filter(|name| !name.is_empty())
        .ok_or_else(|| Problem::bad_request("the request names no channel: send channel_name"))
}

/// The socket id in the header.
pub(super) fn socket(headers: &HeaderMap) -> Option<SocketId> {
    headers.get(SOCKET_HEADER)?.to_str().ok().and_then(SocketId::parse)
}

impl Shared {
    /// Reads a body, and finds the connection that the request acts for.
    pub(super) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Said, Arc<Connection>), Problem> {
        let settings = self.settings();
        let limit = settings.body_limit();
        // Before its body: strangers' are not worth the room.
        if let Some(socket) = socket(headers) {
            let connection = self.connection(Some(socket))?;
            let body = limit.read(body).await?;
            return Ok((Said::read(headers, &body)?, connection));
        }
        let limit = BodyLimit { bytes: limit.bytes.min(MAX_BODY_OF_STRANGERS), ..limit };
        let body = limit.read(body).await.map_err(|problem| match problem.status() {
            StatusCode::PAYLOAD_TOO_LARGE => no_socket(),
            _ => problem,
        })?;
        let said = Said::read(headers, &body)?;
        let socket = said.socket_id.as_deref().and_then(SocketId::parse);
        Ok((said, self.connection(socket)?))
    }

    /// The connection of this name.
    pub(super) fn connection(&self, socket: Option<SocketId>) -> Result<Arc<Connection>, Problem> {
        let socket = socket.ok_or_else(no_socket)?;
        self.find(&socket).ok_or_else(no_connection)
    }
}

fn no_socket() -> Problem {
    Problem::bad_request(
        "the request does not say for which connection it acts: send the socket id, which the stream begins with \
         (general.connected), as X-Socket-Id",
    )
}

/// A 404 would be taken for a wrong address.
pub(super) fn no_connection() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "there is no connection of this socket id, or no longer: open the stream again, and use the socket id that it begins \
         with",
    )
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    fn read(media_type: &str, body: &str) -> Result<Said, Problem> {
        let headers = [(header::CONTENT_TYPE, media_type.parse().unwrap())].into_iter().collect();
        Said::read(&headers, body.as_bytes())
    }

    #[test]
    fn bodies_are_json_or_forms() {
        let beacon = r#"{"channel_name":"presence-a","socket_id":"1.2","_token":"","_method":"DELETE"}"#;
        for said in [
            read("application/json", beacon),
            read(FORM, "channel_name=presence-a&socket_id=1.2&_token=&_method=delete"),
        ] {
            let said = said.unwrap();
            assert_eq!(said.presence().unwrap().name(), "presence-a");
            assert_eq!(said.socket_id.as_deref(), Some("1.2"));
            assert!(said.is_delete());
        }
        for wrong in ["", "[]", "{\"channel_name\":7}"] {
            assert!(read("application/json", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_without_a_prefix_is_a_private_channels_where_only_those_can_be_meant() {
        let said = read("application/json", r#"{"channel_name":"App.Models.User.7"}"#).unwrap();
        assert_eq!(said.guarded().unwrap().name(), "private-App.Models.User.7");
        assert!(said.presence().is_err() && said.channels().is_err());
        assert!(Said::default().guarded().is_err());
    }

    #[test]
    fn each_channel_counts_once() {
        let said = read("application/json", r#"{"channels":["b","a","b"]}"#).unwrap();
        let names: Vec<_> =
            said.channels().unwrap().iter().map(|channel| channel.name().to_owned()).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
