//! What is true of the claims of any token.

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json, value::RawValue};
use tidings_hub::UrlBase;

use super::{DETAIL_TYPE, details, fuzz};

/// Values of which some are good at some places of the claim, and each is bad at some.
fn values() -> impl Strategy<Value = Value> {
    let leaf = select(vec![
        json!(null),
        json!(true),
        json!(7),
        json!(""),
        json!("publish"),
        json!("subscribe"),
        json!("exact"),
        json!("urlpattern"),
        json!("*"),
        json!("/a/:b"),
        json!("a\u{200b}"),
        json!(DETAIL_TYPE),
    ]);
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((select(KEYS.to_vec()), inner), 0..4).prop_map(object),
        ]
    })
}

const KEYS: [&str; 6] = ["type", "actions", "topics", "payload", "match", "match_type"];

fn object(members: Vec<(&'static str, Value)>) -> Value {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()
}

/// A detail that is good, but for the members that are replaced.
fn nearly_good() -> impl Strategy<Value = Value> {
    let topic = (option::of(values()), option::of(values())).prop_map(|(text, kind)| {
        let mut topic = object(vec![("match", text.unwrap_or(json!("a")))]);
        if let Some(kind) = kind {
            topic["match_type"] = kind;
        }
        topic
    });
    (vec(topic, 0..3), option::of((select(KEYS.to_vec()), values()))).prop_map(|(topics, replaced)| {
        let mut detail = json!({"type": DETAIL_TYPE, "actions": ["publish", "subscribe"], "topics": topics});
        if let Some((key, value)) = replaced {
            detail[key] = value;
        }
        detail
    })
}

/// The rule of section 1.6, written for clarity.
fn is_good(detail: &Value) -> bool {
    let Some(detail) = detail.as_object() else { return false };
    if detail.get("type") != Some(&json!(DETAIL_TYPE)) {
        return true;
    }
    let list = |key: &str| detail.get(key).and_then(Value::as_array).filter(|list| !list.is_empty());
    let actions = list("actions").is_some_and(|actions| actions.iter().all(Value::is_string));
    let topics = list("topics").is_some_and(|topics| {
        topics.iter().all(|topic| {
            let text = topic.get("match").and_then(Value::as_str);
            let kind = topic.get("match_type");
            let kind_is_good = [None, Some(&json!("exact")), Some(&json!("urlpattern"))].contains(&kind);
            kind_is_good && text.is_some_and(|text| !text.is_empty() && !text.contains('\u{200b}'))
        })
    });
    actions && topics
}

proptest! {
    #[test]
    fn rule_1_6_details_are_read_if_and_only_if_all_are_good(
        claim in vec(prop_oneof![nearly_good(), values()], 0..4)
    ) {
        let raw = RawValue::from_string(Value::from(claim.clone()).to_string()).unwrap();
        let read = details::read(&raw, &UrlBase::default());
        prop_assert_eq!(read.is_ok(), claim.iter().all(is_good), "{:?}", read);
    }

    #[test]
    fn any_claims_are_read_or_refused(
        name in select(vec!["mercure", "https://mercure.rocks/", "tidings", "authorization_details", "exp", "aud"]),
        value in values(),
    ) {
        fuzz(json!({ name: value }).to_string().as_bytes());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200), text in "\\PC{0,100}") {
        fuzz(&bytes);
        fuzz(text.as_bytes());
    }

    #[test]
    fn changed_claims_are_read_or_refused(corpus in select(CORPUS.to_vec()), at: prop::sample::Index, byte: u8) {
        let mut bytes = corpus.to_vec();
        fuzz(&bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        fuzz(&bytes);
        bytes.truncate(at);
        fuzz(&bytes);
    }
}

/// The seeds of the fuzz target.
const CORPUS: [&[u8]; 4] = [
    include_bytes!("../../../../fuzz/corpus/token/native.json"),
    include_bytes!("../../../../fuzz/corpus/token/v0.json"),
    include_bytes!("../../../../fuzz/corpus/token/v1.json"),
    include_bytes!("../../../../fuzz/corpus/token/whole.jwt"),
];
