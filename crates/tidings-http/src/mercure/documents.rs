//! The documents about active subscriptions, in both dialects: what events and the three addresses say (sections 1.8
//! and 2, "Subscriptions").

use std::{borrow::Cow, fmt::Write as _};

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    PATH,
    dialect::Dialect,
    matcher::{MatchType, Matcher},
};

/// The SSE event type of 1.0's documents. Those of 0.x have none.
pub(super) const EVENT_TYPE: &str = "mercure";
/// The JSON-LD context of 0.x.
const CONTEXT: &str = "https://mercure.rocks/";
/// All but the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What cannot stand in an entity tag, and the escape itself.
const TAG: &AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'%').add(b'\\');

/// The address of a collection, or of one subscription with `subscriber`: its id, and the topic of its events.
pub(super) fn address(matcher: Option<&Matcher>, subscriber: Option<&str>) -> String {
    let mut address = format!("{PATH}/subscriptions");
    let Some(Matcher { kind, text }) = matcher else { return address };
    let dialect = kind.dialect();
    if dialect == Dialect::V1 {
        push(&mut address, kind.word(), dialect);
    }
    push(&mut address, text, dialect);
    if let Some(subscriber) = subscriber {
        push(&mut address, subscriber, dialect);
    }
    address
}

fn push(address: &mut String, segment: &str, dialect: Dialect) {
    address.push('/');
    let encoded = utf8_percent_encode(segment, SEGMENT);
    match dialect {
        Dialect::V1 => address.extend(encoded),
        // 0.x encodes like a form.
        Dialect::V0 => address.extend(encoded.map(|piece| if piece == "%20" { "+" } else { piece })),
    }
}

/// The text of a segment of an address; `None` when it is not encoded as it must be.
pub(super) fn decode(segment: &str, dialect: Dialect) -> Option<String> {
    let segment = match dialect {
        Dialect::V1 => Cow::Borrowed(segment),
        Dialect::V0 => Cow::Owned(segment.replace('+', " ")),
    };
    let is_escape = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !segment.split('%').skip(1).all(is_escape) {
        return None;
    }
    percent_decode_str(&segment).decode_utf8().ok().map(Cow::into_owned)
}

/// A subscription that is active, or was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described<'a> {
    pub(super) matcher: &'a Matcher,
    pub(super) subscriber: &'a str,
    pub(super) active: bool,
    pub(super) payload: Option<&'a RawValue>,
}

/// What is said around a subscription, according to where.
#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    /// In an event.
    Event,
    /// At its own address; `last_id` is the hub's last event.
    Alone { last_id: &'a str },
    /// In a collection.
    Member,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "@context", skip_serializing_if = "Option::is_none")]
    context: Option<&'static str>,
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    subscriber: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    matched: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    match_type: Option<&'static str>,
    active: bool,
    #[serde(rename = "lastEventID", skip_serializing_if = "Option::is_none")]
    last_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Collection<'a> {
    #[serde(rename = "@context", skip_serializing_if = "Option::is_none")]
    context: Option<&'static str>,
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "lastEventID", skip_serializing_if = "Option::is_none")]
    last_id: Option<&'a str>,
    subscriptions: Vec<Document<'a>>,
}

