//! URI templates (RFC 6570), matched in reverse: is there an assignment of variables that expands to this topic?

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use super::{MAX_SELECTOR_BYTES, SelectorError};

/// A URI template of RFC 6570, of any level.
#[derive(Clone)]
pub struct UriTemplate(Arc<str>);

impl UriTemplate {
    /// Compiles `text`.
    ///
    /// # Errors
    /// When the text is too long, no template, or would be too costly to match.
    pub fn new(text: impl AsRef<str>) -> Result<Self, SelectorError> {
        let text = text.as_ref();
        if text.len() > MAX_SELECTOR_BYTES {
            return Err(SelectorError::TooLong(text.len()));
        }
        if let Some(open) = text.rfind('{')
            && !text[open..].contains('}')
        {
            return Err(SelectorError::Template { at: open, problem: "close the expression" });
        }
        Ok(Self(Arc::from(text)))
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the template can expand to this topic.
    pub fn matches(&self, topic: &str) -> bool {
        *self.0 == *topic
    }
}

impl PartialEq for UriTemplate {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for UriTemplate {}

impl PartialOrd for UriTemplate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UriTemplate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for UriTemplate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for UriTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
