//! The standard as numbered statements, each a test whose name says it: S1 to S5 what a stream is made of and what an
//! encoder may write, S6 to S23 how it is parsed, S24 to S30 what a blank line dispatches, S46 what a reconnection keeps.
//! The numbers between are about requests and connections, which this crate knows nothing of.

use bytes::BytesMut;
use tidings_stream::{CONTENT_TYPE, Decoder, EncodeError, Frame, Item, encode_comment};

use crate::{encode, event, feed, items, message};

#[test]
fn s01_the_stream_is_utf_8_whatever_the_charset_says() {
    assert_eq!(CONTENT_TYPE, "text/event-stream");
    assert_eq!(items("data: ok…\n\n"), [message("ok…")]);
    // "ok…" as ISO-8859-1 or Windows-1252 would have it.
    assert_eq!(items(b"data: ok\x85\n\n"), [message("ok\u{FFFD}")]);
}

#[test]
fn s02_every_production_of_the_grammar_is_read() {
    let stream = "\u{FEFF}:comment\nfield\nfield:\nfield: \nfield:value\ndata: value\n\n\n";
    assert_eq!(items(stream), [Item::Comment("comment".to_owned()), message("value")]);
}

#[test]
fn s03_the_encoder_ends_lines_with_lf_only() {
    let frame = Frame { id: Some("1"), event: Some("e"), retry: Some(5), data: Some("a\r\nb\rc\nd") };
    assert_eq!(encode(frame), "id: 1\nevent: e\nretry: 5\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
}

#[test]
fn s04_other_separators_are_ordinary_characters() {
    let data = "a\0b\u{2028}c\u{2029}d\u{85}e\u{B}f\u{C}g";
    assert_eq!(items(format!("data: {data}\n\n")), [message(data)]);
    assert_eq!(encode(Frame { data: Some(data), ..Frame::default() }), format!("data: {data}\n\n"));
    let odd = "a\0\u{2028}";
    assert_eq!(
        items(encode(Frame { event: Some(odd), data: Some(""), ..Frame::default() })),
        [event("", odd, "")]
    );
}

#[test]
fn s05_line_ends_cannot_inject_fields() {
    for end in ["\n", "\r", "\r\n"] {
        let data = format!("a{end}event: evil{end}{end}data: evil");
        let wire = encode(Frame { data: Some(&data), ..Frame::default() });
        assert_eq!(items(wire), [message("a\nevent: evil\n\ndata: evil")]);

        let value = format!("a{end}data: evil");
        let mut out = BytesMut::from("before");
        for (frame, field) in [
            (Frame { id: Some(&value), ..Frame::default() }, "id"),
            (Frame { id: Some("1"), event: Some(&value), ..Frame::default() }, "event type"),
        ] {
            assert_eq!(frame.encode(&mut out), Err(EncodeError::LineEnd { field, at: 1 }));
        }
        let refused = Err(EncodeError::LineEnd { field: "comment", at: 1 });
        assert_eq!(encode_comment(&value, &mut out), refused);
        assert_eq!(out, "before", "an error writes nothing");
    }
}

#[test]
fn s06_invalid_utf_8_is_replaced_and_one_byte_order_mark_is_stripped() {
    assert_eq!(items(b"data: a\xFFb\xE2\x82\n\n"), [message("a\u{FFFD}b\u{FFFD}")]);
    assert_eq!(items(b"\xEF\xBB\xBFdata: a\n\n"), [message("a")]);
    // Incomplete, and so not a mark.
    assert_eq!(items(b"\xEF\xBBdata: a\ndata: b\n\n"), [message("b")]);
}

#[test]
fn s07_a_second_byte_order_mark_makes_the_field_unknown() {
    assert_eq!(items("\u{FEFF}\u{FEFF}data: a\n\ndata: b\n\n"), [message("b")]);
}

#[test]
fn s08_a_later_byte_order_mark_is_data() {
    let stream = "data: a\n\ndata: \u{FEFF}b\n\n\u{FEFF}data: c\n\n";
    assert_eq!(items(stream), [message("a"), message("\u{FEFF}b")]);
}

#[test]
fn s09_the_stream_may_be_split_at_any_byte() {
    let stream = "\u{FEFF}id: ü\r\nevent: €\r\ndata: 🦀\r\ndata: 2\r\n\r\ndata: next\r\n\r\n";
    let expected = [event("ü", "€", "🦀\n2"), event("ü", "message", "next")];
    let bytes = stream.as_bytes();
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            let mut decoder = Decoder::new();
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            let found: Vec<Item> = pieces.iter().flat_map(|piece| feed(&mut decoder, piece)).collect();
            assert_eq!(found, expected, "cut at {first} and {second}");
        }
    }
}

