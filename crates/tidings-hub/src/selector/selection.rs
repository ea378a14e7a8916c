//! The set of selectors of one subscription or right.

use std::fmt;

use super::{Matcher, Selector};
use crate::topic::Topic;

/// A set of selectors, in a normal form: sorted, without doubles, and nothing beside "all". Two subscriptions that ask
/// for the same are equal, which lets the fan-out serve them together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Selection {
    topics: Box<[Topic]>,
    matchers: Box<[Matcher]>,
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

    /// What else is asked for, sorted. Empty when everything is.
    pub fn matchers(&self) -> &[Matcher] {
        &self.matchers
    }

    /// Whether every topic is asked for.
    pub fn is_all(&self) -> bool {
        self.all
    }

    /// Whether exact topics are all that is asked for, so that topics can be looked up instead of matched. Also true
    /// when nothing is asked for.
    pub fn is_exact(&self) -> bool {
        !self.all && self.matchers.is_empty()
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        !self.all && self.topics.is_empty() && self.matchers.is_empty()
    }

    /// Whether this topic is asked for.
    pub fn matches(&self, topic: &Topic) -> bool {
        self.all
            || self.topics.binary_search(topic).is_ok()
            || self.matchers.iter().any(|matcher| matcher.matches(topic.as_str()))
    }

    /// How many branches the programs of its templates and URL patterns have together: what matching a topic costs at
    /// most, by the byte.
    pub(crate) fn branches(&self) -> usize {
        self.matchers.iter().map(Matcher::branches).sum()
    }

    /// The selectors, each once. Everything is one selector.
    pub fn selectors(&self) -> impl Iterator<Item = Selector> {
        let topics = self.topics.iter().cloned().map(Selector::Exact);
        let matchers = self.matchers.iter().cloned().map(Matcher::into_selector);
        topics.chain(matchers).chain(self.all.then_some(Selector::All))
    }

    /// What one of the two asks for.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.selectors().chain(other.selectors()).collect()
    }

    /// Whether everything that the other asks for is plainly asked for by this one, too: everything is, or each of the
    /// other's topics, and each of its patterns as it stands.
    pub fn includes(&self, other: &Self) -> bool {
        let has_matchers = || other.matchers.iter().all(|matcher| self.matchers.contains(matcher));
        self.all || (!other.all && other.topics.iter().all(|topic| self.matches(topic)) && has_matchers())
    }

    /// Whether one of these topics is asked for.
    pub fn matches_any(&self, topics: &[Topic]) -> bool {
        topics.iter().any(|topic| self.matches(topic))
    }
}

impl fmt::Display for Selection {
    /// The texts of the selectors, with commas between them; `*` for all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.all {
            return f.write_str("*");
        }
        let topics = self.topics.iter().map(Topic::as_str);
        for (index, text) in topics.chain(self.matchers.iter().map(Matcher::as_str)).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{text}")?;
        }
        Ok(())
    }
}

impl FromIterator<Selector> for Selection {
    fn from_iter<I: IntoIterator<Item = Selector>>(selectors: I) -> Self {
        let (mut topics, mut matchers) = (Vec::new(), Vec::new());
        for selector in selectors {
            match selector {
                Selector::Exact(topic) => topics.push(topic),
                // A pattern of stars alone is "all", and all makes the rest superfluous.
                Selector::Pattern(pattern) if pattern.is_all() => return Self::all(),
                Selector::Pattern(pattern) => matchers.push(Matcher::Pattern(pattern)),
                Selector::Template(template) => matchers.push(Matcher::Template(template)),
                Selector::Url(pattern) => matchers.push(Matcher::Url(pattern)),
                Selector::All => return Self::all(),
            }
        }
        topics.sort_unstable();
        topics.dedup();
        matchers.sort_unstable();
        matchers.dedup();
        Self { topics: topics.into(), matchers: matchers.into(), all: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selector::{Pattern, UriTemplate, UrlBase, UrlPattern};
    use proptest::prelude::*;

    fn select(text: &str) -> Selector {
        match text.strip_prefix("url:") {
            Some(text) => Selector::Url(UrlPattern::new(text, &UrlBase::default()).unwrap()),
            None => Selector::from_text(text).unwrap(),
        }
    }

    proptest! {
        #[test]
        fn the_order_and_doubles_of_selectors_do_not_matter(
            texts in proptest::collection::vec("(url:/)?[a-c*]{1,2}|[ab]\\{x\\}", 1..6),
        ) {
            let there: Selection = texts.iter().map(|text| select(text)).collect();
            let back: Selection = texts.iter().rev().chain(&texts).map(|text| select(text)).collect();
            prop_assert_eq!(there, back);
        }
    }

    #[test]
    fn all_swallows_the_rest() {
        let exact = Selector::Exact(Topic::new("a").unwrap());
        let stars = Selector::Pattern(Pattern::new("**").unwrap());
        let template = Selector::Template(UriTemplate::new("a{x}").unwrap());
        assert_eq!(Selection::from_iter([exact.clone(), Selector::All]), Selection::all());
        assert_eq!(Selection::from_iter([exact, stars, template]), Selection::all());
        assert!(Selection::default().is_empty());
    }

    #[test]
    fn exact_is_what_has_neither_matchers_nor_all() {
        let topic = Topic::new("a").unwrap();
        assert!(Selection::topic(topic.clone()).is_exact());
        assert!(Selection::default().is_exact());
        for text in ["a.*", "a/{x}", "url:/a/:x"] {
            let mixed = Selection::from_iter([Selector::Exact(topic.clone()), select(text)]);
            assert!(!mixed.is_exact() && !mixed.is_empty());
            assert_eq!(mixed.matchers().len(), 1);
        }
        assert!(!Selection::all().is_exact());
    }
}
