//! One matcher of a subscription, as it was asked for: what presence tells of, and what the hub's selectors are made of.

use std::sync::Arc;

use tidings_auth::protocol_string;
use tidings_hub::{Selection, Selector, SelectorError, Topic, UriTemplate, UrlBase, UrlPattern};

use super::dialect::Dialect;
use crate::problem::Problem;

/// In either dialect, every topic.
const ANY: &str = "*";
/// The longest matcher of 1.0, in bytes.
const MAX_BYTES: usize = 4096;

/// How a matcher's text is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum MatchType {
    /// 0.x's `topic`: a URI template if it is one, else exact.
    Topic,
    /// 1.0's `match` and `match_exact`: byte for byte.
    Exact,
    /// 1.0's `match_urlpattern`: a URL pattern.
    UrlPattern,
}

/// A matcher as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Matcher {
    pub(super) kind: MatchType,
    pub(super) text: Arc<str>,
}

impl MatchType {
    /// The word of a query parameter behind `match_`, of documents and of their addresses. 0.x has none.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Exact => "exact",
            Self::UrlPattern => "urlpattern",
        }
    }

    /// The match type of 1.0 that this word names.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        [Self::Exact, Self::UrlPattern].into_iter().find(|kind| kind.word() == word)
    }

    pub(super) fn dialect(self) -> Dialect {
        match self {
            Self::Topic => Dialect::V0,
            Self::Exact | Self::UrlPattern => Dialect::V1,
        }
    }
}

impl Matcher {
    /// The hub's selector; `None` for the empty topic, which nobody can publish to.
    ///
    /// # Errors
    /// When the text breaks a rule of its type.
    pub(super) fn selector(&self, base: &UrlBase) -> Result<Option<Selector>, Problem> {
        let text = &*self.text;
        if self.kind.dialect() == Dialect::V1 {
            self.check_text()?;
        }
        if text == ANY {
            return Ok(Some(Selector::All));
        }
        match self.kind {
            MatchType::UrlPattern => {
                let pattern = UrlPattern::new(text, base).map_err(Problem::bad_request)?;
                Ok(Some(Selector::Url(pattern)))
            }
            MatchType::Exact => exact(text),
            MatchType::Topic => match template(text)? {
                Some(template) => Ok(Some(Selector::Template(template))),
                None => exact(text),
            },
        }
    }

    /// The rules of 1.0 for every matcher (sections 1.2 and 1.3).
    fn check_text(&self) -> Result<(), Problem> {
        if self.text.len() > MAX_BYTES {
            return Err(Problem::bad_request(format!(
                "a matcher is {} bytes long: at most {MAX_BYTES} are allowed",
                self.text.len()
            )));
        }
        protocol_string::check(&self.text)
            .map_err(|error| Problem::bad_request(format!("a matcher is not valid: {error}")))
    }
}

fn exact(text: &str) -> Result<Option<Selector>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    Topic::new(text).map(Selector::Exact).map(Some).map_err(Problem::bad_request)
}

/// A text of 0.x as a template, if it is one. What only looks like one is an exact topic.
fn template(text: &str) -> Result<Option<UriTemplate>, Problem> {
    if !text.contains('{') {
        return Ok(None);
    }
    match UriTemplate::new(text) {
        Ok(template) => Ok(Some(template)),
        Err(SelectorError::Template { .. }) => Ok(None),
        Err(error) => Err(Problem::bad_request(error)),
    }
}

/// The selection of these selectors. In 0.x, whose templates also are topics, a template selects the topic of its own
/// text as well, which is none of its expansions.
pub(super) fn selection(dialect: Dialect, selectors: &[Selector]) -> Selection {
    let itself = |selector: &Selector| match selector {
        Selector::Template(template) if dialect == Dialect::V0 => {
            Topic::new(template.as_str()).ok().map(Selector::Exact)
        }
        _ => None,
    };
    selectors.iter().cloned().chain(selectors.iter().filter_map(itself)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(kind: MatchType, text: &str) -> Result<Option<Selector>, Problem> {
        Matcher { kind, text: text.into() }.selector(&UrlBase::default())
    }

    fn exact(text: &str) -> Result<Option<Selector>, Problem> {
        Ok(Some(Selector::Exact(Topic::new(text).unwrap())))
    }

    fn matches(kind: MatchType, text: &str, topic: &str) -> bool {
        let selectors: Vec<_> = selector(kind, text).unwrap().into_iter().collect();
        selection(kind.dialect(), &selectors).matches(&Topic::new(topic).unwrap())
    }

    // 1.3
    #[test]
    fn a_star_is_everything_in_every_type() {
        for kind in [MatchType::Topic, MatchType::Exact, MatchType::UrlPattern] {
            assert_eq!(selector(kind, "*"), Ok(Some(Selector::All)), "{kind:?}");
        }
    }

    // 1.3
    #[test]
    fn exact_is_exact_whatever_the_text_looks_like() {
        for text in ["a", "https://example.com/{id}", "{unclosed", "a*", "https://example.com/:id"] {
            assert_eq!(selector(MatchType::Exact, text), exact(text), "{text}");
        }
        assert_eq!(selector(MatchType::Exact, ""), Ok(None));
    }

    // 1.3, URL Pattern rules
    #[test]
    fn a_url_pattern_is_relative_to_the_hub() {
        for (pattern, topic, expected) in [
            ("https://example.com/books/:id", "https://example.com/books/123", true),
            ("https://example.com/books/:id", "https://EXAMPLE.com/books/123", true),
            ("https://example.com/books/:id", "https://example.com/authors/123", false),
            ("https://example.com/books/:id", "https://example.com/BOOKS/123", false),
            ("https://example.com/*", "https://example.com/a/b/c", true),
            ("/books/:id", "/books/123", true),
            ("/books/:id", "https://example.com/books/123", false),
        ] {
            assert_eq!(matches(MatchType::UrlPattern, pattern, topic), expected, "{pattern} {topic}");
        }
        assert!(selector(MatchType::UrlPattern, "{unclosed").is_err());
    }

    // 1.2, 1.3
    #[test]
    fn a_matcher_of_1_0_is_a_bounded_protocol_string() {
        for kind in [MatchType::Exact, MatchType::UrlPattern] {
            assert!(selector(kind, "/a\u{200b}b").is_err(), "{kind:?}");
            assert!(selector(kind, &format!("/{}", "x".repeat(MAX_BYTES))).is_err(), "{kind:?}");
            assert!(selector(kind, &format!("/{}", "x".repeat(MAX_BYTES - 1))).is_ok(), "{kind:?}");
        }
    }

    // 2 Selectors
    #[test]
    fn a_topic_of_0_x_is_a_template_or_exact() {
        assert_eq!(selector(MatchType::Topic, "https://example.com/1"), exact("https://example.com/1"));
        assert_eq!(selector(MatchType::Topic, "{unclosed"), exact("{unclosed"));
        assert_eq!(selector(MatchType::Topic, "a*"), exact("a*"));
        assert!(matches(MatchType::Topic, "https://example.com/{id}", "https://example.com/1"));
        assert!(matches(MatchType::Topic, "https://example.com/{id}", "https://example.com/{id}"));
        assert!(!matches(MatchType::Topic, "https://example.com/{id}", "https://example.com/1/2"));
        assert!(selector(MatchType::Topic, "a\nb").is_err());
    }
}
