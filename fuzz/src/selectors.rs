//! Topics, patterns, selectors and positions: what a stranger names.

use tidings_hub::{MAX_TOPIC_BYTES, Pattern, Position, Selection, Selector, Topic, channel};

/// The longest text that the definition of a pattern is asked about: it tries everything.
const MODEL_CHARS: usize = 24;

/// Takes lines for a selector, and topics that it is held against.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default();
    if let Ok(position) = first.parse::<Position>() {
        assert_eq!(position.to_string(), first, "one position has one text");
    }
    let is_name = !first.is_empty() && first.len() <= MAX_TOPIC_BYTES && !first.chars().any(char::is_control);
    assert_eq!(Topic::new(first).is_ok(), is_name, "{first:?}");
    if let Some(before) = channel::before_private(first) {
        assert!(!channel::is_private(first) && channel::is_private(&first[before.len()..]), "{first:?}");
    }
    let pattern = Pattern::new(first);
    let selector = Selector::from_text(first);
    for topic in lines.filter_map(|line| Topic::new(line).ok()) {
        if let Ok(pattern) = &pattern {
            let chars = |text: &str| text.chars().take(MODEL_CHARS + 1).collect::<Vec<_>>();
            let (by_definition, name) = (chars(first), chars(topic.as_str()));
            if by_definition.len() <= MODEL_CHARS && name.len() <= MODEL_CHARS {
                assert_eq!(
                    pattern.matches(topic.as_str()),
                    matches(&by_definition, &name),
                    "{first:?} on {topic:?}"
                );
            }
            let selection = Selection::from_iter([Selector::Pattern(pattern.clone())]);
            assert_eq!(selection.matches(&topic), pattern.matches(topic.as_str()));
        }
        if let Ok(selector) = &selector {
            // A selection of two is as good as the two.
            let one = Selection::from_iter([selector.clone()]);
            let both = Selection::from_iter([selector.clone(), Selector::Exact(topic.clone())]);
            assert!(both.matches(&topic));
            assert!(!one.matches(&topic) || one.union(&both).matches(&topic));
        }
    }
}

fn matches(pattern: &[char], name: &[char]) -> bool {
    // Row by row, which star after star does not make slow.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for c in pattern {
        if *c == '*' {
            for at in 1..reached.len() {
                reached[at] |= reached[at - 1];
            }
        } else {
            for at in (0..reached.len()).rev() {
                reached[at] = at > 0 && reached[at - 1] && name[at - 1] == *c;
            }
        }
    }
    reached[name.len()]
}
