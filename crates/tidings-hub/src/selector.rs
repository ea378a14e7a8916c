//! What a subscription asks for, and what a right is given on: exact topics, patterns, URI templates, URL patterns, or
//! everything.
//!
//! Selectors come from strangers, and there are many of them. So each kind is bounded in length and in what it compiles to,
//! matches in time proportional to the topic's length without allocating (a URL pattern parses the topic as a URL, which
//! allocates), and is compiled once for all who write the same. Templates, and what is complicated in a URL pattern, are
//! compiled to [programs](program); nothing backtracks. Rights are checked by the same code as subscriptions, so whatever
//! a selector is lenient about, it is so for both: each kind says what that is.
//!
//! A template that occurs in Mercure's older dialect and cannot be compiled is an exact topic there: that is for the front
//! to decide, to which the error tells that it is none.

mod error;
mod pattern;
mod program;
mod selection;
mod shared;
mod template;
mod uri;
mod url;

pub use error::{MAX_SELECTOR_BYTES, SelectorError};
pub use pattern::Pattern;
pub use selection::Selection;
pub use template::UriTemplate;
pub use url::{UrlBase, UrlPattern};

use crate::topic::Topic;

/// One thing that a subscription asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Selector {
    /// The topic of this name.
    Exact(Topic),
    /// Every topic that the pattern matches.
    Pattern(Pattern),
    /// Every topic that the template can expand to.
    Template(UriTemplate),
    /// Every topic that is a URL which the pattern matches.
    Url(UrlPattern),
    /// Every topic.
    All,
}

impl Selector {
    /// Reads the notation of configuration files, keys and native tokens: `*` alone is everything, a text with `{` is a
    /// URI template, another with `*` a pattern, and what is left an exact topic. URL patterns have no notation here.
    ///
    /// # Errors
    /// When the text breaks the rules of what its characters make it.
    pub fn from_text(text: impl AsRef<str>) -> Result<Self, SelectorError> {
        let text = text.as_ref();
        Ok(match text {
            "*" => Self::All,
            _ if text.contains('{') => Self::Template(UriTemplate::new(text)?),
            _ if text.contains('*') => Self::Pattern(Pattern::new(text)?),
            _ => Self::Exact(Topic::new(text)?),
        })
    }
}

/// A selector that has to be matched, because no look-up of the topic's name finds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Matcher {
    /// Every topic that the pattern matches.
    Pattern(Pattern),
    /// Every topic that the template can expand to.
    Template(UriTemplate),
    /// Every topic that is a URL which the pattern matches.
    Url(UrlPattern),
}

impl Matcher {
    /// The selector as it was written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pattern(pattern) => pattern.as_str(),
            Self::Template(template) => template.as_str(),
            Self::Url(pattern) => pattern.as_str(),
        }
    }

    /// As [`Selection::branches`].
    fn branches(&self) -> usize {
        match self {
            Self::Pattern(_) => 0,
            Self::Template(template) => template.branches(),
            Self::Url(pattern) => pattern.branches(),
        }
    }

    pub(crate) fn into_selector(self) -> Selector {
        match self {
            Self::Pattern(pattern) => Selector::Pattern(pattern),
            Self::Template(template) => Selector::Template(template),
            Self::Url(pattern) => Selector::Url(pattern),
        }
    }

    /// Whether it matches the topic of this name.
    pub fn matches(&self, topic: &str) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.matches(topic),
            Self::Template(template) => template.matches(topic),
            Self::Url(pattern) => pattern.matches(topic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_its_characters_make_it() {
        assert_eq!(Selector::from_text("*"), Ok(Selector::All));
        assert_eq!(Selector::from_text("a"), Ok(Selector::Exact(Topic::new("a").unwrap())));
        assert_eq!(Selector::from_text("a.*"), Ok(Selector::Pattern(Pattern::new("a.*").unwrap())));
        assert_eq!(
            Selector::from_text("a/{x*}"),
            Ok(Selector::Template(UriTemplate::new("a/{x*}").unwrap()))
        );
        assert_eq!(Selector::from_text(""), Err(SelectorError::Topic(crate::TopicError::Empty)));
        assert!(matches!(Selector::from_text("a/{x"), Err(SelectorError::Template { .. })));
    }
}
