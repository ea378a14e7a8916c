//! The claim `tidings`: `{"publish": ["orders.*"], "subscribe": ["news"], "admin": false}`, every member of which may be
//! left out. Selectors are written as in the configuration.

use serde::Deserialize;
use serde_json::value::RawValue;
use tidings_hub::Selector;

use super::{Says, selectors::check};
use crate::{object::object, refusal::Reason};

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
    check(&claim.publish, &claim.subscribe, |text| text != "*" && text.contains(['{', '*'])).map_err(bad)?;
    Ok(Says {
        publish: selectors(&claim.publish, "publish")?,
        subscribe: selectors(&claim.subscribe, "subscribe")?,
        admin: claim.admin,
        payloads: Vec::new(),
    })
}

fn selectors(texts: &[String], list: &str) -> Result<Vec<Selector>, Reason> {
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
    fn there_may_be_1000_selectors_in_a_list_and_1000_of_all_that_are_no_topics() {
        for value in [
            json!({"publish": vec!["a"; 1000], "subscribe": vec!["*"; 1000]}),
            json!({"publish": vec!["a.*"; 500], "subscribe": vec!["{a}"; 500]}),
        ] {
            assert!(claim(&value).is_ok(), "{value}");
        }
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
            json!({"publish": vec!["a.*"; 501], "subscribe": vec!["{a}"; 500]}),
            json!(null),
        ] {
            assert!(matches!(claim(&value), Err(Reason::Claim { claim: "tidings", .. })), "{value}");
        }
    }
}
