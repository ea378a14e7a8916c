//! What a subscription's query string and headers ask for.

use std::{borrow::Cow, sync::Arc};

use http::HeaderMap;
use tidings_hub::{
    CONTROL_PREFIX, EARLIEST, InvalidPublication, MAX_EVENT_TYPE_BYTES, Pattern, Selection, Selector, Start,
    Topic,
};
use tidings_stream::check_event_type;

use crate::{form, problem::Problem};

/// The query parameters that carry a cursor. A browser sends the header of the same name by itself when it
/// reconnects, but cannot on the first connection; the spellings are those of the polyfills and peers in use.
pub(crate) const CURSOR_PARAMETERS: [&str; 4] =
    ["last_event_id", "lastEventId", "lastEventID", "Last-Event-ID"];
/// The header that carries a cursor (WHATWG HTML, "The Last-Event-ID header").
pub(crate) const CURSOR_HEADER: &str = "last-event-id";
/// The most that `last` may ask for.
const MAX_LAST: usize = 100_000;
/// The longest signal of the end, in bytes.
const MAX_END_BYTES: usize = 255;

/// A subscription as it was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) selection: Selection,
    pub(super) start: Start,
    /// The one type that all events are to have, for clients that listen for one.
    pub(super) event: Option<Arc<str>>,
    /// The data of the event that such clients take for the end of the stream. They do not come back, so that the stream
    /// is to last as long as it can.
    pub(super) end: Option<String>,
}

/// Reads the query string and the headers. Parameters of other names are left to other purposes (a cache-busting `_`,
/// say). A non-empty header wins over the query, because a reconnecting browser sends the old URL and the new header.
pub(super) fn read(
    query: Option<&str>,
    headers: &HeaderMap,
    default_topic: &Topic,
) -> Result<Asked, Problem> {
    let mut selectors = Vec::new();
    let (mut cursor, mut last, mut event, mut end) = (None, None, None, None);
    for (name, value) in form::fields(query.unwrap_or_default().as_bytes())? {
        match &*name {
            "topic" => selectors.push(Selector::Exact(Topic::new(&value).map_err(Problem::bad_request)?)),
            "pattern" => {
                selectors.push(Selector::Pattern(Pattern::new(&value).map_err(Problem::bad_request)?))
            }
            "last" => last = Some(parse_last(&value)?),
            "event" => event = Some(parse_event(&value)?),
            "end" => end = Some(parse_end(&value)?),
            name if CURSOR_PARAMETERS.contains(&name) && !value.is_empty() => cursor = Some(value),
            _ => {}
        }
    }
    if selectors.is_empty() {
        selectors.push(Selector::Exact(default_topic.clone()));
    }
    let header = headers.get(CURSOR_HEADER).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let start = match (header.filter(|id| !id.is_empty()).or(cursor), last) {
        (Some(id), _) if id == EARLIEST => Start::Earliest,
        (Some(id), _) => Start::After(Cow::into_owned(id)),
        (None, Some(count)) => Start::Newest(count),
        (None, None) => Start::Live,
    };
    Ok(Asked { selection: selectors.into_iter().collect(), start, event, end })
}

fn parse_last(value: &str) -> Result<usize, Problem> {
    match value.parse() {
        Ok(count) if count <= MAX_LAST => Ok(count),
        _ => Err(Problem::bad_request(format!("last={value}: give a whole number from 0 to {MAX_LAST}"))),
    }
}

fn parse_event(name: &str) -> Result<Arc<str>, Problem> {
    let bad = |problem: String| Problem::bad_request(format!("event: {problem}"));
    check_event_type(name).map_err(|error| bad(error.to_string()))?;
    match name.len() {
        0 => Err(bad("it is empty: name the type that all events are to have, or leave it out".to_owned())),
        1..=MAX_EVENT_TYPE_BYTES if name.starts_with(CONTROL_PREFIX) => {
            Err(bad(InvalidPublication::ControlEventType.to_string()))
        }
        1..=MAX_EVENT_TYPE_BYTES => Ok(name.into()),
        length => Err(bad(InvalidPublication::EventTypeTooLong(length).to_string())),
    }
}

