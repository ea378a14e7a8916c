//! What Laravel publishes on Redis when an application broadcasts:
//! `{"event":"App\\Events\\Shipped","data":{"order":7,"socket":null},"socket":null}`.
//!
//! Whatever an application publishes by itself comes the same way, so the two are told apart strictly. The data is
//! passed on as it stands: read and written again, PHP's `{}`, `1.0` and large numbers would not all be the same.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{
    excluded,
    members::{Member, members, without},
};

/// An event out of its envelope.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    /// The event's name.
    pub(crate) event: Cow<'a, str>,
    /// The JSON of its data, without what Laravel has added for its own use.
    pub(crate) data: Cow<'a, str>,
    /// The connection that caused it, which is not to get it (`toOthers()`).
    pub(crate) socket: Option<Box<str>>,
}

/// All three members, and no other: what an application publishes by itself may well have some of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
    /// Given a function, serde misses a member that is not there.
    #[serde(deserialize_with = "present")]
    socket: Option<String>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

impl<'a> Envelope<'a> {
    /// Reads what was published; `None` if it is no envelope.
    pub(crate) fn read(published: &'a [u8]) -> Option<Self> {
        // Serde would take an array for the struct, too.
        if !published.trim_ascii_start().starts_with(b"{") {
            return None;
        }
        let text: Text<'a> = serde_json::from_str(std::str::from_utf8(published).ok()?).ok()?;
        let data = text.data.get();
        let socket = text.socket.as_deref();
        Some(Self {
            event: text.event,
            data: stripped(data, socket).map_or(Cow::Borrowed(data), Cow::Owned),
            socket: socket.and_then(excluded),
        })
    }
}

/// The data without the copy of `socket` that Laravel always leaves in it; `None` if there is none. A member of this
/// name that is something else, or one of several, is the application's own.
///
/// Where the package laravel-wave is installed, it adds `broadcast_event_id`, the id of an entry in its own Redis stream, and
/// takes it out again before a browser sees it. It is no id for the hub: the packages gives an event's copies for all of
/// its channels the same.
fn stripped(data: &str, socket: Option<&str>) -> Option<String> {
    let found = members(data)?;
    let copy = only(&found, "socket", |value| {
        serde_json::from_str::<Option<Cow<'_, str>>>(value).is_ok_and(|copy| copy.as_deref() == socket)
    })?;
    let data = without(data, &found, copy)?;
    let found = members(&data)?;
    match only(&found, "broadcast_event_id", is_entry_id) {
        Some(id) => without(&data, &found, id),
        None => Some(data),
    }
}

