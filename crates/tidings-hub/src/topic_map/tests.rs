use std::{cell::Cell, collections::BTreeSet};

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::selector::Selector;

fn selector(text: &str) -> Selector {
    match text.strip_prefix("url:") {
        Some(text) => Selector::Url(UrlPattern::new(text, &UrlBase::default()).unwrap()),
        None => match text.strip_prefix("hub:") {
            Some(text) => {
                let base = UrlBase::new("https://h/.well-known/mercure").unwrap();
                Selector::Url(UrlPattern::new(text, &base).unwrap())
            }
            None => Selector::from_text(text).unwrap(),
        },
    }
}

fn selection(texts: &[&str]) -> Selection {
    texts.iter().map(|text| selector(text)).collect()
}

fn any_selection() -> impl Strategy<Value = Selection> {
    let texts = &[
        "*",
        "a",
        "/a",
        "/a/1",
        "https://h/a/1",
        "a*",
        "/a*",
        "*1",
        "/a/{x}",
        "/a{/x*}",
        "{x}",
        "{+x}",
        "/é{x}",
        "https://h/{x}/1",
        "https://h/a{?x}",
        "url:/a/:x",
        "url:/a/:x?",
        "url:https://h/a/*",
        "url:*://h/:x",
        "url:https://*/a/1",
        "hub:/a/1",
        "hub:/:x*",
        "hub:urn\\:a\\::x",
    ][..];
    vec(select(texts), 0..4).prop_map(|texts| selection(&texts))
}

fn any_topic() -> impl Strategy<Value = Topic> {
    let texts = &[
        "a",
        "a1",
        "/a",
        "/a/1",
        "/a/1/2",
        "/é1",
        "/%C3%A91",
        "https://h/a/1",
        "https://H/a/1",
        "https://h/a?x=1",
        "https://g/a/1",
        "urn:a:1",
        "http://[",
        "é",
    ][..];
    select(texts).prop_map(|text| Topic::new(text).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_topic_finds_the_values_whose_selections_match(
        steps in vec((any::<bool>(), 0..9_usize, any_selection(), any_topic()), 1..40),
    ) {
        let mut model: [Option<Selection>; 9] = Default::default();
        let mut map = TopicMap::default();
        for (insert, value, selection, topic) in steps {
            if let Some(old) = model[value].take() {
                map.remove(&old, value);
            }
            if insert {
                map.insert(&selection, value);
                model[value] = Some(selection);
            }
            let mut found = BTreeSet::new();
            map.for_each(&topic, |value| found.extend([value]));
            let matching = |value: &usize| model[*value].as_ref().is_some_and(|selection| selection.matches(&topic));
            prop_assert_eq!(found, (0..9).filter(matching).collect::<BTreeSet<_>>(), "{}", topic);
        }
        for (value, old) in model.iter().enumerate() {
            old.iter().for_each(|old| map.remove(old, value));
        }
        prop_assert!(map.is_empty() && map.names.is_empty() && map.urls.is_empty());
    }
}

/// The promise of the module, in numbers of matches instead of time.
#[test]
fn matchers_that_begin_otherwise_are_not_tried() {
    let mut map = TopicMap::default();
    for user in 0..1000 {
        map.insert(&selection(&[&format!("https://example.com/users/{user}/{{event}}")]), user);
        map.insert(&selection(&[&format!("url:https://example.com/users/{user}/:event")]), 1000 + user);
        map.insert(&selection(&[&format!("url:https://u{user}.example.com/*")]), 2000 + user);
    }
    let topic = Topic::new("https://example.com/users/42/order").unwrap();
    let tried = Cell::new(0);
    let count = |tried: &Cell<u32>| tried.set(tried.get() + 1);
    map.names.find([topic.as_str()], |_| count(&tried));
    let (base, urls) = map.urls.iter().next().unwrap();
    urls.find(&base.resolve(topic.as_str()).unwrap(), |_| count(&tried));
    assert_eq!(tried.get(), 2);
    let mut found = Vec::new();
    map.for_each(&topic, |value| found.push(value));
    assert_eq!(found, [42, 1042]);
}
