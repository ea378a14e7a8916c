//! The events in a body. No I/O.

use serde::Deserialize;
use serde_json::value::RawValue;
use tidings_hub::{
    Publication, Topic,
    channel::{is_private, is_socket_id},
};

use super::{channel::channel, failure::Failure};
use crate::native::data;

/// The most channels of one event, as SDKs have it.
const MAX_CHANNELS: usize = 100;

/// The body of `batch_events`.
#[derive(Deserialize)]
pub(super) struct Batch<'a> {
    #[serde(borrow)]
    pub(super) batch: Vec<Event<'a>>,
}

/// An event as it is sent: the body of `events`, or one of a batch. What else is in it is left to other servers.
#[derive(Deserialize)]
pub(super) struct Event<'a> {
    name: Option<Box<str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    channel: Option<String>,
    channels: Option<Vec<String>>,
    socket_id: Option<Box<str>>,
    /// The attributes to answer with.
    pub(super) info: Option<String>,
}

/// Reads a body.
pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| Failure::bad_request(format!("the body is not the JSON that is wanted: {error}")))
}

impl Event<'_> {
    /// A publication for each channel: whoever listens to two of them gets two events, each as its channel's.
    pub(super) fn publications(&self) -> Result<Vec<Publication>, Failure> {
        let names = self.channel.iter().chain(self.channels.iter().flatten());
        if names.clone().count() > MAX_CHANNELS {
            let count = names.count();
            return Err(Failure::bad_request(format!(
                "the event is for {count} channels: at most {MAX_CHANNELS} are allowed"
            )));
        }
        let mut channels: Vec<Topic> = Vec::new();
        for name in names {
            let channel = channel(name)?;
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
        if channels.is_empty() {
            return Err(Failure::bad_request(
                "the event is for no channel: give \"channel\" or \"channels\"",
            ));
        }
        let name = self.name.as_deref().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Failure::bad_request("the event has no name: give \"name\""))?;
        let data = match self.data {
            // Most SDKs encode it a second time, so that it is a string; others send the object itself.
            Some(raw) => bytes::Bytes::from(data(raw).map_err(|error| {
                Failure::bad_request(format!("the event's data cannot be read: {error}"))
            })?),
            None => return Err(Failure::bad_request("the event has no data: give \"data\", as a string")),
        };
        self.socket_id.as_deref().map_or(Ok(()), check_socket)?;
        let publication = |channel: Topic| Publication {
            event: Some(name.into()),
            private: is_private(channel.as_str()),
            socket: self.socket_id.clone(),
            ..Publication::new(channel, data.clone())
        };
        Ok(channels.into_iter().map(publication).collect())
    }
}

/// That this can be the id of a connection. It is not shown, for whoever knows it can pass for that connection.
fn check_socket(id: &str) -> Result<(), Failure> {
    match is_socket_id(id) {
        true => Ok(()),
        false => Err(Failure::bad_request(
            "the socket_id is none: it is two numbers with a dot between them, such as 123.456",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publications(body: &str) -> Result<Vec<Publication>, String> {
        let event: Event<'_> = read(body.as_bytes()).map_err(|failure| failure.sentence)?;
        event.publications().map_err(|failure| {
            assert_eq!(failure.status, 400);
            failure.sentence
        })
    }

    fn data_of(json: &str) -> String {
        let event = publications(&format!(r#"{{"name":"e","channel":"a","data":{json}}}"#)).unwrap();
        String::from_utf8(event[0].data.to_vec()).unwrap()
    }

    #[test]
    fn each_channel_has_an_event_of_its_own() {
        let body = r##"{"name":"App\\Events\\X","data":"{}","channel":"a","socket_id":"1234.5678",
                       "channels":["private-b","#server-to-user-7","a"],"tags":1}"##;
        let found = publications(body).unwrap();
        let flat = |one: &Publication| (one.topics[0].to_string(), one.private);
        let expected =
            [("a", false), ("private-b", true), ("#server-to-user-7", true)].map(|(a, b)| (a.to_owned(), b));
        assert_eq!(found.iter().map(flat).collect::<Vec<_>>(), expected);
        for one in &found {
            assert_eq!(one.event.as_deref(), Some("App\\Events\\X"));
            assert_eq!(one.socket.as_deref(), Some("1234.5678"));
            assert_eq!(one.check(), Ok(()));
        }
    }

    #[test]
    fn data_is_the_content_of_the_string_or_the_json_as_it_was_written() {
        for (json, data) in [
            (
                r#""{\"a\":{},\"b\":1.0,\"c\":12345678901234567890}""#,
                r#"{"a":{},"b":1.0,"c":12345678901234567890}"#,
            ),
            (r#""[]""#, "[]"),
            (r#""plain string""#, "plain string"),
            (r#""\"str\"""#, "\"str\""),
            (r#""""#, ""),
            (r#""\u00e9\n""#, "é\n"),
            (r#"{ "a" : 1.0 }"#, r#"{ "a" : 1.0 }"#),
            ("[1]", "[1]"),
            ("7", "7"),
        ] {
            assert_eq!(data_of(json), data, "{json}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        let many = format!(r#"{{"name":"e","data":"","channels":{:?}}}"#, vec!["a"; 101]);
        for (body, says) in [
            ("", "not the JSON"),
            ("[]", "not the JSON"),
            (r#"{"name":7}"#, "expected a"),
            (r#"{"data":"","channel":"a"}"#, "no name"),
            (r#"{"name":"","data":"","channel":"a"}"#, "no name"),
            (r#"{"name":"e","channel":"a"}"#, "no data"),
            (r#"{"name":"e","channel":"a","data":null}"#, "no data"),
            (r#"{"name":"e","data":""}"#, "no channel"),
            (r#"{"name":"e","data":"","channels":[]}"#, "no channel"),
            (r#"{"name":"e","data":"","channel":"a b"}"#, "\"a b\""),
            (&many, "101 channels"),
            (r#"{"name":"e","data":"\ud800","channel":"a"}"#, "data cannot be read"),
            (r#"{"name":"e","data":"","channel":"a","socket_id":""}"#, "socket_id"),
        ] {
            let sentence = publications(body).unwrap_err();
            assert!(sentence.contains(says), "{body}: {sentence}");
        }
        for id in ["1", "1.2.3", "a.b"] {
            let body = serde_json::json!({ "name": "e", "data": "", "channel": "a", "socket_id": id });
            let sentence = publications(&body.to_string()).unwrap_err();
            assert!(sentence.contains("socket_id") && !sentence.contains(&format!("{id} ")), "{sentence}");
        }
    }
}