fn parse_end(signal: &str) -> Result<String, Problem> {
    match signal.len() {
        1..=MAX_END_BYTES if !signal.contains(['\r', '\n']) => Ok(signal.to_owned()),
        1..=MAX_END_BYTES => Err(Problem::bad_request("end: it has more than one line")),
        0 => Err(Problem::bad_request(
            "end: it is empty: give the data of the event that says that the stream is over, or leave it out",
        )),
        length => Err(Problem::bad_request(format!(
            "end: it is {length} bytes long: at most {MAX_END_BYTES} are allowed"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str, header: Option<&str>) -> Result<Asked, Problem> {
        let mut headers = HeaderMap::new();
        if let Some(id) = header {
            headers.insert(CURSOR_HEADER, id.parse().unwrap());
        }
        read(Some(query), &headers, &Topic::new("messages").unwrap())
    }

    fn start(query: &str, header: Option<&str>) -> Start {
        asked(query, header).unwrap().start
    }

    #[test]
    fn topics_and_patterns_repeat_and_none_means_the_default() {
        let exact = |name: &str| Selector::Exact(Topic::new(name).unwrap());
        let pattern = Selector::Pattern(Pattern::new("orders.*").unwrap());
        assert_eq!(
            asked("topic=a&topic=b%20c&pattern=orders.*&_=123", None).unwrap().selection,
            [exact("a"), exact("b c"), pattern].into_iter().collect()
        );
        assert_eq!(asked("", None).unwrap().selection, [exact("messages")].into_iter().collect());
        assert!(asked("topic=", None).is_err());
        assert!(asked("pattern=%0A", None).is_err());
        assert!(asked("topic=%ff", None).is_err());
    }

    #[test]
    fn a_cursor_has_many_spellings_and_the_header_wins() {
        for name in CURSOR_PARAMETERS {
            assert_eq!(start(&format!("{name}=a-1"), None), Start::After("a-1".into()), "{name}");
        }
        assert_eq!(start("last_event_id=a-1", Some("b-2")), Start::After("b-2".into()));
        assert_eq!(start("last_event_id=a-1", Some("")), Start::After("a-1".into()));
        assert_eq!(start("last_event_id=", None), Start::Live);
        assert_eq!(start("last_event_id=earliest", None), Start::Earliest);
        assert_eq!(start("last=5", Some("b-2")), Start::After("b-2".into()));
    }

    #[test]
    fn last_is_a_bounded_number() {
        assert_eq!(start("last=5", None), Start::Newest(5));
        for bad in ["last=", "last=-1", "last=x", "last=100001"] {
            assert!(asked(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_type_for_all_events_and_a_signal_of_the_end_are_single_lines() {
        let ask =
            |query| asked(query, None).map(|asked| (asked.event.as_deref().map(str::to_owned), asked.end));
        assert_eq!(ask("topic=a").unwrap(), (None, None));
        let both = ask("event=update&end=%3C/stream%3E").unwrap();
        assert_eq!(both, (Some("update".to_owned()), Some("</stream>".to_owned())));
        let longest = "e".repeat(255);
        assert!(ask(&format!("event={longest}&end={longest}")).is_ok());
        for (query, says) in [
            ("event=", "event: it is empty"),
            ("event=a%0Ab", "event: "),
            ("event=a%0Db", "event: "),
            ("event=tidings.close", "the hub's own"),
            (&format!("event={longest}e"), "event: the event type is 256 bytes long"),
            ("end=", "end: it is empty"),
            ("end=a%0Ab", "end: it has more than one line"),
            ("end=a%0D", "end: it has more than one line"),
            (&format!("end={longest}e"), "end: it is 256 bytes long: at most 255"),
        ] {
            let problem = asked(query, None).unwrap_err();
            assert!(format!("{problem:?}").contains(says), "{query}: {problem:?}");
        }
    }
}
