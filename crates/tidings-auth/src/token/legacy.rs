//! The claim `mercure` of Mercure 0.x (section 2, "Token", of the facts about Mercure).

use serde::Deserialize;
use serde_json::value::RawValue;
use tidings_hub::{Selector, SelectorError, Topic, UriTemplate};

use super::{Says, selectors::check};
use crate::{object::object, refusal::Reason};

#[derive(Deserialize)]
struct Claim<'a> {
    #[serde(default)]
    publish: Option<Vec<String>>,
    #[serde(default)]
    subscribe: Option<Vec<String>>,
    #[serde(default, borrow)]
    payload: Option<&'a RawValue>,
}

/// Reads the claim. A list that is absent or `null` grants nothing.
pub(super) fn read(raw: &RawValue) -> Result<Says, Reason> {
    let claim: Claim<'_> = object(raw.get().as_bytes())
        .map_err(|_| bad("it must be an object whose publish and subscribe are lists of texts".to_owned()))?;
    let (publish, subscribe) = (claim.publish.unwrap_or_default(), claim.subscribe.unwrap_or_default());
    check(&publish, &subscribe, is_template).map_err(bad)?;
    let payload = claim.payload.map(|payload| (vec![Selector::All], Some(payload.to_owned())));
    Ok(Says {
        publish: selectors(&publish, "publish")?,
        subscribe: selectors(&subscribe, "subscribe")?,
        payloads: payload.into_iter().collect(),
        admin: false,
    })
}

fn is_template(text: &str) -> bool {
    text.contains('{')
}

fn selectors(texts: &[String], list: &str) -> Result<Vec<Selector>, Reason> {
    let mut selectors = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        if text == "*" {
            selectors.push(Selector::All);
            continue;
        }
        // A text that is no topic here is equal to none, so it grants nothing.
        selectors.extend(Topic::new(text).ok().map(Selector::Exact));
        if is_template(text) {
            match UriTemplate::new(text) {
                Ok(template) => selectors.push(Selector::Template(template)),
                // What is no template is an exact text that has a brace in it.
                Err(SelectorError::Template { .. }) => {}
                Err(error) => return Err(bad(format!("{list}, selector {}: {error}", index + 1))),
            }
        }
    }
    Ok(selectors)
}

fn bad(problem: String) -> Reason {
    Reason::Claim { claim: "mercure", problem }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tidings_hub::Selection;

    use super::*;

    fn claim(value: &Value) -> Result<Says, Reason> {
        read(&RawValue::from_string(value.to_string()).unwrap())
    }

    fn subscribe(selectors: Value) -> Selection {
        claim(&json!({ "subscribe": selectors })).unwrap().subscribe.into_iter().collect()
    }

    #[test]
    fn rule_2_token_selectors_are_texts_templates_and_the_star() {
        let matches =
            |selectors: Value, topic: &str| subscribe(selectors).matches(&Topic::new(topic).unwrap());
        assert!(matches(json!(["https://example.com/a"]), "https://example.com/a"));
        assert!(!matches(json!(["https://example.com/a"]), "https://example.com/b"));
        assert!(matches(json!(["*"]), "anything"));
        // Equal, though it is a template as well.
        assert!(matches(json!(["/books/{id}"]), "/books/{id}"));
        // No template: a text with a brace.
        assert!(matches(json!(["{unclosed"]), "{unclosed"));
        assert!(subscribe(json!([""])).is_empty());
    }

    #[test]
    fn rule_2_token_lists_that_are_absent_grant_nothing() {
        for value in [json!({}), json!({"publish": null, "subscribe": []})] {
            let says = claim(&value).unwrap();
            assert!(
                says.publish.is_empty() && says.subscribe.is_empty() && says.payloads.is_empty(),
                "{value}"
            );
        }
    }

    #[test]
    fn rule_2_token_lists_hold_at_most_1000_texts() {
        assert!(claim(&json!({"publish": vec!["a"; 1000]})).is_ok());
        assert!(claim(&json!({"publish": vec!["a"; 1001]})).is_err());
        let templates = |count| vec!["{a}"; count];
        assert!(claim(&json!({"publish": templates(500), "subscribe": templates(500)})).is_ok());
        let reason = claim(&json!({"publish": templates(501), "subscribe": templates(500)})).unwrap_err();
        assert!(reason.to_string().contains("1001 of its selectors"), "{reason}");
        for value in [json!([]), json!("*"), json!({"publish": "*"}), json!({"subscribe": [7]})] {
            assert!(claim(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn rule_2_token_the_payload_is_of_every_subscription() {
        let says = claim(&json!({"subscribe": [], "payload": {"user": 7}})).unwrap();
        assert_eq!(says.payloads[0].0, [Selector::All]);
        assert_eq!(says.payloads[0].1.as_ref().unwrap().get(), r#"{"user":7}"#);
    }
}