impl<'a> Described<'a> {
    fn document(self, place: Place<'a>) -> Document<'a> {
        let Self { matcher, subscriber, active, payload } = self;
        let id = address(Some(matcher), Some(subscriber));
        let text = &*matcher.text;
        let common = Document {
            context: None,
            id,
            kind: "subscription",
            subscriber,
            topic: None,
            matched: Some(text),
            match_type: Some(matcher.kind.word()),
            active,
            last_id: None,
            payload,
        };
        match matcher.kind {
            MatchType::Exact | MatchType::UrlPattern => common,
            MatchType::Topic => Document {
                context: (!matches!(place, Place::Member)).then_some(CONTEXT),
                kind: "Subscription",
                topic: Some(text),
                matched: None,
                match_type: None,
                last_id: match place {
                    Place::Alone { last_id } => Some(last_id),
                    Place::Event | Place::Member => None,
                },
                ..common
            },
        }
    }

    /// As an event says it.
    pub(super) fn event(self) -> String {
        json(&self.document(Place::Event))
    }

    /// As its own address says it.
    pub(super) fn alone(self, last_id: &'a str) -> String {
        json(&self.document(Place::Alone { last_id }))
    }
}

/// What a collection's address says.
pub(super) fn collection<'a>(
    dialect: Dialect,
    id: &'a str,
    last_id: &'a str,
    members: impl Iterator<Item = Described<'a>>,
) -> String {
    let subscriptions = members.map(|member| member.document(Place::Member)).collect();
    json(&match dialect {
        Dialect::V1 => Collection { context: None, id, kind: "subscriptions", last_id: None, subscriptions },
        Dialect::V0 => Collection {
            context: Some(CONTEXT),
            id,
            kind: "Subscriptions",
            last_id: Some(last_id),
            subscriptions,
        },
    })
}

fn json(document: &impl Serialize) -> String {
    // Texts and JSON that was parsed always serialize.
    serde_json::to_string(document).unwrap_or_default()
}

/// The media type of the documents.
pub(super) fn media_type(dialect: Dialect) -> HeaderValue {
    HeaderValue::from_static(match dialect {
        Dialect::V1 => "application/json",
        Dialect::V0 => "application/ld+json",
    })
}

/// The entity tag: the id of the hub's last event, after which whatever changes is told by an event. 0.x writes it
/// without quotes.
pub(super) fn entity_tag(dialect: Dialect, last_id: &str) -> HeaderValue {
    let id = utf8_percent_encode(last_id, TAG);
    text_header(&match dialect {
        Dialect::V1 => format!("\"{id}\""),
        Dialect::V0 => id.to_string(),
    })
}

/// The `Link` to the stream that goes on where the document ends.
pub(super) fn link(dialect: Dialect, last_id: &str) -> HeaderValue {
    let mut link = format!("<{PATH}>; rel=\"mercure\"; last-event-id=\"");
    let content_type = match dialect {
        Dialect::V1 => "\"; type=\"mercure\"; content-type=\"application/json\"",
        Dialect::V0 => "\"; content-type=\"application/ld+json\"",
    };
    // Writing to a string does not fail.
    write!(link, "{}{content_type}", utf8_percent_encode(last_id, TAG)).ok();
    text_header(&link)
}