/// The place of the only member of this name, if its value is as expected.
fn only(members: &[Member<'_>], name: &str, expected: impl Fn(&str) -> bool) -> Option<usize> {
    let mut called = members.iter().enumerate().filter(|(_, member)| member.is_called(name));
    match (called.next(), called.next()) {
        (Some((index, member)), None) if expected(member.value) => Some(index),
        _ => None,
    }
}

/// Whether the JSON is a string such as `"1795202753564-0"`.
fn is_entry_id(json: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    json.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"')?.split_once('-'))
        .is_some_and(|(ms, sequence)| is_number(ms) && is_number(sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, String, Option<String>)> {
        let envelope = Envelope::read(text.as_bytes())?;
        Some((envelope.event.into(), envelope.data.into(), envelope.socket.map(Into::into)))
    }

    fn data(data: &str, socket: &str) -> String {
        read(&format!(r#"{{"event":"e","data":{data},"socket":{socket}}}"#)).unwrap().1
    }

    #[test]
    fn what_laravel_publishes_is_read() {
        // As captured from Laravel 8.83.
        for (text, event, data, socket) in [
            (
                r#"{"event":"App\\Events\\PublicMessage","data":{"message":"Hello from Laravel!","count":3,"socket":null},"socket":null}"#,
                r"App\Events\PublicMessage",
                r#"{"message":"Hello from Laravel!","count":3}"#,
                None,
            ),
            (
                r#"{"event":"message.created","data":{"id":42,"text":"h\u00e9llo \u4f60\u597d \/ <b>\"q\"<\/b>\nline2","nested":{"a":null,"b":1.5,"c":true},"socket":null},"socket":null}"#,
                "message.created",
                r#"{"id":42,"text":"h\u00e9llo \u4f60\u597d \/ <b>\"q\"<\/b>\nline2","nested":{"a":null,"b":1.5,"c":true}}"#,
                None,
            ),
            (
                r#"{"event":"App\\Events\\EmptyEvent","data":{"socket":null},"socket":null}"#,
                r"App\Events\EmptyEvent",
                "{}",
                None,
            ),
            (
                r#"{"event":"App\\Events\\ExplicitSocketInPayload","data":{"socket":null,"x":1},"socket":null}"#,
                r"App\Events\ExplicitSocketInPayload",
                r#"{"x":1}"#,
                None,
            ),
            (
                r#"{"event":"App\\Events\\PublicMessageNow","data":{"message":"Hello from Laravel!","socket":"1234.5678"},"socket":"1234.5678"}"#,
                r"App\Events\PublicMessageNow",
                r#"{"message":"Hello from Laravel!"}"#,
                Some("1234.5678"),
            ),
            (
                r#"{"event":"PostCreated","data":{"model":{"id":1,"title":"Hello from Laravel!"},"connection":null,"queue":null,"socket":null},"socket":null}"#,
                "PostCreated",
                r#"{"model":{"id":1,"title":"Hello from Laravel!"},"connection":null,"queue":null}"#,
                None,
            ),
        ] {
            let expected = (event.to_owned(), data.to_owned(), socket.map(str::to_owned));
            assert_eq!(read(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_an_application_publishes_by_itself_is_no_envelope() {
        for text in [
            "",
            "Hello from Laravel!",
            r#"{"message":"Hello from Laravel!"}"#,
            r#"{"event":"e","data":{}}"#,
            r#"{"event":"e","socket":null}"#,
            r#"{"data":{},"socket":null}"#,
            r#"{"event":"e","data":{},"socket":null,"more":1}"#,
            r#"{"event":"e","event":"e","data":{},"socket":null}"#,
            r#"{"event":7,"data":{},"socket":null}"#,
            r#"{"event":"e","data":{},"socket":7}"#,
            r#"{"event":"e","data":{},"socket":{}}"#,
            r#"["e",{},null]"#,
            r#"{"event":"e","data":{},"socket":null} {}"#,
            r#"{"event":"e","data":{},"socket":null"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(Envelope::read(b"{\"event\":\"\xe9\",\"data\":1,\"socket\":null}"), None);
    }

    #[test]
    fn the_members_stand_in_any_order_and_with_any_space() {
        let text = "\n{ \"socket\" : null , \"data\" : [ 1, 2.0 ] , \"event\" : \"e\" } ";
        assert_eq!(read(text), Some(("e".to_owned(), "[ 1, 2.0 ]".to_owned(), None)));
    }

    #[test]
    fn the_copy_of_the_socket_is_cut_out_and_nothing_else_is_touched() {
        for (with, without) in [
            (r#"{"socket":null}"#, "{}"),
            (r#"{ "socket" : null }"#, "{  }"),
            (r#"{"socket":null,"a":1.0}"#, r#"{"a":1.0}"#),
            (r#"{"a":1.0,"socket":null}"#, r#"{"a":1.0}"#),
            (r#"{"a":{}, "socket":null, "b":12345678901234567890}"#, r#"{"a":{}, "b":12345678901234567890}"#),
            (r#"{"a":1,"a":2,"socket":null}"#, r#"{"a":1,"a":2}"#),
            (r#"{"a":{"socket":null},"socket":null}"#, r#"{"a":{"socket":null}}"#),
            (r#"{"a":",\"socket\":null,","socket":null}"#, r#"{"a":",\"socket\":null,"}"#),
            (r#"{"\u0073ocket":null,"a":"\/"}"#, r#"{"a":"\/"}"#),
        ] {
            assert_eq!(data(with, "null"), without);
        }
    }

    #[test]
    fn what_is_not_the_copy_stays() {
        for (text, socket) in [
            (r#"{"socket":"1.2"}"#, "null"),
            (r#"{"socket":null}"#, "\"1.2\""),
            (r#"{"socket":"1.3"}"#, "\"1.2\""),
            (r#"{"socket":{}}"#, "null"),
            (r#"{"socket":null,"socket":null}"#, "null"),
            (r#"{"a":{"socket":null}}"#, "null"),
            (r#"[{"socket":null}]"#, "null"),
            (r#""socket""#, "null"),
            ("null", "null"),
            (r#"{"broadcast_event_id":"1795202753564-0"}"#, "null"),
        ] {
            assert_eq!(data(text, socket), text);
        }
    }

    #[test]
    fn what_laravel_wave_adds_is_taken_out_again() {
        let wave = r#"{"socket":null,"broadcast_event_id":"1795202753564-0"}"#;
        assert_eq!(data(wave, "null"), "{}");
        let wave = r#"{"a":1,"socket":null,"broadcast_event_id":"1795202753564-0"}"#;
        assert_eq!(data(wave, "null"), r#"{"a":1}"#);
        let own = r#"{"a":1,"broadcast_event_id":"mine","socket":null}"#;
        assert_eq!(data(own, "null"), r#"{"a":1,"broadcast_event_id":"mine"}"#);
    }

    #[test]
    fn a_socket_that_names_no_connection_excludes_nobody() {
        let text = r#"{"event":"e","data":{"socket":"me"},"socket":"me"}"#;
        assert_eq!(read(text), Some(("e".to_owned(), "{}".to_owned(), None)));
    }
}
