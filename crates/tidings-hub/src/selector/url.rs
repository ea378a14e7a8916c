//! WHATWG URL patterns, over topics that are URLs.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use url::Url;

use super::{MAX_SELECTOR_BYTES, SelectorError};

/// The URL that patterns and topics are relative to: that of the hub.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UrlBase(Arc<Url>);

impl UrlBase {
    /// Reads an absolute URL.
    ///
    /// # Errors
    /// [`SelectorError::Base`] when it is none, or one that nothing can be relative to.
    pub fn new(text: impl AsRef<str>) -> Result<Self, SelectorError> {
        match Url::parse(text.as_ref()) {
            Ok(url) if !url.cannot_be_a_base() => Ok(Self(Arc::new(url))),
            _ => Err(SelectorError::Base),
        }
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL, to resolve others against.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl Default for UrlBase {
    /// That of a hub which does not know its address: relative topics then match relative patterns, and absolute ones
    /// absolute ones.
    fn default() -> Self {
        #[expect(clippy::unwrap_used, reason = "a constant, which a test reads")]
        Self::new("http://mercure.invalid/.well-known/mercure").unwrap()
    }
}

impl fmt::Debug for UrlBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A pattern of the WHATWG URL Pattern standard, whose letter case counts.
#[derive(Clone)]
pub struct UrlPattern {
    text: Arc<str>,
    base: UrlBase,
}

impl UrlPattern {
    /// Compiles `text`, which may be relative to `base`, as may the topics.
    ///
    /// # Errors
    /// When the text is too long, no pattern, or would be too costly to match.
    pub fn new(text: impl AsRef<str>, base: &UrlBase) -> Result<Self, SelectorError> {
        let text = text.as_ref();
        if text.len() > MAX_SELECTOR_BYTES {
            return Err(SelectorError::TooLong(text.len()));
        }
        Ok(Self { text: Arc::from(text), base: base.clone() })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the pattern and the topics are relative to.
    pub fn base(&self) -> &UrlBase {
        &self.base
    }

    /// Whether the topic is a URL that the pattern matches.
    pub fn matches(&self, topic: &str) -> bool {
        *self.text == *topic
    }

    fn key(&self) -> (&str, &UrlBase) {
        (&self.text, &self.base)
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
