//! What must be true of any envelope: the check of the fuzz target `envelope`.

use serde_json::{Map, Value};

use super::{envelope::Envelope, members::members};

/// Takes bytes for what was published, and as the data of an envelope.
pub fn fuzz(bytes: &[u8]) {
    if let Some(envelope) = Envelope::read(bytes) {
        let Ok(Value::Object(whole)) = serde_json::from_slice(bytes) else {
            // The reader is more patient than serde_json's values: with depth, and with numbers out of range.
            return;
        };
        assert_eq!(whole.len(), 3);
        assert_eq!(whole["event"], *envelope.event);
        only_sockets_are_missing(&whole["data"], &envelope.data, &whole["socket"]);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for socket in ["null", "\"1.2\""] {
        let published = format!("{{\"event\":\"e\",\"data\":{text},\"socket\":{socket}}}");
        if serde_json::from_str::<Value>(text).is_ok() {
            let envelope = Envelope::read(published.as_bytes()).expect("it is one");
            assert!(is_left_over(text, &envelope.data));
        }
    }
}

/// Whether the text is the other with nothing but members of certain names cut out: no byte of the rest is another one.
fn is_left_over(before: &str, after: &str) -> bool {
    let before = before.trim_matches([' ', '\t', '\r', '\n']);
    let (Some(whole), Some(left)) = (members(before), members(after)) else { return before == after };
    let mut left = left.iter().peekable();
    whole.iter().all(|member| {
        left.next_if(|other| other.text() == member.text()).is_some()
            || ["socket", "broadcast_event_id"].iter().any(|added| member.is_called(added))
    }) && left.next().is_none()
}

/// Whether the data's value is what it was, but for what Laravel and laravel-wave add.
fn only_sockets_are_missing(before: &Value, after: &str, socket: &Value) {
    let after: Value = serde_json::from_str(after).expect("JSON stays JSON");
    let Value::Object(before) = before else { return assert_eq!(*before, after) };
    let Value::Object(after) = after else { panic!("an object stays one") };
    let added = |name: &str, value: &Value| match name {
        "socket" => value == socket,
        "broadcast_event_id" => value.is_string() && !after.contains_key("socket"),
        _ => false,
    };
    let expected: Map<_, _> = before
        .iter()
        .filter(|(name, value)| after.contains_key(*name) || !added(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    assert_eq!(after, expected);
}