#[test]
fn s10_crlf_lf_and_cr_are_one_line_end_each() {
    let ends = ["\n", "\r", "\r\n"];
    for first in ends {
        for second in ends {
            for third in ends {
                // CR before LF is CRLF, whoever wrote them.
                if (first, second) == ("\r", "\n") || (second, third) == ("\r", "\n") {
                    continue;
                }
                let stream = format!("data: a{first}data: b{second}{third}");
                assert_eq!(items(&stream), [message("a\nb")], "{stream:?}");
            }
        }
    }
}

#[test]
fn s11_lone_cr_dispatches_at_once() {
    let mut decoder = Decoder::new();
    assert_eq!(feed(&mut decoder, "data: a\r\r"), [message("a")]);
    // The LF belongs to the CR that ended the event: it is no blank line of the next one.
    assert_eq!(feed(&mut decoder, "\ndata: b\r"), []);
    assert_eq!(feed(&mut decoder, "\n\r"), [message("b")]);
    assert_eq!(feed(&mut decoder, "data: c\r\n\n"), [message("c")]);
}

#[test]
fn s12_comments_change_nothing() {
    let stream = "data: a\n:data: x\n:\nevent: e\n: id: 7\n\n";
    let expected = [
        Item::Comment("data: x".to_owned()),
        Item::Comment(String::new()),
        Item::Comment(" id: 7".to_owned()),
        event("", "e", "a"),
    ];
    assert_eq!(items(stream), expected);
}

#[test]
fn s13_one_space_after_the_colon_is_dropped() {
    let stream = "data:x\ndata: x\ndata:  x\ndata:\tx\ndata:x:y: z\ndata: \n\n";
    assert_eq!(items(stream), [message("x\nx\n x\n\tx\nx:y: z\n")]);
    assert_eq!(items(encode(Frame { data: Some(" x"), ..Frame::default() })), [message(" x")]);
}

#[test]
fn s14_a_line_without_a_colon_is_a_field_with_an_empty_value() {
    assert_eq!(items("data\n\n"), items("data:\n\n"));
    assert_eq!(items("id: 1\nid\nevent: e\nevent\ndata\n\n"), [message("")]);
}

#[test]
fn s15_field_names_are_compared_literally() {
    let stream = "Data: a\n data: b\ndata : c\nDATA: d\ndat: e\ndatas: f\ndata\0: g\ndata: h\n\n";
    assert_eq!(items(stream), [message("h")]);
}

#[test]
fn s16_unknown_fields_are_ignored() {
    assert_eq!(items("data: a\nfoo: b\nfoo\n\u{1F980}: c\n\n"), [message("a")]);
}

#[test]
fn s17_data_lines_are_joined_by_lf() {
    assert_eq!(items("data: a\ndata: b\ndata:\ndata: c\n\n"), [message("a\nb\n\nc")]);
}

#[test]
fn s18_the_last_event_type_of_a_block_wins() {
    assert_eq!(items("event: a\ndata: x\nevent: b\n\n"), [event("", "b", "x")]);
}

#[test]
fn s19_an_id_with_nul_is_ignored_and_an_empty_one_resets() {
    assert_eq!(items("id: 1\nid: 2\0\ndata: x\n\n"), [event("1", "message", "x")]);
    assert_eq!(items("id: 1\ndata: x\n\nid\ndata: y\n\n"), [event("1", "message", "x"), message("y")]);
    let refused = Frame { id: Some("ab\0"), ..Frame::default() }.encode(&mut BytesMut::new());
    assert_eq!(refused, Err(EncodeError::NulInId { at: 2 }));
    assert_eq!(encode(Frame { id: Some(""), ..Frame::default() }), "id: \n\n");
}

