//! The claim `authorization_details` of Mercure 1.0 (RFC 9396, and section 1.6 of the facts about Mercure).

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tidings_hub::{Selector, Topic, UrlBase, UrlPattern};

use super::Says;
use crate::{object::object, protocol_string, refusal::Reason};

/// The type of the details that are the hub's.
pub(crate) const DETAIL_TYPE: &str = "https://mercure.rocks/authorization-detail";

/// How many details of the hub's type a token may have.
const MAX_DETAILS: usize = 100;

/// How many matchers they may have together.
const MAX_MATCHERS: usize = 100;

/// How long a matcher may be, in bytes.
const MAX_MATCHER_BYTES: usize = 4096;

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    r#type: Value,
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(default)]
    actions: Value,
    #[serde(default)]
    topics: Value,
    #[serde(default, borrow)]
    payload: Option<&'a RawValue>,
}

/// Reads the claim. One bad detail of the hub's type spoils the token; those of other types are not looked at.
pub(super) fn read(raw: &RawValue, base: &UrlBase) -> Result<Says, Reason> {
    let details: Vec<&RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| bad("it is no list".to_owned()))?;
    let mut says = Says::default();
    let (mut count, mut matchers) = (0, 0);
    for (index, detail) in details.into_iter().enumerate() {
        let bad = |problem: &str| bad(format!("detail {}: {problem}", index + 1));
        let typed: Typed =
            object(detail.get().as_bytes()).map_err(|_| bad("it is no object, or has a key twice"))?;
        if typed.r#type != DETAIL_TYPE {
            continue;
        }
        count += 1;
        if count > MAX_DETAILS {
            return Err(bad(&format!("at most {MAX_DETAILS} are allowed")));
        }
        let detail: Detail<'_> = object(detail.get().as_bytes()).map_err(|_| bad("it has a key twice"))?;
        let actions = actions(&detail.actions).map_err(bad)?;
        let selectors = selectors(&detail.topics, base).map_err(|problem| bad(&problem))?;
        matchers += selectors.len();
        if matchers > MAX_MATCHERS {
            return Err(bad(&format!("at most {MAX_MATCHERS} matchers are allowed in all details")));
        }
        if actions.publish {
            says.publish.extend(selectors.iter().cloned());
        }
        if actions.subscribe {
            says.subscribe.extend(selectors.iter().cloned());
            says.payloads.push((selectors, detail.payload.map(ToOwned::to_owned)));
        }
    }
    Ok(says)
}

struct Actions {
    publish: bool,
    subscribe: bool,
}

fn actions(value: &Value) -> Result<Actions, &'static str> {
    const FORM: &str = "actions must be a list of at least one text";
    let actions = value.as_array().filter(|actions| !actions.is_empty()).ok_or(FORM)?;
    let actions = actions.iter().map(|action| action.as_str().ok_or(FORM)).collect::<Result<Vec<_>, _>>()?;
    Ok(Actions { publish: actions.contains(&"publish"), subscribe: actions.contains(&"subscribe") })
}

fn selectors(value: &Value, base: &UrlBase) -> Result<Vec<Selector>, String> {
    let topics = value.as_array().filter(|topics| !topics.is_empty());
    let topics = topics.ok_or("topics must be a list of at least one object")?;
    let numbered = topics.iter().enumerate();
    numbered
        .map(|(index, topic)| {
            selector(topic, base).map_err(|problem| format!("topic {}: {problem}", index + 1))
        })
        .collect()
}

fn selector(value: &Value, base: &UrlBase) -> Result<Selector, String> {
    let topic = value.as_object().ok_or("it is no object such as {\"match\": \"…\"}")?;
    let text = topic.get("match").and_then(Value::as_str).unwrap_or_default();
    if text.is_empty() {
        return Err("match must be a text that is not empty".to_owned());
    }
    if text.len() > MAX_MATCHER_BYTES {
        return Err(format!("match has more than {MAX_MATCHER_BYTES} bytes"));
    }
    protocol_string::check(text).map_err(|error| format!("match: {error}"))?;
    let kind = topic.get("match_type").map_or(Some("exact"), Value::as_str);
    match kind {
        Some("exact" | "urlpattern") if text == "*" => Ok(Selector::All),
        Some("exact") => Topic::new(text).map(Selector::Exact).map_err(|error| error.to_string()),
        Some("urlpattern") => {
            UrlPattern::new(text, base).map(Selector::Url).map_err(|error| error.to_string())
        }
        _ => Err("match_type must be \"exact\" or \"urlpattern\"".to_owned()),
    }
}

