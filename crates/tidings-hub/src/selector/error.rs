//! Why a text is not a selector.

use crate::topic::TopicError;

/// The longest URI template or URL pattern, in bytes.
pub const MAX_SELECTOR_BYTES: usize = 4096;

/// Why a text is not a selector. The text of an error is safe to show to whoever wrote the selector: it holds neither the
/// selector nor what an engine says about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// An exact topic or a pattern breaks the rule for names.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// The text is longer than [`MAX_SELECTOR_BYTES`].
    #[error("a selector is {0} bytes long: at most {MAX_SELECTOR_BYTES} are allowed")]
    TooLong(usize),
    /// The text is no URI template of RFC 6570.
    #[error("not a URI template, at byte {at}: {problem}")]
    Template {
        /// Where it stops being one, in bytes.
        at: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// The text is no URL pattern.
    #[error("not a URL pattern: {0}")]
    Url(&'static str),
    /// The text is no absolute URL that others can be relative to.
    #[error("not a base URL: give an absolute one, such as https://example.com/.well-known/mercure")]
    Base,
    /// Matching it would take too much time or memory.
    #[error("a selector is too complex: use fewer variables, groups and repetitions")]
    TooComplex,
}
