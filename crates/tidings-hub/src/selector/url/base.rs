//! What URL patterns and topics are relative to.

use std::{fmt, sync::Arc};

use url::Url;

use super::super::SelectorError;

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

    /// The URL that a topic is.
    pub(crate) fn resolve(&self, topic: &str) -> Option<Url> {
        self.0.join(topic).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_absolute() {
        assert_eq!(UrlBase::default().as_str(), "http://mercure.invalid/.well-known/mercure");
        for text in ["", "/.well-known/mercure", "example.com", "mailto:a@example.com"] {
            assert_eq!(UrlBase::new(text), Err(SelectorError::Base), "{text}");
        }
    }
}
