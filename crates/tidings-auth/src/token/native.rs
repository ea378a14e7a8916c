//! The claim `tidings`: `{"publish": ["orders.*"], "subscribe": ["news"], "admin": false}`, every member of which may be
//! left out. Selectors are written as in the configuration.

use serde::Deserialize;
use serde_json::value::RawValue;
use tidings_hub::Selector;

use super::Says;
use crate::{object::object, refusal::Reason};

/// How many selectors one list may have.
const MAX_SELECTORS: usize = 1000;

#[derive(Deserialize)]
// A misspelt member would silently grant less than was meant.
#[serde(deny_unknown_fields)]
struct Claim {
    #[serde(default)]
    publish: Vec<String>,
    #[serde(default)]
    subscribe: Vec<String>,
    #[serde(default)]
    admin: bool,
}

/// Reads the claim.
pub(super) fn read(raw: &RawValue) -> Result<Says, Reason> {
    let claim: Claim = object(raw.get().as_bytes()).map_err(|_| {
        bad("it must be an object with the lists of texts publish and subscribe, and admin, which is true or false"
            .to_owned())
    })?;
    Ok(Says {
        publish: selectors(&claim.publish, "publish")?,
        subscribe: selectors(&claim.subscribe, "subscribe")?,
        admin: claim.admin,
        payloads: Vec::new(),
    })
}

fn selectors(texts: &[String], list: &str) -> Result<Vec<Selector>, Reason> {
    if texts.len() > MAX_SELECTORS {
        return Err(bad(format!(
            "{list} has {} selectors, and at most {MAX_SELECTORS} are allowed",
            texts.len()
        )));
    }
    let numbered = texts.iter().enumerate();
    numbered
        .map(|(index, text)| {
            Selector::from_text(text).map_err(|error| bad(format!("{list}, selector {}: {error}", index + 1)))
        })
        .collect()
}

fn bad(problem: String) -> Reason {
    Reason::Claim { claim: "tidings", problem }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tidings_hub::Selection;

    use super::*;

    fn claim(value: &Value) -> Result<Says, Reason> {
        read(&RawValue::from_string(value.to_string()).unwrap())
    }

    #[test]
    fn selectors_are_written_as_in_the_configuration() {
        let says =
            claim(&json!({"publish": ["orders.*", "news"], "subscribe": ["*"], "admin": true})).unwrap();
        assert_eq!(Selection::from_iter(says.publish).to_string(), "news, orders.*");
        assert_eq!(says.subscribe, [Selector::All]);
        assert!(says.admin);
    }

    #[test]
    fn every_member_may_be_left_out() {
        let says = claim(&json!({})).unwrap();
        assert!(says.publish.is_empty() && says.subscribe.is_empty() && !says.admin);
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        for value in [
            json!({"publich": []}),
            json!({"publish": "news"}),
            json!({"publish": [""]}),
            json!({"subscribe": ["a\n"]}),
            json!({"admin": "yes"}),
            json!({"publish": vec!["a"; 1001]}),
            json!(null),
        ] {
            assert!(matches!(claim(&value), Err(Reason::Claim { claim: "tidings", .. })), "{value}");
        }
    }
}
