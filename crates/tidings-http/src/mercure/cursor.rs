//! The cursor: behind which event a subscription begins, and what the answer says about it (sections 1.7 and 2).

use http::{HeaderMap, HeaderName, HeaderValue};
use tidings_hub::{EARLIEST, Start};

use super::dialect::Dialect;

/// The query parameters that carry a cursor: 1.0's, 0.x's, and those of polyfills and of the hub's oldest clients. Each
/// is understood in both dialects, for a client that is misunderstood here loses events in silence.
const PARAMETERS: [&str; 4] = ["last_event_id", "lastEventID", "lastEventId", "Last-Event-ID"];
/// The header that carries it (WHATWG HTML, "The Last-Event-ID header"), and 0.x's header of the answer.
const HEADER: HeaderName = HeaderName::from_static("last-event-id");
/// 1.0's header of the answer.
const ANSWER: HeaderName = HeaderName::from_static("mercure-last-event-id");

/// The cursor of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Whether there is one at all, be it empty.
    asked: bool,
    /// What it says, if it says something.
    id: Option<String>,
}

impl Cursor {
    /// Reads what the header says.
    pub(super) fn of_header(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(HEADER) else { return Self::default() };
        let id = String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self { asked: true, id: Some(id).filter(|id| !id.is_empty()) }
    }

    /// Whether a parameter carries a cursor.
    pub(super) fn is_parameter(name: &str) -> bool {
        PARAMETERS.contains(&name)
    }

    /// Takes a parameter's value into account. What says something already wins: a browser that reconnects sends its
    /// old URL and the new header.
    pub(super) fn parameter(&mut self, value: &str) {
        self.asked = true;
        if self.id.is_none() && !value.is_empty() {
            self.id = Some(value.to_owned());
        }
    }

    /// Where the subscription begins.
    pub(super) fn start(&self) -> Start {
        match self.id.as_deref() {
            None => Start::Live,
            Some(EARLIEST) => Start::Earliest,
            Some(id) => Start::After(id.to_owned()),
        }
    }

    /// The header of the answer: the id that the stream goes on behind, or `earliest` for all others, so that a client
    /// that compares knows that it may have lost something. An id that cannot stand in a header is not said.
    pub(super) fn answer(&self, dialect: Dialect, is_resumed: bool) -> Option<(HeaderName, HeaderValue)> {
        let name = match dialect {
            Dialect::V1 if self.asked => ANSWER,
            Dialect::V0 if self.id.is_some() => HEADER,
            _ => return None,
        };
        let id = self.id.as_deref().filter(|_| is_resumed);
        let value = id.and_then(|id| HeaderValue::from_bytes(id.as_bytes()).ok());
        Some((name, value.unwrap_or(HeaderValue::from_static(EARLIEST))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(header: Option<&str>, parameters: &[&str]) -> Cursor {
        let headers = header.map(|value| (HEADER, HeaderValue::from_str(value).unwrap()));
        let mut cursor = Cursor::of_header(&headers.into_iter().collect());
        parameters.iter().for_each(|value| cursor.parameter(value));
        cursor
    }

    fn answer(cursor: &Cursor, dialect: Dialect, is_resumed: bool) -> Option<(String, String)> {
        let (name, value) = cursor.answer(dialect, is_resumed)?;
        Some((name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
    }

    // 1.3, 1.7, 2 Subscribe
    #[test]
    fn a_header_that_says_something_wins() {
        for (header, parameters, expected) in [
            (None, &[][..], Start::Live),
            (Some(""), &[], Start::Live),
            (None, &[""], Start::Live),
            (Some("a"), &["b"], Start::After("a".into())),
            (Some(""), &["b"], Start::After("b".into())),
            (None, &["", "b", "c"], Start::After("b".into())),
            (None, &["earliest"], Start::Earliest),
            (Some("earliest"), &["b"], Start::Earliest),
        ] {
            assert_eq!(cursor(header, parameters).start(), expected, "{header:?} {parameters:?}");
        }
    }

    // 2, the polyfill trap
    #[test]
    fn the_parameter_has_four_names() {
        for name in ["last_event_id", "lastEventID", "lastEventId", "Last-Event-ID"] {
            assert!(Cursor::is_parameter(name), "{name}");
        }
        assert!(!Cursor::is_parameter("lasteventid"));
    }

    // 1.3, 1.7
    #[test]
    fn in_1_0_the_answer_says_it_if_there_was_a_cursor_be_it_empty() {
        let says = |value: &str| Some(("mercure-last-event-id".to_owned(), value.to_owned()));
        let answer = |cursor, is_resumed| answer(&cursor, Dialect::V1, is_resumed);
        assert_eq!(answer(cursor(None, &[]), false), None);
        assert_eq!(answer(cursor(Some(""), &[]), false), says("earliest"));
        assert_eq!(answer(cursor(None, &[""]), false), says("earliest"));
        assert_eq!(answer(cursor(None, &["a"]), true), says("a"));
        assert_eq!(answer(cursor(Some("a"), &["b"]), true), says("a"));
        assert_eq!(answer(cursor(None, &["a"]), false), says("earliest"));
        assert_eq!(answer(cursor(None, &["earliest"]), false), says("earliest"));
    }

    // 2 Subscribe
    #[test]
    fn in_0_x_the_answer_says_it_if_the_cursor_said_something() {
        let says = |value: &str| Some(("last-event-id".to_owned(), value.to_owned()));
        let answer = |cursor, is_resumed| answer(&cursor, Dialect::V0, is_resumed);
        assert_eq!(answer(cursor(None, &[]), false), None);
        assert_eq!(answer(cursor(Some(""), &[""]), false), None);
        assert_eq!(answer(cursor(None, &["a"]), true), says("a"));
        assert_eq!(answer(cursor(None, &["a"]), false), says("earliest"));
    }

    // 1.7
    #[test]
    fn an_id_that_cannot_stand_in_a_header_is_not_said() {
        for (id, value) in [("a b", "a b"), ("消", "消"), ("a\u{1}", "earliest"), ("a\r\nx: y", "earliest")]
        {
            let answer = answer(&cursor(None, &[id]), Dialect::V1, true).unwrap();
            assert_eq!(answer.1, value, "{id:?}");
        }
    }
}
