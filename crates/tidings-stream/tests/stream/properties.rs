//! What holds of every stream: random events under random cuts, and random bytes.

use bytes::{Buf, Bytes, BytesMut};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tidings_stream::{Decoder, Frame, Item, check_comment, check_event_type, check_id, encode_comment};

use crate::support::check::check;
use crate::{event, feed};

#[derive(Clone, Debug)]
enum Sent {
    Event { id: Option<String>, event: Option<String>, retry: Option<u64>, data: Option<String> },
    Comment(String),
}

impl Sent {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Sent::Comment(text) => encode_comment(text, out).unwrap(),
            Sent::Event { id, event, retry, data } => {
                let frame = Frame {
                    id: id.as_deref(),
                    event: event.as_deref(),
                    retry: *retry,
                    data: data.as_deref(),
                };
                let before = out.len();
                frame.encode(out).unwrap();
                assert_eq!(out.len() - before, frame.encoded_len());
            }
        }
    }

    /// What a client gets for it, if the last event id was `last_id`, which this updates.
    fn received(&self, last_id: &mut String) -> Vec<Item> {
        match self {
            Sent::Comment(text) => vec![Item::Comment(text.clone())],
            Sent::Event { id, event: event_type, retry, data } => {
                let mut items: Vec<Item> = retry.map(Item::Retry).into_iter().collect();
                let moved = id.as_ref().is_some_and(|id| id != last_id);
                if let Some(id) = id {
                    last_id.clone_from(id);
                }
                let event_type = event_type.as_deref().filter(|name| !name.is_empty()).unwrap_or("message");
                match data {
                    Some(data) => {
                        let data = data.replace("\r\n", "\n").replace('\r', "\n");
                        items.push(event(last_id, event_type, &data));
                    }
                    None if moved => items.push(Item::LastId(last_id.clone())),
                    None => {}
                }
                items
            }
        }
    }
}

/// Text in which what matters to the format is frequent.
fn any_text() -> impl Strategy<Value = String> {
    "([\r\n :\0a-c\u{FEFF}\u{2028}é🦀]|data|id: |\\PC){0,12}"
}

fn one_line() -> impl Strategy<Value = String> {
    any_text().prop_map(|text| text.replace(['\r', '\n'], ""))
}

fn any_sent() -> impl Strategy<Value = Sent> {
    let id = one_line().prop_map(|text| text.replace('\0', ""));
    let fields = (option::of(id), option::of(one_line()), option::of(any::<u64>()), option::of(any_text()));
    prop_oneof![
        4 => fields.prop_map(|(id, event, retry, data)| Sent::Event { id, event, retry, data }),
        1 => one_line().prop_map(Sent::Comment),
    ]
}

/// Bytes in which lines, fields and broken UTF-8 are frequent.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        prop::sample::select(vec![
            &b"data"[..],
            b"event",
            b"id",
            b"retry",
            b":",
            b": ",
            b" ",
            b"\n",
            b"\n\n",
            b"\r",
            b"\r\n",
            b"\0",
            b"7",
            b"\xEF\xBB\xBF",
            b"\xEF\xBB",
            b"\xE2\x82",
            b"\xFF",
        ])
        .prop_map(<[u8]>::to_vec),
        vec(any::<u8>(), 0..4),
    ];
    vec(token, 0..60).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_however_it_is_cut(
        sent in vec(any_sent(), 0..8),
        lengths in vec(0_usize..20, 1..30),
    ) {
        let mut wire = BytesMut::new();
        sent.iter().for_each(|sent| sent.encode(&mut wire));
        let mut last_id = String::new();
        let expected: Vec<Item> = sent.iter().flat_map(|sent| sent.received(&mut last_id)).collect();

        let mut decoder = Decoder::new();
        let mut found = Vec::new();
        for length in lengths {
            found.extend(feed(&mut decoder, wire.split_to(length.min(wire.len()))));
        }
        found.extend(feed(&mut decoder, wire));
        prop_assert_eq!(found, expected);
        prop_assert_eq!(decoder.last_id(), last_id);
        prop_assert_eq!(decoder.buffered(), 0);
    }

    #[test]
    fn any_stream_passes_the_check_of_the_fuzz_target(stream in any_stream()) {
        check(&stream);
    }

    #[test]
    fn input_in_several_parts_is_read_as_one(stream in any_stream(), at in any::<prop::sample::Index>()) {
        let (head, tail) = stream.split_at(at.index(stream.len() + 1));
        let mut parts = Bytes::copy_from_slice(head).chain(Bytes::copy_from_slice(tail));
        let mut decoder = Decoder::new();
        let found: Vec<Item> = std::iter::from_fn(|| decoder.decode(&mut parts)).map(Result::unwrap).collect();
        prop_assert_eq!(parts.remaining(), 0);
        prop_assert_eq!(found, feed(&mut Decoder::new(), &stream));
    }

    #[test]
    fn what_the_checks_let_pass_is_encoded_and_nothing_else(text in any_text()) {
        let mut out = BytesMut::new();
        let id = Frame { id: Some(&text), ..Frame::default() };
        prop_assert_eq!(check_id(&text), id.encode(&mut out));
        prop_assert_eq!(check_id(&text).is_err(), text.contains(['\r', '\n', '\0']));
        let event = Frame { event: Some(&text), ..Frame::default() };
        prop_assert_eq!(check_event_type(&text), event.encode(&mut out));
        prop_assert_eq!(check_event_type(&text).is_err(), text.contains(['\r', '\n']));
        prop_assert_eq!(check_comment(&text), encode_comment(&text, &mut out));
        prop_assert_eq!(check_comment(&text).is_err(), text.contains(['\r', '\n']));
    }
}
