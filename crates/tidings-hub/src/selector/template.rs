//! URI templates (RFC 6570), matched in reverse: is there an assignment of the variables that expands to this topic?

mod compile;
mod parse;

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, LazyLock},
};

use super::{MAX_SELECTOR_BYTES, SelectorError, program::Program, shared::Shared, uri::AsUri};

/// A URI template of RFC 6570, of any level.
///
/// It matches the topics that some assignment of its variables expands to: strings, lists and associative arrays, and
/// variables that are not defined, which expand to nothing. `https://example.com/books/{id}` matches
/// `https://example.com/books/1` and `https://example.com/books/`, not `https://example.com/books/1/2`;
/// `https://example.com/books{/id*}` matches that as well.
///
/// - Texts are compared as URIs: a character outside of ASCII is the same as its percent-encoded octets, and the digits
///   of an octet may be in either case. A percent-encoded octet stands in a value wherever a character may.
/// - A variable that occurs more than once may have another value each time.
/// - A prefix `{id:3}` is at most three characters, an encoded one counting as one.
///
/// Matching takes time in proportion to the topic's length. Cloning is cheap, and equal templates share their memory.
#[derive(Clone)]
pub struct UriTemplate(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    text: Box<str>,
    /// The text's first so many bytes begin every topic that it matches.
    prefix: usize,
    /// Matches what comes behind the prefix.
    program: Program,
}

static SHARED: LazyLock<Shared<Compiled>> = LazyLock::new(Shared::default);

impl UriTemplate {
    /// Compiles `text`.
    ///
    /// # Errors
    /// When the text is longer than [`MAX_SELECTOR_BYTES`], is no template, or would be too costly to match.
    pub fn new(text: impl AsRef<str>) -> Result<Self, SelectorError> {
        let text = text.as_ref();
        if text.len() > MAX_SELECTOR_BYTES {
            return Err(SelectorError::TooLong(text.len()));
        }
        let compile = || {
            let parts = parse::parse(text)?;
            let prefix = compile::prefix(&parts);
            Ok(Compiled { text: text.into(), prefix, program: compile::compile(&parts, prefix)? })
        };
        SHARED.get(text, |known| *known.text == *text, compile).map(Self)
    }

    /// As [`Selection::branches`](super::Selection::branches).
    pub(super) fn branches(&self) -> usize {
        self.0.program.branches()
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// What every topic that the template matches begins with, byte for byte.
    pub(crate) fn prefix(&self) -> &str {
        &self.0.text[..self.0.prefix]
    }

    /// Whether the template can expand to this topic.
    pub fn matches(&self, topic: &str) -> bool {
        match topic.strip_prefix(self.prefix()) {
            Some(rest) => self.0.program.matches(AsUri::new(rest.as_bytes())),
            None => false,
        }
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        SHARED.forget(&*self.text, self);
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

#[cfg(test)]
mod tests;
