//! What must be true of any names in Redis, and of whatever a server answers: the checks of the fuzz targets `redis` and
//! `replies`.

use bytes::BytesMut;
use redis::Value;
use tidings_hub::channel::is_private;

use super::{
    Malformed, Prefixes,
    glob::{escape, matches},
    is_guarded,
    replies::Replies,
};
use crate::redis_stream;

/// Patterns and names that are longer are cut, for the model takes its time.
const MODEL_BYTES: usize = 16;

/// Takes bytes for a pattern, which is a prefix as well, and behind it names, a line each.
pub fn fuzz(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let pattern = lines.next().unwrap_or_default();
    let prefixes = std::str::from_utf8(pattern).ok().and_then(|text| Prefixes::new(&[text.to_owned()]).ok());
    for name in lines {
        let (cut, short) = (&pattern[..pattern.len().min(MODEL_BYTES)], &name[..name.len().min(MODEL_BYTES)]);
        assert_eq!(matches(cut, short), model(cut, short), "{cut:?} on {short:?}");
        let Ok(text) = std::str::from_utf8(name) else { continue };
        let escaped = escape(text);
        assert!(matches(escaped.as_bytes(), name));
        assert_eq!(matches(escaped.as_bytes(), pattern), pattern == name);
        if let Some(prefixes) = &prefixes {
            strip(prefixes, text);
        }
    }
}

fn strip(prefixes: &Prefixes, name: &str) {
    let Some(rest) = prefixes.strip(name) else { return };
    assert!(!rest.is_empty() && rest.len() < name.len() && name.ends_with(rest), "{name:?} became {rest:?}");
    // A private channel's event must not become everybody's.
    assert!(!is_private(name) || is_guarded(rest), "{name:?} became {rest:?}");
    assert!(prefixes.is_before(rest, name));
}

/// The definition of what a pattern matches: each state of it is tried on each byte.
fn model(pattern: &[u8], text: &[u8]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return text.is_empty() };
    match first {
        b'*' => {
            let rest = &pattern[pattern.iter().take_while(|byte| **byte == b'*').count()..];
            (0..=text.len()).any(|at| model(rest, &text[at..]))
        }
        _ if text.is_empty() => false,
        b'?' => model(rest, &text[1..]),
        b'\\' if !rest.is_empty() => rest[0] == text[0] && model(&rest[1..], &text[1..]),
        b'[' => {
            let (found, behind) = class(rest, text[0]);
            found && model(behind, &text[1..])
        }
        literal => *literal == text[0] && model(rest, &text[1..]),
    }
}

fn class(class: &[u8], byte: u8) -> (bool, &[u8]) {
    let (negated, mut rest) = match class.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, class),
    };
    let mut found = false;
    loop {
        rest = match rest {
            [] => return (found != negated, rest),
            [b'\\', one, rest @ ..] => {
                found |= *one == byte;
                rest
            }
            [b']', rest @ ..] => return (found != negated, rest),
            [from, b'-', to, rest @ ..] => {
                found |= (byte >= *from && byte <= *to) || (byte >= *to && byte <= *from);
                rest
            }
            [one, rest @ ..] => {
                found |= *one == byte;
                rest
            }
        }
    }
}

/// Takes bytes for what a Redis server answers. However they are cut, the replies are the same; and what publications can
/// be made of them.
pub fn fuzz_replies(bytes: &[u8]) {
    let whole = read(bytes, usize::MAX);
    // Of nonsense the crate's parser takes more or less, as it comes; the connection ends with it either way.
    let pieces: &[usize] = if whole.1.is_none() { &[1, 7] } else { &[] };
    for &piece in pieces {
        assert_eq!(read(bytes, piece), whole, "cut into pieces of {piece}");
    }
    for reply in whole.0 {
        redis_stream::entries(reply);
    }
}

fn read(bytes: &[u8], piece: usize) -> (Vec<Value>, Option<Malformed>) {
    let mut replies = Replies::new();
    let mut found = Vec::new();
    for part in bytes.chunks(piece.min(bytes.len().max(1))) {
        let room: &mut BytesMut = replies.room();
        room.extend_from_slice(part);
        loop {
            match replies.next() {
                Ok(Some(reply)) => found.push(reply),
                Ok(None) => break,
                Err(malformed) => return (found, Some(malformed)),
            }
        }
    }
    (found, None)
}