fn bad(problem: String) -> Reason {
    Reason::Claim { claim: "authorization_details", problem }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidings_hub::Selection;

    use super::*;

    fn claim(value: &Value) -> Result<Says, Reason> {
        read(&RawValue::from_string(value.to_string()).unwrap(), &UrlBase::default())
    }

    fn detail(more: Value) -> Value {
        let mut detail = json!({"type": DETAIL_TYPE, "actions": ["subscribe"], "topics": [{"match": "a"}]});
        let entries = more.as_object().unwrap().clone();
        detail.as_object_mut().unwrap().extend(entries);
        detail
    }

    fn selection(selectors: Vec<Selector>) -> String {
        Selection::from_iter(selectors).to_string()
    }

    #[test]
    fn rule_1_6_details_grant_actions_on_matchers() {
        let says = claim(&json!([{
            "type": DETAIL_TYPE,
            "actions": ["publish", "subscribe", "dance"],
            "topics": [
                {"match": "https://example.com/a"},
                {"match": "https://example.com/b/:id", "match_type": "urlpattern"}
            ],
            "payload": {"any": "json"}
        }]))
        .unwrap();
        let expected = "https://example.com/a, https://example.com/b/:id";
        assert_eq!(selection(says.publish), expected);
        assert_eq!(selection(says.subscribe), expected);
        assert_eq!(says.payloads[0].1.as_ref().unwrap().get(), r#"{"any":"json"}"#);
    }

    #[test]
    fn rule_1_6_a_star_is_everything_in_either_type() {
        for topic in [json!({"match": "*"}), json!({"match": "*", "match_type": "urlpattern"})] {
            let says = claim(&json!([detail(json!({"topics": [topic]}))])).unwrap();
            assert_eq!(selection(says.subscribe), "*");
            assert!(says.publish.is_empty());
        }
    }

    #[test]
    fn rule_1_6_details_of_other_types_are_ignored_whatever_their_shape() {
        for other in
            [json!({}), json!({"type": "x", "actions": 7}), json!({"type": 7}), json!({"type": null})]
        {
            let says = claim(&json!([other, detail(json!({}))])).unwrap();
            assert_eq!(selection(says.subscribe), "a");
        }
        assert!(claim(&json!([])).unwrap().subscribe.is_empty());
    }

    #[test]
    fn rule_1_6_one_bad_detail_spoils_the_token() {
        let long = "a".repeat(MAX_MATCHER_BYTES + 1);
        let bad = [
            json!({"actions": null}),
            json!({"actions": []}),
            json!({"actions": "subscribe"}),
            json!({"actions": ["subscribe", 7]}),
            json!({"topics": null}),
            json!({"topics": []}),
            json!({"topics": {"match": "a"}}),
            json!({"topics": ["a"]}),
            json!({"topics": [null]}),
            json!({"topics": [{}]}),
            json!({"topics": [{"match": null}]}),
            json!({"topics": [{"match": ""}]}),
            json!({"topics": [{"match": 7}]}),
            json!({"topics": [{"match": "a\u{200b}"}]}),
            json!({"topics": [{"match": "a\n"}]}),
            json!({"topics": [{"match": long}]}),
            json!({"topics": [{"match": "a", "match_type": "Exact"}]}),
            json!({"topics": [{"match": "a", "match_type": "regexp"}]}),
            json!({"topics": [{"match": "*", "match_type": "regexp"}]}),
            json!({"topics": [{"match": "a", "match_type": null}]}),
            json!({"topics": [{"match": "a"}, {"match": ""}]}),
        ];
        for more in bad {
            let claimed = claim(&json!([detail(json!({})), detail(more.clone())]));
            assert!(
                matches!(claimed, Err(Reason::Claim { claim: "authorization_details", .. })),
                "{more}: {claimed:?}"
            );
        }
        for claimed in [json!({}), json!("a"), json!(["a"]), json!([null])] {
            assert!(claim(&claimed).is_err(), "{claimed}");
        }
    }

    #[test]
    fn rule_1_6_limits() {
        let many = |count: usize| Value::from(vec![detail(json!({})); count]);
        assert!(claim(&many(MAX_DETAILS)).is_ok());
        assert!(claim(&many(MAX_DETAILS + 1)).is_err());
        let matchers = |count: usize| json!([detail(json!({"topics": vec![json!({"match": "a"}); count]}))]);
        assert!(claim(&matchers(MAX_MATCHERS)).is_ok());
        assert!(claim(&matchers(MAX_MATCHERS + 1)).is_err());
    }

    #[test]
    fn rule_1_6_payloads_keep_their_order_and_absence() {
        let says = claim(&json!([
            detail(json!({"topics": [{"match": "a"}]})),
            detail(json!({"topics": [{"match": "*"}], "payload": 1})),
            detail(json!({"actions": ["publish"], "payload": 2})),
        ]))
        .unwrap();
        let payloads: Vec<_> =
            says.payloads.iter().map(|(_, value)| value.as_deref().map(RawValue::get)).collect();
        assert_eq!(payloads, [None, Some("1")]);
    }
}