/// A header of text in which everything is ASCII: what is not was percent-encoded.
fn text_header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SUBSCRIBER: &str = "urn:uuid:1e0c";

    fn matcher(kind: MatchType, text: &str) -> Matcher {
        Matcher { kind, text: text.into() }
    }

    fn described<'a>(matcher: &'a Matcher, payload: Option<&'a RawValue>) -> Described<'a> {
        Described { matcher, subscriber: SUBSCRIBER, active: true, payload }
    }

    // 1.8
    #[test]
    fn the_documents_of_1_0() {
        let exact = matcher(MatchType::Exact, "https://example.com/a");
        let payload = RawValue::from_string("{\"k\":\"v\"}".to_owned()).unwrap();
        let document = "{\"id\":\"/.well-known/mercure/subscriptions/exact/https%3A%2F%2Fexample.com%2Fa/\
                        urn%3Auuid%3A1e0c\",\"type\":\"subscription\",\"subscriber\":\"urn:uuid:1e0c\",\
                        \"match\":\"https://example.com/a\",\"match_type\":\"exact\",\"active\":true,\
                        \"payload\":{\"k\":\"v\"}}";
        assert_eq!(described(&exact, Some(&payload)).event(), document);
        assert_eq!(described(&exact, Some(&payload)).alone("last"), document);
        let id = address(None, None);
        assert_eq!(
            collection(Dialect::V1, &id, "last", [described(&exact, Some(&payload))].into_iter()),
            format!(
                "{{\"id\":\"/.well-known/mercure/subscriptions\",\"type\":\"subscriptions\",\
                 \"subscriptions\":[{document}]}}"
            )
        );
        assert!(!described(&exact, None).event().contains("payload"));
    }

    // 2 Subscriptions
    #[test]
    fn the_documents_of_0_x() {
        let topic = matcher(MatchType::Topic, "https://example.com/foo");
        let rest = "\"id\":\"/.well-known/mercure/subscriptions/https%3A%2F%2Fexample.com%2Ffoo/\
                    urn%3Auuid%3A1e0c\",\"type\":\"Subscription\",\"subscriber\":\"urn:uuid:1e0c\",\
                    \"topic\":\"https://example.com/foo\",\"active\":true";
        let context = "\"@context\":\"https://mercure.rocks/\"";
        assert_eq!(described(&topic, None).event(), format!("{{{context},{rest}}}"));
        assert_eq!(
            described(&topic, None).alone("last"),
            format!("{{{context},{rest},\"lastEventID\":\"last\"}}")
        );
        let id = address(None, None);
        assert_eq!(
            collection(Dialect::V0, &id, "last", [described(&topic, None)].into_iter()),
            format!(
                "{{{context},\"id\":\"/.well-known/mercure/subscriptions\",\"type\":\"Subscriptions\",\
                 \"lastEventID\":\"last\",\"subscriptions\":[{{{rest}}}]}}"
            )
        );
    }

    // 1.8, 2 Subscriptions
    #[test]
    fn segments_are_encoded_once() {
        let address =
            |kind, text| address(Some(&matcher(kind, text)), None).split_off("/.well-known/mercure/".len());
        assert_eq!(address(MatchType::Exact, "a b/:é~"), "subscriptions/exact/a%20b%2F%3A%C3%A9~");
        assert_eq!(address(MatchType::UrlPattern, "/x/*"), "subscriptions/urlpattern/%2Fx%2F%2A");
        assert_eq!(address(MatchType::Topic, "a b+c"), "subscriptions/a+b%2Bc");
    }

    // 1.8
    #[test]
    fn bad_escapes_are_no_segments() {
        for segment in ["%", "%4", "%zz", "a%2", "%ff", "%+1"] {
            assert_eq!(decode(segment, Dialect::V1), None, "{segment}");
        }
        assert_eq!(decode("a+b%20c", Dialect::V1).as_deref(), Some("a+b c"));
        assert_eq!(decode("a+b%20c", Dialect::V0).as_deref(), Some("a b c"));
    }

    // 1.8, 2 Subscriptions
    #[test]
    fn tags_and_links_are_those_of_the_dialect() {
        assert_eq!(entity_tag(Dialect::V1, "a b\"c%d\u{7f}é"), "\"a%20b%22c%25d%7F%C3%A9\"");
        assert_eq!(entity_tag(Dialect::V0, "urn:uuid:1"), "urn:uuid:1");
        assert_eq!(
            link(Dialect::V1, "earliest"),
            "</.well-known/mercure>; rel=\"mercure\"; last-event-id=\"earliest\"; type=\"mercure\"; \
             content-type=\"application/json\""
        );
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in "\\PC{0,20}") {
            for kind in [MatchType::Topic, MatchType::Exact] {
                let address = address(Some(&matcher(kind, &text)), None);
                let (_, segment) = address.rsplit_once('/').unwrap();
                let decoded = decode(segment, kind.dialect());
                prop_assert_eq!(decoded.as_deref(), Some(&*text));
            }
        }

        #[test]
        fn every_id_has_a_tag(id in "\\PC{1,20}") {
            prop_assert!(entity_tag(Dialect::V1, &id).to_str().unwrap().len() > 2);
        }
    }
}
