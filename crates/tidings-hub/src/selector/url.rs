//! WHATWG URL patterns, over topics that are URLs.

mod base;
mod component;

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    panic::catch_unwind,
    sync::{Arc, LazyLock},
};

use url::Url;
use urlpattern::{Error, UrlPatternInit, UrlPatternOptions};

pub use self::base::UrlBase;
use self::component::{Component, Expression};
use super::{MAX_SELECTOR_BYTES, SelectorError, shared::Shared};

/// A pattern of the [WHATWG URL Pattern standard](https://urlpattern.spec.whatwg.org/), whose letter case counts.
///
/// `https://example.com/books/:id` matches `https://example.com/books/1`, and `https://EXAMPLE.com/books/1`, which is the
/// same URL; not `https://example.com/books/1/2`. Patterns and topics may be relative to the [base](UrlBase), so that `*`
/// is whatever lies beside the base; a topic that is no URL even so matches no pattern.
///
/// A group may have a regular expression of its own, over ASCII (a URL has no other characters), without looking around
/// and referring back: matching takes time in proportion to the topic's length. Cloning is cheap, and equal patterns share
/// their memory.
#[derive(Clone)]
pub struct UrlPattern(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    text: Box<str>,
    base: UrlBase,
    components: [Component; 8],
}

static SHARED: LazyLock<Shared<Compiled>> = LazyLock::new(Shared::default);

/// The components of a URL, those that differ most first. The order of [`Compiled::components`].
fn components(url: &Url) -> [&str; 8] {
    [
        url.path(),
        url.host_str().unwrap_or_default(),
        url.scheme(),
        url::quirks::port(url),
        url.query().unwrap_or_default(),
        url.fragment().unwrap_or_default(),
        url.username(),
        url.password().unwrap_or_default(),
    ]
}

impl UrlPattern {
    /// Compiles `text`, which may be relative to `base`, as may the topics.
    ///
    /// # Errors
    /// When the text is longer than [`MAX_SELECTOR_BYTES`], is no pattern, or would be too costly to match.
    pub fn new(text: impl AsRef<str>, base: &UrlBase) -> Result<Self, SelectorError> {
        let text = text.as_ref();
        if text.len() > MAX_SELECTOR_BYTES {
            return Err(SelectorError::TooLong(text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err(SelectorError::Url("a control character is not allowed"));
        }
        let is_same = |known: &Compiled| *known.text == *text && known.base == *base;
        SHARED.get((text, base), is_same, || Compiled::new(text, base)).map(Self)
    }

    /// As [`Selection::branches`](super::Selection::branches).
    pub(super) fn branches(&self) -> usize {
        self.0.components.iter().map(Component::branches).sum()
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// What the pattern and the topics are relative to.
    pub fn base(&self) -> &UrlBase {
        &self.0.base
    }

    /// Whether the topic is a URL that the pattern matches.
    pub fn matches(&self, topic: &str) -> bool {
        self.0.base.resolve(topic).is_some_and(|url| self.matches_url(&url))
    }

    /// Whether the pattern matches what its base makes of a topic.
    pub(crate) fn matches_url(&self, url: &Url) -> bool {
        self.0.components.iter().zip(components(url)).all(|(component, text)| component.matches(text))
    }

    /// What the path of every URL that the pattern matches begins with.
    pub(crate) fn path_prefix(&self) -> &str {
        let [path, ..] = &self.0.components;
        path.prefix()
    }

    /// The host of every URL that the pattern matches, if they have only one.
    pub(crate) fn host(&self) -> Option<&str> {
        let [_, host, ..] = &self.0.components;
        host.literal()
    }

    fn key(&self) -> (&str, &UrlBase) {
        (self.as_str(), self.base())
    }
}

impl Compiled {
    fn new(text: &str, base: &UrlBase) -> Result<Self, SelectorError> {
        let parse = || {
            let mut init =
                UrlPatternInit::parse_constructor_string::<Expression>(text, Some(base.url().clone()))?;
            // To the letter of the standard, what is behind `urn:` would be relative to the base's path, and no URN match.
            if init.protocol.is_some() {
                init.base_url = None;
            }
            urlpattern::UrlPattern::<Expression>::parse(init, UrlPatternOptions::default())
        };
        // A closing square bracket in a host that has no opening one makes urlpattern 0.6.0 subtract one from zero, which
        // is a panic in programs that are built with overflow checks, and what the standard says in others.
        let parsed =
            catch_unwind(parse).map_err(|_| SelectorError::Url("square brackets are out of place"))?;
        let pattern = parsed.map_err(|error| SelectorError::Url(problem(&error)))?;
        let components = [
            Component::new(pattern.pathname)?,
            Component::new(pattern.hostname)?,
            Component::new(pattern.protocol)?,
            Component::new(pattern.port)?,
            Component::new(pattern.search)?,
            Component::new(pattern.hash)?,
            Component::new(pattern.username)?,
            Component::new(pattern.password)?,
        ];
        Ok(Self { text: text.into(), base: base.clone(), components })
    }
}

/// What to tell whoever wrote the pattern: the crate's own words hold parts of it, and terms of the standard.
fn problem(error: &Error) -> &'static str {
    match error {
        Error::Tokenizer(..) => "a name, a group or an escape is not complete",
        Error::Parser(_) => "braces or a modifier are out of place, or two groups have one name",
        Error::Url(_) => "a component holds what it cannot",
        Error::RegExp(()) => "a regular expression is not valid",
        Error::BaseUrlRequired | Error::BaseUrlWithInit => "it is relative to nothing",
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        SHARED.forget((&*self.text, &self.base), self);
    }
}

impl PartialEq for UrlPattern {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for UrlPattern {}

impl PartialOrd for UrlPattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UrlPattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for UrlPattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Debug for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests;
