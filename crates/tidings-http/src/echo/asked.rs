//! What a request for a stream asks for.

use std::borrow::Cow;

use http::HeaderMap;
use tidings_hub::{EARLIEST, Start};

use super::{channel::Channel, requests, socket_id::SocketId};
use crate::{form, native, problem::Problem};

/// A stream as it was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// The channels that were named. `None` where no parameter names one: the client will say later what it wants, or only
    /// listens to what it wants.
    pub(super) channels: Option<Vec<Channel>>,
    pub(super) start: Start,
    /// The socket id that the client had before.
    pub(super) former: Option<SocketId>,
}

impl Asked {
    /// Reads the query string and the headers, of which the latter win.
    ///
    /// # Errors
    /// When a channel cannot be one.
    pub(super) fn read(query: Option<&str>, headers: &HeaderMap) -> Result<Self, Problem> {
        let (mut channels, mut cursor, mut former) = (None, None, None);
        for (name, value) in form::fields(query.unwrap_or_default().as_bytes())? {
            match &*name {
                "channel" | "channel[]" => {
                    let channels: &mut Vec<Channel> = channels.get_or_insert_default();
                    if !value.is_empty() {
                        channels.push(Channel::new(&value)?);
                    }
                }
                "socket_id" => former = SocketId::parse(&value),
                name if native::CURSOR_PARAMETERS.contains(&name) && !value.is_empty() => {
                    cursor = Some(value)
                }
                _ => {}
            }
        }
        if let Some(channels) = &mut channels {
            channels.sort_unstable();
            channels.dedup();
        }
        let header =
            headers.get(native::CURSOR_HEADER).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let start = match header.filter(|id| !id.is_empty()).or(cursor).map(Cow::into_owned) {
            Some(id) if id == EARLIEST => Start::Earliest,
            Some(id) => Start::After(id),
            None => Start::Live,
        };
        Ok(Self { channels, start, former: requests::socket(headers).or(former) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, headers: &[(&'static str, &str)]) -> Result<Asked, Problem> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Asked::read(Some(query), &headers.collect())
    }

    fn channels(names: &[&str]) -> Option<Vec<Channel>> {
        Some(names.iter().map(|name| Channel::new(name).unwrap()).collect())
    }

    #[test]
    fn none_named_and_none_wanted_differ() {
        assert_eq!(read("", &[]), Ok(Asked { channels: None, start: Start::Live, former: None }));
        assert_eq!(read("channel=", &[]).unwrap().channels, channels(&[]));
        let named = read("channel=private-b&channel=a&channel=a&_=1", &[]).unwrap();
        assert_eq!(named.channels, channels(&["a", "private-b"]));
        assert!(read("channel=tidings/echo/1.2", &[]).is_err());
    }

    #[test]
    fn cursor_and_former_connection_are_in_headers_or_query_and_headers_win() {
        let (after, former) = (|id: &str| Start::After(id.to_owned()), |text| SocketId::parse(text));
        let asked = read("last_event_id=7&socket_id=1.2", &[]).unwrap();
        assert_eq!((asked.start, asked.former), (after("7"), former("1.2")));
        let headers = [("last-event-id", "8"), ("x-socket-id", "3.4")];
        let asked = read("last_event_id=7&socket_id=1.2", &headers).unwrap();
        assert_eq!((asked.start, asked.former), (after("8"), former("3.4")));
        assert_eq!(read("", &[("last-event-id", "earliest")]).unwrap().start, Start::Earliest);
        assert_eq!(read("", &[("x-socket-id", "undefined")]).unwrap().former, None);
    }
}
