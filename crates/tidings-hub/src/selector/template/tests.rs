mod oracle;

use std::collections::HashMap;

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use oracle::{Value, expand};

fn template(text: &str) -> UriTemplate {
    UriTemplate::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn variables_of_the_rfc(name: &str) -> Option<Value> {
    let list = |items: &[&str]| Value::List(items.iter().map(ToString::to_string).collect());
    let text = |text: &str| Value::Text(text.into());
    Some(match name {
        "count" => list(&["one", "two", "three"]),
        "dom" => list(&["example", "com"]),
        "dub" => text("me/too"),
        "hello" => text("Hello World!"),
        "half" => text("50%"),
        "var" => text("value"),
        "who" => text("fred"),
        "base" => text("http://example.com/home/"),
        "path" => text("/foo/bar"),
        "list" => list(&["red", "green", "blue"]),
        "keys" => Value::Map(
            [("semi", ";"), ("dot", "."), ("comma", ",")]
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
        ),
        "v" => text("6"),
        "x" => text("1024"),
        "y" => text("768"),
        "empty" => text(""),
        "empty_keys" => Value::Map(Vec::new()),
        "undef" | "bar" => return None,
        other => panic!("{other} is no variable of section 3.2"),
    })
}

#[test]
fn the_examples_of_rfc_6570_match() {
    let mut examples = 0;
    for line in include_str!("tests/rfc6570.txt").lines().filter(|line| !line.starts_with("# ")) {
        let (text, expansion) = line.split_once(' ').unwrap();
        assert_eq!(expand(text, variables_of_the_rfc), expansion, "the test's own expansion of {text}");
        assert!(template(text).matches(expansion), "{text} matches {expansion}");
        assert!(oracle::matches(text, expansion), "by definition, {text} matches {expansion}");
        examples += 1;
    }
    assert!(examples > 100);
}

#[test]
fn templates_match_what_they_expand_to_and_nothing_else() {
    for (text, matching, others) in [
        (
            "https://example.com/books/{id}",
            &[
                "https://example.com/books/1",
                "https://example.com/books/",
                "https://example.com/books/a%2Fb,c",
            ][..],
            &[
                "https://example.com/books/1/2",
                "https://example.com/books",
                "https://example.com/authors/1",
                "https://example.com/books/a b",
            ][..],
        ),
        ("/books{/id*}", &["/books", "/books/1", "/books/1/2", "/books//"], &["/booksx", "/books/1?2"]),
        (
            "/books{?page,size}",
            &["/books", "/books?page=2", "/books?size=", "/books?page=1&size=2"],
            &["/books?", "/books?size=2&page=1", "/books?page"],
        ),
        ("/books{;all}", &["/books", "/books;all", "/books;all=1"], &["/books;all=", "/books;allx"]),
        ("{+all}", &["", "https://example.com/a?b=c#d", "%2f"], &["a b", "%", "a<"]),
        ("消息/{x}", &["消息/1", "%E6%B6%88%E6%81%AF/%e6%B6%88", "消息/消息"], &["消/1", "%E6%B6%88/1"]),
        ("{id:3}", &["", "abc", "日本語", "%41%42%43"], &["abcd", "日本語x", "%80", "a,b"]),
        ("no expression", &[], &[]),
    ] {
        let Ok(template) = UriTemplate::new(text) else {
            assert!(matching.is_empty(), "{text}");
            continue;
        };
        for topic in matching {
            assert!(template.matches(topic), "{text} matches {topic}");
        }
        for topic in others {
            assert!(!template.matches(topic), "{text} does not match {topic}");
        }
    }
}

#[test]
fn the_prefix_ends_where_topics_may_differ() {
    for (text, prefix) in
        [("a/{x}", "a/"), ("{x}/a", ""), ("a/b", "a/b"), ("a%2fb{x}", "a"), ("a/é/{x}", "a/")]
    {
        assert_eq!(template(text).prefix(), prefix, "{text}");
    }
}

#[test]
fn equal_templates_are_compiled_once_and_let_go_of() {
    let text = "equal_templates_are_compiled_once/{x}";
    let (one, other) = (template(text), template(text));
    assert!(Arc::ptr_eq(&one.0, &other.0));
    assert_eq!(one, other);
    drop(one);
    assert!(SHARED.contains(text));
    drop(other);
    assert!(!SHARED.contains(text));
}

#[test]
fn long_and_costly_templates_are_refused() {
    assert_eq!(UriTemplate::new("a".repeat(4097)), Err(SelectorError::TooLong(4097)));
    assert_eq!(UriTemplate::new("{a}".repeat(1365)), Err(SelectorError::TooComplex));
    assert!(template(&"é".repeat(2048)).matches(&"é".repeat(2048)));
    let most = template(&"{a:9999}b".repeat(50));
    assert!(most.matches(&"b".repeat(50)) && !most.matches(&"b".repeat(49)));
}

#[test]
fn a_usual_template_is_small() {
    let Compiled { program, .. } = &*template("https://example.com/users/42/{x}").0;
    assert!(program.bytes() < 200, "{} bytes", program.bytes());
}

/// A template of few characters, so that accidents happen.
fn any_template() -> impl Strategy<Value = String> {
    let variable = (select(&["x", "y", "a.b"][..]), select(&["", "", "*", ":1", ":2", ":5"][..]));
    let variables = vec(variable.prop_map(|(name, modifier)| format!("{name}{modifier}")), 1..4);
    let expression = (select(&["", "+", "#", ".", "/", ";", "?", "&"][..]), variables)
        .prop_map(|(operator, variables)| format!("{{{operator}{}}}", variables.join(",")));
    let literal = select(&["", "a", "/", ".", "=", ",", "é", "%c3", "%C3%a9", "x=", "&y"][..]);
    vec((literal.prop_map(String::from), expression), 1..3)
        .prop_map(|parts| parts.into_iter().map(|(literal, expression)| literal + &expression).collect())
}

fn any_text() -> impl Strategy<Value = String> {
    "[ax ./,=%é日1]{0,4}"
}

fn any_value() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        any_text().prop_map(|text| Some(Value::Text(text))),
        vec(any_text(), 0..3).prop_map(|list| Some(Value::List(list))),
        vec((any_text(), any_text()), 0..3).prop_map(|map| Some(Value::Map(map))),
    ]
}

