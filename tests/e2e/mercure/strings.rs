//! 1.2: the characters of topics, matchers, ids and types.

use serde_json::json;

use super::{
    client::{Client, form, hub},
    token::{Token, detail, v1_all},
};

/// What must be in no protocol string: control characters (C0, DEL, C1) and those of category Cf, which nobody sees.
const WRONG: [(&str, &str); 16] = [
    ("U+0000", "a\0b"),
    ("U+0001", "a\u{1}b"),
    ("tab", "a\tb"),
    ("line feed", "a\nb"),
    ("carriage return", "a\rb"),
    ("U+001F", "a\u{1f}b"),
    ("DEL", "a\u{7f}b"),
    ("U+0080", "a\u{80}b"),
    ("NEL", "a\u{85}b"),
    ("U+009F", "a\u{9f}b"),
    ("soft hyphen", "a\u{ad}b"),
    ("zero-width space", "a\u{200b}b"),
    ("right-to-left override", "a\u{202e}b"),
    ("word joiner", "a\u{2060}b"),
    ("byte-order mark", "\u{feff}ab"),
    ("language tag", "a\u{e0001}b"),
];

/// What looks strange and is allowed.
const RIGHT: [(&str, &str); 8] = [
    ("space", "a b"),
    ("no-break space", "a\u{a0}b"),
    ("accent", "é"),
    ("Chinese", "你好"),
    ("emoji", "🦀"),
    ("line separator", "a\u{2028}b"),
    ("private use", "a\u{e000}b"),
    ("punctuation", "\"<>\\^`{|}%"),
];

// 1.2 In topics, and in the id and type of a publication: 400.
#[test]
fn publications_with_a_wrong_character_are_refused() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for (name, text) in WRONG {
        for fields in [
            &[("topic", text)][..],
            &[("topic", "a"), ("topic", text)],
            &[("topic", "a"), ("id", text)],
            &[("topic", "a"), ("type", text)],
        ] {
            let answer = client.publish(fields);
            assert_eq!(answer.status(), 400, "{name} in {fields:?}: {}", answer.text());
        }
    }
    for (name, text) in RIGHT {
        client.published(&[("topic", text)]);
        client.published(&[("topic", "a"), ("type", text)]);
        assert_eq!(client.published(&[("topic", "a"), ("id", text)]), text, "{name}");
    }
}

// 1.2 In matchers: 400.
#[test]
fn matchers_with_a_wrong_character_are_refused() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for parameter in ["match", "match_exact", "match_urlpattern"] {
        for (name, text) in WRONG {
            let answer = client.refused(&[(parameter, text)]);
            assert_eq!(answer.status(), 400, "{name} in {parameter}: {}", answer.text());
        }
    }
    for (_, text) in RIGHT {
        client.listen(&[("match", text)]);
    }
}

// 1.2 In matchers inside a token: 401 invalid_token.
#[test]
fn tokens_with_a_wrong_character_are_invalid() {
    let hub = hub();
    for (name, text) in WRONG {
        for action in ["publish", "subscribe"] {
            let token = Token::v1(json!([detail(&[action], &["a", text])])).signed();
            let client = Client::with(&hub, &token);
            let answers = [client.publish(&[("topic", "a")]), client.refused(&[("match", "a")])];
            for answer in answers {
                assert_eq!(answer.status(), 401, "{name}, {action}");
                assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
            }
        }
    }
}

// 1.2 Valid UTF-8.
#[test]
fn what_is_not_utf_8_is_refused() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for bytes in ["%FF", "%C3", "%C0%80", "%ED%A0%80", "%F5%80%80%80"] {
        for field in ["topic=", "topic=a&id=", "topic=a&type=", "topic=a&data="] {
            let answer = client.post(format!("{field}{bytes}").as_bytes());
            assert_eq!(answer.status(), 400, "{field}{bytes}: {}", answer.text());
        }
        for parameter in ["match", "match_exact", "match_urlpattern"] {
            let answer = client.subscribe_raw("GET", &format!("{parameter}={bytes}"), b"").unwrap_err();
            assert_eq!(answer.status(), 400, "{parameter}={bytes}");
            let body = format!("{parameter}={bytes}");
            let answer = client.subscribe_raw("QUERY", "", body.as_bytes()).unwrap_err();
            assert_eq!(answer.status(), 400, "{parameter}={bytes}");
        }
    }
    assert_eq!(client.subscribe_raw("GET", &form(&[("match", "é")]), b"").unwrap().head.status, 200);
}
