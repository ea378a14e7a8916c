//! What a subscription asks for: exact topics, patterns, or everything.

use std::{fmt, sync::Arc};

use crate::topic::{Topic, TopicError, check_name};

/// A pattern over topic names, in which `*` stands for any run of characters, the empty one included.
///
/// `orders.*` matches `orders.7` and `orders.7.items`, not `orders`. Every other character stands for itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// Makes a pattern of `text`, which obeys the same rule as a topic's name.
    ///
    /// # Errors
    /// As [`Topic::new`].
    pub fn new(text: impl AsRef<str>) -> Result<Self, TopicError> {
        let text = text.as_ref();
        check_name(text)?;
        Ok(Self(Arc::from(text)))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern matches this name. Each literal piece is searched once, left to right, which is enough
    /// because the leftmost match of a piece never rules out a later one.
    pub fn matches(&self, name: &str) -> bool {
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        for piece in pieces {
            match rest.find(piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// One thing that a subscription asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Selector {
    /// The topic of this name.
    Exact(Topic),
    /// Every topic that the pattern matches.
    Pattern(Pattern),
    /// Every topic.
    All,
}

/// The set of selectors of one subscription, in a normal form: sorted, without doubles, and nothing beside "all".
/// Two subscriptions that ask for the same are equal, which lets the fan-out serve them together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Selection {
    topics: Box<[Topic]>,
    patterns: Box<[Pattern]>,
    all: bool,
}

impl Selection {
    /// Everything that is published.
    pub fn all() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// One topic.
    pub fn topic(topic: Topic) -> Self {
        Self::from_iter([Selector::Exact(topic)])
    }

    /// The exact topics asked for, sorted. Empty when everything is.
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// The patterns asked for, sorted. Empty when everything is.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Whether every topic is asked for.
    pub fn is_all(&self) -> bool {
        self.all
    }

    /// Whether exact topics are all that is asked for, so that topics can be looked up instead of matched. Also true
    /// when nothing is asked for.
    pub fn is_exact(&self) -> bool {
        !self.all && self.patterns.is_empty()
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        !self.all && self.topics.is_empty() && self.patterns.is_empty()
    }

    /// Whether this topic is asked for.
    pub fn matches(&self, topic: &Topic) -> bool {
        self.all
            || self.topics.binary_search(topic).is_ok()
            || self.patterns.iter().any(|pattern| pattern.matches(topic.as_str()))
    }

    /// Whether one of these topics is asked for.
    pub fn matches_any(&self, topics: &[Topic]) -> bool {
        topics.iter().any(|topic| self.matches(topic))
    }
}

impl fmt::Display for Selection {
    /// Names and patterns, with commas between them; `*` for all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.all {
            return f.write_str("*");
        }
        let topics = self.topics.iter().map(Topic::as_str);
        for (index, name) in topics.chain(self.patterns.iter().map(Pattern::as_str)).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{name}")?;
        }
        Ok(())
    }
}

impl FromIterator<Selector> for Selection {
    fn from_iter<I: IntoIterator<Item = Selector>>(selectors: I) -> Self {
        let (mut topics, mut patterns) = (Vec::new(), Vec::new());
        for selector in selectors {
            match selector {
                Selector::Exact(topic) => topics.push(topic),
                // A pattern of stars alone is "all", and all makes the rest superfluous.
                Selector::Pattern(pattern) if pattern.as_str().bytes().all(|b| b == b'*') => {
                    return Self::all();
                }
                Selector::Pattern(pattern) => patterns.push(pattern),
                Selector::All => return Self::all(),
            }
        }
        topics.sort_unstable();
        topics.dedup();
        patterns.sort_unstable();
        patterns.dedup();
        Self { topics: topics.into(), patterns: patterns.into(), all: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, written for clarity and not for speed.
    fn matches_by_definition(pattern: &[char], name: &[char]) -> bool {
        match (pattern.first(), name.first()) {
            (None, None) => true,
            (Some('*'), _) => {
                matches_by_definition(&pattern[1..], name)
                    || (!name.is_empty() && matches_by_definition(pattern, &name[1..]))
            }
            (Some(p), Some(n)) if p == n => matches_by_definition(&pattern[1..], &name[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_its_definition_says(pattern in "[ab*]{1,8}", name in "[ab]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(
                Pattern::new(&pattern).unwrap().matches(&name),
                matches_by_definition(&chars(&pattern), &chars(&name))
            );
        }

        #[test]
        fn the_order_and_doubles_of_selectors_do_not_matter(names in proptest::collection::vec("[a-c*]{1,2}", 1..6)) {
            let select = |name: &String| match name.contains('*') {
                true => Selector::Pattern(Pattern::new(name).unwrap()),
                false => Selector::Exact(Topic::new(name).unwrap()),
            };
            let there: Selection = names.iter().map(select).collect();
            let back: Selection = names.iter().rev().chain(&names).map(select).collect();
            prop_assert_eq!(there, back);
        }
    }

    #[test]
    fn all_swallows_the_rest() {
        let exact = Selector::Exact(Topic::new("a").unwrap());
        let stars = Selector::Pattern(Pattern::new("**").unwrap());
        assert_eq!(Selection::from_iter([exact.clone(), Selector::All]), Selection::all());
        assert_eq!(Selection::from_iter([exact, stars]), Selection::all());
        assert!(Selection::default().is_empty());
    }

    #[test]
    fn exact_is_what_has_neither_patterns_nor_all() {
        let topic = Topic::new("a").unwrap();
        let pattern = Selector::Pattern(Pattern::new("a.*").unwrap());
        assert!(Selection::topic(topic.clone()).is_exact());
        assert!(Selection::default().is_exact());
        assert!(!Selection::from_iter([Selector::Exact(topic), pattern]).is_exact());
        assert!(!Selection::all().is_exact());
    }
}