fn any_expansion() -> impl Strategy<Value = (String, String)> {
    (any_template(), [any_value(), any_value(), any_value()]).prop_map(|(template, [x, y, ab])| {
        let values = HashMap::from([("x", x), ("y", y), ("a.b", ab)]);
        // A prefix of what is not a text is not defined (section 2.4.1); here, of its first text.
        let expanded = expand(&template, |name| match &values[name] {
            Some(Value::List(list)) if template.contains(&format!("{name}:")) => {
                list.first().map(|text| Value::Text(text.clone()))
            }
            Some(Value::Map(_)) if template.contains(&format!("{name}:")) => None,
            value => value.clone(),
        });
        (template, expanded)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_expansion_matches((text, expansion) in any_expansion()) {
        prop_assert!(template(&text).matches(&expansion), "{} matches {}", text, expansion);
    }

    #[test]
    fn a_template_matches_what_its_definition_says(
        (text, mut topic) in any_expansion(),
        edits in vec((any::<prop::sample::Index>(), 0..2_usize, "[ax./,=%é#?;&1cC]{0,2}|%[cC8]3"), 0..3),
    ) {
        // The definition takes exponential time.
        prop_assume!(topic.len() < 24);
        for (at, length, other) in edits {
            let mut places: Vec<usize> = topic.char_indices().map(|(at, _)| at).collect();
            places.push(topic.len());
            let start = at.index(places.len());
            let end = places[(start + length).min(places.len() - 1)];
            topic.replace_range(places[start]..end, &other);
        }
        prop_assert_eq!(template(&text).matches(&topic), oracle::matches(&text, &topic), "{} on {}", text, topic);
    }
}