#[test]
fn s20_retry_is_ascii_digits_only() {
    for (value, expected) in [
        ("1000", Some(1000)),
        ("03000", Some(3000)),
        ("0", Some(0)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", Some(u64::MAX)),
        ("1000x", None),
        ("99999999999999999999x", None),
        ("", None),
        (" 5", None),
        ("5 ", None),
        ("-5", None),
        ("+5", None),
        ("1.5", None),
        ("1e3", None),
        ("0x10", None),
        ("\u{661}\u{662}", None),
    ] {
        let mut decoder = Decoder::new();
        let found = feed(&mut decoder, format!("retry: {value}\n"));
        assert_eq!(found, expected.map(Item::Retry).into_iter().collect::<Vec<_>>(), "{value:?}");
        assert_eq!(decoder.retry(), expected, "{value:?}");
        // Whatever the value, the event it comes with is fired, and a bad value leaves the earlier one.
        feed(&mut decoder, "retry: 7\n");
        assert_eq!(feed(&mut decoder, "retry: bogus\ndata: x\n\n"), [message("x")]);
        assert_eq!(decoder.retry(), Some(7));
    }
}

#[test]
fn s21_an_event_without_its_blank_line_is_lost() {
    assert_eq!(items("data: a\n\ndata: b\n"), [message("a")]);
    let mut decoder = Decoder::new();
    feed(&mut decoder, "data: lost\nevent: lost\nda");
    decoder.restart();
    assert_eq!(feed(&mut decoder, "data: b\n\n"), [message("b")]);
}

#[test]
fn s22_an_id_without_its_blank_line_does_not_count() {
    let mut decoder = Decoder::new();
    feed(&mut decoder, "id: 1\ndata: a\n\nid: 2\ndata: b\n");
    assert_eq!(decoder.last_id(), "1");
    decoder.restart();
    assert_eq!(feed(&mut decoder, "data: c\n\n"), [event("1", "message", "c")]);
}

#[test]
fn s23_an_event_comes_with_the_last_byte_of_its_blank_line() {
    let mut decoder = Decoder::new();
    assert_eq!(feed(&mut decoder, "data: a\n"), []);
    assert_eq!(feed(&mut decoder, "\n"), [message("a")]);
    assert_eq!(feed(&mut decoder, "data: b\n\ndata"), [message("b")]);
}

#[test]
fn s24_an_id_without_data_moves_the_cursor() {
    let mut decoder = Decoder::new();
    assert_eq!(feed(&mut decoder, "id: 7\n\n"), [Item::LastId("7".to_owned())]);
    assert_eq!(decoder.last_id(), "7");
    assert_eq!(feed(&mut decoder, "id: 7\n\n"), [], "it has not moved");
    assert_eq!(feed(&mut decoder, "data: a\n\n"), [event("7", "message", "a")]);
    assert_eq!(feed(&mut decoder, "id\n\n"), [Item::LastId(String::new())]);
}

#[test]
fn s25_no_data_no_event() {
    assert_eq!(items("\n\nevent: x\n\n\n\ndata: a\n\n\n\n"), [message("a")]);
}

#[test]
fn s26_empty_data_is_an_event() {
    for empty in ["data\n\n", "data:\n\n", "data: \n\n"] {
        assert_eq!(items(empty), [message("")], "{empty:?}");
    }
    assert_eq!(items("data\ndata\n\n"), [message("\n")]);
    assert_eq!(items(encode(Frame { data: Some(""), ..Frame::default() })), [message("")]);
}

#[test]
fn s27_one_trailing_line_end_is_stripped() {
    assert_eq!(items("data: a\ndata:\ndata:\n\n"), [message("a\n\n")]);
    assert_eq!(items(encode(Frame { data: Some("a\n\n"), ..Frame::default() })), [message("a\n\n")]);
}

#[test]
fn s28_the_type_is_message_unless_it_is_named() {
    assert_eq!(items("event:\ndata: a\n\n"), [message("a")]);
    assert_eq!(items("event: a\nevent\ndata: b\n\n"), [message("b")]);
    assert_eq!(items("event: message\ndata: a\n\n"), [message("a")]);
}

#[test]
fn s29_the_last_event_id_persists() {
    let stream = "data: a\n\nid: 1\ndata: b\n\ndata: c\n\nid: 2\ndata: d\n\n";
    let expected =
        [message("a"), event("1", "message", "b"), event("1", "message", "c"), event("2", "message", "d")];
    assert_eq!(items(stream), expected);
}

#[test]
fn s30_dispatch_resets_data_and_type() {
    let stream = "event: e\ndata: a\n\ndata: b\n\nevent: f\n\ndata: c\n\n";
    assert_eq!(items(stream), [event("", "e", "a"), message("b"), message("c")]);
}

#[test]
fn s46_a_new_connection_keeps_id_and_retry_and_starts_afresh_otherwise() {
    let mut decoder = Decoder::with_last_id("7");
    assert_eq!(feed(&mut decoder, "data: a\n\n"), [event("7", "message", "a")]);
    feed(&mut decoder, "retry: 10\nid: 8\n\nid: 9\nevent: lost\ndata: lost\r");
    decoder.restart();
    assert_eq!((decoder.last_id(), decoder.retry(), decoder.buffered()), ("8", Some(10), 0));
    // The LF is a line of its own now, and a byte order mark may open the stream.
    assert_eq!(feed(&mut decoder, "\u{FEFF}data: b\n\n"), [event("8", "message", "b")]);
}
